//! Each row of what a ping can come to, at a real Synapse: with a gateway that runs, and without one.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use meshhook_testkit::{
    Certificate, Certificates, Gateway, Limits, Service, Synapse, TlsFront, User, eventually, free_port,
};
use serde_json::{Value, json};

use super::ward::{Diagnosis, diagnose};
use crate::words::STANDARD;

/// What is not well with a gateway that no CI system has posted to and no machine has named yet.
const UNUSED: [&str; 2] = ["never_heard", "silent_node"];

/// A Synapse that knows a service, and a room with its sender in it.
struct Scene {
    synapse: Synapse,
    ada: User,
    room: String,
    ours: Service,
}

/// A web server that answers everything so, or not at all.
fn server(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            if let Some(answer) = answer {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            } else {
                kept.push(stream);
            }
        }
    });
    format!("http://{address}")
}

/// A proxy that takes away what it takes for nobody's.
fn without_authorization(port: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut request = vec![0; 16 << 10];
            let length = client.read(&mut request).unwrap();
            let request = String::from_utf8(request[..length].to_vec()).unwrap();
            let is_kept = |line: &&str| !line.to_ascii_lowercase().starts_with("authorization:");
            let kept: Vec<_> = request.split("\r\n").filter(is_kept).collect();
            let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            server.write_all(kept.join("\r\n").as_bytes()).unwrap();
            let mut answer = [0; 4096];
            let length = server.read(&mut answer).unwrap();
            let _ = client.write_all(&answer[..length]);
        }
    });
    format!("http://{address}")
}

const REDIRECT: &str = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n";
const NO_JSON: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

impl Scene {
    fn new() -> Self {
        let ours = Service::new("buildbot", Synapse::SERVER_NAME);
        let synapse = Synapse::start_with_service(Limits::Relaxed, &ours);
        let ada = synapse.register("ada");
        let options = json!({ "preset": "public_chat", "topic": "mesh_node_id", "power_level_content_override": { "invite": 50 } });
        let room = synapse.create_room(&ada.token, options);
        synapse.join(ours.as_token(), &room);
        Self { synapse, ada, room, ours }
    }

    /// A gateway that does not run, whose copy is `ours`.
    fn gateway(&self, ours: &Service) -> Gateway {
        Gateway::builder_of_service(&self.synapse.url(), &self.room, ours)
            .source("builds", "standard", STANDARD)
            .toml("[[node]]\nname = \"mac-01\"\n")
            .write()
    }

    fn diagnose(&self, gateway: &Gateway, ours: &Service) -> Diagnosis {
        let secrets =
            [ours.as_token(), ours.hs_token(), self.ours.as_token(), self.ours.hs_token(), &self.ada.token];
        diagnose(gateway, &[], &secrets)
    }

    /// The homeserver has that copy from now on.
    fn has(&mut self, theirs: &Service) {
        self.synapse.write_service(theirs);
        self.synapse.restart();
    }

    /// The same cause is named without a gateway and with one that runs, and by that itself.
    #[track_caller]
    fn names(&mut self, ours: &Service, theirs: &Service, code: &str, words: &[&str]) {
        self.has(theirs);
        let mut gateway = self.gateway(ours);
        let without = self.diagnose(&gateway, ours);
        told(&without, code, words);
        gateway.restart().unwrap();
        let said = gateway_says(&gateway);
        // Who is not signed in may know no more than that it does not answer.
        assert_eq!(said["code"], code, "{said}\n{}", gateway.log());
        assert!(gateway.log().contains(code), "{}", gateway.log());
        told(&self.diagnose(&gateway, ours), code, words);
    }
}

fn gateway_says(gateway: &Gateway) -> Value {
    eventually(Duration::from_secs(30), || {
        let ping = gateway.admin_get("/appservice").ok()["ping"].clone();
        (!ping.is_null()).then_some(ping)
    })
}

