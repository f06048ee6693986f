//! Your auth provider's users, as a Postgres table.
//!
//! The walk of one webhook: [`http`] takes the request, [`webhook::Source::verify`] makes a delivery of it,
//! [`webhook::Delivery::decode`] says what it means, [`sync::accept`] hands it to the writer, and one statement in
//! [`db::apply`] commits it with its batch; its outcome becomes the answer.
//!
//! What holds everywhere, tested in `tests/it/invariants.rs`:
//! - only [`config`] reads the environment;
//! - only [`db`] holds SQL, and [`embedded`] the statement that makes its own database;
//! - only [`provider`] names a provider;
//! - only [`signature`] names the headers of a scheme;
//! - only [`http`] and [`api`] know status codes: the ones of our own answers, and the ones of the providers';
//! - a module uses only modules above it.
//!
//! An [`model::Outcome`] is committed, an error is not: that is the retry policy.
//!
//! The modules in reading order.

mod errors;
pub mod model;
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
