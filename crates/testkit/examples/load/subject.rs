//! What is loaded: programs that are started for one load, and end with it.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use meshhook_testkit::load::{Target, cpu_time, stored};
use meshhook_testkit::{Gateway, Homeserver, StartFailure, free_port, try_for};

use crate::arguments::target;

const START_WITHIN: Duration = Duration::from_secs(10);

/// A kind of program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A door that does nothing else.
    Floor,
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
            Self::Sqlite => "sqlite",
            Self::Memory => "memory",
            Self::Target => "target",
        }
    }
}

/// One that runs.
#[derive(Debug)]
pub(crate) enum Running {
    Floor(Floor, Target),
    Gateway(Gateway, Subject),
    Target(Target),
}

impl Running {
    /// Starts one, with nothing in its store.
    pub(crate) fn start(subject: Subject, secret: &str, other: Option<&Target>) -> Result<Self, String> {
        match (subject, other) {
            (Subject::Floor, _) => Floor::start().map(|(floor, target)| Self::Floor(floor, target)),
            (Subject::Target, Some(target)) => Ok(Self::Target(target.clone())),
            (Subject::Target, None) => Err("no target was named".to_owned()),
            (subject, _) => match gateway(subject, secret) {
                Ok(gateway) => Ok(Self::Gateway(gateway, subject)),
                Err(failure) => Err(failure.to_string()),
            },
        }
    }

    pub(crate) fn target(&self) -> Result<Target, String> {
        match self {
            Self::Floor(_, target) | Self::Target(target) => Ok(target.clone()),
            Self::Gateway(gateway, _) => target(&gateway.hook_url("github")),
        }
    }

    /// The processor time that it has used.
    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        match self {
            Self::Floor(floor, _) => cpu_time(floor.0.id()),
            Self::Gateway(gateway, _) => cpu_time(gateway.pid()),
            Self::Target(_) => None,
        }
    }

    /// Ends it; how many deliveries its store has, where it has one that outlives it.
    pub(crate) fn end(self) -> Option<u64> {
        let Self::Gateway(mut gateway, subject) = self else { return None };
        gateway.stop();
        (subject == Subject::Sqlite).then(|| stored(&gateway.store_dir()))
    }
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

/// The example of that name, beside this one. It ends when its standard input does: also if we are killed.
#[derive(Debug)]
pub(crate) struct Floor(Child);

impl Floor {
    fn start() -> Result<(Self, Target), String> {
        let own = std::env::current_exe().map_err(|e| format!("where am I? {e}"))?;
        let port = free_port();
        let mut command = Command::new(own.with_file_name("floor"));
        let child = command.arg(port.to_string()).stdin(Stdio::piped()).spawn();
        let floor = Self(child.map_err(|e| format!("the floor does not start: {e}"))?);
        let target = target(&format!("http://127.0.0.1:{port}/hooks/matrix/build-status/github"))?;
        try_for(START_WITHIN, || TcpStream::connect(target.address).ok())
            .ok_or("the floor does not listen")?;
        Ok((floor, target))
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed, and is waited for all the same.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
