//! The gateway's harness, tried with a stand-in that can be told to misbehave; the gateway's own tests use the real
//! one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use meshhook_testkit::{
    Gateway, GatewayBuilder, Homeserver, Killer, Pauser, eventually, signed, synapse_python,
};
use serde_json::json;
use tempfile::TempDir;

const GITHUB: &str = "a-secret-of-github";
const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "syt_token_of_the_gateway";

/// Answers both listeners of a gateway.toml, says what it is told to say, ends as it is told to end.
const STAND_IN: &str = r#"
import http.server, json, os, re, sys, threading
assert sys.argv[1] == "--config-root"
config = dict(re.findall(r'^(\w+) = "(.*)"$', open(os.path.join(sys.argv[2], "gateway.toml")).read(), re.M))
if config.get("level") == "fail":
    sys.exit("gateway.toml: no such level")
store = config["url"].removeprefix("sqlite:")
if store != "memory:":
    token = os.path.join(os.path.dirname(store), "admin-token")
    if not os.path.exists(token):
        open(token, "w").write("made-by-the-gateway\n")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.answer()
    def do_POST(self): self.answer()
    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        if body.startswith("say "):
            print(body[4:], flush=True)
        answer = json.dumps({"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}, "body": body}).encode()
        self.send_response(202 if self.command == "POST" else 200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_): pass
def serve(address):
    host, port = address.split(":")
    http.server.ThreadingHTTPServer((host, int(port)), Answer).serve_forever()
threading.Thread(target=serve, args=(config["listen"],), daemon=True).start()
print("ready", flush=True)
serve(config["admin_listen"])
"#;

struct StandIn(TempDir);

impl StandIn {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("stand-in.py"), STAND_IN).unwrap();
        let (python, script) = (synapse_python(), at("stand-in.py"));
        let line = format!("#!/bin/sh\nexec '{}' '{}' \"$@\"\n", python.display(), script.display());
        fs::write(at("text"), line).unwrap();
        // Written by another process: a file that any fork of this one still holds open cannot be executed.
        let copied = Command::new("cp").args([at("text"), at("gateway")]).status().unwrap();
        let allowed = Command::new("chmod").arg("700").arg(at("gateway")).status().unwrap();
        assert!(copied.success() && allowed.success());
        Self(dir)
    }

    fn builder(&self) -> GatewayBuilder {
        Gateway::builder("http://127.0.0.1:9", Homeserver::ROOM, TOKEN)
            .binary(self.0.path().join("gateway"))
            .source("github", "github", GITHUB)
    }
}

