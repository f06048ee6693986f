//! Your auth provider's users, as a Postgres table.
//!
//! The path of a webhook: [`http`] receives the request, [`webhook::Source::verify`] turns it into a delivery,
//! [`webhook::Delivery::decode`] turns the delivery into changes, [`sync::accept`] hands them to the writer, and
//! [`db::apply`] commits them with their batch in one statement. The outcome becomes the answer.
//!
//! Rules that hold everywhere, tested in `tests/it/invariants.rs`:
//! - only [`config`] reads the environment;
//! - only [`db`] holds SQL;
//! - only [`provider`] names a provider;
//! - only [`signature`] names the headers of a scheme;
//! - only [`http`] and [`api`] know status codes: the ones of our own answers, and the ones of the providers';
//! - a module uses only modules above it.
//!
//! An [`model::Outcome`] is committed, an error is not: that is the retry policy.
//!
//! Two parts have their own crates, which do not depend on this one: the connection to Postgres in
//! [`users_sync_conninfo`], and the embedded server in [`users_sync_embedded`], with the one statement that creates its
//! database.
//!
//! The words of the project, with the same meaning in Rust, SQL, metrics, logs and documentation:
//! - **provider**: an authentication service, such as Clerk or Stack Auth, whose users we copy.
//! - **source**: a configured provider with its name, secrets and API key; it posts to `/webhooks/{source}`.
//! - **delivery**: one webhook request whose signature was verified; each attempt of it has the same id.
//! - **kind**: the sort of an entity: user, organization, membership, role or grant.
//! - **key**: the kind and the id that together identify one entity.
//! - **change**: what a delivery, or an answer of a provider's API, says about one entity: a snapshot or a deletion.
//! - **version**: the place of a snapshot in the history of its entity; the greatest version is shown.
//! - **claim**: everything that one batch says about one entity, folded together.
//! - **owner**: the source that an entity belongs to, because that source sent the first change about it.
//! - **fence**: the moment of an API answer which says that an entity exists; deletions before it no longer count.
//! - **mirror**: a public table in the schema `neon_auth` that shows the entities of one kind.
//! - **ledger**: our table with the version, owner and deletion of every entity; it decides whether a change wins.
//! - **journal**: our table with one row per delivery, its outcome and, if it is quarantined, its body.
//! - **mention**: a further entity that a delivery is about, recorded beside its row in the journal.
//! - **mark**: a note that an entity's current state must be fetched from the provider's API.
//! - **outcome**: what happened to a delivery: applied, stale, duplicate, ignored or quarantined.
//! - **quarantine**: the verified deliveries that we could not read or write, kept until an operator replays or discards them.
//! - **run**: one pass of a backfill or reconcile over the users of a source.
//! - **finding**: a problem that an operator should solve; it is listed until it is solved.
//! - **lane**: the queue of the deliveries about one key while another transaction holds its row.
//!
//! The modules in reading order.

mod errors;
pub mod model;
pub mod law;
pub mod json;
pub mod ksuid;
pub mod signature;
pub mod provider;
pub mod rules;
pub mod webhook;
pub mod capture;
pub mod explain;
pub mod metrics;
pub mod traces;
pub mod api;
pub mod embedded;
pub mod db;
pub mod logging;
pub mod config;
pub mod development;
pub mod sync;
pub mod http;
pub mod shutdown;
pub mod cli;

pub use errors::error_chain;
