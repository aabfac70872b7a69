//! The signature vectors of other projects, where their collection lies beside the repository.

use std::fs;
use std::path::Path;

use meshhook_verify::{HmacForm, HmacSettings, Key, Scheme};

use crate::keys::key;
use crate::vectors::{Lines, lines, verdict_on};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/payloads");

#[test]
#[expect(clippy::print_stderr, reason = "that nothing was judged is to be seen")]
fn every_vector_of_other_projects_is_judged_by_policy() {
    let Some(table) = table() else {
        eprintln!("no corpus of signature vectors found: nothing judged");
        return;
    };
    let (mut accepted, mut refused) = (0, 0);
    for row in rows(&table) {
        let told = row.verdict();
        assert_eq!(told == "accepted", row.policy == "accept", "{}: {told}", row.id);
        *(if row.policy == "accept" { &mut accepted } else { &mut refused }) += 1;
    }
    assert!(accepted >= 16 && refused >= 11, "{accepted} are to be accepted and {refused} refused");
}

/// Only Expo EAS has nothing better, so SHA-1 passes under no other scheme, however right it is.
#[test]
fn sha1_is_refused_whatever_scheme_is_asked() {
    let Some(table) = table() else { return };
    let mut seen = 0;
    for row in rows(&table).filter(|row| row.algorithm == "HMAC-SHA1") {
        let of_hub = Scheme::Hmac(HmacForm::new(&HmacSettings::new(row.header)).unwrap());
        for &scheme in Scheme::ALL.iter().chain([&of_hub]).filter(|scheme| scheme.as_str() != "eas") {
            let Ok(key) = Key::new(scheme, row.id, row.secret.as_bytes()) else { continue };
            assert_ne!(verdict_on(key, &row.lines(), 0, &row.body()), "accepted", "{}: {scheme}", row.id);
        }
        seen += 1;
    }
    assert!(seen >= 4, "{seen} rows of SHA-1");
}

/// Its secret was never published; that its headers are in form shows in the refusal.
#[test]
fn the_specifications_own_example_is_read() {
    let Some(table) = table() else { return };
    let row = rows(&table).find(|row| row.id == "stdwh-spec-example").expect("the specification's example");
    let lines = row.lines();
    let now = row.now();
    assert_eq!(verdict_on(key(Scheme::StandardWebhooks, 1), &lines, now, &row.body()), "signature_mismatch");
    #[cfg(feature = "ed25519")]
    {
        let public = format!("whpk_{}=", "A".repeat(43));
        let key = Key::new(Scheme::StandardWebhooks, "public", public.as_bytes()).unwrap();
        assert_eq!(verdict_on(key, &lines, now, &row.body()), "signature_mismatch");
    }
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
        let [id, provider, _, algorithm, _, header, value, secret, _, payload, _, policy, ..] = columns[..]
        else {
            panic!("a row is too short: {line}")
        };
        Row { id, provider, algorithm, header, value, secret, payload, policy }
    })
}

struct Row<'t> {
    id: &'t str,
    provider: &'t str,
    algorithm: &'t str,
    header: &'t str,
    value: &'t str,
    secret: &'t str,
    payload: &'t str,
    policy: &'t str,
}

impl Row<'_> {
    /// The scheme that its provider's senders use. A generic sender is set up by its header and prefix.
    fn scheme(&self) -> Scheme {
        match (self.provider, self.header) {
            ("gitlab", "X-Gitlab-Token") => Scheme::GitlabToken,
            ("buildkite", "X-Buildkite-Token") => Scheme::BuildkiteToken,
            ("generic", header) => {
                let settings = HmacSettings { prefix: "sha256=", ..HmacSettings::new(header) };
                Scheme::Hmac(HmacForm::new(&settings).unwrap())
            }
            (provider, _) => provider.parse().unwrap_or_else(|error| panic!("{}: {error}", self.id)),
        }
    }

    fn verdict(&self) -> &'static str {
        match Key::new(self.scheme(), self.id, self.secret.as_bytes()) {
            Ok(key) => verdict_on(key, &self.lines(), self.now(), &self.body()),
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

    /// The vectors are years old: their own time is now.
    fn now(&self) -> i64 {
        let time = self.value.split_once("timestamp: ").or_else(|| self.value.split_once("timestamp="));
        let Some((_, rest)) = time else { return 0 };
        rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap()].parse().unwrap()
    }
}
