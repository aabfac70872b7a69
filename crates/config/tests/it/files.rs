//! The files: who may read and write them, and what stands in them.

use std::os::unix::fs::symlink;

use crate::place::{GITHUB, HS_TOKEN, Place, REGISTRATION, SMALLEST, TOKEN};
use meshhook_config::{read_registration, read_token};
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

#[test]
fn the_registration_is_read_again_by_the_same_rules() {
    let place = Place::new();
    let path = place.at("registration.yaml");
    let read = || match read_registration(&path) {
        Ok(registration) => registration.id,
        Err(faults) => faults.to_string().replace(path.to_str().unwrap(), "FILE"),
    };
    assert_eq!(read(), "meshhook");
    place.write("registration.yaml", REGISTRATION.replace("\"hs_token\"", "\"hs\""), 0o440);
    let told = read();
    assert!(told.contains("FILE: hs_token is missing") && told.contains("FILE:5: hs is "), "{told}");
    assert!(!told.contains(HS_TOKEN), "{told}");
    place.write("registration.yaml", format!("\u{FEFF}{REGISTRATION}"), 0o440);
    assert!(read().starts_with("FILE: begins with a byte order mark"), "{}", read());
    place.write("registration.yaml", REGISTRATION, 0o440);
    place.chmod("registration.yaml", 0o444);
    assert!(read().starts_with("FILE: others may read or write it (mode 0444)"), "{}", read());
}

/// The secret's file, or what stands in its place, each time made anew; and what is said of it.
#[test]
fn what_is_no_secret_file_is_told_why() {
    type Make = fn(&Place);
    let cases: [(&str, Make, &str); 13] = [
        ("a link to a regular file", |p| elsewhere(p, 0o440, 0o755), "fine"),
        ("a link to what others may write", |p| elsewhere(p, 0o442, 0o755), "others may read or write it"),
        ("a link into what others may write", |p| elsewhere(p, 0o440, 0o777), "others may write the folder"),
        ("a link into a sticky folder", |p| elsewhere(p, 0o440, 0o1777), "others may write the folder"),
        ("a link to itself", |p| symlink("github-secret", p.at("github-secret")).unwrap(), "cannot be read"),
        ("a pipe", |p| pipe(&p.at("github-secret")), "not a regular file"),
        ("a folder", |p| std::fs::create_dir(p.at("github-secret")).unwrap(), "not a regular file"),
        ("its group may write it", |p| p.write("github-secret", GITHUB, 0o460), "its group may write it"),
        (
            "a line end inside",
            |p| written(p, &format!("{GITHUB}\n{GITHUB}\n")),
            "blanks or control characters",
        ),
        ("a byte order mark", |p| written(p, &format!("\u{FEFF}{GITHUB}")), "byte order mark"),
        ("too long", |p| written(p, &"x".repeat(4097)), "longer than 4096 bytes"),
        ("empty", |p| written(p, ""), "it is empty"),
        ("a line end alone", |p| written(p, "\n"), "it is empty"),
    ];
    for (what, make, told) in cases {
        let place = Place::new();
        std::fs::remove_file(place.at("github-secret")).unwrap();
        make(&place);
        let printed = place.printed(SMALLEST);
        assert!(printed.contains(told), "{what}: {printed}");
        assert!(told == "fine" || printed.starts_with("error: ROOT/gateway.toml:10: "), "{what}: {printed}");
    }
}

fn written(place: &Place, content: &str) {
    place.write("github-secret", content, 0o400);
}

/// The secret in a folder of its own, with these modes, and a link to it in its place.
fn elsewhere(place: &Place, file: u32, folder: u32) {
    std::fs::create_dir(place.at("elsewhere")).unwrap();
    place.write("elsewhere/secret", GITHUB, file);
    place.chmod("elsewhere", folder);
    symlink("elsewhere/secret", place.at("github-secret")).unwrap();
}

fn pipe(path: &std::path::Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn gateway_toml_may_be_a_link_to_what_nobody_else_writes() {
    let place = Place::new();
    std::fs::create_dir(place.at("real")).unwrap();
    place.write("real/gateway.toml", SMALLEST, 0o644);
    symlink("real/gateway.toml", place.at("gateway.toml")).unwrap();
    assert_eq!(place.reload(), "fine");
    place.chmod("real/gateway.toml", 0o646);
    assert!(place.reload().contains("gateway.toml: others may write it (mode 0646)"));
    place.chmod("real/gateway.toml", 0o644);
    place.chmod("real", 0o1777);
    assert!(place.reload().contains("gateway.toml: others may write the folder that it lies in (mode 1777)"));
    std::fs::remove_file(place.at("gateway.toml")).unwrap();
    pipe(&place.at("gateway.toml"));
    assert!(place.reload().contains("gateway.toml: not a regular file"));
}

#[test]
fn no_two_share_a_secret() {
    let place = Place::new();
    let second = |file: &str| {
        let source = "[[source]]\nname = \"gitea\"\nprovider = \"gitea\"\nsecret_files";
        place.printed(&format!("{SMALLEST}{source} = [\"{file}\"]\n"))
    };
    place.write("copy", format!("{GITHUB}\n"), 0o400);
    std::fs::hard_link(place.at("github-secret"), place.at("hard")).unwrap();
    symlink("github-secret", place.at("soft")).unwrap();
    for (file, told) in [
        ("github-secret", "source 1 (github) uses the same file"),
        ("hard", "source 1 (github) uses the same file"),
        ("soft", "source 1 (github) uses the same file"),
        ("copy", "source 1 (github) has the same secret in another file"),
        ("standard-secret", "fine"),
    ] {
        let printed = second(file);
        assert!(printed.contains(told), "{file}: {printed}");
    }
}
