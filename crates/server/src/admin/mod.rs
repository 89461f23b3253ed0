//! The admin API: what operators see and do.

pub mod audit;
pub mod clients;
pub mod credentials;
pub mod import;
pub mod keys;
pub mod lists;
pub mod operators;
pub mod projects;
pub mod provider_operations;
pub mod providers;
pub mod secrets;
pub mod usage;
