//! Checks that an API belongs to the entities in the tables, and that its list is complete enough to delete by.
//!
//! An instance is recognized by its users, or by its organizations if the table has no users of the source.

use std::fmt;
use std::sync::Arc;

use deadpool_postgres::Pool;

use super::naming::asked;
use super::readings;
use crate::api::{self, Client, Found};
use crate::db::readings::{Listed, Sample, sample};
use crate::db::runs;
use crate::model::{Key, Kind};
use crate::provider::api::Sought;

/// The sample size: entities are requested until one exists; if half of all do, two requests are usually enough.
const ASKED: i64 = 20;
/// The number that may always be deleted; of a larger table, a twentieth.
const FEW: u64 = 100;

/// Why we refuse to follow an API, and how the operator can insist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub why: Why,
    /// Entities of the source in the table, of this kind.
    pub known: u64,
    pub kind: Kind,
    /// The kind from which the run would delete.
    of: Kind,
    source: Arc<str>,
    /// The variables that hold the key.
    variables: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The configuration names another instance than the last run had.
    OtherInstance { variable: &'static str },
    /// The API has none of the requested entities.
    Strangers,
    /// The list lacks most of the entities that the table had.
    FewListed { missing: u64 },
    /// The list lacks more than may be deleted.
    TooManyGone { missing: u64, allowed: u64 },
}

impl Refusal {
    fn of(client: &Client, of: Kind, (kind, known): (Kind, u64), why: Why) -> Self {
        let (source, variables) = (client.source().clone(), client.variables().to_owned());
        Self { why, known, kind, of, source, variables }
    }
}

impl Refusal {
    /// Whether the instance is right, and only its list is refused.
    pub(super) fn is_about_the_list(&self) -> bool {
        match self.why {
            Why::OtherInstance { .. } | Why::Strangers => false,
            Why::FewListed { .. } | Why::TooManyGone { .. } => true,
        }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, known, kind, of, source, variables } = self;
        let kinds = kind.plural();
        let insist = match why {
            Why::OtherInstance { variable } => {
                write!(
                    f,
                    "{variable} names another instance than that of the {known} {kinds} in the table; nothing is written: set it back."
                )?;
                known
            }
            Why::Strangers => {
                write!(
                    f,
                    "the provider has none of the {kinds} that the table has ({known} of {source}); nothing is written: is {variables} of another instance, or the address that of another API?"
                )?;
                known
            }
            Why::FewListed { missing } => {
                write!(
                    f,
                    "{missing} of the {known} {kinds} in the table are not in the provider's list; no {kind} is deleted: is {variables} of another instance, or is the list broken?"
                )?;
                missing
            }
            Why::TooManyGone { missing, allowed } => {
                write!(
                    f,
                    "{missing} of the {known} {kinds} in the table are not in the provider's list; no {kind} is deleted, because they are more than {allowed}."
                )?;
                missing
            }
        };
        let only = if *of == Kind::User { String::new() } else { format!(" --kind {of}") };
        write!(
            f,
            " If they are really gone: `users-sync reconcile --source {source}{only} --allow-deletes {insist}`"
        )
    }
}

/// The wishes of a run's caller.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The kind of the entities.
    pub kind: Kind,
    /// Whether rows without a source belong to this one.
    pub sole: bool,
    /// The number of deletions that the operator insists on.
    pub allow_deletes: u64,
}

/// The number of entities of the source in the table; refused if the API belongs to another instance.
///
/// Runs before the first write: entities of another instance in the table would confirm that instance the next time.
pub async fn known<E>(pool: &Pool, client: &Client, wanted: Wanted) -> Result<u64, E>
where
    E: From<Refusal> + From<api::Error> + From<readings::Error>,
{
    let Wanted { kind, sole, allow_deletes } = wanted;
    let Looked { known, mut witnesses, instance } = look(pool, client, kind, sole).await?;
    let is_insisted_on = allow_deletes > 0 && allow_deletes >= known;
    if witnesses.known == 0 || is_insisted_on {
        return Ok(known);
    }
    name_as_the_provider(pool, client, &mut witnesses).await?;
    follow(client, kind, &witnesses, instance).await.map(|()| known)
}

