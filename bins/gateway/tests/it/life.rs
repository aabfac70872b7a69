//! Start, check and stop.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use meshhook_testkit::{Endpoint, Fault, Gateway, Homeserver, eventually, free_port};

use crate::rig::{SOON, accepted, build, post_build, said, scripted, started};
use crate::wire;

pub(crate) fn program() -> Command {
    let mut command = Command::new(crate::wrapped::program());
    command.env_remove("OPENCLAW_CONFIG_ROOT").env_remove("COLUMNS").env("NO_COLOR", "1");
    command
}

fn check(root: &Path) -> (Option<i32>, String) {
    let output = program().args(["--check", "--config-root"]).arg(root).output().unwrap();
    assert!(output.stdout.is_empty());
    (output.status.code(), text(&output).replace(root.to_str().unwrap(), "ROOT"))
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn written() -> Gateway {
    scripted(&Homeserver::start()).line("matrix", "mode = \"bot\"").write()
}

#[test]
fn a_check_tells_every_fault_with_its_line() {
    let gateway = written();
    assert_eq!(check(&gateway.config_root()), (Some(0), "configuration is fine\n".to_owned()));
    assert!(fs::read_dir(gateway.store_dir()).unwrap().next().is_none(), "a check opens no store");
    gateway.edit("mode = \"bot\"", "mood = \"bot\"");
    gateway.edit("provider = \"standard\"", "provider = \"hudson\"");
    let secret = gateway.config_root().join("github-secret-1");
    fs::set_permissions(secret, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = check(&gateway.config_root());
    assert_eq!(code, Some(78));
    insta::assert_snapshot!(said);
}

#[test]
fn a_check_tells_what_should_be_looked_at() {
    let gateway = written();
    fs::write(gateway.config_root().join("github-secret-1"), "short").unwrap();
    let (code, said) = check(&gateway.config_root());
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(said);
}

#[test]
fn no_configuration_and_wrong_usage_have_their_codes() {
    let output = program().args(["--config-root", "/nonexistent"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output).contains("hint: "), "{}", text(&output));
    let output = program().arg("--no-such-flag").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let gateway = written();
    let output =
        program().arg("--check").env("OPENCLAW_CONFIG_ROOT", gateway.config_root()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn a_second_gateway_on_the_same_store_does_not_start() {
    let (_homeserver, gateway) = started();
    let other = written();
    let store = gateway.store_dir();
    other.edit(other.store_dir().to_str().unwrap(), store.to_str().unwrap());
    let output = program().arg("--config-root").arg(other.config_root()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("in use by another process") && text(&output).contains("hint: "),
        "{}",
        text(&output)
    );
}

#[test]
fn an_address_that_is_taken_is_told() {
    let (_homeserver, gateway) = started();
    let other = written();
    let taken = gateway.url().replace("http://", "");
    other.edit(&other.url().replace("http://", ""), &taken);
    let output = program().arg("--config-root").arg(other.config_root()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains(&format!("cannot listen on {taken}")), "{}", text(&output));
}

#[test]
fn it_stops_within_ten_seconds_whatever_hangs() {
    let homeserver = Homeserver::start();
    let mut gateway = scripted(&homeserver).start().unwrap();
    homeserver.fail_once(Endpoint::Send, Fault::hang(Duration::from_secs(60)));
    accepted(&post_build(&gateway, &build("1", "failed")));
    eventually(SOON, || (!homeserver.requests_for(Endpoint::Send).is_empty()).then_some(()));
    // A client that hangs in the middle of its request, and one that idles.
    let mut hanging = wire::connect(&gateway);
    std::io::Write::write_all(&mut hanging, b"POST /hooks").unwrap();
    let _idle = wire::connect(&gateway);
    let start = Instant::now();
    let status = gateway.stop().unwrap();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(status.code(), Some(0));
    // What was in hand is sent after the next start, once.
    gateway.restart().unwrap();
    eventually(SOON, || (said(homeserver.events(Homeserver::ROOM)).len() == 1).then_some(()));
}

#[test]
fn a_request_in_hand_is_answered_before_the_end() {
    let (_homeserver, mut gateway) = started();
    let body = build("1", "failed").to_string();
    let mut headers = crate::rig::build_headers(body.as_bytes());
    headers.extend([("Content-Length", body.len().to_string()), ("Expect", "100-continue".to_owned())]);
    let lines: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut stream = wire::connect(&gateway);
    std::io::Write::write_all(&mut stream, wire::head("builds", &lines).as_bytes()).unwrap();
    // Told to go on: the request is in hand.
    let mut go_on = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut go_on).unwrap();
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| gateway.stop().unwrap());
        std::thread::sleep(Duration::from_millis(500));
        std::io::Write::write_all(&mut stream, body.as_bytes()).unwrap();
        let answer = wire::rest(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
        assert_eq!(stopping.join().unwrap().code(), Some(0));
    });
}

#[test]
fn a_log_in_json_is_json_line_by_line() {
    let homeserver = Homeserver::start();
    let mut gateway = scripted(&homeserver)
        .line("log", "format = \"json\"")
        .line("log", "level = \"debug\"")
        .start()
        .unwrap();
    accepted(&post_build(&gateway, &build("1", "failed")));
    assert_eq!(gateway.post("builds", &[], b"{}").status, 401);
    gateway.stop();
    let mut seen = Vec::new();
    for line in gateway.log().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        seen.push(line["message"].as_str().unwrap().to_owned());
    }
    for message in
        ["meshhook-gateway runs", "request accepted", "request refused", "committed", "stopping", "stopped"]
    {
        assert!(seen.iter().any(|have| have == message), "{message} is not among {seen:?}");
    }
}

#[test]
fn help_tells_the_exit_codes() {
    let output = program().arg("--help").output().unwrap();
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn nothing_is_listened_on_twice() {
    let port = free_port();
    let gateway = written();
    gateway.edit(&gateway.url().replace("http://", ""), &format!("127.0.0.1:{port}"));
    gateway.edit(&gateway.admin_url().replace("http://", ""), &format!("127.0.0.1:{port}"));
    assert_eq!(check(&gateway.config_root()).0, Some(78));
}
