//! The corpus, replayed, and the fixtures as seeds.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use meshhook_fuzz::{TARGETS, generic, provider};
use meshhook_normalize::Provider;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut files: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[test]
fn the_corpus_holds() {
    for (name, target) in TARGETS {
        let inputs = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name));
        assert!(inputs.len() >= 20, "{name} has only {} inputs", inputs.len());
        for input in inputs {
            let data = fs::read(&input).unwrap();
            let held = std::panic::catch_unwind(|| target(&data));
            assert!(held.is_ok(), "{} does not hold for {}", name, input.display());
        }
    }
}

/// Every fixture in a provider's folder as every provider reads it, since nothing says which of them a body is posted to.
#[test]
fn every_fixture_holds_for_every_provider() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    for folder in Provider::ALL {
        for file in files(&fixtures.join(folder.name())) {
            let body = fs::read(&file).unwrap();
            for index in 0..Provider::ALL.len() {
                provider(&[&[u8::try_from(index).unwrap()], &body[..]].concat());
            }
            generic(&[b"/id /status /name\n", &body[..]].concat());
        }
    }
}
