use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt, lchown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use crate::{Error, Place};

/// The account that Postgres runs as when it is not our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its user id.
    pub uid: u32,
    /// The id of its group.
    pub gid: u32,
    /// Its name, or its user id where only the owner of a directory is known.
    pub name: String,
}

impl User {
    /// The account for data in `dir`: ours (`None`), or, because Postgres refuses root, the owner of
    /// the directory, else `postgres`, else `nobody`.
    pub fn for_data(dir: &Path) -> Result<Option<Self>, Error> {
        let ours = rustix::process::geteuid().as_raw();
        let owner = match fs::metadata(dir) {
            Ok(data) => Some((data.uid(), data.gid())),
            Err(err) if err.kind() == io::ErrorKind::NotFound => None,
            Err(err) => return Err(Error::directory(dir)(err)),
        };
        match owner {
            Some((owner, _)) if ours != 0 && owner != ours => {
                Err(Error::OtherOwner { dir: dir.into(), owner, ours })
            }
            _ if ours != 0 => Ok(None),
            Some((uid, gid)) if uid != 0 => Ok(Some(Self { uid, gid, name: uid.to_string() })),
            // Nothing yet, or a copy that root has put back from a backup.
            _ => {
                let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
                let found = ["postgres", "nobody"].iter().find_map(|name| parse(&accounts, name));
                found.map(Some).ok_or(Error::NoUser)
            }
        }
    }

    /// Gives the file, or the directory with all that is in it, to this account.
    pub fn own(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() {
            fs::read_dir(path)?.try_for_each(|entry| self.own(&entry?.path()))?;
        }
        lchown(path, Some(self.uid), Some(self.gid))
    }

    /// Whether this account can enter the directory; asked of the kernel, which knows ACLs too.
    fn can_enter(&self, dir: &Path) -> bool {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "cd -- \"$1\"", "sh"]).arg(dir).uid(self.uid).gid(self.gid);
        shell.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        shell.status().is_ok_and(|status| status.success())
    }

    pub(crate) fn must_enter(&self, dir: &Path, place: Place) -> Result<(), Error> {
        if self.can_enter(dir) {
            return Ok(());
        }
        Err(Error::Unreachable { path: dir.into(), user: self.name.clone(), place })
    }
}

/// The account that packages make for Postgres.
pub(crate) fn postgres() -> Option<User> {
    parse(&fs::read_to_string("/etc/passwd").unwrap_or_default(), "postgres")
}

fn parse(accounts: &str, wanted: &str) -> Option<User> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| *name == wanted)?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { uid, gid, name: name.to_owned() })
    })
}
