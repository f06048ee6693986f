//! Predicts the outcomes of deliveries: applies the law to them in the present state, and rolls everything back.

use std::time::Duration;

use tokio_postgres::{Client, Error};

use super::batch::Batch;
use super::naming::{Names, Naming};
use crate::db::apply::{self, Judgement};
use crate::db::composite::Types;
use crate::db::fault::{Fault, Refusal};
use crate::db::journal;
use crate::db::transaction;
use crate::law::one_owner_each;
use crate::model::Outcome;
use crate::webhook::{Decoded, Delivery};

/// The time limit for another session's lock; a session that waits for ours waits for one statement.
const LOCK_WAIT: Duration = Duration::from_secs(6);

/// Their outcomes, found together if possible; a delivery that Postgres would refuse is found by trying each alone.
pub(super) async fn rehearse(
    client: &mut Client,
    naming: &Naming,
    deliveries: Vec<Delivery>,
) -> Result<Vec<Outcome>, Error> {
    let mut decoded = Vec::new();
    for delivery in deliveries {
        let made_at = match delivery.made_at() {
            Some(at) => at,
            None => journal::first_received(client, delivery.source(), delivery.id())
                .await?
                .unwrap_or(delivery.received_at()),
        };
        decoded.push(named(client, naming, delivery.decode(made_at)).await?);
    }
    let types = Types::read(client).await?;
    let mut outcomes = vec![Outcome::Quarantined; decoded.len()];
    let mut rest: Vec<(usize, &Decoded)> = decoded.iter().enumerate().collect();
    while !rest.is_empty() {
        let (part, later) =
            one_owner_each(rest, |(_, decoded)| (&decoded.source, decoded.verdict.changes()));
        rest = later;
        for (place, outcome) in together_or_one_by_one(client, &types, &part).await? {
            outcomes[place] = outcome;
        }
    }
    Ok(outcomes)
}

/// The delivery with the ids of the tables, as far as they are recorded.
async fn named(client: &Client, naming: &Naming, decoded: Decoded) -> Result<Decoded, Error> {
    let changes = decoded.verdict.changes();
    let Some(mut names) = Names::of(naming, &decoded.source, changes) else { return Ok(decoded) };
    names.read(client).await?;
    Ok(names.renamed_in(&decoded))
}

async fn together_or_one_by_one(
    client: &mut Client,
    types: &Types,
    part: &[(usize, &Decoded)],
) -> Result<Vec<(usize, Outcome)>, Error> {
    match attempt(client, types, part).await {
        Err(error) if Refusal::of(&error).is_some() => {}
        result => return result,
    }
    let mut outcomes = Vec::new();
    for one in part {
        match attempt(client, types, std::slice::from_ref(one)).await {
            Err(error) if is_of_a_value(&error) => outcomes.push((one.0, Outcome::Quarantined)),
            result => outcomes.extend(result?),
        }
    }
    Ok(outcomes)
}

fn is_of_a_value(error: &Error) -> bool {
    let refusal = Refusal::of(error);
    refusal.is_some_and(|refusal| matches!(refusal.fault, Fault::Value | Fault::Unclear))
}

async fn attempt(
    client: &mut Client,
    types: &Types,
    part: &[(usize, &Decoded)],
) -> Result<Vec<(usize, Outcome)>, Error> {
    let batch = Batch::of(part.iter().map(|(_, decoded)| *decoded), false);
    let transaction = client.transaction().await?;
    let applied =
        apply::apply(&transaction, types, &batch.claims, &batch.entries, None, LOCK_WAIT).await?;
    // A deferred constraint is checked at the commit, which a rehearsal never reaches.
    transaction::check_deferred(&transaction).await?;
    transaction.rollback().await?;
    let judgements = batch.judgements(&applied.judgements);
    let places = part.iter().map(|(place, _)| *place);
    Ok(places.zip(judgements.iter().map(outcome)).collect())
}

/// The outcome that the writer would finally report.
fn outcome(judgement: &Judgement) -> Outcome {
    match judgement {
        Judgement::Journaled(outcome) => *outcome,
        Judgement::Foreign(_) => Outcome::Quarantined,
        Judgement::Unknown => Outcome::Stale,
    }
}
