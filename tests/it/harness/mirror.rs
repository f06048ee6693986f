//! The tables of a test without a service: readings go in, rows come out.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use users_sync::api::Client;
use users_sync::db::apply::Changed;
use users_sync::model::{Kind, Reading};
use users_sync::sync::backfill::{self, Progress};
use users_sync::sync::reconcile::{self, Report, Settings};
use users_sync::sync::{self, Readings, Tables};

use super::{Service, ServiceSettings, TestDatabase, Vendor};

pub(crate) struct Mirror {
    pub(crate) database: TestDatabase,
    pub(crate) tables: Tables,
}

/// What a test compares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) deleted_at: Option<Timestamp>,
    pub(crate) raw: Value,
}

impl Mirror {
    pub(crate) async fn new() -> Self {
        Self::with(sync::Options::default()).await
    }

    pub(crate) async fn with(options: sync::Options) -> Self {
        let database = TestDatabase::new().await;
        let conninfo = super::conninfo(database.url());
        let pool = conninfo.pool(6).expect("a pool");
        let tables = Tables::new(conninfo, pool, options);
        Self { database, tables }
    }

    /// The service in front of these tables, with an API that it can ask.
    pub(crate) async fn serve(&self, vendor: &Vendor, options: sync::Options) -> Service {
        let clients = vec![Arc::new(vendor.client())];
        let settings = ServiceSettings { options, clients, ..ServiceSettings::default() };
        Service::start_with(self.database.url(), settings).await
    }

    pub(crate) async fn accept(&self, readings: &[Reading]) -> Vec<Changed> {
        Readings::new(&self.tables).accept(readings).await.expect("they are written")
    }

    /// Of users.
    pub(crate) async fn backfill(&self, client: &Client) -> Result<Progress, backfill::Error> {
        self.backfill_of(client, Kind::User).await
    }

    pub(crate) async fn backfill_of(
        &self,
        client: &Client,
        kind: Kind,
    ) -> Result<Progress, backfill::Error> {
        backfill::backfill(&self.tables, client, kind, false, |_| {}).await
    }

    /// Runs reconcile of users as the schedule does, with one source.
    pub(crate) async fn reconcile(&self, client: &Client) -> Result<Report, reconcile::Error> {
        self.reconcile_of(client, Kind::User).await
    }

    pub(crate) async fn reconcile_of(
        &self,
        client: &Client,
        kind: Kind,
    ) -> Result<Report, reconcile::Error> {
        let settings = Settings { kind, sole: true, ..Settings::default() };
        reconcile::reconcile(&self.tables, client, settings).await
    }

    /// As [`Self::reconcile`], with an explicit limit of deletions.
    pub(crate) async fn reconcile_allowing(
        &self,
        client: &Client,
        allow_deletes: u64,
    ) -> Result<Report, reconcile::Error> {
        let settings = Settings { sole: true, allow_deletes, ..Settings::default() };
        reconcile::reconcile(&self.tables, client, settings).await
    }

    pub(crate) async fn dry_run(&self, client: &Client) -> Result<Report, reconcile::Error> {
        let settings = Settings { sole: true, dry_run: true, ..Settings::default() };
        reconcile::reconcile(&self.tables, client, settings).await
    }

    /// Moves every change of the users far into the past.
    pub(crate) async fn settle(&self) {
        self.age(3600).await;
    }

    /// Moves every change this many seconds further into the past.
    pub(crate) async fn age(&self, seconds: u32) {
        let by = format!("interval '{seconds} s'");
        self.execute(&format!(
            "update users_sync.ledger set version_at = version_at - {by};
             update users_sync.mentions set received_at = received_at - {by};
             update users_sync.journal set received_at = received_at - {by},
                 processed_at = processed_at - {by}"
        ))
        .await;
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.database.client().await.batch_execute(sql).await.expect(sql);
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.database.client().await.query_one(sql, &[]).await.expect(sql).get(0)
    }

    pub(crate) async fn rows(&self) -> BTreeMap<String, Row> {
        let sql = "select id, name, email, deleted_at, raw_json from neon_auth.users_sync";
        let rows = self.database.client().await.query(sql, &[]).await.expect("the mirror");
        let row = |row: &tokio_postgres::Row| Row {
            name: row.get("name"),
            email: row.get("email"),
            deleted_at: row.get("deleted_at"),
            raw: row.get("raw_json"),
        };
        rows.iter().map(|found| (found.get("id"), row(found))).collect()
    }

    /// The ids of the entities of a kind that are not deleted.
    pub(crate) async fn alive_of(&self, kind: Kind) -> Vec<String> {
        let table = users_sync::db::mirror::of(kind).table;
        let sql = format!("select id from {table} where deleted_at is null order by id");
        let rows = self.database.client().await.query(&sql, &[]).await.expect("the mirror");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The ids of the users that are not deleted.
    pub(crate) async fn alive(&self) -> Vec<String> {
        let alive = |(id, row): (String, Row)| row.deleted_at.is_none().then_some(id);
        self.rows().await.into_iter().filter_map(alive).collect()
    }
}
