//! What the README promises.

use crate::place::{GITLAB, Place};

#[test]
fn the_readmes_gateway_toml_works_as_it_stands() {
    let place = Place::new();
    place.write("gitlab-signing-token", GITLAB, 0o440);
    let readme = include_str!("../../../../README.md");
    let parts = readme.split("```toml\n").skip(1).map(|part| part.split_once("```").unwrap().0);
    let loaded = place.load(&parts.collect::<String>());
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let names: Vec<_> = loaded.config.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["github", "gitlab"]);
}
