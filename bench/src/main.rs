//! `cargo xtask bench NAME`: figures as ratios between two things measured in turns, in one run, on the same core.
//!
//! The server has one core to itself and the load another. What is compared is measured A B A B …, and the medians of
//! the rounds are compared, so that a machine that is slow for a while is slow for both. A request answered with an error
//! ends the run: an error is quick, and would make a figure look good.

mod cluster;
mod countersign_process;
mod load;
mod machine;
mod process;
mod report;
mod rounds;
mod scale;
mod token;
mod transfer;
mod verify;
mod write;

use anyhow::bail;

/// As in the server, so that what is measured in this process has the memory that it would have there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    countersign::tls::install_provider();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        // The load runs in a process of its own, on a core of its own.
        ["load", plan] => load::run(plan),
        ["sign", algorithm, seconds] => token::raw::run(algorithm, seconds),
        ["insert"] => write::one_insert_per_commit(),
        ["token"] => token::bench(),
        ["scale"] => scale::bench(1_000_000),
        ["scale", clients] => scale::bench(clients.parse()?),
        ["transfer"] => transfer::bench(1_000_000),
        ["transfer", clients] => transfer::bench(clients.parse()?),
        ["check", contender, algorithm, seconds] => verify::run(contender, algorithm, seconds),
        ["verify"] => verify::bench(),
        ["write"] => write::bench(),
        ["cluster"] => cluster::bench(),
        _ => {
            bail!("cargo xtask bench token | scale [clients] | transfer [clients] | write | cluster | verify")
        }
    }
}
