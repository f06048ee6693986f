//! The Unix socket, which is the only way to reach the server.

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
/// The shortest limit that a system has for a socket's path: 104 bytes with the final NUL, on macOS.
const LONGEST: usize = 103;

/// The characters that RFC 3986 allows unescaped in every part of a URL.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A private directory for the socket: `wanted`, or a short one if its path would be too long.
pub fn directory(wanted: &Path, user: Option<&User>) -> Result<PathBuf, Error> {
    let socket = wanted.join(format!(".s.PGSQL.{PORT}"));
    let dir = if socket.as_os_str().len() <= LONGEST { wanted.into() } else { short(wanted) };
    make_private(&dir, user).map_err(Error::directory(&dir))?;
    Ok(dir)
}

/// The URL of a database, in the form that libpq, node-postgres and tokio-postgres all read.
pub fn url(socket_dir: &Path, database: &str) -> String {
    let host = percent_encode(socket_dir.as_os_str().as_encoded_bytes(), UNRESERVED);
    let database = utf8_percent_encode(database, UNRESERVED);
    format!("postgresql://{SUPERUSER}@/{database}?host={host}&port={PORT}")
}

/// The name is the same each time, so that directories do not accumulate in /tmp.
fn short(wanted: &Path) -> PathBuf {
    let digest = digest::digest(&digest::SHA256, wanted.as_os_str().as_encoded_bytes());
    format!("/tmp/embedded-postgres-{}", hex::encode(&digest.as_ref()[..8])).into()
}

/// Creates a directory that only the account can enter; refuses one that another user created.
pub fn make_private(dir: &Path, user: Option<&User>) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => user.map_or(Ok(()), |user| user.own(dir)),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(dir)?;
            let owner = user.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
            match user {
                _ if !found.is_dir() || found.mode() & 0o077 != 0 => {
                    Err(io::Error::other("it exists already, and other users can enter it"))
                }
                _ if found.uid() == owner => Ok(()),
                // Root may have restored the directory from a backup.
                Some(user) if found.uid() == 0 => user.own(dir),
                _ => Err(io::Error::other("it belongs to another user")),
            }
        }
        Err(err) => Err(err),
    }
}
