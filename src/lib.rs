//! Your auth provider's users, as a Postgres table.
//!
//! The walk of one webhook: [`http`] takes the request, [`webhook::Source::verify`] makes a delivery of it,
//! [`webhook::Delivery::decode`] says what it means, [`sync::accept`] hands it to the writer, and one statement in
//! [`db::apply`] commits it with its batch; its outcome becomes the answer.
//!
//! What holds everywhere:
//! - only [`config`] reads the environment;
//! - only [`db`] holds SQL;
//! - only [`provider`] names a provider;
//! - only [`http`] answers with status codes, and only [`api`] reads them;
//! - an [`model::Outcome`] is committed, an error is not: that is the retry policy.
//!
//! What is neither webhook nor table stands in crates of its own, which know nothing of this one: the connection to
//! Postgres in [`users_sync_conninfo`], and the server that starts where there is none in [`users_sync_embedded`], with
//! the one statement that makes its database.
//!
//! The modules in reading order; each uses only those above it.

pub mod model;
pub mod law;
pub mod json;
pub mod ksuid;
pub mod signature;
pub mod provider;
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

/// An error and what caused it, in one line, without any value that Postgres quotes.
pub fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let told = causes.map(|cause| match cause.downcast_ref::<tokio_postgres::error::DbError>() {
        Some(db) => db::words::of(db),
        None => cause.to_string(),
    });
    told.collect::<Vec<_>>().join(": ")
}
