//! Every link within the repository leads somewhere, and every command and word of ours on a page is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::words::{fixtures, meshhook, split};

fn pages() -> Vec<PathBuf> {
    let (mut pages, mut folders) = (Vec::new(), vec![fixtures().parent().unwrap().to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                let is_ours =
                    name == ".github" || !name.starts_with('.') && name != "target" && name != "node_modules";
                folders.extend(is_ours.then_some(path));
            } else if name.ends_with(".md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The page's lines outside blocks of code.
fn prose(page: &str) -> String {
    let parts = format!("\n{page}");
    parts.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// Without what stands between backticks, which is shown and not obeyed.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

/// The targets of `[text](target)` and `[name]: target`.
fn links(prose: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose.lines().map(without_code) {
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        links.extend(inline.map(|(target, _)| target.split(' ').next().unwrap().to_owned()));
        if line.starts_with('[')
            && let Some((_, target)) = line.split_once("]: ")
        {
            links.push(target.trim().to_owned());
        }
    }
    links
}

/// What a heading can be linked by, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let words = heading.to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(prose: &str) -> BTreeSet<String> {
    let (mut anchors, mut seen) = (BTreeSet::new(), BTreeMap::<String, usize>::new());
    for line in prose.lines().filter(|line| line.starts_with('#')) {
        // A link's text counts, its target does not.
        let heading = line.trim_start_matches('#').trim().split("](").next().unwrap();
        let anchor = anchor(heading);
        let count = seen.entry(anchor.clone()).or_default();
        anchors.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    anchors
}

/// `a/../b` as `b`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
        plain
    })
}

/// Why a link of that page leads nowhere.
fn broken(page: &Path, prose: &str, link: &str) -> Option<&'static str> {
    // rustdoc, which has the READMEs of crates, resolves paths of Rust by itself.
    if ["://", "::"].iter().any(|mark| link.contains(mark)) || link.starts_with("meshhook_") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() { page.to_owned() } else { plain(&page.parent().unwrap().join(path)) };
    if !target.exists() {
        return Some("no such file");
    }
    let anchor = anchor?;
    let there = if path.is_empty() {
        anchors(prose)
    } else {
        anchors(&self::prose(&fs::read_to_string(target).unwrap_or_default()))
    };
    (!there.contains(anchor)).then_some("no such heading")
}

/// What of a line the shell gives to the program: up to a comment, a pipe, a redirection, or the next command.
fn arguments(line: &str) -> Vec<String> {
    let words = split(line.strip_prefix("meshhook ").unwrap()).into_iter();
    words
        .take_while(|word| !word.starts_with(['#', '|', '>', '<', '&', ';']))
        .map(|word| word.replace('"', ""))
        .collect()
}

/// The lines that begin with `meshhook`, in blocks for a shell and between backticks. Left out are patterns like
/// `meshhook …`, and what has a variable of the shell's: the quick start, which is run.
fn commands(page: &str) -> BTreeSet<String> {
    let page = format!("\n{page}");
    let fences = page.split("\n```").skip(1).step_by(2).filter_map(|fence| fence.strip_prefix("sh\n"));
    let blocks = fences.map(|fence| fence.replace("\\\n", ""));
    let lines = blocks.flat_map(|block| block.lines().map(ToOwned::to_owned).collect::<Vec<_>>());
    let prose = prose(&page).replace('\n', " ");
    let spans = prose.split('`').skip(1).step_by(2).map(ToOwned::to_owned);
    lines.chain(spans).filter(|line| line.starts_with("meshhook ") && !line.contains(['…', '$'])).collect()
}

#[test]
fn every_command_on_a_page_is_one() {
    let all = pages().into_iter().flat_map(|page| commands(&fs::read_to_string(page).unwrap()));
    let all: BTreeSet<_> = all.collect();
    for line in &all {
        let output = meshhook().args(arguments(line)).arg("--help").output().unwrap();
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(all.len() > 40, "only {all:#?}");
}

/// All that the programs are made from.
fn sources() -> String {
    let mut folders = vec![fixtures().join("../bins"), fixtures().join("../crates")];
    let mut sources = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.extend((!path.ends_with("tests")).then_some(path));
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                sources += &fs::read_to_string(path).unwrap();
            }
        }
    }
    sources
}

/// What stands between backticks and is written as keys, codes and reasons are.
fn words(page: &str) -> BTreeSet<String> {
    let prose = prose(page);
    let spans = prose.split('`').skip(1).step_by(2);
    let is_word =
        |span: &&str| span.contains('_') && span.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    spans.filter(is_word).map(ToOwned::to_owned).collect()
}

#[test]
fn every_key_and_code_that_operators_are_told_of_is_one() {
    let sources = sources();
    for page in ["runbook", "operating", "doctor", "quick-start"] {
        let page = fs::read_to_string(fixtures().join(format!("../docs/{page}.md"))).unwrap();
        let unknown: Vec<_> = words(&page).into_iter().filter(|word| !sources.contains(word)).collect();
        // Synapse's own.
        assert!(
            unknown.iter().all(|word| matches!(&**word, "rc_message" | "register_new_matrix_user")),
            "{unknown:?}"
        );
    }
}

#[test]
fn every_link_leads_somewhere() {
    let (mut seen, mut faults) = (0, Vec::new());
    for page in pages() {
        let prose = prose(&fs::read_to_string(&page).unwrap());
        for link in links(&prose) {
            seen += 1;
            faults
                .extend(broken(&page, &prose, &link).map(|why| format!("{}: {link}: {why}", page.display())));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(seen > 150, "only {seen} links");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = fixtures().join("../README.md");
    let prose = prose(
        "# The \"title\", `code`!\n\n[a](b.md) `[c](d)`\n\n```sh\n[e](f)\n```\n\n[g]: h\n## Two\n## Two\n",
    );
    assert_eq!(links(&prose), ["b.md", "h"]);
    assert_eq!(anchors(&prose).into_iter().collect::<Vec<_>>(), ["the-title-code", "two", "two-1"]);
    for (link, fault) in [
        ("CHANGELOG.md", None),
        ("#two", None),
        ("https://example.org/nowhere", None),
        ("nowhere.md", Some("no such file")),
        ("#three", Some("no such heading")),
        ("CHANGELOG.md#nowhere", Some("no such heading")),
        ("docs/../CHANGELOG.md#unreleased", None),
    ] {
        assert_eq!(broken(&page, &prose, link), fault, "{link}");
    }
}
