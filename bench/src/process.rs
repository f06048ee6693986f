//! The resources that processes use, read from the kernel.

use std::fs;

/// Seconds of CPU (user and system), bytes of WAL and of memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) service: f64,
    pub(crate) postgres: f64,
    pub(crate) wal: f64,
    /// The peak resident memory of the service.
    pub(crate) memory: f64,
}

impl Usage {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            service: self.service - before.service,
            postgres: self.postgres - before.postgres,
            wal: self.wal - before.wal,
            memory: self.memory,
        }
    }
}

/// The kernel counts in hundredths of a second.
const TICKS: f64 = 100.0;

/// CPU seconds of a process and all its descendants, including those that have ended.
pub(crate) fn cpu_of_tree(pid: u32) -> f64 {
    loop {
        let Some(before) = stat(pid) else { return 0.0 };
        let children = children_of(pid).into_iter().map(cpu_of_tree).sum::<f64>();
        // A child that ended between the readings would be missing from both.
        if stat(pid).is_none_or(|after| after.ended_ticks == before.ended_ticks) {
            return children + (before.own_ticks + before.ended_ticks) / TICKS;
        }
    }
}

/// The peak resident memory of a process and its descendants, in bytes.
pub(crate) fn memory_of_tree(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    let own = kilobytes.unwrap_or(0.0) * 1024.0;
    own + children_of(pid).into_iter().map(memory_of_tree).sum::<f64>()
}

struct Stat {
    parent: u32,
    own_ticks: f64,
    /// Ticks of children that have ended.
    ended_ticks: f64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold blanks.
    let (_, after_name) = text.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own_ticks: ticks(11)? + ticks(12)?,
        ended_ticks: ticks(13)? + ticks(14)?,
    })
}

fn children_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|stat| stat.parent == parent)).collect()
}
