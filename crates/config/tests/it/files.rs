//! The files: who may read and write them, and what stands in them.

use std::os::unix::fs::symlink;

use crate::place::{Place, SMALLEST, TOKEN};
use meshhook_config::read_token;
use secrecy::ExposeSecret;

#[test]
fn gateway_toml_belongs_to_the_operator() {
    let place = Place::new();
    insta::assert_snapshot!(place.reload(), @r"
    error: ROOT/gateway.toml: it does not exist
    hint: create it, or name its folder by --config-root or OPENCLAW_CONFIG_ROOT
    ");
    place.write("gateway.toml", SMALLEST, 0o666);
    insta::assert_snapshot!(place.reload(), @r"
    error: ROOT/gateway.toml: others may write it (mode 0666)
    hint: chmod o-w
    ");
    place.chmod("gateway.toml", 0o664);
    assert_eq!(place.reload(), "fine");
    place.chmod("", 0o777);
    insta::assert_snapshot!(place.reload(), @r"
    error: ROOT: others may write it (mode 0777)
    hint: chmod o-w
    ");
}

#[test]
fn gateway_toml_is_a_text_of_some_size() {
    let place = Place::new();
    for (content, message) in [
        (vec![b'#'; 256 * 1024 + 1], "longer than 262144 bytes"),
        (vec![0xFF], "not UTF-8"),
        ("\u{FEFF}".as_bytes().to_vec(), "begins with a byte order mark"),
    ] {
        place.write("gateway.toml", content, 0o644);
        assert!(place.reload().contains(message), "{message}");
    }
}

#[test]
fn secrets_are_for_the_gateway_alone() {
    let place = Place::new();
    place.write("gateway.toml", SMALLEST, 0o644);
    for mode in [0o444, 0o441, 0o442, 0o644, 0o420, 0o460, 0o660] {
        place.chmod("github-secret", mode);
        assert!(place.reload().contains("hint: chmod 0440 or stricter"), "{mode:o}");
    }
    for mode in [0o400, 0o440, 0o600, 0o640] {
        place.chmod("github-secret", mode);
        assert_eq!(place.reload(), "fine", "{mode:o}");
    }
}

#[test]
fn secrets_may_be_links_as_kubernetes_makes_them() {
    let place = Place::new();
    std::fs::create_dir(place.at("..2026")).unwrap();
    std::fs::rename(place.at("github-secret"), place.at("..2026/github-secret")).unwrap();
    symlink("..2026", place.at("..data")).unwrap();
    symlink("..data/github-secret", place.at("github-secret")).unwrap();
    assert_eq!(place.printed(SMALLEST), "fine");
}

#[test]
fn a_short_secret_is_warned_about() {
    let place = Place::new();
    place.write("github-secret", "only-15-bytes--", 0o400);
    insta::assert_snapshot!(place.printed(SMALLEST), @r#"
    warning: ROOT/gateway.toml:10: [[source]] secret_files: the secret in "github-secret" is shorter than 16 bytes
    hint: make a long random one: openssl rand -hex 32
    "#);
    place.write("github-secret", "all-of-16-bytes-", 0o400);
    assert_eq!(place.reload(), "fine");
}

#[test]
fn what_may_be_a_secret_in_the_wrong_place_is_not_repeated() {
    let place = Place::new();
    let pasted = SMALLEST.replace("github-secret", "It's-a-Secret-to-Everybody");
    let printed = place.printed(&pasted);
    assert!(
        printed.contains("gateway.toml:10: [[source]] secret_files, entry 1: it does not exist"),
        "{printed}"
    );
    assert!(!printed.contains("Everybody"), "{printed}");
}

#[test]
fn the_token_is_read_again_by_the_same_rules() {
    let place = Place::new();
    let path = place.at("matrix-token");
    assert_eq!(read_token(&path).unwrap().expose_secret(), TOKEN);
    place.write("matrix-token", "two words", 0o400);
    let fault = read_token(&path).unwrap_err();
    assert_eq!(fault.file(), path);
    assert_eq!(fault.message(), "blanks or control characters stand inside it");
    place.write("matrix-token", "0123456789abcdefü", 0o400);
    assert_eq!(read_token(&path).unwrap_err().message(), "other signs than those of ASCII stand in it");
    place.chmod("matrix-token", 0o404);
    assert_eq!(read_token(&path).unwrap_err().message(), "others may read or write it (mode 0404)");
}
