//! Whether a statement over many rows failed because of one of them.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, GenericClient};

use super::fault::{Fault, Refusal};
use super::rights;
use crate::model::DeletePolicy;

/// Whether a row, or who holds it, may be at fault: then the other rows are worth another attempt.
pub fn is_on_the_row(error: &Error) -> bool {
    Refusal::of(error).is_some_and(|refusal| match refusal.fault {
        // A statement that takes too long may wait for one row's cascade.
        Fault::Slow | Fault::Value | Fault::Held | Fault::Unclear => true,
        Fault::Server | Fault::Listeners => false,
    })
}

/// The rights that our role lacks, where the server refused because one is missing. A trigger may use the same code, so the rights
/// are looked at.
pub async fn missing_rights(
    client: &impl GenericClient,
    error: &Error,
    policy: DeletePolicy,
) -> Option<String> {
    if error.code() != Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
        return None;
    }
    let missing = rights::missing(client, policy).await.ok()?;
    (!missing.is_empty()).then(|| missing.join(", "))
}
