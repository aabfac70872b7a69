//! `meshhook config`: what it writes is taken, is there whole or not at all, and holds no secret but in its file.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::process::Command;

use meshhook_config::Config;
use meshhook_normalize::Provider;
use serde_json::Value;

use crate::terminal::dialogue;
use crate::words::{meshhook, said};

/// A config root that is not there yet.
struct Place(tempfile::TempDir);

const PUBLIC_KEY: &str = include_str!("../../../../crates/config/tests/it/public-key.pem");
const SIGNING_TOKEN: &str = "whsec_Z2l0bGFiIHNpZ25zIGJ5IHRoaXMgdG9rZW4gaGVyZSE=";

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.at(name)).unwrap().permissions().mode() & 0o7777
    }

    fn write(&self, name: &str, content: &str, mode: u32) {
        fs::write(self.at(name), content).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root()) else { return Vec::new() };
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A command's exit code and words, with its config root.
    fn said(&self, args: &[&str]) -> String {
        said(meshhook().args(args).arg("--config-root").arg(self.root()))
            .replace(&self.0.path().display().to_string(), "DIR")
    }

    /// `config new` with what it needs, and more.
    fn new_with(&self, more: &[&str]) -> String {
        let needed = ["config", "new", "--homeserver", "https://matrix.example.org", "--room", "!abcdef"];
        self.said(&[&needed, more].concat())
    }

    /// What the gateway would say, once there is a token.
    fn loaded(&self) -> Config {
        self.write("matrix-token", "syt_an-access-token-of-the-bot\n", 0o440);
        let loaded = Config::load(&self.root()).unwrap();
        loaded.config
    }
}

/// Without the step that is told to root alone, who builds in some places.
fn for_anybody(told: &str) -> String {
    let step =
        |line: &str| line.trim_start().split_once(". ").filter(|(n, _)| n.parse::<u8>().is_ok()).is_some();
    let lines: Vec<_> = told.lines().filter(|line| !line.contains("chgrp")).collect();
    let mut number = 0;
    let told = lines.into_iter().map(|line| {
        if !step(line) {
            return format!("{line}\n");
        }
        number += 1;
        format!("{number:>3}. {}\n", line.trim_start().split_once(". ").unwrap().1)
    });
    told.collect()
}

#[test]
fn flags_for_all_ask_nothing() {
    let place = Place::new();
    let told = place.new_with(&["--provider", "github", "--source", "ci", "--store", "sqlite:/srv/a/b.db"]);
    insta::assert_snapshot!(for_anybody(&told));
    insta::assert_snapshot!(place.read("gateway.toml"));
    assert_eq!(place.names(), ["ci-secret", "gateway.toml"]);
    assert_eq!([place.mode(""), place.mode("gateway.toml"), place.mode("ci-secret")], [0o750, 0o640, 0o440]);
    let secret = place.read("ci-secret");
    assert!(secret.len() == 65 && secret.trim_end().bytes().all(|b| b.is_ascii_hexdigit()), "{secret}");
    assert!(!told.contains(secret.trim_end()));
    assert_eq!(place.loaded().sources[0].name, "ci");
}

