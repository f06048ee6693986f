//! The limit: what Postgres does with the same rows when nobody receives, verifies or decodes anything.

use tokio::process::Command;

use crate::Result;
use crate::process::cpu_of_tree;
use crate::server::Server;

/// One way of writing the rows.
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) clients: u32,
    pub(crate) rows_per_second: f64,
    /// µs of Postgres's CPU for a row.
    pub(crate) cpu: f64,
    /// Of a transaction, in ms.
    pub(crate) latency: f64,
}

/// Name, script, rows in a transaction, clients.
const WAYS: [(&str, &str, f64, u32); 5] = [
    ("a row per transaction", "pgbench_one.sql", 1.0, 1),
    ("a row per transaction", "pgbench_one.sql", 1.0, 16),
    ("a row per transaction", "pgbench_one.sql", 1.0, 64),
    ("64 rows per transaction", "pgbench_batch.sql", 64.0, 1),
    ("64 rows per transaction", "pgbench_batch.sql", 64.0, 8),
];

pub(crate) async fn limits(server: &Server, users: u32, seconds: u64) -> Result<Vec<Limit>> {
    server.client("postgres").await?.batch_execute("create database pgbench").await?;
    let client = server.client("pgbench").await?;
    client.batch_execute(include_str!("../sql/peer.sql")).await?;
    client
        .batch_execute(&include_str!("../sql/fill_peer.sql").replace(":users", &users.to_string()))
        .await?;
    client.batch_execute("vacuum analyze").await?;
    let mut limits = Vec::new();
    for (name, script, rows, clients) in WAYS {
        let limit = limit(server, users, seconds, name, script, rows, clients).await?;
        eprintln!(
            "pgbench, {name}, {clients} clients: {:.0} rows/s, {:.0} µs a row",
            limit.rows_per_second, limit.cpu
        );
        limits.push(limit);
    }
    Ok(limits)
}

async fn limit(
    server: &Server,
    users: u32,
    seconds: u64,
    name: &'static str,
    script: &str,
    rows: f64,
    clients: u32,
) -> Result<Limit> {
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/sql");
    // An object of the size that the deliveries have, with a value that does not repeat.
    let words =
        (1..50).map(|k| format!("\"key_{k}\":\"{:016x}\"", k * 0x9e37_79b9_u64 * 0x1234_5677));
    let body = format!("{{{}}}", words.collect::<Vec<_>>().join(","));
    let before = cpu_of_tree(server.pid());
    // Beside the real program: the one that was found may be a link.
    let postgres = std::fs::canonicalize(server.programs.dir.join("postgres"))?;
    let output = Command::new(postgres.with_file_name("pgbench"))
        .args([
            "-n",
            "-M",
            "prepared",
            "-j",
            "2",
            "-c",
            &clients.to_string(),
            "-T",
            &seconds.to_string(),
        ])
        .args(["-D", &format!("users={users}"), "-D", &format!("body={body}")])
        .args(["-f", &format!("{scripts}/{script}"), &server.url("pgbench")])
        .output()
        .await?;
    let used = cpu_of_tree(server.pid()) - before;
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = |label: &str| -> Result<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(label));
        let number =
            line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
        number.ok_or_else(|| format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)).into())
    };
    let transactions = figure("number of transactions actually processed: ")?;
    Ok(Limit {
        name,
        clients,
        rows_per_second: figure("tps = ")? * rows,
        cpu: used * 1e6 / (transactions * rows),
        latency: figure("latency average = ")?,
    })
}
