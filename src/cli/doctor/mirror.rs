//! What applications have made around the mirror.

use tokio_postgres::{Client, Error};

use super::check::Checks;
use crate::db::inspect::{self, ForeignKey, Obstacles, OnDelete};
use crate::db::mirror::lost;
use crate::model::DeletePolicy;

pub(super) async fn check(checks: &mut Checks, client: &Client, policy: DeletePolicy) {
    if let Err(error) = look(checks, client, policy).await {
        checks.fail("mirror", crate::error_chain(&error), "the catalog could not be read");
    }
}

async fn look(checks: &mut Checks, client: &Client, policy: DeletePolicy) -> Result<(), Error> {
    let Some(obstacles) = inspect::obstacles(client).await? else {
        checks.skip("mirror", "there is no neon_auth.users_sync yet");
        return Ok(());
    };
    stand_in_the_way(checks, &obstacles);
    let foreign_keys = inspect::foreign_keys(client).await?;
    for key in &foreign_keys {
        foreign_key(checks, key, policy);
    }
    for column in inspect::user_columns(client).await? {
        let place = format!("{}.{}", column.table, column.column);
        let found = format!("{place} is {}, but ids of users are text", column.r#type);
        let advice = format!(
            "if it holds ids of these users: `alter table {} alter column {} type text`, then a foreign key is possible",
            column.table, column.column
        );
        checks.warn("column type", found, advice);
    }
    checks.ok("mirror", format!("{} foreign keys on it", foreign_keys.len()));
    Ok(())
}

/// Whether every user that the ledger knows has a row, and the ledger knows every row; the schema is current.
pub(super) async fn rows(checks: &mut Checks, client: &Client) {
    match lost::lost(client).await {
        Ok(lacking) if lacking.is_empty() => {
            checks.ok("rows", "every entity that users-sync knows has one");
        }
        Ok(lacking) => {
            for (mirror, count) in lacking {
                let found = format!("{count} {}s that users-sync knows have none", mirror.kind);
                checks.fail("rows", found, lost::in_words(count, mirror));
            }
        }
        Err(error) => {
            checks.fail("rows", crate::error_chain(&error), "the tables could not be read");
        }
    }
    match lost::unknown(client).await {
        Ok(0) => {}
        Ok(unknown) => {
            let found = format!("{unknown} rows are of users that users-sync does not know");
            let advice = "they belong to no source, and even a banned user counts as active: `users-sync adopt --source …` takes them over as they are, `users-sync backfill` brings them from the provider";
            checks.warn("owners", found, advice);
        }
        Err(error) => {
            checks.fail("owners", crate::error_chain(&error), "the tables could not be read");
        }
    }
}

fn stand_in_the_way(checks: &mut Checks, obstacles: &Obstacles) {
    let Obstacles { row_security, unique_indexes, triggers } = obstacles;
    if *row_security {
        let advice = "let our role bypass it (`alter role … bypassrls`), own the table, or add a policy for it";
        checks.fail(
            "row security",
            "neon_auth.users_sync has row security that holds for our role",
            advice,
        );
    }
    if !unique_indexes.is_empty() {
        let found = format!("unique besides the key: {unique_indexes}");
        let advice = "two users may share an address for a while; such a delivery is quarantined: make the index not unique";
        checks.warn("unique index", found, advice);
    }
    if !triggers.is_empty() {
        let advice = "a trigger that raises puts its delivery in quarantine, and a slow one slows every commit";
        checks.warn("triggers", format!("on neon_auth.users_sync: {triggers}"), advice);
    }
}

fn foreign_key(checks: &mut Checks, key: &ForeignKey, policy: DeletePolicy) {
    let ForeignKey { name, table, on_delete, columns, required, indexed } = key;
    let found = format!("{name} on {table} ({columns})");
    let hard = matches!(policy, DeletePolicy::Hard(_));
    match (on_delete, hard) {
        (OnDelete::Nothing, true) => {
            let advice = "it stops DELETE_POLICY=hard for users that it refers to: give it on delete cascade or set null";
            checks.warn("foreign key", format!("{found} has no ON DELETE action"), advice);
        }
        (OnDelete::SetNull, true) if *required => {
            let advice = "its ON DELETE SET NULL cannot succeed: drop not null, or use cascade";
            checks.warn("foreign key", format!("{found} is not null"), advice);
        }
        (OnDelete::Cascade | OnDelete::SetNull | OnDelete::SetDefault, false) => {
            let advice = "rows are kept when users are deleted, so its ON DELETE never fires: set DELETE_POLICY=hard:30d, or ask for deleted_at";
            checks.warn("foreign key", format!("{found} has an ON DELETE action"), advice);
        }
        _ if hard && !indexed => {
            let advice = format!(
                "every removal reads the whole table: `create index on {table} ({columns})`"
            );
            checks.warn("foreign key", format!("{found} has no index"), advice);
        }
        _ => {}
    }
}
