//! Emptying and removing the rows of deleted entities, with what hangs on them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, GenericClient, Transaction};

use super::findings;
use super::mirror::{self, Mirror};
use super::values::time;
use crate::model::{Key, Kind, Subject};
use crate::provider;

/// A deleted entity whose row still stands.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: String,
    pub deleted_at: Timestamp,
}

/// What one statement purged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// By their kind, with those that were taken along because they hung on another one.
    pub entities: BTreeMap<Kind, i64>,
    pub emptied: i64,
    pub removed: i64,
    /// Bodies in the journal.
    pub bodies: i64,
    /// Deliveries in quarantine that name one of them.
    pub quarantined: i64,
}

/// What the mirror showed of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub name: bool,
    pub email: bool,
    pub raw_json_bytes: i32,
}

/// Rows of one mirror, by their ids.
type Rows = (&'static Mirror, Vec<String>);

/// The next entities of a kind that were deleted before `before`.
pub async fn due(
    client: &impl GenericClient,
    mirror: &Mirror,
    before: Timestamp,
    hard: bool,
    after: Option<&Due>,
    limit: i64,
) -> Result<Vec<Due>, Error> {
    let (after_at, after_id) = after.map(|due| (due.deleted_at, due.id.as_str())).unzip();
    let params: [(&(dyn ToSql + Sync), Type); 6] = [
        (&before, Type::TIMESTAMPTZ),
        (&limit, Type::INT8),
        (&after_at, Type::TIMESTAMPTZ),
        (&after_id, Type::TEXT),
        (&provider::reuses(mirror.kind), Type::BOOL),
        (&hard, Type::BOOL),
    ];
    let statement = mirror.statement(include_str!("../../sql/purge/due.sql"));
    let rows = client.query_typed(&statement, &params).await?;
    let due = |row: &tokio_postgres::Row| {
        Ok(Due { id: row.try_get("id")?, deleted_at: time(row, "deleted_at")? })
    };
    rows.iter().map(due).collect()
}

/// Empties the rows of those that are still due and of what hangs on them, or removes them where `hard`; in the caller's
/// transaction.
pub async fn purge(
    transaction: &Transaction<'_>,
    mirror: &'static Mirror,
    ids: &[&str],
    before: Timestamp,
    hard: bool,
) -> Result<Purged, Error> {
    let found = hanging(transaction, mirror.kind, ids).await?;
    let due = lock(transaction, mirror, ids, &found, before).await?;
    let due: Vec<&str> = due.iter().map(String::as_str).collect();
    // What came since stays for the next round.
    let hanging = hanging(transaction, mirror.kind, &due).await?;
    let mut purged = Purged::default();
    for (mirror, ids) in &hanging {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        bury(transaction, mirror, &ids).await?;
        purged.take(transaction, mirror, &ids, hard).await?;
    }
    if !provider::reuses(mirror.kind) {
        run(transaction, mirror, include_str!("../../sql/purge/purge.sql"), &due).await?;
    }
    purged.take(transaction, mirror, &due, hard).await?;
    let quarantined = include_str!("../../sql/purge/quarantined.sql");
    purged.quarantined += run(transaction, mirror, quarantined, &due).await?;
    solved(transaction, mirror, &due).await?;
    Ok(purged)
}

impl Purged {
    /// Empties or removes these rows, and the bodies in the journal that name them.
    async fn take(
        &mut self,
        transaction: &Transaction<'_>,
        mirror: &Mirror,
        ids: &[&str],
        hard: bool,
    ) -> Result<(), Error> {
        let bodies = include_str!("../../sql/purge/bodies.sql");
        self.bodies += run(transaction, mirror, bodies, ids).await?;
        if hard {
            let remove = include_str!("../../sql/purge/remove.sql");
            self.removed += run(transaction, mirror, remove, ids).await?;
        } else {
            let names = mirror.columns.iter().map(|column| format!("{} = null", column.name));
            let emptied = names.collect::<Vec<_>>().join(", ");
            let empty = include_str!("../../sql/purge/empty.sql").replace("{emptied}", &emptied);
            self.emptied += run(transaction, mirror, &empty, ids).await?;
        }
        *self.entities.entry(mirror.kind).or_default() += i64::try_from(ids.len()).unwrap_or(0);
        Ok(())
    }

    pub fn add(&mut self, other: Self) {
        let Self { entities, emptied, removed, bodies, quarantined } = other;
        for (kind, count) in entities {
            *self.entities.entry(kind).or_default() += count;
        }
        self.emptied += emptied;
        self.removed += removed;
        self.bodies += bodies;
        self.quarantined += quarantined;
    }

    pub fn of(&self, kind: Kind) -> i64 {
        self.entities.get(&kind).copied().unwrap_or_default()
    }

    /// How many entities of any kind.
    pub fn total(&self) -> i64 {
        self.entities.values().sum()
    }
}

/// What refers to entities of a kind with these ids, by its mirror.
async fn hanging(
    client: &impl GenericClient,
    kind: Kind,
    ids: &[&str],
) -> Result<Vec<Rows>, Error> {
    let mut hanging = Vec::new();
    for mirror in &mirror::ALL {
        let mut found = BTreeSet::new();
        for (column, _) in mirror.references().filter(|(_, to)| *to == kind) {
            let statement = include_str!("../../sql/purge/hanging.sql").replace("{column}", column);
            let params = [(&ids as &(dyn ToSql + Sync), Type::TEXT_ARRAY)];
            let rows = client.query_typed(&mirror.statement(&statement), &params).await?;
            for row in rows {
                found.insert(row.try_get("id")?);
            }
        }
        if !found.is_empty() {
            hanging.push((mirror, found.into_iter().collect()));
        }
    }
    Ok(hanging)
}

/// Locks all of them, and answers which of the first are due.
async fn lock(
    client: &impl GenericClient,
    mirror: &Mirror,
    ids: &[&str],
    hanging: &[Rows],
    before: Timestamp,
) -> Result<Vec<String>, Error> {
    let roots = ids.iter().map(|id| (mirror.kind, *id));
    let others =
        hanging.iter().flat_map(|(mirror, ids)| ids.iter().map(|id| (mirror.kind, id.as_str())));
    let (kinds, ids): (Vec<&str>, Vec<&str>) =
        roots.chain(others).map(|(kind, id)| (kind.as_str(), id)).unzip();
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&kinds, Type::TEXT_ARRAY), (&ids, Type::TEXT_ARRAY), (&before, Type::TIMESTAMPTZ)];
    let rows = client.query_typed(include_str!("../../sql/purge/lock.sql"), &params).await?;
    let mut due = Vec::new();
    for row in rows {
        let kind: &str = row.try_get("kind")?;
        if kind == mirror.kind.as_str() && row.try_get("due")? {
            due.push(row.try_get("id")?);
        }
    }
    Ok(due)
}

