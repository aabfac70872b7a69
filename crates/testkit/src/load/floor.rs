//! The floors: what a machine lets through at all. The program is the example of that name.

use std::io::Read;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::deliveries::Target;
use super::journal::recorded;
use crate::{built, eventually, free_port};

const START_WITHIN: Duration = Duration::from_secs(10);

/// A door that runs, and ends with this value: also if we are killed.
#[derive(Debug)]
pub struct Floor {
    child: Child,
    target: Target,
    disk: Option<Disk>,
}

/// Where the records are of a floor that has any.
#[derive(Debug)]
struct Disk {
    folder: TempDir,
    record: usize,
}

/// What a floor with a disk has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synced {
    /// Records that are in its file.
    pub records: u64,
    /// Syncs that made them durable.
    pub syncs: u64,
}

impl Floor {
    /// One that reads a body and answers 202.
    ///
    /// # Panics
    /// When the example is not built, or does not listen.
    #[must_use]
    pub fn start() -> Self {
        Self::run(None)
    }

    /// One that answers once a record of so many bytes is durable, in a file of its own below the temporary folder.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_on_disk(record: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("meshhook-floor-").tempdir();
        Self::run(Some(Disk { folder: folder.expect("a temporary folder"), record }))
    }

    fn run(disk: Option<Disk>) -> Self {
        let port = free_port();
        let mut command = Command::new(built("examples/floor", "meshhook-testkit --example floor"));
        command.arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(disk) = &disk {
            command.arg(disk.file()).arg(disk.record.to_string());
        }
        let child = command.spawn().expect("a program that is built can be started");
        let address = ([127, 0, 0, 1], port).into();
        let target = Target { address, path: "/hooks/matrix/build-status/github".to_owned() };
        let floor = Self { child, target, disk };
        eventually(START_WITHIN, || TcpStream::connect(address).ok());
        floor
    }

    /// Where it is posted to.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it; what it did, if it has a disk.
    ///
    /// # Panics
    /// When it does not say.
    #[must_use]
    pub fn end(mut self) -> Option<Synced> {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.child.stdout.take()?.read_to_string(&mut said).expect("words of ours");
        let disk = self.disk.as_ref()?;
        let syncs = said.split_whitespace().nth(1).and_then(|count| count.parse().ok());
        Some(Synced { records: disk.records(), syncs: syncs.expect("it says what it did") })
    }

    /// SIGKILL; how many records are in its file then, if it has one.
    #[must_use]
    pub fn kill9(mut self) -> Option<u64> {
        self.kill();
        self.disk.as_ref().map(Disk::records)
    }

    fn kill(&mut self) {
        // One that has ended by itself cannot be killed, and is waited for all the same.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Disk {
    fn file(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn records(&self) -> u64 {
        recorded(&self.file(), self.record)
    }
}
