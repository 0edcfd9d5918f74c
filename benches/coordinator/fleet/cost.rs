//! What a process costs, as Linux counts it (`proc_pid_stat(5)`, `proc_pid_status(5)`).

use std::time::{Duration, Instant};

use super::text;

/// Up to a moment, or between two of them.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    at: Instant,
    /// The time that it is of.
    pub(crate) time: Duration,
    /// User and system time of all its threads.
    pub(crate) cpu: Duration,
    /// Bytes in memory at its end, and at most so far.
    pub(crate) memory: u64,
    pub(crate) most_memory: u64,
}

impl Cost {
    pub(crate) fn of(process: u32) -> Result<Self, String> {
        let read = |name: &str| {
            std::fs::read_to_string(format!("/proc/{process}/{name}"))
                .map_err(|error| format!("what a process costs is read from /proc, which only Linux has: {error}"))
        };
        let (stat, status) = (read("stat")?, read("status")?);
        // The program's name is in parentheses, and may have anything in it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks =
            |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok()).ok_or("no processor time");
        let ticks = ticks(11)? + ticks(12)?;
        let memory = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            let kibibytes: u64 = line.split_whitespace().next().unwrap_or_default().parse().map_err(text)?;
            Ok::<_, String>(kibibytes << 10)
        };
        Ok(Self {
            at: Instant::now(),
            time: Duration::ZERO,
            // A tick is 10 ms wherever Linux runs today (time(7), USER_HZ).
            cpu: Duration::from_millis(ticks * 10),
            memory: memory("VmRSS:")?,
            most_memory: memory("VmHWM:")?,
        })
    }

    /// What it was from another moment on.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self { time: self.at - before.at, cpu: self.cpu.saturating_sub(before.cpu), ..*self }
    }

    /// Of one core.
    pub(crate) fn share(&self) -> f64 {
        self.cpu.as_secs_f64() / self.time.as_secs_f64().max(1e-9)
    }
}
