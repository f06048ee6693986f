//! What a person needs to know when the service has started.

use std::io::Write;
use std::net::SocketAddr;

use super::open::Open;
use crate::config::secret_variable;
use crate::development::Development;
use crate::webhook::Source;

/// Prints the address, the routes, the database, and what to try.
pub(super) fn print(
    address: SocketAddr,
    sources: &[Source],
    open: &Open,
    development: Option<&Development>,
) {
    let text = text(address, sources, open, development);
    // Where nobody reads it, the service runs all the same.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn text(
    address: SocketAddr,
    sources: &[Source],
    open: &Open,
    development: Option<&Development>,
) -> String {
    let mut lines = vec![format!("users-sync listens on http://{address}"), String::new()];
    for source in sources {
        lines.push(format!("  POST /webhooks/{}   {}", source.name, source.provider.title));
    }
    lines.push("  GET  /healthz, /readyz, /metrics".into());
    lines.push(String::new());
    match open.embedded_url() {
        Some(url) => {
            lines.push(format!("Database (embedded, for development): {url}"));
            lines.push(format!("  psql '{url}' -c 'select * from neon_auth.users_sync'"));
        }
        None => lines.push(format!("Database: {}", open.conninfo.describe())),
    }
    if let Some(development) = development {
        lines.extend(development_lines(development));
    }
    lines.join("\n")
}

fn development_lines(development: &Development) -> Vec<String> {
    let file = development.file.display();
    let mut lines = vec![String::new()];
    if development.new {
        lines.push(format!("Development secrets, made now and kept in {file}:"));
        for source in &development.sources {
            let variable = secret_variable(source.provider);
            lines.push(format!("  {variable}={}", source.secrets[0].to_text()));
        }
    } else {
        lines.push(format!("Development secrets are in {file}."));
    }
    lines.push(String::new());
    lines.push("Try it from another terminal:".into());
    lines.push(
        "  users-sync send --provider clerk      (or: cargo run -- send --provider clerk)".into(),
    );
    lines
}
