//! How many deliveries per second a receiver accepts, what each one costs, and whether every acknowledged one is in
//! the table.
//!
//! Every receiver has its own database with the same users, on one Postgres with fsync on. They take turns, round
//! by round, so that a disturbance of the machine affects them all. Compare the ratios of one run, not numbers
//! across runs.

mod audit;
mod growth;
mod load;
mod pgbench;
mod process;
mod receiver;
mod report;
mod server;
mod tables;
mod upkeep;
mod workload;

use std::path::PathBuf;

use clap::Parser;

use growth::Grown;
use load::Load;
use pgbench::{Limit, Pgbench};
use receiver::{Kind, Receiver};
use report::Row;
use server::Server;
use tables::Size;
use workload::MOST_FIELDS;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Compares receivers of signed webhooks on one Postgres.
#[derive(Parser)]
struct Arguments {
    /// Receivers to compare, by name (see src/receiver.rs)
    #[arg(long, value_delimiter = ',', default_value = "users-sync,axum-16")]
    receivers: Vec<String>,
    /// Connections, each sending one delivery after the other
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    connections: Vec<usize>,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Number of rounds; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Number of users in the tables at the start
    #[arg(long, default_value_t = 100_000)]
    users: u32,
    /// Measure only users-sync instead, starting with this many users and journal rows: USERS:JOURNAL,…
    #[arg(long, value_delimiter = ',')]
    growth: Vec<Grown>,
    /// Time each receiver's answers instead while Postgres writes checkpoints and vacuums
    #[arg(long, conflicts_with = "growth")]
    upkeep: bool,
    /// Memory of Postgres for the tables
    #[arg(long, default_value = "1GB")]
    shared_buffers: String,
    /// Also send at half of each receiver's own rate, timed from when each delivery was due
    #[arg(long)]
    open_loop: bool,
    /// Also let pgbench do the same work in Postgres alone
    #[arg(long)]
    pgbench: bool,
    /// Directory for the table and the chart
    #[arg(long, default_value = "bench/results")]
    results: PathBuf,
    /// Directory for the databases
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let server = Server::start(&arguments.scratch, &arguments.shared_buffers).await?;
    let done = if arguments.upkeep {
        keep_up(&arguments, &server).await
    } else if arguments.growth.is_empty() {
        compare(&arguments, &server).await
    } else {
        grow(&arguments, &server).await
    };
    server.stop().await?;
    done
}

async fn grow(arguments: &Arguments, server: &Server) -> Result<()> {
    let load = Load { connections: 64, rate: None, seconds: arguments.seconds };
    let steps = growth::measure(server, &arguments.growth, load, arguments.rounds).await?;
    report::write_growth(&arguments.results, &steps)
}

async fn keep_up(arguments: &Arguments, server: &Server) -> Result<()> {
    let mut receivers = start(arguments, server).await?;
    let load = Load { connections: 64, rate: None, seconds: arguments.seconds };
    let answers = upkeep::measure(server, &mut receivers, load, arguments.rounds).await?;
    audit::check(&receivers, server).await?;
    report::write_upkeep(&arguments.results, &answers)
}

/// Starts each receiver over its own database.
async fn start(arguments: &Arguments, server: &Server) -> Result<Vec<Receiver>> {
    let names = arguments.receivers.iter();
    let kinds = names.map(|name| Kind::named(name)).collect::<Result<Vec<_>>>()?;
    let mut receivers = Vec::new();
    for kind in kinds {
        eprintln!("{}: filling {} users", kind.name, arguments.users);
        let database = kind.name.replace('-', "_");
        receivers.push(Receiver::start(kind, server, database, size(arguments)).await?);
    }
    Ok(receivers)
}

fn size(arguments: &Arguments) -> Size {
    Size { users: arguments.users, journal: 0, fields: MOST_FIELDS }
}

async fn compare(arguments: &Arguments, server: &Server) -> Result<()> {
    let mut receivers = start(arguments, server).await?;
    let pgbench = match arguments.pgbench {
        true => Some(Pgbench::start(server, size(arguments), arguments.seconds).await?),
        false => None,
    };
    let mut limits = match &pgbench {
        Some(pgbench) => pgbench.limits(arguments.rounds).await?,
        None => Vec::new(),
    };
    let mut rows = closed_loop(arguments, &mut receivers, server).await?;
    if arguments.open_loop {
        let (open, limit) =
            open_loop(arguments, &mut receivers, server, &rows, pgbench.as_ref()).await?;
        rows.extend(open);
        limits.extend(limit);
    }
    audit::check(&receivers, server).await?;
    report::write(&arguments.results, &rows, &limits)
}

async fn closed_loop(
    arguments: &Arguments,
    receivers: &mut [Receiver],
    server: &Server,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for &connections in &arguments.connections {
        let load = Load { connections, rate: None, seconds: arguments.seconds };
        let mut turns = vec![Vec::new(); receivers.len()];
        for round in 1..=arguments.rounds {
            for (receiver, turns) in receivers.iter_mut().zip(&mut turns) {
                let measured = receiver.turn(server, load).await?;
                let name = receiver.kind.name;
                eprintln!("round {round}, {connections} connections, {name}: {measured}");
                turns.push(measured);
            }
        }
        let names = receivers.iter().map(|receiver| receiver.kind.name);
        rows.extend(names.zip(turns).map(|(name, turns)| Row::new(name, connections, turns)));
    }
    Ok(rows)
}

/// Measures at half of the rate that each receiver reached at 64 connections; pgbench at half of the rate of
/// users-sync.
async fn open_loop(
    arguments: &Arguments,
    receivers: &mut [Receiver],
    server: &Server,
    rows: &[Row],
    pgbench: Option<&Pgbench<'_>>,
) -> Result<(Vec<Row>, Option<Limit>)> {
    let (mut open, mut limit) = (Vec::new(), None);
    for receiver in receivers {
        let name = receiver.kind.name;
        let own = rows.iter().find(|row| row.receiver == name && row.connections == 64);
        let Some(own) = own else { continue };
        let rate = own.per_second() / 2.0;
        let load = Load { connections: 64, rate: Some(rate), seconds: arguments.seconds };
        let mut turns = Vec::new();
        for _ in 0..arguments.rounds {
            let measured = receiver.turn(server, load).await?;
            eprintln!("at {rate:.0} per second, {name}: {measured}");
            turns.push(measured);
        }
        open.push(Row::at_rate(name, rate, turns));
        if let (true, Some(pgbench)) = (name == "users-sync", pgbench) {
            limit = Some(pgbench.at_rate(rate, arguments.rounds).await?);
        }
    }
    Ok((open, limit))
}
