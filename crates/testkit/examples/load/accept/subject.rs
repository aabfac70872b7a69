//! What is loaded: programs that are started for one load, and end with it.

use meshhook_testkit::load::{Floor, Synced, Target, stored};
use meshhook_testkit::{Gateway, Homeserver, StartFailure, free_port};

use super::arguments::target;

/// A kind of program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A door that does nothing else.
    Floor,
    /// The same, with answers that are durable.
    Disk,
    /// The gateway, with a store on the disk.
    Sqlite,
    /// The gateway, with a store in memory.
    Memory,
    /// What somebody else has started.
    Target,
}

impl Subject {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Disk => "disk",
            Self::Sqlite => "sqlite",
            Self::Memory => "memory",
            Self::Target => "target",
        }
    }
}

/// One that runs.
#[derive(Debug)]
pub(crate) enum Running {
    Floor(Floor),
    Gateway(Gateway, Subject),
    Target(Target),
}

/// What one tells of itself at its end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told {
    /// How many deliveries are on its disk, where that outlives it.
    pub(crate) stored: Option<u64>,
    /// How many it made durable, by how many syncs.
    pub(crate) synced: Option<Synced>,
}

impl Running {
    /// Starts one, with nothing in its store; a floor's `record` is as long as that.
    pub(crate) fn start(
        subject: Subject,
        secret: &str,
        record: usize,
        other: Option<&Target>,
    ) -> Result<Self, String> {
        match (subject, other) {
            (Subject::Floor, _) => Ok(Self::Floor(Floor::start())),
            (Subject::Disk, _) => Ok(Self::Floor(Floor::start_on_disk(record))),
            (Subject::Target, Some(target)) => Ok(Self::Target(target.clone())),
            (Subject::Target, None) => Err("no target was named".to_owned()),
            (Subject::Sqlite | Subject::Memory, _) => match gateway(subject, secret) {
                Ok(gateway) => Ok(Self::Gateway(gateway, subject)),
                Err(failure) => Err(failure.to_string()),
            },
        }
    }

    pub(crate) fn target(&self) -> Result<Target, String> {
        match self {
            Self::Floor(floor) => Ok(floor.target().clone()),
            Self::Target(target) => Ok(target.clone()),
            Self::Gateway(gateway, _) => target(&gateway.hook_url("github")),
        }
    }

    /// Its process, if it is ours.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Self::Floor(floor) => Some(floor.pid()),
            Self::Gateway(gateway, _) => Some(gateway.pid()),
            Self::Target(_) => None,
        }
    }

    /// Ends it.
    pub(crate) fn end(self) -> Told {
        match self {
            Self::Floor(floor) => {
                let synced = floor.end();
                Told { stored: synced.map(|synced| synced.records), synced }
            }
            Self::Gateway(mut gateway, Subject::Sqlite) => {
                let synced = committed(&gateway);
                gateway.stop();
                Told { stored: Some(stored(&gateway.store_dir())), synced }
            }
            Self::Gateway(..) | Self::Target(_) => Told::default(),
        }
    }
}

/// What a gateway says of its commits: each has one sync.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counters are whole and small")]
fn committed(gateway: &Gateway) -> Option<Synced> {
    let count = |series| gateway.metric(series).map(|count| count as u64);
    let records = count("meshhook_deliveries_committed_total")?;
    Some(Synced { records, syncs: count("meshhook_commit_seconds_count")? })
}

/// Its homeserver is dead: what is delivered takes the same processors, and is measured by itself. Everything that is
/// accepted stays owed, as in an outage, when most comes in.
fn gateway(subject: Subject, secret: &str) -> Result<Gateway, StartFailure> {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let builder =
        Gateway::builder(&nobody, Homeserver::ROOM, "syt_nobody_asks").source("github", "github", secret);
    match subject {
        Subject::Memory => builder.in_memory().start(),
        _ => builder.start(),
    }
}
