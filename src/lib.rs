//! Your auth provider's users, as a Postgres table.
//!
//! The walk of one webhook: [`http`] takes the request, [`webhook::Source::verify`] makes a delivery of it,
//! [`webhook::Delivery::decode`] says what it means, [`sync::accept`] hands it to the writer, and one statement in
//! [`db::apply`] commits it with its batch; its outcome becomes the answer.
//!
//! What holds everywhere, tested in `tests/it/invariants.rs`:
//! - only [`config`] reads the environment;
//! - only [`db`] holds SQL;
//! - only [`provider`] names a provider;
//! - only [`signature`] names the headers of a scheme;
//! - only [`http`] and [`api`] know status codes: the ones of our own answers, and the ones of the providers';
//! - a module uses only modules above it.
//!
//! An [`model::Outcome`] is committed, an error is not: that is the retry policy.
//!
//! What is neither webhook nor table stands in crates of its own, which know nothing of this one: the connection to
//! Postgres in [`users_sync_conninfo`], and the server that starts where there is none in [`users_sync_embedded`], with
//! the one statement that makes its database.
//!
//! The modules in reading order.

mod errors;
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

pub use errors::error_chain;
