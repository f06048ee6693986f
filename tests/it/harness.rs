//! What the tests stand on: a real Postgres, and the real service in front of it.

mod command;
mod front;
mod mirror;
mod postgres;
mod program;
mod role;
mod service;
mod vendor;
mod wire;

use aws_lc_rs::digest::{SHA256, digest};
pub(crate) use command::{Said, run, run_with, users_sync};
pub(crate) use front::Front;
pub(crate) use mirror::{Mirror, Row};
pub(crate) use postgres::{
    PrivateServer, Scratch, TestDatabase, as_role, connect, eventually, settings,
};
pub(crate) use program::{Finished, Program, SECRET, signal_to};
pub(crate) use role::Role;
pub(crate) use service::{
    ADMIN_TOKEN, Answer, KEY, Service, Settings as ServiceSettings, Signed, body,
};
use users_sync::db::conninfo::Conninfo;
use users_sync::db::migrations;
pub(crate) use vendor::{Cursor, Fault, KEY as API_KEY, Vendor, impatient};
pub(crate) use wire::{Response, Wire};

/// Names the tables that [`migrate`] makes: another name, another template.
fn migrations_hash() -> String {
    let checksums = migrations::ALL.iter().map(|migration| migration.checksum());
    let all = checksums.collect::<String>();
    hex::encode(&digest(&SHA256, all.as_bytes()).as_ref()[..16])
}

/// Brings an empty database to the state that tests begin with.
async fn migrate(url: String) {
    let mut client = conninfo(&url).connect().await.expect("the test's Postgres answers");
    migrations::apply(&mut client).await.expect("the migrations apply");
}

pub(crate) fn conninfo(url: &str) -> Conninfo {
    Conninfo::parse(url, &|_| None).expect("the test's URL is one")
}