#[test]
fn it_is_configured_as_by_an_operator() {
    let stand_in = StandIn::new();
    let gateway = stand_in
        .builder()
        .also_secret("a-second-secret-of-github")
        .in_source("units = [\"job\"]")
        .source("own", "standard", STANDARD)
        .line("server", "max_body_bytes = 4096")
        .toml("[log]\nformat = \"json\"")
        .write();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let root = gateway.config_root();
    assert_eq!((mode(root.clone()), mode(gateway.store_dir())), (0o700, 0o700));
    for (file, text) in [
        ("matrix-token", TOKEN),
        ("github-secret-1", GITHUB),
        ("github-secret-2", "a-second-secret-of-github"),
        ("own-secret-1", STANDARD),
    ] {
        assert_eq!(fs::read_to_string(root.join(file)).unwrap(), text);
        assert_eq!(mode(root.join(file)), 0o600);
    }
    let text = fs::read_to_string(root.join("gateway.toml")).unwrap();
    let port = |url: String| url.rsplit(':').next().unwrap().to_owned();
    let text = text
        .replace(&port(gateway.url()), "LISTEN")
        .replace(&port(gateway.admin_url()), "ADMIN")
        .replace(gateway.store_dir().to_str().unwrap(), "STORE");
    insta::assert_snapshot!(text, @r#"
    [matrix]
    homeserver = "http://127.0.0.1:9"
    room = "!scriptedroomwithanidofroomversion12andnoserver"
    access_token_file = "matrix-token"

    [server]
    max_body_bytes = 4096
    listen = "127.0.0.1:LISTEN"
    admin_listen = "127.0.0.1:ADMIN"

    [store]
    url = "sqlite:STORE/meshhook.db"

    [[source]]
    name = "github"
    provider = "github"
    units = ["job"]
    secret_files = ["github-secret-1", "github-secret-2"]

    [[source]]
    name = "own"
    provider = "standard"
    secret_files = ["own-secret-1"]

    [log]
    format = "json"
    "#);
}

#[test]
fn it_starts_answers_and_ends() {
    let stand_in = StandIn::new();
    let mut gateway = stand_in.builder().start().unwrap();
    let body = br#"{"action":"completed"}"#;
    let answer = gateway.post("github", &signed::github(GITHUB, "workflow_run", "guid-1", body), body);
    assert_eq!(answer.status, 202);
    let heard = answer.json();
    assert_eq!(heard["path"], "/hooks/matrix/build-status/github");
    assert_eq!(heard["headers"]["x-github-event"], "workflow_run");
    assert_eq!(heard["headers"]["x-github-delivery"], "guid-1");
    assert!(heard["headers"]["x-hub-signature-256"].as_str().unwrap().starts_with("sha256="));

    let heard = gateway.admin_get("/deliveries?limit=1").ok();
    assert_eq!(heard["headers"]["authorization"], "Bearer made-by-the-gateway");
    assert_eq!(gateway.admin_post("/deliveries/d1/retry", &json!({})).json()["body"], "{}");

    assert!(gateway.stop().is_some());
    assert!(gateway.stop().is_none());
    gateway.restart().unwrap();
    gateway.kill9();
    gateway.restart().unwrap();
    assert_eq!(gateway.log().matches("ready").count(), 3);
}

#[test]
fn a_store_in_memory_has_its_admin_token_given() {
    let stand_in = StandIn::new();
    let gateway = stand_in.builder().in_memory().start().unwrap();
    let bearer = format!("Bearer {}", gateway.admin_token());
    assert_eq!(gateway.admin_get("/deliveries").ok()["headers"]["authorization"], bearer.as_str());
}

#[test]
fn a_gateway_that_does_not_start_says_why() {
    let stand_in = StandIn::new();
    let failure = stand_in.builder().line("log", "level = \"fail\"").start().unwrap_err();
    assert_eq!(failure.code(), Some(1));
    assert!(failure.to_string().contains("gateway.toml: no such level"), "{failure}");
}

#[test]
fn a_paused_gateway_answers_once_it_goes_on_and_can_be_stopped() {
    let stand_in = StandIn::new();
    let mut gateway = stand_in.builder().start().unwrap();
    gateway.pause();
    let url = gateway.hook_url("github");
    let client = std::thread::spawn(move || meshhook_testkit::http::send("POST", &url, &[], b"x").unwrap());
    std::thread::sleep(Duration::from_millis(300));
    assert!(!client.is_finished());
    gateway.resume();
    assert_eq!(client.join().unwrap().status, 202);
    gateway.pause();
    let start = Instant::now();
    drop(gateway);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn another_token_is_in_place_at_once() {
    let stand_in = StandIn::new();
    let mut gateway = stand_in.builder().write();
    gateway.write_token("syt_another_token");
    gateway.write_token("syt_a_third_token");
    assert_eq!(fs::read_to_string(gateway.config_root().join("matrix-token")).unwrap(), "syt_a_third_token");
}

#[test]
fn a_secret_in_the_log_does_not_go_unnoticed() {
    for leak in
        [GITHUB, STANDARD, TOKEN, "syt_another_token", "made-by-the-gateway", "authorization: Bearer x"]
    {
        let stand_in = StandIn::new();
        let mut gateway = stand_in.builder().source("own", "standard", STANDARD).start().unwrap();
        gateway.write_token("syt_another_token");
        let said = format!("level=debug got {leak} from there");
        assert_eq!(gateway.post("github", &[], format!("say {said}").as_bytes()).status, 202);
        eventually(Duration::from_secs(5), || gateway.log().contains(&said).then_some(()));
        let panic = catch_unwind(AssertUnwindSafe(|| drop(gateway))).expect_err(leak);
        let message = panic.downcast_ref::<String>().unwrap();
        assert_eq!(message, &format!("the gateway's log holds a secret:\n{said}"));
    }
}

#[test]
fn requests_are_signed_as_their_senders_do() {
    use meshhook_verify::{Key, Scheme, Unverified, Verifier};

    let verify = |scheme, secret: &str, headers: &signed::Headers, now| {
        let verifier =
            Verifier::new(scheme, vec![Key::new(scheme, "k", secret.as_bytes()).unwrap()]).unwrap();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Unverified::new("body").verify(&verifier, &headers.as_slice(), now).is_ok()
    };
    let headers = signed::github(GITHUB, "ping", "g", b"body");
    assert!(verify(Scheme::Github, GITHUB, &headers, 0));
    let headers = signed::standard(STANDARD, "msg_1", 1_700_000_000, b"body");
    assert!(verify(Scheme::StandardWebhooks, STANDARD, &headers, 1_700_000_100));
    assert!(!verify(Scheme::StandardWebhooks, STANDARD, &headers, 1_700_001_000));
    let form = signed::github(GITHUB, "ping", "g", b"payload=%7B%7D");
    assert!(form.contains(&("Content-Type", "application/x-www-form-urlencoded".into())));
}

#[test]
fn a_killer_kills_and_starts_again() {
    let stand_in = StandIn::new();
    let mut gateway = stand_in.builder().start().unwrap();
    let mut killer = Killer::new(1);
    for round in 1..=3 {
        let before = gateway.pid();
        killer.kill(&mut gateway);
        killer.start(&mut gateway).unwrap();
        assert_ne!(gateway.pid(), before);
        assert!(killer.kills() >= round);
        assert_eq!(gateway.admin_get("/any").status, 200);
    }
    assert!(killer.life() < Duration::from_secs(4));
}

#[test]
fn a_pauser_holds_still_and_lets_go() {
    let stand_in = StandIn::new();
    let mut gateway = stand_in.builder().start().unwrap();
    let mut pauser = Pauser::new(1);
    let start = Instant::now();
    pauser.hold_for(Duration::from_millis(200), &mut gateway);
    assert!(start.elapsed() >= Duration::from_millis(200));
    pauser.hold(&mut gateway);
    assert_eq!(pauser.pauses(), 2);
    assert_eq!(gateway.admin_get("/any").status, 200);
}
