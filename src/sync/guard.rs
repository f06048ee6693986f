//! Whether an API is that of the users in the table, and its list whole enough to delete by.

use std::fmt;
use std::sync::Arc;

use deadpool_postgres::Pool;

use super::readings;
use crate::api::{self, Client, Found};
use crate::db::readings::{Sample, sample};
use crate::db::runs;

/// Users that are asked for until one is there: if half of all are, hardly ever more than two.
const ASKED: i64 = 20;
/// So many may always be deleted; of a larger table, a twentieth.
const FEW: u64 = 100;

/// Why an API is not followed, and how to insist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub why: Why,
    /// Users of the source in the table.
    pub known: u64,
    source: Arc<str>,
    /// Where the key comes from.
    variables: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The configuration names another instance than the last run had.
    OtherInstance { variable: &'static str },
    /// The API has none of the users that it was asked for.
    Strangers,
    /// The list lacks most of the users that the table had.
    FewListed { missing: u64 },
    /// The list lacks more than may be deleted.
    TooManyGone { missing: u64, allowed: u64 },
}

impl Refusal {
    fn of(client: &Client, known: u64, why: Why) -> Self {
        let (source, variables) = (client.source().clone(), client.variables().to_owned());
        Self { why, known, source, variables }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, known, source, variables } = self;
        let insist = match why {
            Why::OtherInstance { variable } => {
                write!(
                    f,
                    "{variable} names another instance than that of the {known} users in the table; nothing is written: set it back."
                )?;
                known
            }
            Why::Strangers => {
                write!(
                    f,
                    "the provider has none of the users that the table has ({known} of {source}); nothing is written: is {variables} of another instance, or the address that of another API?"
                )?;
                known
            }
            Why::FewListed { missing } => {
                write!(
                    f,
                    "{missing} of the {known} users in the table are not in the provider's list; no user is deleted: is {variables} of another instance, or is the list broken?"
                )?;
                missing
            }
            Why::TooManyGone { missing, allowed } => {
                write!(
                    f,
                    "{missing} of the {known} users in the table are not in the provider's list; no user is deleted, because they are more than {allowed}."
                )?;
                missing
            }
        };
        write!(
            f,
            " If they are really gone: `users-sync reconcile --source {source} --allow-deletes {insist}`"
        )
    }
}

/// What the caller of a run wants.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Whether rows of no source are this one's.
    pub sole: bool,
    /// So many deletions are insisted on.
    pub allow_deletes: u64,
}

/// How many users of its source the table has; refused where the API is not that of these users.
///
/// Asked before anything is written: strangers in the table would speak for their own instance the next time.
pub async fn known<E>(pool: &Pool, client: &Client, wanted: Wanted) -> Result<u64, E>
where
    E: From<Refusal> + From<api::Error> + From<readings::Error>,
{
    let Looked { sample, instance } = look(pool, client, wanted.sole).await?;
    let known = sample.known;
    if known == 0 || wanted.allow_deletes >= known {
        return Ok(known);
    }
    follow(client, &sample, instance).await.map(|()| known)
}

/// Refused where it says nothing that the API does not have user `id`, because it has none of the others either.
///
/// Where the table has no others, the API is believed.
pub(super) async fn silence<E>(pool: &Pool, client: &Client, id: &str) -> Result<(), E>
where
    E: From<Refusal> + From<api::Error> + From<readings::Error>,
{
    let Looked { mut sample, instance } = look(pool, client, false).await?;
    sample.ids.retain(|other| other != id);
    if sample.ids.is_empty() {
        return Ok(());
    }
    follow(client, &sample, instance).await
}

/// Refused where the API has another instance's name, or none of the sampled users.
async fn follow<E>(client: &Client, sample: &Sample, instance: Option<String>) -> Result<(), E>
where
    E: From<Refusal> + From<api::Error>,
{
    let refused = |why| Err(Refusal::of(client, sample.known, why).into());
    if let Some(asked) = client.instance()
        && instance.is_some_and(|instance| instance != asked.name)
    {
        return refused(Why::OtherInstance { variable: asked.variable });
    }
    if shows_one_of(client, &sample.ids).await? { Ok(()) } else { refused(Why::Strangers) }
}

struct Looked {
    sample: Sample,
    /// What the last run has asked.
    instance: Option<String>,
}

async fn look(pool: &Pool, client: &Client, sole: bool) -> Result<Looked, readings::Error> {
    let database = pool.get().await?;
    let sample = sample(&database, client.source(), sole, ASKED).await?;
    let instance = runs::instance(&database, client.source()).await?;
    Ok(Looked { sample, instance })
}

/// Fails where no question is answered.
async fn shows_one_of(client: &Client, ids: &[String]) -> Result<bool, api::Error> {
    let (mut answered, mut failure) = (false, None);
    for id in ids {
        match client.user(id).await {
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

/// Whether so many may be deleted, of those that the table had before the list was read.
pub(super) fn deletions(
    client: &Client,
    missing: u64,
    known: u64,
    allow_deletes: u64,
) -> Result<(), Refusal> {
    if missing <= allow_deletes {
        return Ok(());
    }
    let refused = |why| Err(Refusal::of(client, known, why));
    // Nobody was there before: who is missing came while the list was read.
    if known > 0 && missing > known / 2 {
        return refused(Why::FewListed { missing });
    }
    let allowed = FEW.max(known / 20).max(allow_deletes);
    if missing > allowed {
        return refused(Why::TooManyGone { missing, allowed });
    }
    Ok(())
}
