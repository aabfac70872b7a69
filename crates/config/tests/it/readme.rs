//! What the README promises.

use crate::place::Place;

#[test]
fn the_readmes_gateway_toml_works_as_it_stands() {
    let readme = include_str!("../../../../README.md");
    let toml = readme.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let loaded = Place::new().load(toml);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert_eq!(loaded.config.sources[0].name, "github");
}
