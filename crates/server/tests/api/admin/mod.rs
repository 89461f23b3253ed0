//! What operators see and do: `src/admin`.

mod audit;
mod audit_export;
mod clients;
mod credentials;
mod import;
mod keys;
mod operators;
mod projects;
mod providers;
mod secrets;
mod usage;