/// Refused if the absence of user `id` proves nothing, because the API has none of the other users either.
///
/// If the table has no other users, the API's answer counts.
pub(super) async fn silence<E>(pool: &Pool, client: &Client, id: &str) -> Result<(), E>
where
    E: From<Refusal> + From<api::Error> + From<readings::Error>,
{
    let Looked { mut witnesses, instance, .. } = look(pool, client, Kind::User, false).await?;
    witnesses.ids.retain(|other| other != id);
    if witnesses.ids.is_empty() {
        return Ok(());
    }
    name_as_the_provider(pool, client, &mut witnesses).await?;
    follow(client, Kind::User, &witnesses, instance).await
}

/// Takes out the witnesses whose own ids nothing has shown yet.
async fn name_as_the_provider(
    pool: &Pool,
    client: &Client,
    witnesses: &mut Sample,
) -> Result<(), readings::Error> {
    let database = pool.get().await?;
    let mut ids = Vec::new();
    for id in &witnesses.ids {
        let sought = Sought::only(Key::new(witnesses.kind, id));
        ids.extend(asked(&database, client, &sought).await?.map(|own| own.key.id));
    }
    witnesses.ids = ids;
    Ok(())
}

/// Refused if the API has another instance's name, or none of the witnesses.
async fn follow<E>(
    client: &Client,
    kind: Kind,
    witnesses: &Sample,
    instance: Option<String>,
) -> Result<(), E>
where
    E: From<Refusal> + From<api::Error>,
{
    let known = (witnesses.kind, witnesses.known);
    let refused = |why| Err(Refusal::of(client, kind, known, why).into());
    if let Some(asked) = client.instance()
        && instance.is_some_and(|instance| instance != asked.name)
    {
        return refused(Why::OtherInstance { variable: asked.variable });
    }
    // After a transfer of all its users the source may know none of them by an id that we know.
    let is_silent = witnesses.ids.is_empty();
    if is_silent || shows_one_of(client, witnesses).await? {
        Ok(())
    } else {
        refused(Why::Strangers)
    }
}

struct Looked {
    known: u64,
    /// The entities that identify the instance.
    witnesses: Sample,
    /// The instance that the last run used.
    instance: Option<String>,
}

async fn look(
    pool: &Pool,
    client: &Client,
    kind: Kind,
    sole: bool,
) -> Result<Looked, readings::Error> {
    let database = pool.get().await?;
    let source = &**client.source();
    let of = |kind| sample(&database, Listed { kind, source, sole }, ASKED);
    let mut witnesses = of(Kind::User).await?;
    let known = if kind == Kind::User { witnesses.known } else { of(kind).await?.known };
    if witnesses.known == 0 && kind != Kind::User {
        witnesses = of(Kind::Organization).await?;
    }
    let instance = runs::instance(&database, source).await?;
    Ok(Looked { known, witnesses, instance })
}

/// Fails if the API answers no request.
async fn shows_one_of(client: &Client, witnesses: &Sample) -> Result<bool, api::Error> {
    let (mut answered, mut failure) = (false, None);
    for id in &witnesses.ids {
        let key = Key::new(witnesses.kind, id);
        match client.one(&Sought::only(key)).await {
            Ok(Found::Shown { .. }) => return Ok(true),
            Ok(Found::Missing(_)) => answered = true,
            Err(error) if error.is_about_one() => failure = Some(error),
            Err(error) => return Err(error),
        }
    }
    match failure {
        Some(error) if !answered => Err(error),
        _ => Ok(false),
    }
}

/// Whether this many of the entities that were in the table before the list was read may be deleted.
pub(super) fn deletions(
    client: &Client,
    kind: Kind,
    missing: u64,
    known: u64,
    allow_deletes: u64,
) -> Result<(), Refusal> {
    if missing <= allow_deletes {
        return Ok(());
    }
    let refused = |why| Err(Refusal::of(client, kind, (kind, known), why));
    // If the table was empty before, the missing ones came while the list was read.
    if known > 0 && missing > known / 2 {
        return refused(Why::FewListed { missing });
    }
    let allowed = FEW.max(known / 20).max(allow_deletes);
    if missing > allowed {
        return refused(Why::TooManyGone { missing, allowed });
    }
    Ok(())
}
