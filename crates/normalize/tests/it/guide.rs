//! The guide for those who add a CI system shows code as it stands.

use std::fs;

use crate::support::root;

#[test]
fn the_guide_shows_the_code_as_it_stands() {
    let guide = fs::read_to_string(root().join("docs/providers/adding.md")).unwrap();
    let code = fs::read_to_string(root().join("crates/normalize/src/provider/appveyor.rs")).unwrap();
    let blocks: Vec<_> =
        guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 4);
    for block in blocks {
        for item in block.split("\n\n").map(str::trim_end) {
            assert!(code.contains(item), "not in appveyor.rs any more:\n{item}");
        }
    }
}
