//! `meshhook login` at homeservers that Synapse cannot be made to be, and at files that nothing can be put in place of.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::thread;

use serde_json::{Value, json};

use crate::words::meshhook;

const TOKEN: &str = "syt_a_new_token";

/// A homeserver on which `@bot:h` logs in, as the device that is told; what it says to the token's question, and to all
/// else.
fn homeserver(device: &'static str, whoami: (u16, Value)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let _ = answer(client.unwrap(), device, &whoami);
        }
    });
    format!("http://{address}")
}

fn answer(client: TcpStream, device: &str, whoami: &(u16, Value)) -> std::io::Result<()> {
    let mut reader = BufReader::new(&client);
    let mut lines = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let length = lines.find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    lines.for_each(drop);
    std::io::copy(&mut reader.take(length.unwrap_or(0)), &mut std::io::sink())?;
    let (status, body) = match first.split(' ').take(2).collect::<Vec<_>>()[..] {
        ["GET", "/_matrix/client/v3/login"] => (200, json!({ "flows": [{ "type": "m.login.password" }] })),
        ["POST", "/_matrix/client/v3/login"] => {
            (200, json!({ "user_id": "@bot:h", "device_id": device, "access_token": TOKEN }))
        }
        ["GET", "/_matrix/client/v3/account/whoami"] => whoami.clone(),
        _ => (200, json!({ "room_id": "!a" })),
    };
    let body = body.to_string();
    let head =
        format!("HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
    write!(&client, "{head}\r\nConnection: close\r\n\r\n{body}")
}

/// A config root for it.
fn root(homeserver: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let text = format!(
        "[matrix]\nhomeserver = {homeserver:?}\nroom = \"!a\"\naccess_token_file = \"matrix-token\"\n"
    );
    fs::write(root.path().join("gateway.toml"), text).unwrap();
    root
}

fn login(root: &Path) -> Output {
    let mut command = meshhook();
    command.args([
        "login",
        "--user",
        "bot",
        "--password-stdin",
        "--admin-url",
        "http://127.0.0.1:9",
        "--config-root",
    ]);
    command.arg(root).write_stdin("hunter2").output().unwrap()
}

#[track_caller]
fn told(output: &Output, code: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(code) && said.contains(words), "{:?} {said}", output.status);
    assert!(!said.contains(TOKEN), "{said}");
}

/// The one before may have ended with it.
#[test]
fn a_token_is_kept_though_nobody_confirms_it() {
    for (status, body) in [
        (429, json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests" })),
        (502, json!("a proxy")),
        (401, json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "not yet everywhere" })),
    ] {
        let root = root(&homeserver("MESHHOOK", (status, body)));
        told(&login(root.path()), 0, "warning: whose the new token is the homeserver did not confirm");
        assert_eq!(fs::read_to_string(root.path().join("matrix-token")).unwrap(), format!("{TOKEN}\n"));
    }
}

#[test]
fn a_token_that_is_certainly_anothers_is_not_kept() {
    let whoami = |user: &str, device: &str| (200, json!({ "user_id": user, "device_id": device }));
    for (device, whoami) in [
        ("OTHER", whoami("@bot:h", "OTHER")),
        ("MESHHOOK", whoami("@bot:h", "OTHER")),
        ("MESHHOOK", whoami("@else:h", "MESHHOOK")),
    ] {
        let root = root(&homeserver(device, whoami));
        told(&login(root.path()), 4, "a token of another device than MESHHOOK");
        assert!(!root.path().join("matrix-token").exists());
    }
}

/// As Docker and Kubernetes mount secrets; Linux alone lets a test mount something, and not in every container.
#[cfg(target_os = "linux")]
mod mounted {
    use std::process::Command;

    use super::*;

    const NAMESPACE: [&str; 5] = ["--user", "--map-root-user", "--mount", "sh", "-euc"];

    fn may_mount() -> bool {
        let mounted = Command::new("unshare").args(NAMESPACE).arg("mount --bind /tmp /tmp").output();
        mounted.is_ok_and(|output| output.status.success())
    }

    /// A login with the folder `$1` and the token's file `$1/matrix-token` mounted by `mounts`.
    fn login_with(mounts: &str, root: &Path) -> Output {
        let mut command = Command::new("unshare");
        let login = "--user bot --password-stdin --admin-url http://127.0.0.1:9 --config-root \"$1\"";
        let script = format!("{mounts}; echo hunter2 | \"$0\" login {login}");
        command.args(NAMESPACE).arg(script).arg(meshhook().get_program()).arg(root).output().unwrap()
    }

    #[test]
    fn nobody_logs_in_for_a_file_that_cannot_be_replaced() {
        let me = (200, json!({ "user_id": "@bot:h", "device_id": "MESHHOOK" }));
        let root = root(&homeserver("MESHHOOK", me));
        let file = root.path().join("matrix-token");
        fs::write(&file, "").unwrap();
        let single = "mount --bind \"$1/matrix-token\" \"$1/matrix-token\"";
        let read_only = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"";
        let words = [
            (single, "it is a mount of its own"),
            (read_only, "it cannot be written: Read-only file system"),
        ];
        for (mounts, words) in words.into_iter().filter(|_| may_mount()) {
            let output = login_with(mounts, root.path());
            told(&output, 78, words);
            told(&output, 78, "hint: mount its folder instead, for writing");
            assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2, "nothing is left");
        }
        assert!(login(root.path()).status.success(), "without a mount it is replaced");
        assert_eq!(fs::read_to_string(file).unwrap(), format!("{TOKEN}\n"));
    }
}
