//! Upkeep: how long do answers take while Postgres writes a checkpoint, and while it vacuums?

use crate::Result;
use crate::load::{self, Load, Measured};
use crate::receiver::Receiver;
use crate::server::Server;

/// What Postgres does by itself during a measurement: at its own pace, but sooner than usual.
struct Upkeep {
    name: &'static str,
    checkpoints: bool,
    vacuums: bool,
}

static UPKEEPS: [Upkeep; 4] = [
    Upkeep { name: "nothing else", checkpoints: false, vacuums: false },
    Upkeep { name: "a checkpoint", checkpoints: true, vacuums: false },
    Upkeep { name: "autovacuum", checkpoints: false, vacuums: true },
    Upkeep { name: "a checkpoint and autovacuum", checkpoints: true, vacuums: true },
];

/// How one receiver answered during one kind of upkeep: the round with the median of p99.
pub(crate) struct Answers {
    pub(crate) receiver: &'static str,
    pub(crate) upkeep: &'static str,
    pub(crate) rate: f64,
    pub(crate) measured: Measured,
}

/// Seconds of the trial that measures how much a receiver accepts.
const TRIAL: u64 = 5;

/// Measures at half of the rate that each receiver reaches alone, every upkeep in turn, round by round.
pub(crate) async fn measure(
    server: &Server,
    receivers: &mut [Receiver],
    load: Load,
    rounds: usize,
) -> Result<Vec<Answers>> {
    let mut answers = Vec::new();
    for receiver in receivers {
        let name = receiver.kind.name;
        let trial = receiver.turn(server, Load { seconds: TRIAL, ..load }).await?;
        let rate = trial.per_second() / 2.0;
        let load = Load { rate: Some(rate), ..load };
        let mut turns = UPKEEPS.each_ref().map(|_| Vec::new());
        for round in 1..=rounds {
            for (upkeep, turns) in UPKEEPS.iter().zip(&mut turns) {
                let measured = upkeep.turn(server, receiver, load).await?;
                eprintln!("round {round}, {name} at {rate:.0}/s, {}: {measured}", upkeep.name);
                turns.push(measured);
            }
        }
        answers.extend(UPKEEPS.iter().zip(turns).map(|(upkeep, turns)| {
            let measured = load::median(turns, |measured| measured.milliseconds(0.99));
            Answers { receiver: name, upkeep: upkeep.name, rate, measured }
        }));
    }
    Ok(answers)
}

/// The progress of upkeep: where the last whole checkpoint began, and how many tables were vacuumed.
struct Progress {
    checkpoint: String,
    vacuums: i64,
}

impl Upkeep {
    async fn turn(&self, server: &Server, receiver: &mut Receiver, load: Load) -> Result<Measured> {
        self.begin(server).await?;
        let before = Progress::of(server, receiver).await?;
        let measured = receiver.turn(server, load).await?;
        let after = Progress::of(server, receiver).await?;
        let done = (before.checkpoint != after.checkpoint, before.vacuums != after.vacuums);
        if done == (self.checkpoints, self.vacuums) {
            return Ok(measured);
        }
        let refused =
            "Postgres did not do exactly the upkeep of this measurement: measure for 60 seconds";
        Err(refused.into())
    }

    /// The shortest intervals that Postgres allows; it spreads a checkpoint over nine tenths of the interval.
    async fn begin(&self, server: &Server) -> Result<()> {
        let checkpoint_timeout = if self.checkpoints { "30s" } else { "1h" };
        let autovacuum = if self.vacuums { "on" } else { "off" };
        let client = server.client("postgres").await?;
        for setting in [
            format!("checkpoint_timeout = '{checkpoint_timeout}'"),
            format!("autovacuum = {autovacuum}"),
            "autovacuum_naptime = '1s'".to_owned(),
        ] {
            client.batch_execute(&format!("alter system set {setting}")).await?;
        }
        // The next checkpoint is scheduled from here, and begins at once if it is due.
        if !self.checkpoints {
            client.batch_execute("checkpoint").await?;
        }
        Ok(client.batch_execute("select pg_reload_conf()").await?)
    }
}

impl Progress {
    async fn of(server: &Server, receiver: &Receiver) -> Result<Self> {
        let sql = "select (select redo_lsn::text from pg_control_checkpoint()),
            (select sum(autovacuum_count)::bigint from pg_stat_all_tables)";
        let row = server.client(&receiver.database).await?.query_one(sql, &[]).await?;
        Ok(Self { checkpoint: row.get(0), vacuums: row.get(1) })
    }
}
