//! What several tests need: fixtures, providers, and a reading as JSON.

use std::path::{Path, PathBuf};
use std::{fs, io};

use meshhook_normalize::{BodyError, Event, Meaning, Provider, Reading, read};
use serde_json::{Value, json};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn fixture(name: &str) -> String {
    let path = root().join("fixtures").join(name);
    fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The names of the bodies in a folder of fixtures, sorted.
pub(crate) fn bodies(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join("fixtures").join(folder));
    let entries = entries.unwrap_or_else(|why| panic!("fixtures/{folder}: {why}"));
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json" || kind == "form"))
        .map(|path| format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap()))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "fixtures/{folder} has no bodies");
    names
}

/// The rows of a table among the fixtures, without its comments; none where there are no events to tell.
pub(crate) fn rows_of(table: &str) -> Vec<Vec<String>> {
    let text = match fs::read_to_string(root().join("fixtures").join(table)) {
        Err(why) if why.kind() == io::ErrorKind::NotFound && table.ends_with("/events.tsv") => String::new(),
        text => text.unwrap_or_else(|why| panic!("fixtures/{table}: {why}")),
    };
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| row.split('\t').map(str::to_owned).collect()).collect()
}

pub(crate) fn json_of(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

pub(crate) fn github() -> &'static Provider {
    Provider::by_name("github").unwrap()
}

pub(crate) fn gitlab() -> &'static Provider {
    Provider::by_name("gitlab").unwrap()
}

pub(crate) fn standard() -> &'static Provider {
    Provider::by_name("standard").unwrap()
}

pub(crate) fn meaning(provider: &'static Provider, body: &Value) -> Meaning {
    read(provider, body.to_string().as_bytes(), None).unwrap().meaning
}

pub(crate) fn event(provider: &'static Provider, body: &Value) -> Event {
    match meaning(provider, body) {
        Meaning::Event(event) => event,
        other => panic!("no event: {other:?}"),
    }
}

/// Everything that a reading tells, absent fields left out.
pub(crate) fn shown(reading: &Result<Reading, BodyError>) -> Value {
    let Ok(reading) = reading else { return json!({ "error": format!("{reading:?}") }) };
    let mut shown = match &reading.meaning {
        Meaning::Event(Event { status, identity, machine }) => json!({
            "reading": "event",
            "status": status,
            "identity": {
                "repo": identity.repo, "workflow": identity.workflow, "run": identity.run, "job": identity.job,
            },
            "machine": machine.as_ref().map(|m| json!({ "name": m.name.as_str(), "hosted": m.hosted })),
        }),
        Meaning::Ignored { reason, details } => {
            json!({ "reading": "ignored", "reason": reason.as_str(), "status": details })
        }
        Meaning::Unreadable { reason, details } => {
            json!({ "reading": "unreadable", "reason": reason.as_str(), "status": details })
        }
        Meaning::Invalid { field, expected } => {
            json!({ "reading": "invalid", "field": field, "expected": expected })
        }
    };
    if let Meaning::Event(Event { status, .. }) = &reading.meaning
        && status.details.owner_unknown
    {
        shown["owner_unknown"] = json!(true);
    }
    shown["newest"] = json!(reading.newest);
    without_nulls(shown)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect()
        }
        other => other,
    }
}
