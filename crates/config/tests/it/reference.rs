//! The table of every key: it is what the parser knows, and the page is made from it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use meshhook_config::reference::{Form, Key, Standing, TABLES, block, entries, notes};

use crate::place::{Place, SERVICE, SMALLEST};

/// Set, the page is written anew.
const WRITE: &str = "MESHHOOK_WRITE_DOCS";

fn page() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "docs", "configuration.md"].iter().collect()
}

/// `page` with `text` between the two marks of that name.
fn with_part(page: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->\n"));
    let (before, rest) = page.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{text}{end}{after}")
}

#[test]
fn the_page_is_made_from_the_table() {
    let written = std::fs::read_to_string(page()).unwrap();
    let made = with_part(&written, "keys", &format!("```toml\n{}```\n", block()));
    let made = with_part(&made, "notes", &notes());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(page(), &made).unwrap();
    } else if made != written {
        let command = format!("{WRITE}=1 cargo test -p meshhook-config --test it the_page_is_made");
        panic!("docs/configuration.md is not what the table of keys says; to write it anew: {command}");
    }
}

/// A word that nothing is like, so that the parser names all that it knows.
const NOTHING: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

/// The keys of each table as the parser's hint for an unknown one names them.
fn known(place: &Place, toml: &str, table: &str) -> BTreeSet<String> {
    let printed = place.printed(toml);
    let told = format!("{table}: unknown key `{NOTHING}`\n");
    let after = printed.split_once(&told).unwrap_or_else(|| panic!("{told} is not in\n{printed}")).1;
    let hint = after.lines().next().unwrap();
    let list = hint.split_once("; known here: ").unwrap_or_else(|| panic!("{hint}")).1;
    list.split(", ").map(ToOwned::to_owned).collect()
}

/// A gateway.toml with every table, and in that of `path` a key that is unknown.
fn with_unknown(path: &str) -> String {
    let mut toml = String::new();
    for table in TABLES {
        writeln!(toml, "{}", table.heading()).unwrap();
        let told = |key: &Key| match key.standing {
            Standing::Inline(keys) => inline(&format!("{}.{}", table.path, key.name), key.name, keys, path),
            _ => format!("{} = {}\n", key.name, key.example()),
        };
        table.keys.iter().for_each(|key| toml += &told(key));
        if table.path == path {
            writeln!(toml, "{NOTHING} = 1").unwrap();
        }
    }
    toml.replace("provider = \"github\"", "provider = \"generic\"")
}

fn inline(at: &str, name: &str, keys: &[Key], path: &str) -> String {
    let mut parts: Vec<_> = keys.iter().map(|key| format!("{} = {}", key.name, key.example())).collect();
    if at == path {
        parts.push(format!("{NOTHING} = 1"));
    }
    format!("{name} = {{ {} }}\n", parts.join(", "))
}

/// The keys of the table of `path`, the tables below it included.
fn listed(path: &str) -> BTreeSet<String> {
    let below = |name: &str| name.strip_prefix(path)?.strip_prefix('.').map(ToOwned::to_owned);
    let keys = entries().into_iter().filter_map(|entry| below(&entry.path));
    let tables = TABLES.iter().filter_map(|table| below(table.path));
    keys.chain(tables).filter(|name| !name.contains('.')).collect()
}

#[test]
fn the_table_has_every_key_that_the_parser_knows_and_no_other() {
    let place = Place::new();
    let mut paths: Vec<(String, String)> = Vec::new();
    for table in TABLES.iter().filter(|table| !table.keys.iter().any(is_word)) {
        paths.push((table.path.to_owned(), table.heading()));
        for key in table.keys.iter().filter(|key| matches!(key.standing, Standing::Inline(_))) {
            let path = format!("{}.{}", table.path, key.name);
            paths.push((path.clone(), format!("[{path}]")));
        }
    }
    for (path, heading) in &paths {
        // Inline tables of lists are named by their path alone.
        assert_eq!(known(&place, &with_unknown(path), heading), listed(path), "{heading}");
    }
    assert_eq!(paths.len(), 14);
}

#[test]
fn the_table_has_every_table_that_the_parser_knows_and_no_other() {
    let place = Place::new();
    let printed = place.printed(&format!("{NOTHING} = 1\n{SMALLEST}"));
    let list = printed.split_once("known here: ").unwrap().1.lines().next().unwrap();
    let known: BTreeSet<_> = list.split(", ").collect();
    assert_eq!(known, TABLES.iter().map(|table| table.path).filter(|path| !path.contains('.')).collect());
}

fn is_word(key: &Key) -> bool {
    matches!(key.standing, Standing::Word(_))
}

#[test]
fn defaults_are_what_holds_where_nothing_is_written() {
    let place = Place::new();
    let smallest = place.load(SMALLEST).config.to_string();
    let told = |heading: &str| {
        let after = smallest.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("{heading}")).1;
        after.split("\n\n").next().unwrap().lines().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let mut compared = 0;
    for table in TABLES.iter().filter(|table| matches!(table.form, Form::Once | Form::Many)) {
        let lines = told(&table.heading());
        for (key, default) in table.keys.iter().filter_map(|key| Some((key, key.default()?))) {
            let line = format!("{} = {default}", key.name);
            assert!(lines.contains(&line), "{line} is not in {lines:?}");
            compared += 1;
        }
    }
    assert!(compared >= 20, "only {compared}");
}

/// Tables that are there where they are wanted alone: with all their defaults written, they say the same.
#[test]
fn defaults_of_what_is_seldom_there_are_so_too() {
    let place = Place::new();
    let generic = SMALLEST.replace("\"github\"\nsecret", "\"generic\"\nscheme = \"hmac\"\nsecret");
    let fields = "[source.fields]\nworkflow = \"/a\"\nstate = \"/b\"\nrun_id = \"/c\"\n";
    let head = "[source.hmac]\nheader = \"X-S\"\ntimestamp_header = \"X-T\"\n";
    let node = "[[node]]\nname = \"mac-07\"\n";
    let defaults = |path: &str| -> String {
        let table = TABLES.iter().find(|table| table.path == path).unwrap();
        table.keys.iter().filter_map(|key| Some(format!("{} = {}\n", key.name, key.default()?))).collect()
    };
    let short = format!("{generic}{head}{fields}{node}");
    let whole = format!("{generic}{head}{}{fields}{node}{}", defaults("source.hmac"), defaults("node"));
    assert_ne!(short, whole);
    assert_eq!(place.load(&short).config.to_string(), place.load(&whole).config.to_string());
    let service = SERVICE.replace("[appservice]\n", &format!("[appservice]\n{}", defaults("appservice")));
    assert_ne!(service, SERVICE);
    assert_eq!(place.load(&service).config.to_string(), place.load(SERVICE).config.to_string());
}
