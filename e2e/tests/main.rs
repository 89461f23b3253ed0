//! Tests of the whole binary, as a process. Each file is about one promise.

mod client_rust;
mod cluster;
mod crash;
mod full_disk;
mod leaks;
mod master_key_rotation;
mod serve;
mod stop;
mod sync_order;
mod tally;
mod tls;
mod transfer;
