//! What applications have made around the mirrors.

use tokio_postgres::{Client, Error};

use super::check::Checks;
use crate::db::inspect::{self, ForeignKey, Obstacles, OnDelete, WrongColumn};
use crate::db::mirror::{self, Mirror, lost};
use crate::model::DeletePolicy;

pub(super) async fn check(checks: &mut Checks, client: &Client, policy: DeletePolicy) {
    if let Err(error) = look(checks, client, policy).await {
        checks.fail("mirror", crate::error_chain(&error), "the catalog could not be read");
    }
}

async fn look(checks: &mut Checks, client: &Client, policy: DeletePolicy) -> Result<(), Error> {
    let mut on_each = Vec::new();
    for mirror in &mirror::ALL {
        let Some(obstacles) = inspect::obstacles(client, mirror).await? else { continue };
        stand_in_the_way(checks, mirror, &obstacles);
        let foreign_keys = inspect::foreign_keys(client, mirror).await?;
        for key in &foreign_keys {
            foreign_key(checks, mirror, key, policy);
        }
        for column in inspect::wrong_columns(client, mirror).await? {
            wrong_column(checks, mirror, &column);
        }
        on_each.push(format!("{} on {}", foreign_keys.len(), mirror.name()));
    }
    if on_each.is_empty() {
        checks.skip("mirror", "there is no neon_auth.users_sync yet");
    } else {
        checks.ok("mirror", format!("foreign keys: {}", on_each.join(", ")));
    }
    Ok(())
}

fn wrong_column(checks: &mut Checks, mirror: &Mirror, column: &WrongColumn) {
    let WrongColumn { table, column, r#type } = column;
    let kinds = mirror.kind.plural();
    let found = format!("{table}.{column} is {type}, but ids of {kinds} are text");
    let advice = format!(
        "if it holds ids of these {kinds}: `alter table {table} alter column {column} type text`, then a foreign key is possible"
    );
    checks.warn("column type", found, advice);
}

/// Whether every entity that the ledger knows has a row, and the ledger knows every row; the schema is current.
pub(super) async fn rows(checks: &mut Checks, client: &Client) {
    match lost::lost(client).await {
        Ok(lacking) if lacking.is_empty() => {
            checks.ok("rows", "every entity that users-sync knows has one");
        }
        Ok(lacking) => {
            for (mirror, count) in lacking {
                let found =
                    format!("{count} {} that users-sync knows have none", mirror.kind.plural());
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

fn stand_in_the_way(checks: &mut Checks, mirror: &Mirror, obstacles: &Obstacles) {
    let table = mirror.table;
    let Obstacles { row_security, unique_indexes, triggers } = obstacles;
    if *row_security {
        let advice = "let our role bypass it (`alter role … bypassrls`), own the table, or add a policy for it";
        let found = format!("{table} has row security that holds for our role");
        checks.fail("row security", found, advice);
    }
    if !unique_indexes.is_empty() {
        let found = format!("on {table}, unique besides the key: {unique_indexes}");
        let advice = format!(
            "two {} may share a value for a while, such as an address or a slug; such a delivery is quarantined: make the index not unique",
            mirror.kind.plural()
        );
        checks.warn("unique index", found, advice);
    }
    if !triggers.is_empty() {
        let advice = "a trigger that raises puts its delivery in quarantine, and a slow one slows every commit";
        checks.warn("triggers", format!("on {table}: {triggers}"), advice);
    }
}

fn foreign_key(checks: &mut Checks, mirror: &Mirror, key: &ForeignKey, policy: DeletePolicy) {
    let kinds = mirror.kind.plural();
    let ForeignKey { name, table, on_delete, columns, required, indexed } = key;
    let found = format!("{name} on {table} ({columns})");
    let hard = matches!(policy, DeletePolicy::Hard(_));
    match (on_delete, hard) {
        (OnDelete::Nothing, true) => {
            let advice = format!(
                "it stops DELETE_POLICY=hard for {kinds} that it refers to: give it on delete cascade or set null"
            );
            checks.warn("foreign key", format!("{found} has no ON DELETE action"), advice);
        }
        (OnDelete::SetNull, true) if *required => {
            let advice = "its ON DELETE SET NULL cannot succeed: drop not null, or use cascade";
            checks.warn("foreign key", format!("{found} is not null"), advice);
        }
        (OnDelete::Cascade | OnDelete::SetNull | OnDelete::SetDefault, false) => {
            let advice = format!(
                "rows are kept when {kinds} are deleted, so its ON DELETE never fires: set DELETE_POLICY=hard:30d, or ask for deleted_at"
            );
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
