//! The accounting of suites: which must run, which did, and with how many tests.
//!
//! A suite is a package's folder and one of `unit`, `it` (its integration tests) and `doc` (its examples).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::artifacts::Artifact;

/// A suite's name, such as `crates/model unit`.
pub(crate) type Suite = String;

/// Tests by how they ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) ignored: u32,
}

/// Follows the output of `cargo test`.
pub(crate) struct Tally {
    /// The suite of a test program's file name.
    programs: BTreeMap<String, Suite>,
    /// The suite of a library's name.
    libraries: BTreeMap<String, Suite>,
    current: Option<Suite>,
    /// What ran so far.
    pub(crate) suites: BTreeMap<Suite, Counts>,
}

impl Tally {
    pub(crate) fn new(artifacts: &[Artifact<'_>]) -> Self {
        let programs = artifacts.iter().filter_map(|a| {
            let suite = if a.kind == "test" { a.name } else { "unit" };
            Some((file_name(a.test_program?).to_owned(), format!("{} {suite}", a.folder)))
        });
        let libraries = artifacts.iter().filter(|a| a.kind == "lib");
        let libraries = libraries.map(|a| (a.name.to_owned(), format!("{} doc", a.folder)));
        Self {
            programs: programs.collect(),
            libraries: libraries.collect(),
            current: None,
            suites: BTreeMap::new(),
        }
    }

    /// Reads one line of the output.
    pub(crate) fn line(&mut self, line: &str) {
        if let Some(library) = line.strip_prefix("   Doc-tests ") {
            self.begin(self.libraries.get(library).cloned());
        } else if let Some(program) = running(line) {
            self.begin(self.programs.get(program).cloned());
        } else if let Some(counts) = result(line)
            && let Some(suite) = &self.current
        {
            self.suites.entry(suite.clone()).or_default().add(counts);
        }
    }

    fn begin(&mut self, suite: Option<Suite>) {
        if let Some(suite) = &suite {
            self.suites.entry(suite.clone()).or_default();
        }
        self.current = suite;
    }

    /// All suites together.
    pub(crate) fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.suites.values().for_each(|counts| total.add(*counts));
        total
    }

    /// One line a suite that has tests.
    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        for (suite, Counts { passed, failed, ignored }) in &self.suites {
            if passed + failed + ignored > 0 {
                let _ =
                    writeln!(table, "  {suite:<28}{passed:>5} passed{failed:>4} failed{ignored:>4} ignored");
            }
        }
        table
    }

    /// What is wrong with the run as a whole, beside tests that failed.
    pub(crate) fn faults(&self, expected: &BTreeSet<Suite>) -> Vec<String> {
        let missing = expected.iter().filter(|suite| !self.suites.contains_key(*suite));
        let missing = missing.map(|suite| format!("{suite}: did not run"));
        let empty = expected.iter().filter(|suite| self.suites.get(*suite) == Some(&Counts::default()));
        let empty = empty.map(|suite| format!("{suite}: ran no test"));
        let ignored = self.suites.iter().filter(|(_, counts)| counts.ignored > 0);
        let ignored = ignored.map(|(suite, counts)| format!("{suite}: {} ignored", counts.ignored));
        missing.chain(empty).chain(ignored).collect()
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// The file name in `     Running tests/it/main.rs (target/debug/deps/it-85bb521bd964c460)`.
fn running(line: &str) -> Option<&str> {
    let program = line.strip_prefix("     Running ")?.strip_suffix(')')?;
    let (_, path) = program.rsplit_once('(')?;
    Some(file_name(path))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The counts in `test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s`.
fn result(line: &str) -> Option<Counts> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |word: &str| -> Option<u32> {
        counts.split("; ").find_map(|part| part.strip_suffix(word)?.trim_end().parse().ok())
    };
    Some(Counts { passed: count("passed")?, failed: count("failed")?, ignored: count("ignored")? })
}

/// The suites that must run, from `xtask/suites.txt`; an error when a package of the workspace is missing there.
pub(crate) fn expected(root: &Path) -> Outcome<BTreeSet<Suite>> {
    let list = root.join("xtask/suites.txt");
    let list = fs::read_to_string(&list).map_err(|e| format!("cannot read {}: {e}", list.display()))?;
    let expected: BTreeSet<Suite> = parse(&list).collect();
    let unlisted: Vec<Suite> = in_tree(root)?.into_iter().filter(|suite| !expected.contains(suite)).collect();
    if unlisted.is_empty() {
        return Ok(expected);
    }
    Err(format!("xtask/suites.txt does not list {}", unlisted.join(", ")))
}

fn parse(list: &str) -> impl Iterator<Item = Suite> {
    list.lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        let mut words = line.split_whitespace();
        let folder = words.next().unwrap_or_default();
        words.map(move |suite| format!("{folder} {suite}"))
    })
}

/// The suites that the tree shows: integration tests, and the example in a library's README.
fn in_tree(root: &Path) -> Outcome<Vec<Suite>> {
    let mut found = Vec::new();
    for parent in ["crates", "bins"] {
        let entries = fs::read_dir(root.join(parent)).map_err(|e| format!("cannot read {parent}: {e}"))?;
        for folder in
            entries.flatten().map(|entry| entry.path()).filter(|path| path.join("Cargo.toml").exists())
        {
            let name = folder.strip_prefix(root).unwrap_or(&folder).display();
            let tests = fs::read_dir(folder.join("tests")).into_iter().flatten().flatten();
            found.extend(tests.map(|test| format!("{name} {}", target_name(&test.path()))));
            if folder.join("src/lib.rs").exists() {
                found.push(format!("{name} doc"));
            }
        }
    }
    Ok(found)
}

fn target_name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "\
    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.01s
     Running unittests src/lib.rs (target/debug/deps/m-f6)

running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/it/main.rs (/elsewhere/debug/deps/it-85)
test a ... ok
test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
   Doc-tests m_lib
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    fn tally() -> Tally {
        let artifact = |kind, name, test_program| Artifact { folder: "crates/m", kind, name, test_program };
        let mut tally = Tally::new(&[
            artifact("lib", "m_lib", None),
            artifact("lib", "m_lib", Some("/x/target/debug/deps/m-f6")),
            artifact("test", "it", Some("/elsewhere/debug/deps/it-85")),
        ]);
        RUN.lines().for_each(|line| tally.line(line));
        tally
    }

    #[test]
    fn each_suite_gets_its_own_results() {
        let tally = tally();
        assert_eq!(tally.suites["crates/m unit"], Counts::default());
        assert_eq!(tally.suites["crates/m it"], Counts { passed: 2, failed: 1, ignored: 1 });
        assert_eq!(tally.suites["crates/m doc"], Counts { passed: 3, failed: 0, ignored: 0 });
        assert_eq!(tally.total(), Counts { passed: 5, failed: 1, ignored: 1 });
    }

    #[test]
    fn a_suite_that_did_not_run_or_ran_nothing_is_a_fault() {
        let expected = parse("# folder suites\ncrates/m unit it doc\n\ncrates/n it\n").collect();
        assert_eq!(
            tally().faults(&expected),
            ["crates/n it: did not run", "crates/m unit: ran no test", "crates/m it: 1 ignored"]
        );
    }
}
