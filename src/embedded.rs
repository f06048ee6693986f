//! The embedded Postgres as users-sync runs it: its database, where its data goes, and the ways out of a failed start.

use std::fmt;
use std::path::{Path, PathBuf};

use users_sync_embedded::{self as server, Embedded, Place, Settings};

/// The name of the embedded server's database.
pub const NAME: &str = "users_sync";

const ANOTHER: &str = "set DATABASE_URL to a database of yours";

/// Why the embedded server does not run; the text ends with the way out.
#[derive(Debug)]
pub struct Error(pub server::Error);

/// Starts the server, or says what to set or to install.
pub async fn start(settings: &Settings) -> Result<Embedded, Error> {
    Embedded::start(settings).await.map_err(Error)
}

/// The URL of the database that another process of ours runs on this directory.
pub fn running(data_dir: &Path) -> Option<String> {
    server::running(data_dir, NAME)
}

/// Where the data goes unless the operator says otherwise; `None` for a user without a home.
pub fn default_data_dir(
    is_root: bool,
    xdg_data_home: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    if is_root {
        // Postgres does not run as root, and root's home is closed to the user that it runs as.
        return Some("/var/lib/users-sync".into());
    }
    let base = xdg_data_home.filter(|dir| dir.is_absolute());
    let base = base.or_else(|| home.map(|home| home.join(".local/share")))?;
    Some(base.join("users-sync"))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = self.0.to_string();
        // What a program said stands in lines of its own.
        let separator = if problem.contains('\n') { "\n" } else { ": " };
        write!(f, "{problem}{separator}{}", way_out(&self.0))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// What the operator can do; the variables are those of users-sync.
fn way_out(error: &server::Error) -> String {
    use server::Error;

    let either = "set PG_BIN_DIR or DATABASE_URL";
    match error {
        Error::NoPrograms { install, .. } => format!(
            "install them with {install}, set PG_BIN_DIR to the directory that holds them, or \
             {ANOTHER}"
        ),
        Error::NotPrograms(_) => {
            "correct PG_BIN_DIR, or unset it to have them searched for".to_owned()
        }
        Error::Broken { .. } | Error::Spawn { .. } => format!("reinstall PostgreSQL, or {either}"),
        Error::Download { install, .. } => {
            format!("install PostgreSQL with {install}, or {either}")
        }
        Error::Tampered(_) => format!("install PostgreSQL, or {either}"),
        Error::OtherMajor { made_by, .. } => format!(
            "install PostgreSQL {made_by} or set PG_BIN_DIR to its programs (or move the directory \
             away to begin empty)"
        ),
        Error::NoUser => format!("add one with `useradd --system postgres`, or {ANOTHER}"),
        Error::NoPasswdEntry(_) => {
            format!("add an entry, run users-sync as a user that has one, or {ANOTHER}")
        }
        Error::WillNotStop(pid) => format!("end it with `kill -QUIT {pid}` and try again"),
        error => other_directory(error),
    }
}

fn other_directory(error: &server::Error) -> String {
    use server::Error;

    let elsewhere = "set USERS_SYNC_DATA_DIR to another directory";
    match error {
        Error::Directory(..) => {
            format!("set USERS_SYNC_DATA_DIR to a directory that this user can write, or {ANOTHER}")
        }
        Error::DiskFull(_) => {
            "free some space, or set USERS_SYNC_DATA_DIR to a directory on another disk".to_owned()
        }
        Error::Unreachable { place, .. } => {
            let variable = match place {
                Place::Data => "USERS_SYNC_DATA_DIR",
                Place::Programs => "PG_BIN_DIR",
            };
            format!(
                "allow it with `chmod o+x` on its parent directories, or set {variable} to a \
                 directory elsewhere, or run users-sync as an ordinary user"
            )
        }
        Error::InUse { .. } => format!("stop that one first, or {elsewhere}"),
        Error::OtherOwner { .. } => {
            format!("run users-sync as its owner, `chown -R` it, or {elsewhere}")
        }
        Error::WritableByOthers(_) => format!("`chmod go-w` it, or {elsewhere}"),
        Error::NotData(_) => "move it away, or restore it".to_owned(),
        _ => format!("{elsewhere}, or {ANOTHER}"),
    }
}
