//! `meshhook registration`: what it writes nobody else reads, and no token is told by what it says.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::words::{meshhook, said};

/// A folder for both copies.
struct Place(tempfile::TempDir);

const NEEDED: [&str; 4] = ["--url", "https://gateway.example.org:8789", "--server-name", "ci.example.org"];

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn said(&self, args: &[&str]) -> String {
        let folder = self.0.path().canonicalize().unwrap();
        said(meshhook().current_dir(&folder).arg("registration").args(args))
            .replace(folder.to_str().unwrap(), "DIR")
    }

    /// `new` into `ours.yaml`, and more.
    fn new_with(&self, more: &[&str]) -> String {
        self.said(&[&["new", "--out", "ours.yaml"], &NEEDED[..], more].concat())
    }

    fn ours(&self) -> Value {
        serde_json::from_slice(&fs::read(self.at("ours.yaml")).unwrap()).unwrap()
    }

    /// Says it, and makes sure that no token is in it.
    fn told(&self, args: &[&str]) -> String {
        let told = self.said(args);
        for key in ["as_token", "hs_token"] {
            assert!(!told.contains(self.ours()[key].as_str().unwrap()), "{told}");
        }
        told
    }

    /// Writes the homeserver's copy, which is ours but for what `change` does.
    fn theirs(&self, change: impl Fn(String) -> String) {
        fs::write(self.at("theirs.yaml"), change(fs::read_to_string(self.at("ours.yaml")).unwrap())).unwrap();
    }
}

#[test]
fn a_new_one_is_told_with_what_is_left_to_do() {
    let place = Place::new();
    insta::assert_snapshot!(place.new_with(&[]));
    let ours = place.ours();
    let told = place.told(&["check", "ours.yaml"]);
    assert_eq!(told, "sound\n=> 0\n");
    let tokens = ["as_token", "hs_token"].map(|key| ours[key].as_str().unwrap().to_owned());
    assert!(tokens.iter().all(|token| token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit())));
    assert_ne!(tokens[0], tokens[1]);
    let other = Place::new();
    other.new_with(&[]);
    assert!(
        tokens.iter().all(|token| other.ours()["as_token"] != **token && other.ours()["hs_token"] != **token)
    );
}

#[test]
fn a_new_one_is_told_as_json() {
    let place = Place::new();
    let told = place.new_with(&["--localpart", "ci", "--id", "ci-2", "--json"]);
    let told: Value = serde_json::from_str(told.strip_suffix("=> 0\n").unwrap()).unwrap();
    assert_eq!(
        (&told["wrote"], &told["id"], &told["sender"]),
        (&"ours.yaml".into(), &"ci-2".into(), &"@ci:ci.example.org".into())
    );
    assert!(
        told["next"].as_array().unwrap().iter().all(|step| step["do"].is_string() || step["run"].is_string())
    );
    assert_eq!(place.ours()["namespaces"]["users"][0]["regex"], r"^@ci_[a-z0-9._=/-]+:ci\.example\.org$");
}

