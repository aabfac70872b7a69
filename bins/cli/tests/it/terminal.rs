//! What a terminal gets to see.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::words::{fixtures, meshhook};

/// What the program writes to a terminal.
fn on_terminal(args: &[&str], environment: &[(&str, &str)]) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave =
        open(ptsname(&master, Vec::new()).unwrap(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let mut command = Command::new(meshhook().get_program());
    command.args(args).current_dir(fixtures()).env("TERM", "xterm").env_remove("NO_COLOR");
    command.envs(environment.iter().copied());
    command.stdin(Stdio::null()).stdout(slave.try_clone().unwrap()).stderr(slave);
    command.spawn().unwrap().wait().unwrap();
    drop(command);
    let mut text = Vec::new();
    // Linux ends a terminal that nobody has open any more with an error instead of an end of file.
    let _ = File::from(master).read_to_end(&mut text);
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
