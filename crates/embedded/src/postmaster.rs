use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::Error;

pub(crate) const FAST: Duration = Duration::from_secs(60);
const IMMEDIATE: Duration = Duration::from_secs(10);
pub(crate) const POLL: Duration = Duration::from_millis(5);

/// What a server writes about itself into `postmaster.pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postmaster {
    /// Its process id.
    pub pid: i32,
    /// Where its Unix socket is.
    pub socket_dir: PathBuf,
    /// Whether it accepts connections.
    pub ready: bool,
}

impl Postmaster {
    /// The file's content, which outlives a server that was killed; `None` when there is none.
    pub fn recorded(cluster: &Path) -> Option<Self> {
        let file = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = file.lines().collect();
        let pid = lines.first()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        let socket_dir = lines.get(4).copied().unwrap_or_default().into();
        let ready = lines.get(7).is_some_and(|status| status.trim() == "ready");
        Some(Self { pid, socket_dir, ready })
    }

    /// The server that runs on this data.
    pub fn running(cluster: &Path) -> Option<Self> {
        Self::recorded(cluster).filter(|server| server.runs_on(cluster))
    }

    /// Whether the process of this number is a server on this data: after a crash or in a new
    /// container the number may be anybody's.
    fn runs_on(&self, cluster: &Path) -> bool {
        is_alive(self.pid) && (works_in(self.pid, cluster) || was_told(self.pid, cluster))
    }

    /// Stops the server, whoever its parent is; its clients are disconnected.
    pub async fn stop(&self, cluster: &Path) -> Result<(), Error> {
        for (signal, patience) in [(Signal::INT, FAST), (Signal::QUIT, IMMEDIATE)] {
            send(self.pid, signal);
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                if !self.runs_on(cluster) {
                    return Ok(());
                }
                tokio::time::sleep(POLL).await;
            }
        }
        Err(Error::WillNotStop(self.pid))
    }
}

pub(crate) fn send(pid: i32, signal: Signal) {
    // A process that is gone already is what every caller wants.
    let _gone = Pid::from_raw(pid).map(|pid| kill_process(pid, signal));
}

pub(crate) fn is_alive(pid: i32) -> bool {
    let Some(pid) = Pid::from_raw(pid) else { return false };
    !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

fn works_in(pid: i32, cluster: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|dir| dir == cluster)
}

/// Whether it was started with `-D <cluster>`: readable where the working directory is not (root
/// in a container without CAP_SYS_PTRACE) and, through ps, where there is no /proc.
fn was_told(pid: i32, cluster: &Path) -> bool {
    let told = cluster.as_os_str().as_encoded_bytes();
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(line) => {
            let args: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
            args.windows(2).any(|pair| pair == [b"-D", told])
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound && !Path::new("/proc/self").exists() => {
            let ps =
                Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
            let needle = [b"-D ", told].concat();
            ps.is_ok_and(|ps| ps.stdout.windows(needle.len()).any(|at| at == needle))
        }
        Err(_) => false,
    }
}
