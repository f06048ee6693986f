//! Whether a statement failed because of a row, or whatever row it had been given.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::rights;
use crate::model::DeletePolicy;

/// A connection, the server's resources, a login, a database that is gone, a shutdown, its disks, a defect, or a server that
/// only reads. Any other code may come from a trigger or a constraint of the application.
const OF_THE_SERVER: [&str; 8] = ["08", "53", "28", "3D", "57P", "58", "XX", "25"];

/// Whether the row alone is at fault; without an answer of the server it is not.
pub fn is_on_the_row(error: &Error) -> bool {
    error
        .code()
        .is_some_and(|code| !OF_THE_SERVER.iter().any(|class| code.code().starts_with(class)))
}

/// The rights that our role lacks, where the server refused for want of one. A trigger may use the same code, so the rights
/// are looked at.
pub async fn missing_rights(
    client: &impl tokio_postgres::GenericClient,
    error: &Error,
    policy: DeletePolicy,
) -> Option<String> {
    if error.code() != Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
        return None;
    }
    let missing = rights::missing(client, policy).await.ok()?;
    (!missing.is_empty()).then(|| missing.join(", "))
}
