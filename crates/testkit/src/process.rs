//! A child that is ended by its own handle, never by name.

use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A running child; it does not outlive this value.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts `command`.
    ///
    /// # Panics
    /// When it cannot be started; the message names the program.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        match command.spawn() {
            Ok(child) => Self(child),
            Err(e) => panic!("{} does not start: {e}", command.get_program().display()),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// The status, once it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child of ours can be waited for")
    }

    /// Sends a signal; to a child that has ended it is no error.
    pub(crate) fn signal(&mut self, signal: Signal) {
        // Until we wait for it the id stays the child's, so the signal can reach no one else.
        if self.ended().is_none() {
            kill_process(Pid::from_child(&self.0), signal).expect("a child of ours can be signalled");
        }
    }

    /// SIGTERM, and SIGKILL when that does not end it within the time.
    pub(crate) fn terminate(&mut self, within: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        // One that was made to hold still would not notice.
        self.signal(Signal::CONT);
        let end = Instant::now() + within;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            if Instant::now() >= end {
                return self.kill();
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> ExitStatus {
        self.signal(Signal::KILL);
        self.0.wait().expect("a child of ours can be waited for")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
