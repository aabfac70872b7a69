//! `meshhook login` at a real homeserver.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use meshhook_store::{Identity, Moment, Upkeep};
use meshhook_store_sqlite::SqliteStore;
use meshhook_testkit::{
    Certificate, Certificates, Gateway, Limits, Synapse, TlsFront, User, eventually, synapse_python,
};
use serde_json::{Value, json};

use crate::words::{STANDARD, meshhook};

/// A user who types into a terminal that shows nothing of it.
const TYPIST: &str = include_str!("typist.py");

/// A config root, a bot that is not in the room yet, and who can invite it.
struct Rig {
    synapse: Arc<Synapse>,
    host: User,
    bot: User,
    room: String,
    root: tempfile::TempDir,
}

/// What a run said, with its code.
struct Said {
    code: i32,
    data: String,
    words: String,
}

impl Rig {
    fn new(name: &str) -> Self {
        Self::at(Synapse::shared(), name)
    }

    fn at(synapse: Arc<Synapse>, name: &str) -> Self {
        let (host, bot) = (synapse.register(&format!("{name}-host")), synapse.register(name));
        let room = synapse.create_room(&host.token, json!({ "preset": "private_chat" }));
        let rig = Self { synapse, host, bot, room, root: tempfile::tempdir().unwrap() };
        rig.configure(&rig.synapse.url(), "");
        rig
    }

    /// As unfinished as it may be: no source, and no token's file.
    fn configure(&self, homeserver: &str, more: &str) {
        let room = &self.room;
        let matrix =
            format!("homeserver = {homeserver:?}\nroom = {room:?}\naccess_token_file = \"matrix-token\"");
        let text = format!("[matrix]\n{matrix}\n{more}\n[[source]]\nname = 7\n");
        fs::write(self.root.path().join("gateway.toml"), text).unwrap();
    }

    fn invite(&self) {
        self.synapse.invite(&self.host.token, &self.room, &self.bot.id);
    }

    fn file(&self) -> PathBuf {
        self.root.path().join("matrix-token")
    }

    fn token(&self) -> String {
        fs::read_to_string(self.file()).unwrap().trim_end().to_owned()
    }

    /// `meshhook login`, with that on its stdin.
    fn login(&self, args: &[&str], stdin: &str) -> Said {
        let mut command = meshhook();
        // Nobody listens there.
        command.env("MESHHOOK_ADMIN_URL", "http://127.0.0.1:9");
        command.arg("login").arg("--config-root").arg(self.root.path()).args(args);
        let output = command.write_stdin(stdin).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let said = Said {
            code: output.status.code().unwrap(),
            data: text(output.stdout),
            words: text(output.stderr),
        };
        let all = format!("{}{}", said.data, said.words);
        let token = fs::read_to_string(self.file()).unwrap_or_default();
        assert!(!all.contains(Synapse::PASSWORD) && !all.contains("syt_"), "{all}");
        assert!(token.is_empty() || !all.contains(token.trim_end()), "{all}");
        said
    }

    fn with_password(&self, args: &[&str]) -> Said {
        self.login(&[&["--password-stdin"], args].concat(), &format!("{}\n", Synapse::PASSWORD))
    }

    fn first(&self) -> Said {
        self.with_password(&["--user", &self.bot.id])
    }

    fn whoami(&self, token: &str) -> Value {
        self.synapse.request("GET", "/_matrix/client/v3/account/whoami", token, None).ok()
    }

    fn is_in_the_room(&self) -> bool {
        self.is_in(&self.room)
    }

    fn is_in(&self, room: &str) -> bool {
        let rooms = self.synapse.request("GET", "/_matrix/client/v3/joined_rooms", &self.token(), None).ok();
        rooms["joined_rooms"].as_array().unwrap().iter().any(|joined| joined == room)
    }
}

impl Said {
    #[track_caller]
    fn with(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}{}", self.data, self.words);
        for part in words {
            assert!(self.words.contains(part), "{part} is not said in\n{}", self.words);
        }
        self
    }
}

