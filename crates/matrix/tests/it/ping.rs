//! What a homeserver says that was asked to ask back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use meshhook_matrix::{Client, FailureKind, Options, Ping, PingFailure};
use meshhook_testkit::{Limits, Service, Synapse, free_port};
use serde_json::Value;

use crate::{client, token};

/// Whoever listens on a service's port: answers each request with that, or hangs.
fn listen(port: u16, answer: Option<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            thread::spawn(move || {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                match answer {
                    Some(answer) => drop(stream.write_all(answer.as_bytes())),
                    None => thread::sleep(Duration::from_secs(120)),
                }
            });
        }
    });
}

fn http(status: &str, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"))
}

struct Scene {
    synapse: Synapse,
    service: Service,
}

impl Scene {
    fn new(service: Service) -> Self {
        Self { synapse: Synapse::start_with_service(Limits::Relaxed, &service), service }
    }

    /// Synapse knows the service as that from now on.
    fn change(&mut self, service: Service) {
        self.synapse.write_service(&service);
        self.synapse.restart();
        self.service = service;
    }

    fn ping(&self, as_token: &str, id: &str) -> Result<Duration, PingFailure> {
        let deadline = Duration::from_secs(5);
        let ping = Ping { service: id, transaction_id: "t1", deadline, hs_token: self.service.hs_token() };
        client(&self.synapse.url()).ping(&token(as_token), ping)
    }

    /// The status, error code and what was answered at the address.
    fn fault(&self) -> (Option<u16>, String, Option<u16>, Option<String>) {
        let failure = self.ping(self.service.as_token(), self.service.id()).unwrap_err();
        let PingFailure { failure, status, body, .. } = failure;
        (failure.status, format!("{}: {}", failure.errcode.unwrap_or_default(), failure.detail), status, body)
    }
}

#[test]
fn each_answer_of_a_ping_is_told_from_the_others() {
    let service = Service::new("pinged", Synapse::SERVER_NAME);
    let mut scene = Scene::new(service.clone());
    let closed = scene.fault();
    assert_eq!(closed.0, Some(502));
    assert!(closed.1.starts_with("M_CONNECTION_FAILED: ConnectionRefusedError"), "{}", closed.1);

    listen(service.port(), http("200 OK", "{}"));
    assert!(scene.ping(service.as_token(), service.id()).unwrap() < Duration::from_secs(5));
    let wrong = scene.ping("as_token_of_nobody", service.id()).unwrap_err().failure;
    assert!(matches!(wrong.kind, FailureKind::Unauthorized { .. }) && !wrong.is_of_the_user(), "{wrong}");
    let other = scene.ping(service.as_token(), "other").unwrap_err().failure;
    assert_eq!((other.status, other.errcode.as_deref()), (Some(403), Some("M_FORBIDDEN")));
    assert!(other.detail.contains("Mismatching"), "{other}");

    let repeating = free_port();
    let quoting = service.clone().with("hs_token", r#"hs_"token"_\of_tests"#);
    let page = format!(r#"<p class="a">{} {}</p>"#, quoting.hs_token(), "x".repeat(2000));
    listen(repeating, http("404 Not Found", &page));
    scene.change(quoting.with("url", format!("http://127.0.0.1:{repeating}")));
    let (status, errcode, answered, body) = scene.fault();
    assert_eq!((status, errcode.split(':').next(), answered), (Some(502), Some("M_BAD_STATUS"), Some(404)));
    let body = body.unwrap();
    assert!(body.starts_with(r#"<p class="a">[secret] xxx"#) && body.chars().count() == 1000, "{body}");

    scene.change(service.with("url", Value::Null));
    let none = scene.fault();
    assert_eq!((none.0, none.1.split(':').next()), (Some(400), Some("M_URL_NOT_SET")));
}

/// Of a client whose other requests have this deadline.
fn hanging_for(scene: &Scene, others: Duration, deadline: Duration) -> Duration {
    let mut options = Options::new(scene.synapse.url());
    options.deadline = others;
    let ping = Ping { service: scene.service.id(), transaction_id: "t1", deadline, hs_token: "" };
    let start = Instant::now();
    let failure = Client::new(options).unwrap().ping(&token(scene.service.as_token()), ping).unwrap_err();
    assert_eq!((failure.failure.status, failure.status, failure.body), (None, None, None));
    start.elapsed()
}

#[test]
fn a_service_that_hangs_is_waited_for_as_long_as_asked() {
    let service = Service::new("hanging", Synapse::SERVER_NAME);
    listen(service.port(), None);
    let scene = Scene::new(service);
    let [short, long] = [Duration::from_millis(500), Duration::from_secs(30)];
    assert!(hanging_for(&scene, long, short) < Duration::from_secs(10));
    assert!(hanging_for(&scene, short, 4 * short) >= 4 * short);
}
