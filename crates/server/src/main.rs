//! The binary `countersign`.

fn main() -> std::process::ExitCode {
    countersign::cli::run()
}
