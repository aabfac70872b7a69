//! What is said when the gateway is not there, or something else is.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::words::{Secrets, meshhook, said};

/// Answers one request with these bytes.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 64 << 10];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(answer.as_bytes());
    });
    address
}

fn post_to(url: &str, secrets: &Secrets) -> String {
    let mut post = meshhook();
    post.args(["post", "--provider", "standard", "--url", url, "--secret-file"])
        .arg(secrets.path("standard"));
    said(&mut post).replace(url, "URL")
}

const PROBLEM: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/problem+json\r\ncontent-length: 163\r\n\
connection: close\r\n\r\n{\"type\":\"about:blank\",\"title\":\"Unauthorized\",\"status\":401,\"code\":\"unauthorized\",\
\"detail\":\"not \\u001b[2Jgenuine\",\"request_id\":\"req-1\",\"hint\":\"compare the secrets\"}     ";

#[test]
fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/h", listener.local_addr().unwrap());
    drop(listener);
    insta::assert_snapshot!(post_to(&url, &Secrets::new()), @r"
    2> error: URL: io: Connection refused (os error 111)
    2> hint: is the gateway running, and is this its address?
    => 3
    ");
}

/// The token in the path is the secret.
#[test]
fn a_token_in_the_path_is_in_no_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/h", listener.local_addr().unwrap());
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "0a1b2c3d4e5f60718293a4b5c6d7e8f9").unwrap();
    let mut post = meshhook();
    post.args([
        "post",
        "--provider",
        "xcode-cloud",
        "--scheme",
        "path-token",
        "--url",
        &url,
        "--secret-file",
    ])
    .arg(&token)
    .args(["--file"])
    .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    insta::assert_snapshot!(said(&mut post).replace(&url, "URL"), @r"
    2> error: URL: io: Connection refused (os error 111)
    2> hint: is the gateway running, and is this its address?
    => 3
    ");
}

#[test]
fn a_refusal_is_told_with_its_request_id() {
    insta::assert_snapshot!(post_to(&answering(PROBLEM), &Secrets::new()), @r"
    2> error: refused: 401 unauthorized: not \u{1b}[2Jgenuine (request req-1)
    2> hint: compare the secrets
    => 4
    ");
}

#[test]
fn a_proxys_page_is_a_refusal_too() {
    let page = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>";
    insta::assert_snapshot!(post_to(&answering(page), &Secrets::new()), @r"
    2> error: refused: 502
    2> hint: look for the request in the gateway's log
    => 4
    ");
}

#[test]
fn a_redirect_is_not_followed() {
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert!(post_to(&answering(moved), &Secrets::new()).contains("refused: 302"));
}

#[test]
fn an_admin_listener_that_is_none_is_unreachable() {
    let secrets = Secrets::new();
    let page = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>";
    let line = format!("deliveries list --admin-url {} --admin-token-file @token", answering(page));
    let token = secrets.write("token", "0123456789abcdef");
    private(&token);
    let told = secrets.said(&line);
    assert!(
        told.contains("what answered is no gateway's admin listener") && told.ends_with("=> 3\n"),
        "{told}"
    );
}

#[test]
fn the_admin_token_is_looked_for_where_gateway_toml_says() {
    let secrets = Secrets::new();
    insta::assert_snapshot!(secrets.said("deliveries list --config-root @none"), @r"
    $ meshhook deliveries list --config-root @none
    2> error: DIR/none: it does not exist
    2> hint: create it, or name its folder by --config-root or OPENCLAW_CONFIG_ROOT
    => 78
    ");
    secrets.write("gateway.toml", "[store]\nurl = \"memory:\"\n");
    insta::assert_snapshot!(secrets.said("deliveries list --config-root @."), @r"
    $ meshhook deliveries list --config-root @.
    2> error: a gateway with its store in memory has no admin token of its own
    2> hint: name an admin_token_file in [server] of gateway.toml
    => 78
    ");
    secrets.write("gateway.toml", "[server]\nadmin_token_file = \"token\"\n");
    insta::assert_snapshot!(secrets.said("deliveries list --config-root @."), @r"
    $ meshhook deliveries list --config-root @.
    2> error: DIR/./token: it does not exist
    2> hint: create it, or correct the name; a relative name is looked up in the config root
    => 78
    ");
    secrets.write("token", "0123456789abcdef");
    insta::assert_snapshot!(secrets.said("deliveries list --config-root @."), @r"
    $ meshhook deliveries list --config-root @.
    2> error: DIR/./token: others may read or write it (mode 0644)
    2> hint: chmod 0440 or stricter; for a Kubernetes secret volume: defaultMode: 0440
    => 78
    ");
}

#[test]
fn an_admin_token_of_another_user_says_whom_to_be() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let secrets = Secrets::new();
    let token = secrets.write("token", "0123456789abcdef");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o000)).unwrap();
    let program = tempfile::tempdir().unwrap();
    std::fs::set_permissions(program.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = program.path().join("meshhook");
    // By another process: a file that this one has written may be busy while another test starts a program.
    let copied = std::process::Command::new("cp").arg(env!("CARGO_BIN_EXE_meshhook")).arg(&copy).status();
    assert!(copied.unwrap().success());
    let mut command = std::process::Command::new(copy);
    command.current_dir("/").args(["deliveries", "list", "--admin-token-file"]).arg(&token);
    // root may read whatever it likes, nobody may not.
    if token.metadata().unwrap().uid() == 0 {
        command.uid(65534);
    }
    let told = said(&mut command.into()).replace(&token.display().to_string(), "TOKEN");
    insta::assert_snapshot!(told, @r"
    2> error: TOKEN: it cannot be read: permission denied
    2> hint: run as the gateway's user, or give --admin-token-file a copy that you may read
    => 78
    ");
}

fn private(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}
