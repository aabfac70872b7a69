//! The same files, read by Synapse's own code, PyYAML and Python's `re`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use meshhook_appservice::registration::Fault;
use meshhook_appservice::{GhostNames, Registration};
use meshhook_testkit::synapse_python;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::any::signs;
use crate::{GOOD, made, with};

/// Lines that are put in the place of a key's, or nothing, where it goes; see [`with`].
pub(crate) const BROKEN: &[(&str, &str)] = &[
    ("id", ""),
    ("id", "id: 12345"),
    ("id", "id: yes"),
    ("id", "id: 'a|b'"),
    ("id", "id: ''"),
    ("id", "id: 1e5"),
    ("id", "id:\tx"),
    ("id", "id: x\t"),
    ("id", "id: 'x\ty' # \t"),
    ("id", "id: x#\t"),
    ("id", "id: |\n  x\ty"),
    ("url", ""),
    ("url", "url: null"),
    ("url", "url:"),
    ("url", "url: [https://gateway.example.org]"),
    ("url", "url: gateway.example.org:8789"),
    ("url", "url: http://gateway.example.org"),
    ("url", "url: https://user:word@gateway.example.org"),
    ("as_token", ""),
    ("as_token", "as_token: 1234567890123456"),
    ("as_token", "as_token: 0x1f2f3f4f"),
    ("as_token", "as_token: 1_000"),
    ("as_token", "as_token: 2026-11-27"),
    ("as_token", "as_token: ~"),
    ("as_token", "as_token: ''"),
    ("as_token", "as_token: short"),
    ("as_token", "as_token: 'with a blank in it'"),
    ("as_token", "as_token: 'passwört-passwört'"),
    ("as_token", "as_token: |\n  as-0123456789abcdef"),
    ("as_token", "as_token: ' as-0123456789abcdef'"),
    ("as_token", "as_token: hs-0123456789abcdef"),
    ("as_token", "as_token: as-0123456789abcdef\nas_token: as-0123456789abcdef"),
    ("hs_token", ""),
    ("hs_token", "hs_token: 12e03"),
    ("hs_token", "hs_token: 12.5"),
    ("hs_token", "hs_token: |\n  hs-0123456789abcdef"),
    ("hs_token", "hs_token: {a: b}"),
    ("sender_localpart", ""),
    ("sender_localpart", "sender_localpart: build bot"),
    ("sender_localpart", "sender_localpart: build=bot"),
    ("sender_localpart", "sender_localpart: build+bot"),
    ("sender_localpart", "sender_localpart: '@buildbot:ci.example.org'"),
    ("sender_localpart", "sender_localpart: BuildBot"),
    ("sender_localpart", "sender_localpart: no"),
    ("sender_localpart", "sender_localpart: ''"),
    ("namespaces", "spaces:"),
    ("namespaces", "namespaces: []\nspaces:"),
    ("  users", "  users: {}\n  more:"),
    ("  users", "  users:\n  more:"),
    ("  users", "  users: ['@buildbot_.*']\n  more:"),
    ("  users", "  rooms: [{regex: '!.*', exclusive: false}]\n  users:"),
    ("    - exclusive", "    -"),
    ("    - exclusive", "    - exclusive: 'true'"),
    ("      regex", ""),
    ("      regex", "      regex: 12"),
    ("rate_limited", ""),
    ("rate_limited", "rate_limited: true"),
    ("rate_limited", "rate_limited: 'false'"),
    ("rate_limited", "ratelimited: false"),
    ("rate_limited", "rate_limited: off\nip_range_whitelist: 192.0.2.0/24"),
    ("rate_limited", "rate_limited: off\nip_range_whitelist: [192.0.2.0/99]"),
    ("rate_limited", "rate_limited: off\nreceive_ephemeral: true"),
    ("rate_limited", "rate_limited: off\nio.element.msc4190: 1"),
    ("rate_limited", "rate_limited: off\norg.matrix.msc3202: 'yes'"),
];

/// Answers for each text of a list how Synapse has it; the error, where it does not start with it.
const LOAD: &str = r#"
import json, logging, os, sys, tempfile
logging.disable(logging.CRITICAL)
from synapse.config.appservice import load_appservices

