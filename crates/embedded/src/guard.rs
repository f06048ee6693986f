//! The process between us and the server. It is the server's parent and reads our end of a pipe;
//! when that ends, because we let go of it or because we are gone (SIGKILL included), it stops
//! the server and goes too.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    io::{Read, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::postmaster::{FAST, send};

/// What a guard is told on its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    /// How long readers may be without a writer: for a server that short-lived processes share.
    pub(crate) linger: Duration,
    pub(crate) user: Option<(u32, u32)>,
    /// A directory that goes when the server has stopped.
    pub(crate) then_remove: Option<PathBuf>,
    pub(crate) command: Vec<OsString>,
}

const NONE: &str = "-";

impl Job {
    pub(crate) fn into_args(self) -> Vec<OsString> {
        let user = self.user.map(|(uid, gid)| format!("{uid}:{gid}"));
        let mut args = vec![
            self.linger.as_millis().to_string().into(),
            user.map_or_else(|| NONE.into(), OsString::from),
            self.then_remove.map_or_else(|| NONE.into(), PathBuf::into_os_string),
        ];
        args.extend(self.command);
        args
    }

    fn from_args(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        let given = |arg: OsString| Some(arg).filter(|arg| arg != OsStr::new(NONE));
        let linger = Duration::from_millis(args.next()?.to_str()?.parse().ok()?);
        let user = match given(args.next()?) {
            Some(user) => {
                let (uid, gid) = user.to_str()?.split_once(':')?;
                Some((uid.parse().ok()?, gid.parse().ok()?))
            }
            None => None,
        };
        let then_remove = given(args.next()?).map(PathBuf::from);
        let command: Vec<OsString> = args.collect();
        (!command.is_empty()).then_some(Self { linger, user, then_remove, command })
    }

    fn run(self) -> io::Result<ExitCode> {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        let mut server = command.spawn()?;
        let pid = server.id().cast_signed();
        // Nobody reads it any more when our parent is gone already: then stdin says so as well.
        let _unread = writeln!(io::stdout(), "{pid}");
        thread::spawn(move || {
            wait_for_end(self.linger);
            send(pid, Signal::INT);
            thread::sleep(FAST);
            send(pid, Signal::QUIT);
        });
        let ended = server.wait()?;
        if let Some(dir) = self.then_remove {
            remove(&dir)?;
        }
        Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The first argument of a guard.
pub const GUARD: &str = "embedded-guard";

/// Runs a guard to its end, with the arguments that follow [`GUARD`]; they are between [`crate::Server`] and this function.
pub fn guard(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(job) = Job::from_args(args.into_iter()) else {
        eprintln!("{GUARD} is a part of the embedded Postgres, not a command for people");
        return ExitCode::from(2);
    };
    let program = PathBuf::from(&job.command[0]);
    job.run().unwrap_or_else(|err| {
        eprintln!("{}: {err}", program.display());
        ExitCode::FAILURE
    })
}

/// Tries for a while: other servers that die with the same parent may still be writing there.
fn remove(dir: &Path) -> io::Result<()> {
    const TRIES: u32 = 50;
    for _ in 1..TRIES {
        if fs::remove_dir_all(dir).is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    fs::remove_dir_all(dir)
}

/// Returns when no process has had the other end open for as long as `linger`.
fn wait_for_end(linger: Duration) {
    const STEP: Duration = Duration::from_millis(20);
    let mut alone = Duration::ZERO;
    let mut byte = [0];
    loop {
        match io::stdin().read(&mut byte) {
            Ok(1..) => alone = Duration::ZERO,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            _ if alone >= linger => return,
            _ => {
                thread::sleep(STEP);
                alone += STEP;
            }
        }
    }
}
