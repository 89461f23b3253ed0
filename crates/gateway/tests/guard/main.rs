//! What stands between an admitted request and the wire, through the public door. One binary; its files are chapters.
#![cfg(test)]

mod address;
mod canonical_path;
mod dial;
mod framing;
mod headers_down;
mod headers_up;
mod raw_requests;
mod test_upstream;
