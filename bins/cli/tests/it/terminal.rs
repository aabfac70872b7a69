//! What a terminal gets to see.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use meshhook_testkit::eventually;
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::words::{fixtures, meshhook};

/// What ends the input of a terminal that reads lines (Ctrl+D).
const END_OF_INPUT: &[u8] = b"\x04";

/// Both ends of a new terminal: ours, and the program's.
fn terminal() -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    (File::from(master), open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap())
}

/// A program that does not outlive its test.
struct Bounded(Child);

impl Bounded {
    /// Its end, which is near: nothing that is run here takes as much as a second.
    fn end(&mut self) -> ExitStatus {
        eventually(Duration::from_secs(60), || self.0.try_wait().unwrap())
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        // Of one that has ended neither does anything.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a terminal shows of a run, the answers that are typed there included, and its exit code. Behind the last answer
/// the input ends, so that a question too many gets none.
pub(crate) fn dialogue(args: &[&str], answers: &str) -> (String, i32) {
    let (mut master, slave) = terminal();
    let mut command = Command::new(meshhook().get_program());
    command.args(args).env("NO_COLOR", "1").env_remove("OPENCLAW_CONFIG_ROOT");
    command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
    master.write_all(answers.as_bytes()).and_then(|()| master.write_all(END_OF_INPUT)).unwrap();
    let mut child = Bounded(command.spawn().unwrap());
    drop(command);
    // It is read at once: a terminal holds some pages only.
    let text = thread::spawn(move || read(&mut master));
    let code = child.end().code().unwrap();
    let text = text.join().unwrap();
    (String::from_utf8(text).unwrap().replace("\r\n", "\n"), code)
}

/// What the program writes to a terminal.
fn on_terminal(args: &[&str], environment: &[(&str, &str)]) -> String {
    let (mut master, slave) = terminal();
    let mut command = Command::new(meshhook().get_program());
    command.args(args).current_dir(fixtures()).env("TERM", "xterm").env_remove("NO_COLOR");
    command.envs(environment.iter().copied());
    command.stdin(Stdio::null()).stdout(slave.try_clone().unwrap()).stderr(slave);
    Bounded(command.spawn().unwrap()).end();
    drop(command);
    String::from_utf8(read(&mut master)).unwrap()
}

/// All that the terminal shows, up to its end.
fn read(master: &mut File) -> Vec<u8> {
    let mut text = Vec::new();
    // Linux ends a terminal that nobody has open any more with an error instead of an end of file.
    let _ = master.read_to_end(&mut text);
    text
}

const FAILED: &[&str] = &["render", "standard/run-failed-attempt-2.json"];
const WRONG: &[&str] = &["render", "github/ping.json"];

#[test]
fn a_terminal_gets_colours() {
    assert!(on_terminal(FAILED, &[]).contains("\u{1b}[31m"));
    assert!(on_terminal(WRONG, &[]).starts_with("\u{1b}[1;31merror:\u{1b}[0m no message"));
}

#[test]
fn colours_are_off_where_they_are_not_wanted() {
    for off in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        for args in [FAILED, WRONG] {
            assert!(!on_terminal(args, &[off]).contains('\u{1b}'), "{off:?}");
        }
    }
    assert!(on_terminal(FAILED, &[("NO_COLOR", "")]).contains('\u{1b}'));
}
