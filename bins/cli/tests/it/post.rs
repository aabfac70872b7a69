//! `post --curl`: all of a POST but the sending.

use std::process::Command;

use crate::words::{Secrets, fixtures, meshhook};

const URL: &str = "http://127.0.0.1:8787/hooks/matrix/build-status/ci";

/// A POST as a shell hands it to curl.
struct Printed {
    args: Vec<String>,
}

impl Printed {
    fn body(&self) -> &str {
        self.args.last().unwrap()
    }

    fn headers(&self) -> impl Iterator<Item = &String> {
        self.args.windows(2).filter(|pair| pair[0] == "-H").map(|pair| &pair[1])
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.body()).unwrap()
    }
}

fn printed(args: &[&str], secret: &std::path::Path) -> (String, Vec<Printed>) {
    let mut post = meshhook();
    let post = post.args(["post", "--curl", "--url", URL, "--secret-file"]).arg(secret).args(args);
    let text = String::from_utf8(post.assert().success().get_output().stdout.clone()).unwrap();
    let script = format!("curl() {{ printf '%s\\0' \"$@\"; printf '\\001'; }}\n{text}");
    let said = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty());
    let words = String::from_utf8(said.stdout).unwrap();
    let posts = words
        .split_terminator('\u{1}')
        .map(|post| Printed { args: post.split_terminator('\0').map(ToOwned::to_owned).collect() });
    (text.clone(), posts.collect())
}

fn verified(post: &Printed, scheme: &str, secret: &std::path::Path) {
    let mut verify = meshhook();
    verify.args(["verify", "--scheme", scheme, "--secret-file"]).arg(secret);
    for header in post.headers() {
        verify.args(["--header", header]);
    }
    verify.arg("-").write_stdin(post.body()).assert().success();
}

fn normalized(post: &Printed, provider: &str) -> serde_json::Value {
    let mut normalize = meshhook();
    normalize.args(["normalize", "--provider", provider]);
    for header in post.headers() {
        normalize.args(["--header", header]);
    }
    let output = normalize.arg("-").write_stdin(post.body()).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn printed_commands_carry_a_genuine_post() {
    let secrets = Secrets::new();
    for (provider, scheme, file) in [
        ("github", "github", "github"),
        ("gitlab", "standard-webhooks", "standard"),
        ("standard", "standard-webhooks", "standard"),
    ] {
        let secret = secrets.path(file);
        let (text, posts) = printed(&["--provider", provider, "--workflow", "it's $HOME"], &secret);
        assert_eq!(posts.len(), 1);
        verified(&posts[0], scheme, &secret);
        assert_eq!(normalized(&posts[0], provider)["status"]["workflow"], "it's $HOME");
        assert_eq!(text.starts_with("# valid until "), scheme == "standard-webhooks", "{text}");
        assert!(posts[0].args.contains(&URL.to_owned()));
    }
}

/// A failed run of `mac-07` from its beginning: how each of its bodies is read.
fn lifecycle(provider: &str, scheme: &str, secret: &std::path::Path) -> (String, Vec<Printed>) {
    let args = ["--provider", provider, "--lifecycle", "--state", "failed", "--node", "mac-07"];
    let (_, posts) = printed(&args, secret);
    let told = posts.iter().map(|post| {
        verified(post, scheme, secret);
        let reading = normalized(post, provider);
        let word = |key: &str| reading["status"][key].as_str().unwrap_or("-").to_owned();
        let nodes = &reading["status"]["nodes"];
        let node = nodes[0].as_str().map_or_else(|| word("mesh_node_id"), |one| format!("[{one}]"));
        format!("{} {} {} {node}", reading["reading"].as_str().unwrap(), word("unit"), word("state"))
    });
    (told.collect::<Vec<_>>().join("\n"), posts)
}

#[test]
fn a_lifecycle_goes_from_queued_to_its_end() {
    let (told, posts) = lifecycle("github", "github", &Secrets::new().path("github"));
    insta::assert_snapshot!(told, @r"
    event run queued -
    event job queued -
    event job running mac-07
    event run running -
    event job failed mac-07
    event run failed -
    ");
    let run = posts[0].json()["workflow_run"]["id"].to_string();
    assert!(posts.iter().all(|post| normalized(post, "github")["status"]["run_id"] == run));
}

#[test]
fn a_pipeline_names_the_machines_of_its_jobs() {
    let (told, posts) = lifecycle("gitlab", "standard-webhooks", &Secrets::new().path("standard"));
    insta::assert_snapshot!(told, @r"
    event run queued -
    event job queued -
    event job running mac-07
    event run running [mac-07]
    event job failed mac-07
    event run failed [mac-07]
    ");
    let first = |name: &str| posts[0].headers().any(|header| header.starts_with(name));
    assert!(first("X-Gitlab-Event: Pipeline Hook") && first("X-Gitlab-Event-UUID: "));
    let run = posts[0].json()["object_attributes"]["id"].to_string();
    assert!(posts.iter().all(|post| normalized(post, "gitlab")["status"]["run_id"] == run));
}

#[test]
fn every_run_is_another() {
    let secrets = Secrets::new();
    let id =
        || printed(&["--provider", "standard"], &secrets.path("standard")).1[0].json()["run_id"].to_string();
    assert_ne!(id(), id());
    let (_, posts) =
        printed(&["--provider", "standard", "--run-id", "7", "--attempt", "2"], &secrets.path("standard"));
    let json = posts[0].json();
    assert_eq!((json["run_id"].as_str(), json["attempt"].as_u64()), (Some("7"), Some(2)));
}

#[test]
fn the_machine_is_named_by_the_environment_too() {
    let secrets = Secrets::new();
    let mut post = meshhook();
    post.args(["post", "--curl", "--provider", "standard", "--url", URL, "--secret-file"]);
    let output = post.arg(secrets.path("standard")).env("MESH_NODE_ID", "mac-03").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains(r#""mesh_node_id":"mac-03""#));
}

#[test]
fn a_file_is_posted_as_it_is() {
    let secrets = Secrets::new();
    for (name, secret, headers) in [
        (
            "github/workflow_job-queued.json",
            "github",
            ["content-type: application/json", "X-GitHub-Event: workflow_job"],
        ),
        (
            "github/workflow_run-completed-failure.form",
            "github",
            ["content-type: application/x-www-form-urlencoded", "X-GitHub-Event: workflow_run"],
        ),
        (
            "gitlab/build-running.json",
            "standard",
            ["content-type: application/json", "X-Gitlab-Event: Job Hook"],
        ),
    ] {
        let (provider, _) = name.split_once('/').unwrap();
        let scheme = if provider == "gitlab" { "standard-webhooks" } else { provider };
        let (_, posts) = printed(&["--provider", provider, "--file", name], &secrets.path(secret));
        assert!(posts[0].body() == std::fs::read_to_string(fixtures().join(name)).unwrap());
        assert_eq!(posts[0].headers().take(2).collect::<Vec<_>>(), headers);
        verified(&posts[0], scheme, &secrets.path(secret));
    }
}
