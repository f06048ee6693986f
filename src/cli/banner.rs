//! The text that the service prints after its start.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::healthcheck::reachable;
use super::open::Open;
use super::send::quoted;
use crate::config::{Config, secret_variable};
use crate::db;
use crate::development::Development;

/// Prints the address, the routes, the database, and commands to try.
pub(super) fn print(
    address: SocketAddr,
    config: &Config,
    open: &Open,
    development: Option<&Development>,
) {
    let text = text(address, config, open, development);
    // The service runs even if stdout is closed.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn text(
    address: SocketAddr,
    config: &Config,
    open: &Open,
    development: Option<&Development>,
) -> String {
    let mut lines = vec![format!("users-sync listens on http://{address}")];
    if address.ip().is_unspecified() {
        let here = reachable(address);
        lines.push(format!("  on every interface; from this machine http://{here}"));
    }
    lines.push(String::new());
    for source in &config.sources {
        lines.push(format!("  POST /webhooks/{}   {}", source.name, source.provider.title));
    }
    lines.push("  GET  /healthz, /readyz, /metrics".into());
    lines.push(String::new());
    match open.embedded_url() {
        Some(url) => {
            lines.push(format!("Database (embedded, for development): {url}"));
            lines.push(format!("  psql '{url}' -c '{}'", db::SHOW_USERS));
        }
        None => lines.push(format!("Database: {}", open.conninfo.describe())),
    }
    if let Some(development) = development {
        lines.extend(development_lines(development, config.named_data_dir.as_deref()));
    }
    lines.join("\n")
}

/// `data_dir`: the one that another terminal has to name too.
fn development_lines(development: &Development, data_dir: Option<&Path>) -> Vec<String> {
    let file = development.file.display();
    let mut lines = vec![String::new()];
    if development.new {
        lines.push(format!("Development secrets, made now and kept in {file}:"));
        for source in &development.sources {
            let variable = secret_variable(&source.name);
            lines.push(format!("  {variable}={}", source.secrets[0].to_text()));
        }
    } else {
        lines.push(format!("Development secrets are in {file}."));
    }
    lines.push(String::new());
    lines.push("Try it from another terminal:".into());
    let data_dir = data_dir.and_then(|dir| std::path::absolute(dir).ok());
    let named = data_dir.map(|dir| format!(" --data-dir {}", quoted(&dir.display().to_string())));
    let provider = development
        .sources
        .first()
        .map_or_else(String::new, |source| format!(" --provider {}", source.provider.name));
    let send = format!("send{provider}{}", named.unwrap_or_default());
    lines.push(format!("  users-sync {send}"));
    lines.push(format!("  cargo run -q -- {send}      (in a clone of the repository)"));
    lines
}
