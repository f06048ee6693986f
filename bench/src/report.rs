//! The results: a table for people, numbers for programs, and a chart.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::Result;
use crate::growth::Step;
use crate::load::{self, Measured};
use crate::pgbench::Limit;
use crate::upkeep::Answers;

/// The result of one receiver at one load: the round with the median of deliveries per second.
pub(crate) struct Row {
    pub(crate) receiver: &'static str,
    pub(crate) connections: usize,
    /// Deliveries per second to send; `None` for a closed loop.
    rate: Option<f64>,
    /// Deliveries per second of each round.
    rounds: Vec<f64>,
    measured: Measured,
}

impl Row {
    pub(crate) fn new(receiver: &'static str, connections: usize, turns: Vec<Measured>) -> Self {
        let rounds = turns.iter().map(Measured::per_second).collect();
        let measured = load::median(turns, Measured::per_second);
        Self { receiver, connections, rate: None, rounds, measured }
    }

    /// The round with the median of p99.
    pub(crate) fn at_rate(receiver: &'static str, rate: f64, turns: Vec<Measured>) -> Self {
        let rounds = turns.iter().map(Measured::per_second).collect();
        let measured = load::median(turns, |measured| measured.milliseconds(0.99));
        Self { receiver, connections: 64, rate: Some(rate), rounds, measured }
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.measured.per_second()
    }

    /// How many times as many deliveries the other one accepts: the median of the rounds, in which both ran on the
    /// same machine.
    fn ratio(&self, other: &Self) -> f64 {
        let ratios = other.rounds.iter().zip(&self.rounds).map(|(theirs, own)| theirs / own);
        load::median(ratios.collect(), |ratio| *ratio)
    }

    fn load(&self) -> String {
        match self.rate {
            None => self.connections.to_string(),
            Some(rate) => format!("{rate:.0}/s due"),
        }
    }

    fn line(&self, ours: Option<&Self>) -> String {
        let Measured { usage, refused, .. } = &self.measured;
        let ms = |quantile| self.measured.milliseconds(quantile);
        let ratio = ours.map_or(String::new(), |ours| format!("{:.2}", self.ratio(ours)));
        format!(
            "| {} | {} | {:.0} | {ratio} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} | {:.1} | {:.0} | {refused} |",
            self.load(),
            self.receiver,
            self.per_second(),
            ms(0.5),
            ms(0.9),
            ms(0.99),
            ms(0.999),
            self.measured.each(usage.service) * 1e6,
            self.measured.each(usage.postgres) * 1e6,
            self.measured.each(usage.wal) / 1000.0,
            usage.memory / 1e6,
        )
    }

    fn json(&self) -> Value {
        let Measured { usage, refused, .. } = &self.measured;
        let ms = |quantile| self.measured.milliseconds(quantile);
        json!({
            "receiver": self.receiver, "connections": self.connections, "due_per_second": self.rate,
            "per_second": self.per_second(), "refused": refused,
            "p50_ms": ms(0.5), "p90_ms": ms(0.9), "p99_ms": ms(0.99), "p99.9_ms": ms(0.999),
            "service_cpu_us": self.measured.each(usage.service) * 1e6, "postgres_cpu_us": self.measured.each(usage.postgres) * 1e6,
            "wal_bytes": self.measured.each(usage.wal), "service_memory_bytes": usage.memory,
        })
    }
}

const HEAD: &str = "\
| connections | receiver | deliveries/s | users-sync is × | p50 ms | p90 ms | p99 ms | p99.9 ms | CPU receiver µs | CPU Postgres µs | WAL kB | memory MB | refused |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
";

pub(crate) fn write(directory: &Path, rows: &[Row], limits: &[Limit]) -> Result<()> {
    let mut table = HEAD.to_owned();
    for row in rows {
        let same_load =
            |other: &&Row| other.receiver == "users-sync" && other.connections == row.connections;
        let ours = rows.iter().find(same_load).filter(|_| row.rate.is_none());
        writeln!(table, "{}", row.line(ours))?;
    }
    if !limits.is_empty() {
        table.push_str("\n| pgbench alone | clients | rows/s | mean ms a transaction | p99 ms | CPU Postgres µs a row |\n|---|---:|---:|---:|---:|---:|\n");
    }
    for Limit { name, clients, rows_per_second, cpu, mean, p99, rate } in limits {
        let due = rate.map_or(String::new(), |rate| format!(", {rate:.0}/s due"));
        writeln!(
            table,
            "| {name}{due} | {clients} | {rows_per_second:.0} | {mean:.2} | {p99:.2} | {cpu:.0} |"
        )?;
    }
    publish(directory, "results.md", &table)?;
    let rows_json: Vec<_> = rows.iter().map(Row::json).collect();
    fs::write(directory.join("results.json"), serde_json::to_string_pretty(&rows_json)?)?;
    fs::write(directory.join("chart.svg"), chart(rows)?)?;
    Ok(())
}

