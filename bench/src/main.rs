//! How many deliveries per second a receiver takes, what each costs, and whether every acknowledged one is in the table.
//!
//! Every receiver gets a database of its own, filled with the same users, on one Postgres with fsync on; they take turns,
//! round by round, so that what disturbs the machine disturbs them all. Compare the ratios of one run, not numbers across runs.

mod audit;
mod load;
mod pgbench;
mod process;
mod receiver;
mod report;
mod server;
mod workload;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use load::Measured;
use receiver::{Kind, Receiver};
use report::Row;
use server::Server;
use workload::Workload;

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
    /// How often each measurement is taken; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Users that are in the tables before
    #[arg(long, default_value_t = 100_000)]
    users: u32,
    /// Rows that are in the journal before (users-sync only)
    #[arg(long, default_value_t = 0)]
    journal: u32,
    /// Also send at half of users-sync's own rate, timed from when each delivery was due
    #[arg(long)]
    open_loop: bool,
    /// Also let pgbench do the same work in Postgres alone
    #[arg(long)]
    pgbench: bool,
    /// Where the table and the chart go
    #[arg(long, default_value = "bench/results")]
    results: PathBuf,
    /// Where the databases live
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let kinds =
        arguments.receivers.iter().map(|name| Kind::named(name)).collect::<Result<Vec<_>>>()?;
    let server = Server::start(&arguments.scratch).await?;
    let measured = measure(&arguments, &kinds, &server).await;
    server.stop().await?;
    let (rows, limits) = measured?;
    report::write(&arguments.results, &rows, &limits)
}

async fn measure(
    arguments: &Arguments,
    kinds: &[&'static Kind],
    server: &Server,
) -> Result<(Vec<Row>, Vec<pgbench::Limit>)> {
    let mut receivers = Vec::new();
    for kind in kinds {
        eprintln!("{}: filling {} users", kind.name, arguments.users);
        receivers.push(Receiver::start(kind, server, arguments.users, arguments.journal).await?);
    }
    let limits = if arguments.pgbench {
        pgbench::limits(server, arguments.users, arguments.seconds).await?
    } else {
        Vec::new()
    };

    let mut rows = Vec::new();
    for &connections in &arguments.connections {
        let mut turns = vec![Vec::new(); receivers.len()];
        for round in 1..=arguments.rounds {
            for (receiver, turns) in receivers.iter_mut().zip(&mut turns) {
                let measured = turn(arguments, receiver, server, connections, None).await?;
                eprintln!(
                    "round {round}, {connections} connections, {}: {measured}",
                    receiver.kind.name
                );
                turns.push(measured);
            }
        }
        rows.extend(
            receivers
                .iter()
                .zip(turns)
                .map(|(receiver, turns)| Row::new(receiver.kind.name, connections, turns)),
        );
    }
    if arguments.open_loop {
        rows.extend(open_loop(arguments, &mut receivers, server, &rows).await?);
    }
    for receiver in &receivers {
        audit::check(receiver, server).await?;
    }
    Ok((rows, limits))
}

/// At half of the rate that each reached by itself at 64 connections.
async fn open_loop(
    arguments: &Arguments,
    receivers: &mut [Receiver],
    server: &Server,
    rows: &[Row],
) -> Result<Vec<Row>> {
    let mut open = Vec::new();
    for receiver in receivers {
        let own =
            rows.iter().find(|row| row.receiver == receiver.kind.name && row.connections == 64);
        let Some(own) = own else { continue };
        let rate = own.per_second() / 2.0;
        let measured = turn(arguments, receiver, server, 64, Some(rate)).await?;
        eprintln!("at {rate:.0} per second, {}: {measured}", receiver.kind.name);
        open.push(Row::at_rate(receiver.kind.name, rate, measured));
    }
    Ok(open)
}

async fn turn(
    arguments: &Arguments,
    receiver: &mut Receiver,
    server: &Server,
    connections: usize,
    rate: Option<f64>,
) -> Result<Measured> {
    let seconds = Duration::from_secs(arguments.seconds);
    // More than any receiver takes in the time; signatures are made before the clock starts.
    let most = rate.unwrap_or(14_000.0) * seconds.as_secs_f64();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let deliveries = Workload::new(arguments.users, receiver.next_user()).deliveries(most as usize);
    let before = server.usage(receiver.pid()).await?;
    let mut measured = load::run(receiver.address, &deliveries, connections, rate, seconds).await?;
    measured.charge(before, server.usage(receiver.pid()).await?);
    receiver.remember(deliveries, &measured);
    Ok(measured)
}
