//! The binary `countersign`.

/// The system's allocator keeps what a burst of requests freed in an arena per thread, and takes longer on the token path.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    countersign::cli::run()
}