def load(text):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        try:
            [service] = load_appservices("ci.example.org", [file.name])
        except Exception as error:
            return {"error": repr(error)}
        return {
            "id": service.id, "url": service.url, "as_token": service.token, "hs_token": service.hs_token,
            "sender": service.sender.to_string(), "rate_limited": service.is_rate_limited(),
            "own": [service.is_exclusive_user(user) for user in json.loads(sys.argv[1])],
        }

print(json.dumps([load(text) for text in json.load(sys.stdin)]))
"#;

/// Answers for each text of a list what PyYAML has for its `id`.
const WORDS: &str = r#"
import json, sys, yaml

def read(text):
    try:
        value = yaml.safe_load(text)["id"]
    except Exception as error:
        return None
    return value if isinstance(value, str) else None

print(json.dumps([read(text) for text in json.load(sys.stdin)]))
"#;

/// Answers for each pattern of a list whether it matches each of the ids.
const MATCH: &str = r"
import json, re, sys
ids = json.loads(sys.argv[1])
print(json.dumps([[bool(re.compile(p).match(i)) for i in ids] for p in json.load(sys.stdin)]))
";

fn python(script: &str, arg: &Value, input: &Value) -> Vec<Value> {
    let mut command = Command::new(synapse_python());
    command
        .args(["-W", "ignore", "-c", script, &arg.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn synapse_reads_what_we_write() {
    let ours = made();
    let ghosts = GhostNames::of("@buildbot:ci.example.org").unwrap();
    let nodes = ["mac-03", "Mac Mini #3 (Büro)", "a:b", "../../x"];
    let mut users: Vec<_> = nodes.iter().map(|node| ghosts.user_id(node).unwrap()).collect();
    users.push("@buildbot:ci.example.org".to_owned());
    let strangers = ["@alice:ci.example.org", "@buildbotx:ci.example.org", "@buildbot_x:cixexample.org"];
    users.extend(strangers.map(str::to_owned));
    let read = python(LOAD, &json!(users), &json!([ours.to_json().expose_secret()]));
    let theirs = json!({
        "id": ours.id, "url": ours.url, "sender": "@buildbot:ci.example.org", "rate_limited": false,
        "as_token": ours.as_token.expose_secret(), "hs_token": ours.hs_token.expose_secret(),
        "own": [true, true, true, true, true, false, false, false],
    });
    assert_eq!(read, [theirs]);
}

#[test]
fn synapse_does_not_start_where_we_say_so_and_else_it_does() {
    let texts: Vec<_> = BROKEN.iter().map(|(key, line)| with(key, line)).collect();
    let loaded = python(LOAD, &json!([]), &json!(texts));
    for (text, loaded) in texts.iter().zip(loaded) {
        let reading = Registration::read(text);
        let stops = |fault: &Fault| fault.is_wrong() && fault.message().contains("not start");
        assert_eq!(
            loaded.get("error").is_some(),
            reading.faults().iter().any(stops),
            "{text}\n{loaded}\n{:?}",
            reading.faults()
        );
    }
}

/// Changes of a good one that nobody thought of, the same ones each time.
#[test]
fn what_we_can_work_with_synapse_starts_with_and_reads_alike() {
    let texts = changed(3000);
    let mut both = 0;
    for (text, loaded) in texts.iter().zip(python(LOAD, &json!([]), &json!(texts))) {
        let reading = Registration::read(text);
        let faults = format!("{:?}", reading.faults());
        if let Ok((ours, _)) = reading.usable() {
            // A pattern that is none is told by `look_at_users`, and stops Synapse, too.
            if ours.namespaces.users.iter().any(|space| space.matches("").is_none()) {
                continue;
            }
            let [id, as_token, hs_token] = ["id", "as_token", "hs_token"].map(|key| loaded[key].as_str());
            let tokens = (ours.as_token.expose_secret(), ours.hs_token.expose_secret());
            assert_eq!(id, Some(&*ours.id), "{text}\n{loaded}");
            assert_eq!((as_token, hs_token), (Some(tokens.0), Some(tokens.1)), "{text}\n{loaded}");
            both += 1;
        } else if loaded.get("error").is_none() {
            assert!(!faults.contains("not start"), "{text}\n{faults}");
        }
    }
    assert!(both > 300, "only {both} are sound");
}

fn changed(count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let change = (0..GOOD.len(), 0..4_usize, signs(4));
    let mut changed = || {
        let (from, length, text) = change.new_tree(&mut runner).unwrap().current();
        let (before, rest) = GOOD.split_at(from);
        format!("{before}{text}{}", rest.get(length..).unwrap_or_default())
    };
    std::iter::repeat_with(&mut changed).take(count).collect()
}

#[test]
fn a_word_is_a_text_where_pyyaml_has_one() {
    let words = [
        "abc",
        "12345",
        "-12",
        "+12",
        "0",
        "007",
        "08",
        "0o17",
        "0x1f",
        "0x",
        "0b11",
        "1_000",
        "1__0",
        "_1",
        "1e5",
        "1.5e5",
        "1.5e+5",
        ".5",
        "5.",
        ".",
        "-.inf",
        ".NaN",
        "1:30",
        "1:30.5",
        "190:20:30",
        "1:60",
        "yes",
        "Yes",
        "yES",
        "on",
        "OFF",
        "y",
        "n",
        "true",
        "TRUE",
        "~",
        "null",
        "Null",
        "nULL",
        "",
        "2026-11-27",
        "2026-1-2",
        "2026-11-27T08:00:00Z",
        "2026-11-27 08:00:00 +1",
        "=",
        "'12'",
        "\"yes\"",
        "!!str 12",
        "! 12",
        "! '12'",
        "!!str yes",
        "! ab",
        "a b",
        "a # b",
        "a: b",
        "'a",
        "\"\\u00e9\\x41\"",
        "'it''s'",
        "|\n  a\n  b",
        "|-\n  a",
        ">\n  a\n  b\n",
        "|+\n  a\n\n",
        "a\n  b",
        "\"a\n  b\"",
        "é",
        "&x a",
        "[a]",
        "@a",
        "`a",
        "%a",
        "-",
        "- a",
        "?",
        "1,000",
        "0.",
        "1e",
        "0777",
        "0888",
        "1.2.3",
        "12e03",
        "1E5",
        "deadbeef",
        "12345e67890",
    ];
    let texts: Vec<_> =
        words.iter().map(|word| GOOD.replace("id: meshhook", &format!("id: {word}"))).collect();
    for (text, theirs) in texts.iter().zip(python(WORDS, &json!([]), &json!(texts))) {
        let reading = Registration::read(text);
        let ours = reading.registration().map(|registration| registration.id.as_str());
        assert_eq!(ours, theirs.as_str(), "{text}\n{:?}", reading.faults());
    }
}

#[test]
fn a_pattern_matches_what_python_matches() {
    let ids = [
        "@buildbot_mac-03:ci.example.org",
        "@buildbot__mac=20_m:ci.example.org",
        "@buildbot_x:cixexample.org",
        "@buildbot_x:ci.example.org.example.net",
        "@buildbot:ci.example.org",
        "@alice:ci.example.org",
        "buildbot_x:ci.example.org",
    ];
    let patterns = [
        r"^@buildbot_[a-z0-9._=/-]+:ci\.example\.org$",
        r"@buildbot_.*:ci.example.org",
        r"@buildbot_.*",
        r"buildbot_.*",
        r"(@buildbot_|@alice).*\Z",
        r"@alice|buildbot",
        r"@build\w+_[^:]+:ci\.example\.org\Z",
        r"\@buildbot\_(?P<node>\S+?)\:ci\.example\.org",
        r"(?i)@BUILDBOT_x",
        r"",
        r"@buildbot_[a-z\-=_0-9]{1,12}:",
    ];
    for (pattern, theirs) in patterns.iter().zip(python(MATCH, &json!(ids), &json!(patterns))) {
        let ours: Vec<_> = ids.iter().map(|id| covers(pattern, id)).collect();
        assert_eq!(json!(ours), theirs, "{pattern}");
    }
}

fn covers(regex: &str, id: &str) -> bool {
    let line = format!("      regex: {}", json!(regex));
    let reading = Registration::read(&with("      regex", &line));
    reading.registration().unwrap().namespaces.users[0].matches(id).unwrap()
}
