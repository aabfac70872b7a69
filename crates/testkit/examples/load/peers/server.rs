//! Somebody else's program, and when it listens.

use std::fs::File;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use meshhook_testkit::load::Target;
use meshhook_testkit::{free_port, try_for};

const START_WITHIN: Duration = Duration::from_secs(20);

/// A program on a port of its own, which ends with this value.
#[derive(Debug)]
pub(super) struct Server {
    port: u16,
    log: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// One that writes what it says to that file.
    pub(super) fn new(log: PathBuf) -> Self {
        Self { port: free_port(), log, child: None }
    }

    pub(super) fn port(&self) -> String {
        self.port.to_string()
    }

    pub(super) fn target(&self, path: &str) -> Target {
        Target { address: ([127, 0, 0, 1], self.port).into(), path: path.to_owned() }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Starts it, until it listens.
    pub(super) fn start(&mut self, command: &mut Command) -> Result<(), String> {
        self.kill9();
        let program = command.get_program().display().to_string();
        let failed = |e| format!("{program} does not start: {e}");
        let log = File::create(&self.log).map_err(failed)?;
        let said = log.try_clone().map_err(failed)?;
        let child = command.stdin(Stdio::null()).stdout(log).stderr(said).spawn();
        self.child = Some(child.map_err(failed)?);
        let address = self.target("/").address;
        try_for(START_WITHIN, || TcpStream::connect(address).ok()).map(drop).ok_or_else(|| {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            format!("{program} does not listen; it said:\n{said}")
        })
    }

    pub(super) fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that has ended by itself cannot be killed, and is waited for all the same.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
    }
}
