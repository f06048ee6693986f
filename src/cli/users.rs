//! `users-sync users`: one user, at its provider and in the table.

use clap::{Args, Subcommand};

use super::examples::examples;
use super::open::Open;
use super::work::{Work, maintain};
use super::{Failure, erase, transfer};
use crate::config::{Config, Environment};
use crate::db::users::UserRow;
use crate::explain::{Excerpt, pretty};
use crate::provider::api::NewUser;
use crate::sync::Users;

#[derive(Args)]
#[command(
    after_help = examples("Examples:\n  users-sync users get {user}\n  users-sync users create --source {provider} --email ada@example.com --name 'Ada Lovelace'\n  users-sync users sync {user}")
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

const SYNC: &str = "\
An answer that is older than the row, or that contradicts what was heard of the user less than a minute ago, changes nothing:
the command says so, and exits 1.

Examples:
  users-sync users sync {user} --source {provider}";

#[derive(Subcommand)]
enum Action {
    /// Show a user's row as JSON
    #[command(after_help = examples("Examples:\n  users-sync users get {user}"))]
    Get {
        /// The provider's id of the user
        id: String,
    },
    /// Ask the provider about a user, and write what it says
    #[command(after_help = examples(SYNC))]
    Sync {
        /// The provider's id of the user
        id: String,
        /// Only ask this source's provider
        #[arg(long)]
        source: Option<String>,
    },
    /// Create a user at the provider and in the table
    #[command(
        after_help = examples("Examples:\n  users-sync users create --email ada@example.com --name 'Ada Lovelace'\n  users-sync users create --source {provider} --email ada@example.com --idempotency-key signup-42")
    )]
    Create {
        /// The source whose provider creates the user; needed where several can be asked
        #[arg(long)]
        source: Option<String>,
        /// The user's e-mail address
        #[arg(long)]
        email: String,
        /// The user's full name
        #[arg(long)]
        name: Option<String>,
        /// The same key creates the user only once
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// Erase what is kept of a user, at once and for good
    Erase(erase::Arguments),
    /// Make another source the owner of a user
    Transfer(transfer::Arguments),
    /// Delete a user at the provider, and mark the row as deleted
    #[command(after_help = examples("Examples:\n  users-sync users delete {user} --source {provider}"))]
    Delete {
        /// The provider's id of the user
        id: String,
        /// The source whose provider deletes the user; needed where several can be asked
        #[arg(long)]
        source: Option<String>,
    },
}

impl Action {
    fn source(&self) -> Option<&str> {
        match self {
            Self::Get { .. } | Self::Erase(_) | Self::Transfer(_) => None,
            Self::Sync { source, .. }
            | Self::Create { source, .. }
            | Self::Delete { source, .. } => source.as_deref(),
        }
    }
}

pub(super) async fn run(
    Arguments { action }: &Arguments,
    environment: &Environment,
) -> Result<(), Failure> {
    match action {
        Action::Erase(arguments) => return erase::run(arguments, environment).await,
        Action::Transfer(arguments) => return transfer::run(arguments, environment).await,
        _ => {}
    }
    let work = async |config: &Config, open: &Open| act(action, config, open).await;
    let row = maintain(environment, work)
        .await?
        .ok_or_else(|| Failure::Failed("there is no such user".into()))?;
    println!("{}", readable(serde_json::to_string(&row).map_err(Failure::of)?));
    Ok(())
}

/// Printed for people, unless that would be far longer: deep nesting is set in by the square of its depth.
fn readable(json: String) -> String {
    let Excerpt { text, left_out } = pretty(&json, 8 * json.len());
    if left_out == 0 { text } else { json }
}

async fn act(action: &Action, config: &Config, open: &Open) -> Result<Option<UserRow>, Failure> {
    let source = action.source();
    let users = match action {
        Action::Get { .. } => Users::new(super::work::tables(config, open)?, Vec::new()),
        _ => {
            let Work { tables, clients } = Work::begin(config, open, source).await?;
            Users::new(tables, clients)
        }
    };
    let found = match action {
        Action::Get { id } => users.row(id).await,
        Action::Erase(_) | Action::Transfer(_) => unreachable!("they need no users"),
        Action::Sync { id, .. } => users.sync(id).await,
        Action::Delete { id, .. } => users.delete(source, id).await,
        Action::Create { email, name, idempotency_key, .. } => {
            let user = NewUser { email: email.clone(), name: name.clone() };
            let created = users.create(source, &user, idempotency_key.as_deref()).await;
            created.map(|created| created.row)
        }
    };
    found.map_err(Failure::of)
}
