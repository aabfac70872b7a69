//! What a process has used.

use std::fs;
use std::time::Duration;

/// The processor time that a process has used so far, in itself and for it in the kernel; nothing where the system does
/// not tell as Linux does (proc_pid_stat(5), fields 14 and 15, in ticks).
#[must_use]
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = rustix::param::clock_ticks_per_second();
    Some(Duration::from_millis(1000 * ticks_used(&stat)? / ticks.max(1)))
}

/// The name, in brackets, can hold anything: what follows its end is counted from the third field on.
fn ticks_used(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// What a process has in memory, the pages of its program with it, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resident {
    /// At present.
    pub now: u64,
    /// At most, since its start.
    pub peak: u64,
}

/// What a process has in memory; nothing where the system does not tell as Linux does (proc_pid_status(5), `VmRSS`
/// and `VmHWM`).
#[must_use]
pub fn resident(pid: u32) -> Option<Resident> {
    resident_in(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn resident_in(status: &str) -> Option<Resident> {
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    Some(Resident { now: kib("VmRSS")? << 10, peak: kib("VmHWM")? << 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_bytes() {
        let status = "Name:\tVmRSS\nVmPeak:\t   99 kB\nVmHWM:\t    20 kB\nVmRSS:\t    12 kB\n";
        assert_eq!(resident_in(status), Some(Resident { now: 12 << 10, peak: 20 << 10 }));
        assert_eq!(resident_in("Name:\ta zombie\n"), None);
    }

    #[test]
    fn the_fields_are_the_right_ones() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 158 0 0 0 1200 34 5 6 20 0 1 0 100 2 3";
        assert_eq!(ticks_used(stat), Some(1234));
        assert_eq!(ticks_used("7 (a"), None);
    }
}
