//! The first project and operator of every server started here. The server is told them by `COUNTERSIGN_BOOTSTRAP_*`, so
//! that two servers on two folders know the same ones.

/// The project.
pub const PROJECT_ID: &str = "project-test-6f1f3a52-8c0e-4f7d-9b44-2f6f0f6a9c11";

/// Its secret. At least 32 random characters, or the server would have to digest it slowly.
pub const PROJECT_SECRET: &str = "secret-test-q7Zt4mWc0VbX9sLr2KdYh8NfGu5JpEoA";

/// The key of an operator that may do everything.
pub const OPERATOR_KEY: &str = "cso_e2eH3vTq8RzLw1YbNc6XkMd0PsJg5FuAi9QoVt2Be";