#[test]
fn the_first_login_leaves_a_token_and_a_bot_in_its_room() {
    let rig = Rig::new("fresh");
    rig.invite();
    let said = rig.first().with(0, &["next: meshhook doctor", "log in again", "Never log the old one out"]);
    let token = rig.token();
    let me = rig.whoami(&token);
    assert_eq!((&me["user_id"], &me["device_id"]), (&json!(rig.bot.id), &json!("MESHHOOK")));
    assert_eq!(fs::metadata(rig.file()).unwrap().mode() & 0o7777, 0o440);
    assert!(rig.is_in_the_room());
    let file = rig.file().canonicalize().unwrap();
    let told = format!(
        "user   {}\ndevice MESHHOOK\ntoken  in {}\nroom   {} joined\n",
        rig.bot.id,
        file.display(),
        rig.room
    );
    assert_eq!(said.data, told);
    assert!(!said.words.contains("warning"), "{}", said.words);
}

#[test]
fn another_login_keeps_the_device_and_the_old_token() {
    let rig = Rig::new("rotating");
    rig.invite();
    rig.with_password(&["--user", "rotating", "--device-id", "GATE"]).with(0, &[]);
    let old = rig.token();
    // Nothing has to be said of user and device any more.
    let said = rig.with_password(&["--json"]).with(0, &[]);
    let told: Value = serde_json::from_str(&said.data).unwrap();
    assert_eq!(
        (&told["user_id"], &told["device_id"], &told["joined"]),
        (&json!(rig.bot.id), &json!("GATE"), &json!(true))
    );
    assert_ne!(rig.token(), old);
    for token in [&old, &rig.token()] {
        assert_eq!(rig.whoami(token)["device_id"], "GATE");
    }
    let said = rig
        .with_password(&["--device-id", "OTHER"])
        .with(0, &["warning: the gateway has sent on the device GATE"]);
    assert!(said.data.contains("device OTHER"));
    // A token that is good no more is no obstacle, and says nothing.
    rig.synapse.logout(&rig.token());
    rig.login(&["--password-stdin"], Synapse::PASSWORD).with(2, &["name the bot: --user"]);
    rig.first().with(0, &[]);
    assert_eq!(rig.whoami(&rig.token())["device_id"], "MESHHOOK");
}

/// A token that is good no more tells nothing; the store does.
#[test]
fn the_device_that_messages_were_sent_on_is_kept_without_a_token() {
    let rig = Rig::new("keeper");
    rig.invite();
    let data = tempfile::tempdir().unwrap();
    let store = data.path().join("meshhook.db");
    let pinned = Identity { user: rig.bot.id.clone(), device: Some("SENTFROM".to_owned()) };
    SqliteStore::open(&store).unwrap().pin(&pinned, Moment::from_seconds(1_790_000_000)).unwrap();
    rig.configure(&rig.synapse.url(), &format!("[store]\nurl = \"sqlite:{}\"", store.display()));
    fs::write(rig.file(), "syt_a_token_of_yesterday").unwrap();
    fs::set_permissions(rig.file(), fs::Permissions::from_mode(0o400)).unwrap();
    let said = rig.login(&["--password-stdin"], Synapse::PASSWORD).with(0, &[]);
    assert!(said.data.contains("device SENTFROM"), "{}", said.data);
    assert_eq!(rig.whoami(&rig.token())["device_id"], "SENTFROM");
}

#[test]
fn a_wrong_password_changes_nothing() {
    let rig = Rig::new("mistaken");
    rig.invite();
    let wrong = ["--user", rig.bot.id.as_str(), "--password-stdin"];
    rig.login(&wrong, "hunter2-the-wrong-one\n")
        .with(4, &["wrong user name or password for @mistaken", "M_FORBIDDEN"]);
    assert!(!rig.file().exists());
    assert_eq!(fs::read_dir(rig.root.path()).unwrap().count(), 1, "nothing is left but gateway.toml");
    for (stdin, words) in [("", "the password is empty"), ("a\nb\n", "more than one line")] {
        rig.login(&wrong, stdin).with(2, &[words]);
    }
    rig.login(&wrong[..2], Synapse::PASSWORD)
        .with(2, &["nobody is there to be asked for the password", "--password-stdin"]);
}

