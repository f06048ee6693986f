//! The database: how to reach it, and every statement that is sent to it.

pub mod conninfo;
mod pgpass;
mod tls;
