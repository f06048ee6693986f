use std::{
    fs::{self, File, TryLockError},
    io::{self, Seek, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    Error,
    postmaster::{POLL, is_alive},
    private,
};

const READY: &str = "ready";
/// For a holder that is gone: the lock goes with its last copy of the file.
const PATIENCE: Duration = Duration::from_secs(2);

/// The right to run the server of a data directory: one process at a time, until it ends.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    pub(crate) async fn take(data_dir: &Path) -> Result<Self, Error> {
        let path = path(data_dir);
        let file = private::open(&path, File::options().create(true).truncate(false).write(true));
        let file = file.map_err(Error::directory(&path))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    let holder = holder(&path);
                    if holder.is_some_and(is_alive) || Instant::now() > deadline {
                        let pid = holder.map_or_else(|| "(unknown)".into(), |pid| pid.to_string());
                        return Err(Error::InUse { dir: data_dir.into(), pid });
                    }
                    tokio::time::sleep(POLL).await;
                }
                Err(TryLockError::Error(err)) => return Err(Error::directory(path)(err)),
            }
        }
        // Not before: what it does when it is dropped is the holder's to do.
        let mut lock = Self(file);
        lock.write(&format!("{}\n", std::process::id())).map_err(Error::directory(path))?;
        Ok(lock)
    }

    /// Lets other commands find the server.
    pub(crate) fn announce(&mut self) -> io::Result<()> {
        writeln!(self.0, "{READY}")
    }

    /// Lets other commands find the service that the server is for.
    pub(crate) fn announce_service(&self, address: SocketAddr) -> io::Result<()> {
        writeln!(&self.0, "{address}")
    }

    fn write(&mut self, content: &str) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.rewind()?;
        self.0.write_all(content.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _rewritten_by_the_next = self.write("");
        // Closing is not enough: a child that another thread has forked has the file open until it
        // becomes its program.
        let _closing_does_it_later = self.0.unlock();
    }
}

fn holder(path: &Path) -> Option<i32> {
    fs::read_to_string(path).ok()?.lines().next()?.parse().ok()
}

/// Whether the last process that held the lock had its server ready.
pub(crate) fn is_announced(data_dir: &Path) -> bool {
    let content = fs::read_to_string(path(data_dir)).unwrap_or_default();
    content.lines().nth(1) == Some(READY)
}

/// Where the last process that held the lock served.
pub(crate) fn service(data_dir: &Path) -> Option<SocketAddr> {
    let content = fs::read_to_string(path(data_dir)).ok()?;
    content.lines().nth(2)?.parse().ok()
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("lock")
}
