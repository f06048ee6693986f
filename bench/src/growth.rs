//! Growth: does a delivery cost the same with many users, or with a long history?

use std::str::FromStr;

use crate::Result;
use crate::audit;
use crate::load::{self, Load, Measured};
use crate::receiver::{Kind, Receiver};
use crate::server::Server;
use crate::tables::Size;

/// `USERS` or `USERS:JOURNAL`, as on the command line.
#[derive(Clone, Copy)]
pub(crate) struct Grown {
    users: u32,
    journal: u32,
}

impl FromStr for Grown {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (users, journal) = text.split_once(':').unwrap_or((text, "0"));
        Ok(Self { users: users.parse()?, journal: journal.parse()? })
    }
}

/// Objects are small, so that millions of users fit into memory.
const FIELDS: u32 = 15;

/// The cost of a delivery at one size: the round with the median of Postgres's CPU.
pub(crate) struct Step {
    pub(crate) grown: Grown,
    pub(crate) measured: Measured,
}

impl Step {
    pub(crate) fn name(&self) -> String {
        let Grown { users, journal } = self.grown;
        format!("{users} users, {journal} journal rows")
    }
}

/// Measures the sizes in turn, round by round; the first round fills the caches and is not counted.
pub(crate) async fn measure(
    server: &Server,
    sizes: &[Grown],
    load: Load,
    rounds: usize,
) -> Result<Vec<Step>> {
    let mut receivers = Vec::new();
    for (place, &Grown { users, journal }) in sizes.iter().enumerate() {
        eprintln!("filling {users} users and {journal} journal rows");
        let size = Size { users, journal, fields: FIELDS };
        let kind = Kind::named("users-sync")?;
        receivers.push(Receiver::start(kind, server, format!("growth_{place}"), size).await?);
    }
    let mut turns = vec![Vec::new(); receivers.len()];
    for round in 0..=rounds {
        for (receiver, turns) in receivers.iter_mut().zip(&mut turns) {
            let measured = receiver.turn(server, load).await?;
            eprintln!("round {round}, {}: {measured}", receiver.database);
            if round > 0 {
                turns.push(measured);
            }
        }
    }
    audit::check(&receivers, server).await?;
    Ok(sizes
        .iter()
        .zip(turns)
        .map(|(&grown, turns)| Step {
            grown,
            measured: load::median(turns, |measured| measured.usage.postgres),
        })
        .collect())
}
