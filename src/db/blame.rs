//! Whether a statement over many rows failed because of one of them.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, GenericClient};

use super::fault::{Fault, Refusal};
use super::rights;
use crate::model::DeletePolicy;

/// Whether a row, or the holder of its lock, may be at fault: then a retry without that row can succeed.
pub fn is_on_the_row(error: &Error) -> bool {
    Refusal::of(error).is_some_and(|refusal| match refusal.fault {
        // A statement that takes too long may wait for one row's cascade.
        Fault::Slow | Fault::Value | Fault::Held | Fault::Unclear => true,
        Fault::Server | Fault::Listeners => false,
    })
}

/// The rights that our role lacks, if the server refused the statement because of a missing right. A trigger may
/// use the same code, so this function checks the rights themselves.
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
