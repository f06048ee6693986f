//! The server, its clock, the schema and our rights.

use jiff::Timestamp;
use tokio_postgres::Client;
use users_sync_conninfo::ConnectError;

use super::check::Checks;
use crate::db::inspect::{self, Server};
use crate::db::server::OLDEST;
use crate::db::{migrations, rights, writable};
use crate::model::DeletePolicy;

/// Seconds that clocks may differ without harm, and those that cost deliveries.
const SKEW: f64 = 5.0;
const HARMFUL_SKEW: f64 = 240.0;

/// The advice if no session could be opened.
pub(super) fn advice(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::TimedOut { .. } | ConnectError::Failed { .. } => {
            "check host and port of DATABASE_URL, that the server runs, and that a firewall lets this machine through"
        }
        ConnectError::Rejected { .. } => {
            "check user, password and database name of DATABASE_URL; write ? & @ / of a password as %3F %26 %40 %2F"
        }
        ConnectError::Tls { .. } => "check sslmode and sslrootcert of DATABASE_URL",
    }
}

/// Whether the schema is current.
pub(super) async fn check(
    checks: &mut Checks,
    client: &Client,
    connected_for: f64,
    now: Timestamp,
    policy: DeletePolicy,
) -> bool {
    let server = match inspect::server(client).await {
        Ok(server) => server,
        Err(error) => {
            let advice = "the server answers, but not a simple question: look at its log";
            checks.fail("version", crate::error_chain(&error), advice);
            return false;
        }
    };
    version(checks, &server);
    encoding(checks, &server);
    defaults(checks, &server);
    transport(checks, &server, connected_for);
    clock(checks, &server, now);
    let current = schema(checks, client, &server).await;
    privileges(checks, client, &server.role, policy, current).await;
    current
}

fn version(checks: &mut Checks, server: &Server) {
    let found = format!("PostgreSQL {}", server.version);
    match server.version_num {
        number if number < OLDEST => checks.fail("version", found, "PostgreSQL 14 or newer is needed: upgrade the server, or name another one in DATABASE_URL"),
        _ => checks.ok("version", found),
    }
    if server.standby || server.read_only {
        let found = if server.standby { "a read replica" } else { "sessions are read-only" };
        let advice = "name the primary in DATABASE_URL, or add target_session_attrs=read-write; set default_transaction_read_only off";
        checks.fail("writable", found, advice);
    }
}

fn encoding(checks: &mut Checks, server: &Server) {
    let Server { encoding, client_encoding, .. } = server;
    if encoding != "UTF8" {
        let advice = "it cannot hold every name: make a new one, `create database … encoding 'UTF8' template template0`, and move into it what is in this one";
        checks.fail("encoding", format!("the database has {encoding}, not UTF8"), advice);
    } else if client_encoding != "UTF8" {
        let advice = "users-sync asks for UTF8 when it connects: let the pooler pass client_encoding on, or set it there to UTF8";
        checks.fail("encoding", format!("sessions have {client_encoding}, not UTF8"), advice);
    } else {
        checks.ok("encoding", "UTF8");
    }
}

/// Settings of the role or the database for every session; reported if they differ from Postgres's defaults.
fn defaults(checks: &mut Checks, server: &Server) {
    let Server { isolation, synchronous_commit, search_path, .. } = server;
    let usual = [
        ("default_transaction_isolation", isolation, "read committed"),
        ("synchronous_commit", synchronous_commit, "on"),
        ("search_path", search_path, r#""$user", public"#),
    ];
    let odd = usual.iter().filter(|(_, value, usual)| value != usual);
    let odd: Vec<_> = odd.map(|(name, value, _)| format!("{name} is '{value}'")).collect();
    let found = if odd.is_empty() { "Postgres's own".to_owned() } else { odd.join(", ") };
    checks.ok("defaults", found);
}

fn transport(checks: &mut Checks, server: &Server, connected_for: f64) {
    let pooled = server.session_age > connected_for + 1.0;
    let pooler = if pooled { ", through a pooler" } else { "" };
    match (server.tls, server.local) {
        (true, _) => checks.ok("transport", format!("TLS{pooler}")),
        (false, true) => checks.ok("transport", format!("local, without TLS{pooler}")),
        (false, false) if pooled => {
            checks.ok("transport", "through a pooler, whose own connection is without TLS");
        }
        (false, false) => {
            let advice = "add sslmode=verify-full (or require) to DATABASE_URL: users' data crosses a network";
            checks.warn("transport", "not encrypted", advice);
        }
    }
}

fn clock(checks: &mut Checks, server: &Server, now: Timestamp) {
    let skew = now.duration_since(server.now).as_secs_f64();
    let found = format!("this machine and the database differ by {:.1} s", skew.abs());
    let advice = "find out which clock is wrong (`timedatectl`): more than five minutes here, and every signature is refused";
    match skew.abs() {
        skew if skew > HARMFUL_SKEW => checks.fail("clock", found, advice),
        skew if skew > SKEW => checks.warn("clock", found, advice),
        _ => checks.ok("clock", found),
    }
}

async fn schema(checks: &mut Checks, client: &Client, server: &Server) -> bool {
    match migrations::pending(client).await {
        Ok(pending) if pending.is_empty() => {
            checks.ok("schema", "every migration is applied, and every object is there");
            return true;
        }
        Ok(pending) => {
            let names: Vec<_> = pending.iter().map(|step| step.name()).collect();
            let found = format!("pending: {}", names.join(", "));
            if server.may_create {
                let advice = "run `users-sync migrate`; `users-sync serve` does it when it starts";
                checks.warn("schema", found, advice);
            } else {
                let role = &server.role;
                let advice = format!(
                    "the role {role} may not create schemas: `grant create on database … to {role}`, or migrate as another role"
                );
                checks.fail("schema", found, advice);
            }
        }
        Err(migrations::Error::Mirror(difference)) => {
            let advice = "`users-sync adopt` turns the table that Neon Auth or an ORM made into ours, keeping rows and foreign keys";
            checks.fail("schema", difference.to_string(), advice);
        }
        Err(error) => {
            let advice = "use the version of users-sync that this database was migrated by, or a newer one; look at the rights of the role";
            checks.fail("schema", crate::error_chain(&error), advice);
        }
    }
    false
}

async fn privileges(
    checks: &mut Checks,
    client: &Client,
    role: &str,
    policy: DeletePolicy,
    current: bool,
) {
    match rights::missing(client, policy).await {
        Ok(missing) if !missing.is_empty() => {
            let advice = format!(
                "as the owner of the tables run what `users-sync migrate --print-grants --to {role}` prints"
            );
            return checks.fail("rights", format!("{role} lacks {}", missing.join(", ")), advice);
        }
        Ok(_) => {}
        Err(error) => {
            let found = crate::error_chain(&error);
            return checks.fail("rights", found, "the catalog could not be read");
        }
    }
    if let (true, Ok(Some(obstacle))) = (current, writable::obstacle(client).await) {
        let advice = "until this is mended every delivery is answered 503; row security needs a policy that lets the role write, or the owner disables it";
        return checks.fail(
            "rights",
            format!("{role} cannot write deliveries: {obstacle}"),
            advice,
        );
    }
    checks.ok("rights", format!("{role} may do what DELETE_POLICY and the rest ask for"));
}
