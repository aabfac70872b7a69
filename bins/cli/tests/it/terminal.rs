//! What a terminal gets to see.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::words::{fixtures, meshhook};

/// Both ends of a new terminal: ours, and the program's.
fn terminal() -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    (File::from(master), open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap())
}

/// What a terminal shows of a run, the answers that are typed there included, and its exit code.
pub(crate) fn dialogue(args: &[&str], answers: &str) -> (String, i32) {
    let (mut master, slave) = terminal();
    let mut command = Command::new(meshhook().get_program());
    command.args(args).env("NO_COLOR", "1").env_remove("OPENCLAW_CONFIG_ROOT");
    command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
    master.write_all(answers.as_bytes()).unwrap();
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut text = Vec::new();
    let _ = master.read_to_end(&mut text);
    let code = child.wait().unwrap().code().unwrap();
    (String::from_utf8(text).unwrap().replace("\r\n", "\n"), code)
}

/// What the program writes to a terminal.
fn on_terminal(args: &[&str], environment: &[(&str, &str)]) -> String {
    let (mut master, slave) = terminal();
    let mut command = Command::new(meshhook().get_program());
    command.args(args).current_dir(fixtures()).env("TERM", "xterm").env_remove("NO_COLOR");
    command.envs(environment.iter().copied());
    command.stdin(Stdio::null()).stdout(slave.try_clone().unwrap()).stderr(slave);
    command.spawn().unwrap().wait().unwrap();
    drop(command);
    let mut text = Vec::new();
    // Linux ends a terminal that nobody has open any more with an error instead of an end of file.
    let _ = master.read_to_end(&mut text);
    String::from_utf8(text).unwrap()
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
