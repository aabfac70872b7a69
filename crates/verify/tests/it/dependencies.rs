//! What a user of this crate alone has to build.

use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn dependencies_are_few_and_know_no_web() {
    let names = normal_dependencies();
    assert!(names.contains("hmac"), "{names:?}");
    assert!(names.len() <= 22, "{} dependencies: {names:?}", names.len());
    for unwanted in ["serde", "serde_core", "url", "time", "http"] {
        assert!(!names.contains(unwanted), "{unwanted} among {names:?}");
    }
}

/// Every package below this one, by `name version`'s name.
fn normal_dependencies() -> BTreeSet<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-e", "normal", "--prefix", "none", "-f", "{p}", "-p", "meshhook-verify"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let names = String::from_utf8(tree.stdout).unwrap();
    let names = names.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned);
    names.filter(|name| name != "meshhook-verify").collect()
}