#[test]
fn whatever_the_umask_only_owner_and_group_read_it() {
    for umask in ["000", "077", "777"] {
        let place = Place::new();
        let script = format!("umask {umask}; exec \"$0\" registration new --out ours.yaml \"$@\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(meshhook().get_program()).args(NEEDED).stdout(Stdio::null());
        assert!(shell.current_dir(place.0.path()).status().unwrap().success());
        let mode = fs::metadata(place.at("ours.yaml")).unwrap().permissions().mode();
        assert_eq!((mode & 0o7777, place.names()), (0o440, vec!["ours.yaml".to_owned()]), "{umask}");
    }
}

#[test]
fn one_that_is_there_stays() {
    let place = Place::new();
    fs::write(place.at("ours.yaml"), "mine").unwrap();
    insta::assert_snapshot!(place.new_with(&[]));
    assert_eq!(fs::read_to_string(place.at("ours.yaml")).unwrap(), "mine");
    fs::remove_file(place.at("ours.yaml")).unwrap();
    symlink("nowhere", place.at("ours.yaml")).unwrap();
    assert!(place.new_with(&[]).contains("it is there already"));
    assert_eq!(place.names(), ["ours.yaml"]);
}

#[test]
fn what_cannot_be_is_not_written() {
    let place = Place::new();
    let new = |more: &[&str]| place.said(&[&["new"], more].concat());
    let server = ["--server-name", "ci.example.org", "--out", "ours.yaml"];
    let told = [
        new(&[&["--url", "gateway.example.org"], &server[..]].concat()),
        new(&[&["--url", "http://gateway.example.org"], &server[..]].concat()),
        new(&["--url", "http://10.0.0.7:8789", "--server-name", "https://example.org", "--out", "ours.yaml"]),
        place.new_with(&["--localpart", "Build Bot"]),
        place.new_with(&["--id", "a|b"]),
        new(&[&NEEDED[..], &["--out", "nowhere/ours.yaml"]].concat()),
        new(&NEEDED),
    ]
    .join("\n");
    insta::assert_snapshot!(told);
    fs::set_permissions(place.0.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(place.new_with(&[]).ends_with("=> 78\n"));
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn copies_are_compared_without_a_token() {
    let place = Place::new();
    place.new_with(&[]);
    let mut told = String::new();
    let mut check = |change: &dyn Fn(String) -> String| {
        place.theirs(change);
        told += &(place.told(&["check", "ours.yaml", "theirs.yaml"]) + "\n");
    };
    let (as_token, hs_token) = (place.ours()["as_token"].clone(), place.ours()["hs_token"].clone());
    let (as_token, hs_token) = (as_token.as_str().unwrap(), hs_token.as_str().unwrap());
    check(&|ours| ours);
    check(&|ours| ours.replace(hs_token, &format!("{hs_token}\\n")));
    check(&|ours| ours.replace(as_token, &format!("x{as_token}")));
    check(&|ours| ours.replace(as_token, "other").replace(hs_token, as_token).replace("other", hs_token));
    check(&|ours| ours.replace("^@buildbot_[a-z0-9._=/-]+:", "buildbot_.*:"));
    check(&|ours| ours.replace(r"ci\\.example\\.org$", "ci.example.org"));
    check(&|ours| ours.replace(&format!("\"{hs_token}\""), "12345"));
    check(&|ours| ours.lines().filter(|line| !line.contains("\"url\"")).collect());
    check(&|_| "no registration".to_owned());
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_found_is_data() {
    let place = Place::new();
    place.new_with(&[]);
    place.theirs(|ours| ours.replace("false", "true").replace("meshhook-buildbot", "a|b"));
    let told = place.told(&["check", "ours.yaml", "theirs.yaml", "--json"]);
    let json: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!(json["ours"]["faults"], Value::Array(Vec::new()));
    assert_eq!(json["theirs"]["faults"][0]["severity"], "wrong");
    assert_eq!(json["theirs"]["faults"][0]["line"], 2);
    let keys = json["differences"].as_array().unwrap().iter().map(|is| is["key"].as_str().unwrap());
    assert_eq!(keys.collect::<Vec<_>>(), ["id", "rate_limited"]);
    assert!(told.ends_with("=> 1\n"), "{told}");
}

#[test]
fn a_copy_may_come_by_stdin_and_its_server_by_a_flag() {
    let place = Place::new();
    place.new_with(&[]);
    let ours = fs::read(place.at("ours.yaml")).unwrap();
    let check = |args: &[&str], input: &[u8]| {
        let mut command = meshhook();
        said(
            command.current_dir(place.0.path()).args(["registration", "check"]).args(args).write_stdin(input),
        )
    };
    assert_eq!(check(&["ours.yaml", "-"], &ours), "sound, and both the same\n=> 0\n");
    assert!(check(&["-", "--server-name", "other.example.org"], &ours).contains("no pattern"));
    assert!(check(&["-"], &[0xff, 0xfe, b'a']).contains("not printable"));
    assert!(check(&["-", "-"], &ours).ends_with("=> 2\n"));
    assert!(check(&["nowhere.yaml"], &ours).ends_with("=> 2\n"));
    let wide = String::from_utf8(ours).unwrap().replace(r"+:ci\\.example\\.org$", "*");
    insta::assert_snapshot!(check(&["-"], wide.as_bytes()));
}