#[test]
fn who_is_not_invited_joins_later() {
    let rig = Rig::new("uninvited");
    let invite = format!("`/invite {}`", rig.bot.id);
    let said = rig.first().with(4, &["is not let into !", &invite, "meshhook login --join --config-root "]);
    assert!(said.data.ends_with(" not joined\n"), "{}", said.data);
    let token = rig.token();
    rig.login(&["--join"], "").with(4, &["is not let into !"]);
    rig.invite();
    let said = rig.login(&["--join", "--json"], "").with(0, &[]);
    assert_eq!(serde_json::from_str::<Value>(&said.data).unwrap()["joined"], true);
    assert!(rig.is_in_the_room() && rig.token() == token);
    fs::remove_file(rig.file()).unwrap();
    rig.login(&["--join"], "").with(78, &["matrix-token: it does not exist"]);
}

/// A source may have a room of its own.
#[test]
fn another_room_is_joined_by_its_id() {
    let rig = Rig::new("roomy");
    let other = rig.synapse.create_room(&rig.host.token, json!({ "preset": "private_chat" }));
    let user = ["--user", rig.bot.id.as_str(), "--room", other.as_str()];
    let again = format!("meshhook login --join --room '{other}' --config-root {}", rig.root.path().display());
    rig.with_password(&user).with(4, &["is not let into !", &again]);
    rig.synapse.invite(&rig.host.token, &other, &rig.bot.id);
    let said = rig.login(&["--join", "--room", &other], "").with(0, &[]);
    assert!(said.data.ends_with(&format!("room   {other} joined\n")), "{}", said.data);
    assert!(rig.is_in(&other) && !rig.is_in_the_room());
    rig.with_password(&user).with(0, &["next: meshhook doctor --config-root "]);
    for room in ["#builds:example.org", "builds"] {
        rig.login(&["--join", "--room", room], "").with(2, &["for '--room <ID>'", "!"]);
    }
}

#[test]
fn a_limit_says_how_long_to_wait() {
    let rig = Rig::at(Arc::new(Synapse::start_with(Limits::Default)), "hasty");
    let args = ["--user", rig.bot.id.as_str(), "--password-stdin"];
    let said =
        (0..9).map(|_| rig.login(&args, "wrong\n")).find(|said| said.words.contains("limits how often"));
    said.unwrap().with(4, &["M_LIMIT_EXCEEDED", "hint: wait ", " seconds, then try again"]);
}

#[test]
fn only_the_matrix_table_has_to_be_right() {
    let rig = Rig::new("careful");
    rig.configure(&rig.synapse.url(), "tls_pins = []");
    rig.first().with(78, &["unknown key `tls_pins`"]);
    rig.configure("http://127.0.0.1:9", "");
    rig.first().with(3, &["no homeserver answers"]);
    rig.configure(&rig.synapse.url(), "");
    fs::set_permissions(rig.root.path(), fs::Permissions::from_mode(0o777)).unwrap();
    rig.first().with(78, &["others may write it"]);
    assert!(!rig.file().exists());
}

/// A link may lead anywhere, and root may write there.
#[test]
fn no_token_is_put_where_others_may_write() {
    let rig = Rig::new("exposed");
    let open = rig.root.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
    std::os::unix::fs::symlink(open.join("token"), rig.file()).unwrap();
    fs::write(open.join("token"), "").unwrap();
    // A password would be too much already.
    rig.login(&["--user", &rig.bot.id], "")
        .with(78, &["others may write the folder that it lies in", "chmod o-w"]);
    rig.first().with(78, &["others may write the folder that it lies in"]);
    assert_eq!(fs::read_to_string(open.join("token")).unwrap(), "");
}

