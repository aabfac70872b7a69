//! How often a process wakes.

use std::collections::BTreeMap;
use std::fs;

/// How often each thread of a process had given the processor away of its own accord (proc_pid_status(5),
/// `voluntary_ctxt_switches`): so often it had woken before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wakes(BTreeMap<u32, Thread>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Thread {
    name: String,
    switches: u64,
}

impl Wakes {
    /// Those up to now; nothing where the system does not tell as Linux does.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.filter_map(|task| {
            let task = task.ok()?;
            let id = task.file_name().to_str()?.parse().ok()?;
            // One that has just ended is none.
            Some((id, thread(&fs::read_to_string(task.path().join("status")).ok()?)?))
        });
        let threads: BTreeMap<_, _> = threads.collect();
        (!threads.is_empty()).then_some(Self(threads))
    }

    /// How often threads have woken since, by their names. One that began since counts from its beginning.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> BTreeMap<String, u64> {
        let mut since = BTreeMap::<_, u64>::new();
        for (id, thread) in &self.0 {
            let before = earlier.0.get(id).map_or(0, |before| before.switches);
            *since.entry(thread.name.clone()).or_default() += thread.switches.saturating_sub(before);
        }
        since
    }
}

fn thread(status: &str) -> Option<Thread> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
    Some(Thread {
        name: field("Name")?.to_owned(),
        switches: field("voluntary_ctxt_switches")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_involuntary_ones_do_not_count() {
        let status =
            "Name:\tlane\nUmask:\t0022\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";
        assert_eq!(thread(status), Some(Thread { name: "lane".into(), switches: 150 }));
        assert_eq!(thread("Name:\tlane\nnonvoluntary_ctxt_switches:\t5\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn who_sleeps_ten_times_wakes_ten_times() {
        let us = std::process::id();
        let before = Wakes::of(us).unwrap();
        let sleeper = std::thread::Builder::new().name("sleeper".to_owned());
        let sleeper = sleeper.spawn(|| {
            (0..10).for_each(|_| std::thread::sleep(Duration::from_millis(5)));
            Wakes::of(std::process::id()).unwrap()
        });
        let woken = sleeper.unwrap().join().unwrap().since(&before)["sleeper"];
        assert!((10..30).contains(&woken), "{woken}");
    }
}