/// Makes entities count as deleted, whether they are known or not.
pub async fn bury(client: &impl GenericClient, mirror: &Mirror, ids: &[&str]) -> Result<(), Error> {
    run(client, mirror, include_str!("../../sql/purge/bury.sql"), ids).await?;
    Ok(())
}

/// `None` where the mirror has no row of the user.
pub async fn shown(
    client: &impl GenericClient,
    mirror: &Mirror,
    id: &str,
) -> Result<Option<Shown>, Error> {
    let statement = mirror.statement(include_str!("../../sql/purge/shown.sql"));
    let rows = client.query_typed(&statement, &[(&id, Type::TEXT)]).await?;
    let shown = |row: &tokio_postgres::Row| {
        Ok(Shown {
            name: row.try_get("name")?,
            email: row.try_get("email")?,
            raw_json_bytes: row.try_get("raw_json_bytes")?,
        })
    };
    rows.first().map(shown).transpose()
}

async fn solved(client: &impl GenericClient, mirror: &Mirror, ids: &[&str]) -> Result<(), Error> {
    let ids: Vec<_> = ids.iter().map(|id| findings::name_of(&Key::new(mirror.kind, *id))).collect();
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&Subject::Purge.as_str(), Type::TEXT), (&ids, Type::TEXT_ARRAY)];
    client.execute_typed(include_str!("../../sql/purge/solved.sql"), &params).await?;
    Ok(())
}

/// Runs a statement about these entities, and answers how many rows it wrote.
async fn run(
    client: &impl GenericClient,
    mirror: &Mirror,
    template: &str,
    ids: &[&str],
) -> Result<i64, Error> {
    let statement = mirror.statement(template);
    let rows = client.execute_typed(&statement, &[(&ids, Type::TEXT_ARRAY)]).await?;
    Ok(rows.cast_signed())
}

/// Removes what late deliveries since then brought of purged entities.
pub async fn sweep(client: &impl GenericClient, since: Timestamp) -> Result<u64, Error> {
    let statement = include_str!("../../sql/purge/sweep.sql");
    client.execute_typed(statement, &[(&since, Type::TIMESTAMPTZ)]).await
}

/// Some rows of this mirror that came after what they hang on was purged.
pub async fn left(
    client: &impl GenericClient,
    mirror: &Mirror,
    limit: i64,
) -> Result<Vec<String>, Error> {
    let mut found = BTreeSet::new();
    for (column, owner) in mirror.references() {
        let statement = include_str!("../../sql/purge/left.sql")
            .replace("{column}", column)
            .replace("{owner}", owner.as_str());
        let rows =
            client.query_typed(&mirror.statement(&statement), &[(&limit, Type::INT8)]).await?;
        for row in rows {
            found.insert(row.try_get("id")?);
        }
    }
    Ok(found.into_iter().collect())
}

/// Empties rows that came after what they hang on was purged; in the caller's transaction.
pub async fn empty_left(
    transaction: &Transaction<'_>,
    mirror: &Mirror,
    ids: &[&str],
) -> Result<Purged, Error> {
    let mut purged = Purged::default();
    bury(transaction, mirror, ids).await?;
    purged.take(transaction, mirror, ids, false).await?;
    solved(transaction, mirror, ids).await?;
    Ok(purged)
}

/// Removes the bodies of deliveries about what may hang on this entity and that name it: a row that was emptied or never
/// filled says nothing of that any more.
pub async fn forget_named(client: &impl GenericClient, key: &Key) -> Result<i64, Error> {
    let hangs = |mirror: &&Mirror| mirror.references().any(|(_, to)| to == key.kind);
    let kinds: Vec<_> = mirror::ALL.iter().filter(hangs).map(|of| of.kind.as_str()).collect();
    let quoted = serde_json::Value::from(key.id.as_str()).to_string().into_bytes();
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&quoted, Type::BYTEA), (&kinds, Type::TEXT_ARRAY)];
    let statement = include_str!("../../sql/purge/naming.sql");
    Ok(client.execute_typed(statement, &params).await?.cast_signed())
}
