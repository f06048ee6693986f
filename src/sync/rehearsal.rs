//! What would become of deliveries: the law is applied to them as things stand, and all of it is taken back.

use std::time::Duration;

use tokio_postgres::{Client, Error};

use super::fold::fold;
use crate::db::{apply, journal, session};
use crate::model::Outcome;
use crate::webhook::{Decoded, Delivery};

/// For somebody else's lock; whoever waits for ours waits for one statement.
const LOCK_WAIT: Duration = Duration::from_secs(6);

/// Their outcomes, together where that is possible; what Postgres would refuse is found one by one.
pub(super) async fn rehearse(
    client: &mut Client,
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
        decoded.push(delivery.decode(made_at));
    }
    match attempt(client, &decoded).await {
        Err(error) if session::is_refusal(&error) => {}
        result => return result,
    }
    let mut outcomes = Vec::new();
    for one in &decoded {
        match attempt(client, std::slice::from_ref(one)).await {
            Err(error) if session::is_refusal(&error) => outcomes.push(Outcome::Quarantined),
            result => outcomes.extend(result?),
        }
    }
    Ok(outcomes)
}

async fn attempt(client: &mut Client, decoded: &[Decoded]) -> Result<Vec<Outcome>, Error> {
    let batch = fold(decoded, false);
    let transaction = client.transaction().await?;
    let applied =
        apply::apply(&transaction, &batch.entities, &batch.entries, None, LOCK_WAIT).await?;
    // What is checked at the commit has to be checked now.
    transaction.batch_execute("set constraints all immediate").await?;
    transaction.rollback().await?;
    Ok(batch.outcomes(&applied.outcomes))
}
