//! How many files and connections may be open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// So many are asked for: connections, and what else is open. It is less than what macOS gives at most (10,240).
const WANTED: u64 = 8192;

/// The database, the log, the homeserver, the runtime, and some to spare.
const OTHER: u64 = 192;

/// How many connections this process may hold.
///
/// Systems start programs with a soft limit of 1,024 (256 on macOS), for the sake of those that use select(2), and let
/// them raise it to the hard one. Where that does not work, what was there before is lived with.
pub(crate) fn for_connections() -> usize {
    raise();
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(WANTED).min(WANTED);
    usize::try_from(allowed.saturating_sub(OTHER)).unwrap_or(usize::MAX)
}

fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let reachable = maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    if current.is_some_and(|current| current < reachable) {
        // Only the number of connections depends on it, which is reckoned from what holds afterwards.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(reachable), maximum });
    }
}