#[test]
fn the_password_goes_to_a_homeserver_that_is_believed() {
    let rig = Rig::new("guarded");
    rig.invite();
    let certificates = Certificates::make();
    let front = TlsFront::before(&rig.synapse.url(), &certificates, Certificate::Server);
    fs::write(rig.root.path().join("ca.pem"), certificates.ca()).unwrap();
    let pinned = |which| {
        let pin = format!("cert-sha256:{}", certificates.fingerprint(which));
        rig.configure(&front.url(), &format!("ca_file = \"ca.pem\"\ntls_fingerprints = [{pin:?}]"));
    };
    pinned(Certificate::Renewed);
    rig.first().with(
        3,
        &["it is none of those pinned", "ask the homeserver's administrator, not over this connection"],
    );
    assert_eq!(front.joined(), 0, "nothing is sent");
    pinned(Certificate::Server);
    rig.first().with(0, &[]);
    assert!(rig.is_in_the_room());
}

#[test]
fn where_no_passwords_are_taken_nobody_is_asked_for_one() {
    let rig = Rig::new("single-sign-on");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rig.configure(&format!("http://{}", listener.local_addr().unwrap()), "");
    let server = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let count = client.read(&mut [0; 4096]).unwrap();
        let body = r#"{"flows":[{"type":"m.login.sso"},{"type":"m.login.token"}]}"#;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        client.write_all((head + body).as_bytes()).unwrap();
        count
    });
    rig.first().with(4, &["takes no passwords, only m.login.sso, m.login.token", "meshhook login --join"]);
    assert!(server.join().unwrap() > 0);
}

#[test]
fn a_terminal_is_asked_and_shows_no_password() {
    let rig = Rig::new("typed");
    rig.invite();
    let mut typist = Command::new(synapse_python());
    typist.args(["-c", TYPIST, &rig.bot.id, Synapse::PASSWORD]).arg(meshhook().get_program());
    typist.args(["login", "--admin-url", "http://127.0.0.1:9", "--config-root"]).arg(rig.root.path());
    let output = typist.output().unwrap();
    let seen = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{seen}{}", String::from_utf8_lossy(&output.stderr));
    assert!(seen.contains("the bot's user id (@bot:example.org): @typed:"), "{seen}");
    assert!(seen.contains(&format!("password of {}: \r\n", rig.bot.id)), "{seen}");
    assert!(!seen.contains(Synapse::PASSWORD) && !seen.contains("syt_"), "{seen}");
    assert_eq!(rig.whoami(&rig.token())["user_id"], rig.bot.id);
}

#[test]
fn a_gateway_that_runs_takes_the_new_token() {
    let rig = Rig::new("relieved");
    rig.synapse.bring_in(&rig.host.token, &rig.room, &rig.bot);
    let gateway =
        Gateway::builder(&rig.synapse.url(), &rig.room, &rig.bot.token).source("mac", "standard", STANDARD);
    let gateway = gateway.start().unwrap();
    let signed_in = || gateway.log().matches("signed in").count();
    eventually(Duration::from_secs(15), || (signed_in() == 1).then_some(()));
    let login = |args: &[&str]| {
        let mut command = meshhook();
        command
            .env("MESHHOOK_ADMIN_URL", gateway.admin_url())
            .env("OPENCLAW_CONFIG_ROOT", gateway.config_root());
        command.args(["login", "--password-stdin"]).args(args).write_stdin(Synapse::PASSWORD);
        let output = command.output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words}");
        words
    };
    assert!(!login(&[]).contains("warning"));
    eventually(Duration::from_secs(15), || (signed_in() == 2).then_some(()));
    let token = fs::read_to_string(gateway.config_root().join("matrix-token")).unwrap();
    assert_eq!(rig.whoami(token.trim_end())["device_id"], rig.bot.device);
    // The store knows it as well.
    fs::remove_file(gateway.config_root().join("matrix-token")).unwrap();
    assert!(!login(&["--user", &rig.bot.id]).contains("warning"));
    let words = login(&["--device-id", "ANOTHER"]);
    assert!(
        words.contains(&format!("warning: the gateway has sent on the device {}", rig.bot.device)),
        "{words}"
    );
}