#[test]
fn every_provider_gets_a_configuration_by_each_of_its_schemes() {
    let mut seen = 0;
    for provider in Provider::ALL.iter().copied().chain([Provider::GENERIC]) {
        for scheme in provider.schemes() {
            let place = Place::new();
            let mut flags = vec!["--provider", provider.name(), "--scheme", scheme];
            match *scheme {
                "hmac" => flags.extend(["--hmac-header", "X-Signature", "--hmac-encoding", "base64"]),
                "bearer" | "basic" => flags.extend(["--allow-from", "192.0.2.0/24"]),
                "path-token" | "gitlab-token" | "buildkite-token" => flags.push("--allow-any-address"),
                "travis" => flags.extend(["--repo", "acme/rocket"]),
                _ => {}
            }
            let told = place.new_with(&flags);
            assert!(told.ends_with("=> 0\n"), "{flags:?}: {told}");
            match (provider.name(), *scheme) {
                (_, "travis") => place.write("travis-public-key", PUBLIC_KEY, 0o444),
                ("gitlab", "standard-webhooks") => place.write("gitlab-secret", SIGNING_TOKEN, 0o440),
                _ => {}
            }
            let config = place.loaded();
            assert_eq!(config.sources[0].reader.provider().name(), provider.name());
            assert_eq!(config.sources[0].verifier.scheme().as_str(), *scheme);
            assert_eq!(place.names().len(), 3, "{:?}", place.names());
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen}");
}

#[test]
fn who_makes_the_secret_is_told() {
    let steps = |flags: &[&str]| {
        let told = Place::new().new_with(flags);
        let step = told.lines().find(|line| line.trim_start().starts_with("1. ")).map(str::to_owned);
        step.unwrap_or_else(|| panic!("{told}")) + "\n"
    };
    let travis = steps(&["--provider", "travis", "--repo", "acme/*"]);
    let gitlab = steps(&["--provider", "gitlab", "--scheme", "standard-webhooks"]);
    let xcode = steps(&["--provider", "xcode-cloud", "--scheme", "path-token", "--allow-any-address"]);
    insta::assert_snapshot!(travis + &gitlab + &xcode);
}

#[test]
fn what_is_there_stays() {
    let place = Place::new();
    place.new_with(&["--provider", "github"]);
    let (toml, secret) = (place.read("gateway.toml"), place.read("github-secret"));
    insta::assert_snapshot!(place.new_with(&["--provider", "gitea"]), @r"
    2> error: DIR/root/gateway.toml is there already
    2> hint: look at it with `meshhook config show`, or replace it by --force
    => 1
    ");
    assert_eq!((place.read("gateway.toml"), place.read("github-secret")), (toml, secret.clone()));
    // The other side has that secret already.
    let told = place.new_with(&["--provider", "github", "--store", "sqlite:/srv/a.db", "--force"]);
    let first: Vec<_> = told.lines().take(2).collect();
    assert_eq!(first, ["wrote DIR/root/gateway.toml", "kept  DIR/root/github-secret, which was there"]);
    assert_eq!(place.read("github-secret"), secret);
    assert!(place.read("gateway.toml").contains("sqlite:/srv/a.db"));
    assert_eq!(place.names(), ["gateway.toml", "github-secret"]);
}

#[test]
fn what_would_be_wrong_is_not_written() {
    let place = Place::new();
    let below = format!("sqlite:{}/a.db", place.root().display());
    let lines: &[&[&str]] = &[
        &["--provider", "github", "--scheme", "gitea"],
        &["--provider", "github", "--allow-any-address"],
        &["--provider", "github", "--store", &below],
        &["--provider", "gitlab"],
        &["--provider", "jenkins", "--scheme", "bearer"],
        &["--provider", "jenkins", "--scheme", "hmac"],
        &["--provider", "travis"],
        &["--provider", "travis", "--repo", "*/rocket"],
        &["--provider", "github", "--source", "Git Hub"],
        &["--provider", "github", "--room", "#builds:example.org"],
        &["--provider", "jenkins", "--scheme", "bearer", "--allow-from", "0.0.0.0/0"],
        &["--provider", "github", "--homeserver", "http://matrix.example.org"],
        &[],
    ];
    let mut all = String::new();
    for line in lines {
        let room: &[&str] = if line.contains(&"--room") { &[] } else { &["--room", "!abcdef"] };
        let server: &[&str] = if line.contains(&"--homeserver") {
            &[]
        } else {
            &["--homeserver", "https://matrix.example.org"]
        };
        let told = place.said(&[&["config", "new"], server, room, line].concat());
        all +=
            &format!("$ {}\n{told}\n", line.join(" ").replace(&place.0.path().display().to_string(), "DIR"));
        assert!(!place.root().exists(), "{told}");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let place = Place::new();
    let away = place.0.path().join("none/root");
    let told = said(
        meshhook()
            .args(["config", "new", "--homeserver", "https://m.example.org", "--room", "!a"])
            .args(["--provider", "github", "--config-root"])
            .arg(&away),
    );
    assert!(told.contains("hint: make the folder above it") && told.ends_with("=> 1\n"), "{told}");
    // A secret's name that leads nowhere is taken; gateway.toml is refused where it is a link that leads nowhere.
    fs::create_dir(place.root()).unwrap();
    symlink("nowhere", place.at("gateway.toml")).unwrap();
    assert!(place.new_with(&["--provider", "github"]).contains("is there already"));
    assert_eq!(place.names(), ["gateway.toml"]);
}

#[test]
fn a_terminal_is_asked_until_the_answer_does() {
    let place = Place::new();
    let root = place.root().display().to_string();
    let answers = "matrix.example.org\nhttps://matrix.example.org\n#builds:example.org\n!abcdef\nwoodpecker\n\
                   jenkins\nmd5\nbearer\n10.0.0.7\n10.0.0.7/32 192.0.2.0/24\nJenkins\n\n\n";
    let (shown, code) = dialogue(&["config", "new", "--config-root", &root], answers);
    assert_eq!(code, 0, "{shown}");
    let shown = shown.split_once("the homeserver's address:").unwrap().1;
    insta::assert_snapshot!(for_anybody(shown).replace(&place.0.path().display().to_string(), "DIR"));
    let config = place.loaded();
    assert_eq!(config.sources[0].name, "jenkins");
    assert!(config.sources[0].allow_from.contains("192.0.2.7".parse().unwrap()));
    assert!(!shown.contains(place.read("jenkins-token").trim_end()));
}

#[test]
fn a_terminal_is_asked_only_what_flags_do_not_say() {
    let place = Place::new();
    let root = place.root().display().to_string();
    let flags = ["config", "new", "--config-root", &root, "--homeserver", "https://matrix.example.org"];
    let more = ["--room", "!abcdef", "--provider", "generic", "--scheme", "hmac"];
    let (shown, code) = dialogue(&[&flags[..], &more].concat(), "X Signature\nX-Signature\n\n\n");
    assert_eq!(code, 0, "{shown}");
    assert!(
        !shown.contains("homeserver's address") && shown.contains("the header with the signature:"),
        "{shown}"
    );
    assert_eq!(place.loaded().sources[0].verifier.scheme().as_str(), "hmac");
}

#[test]
fn who_hangs_up_wrote_nothing() {
    let place = Place::new();
    let root = place.root().display().to_string();
    let (shown, code) = dialogue(&["config", "new", "--config-root", &root], "https://m.example.org\n");
    assert!(code == 2 && shown.contains("the room's id:"), "{shown}");
    assert!(!place.root().exists());
}

#[test]
fn what_holds_is_shown_without_secrets() {
    let place = Place::new();
    place.new_with(&["--provider", "standard", "--source", "mac-01"]);
    insta::assert_snapshot!(place.said(&["config", "show"]), @r"
    2> error: DIR/root/gateway.toml:7: [matrix] access_token_file: it does not exist
    2> hint: create it, or correct the name; a relative name is looked up in the config root
    => 78
    ");
    place.loaded();
    let shown = place.said(&["config", "show"]);
    let json = place.said(&["config", "show", "--json"]);
    let secret = place.read("mac-01-secret");
    for text in [&shown, &json] {
        assert!(!text.contains(secret.trim_end()) && !text.contains("syt_"), "{text}");
    }
    insta::assert_snapshot!(shown);
    let json: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(json["server"]["max_body_bytes"], 4_194_304);
    assert_eq!(json["source"][0]["name"], "mac-01");
    assert_eq!(json["matrix"]["access_token_file"], "DIR/root/matrix-token");
}

#[test]
fn what_should_be_looked_at_is_said_beside_what_holds() {
    let place = Place::new();
    place.new_with(&["--provider", "bitrise", "--scheme", "bearer", "--allow-any-address"]);
    place.loaded();
    let shown = place.said(&["config", "show"]);
    assert!(shown.contains("2> warning: DIR/root/gateway.toml:") && shown.ends_with("=> 0\n"), "{shown}");
}

/// What `config explain` says to that.
fn explained(args: &[&str]) -> String {
    format!("$ explain {}\n{}\n", args.join(" "), said(meshhook().args(["config", "explain"]).args(args)))
}

#[test]
fn a_key_is_explained_by_its_path_its_table_or_its_name() {
    let all: String = [
        &["matrix.room"][..],
        &["room"],
        &["source.only.forks"],
        &["[source] only.branches"],
        &["message.digest"],
        &["source.scheme"],
        &["source.states"],
        &["matrix.rooom"],
        &["lisen"],
        &["log.level", "--json"],
        &["source.scheme", "--json"],
    ]
    .into_iter()
    .map(explained)
    .collect();
    insta::assert_snapshot!(all);
}

#[test]
fn without_a_key_all_are_listed() {
    let listed = explained(&[]);
    assert!(listed.lines().any(|line| line.starts_with("source.only.forks ")), "{listed}");
    let json = said(meshhook().args(["config", "explain", "--json"]));
    let keys: Vec<Value> = json
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(keys.len() + 2, listed.lines().count() - 1, "a line each");
    assert!(keys.iter().all(|key| key["key"].as_str().is_some_and(|path| path.contains('.'))));
}

#[test]
fn files_are_those_of_the_folders_group() {
    for group in [None, Some(4321)] {
        let place = Place::new();
        fs::create_dir(place.root()).unwrap();
        // Only root may give a folder to a group that it is not in; of anybody else it is the own one both times.
        let _ = chown(place.root(), None, group);
        let told = place.new_with(&["--provider", "github"]);
        let folder = fs::metadata(place.root()).unwrap();
        for name in ["gateway.toml", "github-secret"] {
            assert_eq!(fs::metadata(place.at(name)).unwrap().gid(), folder.gid());
        }
        // What is root's alone the gateway's user cannot read.
        assert_eq!(told.contains("chgrp"), folder.uid() == 0 && folder.gid() == 0, "{told}");
    }
}

/// Root makes folder and files its own, and the gateway's user has to come in all the same.
#[test]
fn the_steps_let_the_gateways_group_in() {
    let place = Place::new();
    let told = place.new_with(&["--provider", "github"]);
    let step = told.lines().find_map(|line| line.trim_start().split_once(". chgrp "));
    let group = fs::metadata(place.0.path()).unwrap().gid();
    assert_eq!(step.is_some(), fs::metadata(place.root()).unwrap().uid() == 0 && group == 0, "{told}");
    if let Some((_, rest)) = step {
        let command = format!("chgrp {rest}")
            .replace("meshhook", "4321")
            .replace("DIR", &place.0.path().display().to_string());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success(), "{command}");
    }
    let group = if step.is_some() { 4321 } else { group };
    for (name, needed) in [("", 0o050), ("gateway.toml", 0o040), ("github-secret", 0o040)] {
        assert_eq!(fs::metadata(place.at(name)).unwrap().gid(), group, "{name}");
        assert_eq!(place.mode(name) & needed, needed, "{name}");
    }
}

#[test]
fn what_is_written_is_told_as_json() {
    let place = Place::new();
    let told = place.new_with(&["--provider", "github", "--json"]);
    let told: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!(told["wrote"], serde_json::json!(["DIR/root/gateway.toml", "DIR/root/github-secret"]));
    let run: Vec<_> =
        told["next"].as_array().unwrap().iter().filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(run[0], "meshhook login --config-root DIR/root");
    assert_eq!(run[run.len() - 1], "meshhook-gateway --config-root DIR/root");
}

#[test]
fn nothing_is_written_where_others_may_write() {
    let place = Place::new();
    fs::create_dir(place.root()).unwrap();
    fs::set_permissions(place.root(), fs::Permissions::from_mode(0o777)).unwrap();
    let told = place.new_with(&["--provider", "github"]);
    assert!(told.contains("others may write it (mode 0777)"), "{told}");
    assert!(place.names().is_empty());
}