/// One cause is told, and nothing else that this would be blamed on.
#[track_caller]
fn told(diagnosis: &Diagnosis, code: &str, words: &[&str]) {
    let finding = diagnosis.finding(code);
    let said = format!("{}\n{}", finding["text"].as_str().unwrap(), finding["hint"].as_str().unwrap());
    for words in words {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    let causes: Vec<_> = diagnosis.faults().into_iter().filter(|cause| *cause != "not_sending").collect();
    let is_fault = finding["level"] == "fault";
    assert_eq!(causes, if is_fault { vec![code] } else { vec![] }, "{:#?}", diagnosis.findings);
    let pings: Vec<_> = diagnosis.findings.iter().filter(|one| one["check"] == "ping").collect();
    assert_eq!(pings.len(), 1, "{pings:#?}");
}

#[test]
fn a_service_that_is_reached_is_well() {
    let scene = Scene::new();
    let mut gateway = scene.gateway(&scene.ours);
    let without = scene.diagnose(&gateway, &scene.ours);
    assert_eq!((without.code, without.bad()), (0, vec!["not_running"]), "{:#?}", without.findings);
    assert!(is_ok(&without, "ping", "the doctor listened in the gateway's place"), "{:#?}", without.findings);
    gateway.restart().unwrap();
    assert_eq!(gateway_says(&gateway)["code"], "ping_fine");
    let with = scene.diagnose(&gateway, &scene.ours);
    assert_eq!((with.code, with.bad()), (0, UNUSED.to_vec()), "{:#?}", with.findings);
    assert!(is_ok(&with, "ping", "by the gateway's own door"), "{:#?}", with.findings);
    assert!(
        is_ok(&with, "account", "that of @buildbot:rig.localhost (device MESHHOOK)"),
        "{:#?}",
        with.findings
    );
}

fn is_ok(diagnosis: &Diagnosis, check: &str, words: &str) -> bool {
    let ok = |one: &Value| {
        one["check"] == check && one["level"] == "ok" && one["text"].as_str().unwrap().contains(words)
    };
    diagnosis.findings.iter().any(ok)
}

#[test]
fn each_token_that_is_another_is_named() {
    let mut scene = Scene::new();
    let ours = scene.ours.clone();
    let of_ada = ours.clone().with("as_token", scene.ada.token.as_str());
    let other = |key: &str| ours.clone().with(key, "another_token_than_that_of_the_other_side");
    let restart = "a reload is not enough";
    scene.names(&ours, &other("hs_token"), "ping_hs_token", &["another hs_token", restart]);
    scene.names(&other("hs_token"), &ours, "ping_hs_token", &["another hs_token", restart]);
    scene.names(&ours, &other("id"), "ping_id", &["under another id", "Mismatching application service ID"]);
    scene.names(&of_ada, &ours, "ping_user_token", &["access token of a user", "as_token of its own"]);
}

/// The gateway does not sign in, so it asks for no ping that would tell more.
#[test]
fn a_homeserver_that_does_not_know_us_is_named() {
    let mut scene = Scene::new();
    let ours = scene.ours.clone();
    let other = |key: &str| ours.clone().with(key, "another_token_than_that_of_the_other_side");
    let elsewhere = ours.clone().with("ip_range_whitelist", json!(["192.0.2.0/24"]));
    let words = [
        "does not know the as_token",
        "app_service_config_files",
        "ip_range_whitelist",
        "401 M_UNKNOWN_TOKEN",
    ];
    scene.names(&ours, &other("as_token"), "ping_as_token", &words);
    scene.names(&other("as_token"), &ours, "ping_as_token", &words);
    scene.names(&ours, &elsewhere, "ping_as_token", &words);
}

#[test]
fn each_address_that_leads_elsewhere_is_named() {
    let mut scene = Scene::new();
    let ours = scene.ours.clone();
    let at = |url: String| ours.clone().with("url", url);
    let port = ours.port();
    let synapse = scene.synapse.url();
    for (theirs, code, words) in [
        (at(synapse), "ping_other_server", ["Another server answers", "M_BAD_STATUS"]),
        (
            at(format!("http://127.0.0.1:{}", free_port())),
            "ping_refused",
            ["Nobody listens", "listen in [appservice]"],
        ),
        (at("http://nowhere.invalid".to_owned()), "ping_dns", ["does not find the host", "DNS"]),
        (
            at(server(Some(EMPTY))),
            "ping_other_listener",
            ["this gateway was not asked", "leads to another one"],
        ),
        (at(format!("http://127.0.0.1:{port}/below/")), "ok", ["", ""]),
    ] {
        if code == "ok" {
            scene.has(&theirs);
            let without = scene.diagnose(&scene.gateway(&ours), &ours);
            assert!(is_ok(&without, "ping", "listened"), "{:#?}", without.findings);
        } else {
            scene.names(&ours, &theirs, code, &words);
        }
    }
}

#[test]
fn each_address_that_cannot_be_pushed_to_is_named() {
    let mut scene = Scene::new();
    let ours = scene.ours.clone();
    let at = |url: String| ours.clone().with("url", url);
    let port = ours.port();
    for (theirs, code, words) in [
        (at(format!("https://127.0.0.1:{port}")), "ping_tls_to_plain", ["speaks no TLS", "write http into"]),
        (at(server(Some(REDIRECT))), "ping_redirect", ["A redirect is answered", "write the address"]),
        (at(server(Some(NO_JSON))), "ping_no_json", ["is not this gateway", "200 without JSON"]),
        (at(format!("127.0.0.1:{port}")), "ping_scheme", ["does not begin with http", "correct it"]),
        (ours.clone().with("url", Value::Null), "ping_no_url", ["has no url", "restart the homeserver"]),
    ] {
        scene.names(&ours, &theirs, code, &words);
    }
}

#[test]
fn what_a_proxy_does_is_named() {
    let mut scene = Scene::new();
    let ours = scene.ours.clone();
    let certificates = Certificates::make();
    let front =
        TlsFront::before(&format!("http://127.0.0.1:{}", ours.port()), &certificates, Certificate::Server);
    let words = ["does not believe the certificate", "give the proxy one"];
    scene.names(&ours, &ours.clone().with("url", front.url()), "ping_certificate", &words);
    let proxy = without_authorization(ours.port());
    let words = ["came without its hs_token", "takes the Authorization header away"];
    scene.names(&ours, &ours.clone().with("url", proxy), "ping_no_hs_token", &words);
}

/// Synapse waits a minute; who sits at a terminal does not.
#[test]
fn an_address_that_nobody_answers_at_is_named_in_time() {
    let mut scene = Scene::new();
    let ours = scene.ours.clone();
    scene.has(&ours.clone().with("url", server(None)));
    let asked = std::time::Instant::now();
    let diagnosis = scene.diagnose(&scene.gateway(&ours), &ours);
    let took = asked.elapsed().as_secs();
    assert!((20..40).contains(&took), "{took} s");
    told(&diagnosis, "ping_no_answer", &["did not answer within the time", "firewall"]);
}

/// Without a gateway, another program may have its place.
#[test]
fn a_place_that_is_taken_is_named() {
    let scene = Scene::new();
    let _taken = TcpListener::bind(("127.0.0.1", scene.ours.port())).unwrap();
    let gateway = scene.gateway(&scene.ours.clone().with("url", "http://127.0.0.1:9"));
    let diagnosis = scene.diagnose(&gateway, &scene.ours);
    let finding = diagnosis.finding("listen_taken");
    assert_eq!(finding["level"], "warning");
    assert!(finding["hint"].as_str().unwrap().contains("--admin-url"), "{finding}");
}
