use std::{
    fs::{self, File, TryLockError},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

use super::Error;

const READY: &str = "ready";

/// The right to run the server of a data directory: one process at a time, until it ends.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    pub(super) fn take(data_dir: &Path) -> Result<Self, Error> {
        let path = path(data_dir);
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::directory(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&path).unwrap_or_default();
                let pid = pid.lines().next().unwrap_or("(unknown)").to_owned();
                return Err(Error::InUse { dir: data_dir.into(), pid });
            }
            Err(TryLockError::Error(err)) => return Err(Error::directory(path)(err)),
        }
        let pid = std::process::id();
        rewrite(&mut file, &format!("{pid}\n")).map_err(Error::directory(path))?;
        Ok(Self(file))
    }

    /// Lets other commands find the server.
    pub(super) fn announce(&mut self) -> io::Result<()> {
        writeln!(self.0, "{READY}")
    }

    pub(super) fn release(mut self) -> io::Result<()> {
        rewrite(&mut self.0, "")
    }
}

/// Whether the last process that held the lock had its server ready.
pub(super) fn is_announced(data_dir: &Path) -> bool {
    let content = fs::read_to_string(path(data_dir)).unwrap_or_default();
    content.lines().nth(1) == Some(READY)
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("lock")
}

fn rewrite(file: &mut File, content: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(content.as_bytes())
}
