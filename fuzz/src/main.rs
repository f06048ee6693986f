//! Mutated requests for every signature scheme, and mutated bodies for every provider: none may panic, take longer than 10 ms
//! or be accepted without the key. `cargo run --profile fuzz -p users-sync-fuzz -- --requests 1000000`

#[path = "../../tests/it/harness/issuer.rs"]
mod issuer;

mod decoding;
mod mutation;
mod random;
mod report;
mod verifying;

use std::process::ExitCode;

use clap::Parser;

use mutation::Mutator;
use random::Random;
use report::Report;

#[derive(Parser)]
struct Arguments {
    /// How many requests, over all targets
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// The same seed gives the same mutations
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut mutator = Mutator(Random::new(arguments.seed));
    let verifying = verifying::targets();
    let decoding = decoding::targets();
    let each = arguments.requests.div_ceil((verifying.len() + decoding.len()) as u64);
    let of_schemes = verifying.iter().map(|target| target.run(each, &mut mutator));
    let mut reports: Vec<Report> = of_schemes.collect();
    reports.extend(decoding.iter().map(|target| target.run(each, &mut mutator)));

    println!("{:<34} {:>10} {:>10} {:>12}  failures", "target", "requests", "accepted", "slowest");
    reports.iter().for_each(Report::print);
    let requests: u64 = reports.iter().map(|report| report.requests).sum();
    let failures: u64 = reports.iter().map(Report::failures).sum();
    println!("{requests} requests, {failures} failures, seed {}", arguments.seed);
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
