//! Tests through the front door, against issuers that record what reaches them.
#![cfg(test)]

mod any_of;
mod dependencies;
mod fuzz;
mod keys;
mod private_authority;
mod profiles;
mod seen;
mod services;
mod support;
mod tokens;
mod vectors;
