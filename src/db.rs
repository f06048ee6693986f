//! Everything that talks to Postgres: one function per statement under `sql/`, and where the server is.

pub mod adopt;
pub mod apply;
pub mod conninfo;
pub mod findings;
pub mod grants;
pub mod inspect;
pub mod journal;
pub mod leases;
pub mod marks;
pub mod migrations;
pub mod mirror;
pub mod pages;
mod pgpass;
pub mod purge;
pub mod readings;
pub mod remap;
pub mod requests;
pub mod runs;
pub mod session;
pub mod status;
mod tls;
pub mod users;
pub mod values;
pub mod words;
