//! The signature vectors of other projects, where their collection lies beside the repository.

use std::fs;
use std::path::Path;

use meshhook_verify::{Key, Scheme};

use crate::keys::key;
use crate::vectors::{Lines, lines, verdict_on};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/payloads");

#[test]
#[expect(clippy::print_stderr, reason = "what was not judged is to be seen")]
fn vectors_of_other_projects_are_judged_by_policy() {
    let Some(table) = table() else {
        eprintln!("no corpus of signature vectors found: nothing judged");
        return;
    };
    let (ours, others): (Vec<Row<'_>>, Vec<Row<'_>>) = rows(&table).partition(|row| row.scheme().is_some());
    eprintln!("not ours yet: {}", others.iter().map(|row| row.id).collect::<Vec<_>>().join(", "));
    for row in &ours {
        let told = row.verdict();
        assert_eq!(told == "accepted", row.policy == "accept", "{}: {told}", row.id);
    }
    let accepted = ours.iter().filter(|row| row.policy == "accept").count();
    assert!(accepted >= 8 && ours.len() - accepted >= 8, "{accepted} of {} are to be accepted", ours.len());
}

/// Its secret was never published; that its headers are in form shows in the refusal.
#[test]
fn the_specifications_own_example_is_read() {
    let Some(table) = table() else { return };
    let row = rows(&table).find(|row| row.id == "stdwh-spec-example").expect("the specification's example");
    let lines = row.lines();
    let key = key(Scheme::StandardWebhooks, 1);
    assert_eq!(verdict_on(key, &lines, signed_at(&lines), &row.body()), "signature_mismatch");
}

fn table() -> Option<String> {
    let table = fs::read_to_string(Path::new(CORPUS).join("VECTORS.tsv"));
    assert!(
        table.is_ok() || std::env::var_os("CI").is_none(),
        "CI is set, but there is no corpus beside the repository"
    );
    table.ok()
}

fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
    table.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [id, provider, _, _, _, header, value, secret, _, payload, _, policy, ..] = columns[..] else {
            panic!("a row is too short: {line}")
        };
        Row { id, provider, header, value, secret, payload, policy }
    })
}

struct Row<'t> {
    id: &'t str,
    provider: &'t str,
    header: &'t str,
    value: &'t str,
    secret: &'t str,
    payload: &'t str,
    policy: &'t str,
}

impl Row<'_> {
    /// The scheme that judges a request of this kind here, if there is one.
    fn scheme(&self) -> Option<Scheme> {
        match self.provider {
            "github" | "generic" => Some(Scheme::Github),
            "standard-webhooks" => Some(Scheme::StandardWebhooks),
            _ => None,
        }
    }

    fn verdict(&self) -> &'static str {
        let lines = self.lines();
        match Key::new(self.scheme().unwrap(), self.id, self.secret.as_bytes()) {
            Ok(key) => verdict_on(key, &lines, signed_at(&lines), &self.body()),
            Err(_) => "no key",
        }
    }

    /// The value is the header's own, or all lines, named.
    fn lines(&self) -> Lines {
        if self.value.contains(&format!("{}: ", self.header)) {
            lines(self.value)
        } else {
            vec![(self.header.to_owned(), self.value.into())]
        }
    }

    fn body(&self) -> Vec<u8> {
        match self.payload.strip_prefix('@') {
            Some(path) => fs::read(Path::new(CORPUS).join(path)).unwrap(),
            None => self.payload.into(),
        }
    }
}

/// The vectors are years old: their own time is now.
fn signed_at(lines: &Lines) -> i64 {
    let time = lines.iter().find(|(name, _)| name == "webhook-timestamp");
    time.map_or(0, |(_, value)| std::str::from_utf8(value).unwrap().parse().unwrap())
}
