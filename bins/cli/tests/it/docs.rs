//! The pages of docs/providers: there is one for each, and the messages that they show are the messages.

use std::fs;
use std::path::PathBuf;

use meshhook_normalize::Provider;

use crate::words::{fixtures, meshhook};

fn pages() -> PathBuf {
    fixtures().join("../docs/providers")
}

fn page(name: &str) -> String {
    let path = pages().join(format!("{name}.md"));
    fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The fixtures that a page names, each with the block of text behind it.
fn messages(page: &str) -> Vec<(&str, &str)> {
    let marked = page.split("<!-- fixtures/").skip(1).filter_map(|rest| rest.split_once(" -->"));
    let shown = marked.map(|(fixture, rest)| {
        let block = rest.trim_start().strip_prefix("```text\n").and_then(|rest| rest.split_once("\n```"));
        (fixture, block.unwrap_or_else(|| panic!("no ```text follows {fixture}")).0)
    });
    shown.collect()
}

/// The message's plain text without what no reader sees: isolates of direction, and breakers of links.
fn rendered(provider: &str, fixture: &str) -> String {
    let output =
        meshhook().args(["render", "--format", "plain", "--provider", provider, fixture]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let invisible = |c: &char| matches!(c, '\u{2060}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !invisible(c)).collect::<String>().trim_end().to_owned()
}

#[test]
fn every_provider_has_a_page_with_its_message() {
    for provider in Provider::ALL {
        let page = page(provider.name());
        let messages = messages(&page);
        assert!(!messages.is_empty(), "the page of {} shows no message", provider.name());
        for (fixture, shown) in messages {
            assert_eq!(
                rendered(provider.name(), fixture),
                shown,
                "{fixture} in the page of {}",
                provider.name()
            );
        }
        for part in ["## Set it up", "## What it proves", "## What is read", "## The message"] {
            assert!(page.contains(part), "the page of {} has no {part:?}", provider.name());
        }
    }
}

#[test]
fn every_page_is_in_the_index() {
    let index = page("README");
    let mut pages: Vec<_> = fs::read_dir(pages())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    for page in pages.iter().filter(|page| *page != "README.md") {
        assert!(index.contains(&format!("({page})")), "{page} is not in the index");
    }
}
