//! The Unix socket through which alone a server is reached.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};

use crate::{Error, cluster::SUPERUSER, user::User};

pub(crate) const PORT: &str = "5432";
/// The least that a system allows for a socket's path: 104 bytes with the final NUL, on macOS.
const LONGEST: usize = 103;

/// What RFC 3986 lets stand as it is in every part of a URL.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A private directory for the socket: `wanted`, or a short one where its path would be too long.
pub fn directory(wanted: &Path, user: Option<&User>) -> Result<PathBuf, Error> {
    let socket = wanted.join(format!(".s.PGSQL.{PORT}"));
    let dir = if socket.as_os_str().len() <= LONGEST { wanted.into() } else { short(wanted) };
    make_private(&dir, user).map_err(Error::directory(&dir))?;
    Ok(dir)
}

/// The URL of a database, which libpq, node-postgres and tokio-postgres read alike.
pub fn url(socket_dir: &Path, database: &str) -> String {
    let host = percent_encode(socket_dir.as_os_str().as_encoded_bytes(), UNRESERVED);
    let database = utf8_percent_encode(database, UNRESERVED);
    format!("postgresql://{SUPERUSER}@/{database}?host={host}&port={PORT}")
}

/// The same name each time, so that nothing piles up in /tmp.
fn short(wanted: &Path) -> PathBuf {
    let digest = digest::digest(&digest::SHA256, wanted.as_os_str().as_encoded_bytes());
    format!("/tmp/embedded-postgres-{}", hex::encode(&digest.as_ref()[..8])).into()
}

/// A directory that only the account can enter; one that somebody else has put there is refused.
pub fn make_private(dir: &Path, user: Option<&User>) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => user.map_or(Ok(()), |user| user.own(dir)),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(dir)?;
            let owner = user.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
            match user {
                _ if !found.is_dir() || found.mode() & 0o077 != 0 => {
                    Err(io::Error::other("it is there already, and others may enter it"))
                }
                _ if found.uid() == owner => Ok(()),
                // What root has put back from a backup.
                Some(user) if found.uid() == 0 => user.own(dir),
                _ => Err(io::Error::other("it belongs to somebody else")),
            }
        }
        Err(err) => Err(err),
    }
}
