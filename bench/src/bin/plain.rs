//! The handler that a careful team would write with axum: it verifies, then uses one transaction per request over a
//! pool.

use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use jiff::Timestamp;
use serde_json::Value;
use svix::webhooks::Webhook;
use tokio_postgres::NoTls;

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct App {
    webhook: Webhook,
    pool: Pool,
    /// Whether to also keep the ledger and the journal of users-sync.
    same_work: bool,
}

/// A delivery in the form that the peers' tables need.
struct User<'a> {
    id: &'a str,
    name: Option<String>,
    email: Option<&'a str>,
    created_at: Option<Timestamp>,
    updated_at: Timestamp,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let config = tokio_postgres::Config::from_str(&variable("DATABASE_URL")?)?;
    let manager = Manager::from_config(
        config,
        NoTls,
        ManagerConfig { recycling_method: RecyclingMethod::Fast },
    );
    let pool = Pool::builder(manager).max_size(variable("POOL_SIZE")?.parse()?).build()?;
    let same_work = variable("SAME_WORK").is_ok();
    let app = Arc::new(App {
        webhook: Webhook::new(&variable("CLERK_WEBHOOK_SECRET")?)?,
        pool,
        same_work,
    });
    let router = Router::new().route("/webhooks/{source}", post(receive)).with_state(app);
    let listener = tokio::net::TcpListener::bind(variable("LISTEN_ADDR")?).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

async fn receive(
    State(app): State<Arc<App>>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if app.webhook.verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let id = headers.get("svix-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let written = if app.same_work {
        write_the_same(&app.pool, source, id, &body).await
    } else {
        write(&app.pool, &source, id, &body).await
    };
    match written {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn write(pool: &Pool, source: &str, delivery: &str, body: &[u8]) -> Result<(), Failure> {
    let event: Value = serde_json::from_slice(body)?;
    let data = &event["data"];
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    let seen = transaction
        .prepare_cached("insert into peer.deliveries (id) values ($1) on conflict do nothing")
        .await?;
    if transaction.execute(&seen, &[&delivery]).await? == 0 {
        transaction.commit().await?;
        return Ok(());
    }
    if event["type"] == "user.deleted" {
        let delete = transaction.prepare_cached(DELETE).await?;
        transaction
            .execute(&delete, &[&data["id"].as_str(), &serde_json::json!({ "id": data["id"] })])
            .await?;
    } else {
        let user = if source == "clerk" { clerk(data)? } else { stack(data)? };
        let User { id, name, email, created_at, updated_at } = user;
        let upsert = transaction.prepare_cached(UPSERT).await?;
        transaction.execute(&upsert, &[&id, &name, &email, &created_at, &updated_at, data]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The work of users-sync for a delivery, statement by statement.
async fn write_the_same(
    pool: &Pool,
    source: String,
    delivery: &str,
    body: &[u8],
) -> Result<(), Failure> {
    let event: Value = serde_json::from_slice(body)?;
    let (data, event_type) = (&event["data"], event["type"].as_str().ok_or("no type")?);
    let deletes = event_type == "user.deleted";
    let user = match source.as_str() {
        _ if deletes => deleted(data)?,
        "clerk" => clerk(data)?,
        _ => stack(data)?,
    };
    let User { id, name, email, created_at, updated_at } = user;
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    let journal = transaction.prepare_cached(JOURNAL).await?;
    transaction
        .execute(&journal, &[&source, &delivery, &event_type, &id, &updated_at, &Timestamp::now()])
        .await?;
    if deletes {
        let ledger = transaction.prepare_cached(LEDGER_DELETE).await?;
        transaction.execute(&ledger, &[&id, &source, &updated_at]).await?;
        let mirror = transaction.prepare_cached(MIRROR_DELETE).await?;
        transaction.execute(&mirror, &[&id, &updated_at, &serde_json::json!({ "id": id })]).await?;
    } else {
        let ledger = transaction.prepare_cached(LEDGER).await?;
        if transaction.execute(&ledger, &[&id, &source, &updated_at, &delivery]).await? > 0 {
            let mirror = transaction.prepare_cached(MIRROR).await?;
            transaction
                .execute(&mirror, &[&id, &name, &email, &created_at, &updated_at, data])
                .await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

const JOURNAL: &str = "insert into users_sync.journal as j
        (source, delivery_id, event_type, kind, entity_id, version_at, received_at, outcome)
    values ($1, $2, $3, 'user', $4, $5, $6, 'applied')
    on conflict (source, delivery_id) do update set attempts = j.attempts + 1";

const LEDGER: &str =
    "insert into users_sync.ledger as l (kind, id, source, version_at, version_delivery)
    values ('user', $1, $2, $3, $4)
    on conflict (kind, id) do update set source = excluded.source, version_at = excluded.version_at,
        version_delivery = excluded.version_delivery
    where (excluded.version_at, excluded.version_delivery)
        >= (coalesce(l.version_at, '-infinity'), coalesce(l.version_delivery, ''))";

const LEDGER_DELETE: &str = "insert into users_sync.ledger as l (kind, id, source, deleted_at)
    values ('user', $1, $2, $3)
    on conflict (kind, id) do update set deleted_at = least(l.deleted_at, excluded.deleted_at)";

const MIRROR: &str = "insert into neon_auth.users_sync (id, name, email, created_at, updated_at, raw_json)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (id) do update set name = excluded.name, email = excluded.email,
        created_at = excluded.created_at, updated_at = excluded.updated_at, raw_json = excluded.raw_json";

const MIRROR_DELETE: &str =
    "insert into neon_auth.users_sync as u (id, deleted_at, raw_json) values ($1, $2, $3)
    on conflict (id) do update set deleted_at = least(u.deleted_at, excluded.deleted_at)";

const UPSERT: &str = "insert into peer.users (id, name, email, created_at, updated_at, raw_json)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (id) do update set name = excluded.name, email = excluded.email,
        created_at = excluded.created_at, updated_at = excluded.updated_at, raw_json = excluded.raw_json
    where peer.users.updated_at is null or peer.users.updated_at <= excluded.updated_at";

const DELETE: &str = "insert into peer.users (id, deleted_at, raw_json) values ($1, now(), $2)
    on conflict (id) do update set deleted_at = coalesce(peer.users.deleted_at, excluded.deleted_at)";

fn deleted(data: &Value) -> Result<User<'_>, Failure> {
    let id = data["id"].as_str().ok_or("no id")?;
    Ok(User { id, name: None, email: None, created_at: None, updated_at: Timestamp::now() })
}

fn clerk(data: &Value) -> Result<User<'_>, Failure> {
    let primary = &data["primary_email_address_id"];
    let addresses = data["email_addresses"].as_array();
    let address = addresses.and_then(|all| all.iter().find(|address| &address["id"] == primary));
    let names = [data["first_name"].as_str(), data["last_name"].as_str()];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Ok(User {
        id: data["id"].as_str().ok_or("no id")?,
        name: (!name.is_empty()).then_some(name),
        email: address.and_then(|address| address["email_address"].as_str()),
        created_at: time(&data["created_at"]),
        updated_at: time(&data["updated_at"]).ok_or("no version")?,
    })
}

fn stack(data: &Value) -> Result<User<'_>, Failure> {
    Ok(User {
        id: data["id"].as_str().ok_or("no id")?,
        name: data["display_name"].as_str().map(str::to_owned),
        email: data["primary_email"].as_str(),
        created_at: time(&data["signed_up_at_millis"]),
        updated_at: Timestamp::now(),
    })
}

fn time(milliseconds: &Value) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds.as_i64()?).ok()
}