const GROWTH_HEAD: &str = "\
| tables | deliveries/s | p50 ms | p99 ms | CPU receiver µs | CPU Postgres µs | × the first | WAL kB |
|---|---:|---:|---:|---:|---:|---:|---:|
";

pub(crate) fn write_growth(directory: &Path, steps: &[Step]) -> Result<()> {
    let mut table = GROWTH_HEAD.to_owned();
    let cost = |step: &Step| step.measured.each(step.measured.usage.postgres) * 1e6;
    for step in steps {
        let Measured { usage, .. } = &step.measured;
        writeln!(
            table,
            "| {} | {:.0} | {:.2} | {:.2} | {:.0} | {:.0} | {:.2} | {:.1} |",
            step.name(),
            step.measured.per_second(),
            step.measured.milliseconds(0.5),
            step.measured.milliseconds(0.99),
            step.measured.each(usage.service) * 1e6,
            cost(step),
            cost(step) / cost(&steps[0]),
            step.measured.each(usage.wal) / 1000.0,
        )?;
    }
    publish(directory, "growth.md", &table)
}

const UPKEEP_HEAD: &str = "\
| receiver | deliveries/s due | meanwhile | p50 ms | p90 ms | p99 ms | p99.9 ms | CPU Postgres µs | WAL kB |
|---|---:|---|---:|---:|---:|---:|---:|---:|
";

pub(crate) fn write_upkeep(directory: &Path, answers: &[Answers]) -> Result<()> {
    let mut table = UPKEEP_HEAD.to_owned();
    for Answers { receiver, upkeep, rate, measured } in answers {
        let ms = |quantile| measured.milliseconds(quantile);
        writeln!(
            table,
            "| {receiver} | {rate:.0} | {upkeep} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {:.1} |",
            ms(0.5),
            ms(0.9),
            ms(0.99),
            ms(0.999),
            measured.each(measured.usage.postgres) * 1e6,
            measured.each(measured.usage.wal) / 1000.0,
        )?;
    }
    publish(directory, "upkeep.md", &table)
}

fn publish(directory: &Path, name: &str, table: &str) -> Result<()> {
    println!("{table}");
    fs::create_dir_all(directory)?;
    Ok(fs::write(directory.join(name), table)?)
}

/// Deliveries per second as bars, grouped by the number of connections.
fn chart(rows: &[Row]) -> Result<String> {
    let closed: Vec<&Row> = rows.iter().filter(|row| row.rate.is_none()).collect();
    let most = closed.iter().map(|row| row.per_second()).fold(1.0, f64::max);
    let mut body = String::new();
    let (mut y, mut group) = (40.0, None);
    for row in &closed {
        if group != Some(row.connections) {
            group = Some(row.connections);
            y += 14.0;
            writeln!(
                body,
                "<text x=\"10\" y=\"{:.0}\" class=\"group\">{} connections</text>",
                y + 8.0,
                row.connections
            )?;
            y += 16.0;
        }
        body.push_str(&bar(row, row.per_second() / most * 420.0, y)?);
        y += 18.0;
    }
    let height = y + 20.0;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 {height:.0}\" role=\"img\" aria-label=\"Deliveries per second\">\n\
         <style>text{{font:12px sans-serif;fill:#222}}.title,.group{{font-weight:bold}}.ours{{fill:#2a6f4e}}.peer{{fill:#9aa5ab}}rect.back{{fill:#fff}}</style>\n\
         <rect class=\"back\" width=\"640\" height=\"{height:.0}\"/>\n\
         <text x=\"10\" y=\"24\" class=\"title\">Deliveries per second, acknowledged after the commit</text>\n{body}</svg>\n"
    ))
}

fn bar(row: &Row, width: f64, y: f64) -> Result<String> {
    let mut bar = String::new();
    let class = if row.receiver == "users-sync" { "ours" } else { "peer" };
    writeln!(
        bar,
        "<text x=\"130\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
        y + 11.0,
        row.receiver
    )?;
    writeln!(
        bar,
        "<rect x=\"138\" y=\"{y:.0}\" width=\"{width:.0}\" height=\"14\" class=\"{class}\"/>"
    )?;
    writeln!(
        bar,
        "<text x=\"{:.0}\" y=\"{:.0}\">{:.0}</text>",
        144.0 + width,
        y + 11.0,
        row.per_second()
    )?;
    Ok(bar)
}
