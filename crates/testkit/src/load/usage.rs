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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_the_right_ones() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 158 0 0 0 1200 34 5 6 20 0 1 0 100 2 3";
        assert_eq!(ticks_used(stat), Some(1234));
        assert_eq!(ticks_used("7 (a"), None);
    }
}
