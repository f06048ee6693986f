use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::{Error, error::Output, programs::Programs, user::User};

/// The superuser of every cluster of ours; the socket's directory keeps others out. Not named as a schema of ours: by the
/// default search path, an application's tables would land in it.
pub(crate) const SUPERUSER: &str = "postgres";

/// A data directory of Postgres, with the programs and the account that run it.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Where the data is.
    pub dir: PathBuf,
    /// Those of the version that made the data.
    pub programs: Programs,
    /// `None`: our own account.
    pub user: Option<User>,
}

impl Cluster {
    /// The version in the directory's `PG_VERSION`; `None` when there is no directory.
    pub fn version(dir: &Path) -> Result<Option<String>, Error> {
        match fs::read_to_string(dir.join("PG_VERSION")) {
            Ok(version) => Ok(Some(version.trim().to_owned())),
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(Error::directory(dir)(err)),
            Err(_) if dir.exists() => Err(Error::NotData(dir.into())),
            Err(_) => Ok(None),
        }
    }

    /// The data that is there, when these programs can run it.
    pub fn open(dir: &Path, programs: Programs, user: Option<User>) -> Result<Self, Error> {
        let made_by = Self::version(dir)?.ok_or_else(|| Error::NotData(dir.into()))?;
        let found = programs.major.to_string();
        if made_by != found {
            return Err(Error::OtherMajor { dir: dir.into(), made_by, found });
        }
        Ok(Self { dir: dir.into(), programs, user })
    }

    /// New data in `dir`, whose parent the account can write; `dir` exists only once it is whole.
    pub async fn create(
        dir: &Path,
        programs: Programs,
        user: Option<User>,
        durable: bool,
    ) -> Result<Self, Error> {
        let parent = dir.parent().expect("a cluster is a directory in a directory");
        // A name of its own: an initdb whose parent was killed may still be writing to an older one.
        let new = dir.with_extension(format!("new.{}", std::process::id()));
        remove_leftovers(dir, parent).map_err(Error::directory(parent))?;
        let cluster = Self { dir: dir.into(), programs, user };
        cluster.initdb(&new, durable).await?;
        fs::rename(&new, dir).map_err(Error::directory(dir))?;
        if durable {
            File::open(parent).and_then(|dir| dir.sync_all()).map_err(Error::directory(parent))?;
        }
        Ok(cluster)
    }

    async fn initdb(&self, new: &Path, durable: bool) -> Result<(), Error> {
        let program = self.programs.initdb();
        let mut initdb = Command::new(&program);
        initdb.arg("-D").arg(new).args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8"]);
        match self.programs.major {
            ..=16 if cfg!(target_os = "macos") => initdb.arg("--locale=C"),
            ..=16 => initdb.arg("--locale=C.UTF-8"),
            _ => initdb.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]),
        };
        if !durable {
            initdb.arg("--no-sync");
        }
        if let Some(user) = &self.user {
            initdb.uid(user.uid).gid(user.gid);
        }
        initdb.env_clear().env("LC_ALL", "C").env("TZ", "UTC").stdin(Stdio::null());
        initdb.current_dir(new.parent().unwrap_or(new)).process_group(0).kill_on_drop(true);
        let said = initdb.output().await.map_err(|source| Error::Spawn { program, source })?;
        if said.status.success() {
            return Ok(());
        }
        let _unfinished = fs::remove_dir_all(new);
        Err(self.refusal(&said.stderr))
    }

    fn refusal(&self, said: &[u8]) -> Error {
        let output = Output::new(said);
        if output.says_disk_full() {
            return Error::DiskFull(self.dir.clone());
        }
        if output.says("could not look up effective user ID") {
            let ours = || rustix::process::geteuid().as_raw();
            return Error::NoPasswdEntry(self.user.as_ref().map_or_else(ours, |user| user.uid));
        }
        Error::InitDb { dir: self.dir.clone(), output }
    }
}

fn remove_leftovers(dir: &Path, parent: &Path) -> io::Result<()> {
    let prefix = dir.with_extension("new.");
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        if path.as_os_str().as_encoded_bytes().starts_with(prefix.as_os_str().as_encoded_bytes()) {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}
