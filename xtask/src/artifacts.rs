//! What cargo built, from its `--message-format=json`: one object a line, of which only a few members matter.
//!
//! Read without a JSON parser, which would be a dependency: cargo writes these objects itself, compactly, and the
//! members looked for are strings that need no escape in a path of ours. Where that is not so nothing is found, and
//! the accounting of suites fails loudly.

use std::path::Path;

/// Something that can be tested.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Artifact<'a> {
    /// The folder of the package, from the root.
    pub(crate) folder: &'a str,
    /// `lib`, `bin`, `test`, `example` …
    pub(crate) kind: &'a str,
    /// The target's name, of a library with underscores.
    pub(crate) name: &'a str,
    /// The test program, of what is built as one.
    pub(crate) test_program: Option<&'a str>,
}

/// The artifacts of the packages below `root` in cargo's output.
pub(crate) fn read<'a>(messages: &'a str, root: &Path) -> Vec<Artifact<'a>> {
    let root = root.to_string_lossy();
    let artifacts = messages.lines().filter(|line| line.contains(r#""reason":"compiler-artifact""#));
    artifacts.filter_map(|line| artifact(line, &root)).collect()
}

fn artifact<'a>(line: &'a str, root: &str) -> Option<Artifact<'a>> {
    let manifest = after(line, r#""manifest_path":""#)?;
    let folder = manifest.strip_prefix(root)?.strip_prefix('/')?.strip_suffix("/Cargo.toml")?;
    let is_test = line.contains(r#""test":true},"features""#);
    Some(Artifact {
        folder,
        kind: after(line, r#""kind":[""#)?,
        name: after(line, r#""name":""#)?,
        test_program: after(line, r#""executable":""#).filter(|_| is_test),
    })
}

/// The rest of the string that begins with `start`.
fn after<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(start)?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"
{"reason":"compiler-artifact","package_id":"path+file:///src/crates/m#0.1.0","manifest_path":"/src/crates/m/Cargo.toml","target":{"kind":["lib"],"crate_types":["lib"],"name":"my_m","src_path":"/src/crates/m/src/lib.rs","edition":"2024","doc":true,"doctest":true,"test":true},"profile":{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":false},"features":[],"filenames":["/t/debug/deps/libmy_m-7f.rlib"],"executable":null,"fresh":false}
{"reason":"compiler-artifact","package_id":"path+file:///src/crates/m#0.1.0","manifest_path":"/src/crates/m/Cargo.toml","target":{"kind":["test"],"crate_types":["bin"],"name":"it","src_path":"/src/crates/m/tests/it/main.rs","edition":"2024","doc":false,"doctest":false,"test":true},"profile":{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":true},"features":[],"filenames":["/t/debug/deps/it-85"],"executable":"/t/debug/deps/it-85","fresh":false}
{"reason":"compiler-artifact","package_id":"registry+x#serde@1.0.0","manifest_path":"/registry/serde/Cargo.toml","target":{"kind":["lib"],"crate_types":["lib"],"name":"serde","src_path":"x","edition":"2021","doc":true,"doctest":true,"test":true},"profile":{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":false},"features":[],"filenames":[],"executable":null,"fresh":false}
{"reason":"build-finished","success":true}"#;

    #[test]
    fn only_our_own_artifacts_count() {
        let found = read(LINES, Path::new("/src"));
        let library = Artifact { folder: "crates/m", kind: "lib", name: "my_m", test_program: None };
        let tests = Artifact {
            folder: "crates/m",
            kind: "test",
            name: "it",
            test_program: Some("/t/debug/deps/it-85"),
        };
        assert_eq!(found, [library, tests]);
    }
}
