//! Everything that talks to Postgres: one function per statement under `sql/`.

pub mod adopt;
pub mod aliases;
pub mod apply;
pub mod blame;
pub mod composite;
pub mod durable;
pub mod entities;
pub mod fault;
pub mod findings;
pub mod grants;
pub mod inspect;
pub mod journal;
pub mod leases;
pub mod logs;
pub mod marks;
pub mod migrations;
pub mod mirror;
pub mod objects;
pub mod pages;
pub mod purge;
pub mod readings;
pub mod remap;
pub mod requests;
pub mod rights;
pub mod runs;
pub mod server;
pub mod session;
pub mod status;
mod tables;
pub mod transaction;
pub mod users;
pub mod values;
pub mod writable;

/// Shows every user, for a person with `psql`.
pub const SHOW_USERS: &str = "select * from neon_auth.users_sync";
