//! What an operator runs it with: the files in deploy/, the man page, completions, numbers and log lines.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use meshhook_testkit::{Endpoint, Fault, Gateway, Homeserver, eventually, http};
use serde_json::{Value, json};

use crate::rig::{SOON, accepted, build, build_headers, post_build, scripted, started, with};
use crate::wrapped::{after, program};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Checks the files of a deploy folder, and gives what was said of each.
fn check(deploy: &Path) -> (bool, String) {
    let programs = program().parent().unwrap().to_owned();
    let output =
        Command::new("python3").arg(deploy.join("check")).arg("--programs").arg(programs).output().unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), said)
}

#[test]
fn the_files_for_operators_are_right() {
    let (is_right, said) = check(&root().join("deploy"));
    // How far each was checked, for whoever looks.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes());
    assert!(is_right, "{said}");
}

#[test]
fn a_wrong_file_is_found() {
    let (folder, deploy) = copied();
    let (is_right, said) = check(&deploy);
    assert!(is_right, "a copy that nobody touched: {said}");
    drop(folder);
    for (file, from, to) in [
        ("systemd/meshhook-gateway.service", "ProtectSystem=strict", "ProtectSystem=no"),
        ("systemd/meshhook-gateway.service", "--config-root", "--config-folder"),
        ("systemd/credentials.conf", "LoadCredential=matrix-token:", "LoadCredential=token:"),
        ("launchd/com.meshmac.meshhook-gateway.plist", "<integer>63</integer>", "<integer>18</integer>"),
        ("launchd/com.meshmac.meshhook-gateway.plist", "</dict>\n</plist>", "</plist>"),
        ("launchd/com.meshmac.meshhook-log.plist", "cp /dev/null gateway.log", "cp /dev/null other.log"),
        ("launchd/com.meshmac.meshhook-log.plist", "\ndone\n", "\n"),
        ("Dockerfile", "USER 65532:65532", "USER root"),
        ("Dockerfile", "--package meshhook \\", "--package meshook \\"),
        ("nginx.conf", "X-Forwarded-For $remote_addr;", "X-Forwarded-For $proxy_add_x_forwarded_for;"),
        ("nginx.conf", "        return 404;\n    }", "        return 404;"),
        ("nginx.conf", "client_max_body_size 0;", "client_max_body_size 16m;"),
        ("Caddyfile", "\thandle {\n", "\thandle\n"),
        ("Caddyfile", "reverse_proxy 127.0.0.1:8789 {", "reverse_proxy 127.0.0.1:8787 {"),
        ("prometheus/alerts.yml", "meshhook_parked > 0", "meshhook_parkt > 0"),
        ("prometheus/alerts.yml", "meshhook_refusals_total{source!", "meshhook_refusals_total{sauce!"),
        ("grafana/meshhook.json", "meshhook_attempts_total", "meshhook_attempt_total"),
        ("metrics.md", "| `meshhook_parked`", "| `meshhook_parks`"),
    ] {
        let (_folder, deploy) = copied();
        let text = fs::read_to_string(deploy.join(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(deploy.join(file), text.replace(from, to)).unwrap();
        let (is_right, said) = check(&deploy);
        // A name that the list lacks is wrong where it is used.
        let blamed = if file == "metrics.md" { "prometheus/alerts.yml" } else { file };
        let found = said.contains(&format!("WRONG  deploy/{blamed}: "));
        assert!(!is_right && found, "{file} with {to:?} passes: {said}");
    }
}

/// A copy of the deploy folder, beside what its check looks at.
fn copied() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let deploy = folder.path().join("deploy");
    copy(&root().join("deploy"), &deploy);
    for beside in ["bins", "Cargo.toml"] {
        symlink(root().join(beside), folder.path().join(beside)).unwrap();
    }
    (folder, deploy)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// As launchd does it: the gateway's log is opened to append, and nobody opens another.
#[test]
fn a_long_log_is_kept_aside_and_goes_on_from_its_start() {
    let job = fs::read_to_string(root().join("deploy/launchd/com.meshmac.meshhook-log.plist")).unwrap();
    let script = job
        .split("<string>")
        .find(|part| part.starts_with("cd "))
        .unwrap()
        .split("</string>")
        .next()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (place, log) = (folder.path().to_str().unwrap(), folder.path().join("gateway.log"));
    let script = script.replace("/usr/local/var/log/meshhook", place);
    let rotate = || assert!(Command::new("/bin/sh").args(["-c", &script]).status().unwrap().success());
    let kept = || fs::read_dir(place).unwrap().count() - 1;
    let homeserver = Homeserver::start();
    let mut gateway = after(&homeserver, &format!("exec 2>>'{}'", log.display()));
    gateway.restart().unwrap();
    rotate();
    assert_eq!(kept(), 0, "a short one stays");
    for times in 1..=6 {
        let mut more = fs::OpenOptions::new().append(true).open(&log).unwrap();
        std::io::Write::write_all(&mut more, "x".repeat(11 << 20).as_bytes()).unwrap();
        rotate();
        assert_eq!(kept(), times.min(5));
        assert!(fs::metadata(&log).unwrap().len() < 10_000, "what is said meanwhile is there already");
        accepted(&post_build(&gateway, &build(&times.to_string(), "failed")));
        let said = eventually(SOON, || {
            fs::read_to_string(&log).ok().filter(|said| said.contains("request accepted"))
        });
        assert!(!said.contains('\0') && said.len() < 10_000, "it goes on where it ended");
    }
}

/// What the model of threats calls a defence is there.
#[test]
fn the_model_of_threats_names_files_that_are_there() {
    let text = fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let quoted = text.split('`').skip(1).step_by(2);
    let paths: Vec<_> = quoted.filter(|word| is_path(word)).collect();
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        assert!(root().join(path).exists(), "{path} is not there");
    }
}

fn is_path(word: &str) -> bool {
    ["bins/", "crates/", "deploy/", "docs/", "fuzz/"].iter().any(|folder| word.starts_with(folder))
}

fn ran(arguments: &[&str]) -> Output {
    let output = Command::new(program()).args(arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    output
}

#[test]
fn the_man_page_and_completions_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    ran(&["man", "--out", folder.path().to_str().unwrap()]);
    let page = folder.path().join("man8/meshhook-gateway.8");
    let shown = meshhook_testkit::tools::man(&page);
    for word in ["--config-root", "--check", "78"] {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    let others = shown.split_whitespace().filter_map(|word| word.strip_suffix("(8)"));
    for other in others {
        assert!(page.with_file_name(format!("{other}.8")).exists(), "{other} has no page");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = ran(&["completions", shell]).stdout;
        meshhook_testkit::tools::parses(shell, &script);
        assert!(String::from_utf8(script).unwrap().contains("config-root"));
    }
}

/// A gateway that has seen what there is to see, and its log as JSON.
fn eventful() -> (Homeserver, Gateway) {
    let homeserver = Homeserver::start();
    homeserver.fail_once(Endpoint::Send, Fault::rate_limited(std::time::Duration::from_millis(100)));
    let gateway = scripted(&homeserver)
        .line("log", "format = \"json\"")
        .line("log", "level = \"debug\"")
        .start()
        .unwrap();
    let mut body = build("1", "failed");
    body["correlation_id"] = json!("of-the-sender");
    let id = accepted(&post_build(&gateway, &body))["delivery"].as_str().unwrap().to_owned();
    sent(&gateway, &id);
    accepted(&post_build(&gateway, &body));
    homeserver.fail_once(Endpoint::Send, Fault::error(400, "M_BAD_JSON", "Nothing like this"));
    let id = accepted(&post_build(&gateway, &build("2", "failed")))["delivery"].as_str().unwrap().to_owned();
    eventually(SOON, || (gateway.admin_get("/readyz").ok()["parked"] == 1).then_some(()));
    gateway.admin_post(&format!("/deliveries/{id}/drop"), &json!({})).ok();
    strangers(&gateway);
    (homeserver, gateway)
}

fn sent(gateway: &Gateway, id: &str) {
    let status = || gateway.admin_get(&format!("/deliveries/{id}")).ok()["status"].clone();
    eventually(SOON, || (status() == "sent").then_some(()));
}

/// Requests with words of their own wherever there is a place for one.
fn strangers(gateway: &Gateway) {
    for n in 0..30 {
        let own = format!("strange-{n}");
        let _ = gateway.post(&own, &with(build_headers(b"{}"), "X-Request-Id", &own), b"{ }");
        let forged = with(build_headers(b"{}"), "webhook-id", &own);
        let _ = gateway.post("builds", &with(forged, "X-Forwarded-For", &format!("192.0.2.{n}")), b"{ }");
        let _ = http::send(&format!("STRANGE{n}"), &gateway.hook_url("builds"), &[("Origin", &own)], b"");
        let _ = http::get(&format!("{}/{own}", gateway.admin_url()), &[("Host", &own)]);
        let _ = http::get(&format!("{}/{own}?{own}={own}", gateway.admin_url()), &[]);
    }
}

#[test]
fn no_stranger_adds_a_number() {
    let (_homeserver, gateway) = eventful();
    let numbers = gateway.admin_get("/metrics").text();
    assert!(!numbers.contains("strange"), "{numbers}");
    let series = |text: &str| {
        let series =
            text.lines().filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series.to_owned());
        series.collect::<BTreeSet<_>>()
    };
    strangers(&gateway);
    assert_eq!(series(&numbers), series(&gateway.admin_get("/metrics").text()));
    for line in ["meshhook_clock_in_doubt 0", "meshhook_admin_refusals_total{reason=\"host\"} 60"] {
        let again = gateway.admin_get("/metrics").text();
        assert!(again.lines().any(|have| have == line), "{line} is not in {again}");
    }
    let silent = "meshhook_source_silent_since_timestamp_seconds{source=\"github\"}";
    assert!(numbers.contains(silent), "a source that never spoke is waited for: {numbers}");
}

#[test]
fn each_line_says_which_request_or_delivery_it_is_about() {
    let (_homeserver, mut gateway) = eventful();
    gateway.stop();
    let lines: Vec<Value> =
        gateway.log().lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let mut seen = BTreeSet::new();
    for line in &lines {
        let message = line["message"].as_str().unwrap();
        seen.insert(message.to_owned());
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        for field in fields(message) {
            assert!(line[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {line}");
        }
    }
    for message in [
        "request accepted",
        "request refused",
        "admin request",
        "admin request refused",
        "message frozen",
        "attempt",
        "attempt failed",
        "message sent",
        "message refused for good, delivery parked",
    ] {
        assert!(seen.contains(message), "{message} is not among {seen:?}");
    }
    // One word finds all of a delivery: from its request to its event.
    let of = |word: &str| {
        let found = lines.iter().filter(|line| line["correlation_id"] == word);
        found.map(|line| line["message"].as_str().unwrap()).collect::<Vec<_>>()
    };
    let life = of("of-the-sender");
    for message in ["request accepted", "message frozen", "attempt failed", "message sent"] {
        assert!(life.contains(&message), "{message} is not in {life:?}");
    }
}

/// What a line of that message has to have.
fn fields(message: &str) -> &'static [&'static str] {
    match message {
        "request accepted" => &["request_id", "delivery", "correlation_id"],
        _ if message.contains("request") && !message.contains("many requests") => &["request_id"],
        "message frozen" | "attempt" | "attempt failed" | "message sent" => {
            &["delivery", "correlation_id", "txn"]
        }
        _ if message.contains("delivery parked") => &["delivery", "correlation_id", "txn"],
        _ => &[],
    }
}

#[test]
fn a_line_of_text_has_them_too() {
    let (_homeserver, gateway) = started();
    let id = accepted(&post_build(&gateway, &build("1", "failed")))["delivery"].as_str().unwrap().to_owned();
    sent(&gateway, &id);
    let log = gateway.log();
    let line = log.lines().find(|line| line.contains("message sent")).unwrap();
    assert!(line.contains(&format!("delivery=\"{id}\"")), "{line}");
}
