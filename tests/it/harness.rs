//! The foundation of the tests: a real Postgres, and the real service in front of it.

mod command;
mod fake;
mod front;
mod issuer;
mod listener;
mod mirror;
mod postgres;
mod program;
mod role;
mod service;
mod signed;
mod vendor;
mod wire;

use std::hash::{DefaultHasher, Hash, Hasher};

pub(crate) use command::{Said, run, run_with, users_sync};
pub(crate) use fake::{Fake, Got, Reply, reply};
pub(crate) use front::Front;
pub(crate) use issuer::{Issuer, encoded, hmac_token, key_set};
pub(crate) use listener::listen;
pub(crate) use mirror::{Mirror, Row};
pub(crate) use postgres::{
    PrivateServer, Scratch, TestDatabase, as_role, connect, eventually, settings,
};
pub(crate) use program::{Finished, Program, SECRET, signal_to};
pub(crate) use role::Role;
pub(crate) use service::{ADMIN_TOKEN, Answer, Service, Settings as ServiceSettings, body};
pub(crate) use signed::{KEY, Signed};
use users_sync::config::PROGRAM;
use users_sync::db::{migrations, objects};
use users_sync_conninfo::Conninfo;
pub(crate) use vendor::{Cursor, Fault, KEY as API_KEY, Vendor, impatient};
pub(crate) use wire::{Response, Wire};

/// Names the tables that [`migrate`] creates: another name means another template.
fn migrations_hash() -> String {
    let migrations = migrations::ALL.iter().map(|migration| migration.checksum());
    let checksums = migrations.chain(objects::all().map(|object| object.checksum()));
    let mut hasher = DefaultHasher::new();
    checksums.for_each(|checksum| checksum.hash(&mut hasher));
    format!("{:016x}", hasher.finish())
}

/// Brings an empty database to the state in which tests begin.
async fn migrate(url: String) {
    let mut client = conninfo(&url).connect().await.expect("the test's Postgres answers");
    migrations::apply(&mut client).await.expect("the migrations apply");
}

pub(crate) fn conninfo(url: &str) -> Conninfo {
    Conninfo::parse(url, PROGRAM, &|_| None).expect("the test's URL is one")
}
