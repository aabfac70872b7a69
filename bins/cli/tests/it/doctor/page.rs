//! docs/doctor.md has every cause that the doctor names, by the word that does not change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../../../../docs/doctor.md");

/// What is said of everything.
const OF_ALL: [&str; 2] = ["ok", "skipped"];

/// Each code, with the levels that the source shows beside it.
type Codes = BTreeMap<String, BTreeSet<String>>;

/// The text between the quotes of a string literal, and what stands before and after it, without blanks.
struct Literal<'s> {
    before: &'s str,
    text: &'s str,
    after: &'s str,
}

fn literals(code: &str) -> Vec<Literal<'_>> {
    let parts: Vec<_> = code.split('"').collect();
    let each = parts.windows(3).step_by(2);
    each.map(|part| Literal { before: part[0], text: part[1], after: part[2] }).collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// `.fault((` and the like.
fn level(call: &str) -> Option<&'static str> {
    ["note", "warning", "fault"].into_iter().find(|level| call.ends_with(&format!(".{level}((")))
}

fn codes_of(source: &str) -> Vec<(String, Option<&'static str>)> {
    let source = source.split("#[cfg(test)]").next().unwrap().replace("\\\"", "");
    let code: String = source.chars().filter(|c| !c.is_whitespace()).collect();
    let literals = literals(&code);
    let mut codes = Vec::new();
    for (i, Literal { before, text, after }) in literals.iter().enumerate() {
        let call = match before.strip_suffix("CHECK,") {
            Some(call) => Some(call),
            // ("account", "wrong_token")
            None if *before == "," && after.starts_with(')') => Some(literals[i - 1].before),
            None => None,
        };
        let is_pair = call.is_some_and(|call| call.ends_with("(("));
        let is_arm = ["=>", "=>(", "=>{("].iter().any(|arm| before.ends_with(arm));
        let is_status = before.ends_with("undecided(ready,");
        if is_word(text) && (is_pair || is_arm || is_status) {
            codes.push(((*text).to_owned(), call.and_then(level)));
        }
    }
    codes
}

fn in_the_sources() -> Codes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/doctor");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // What levels are called is in there.
    let files = files.filter(|file| !file.ends_with("report.rs"));
    let mut codes = Codes::new();
    // What a ping can come to has its words there; what is well is `ok` here.
    let verdicts = codes_of(include_str!("../../../../../crates/appservice/src/ping.rs"));
    let verdicts = verdicts.into_iter().filter(|(code, _)| code != "ping_fine");
    for (code, level) in files.flat_map(|file| codes_of(&fs::read_to_string(file).unwrap())).chain(verdicts) {
        codes.entry(code).or_default().extend(level.map(str::to_owned));
    }
    codes
}

fn in_the_page() -> Codes {
    let table = PAGE.split_once("<!-- codes -->").unwrap().1.split_once("<!-- /codes -->").unwrap().0;
    let mut codes = Codes::new();
    for row in table.lines().filter(|line| line.contains("| `")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let levels = cells[3].split(", ").map(ToOwned::to_owned);
        codes.entry(cells[2].trim_matches('`').to_owned()).or_default().extend(levels);
    }
    codes
}

#[test]
fn the_page_has_every_code() {
    let (sources, page) = (in_the_sources(), in_the_page());
    let words = |codes: &Codes| codes.keys().cloned().collect::<Vec<_>>();
    assert_eq!(words(&page), words(&sources), "docs/doctor.md, and what the sources say");
    for (code, levels) in &sources {
        assert!(levels.is_subset(&page[code]), "{code} is a {levels:?}");
    }
    for code in OF_ALL {
        assert!(!page.contains_key(code) && PAGE.contains(&format!("`{code}`")));
    }
}

#[test]
fn codes_are_found_where_they_stand() {
    let source = "
        report.fault((CHECK, \"disk_full\"), \"no \\\"room\\\"\", \"make some\")?;
        report.warning(
            (\"account\", \"no_device\"),
            text(\"key\"), \"hint\",
        );
        match x { A => \"arm\", B => (\n\"tuple\", 1), C => { (\"block\", 2) } }
        undecided(ready, \"parked\", \"why\", \"retry\", report)
    ";
    let found = codes_of(source);
    let found: Vec<_> = found.iter().map(|(code, level)| (code.as_str(), *level)).collect();
    assert_eq!(
        found,
        [
            ("disk_full", Some("fault")),
            ("no_device", Some("warning")),
            ("arm", None),
            ("tuple", None),
            ("block", None),
            ("parked", None)
        ]
    );
}
