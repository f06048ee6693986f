//! The roles of GRANT_SELECT_TO: that they are there, can read, and cannot write.

use tokio_postgres::Client;

use super::check::Checks;
use crate::db::grants::{self, Reader};

pub(super) async fn check(checks: &mut Checks, client: &Client, roles: &[String]) {
    match grants::readers(client, roles).await {
        Ok(readers) => readers.into_iter().for_each(|reader| stands(checks, reader)),
        Err(error) => {
            checks.fail("readers", crate::error_chain(&error), "the catalog could not be read");
        }
    }
}

fn stands(checks: &mut Checks, Reader { role, known, lacking, writes }: Reader) {
    let name = format!("reader {role}");
    if !known {
        let advice = "create it, or correct GRANT_SELECT_TO: `users-sync serve` and `migrate` do not go on without it";
        checks.fail(&name, "there is no such role", advice);
    } else if !lacking.is_empty() {
        let advice =
            format!("run `users-sync migrate` as the owner, which does: {}", lacking.join("; "));
        checks.fail(&name, "it may not read all mirrors and views, or call all functions", advice);
    } else if !writes.is_empty() {
        let found = format!("it may also {} on the mirrors", writes.join(", "));
        let advice = "what it writes is lost or lies: revoke that, or let the application use a role that is neither superuser nor owner";
        checks.warn(&name, found, advice);
    } else {
        checks.ok(&name, "it may read the mirrors and views, call the functions, and not write");
    }
}
