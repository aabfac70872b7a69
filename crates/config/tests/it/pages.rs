//! The providers' pages: every `gateway.toml` in them is one.

use std::fs;
use std::path::Path;

use crate::place::{CA, Place, SMALLEST};

#[test]
fn the_page_of_every_key_has_defaults_and_can_be_written() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = fs::read_to_string(page).unwrap();
    let place = Place::new();
    let printed = |toml: &str| place.load(toml).config.to_string();
    let block = blocks(&page).next().unwrap();
    assert_eq!(printed(block), printed(SMALLEST));
    // What is commented out can be written, too; two of the tables are for a source of any shape.
    place.write("admin-token", "0123456789abcdef0123456789abcdef", 0o400);
    place.write("ca.pem", CA, 0o444);
    let written = |line: &str| line.replacen("# ", "", usize::from(line.starts_with("# "))) + "\n";
    // The one is for schemes that prove no body, the other for a bot.
    let other = ["allow_any_address", "access_token_file"];
    let lines = block.lines().filter(|line| !other.iter().any(|key| line.contains(key)));
    let all: String = lines.map(written).collect();
    let all = all.replace("provider = \"github\"", "provider = \"generic\"");
    let all = all.replace("scheme = \"github\"", "scheme = \"hmac\"");
    let all = all.replace("mode = \"bot\"", "mode = \"appservice\"");
    let told = place.printed(&all);
    assert!(!told.contains("error:"), "{told}");
}

/// A key of 2,048 bits, made for this test; nobody has the private one.
const PUBLIC_KEY: &str = include_str!("public-key.pem");

fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next())
}

/// A secret that fits what the block says of itself.
fn secret(block: &str) -> &'static str {
    let says = |words: &str| block.contains(words);
    if says("\"travis\"") {
        return PUBLIC_KEY;
    }
    if says("provider = \"standard\"") || says("\"standard-webhooks\"") {
        return "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    }
    "3f9a7d38cdd689735b008b3c702edd92eea23791c5f6b1d2a4e8"
}

#[test]
fn every_source_in_the_pages_can_be_configured() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers");
    let matrix = SMALLEST.split("[[source]]").next().unwrap();
    let mut checked = 0;
    for page in fs::read_dir(pages).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&page).unwrap();
        for block in blocks(&text).filter(|block| block.contains("[[source]]")) {
            let place = Place::new();
            for name in block.split("secret_files = [").skip(1).filter_map(|rest| rest.split(']').next()) {
                for file in name.split(',').map(|name| name.trim().trim_matches('"')) {
                    place.write(file, secret(block), 0o400);
                }
            }
            let told = place.printed(&format!("{matrix}{block}"));
            assert!(!told.contains("error:"), "{}:\n{block}\n{told}", page.display());
            checked += 1;
        }
    }
    assert!(checked >= 25, "only {checked} blocks");
}
