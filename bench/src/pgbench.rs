//! The limit: how fast Postgres writes the same rows without receiving, verifying or decoding.

use std::fs;
use std::path::Path;

use tokio::process::Command;

use crate::Result;
use crate::load;
use crate::process::cpu_of_tree;
use crate::server::{Server, sibling};
use crate::tables::{Size, Tables};
use crate::workload::Workload;

/// One way of writing the rows.
struct Way {
    name: &'static str,
    script: &'static str,
    tables: Tables,
    /// Rows in a transaction.
    rows: u32,
    clients: u32,
}

const fn way(
    name: &'static str,
    script: &'static str,
    tables: Tables,
    rows: u32,
    clients: u32,
) -> Way {
    Way { name, script, tables, rows, clients }
}

static WAYS: [Way; 7] = [
    way("a row per transaction, a peer's tables", "pgbench_peer_one.sql", Tables::Peer, 1, 1),
    way("a row per transaction, a peer's tables", "pgbench_peer_one.sql", Tables::Peer, 1, 16),
    way("a row per transaction, a peer's tables", "pgbench_peer_one.sql", Tables::Peer, 1, 64),
    way("64 rows per transaction, a peer's tables", "pgbench_peer_batch.sql", Tables::Peer, 64, 1),
    way("64 rows per transaction, a peer's tables", "pgbench_peer_batch.sql", Tables::Peer, 64, 8),
    way("64 rows per transaction, our tables", "pgbench_ours_batch.sql", Tables::Ours, 64, 1),
    way("64 rows per transaction, our tables", "pgbench_ours_batch.sql", Tables::Ours, 64, 8),
];

/// The result of one way: the round with the median of CPU, or of p99 if a rate is given.
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) clients: u32,
    pub(crate) rows_per_second: f64,
    /// µs of Postgres's CPU for a row.
    pub(crate) cpu: f64,
    /// The mean time of a transaction and its 99th percentile, in ms.
    pub(crate) mean: f64,
    pub(crate) p99: f64,
    /// Transactions per second to start; `None` to start the next one after each answer.
    pub(crate) rate: Option<f64>,
}

pub(crate) struct Pgbench<'a> {
    server: &'a Server,
    size: Size,
    seconds: u64,
    body: String,
}

impl<'a> Pgbench<'a> {
    pub(crate) async fn start(server: &'a Server, size: Size, seconds: u64) -> Result<Self> {
        for tables in [Tables::Peer, Tables::Ours] {
            tables.create(server, database(tables), &sibling("users-sync")?).await?;
            tables.fill(server, database(tables), size).await?;
        }
        let body = Workload::new(size.users, 0).object().to_string();
        Ok(Self { server, size, seconds, body })
    }

    /// Every way in turn, round by round.
    pub(crate) async fn limits(&self, rounds: usize) -> Result<Vec<Limit>> {
        let mut turns = WAYS.each_ref().map(|_| Vec::new());
        for _ in 0..rounds {
            for (way, turns) in WAYS.iter().zip(&mut turns) {
                turns.push(self.limit(way, None).await?);
            }
        }
        Ok(turns.into_iter().map(|turns| load::median(turns, |limit| limit.cpu)).collect())
    }

    /// One row per transaction at this rate per second, timed from when each is due.
    pub(crate) async fn at_rate(&self, rate: f64, rounds: usize) -> Result<Limit> {
        let mut turns = Vec::new();
        for _ in 0..rounds {
            turns.push(self.limit(&WAYS[1], Some(rate)).await?);
        }
        Ok(load::median(turns, |limit| limit.p99))
    }

    async fn limit(&self, way: &Way, rate: Option<f64>) -> Result<Limit> {
        let log = self.server.scratch.join("pgbench");
        fs::create_dir(&log)?;
        let before = cpu_of_tree(self.server.pid());
        let output = self.command(way, rate, &log)?.output().await?;
        let used = cpu_of_tree(self.server.pid()) - before;
        let printed = String::from_utf8_lossy(&output.stdout);
        let rows = f64::from(way.rows);
        let figure = |label: &str| -> Result<f64> {
            let line = printed.lines().find_map(|line| line.strip_prefix(label));
            let word = line.and_then(|line| line.split_whitespace().next());
            let refused = || format!("pgbench: {}", String::from_utf8_lossy(&output.stderr));
            Ok(word.and_then(|word| word.parse().ok()).ok_or_else(refused)?)
        };
        let limit = Limit {
            name: way.name,
            clients: way.clients,
            rows_per_second: figure("tps = ")? * rows,
            cpu: used * 1e6 / (figure("number of transactions actually processed: ")? * rows),
            mean: figure("latency average = ")?,
            p99: p99(&log)?,
            rate,
        };
        fs::remove_dir_all(&log)?;
        eprintln!(
            "pgbench, {}, {} clients: {:.0} rows/s, {:.0} µs a row, p99 {:.2} ms",
            limit.name, limit.clients, limit.rows_per_second, limit.cpu, limit.p99
        );
        Ok(limit)
    }

    fn command(&self, way: &Way, rate: Option<f64>, log: &Path) -> Result<Command> {
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/sql");
        // Search beside the real program: the path that was found may be a link.
        let postgres = fs::canonicalize(self.server.programs.dir.join("postgres"))?;
        let mut command = Command::new(postgres.with_file_name("pgbench"));
        command
            .args(["-n", "-M", "prepared", "-j", "2", "-l"])
            .arg(format!("--log-prefix={}/log", log.display()))
            .args(["-c", &way.clients.to_string(), "-T", &self.seconds.to_string()])
            .args(rate.map(|rate| format!("--rate={rate:.0}")))
            .args(["-D", &format!("users={}", self.size.users)])
            .args(["-D", &format!("body={}", self.body)])
            .args(["-f", &format!("{scripts}/{}", way.script)])
            .arg(self.server.url(database(way.tables)));
        Ok(command)
    }
}

fn database(tables: Tables) -> &'static str {
    match tables {
        Tables::Peer => "pgbench_peer",
        Tables::Ours => "pgbench_ours",
    }
}

/// The 99th percentile in ms of the transactions in pgbench's logs: one line each, with the µs as the third word.
fn p99(log: &Path) -> Result<f64> {
    let mut times: Vec<f64> = Vec::new();
    for file in fs::read_dir(log)? {
        let text = fs::read_to_string(file?.path())?;
        times.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()));
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() * 99 / 100).ok_or("pgbench wrote no log")? / 1000.0)
}
