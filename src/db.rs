//! Everything that talks to Postgres: one function per statement under `sql/`, and where the server is.

pub mod apply;
pub mod conninfo;
pub mod journal;
pub mod leases;
pub mod marks;
pub mod migrations;
pub mod mirror;
mod pgpass;
pub mod readings;
pub mod requests;
pub mod runs;
pub mod session;
mod tls;
pub mod users;
