//! Every CI system before one gateway: signed as it signs, read as it writes, said in one room.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{fs, iter};

use meshhook_normalize::{Meaning, Provider, read};
use meshhook_testkit::http::Answer;
use meshhook_testkit::signed::{self, Headers};
use meshhook_testkit::{Gateway, GatewayBuilder, eventually};
use meshhook_verify::Scheme;
use serde_json::Value;

use crate::rig::{Room, SOON, accepted, keys, now, scripted, with};

const TRAVIS_KEY: &str = include_str!("travis/public-key.pem");
/// Over the JSON of fixtures/travis/build-failed.form, made with the key that is not kept.
const TRAVIS_SIGNATURE: &str = include_str!("travis/signature");

/// A CI system as a source: what it is called, and how it proves who it is.
struct Sender {
    provider: &'static Provider,
    scheme: Scheme,
    secret: String,
    /// Where it comes from, as the proxy in front tells: each from elsewhere, since who fails too often is limited.
    address: String,
}

/// Every provider by each scheme that its senders can use, but `hmac`, whose form is up to them.
fn senders() -> Vec<Sender> {
    let of = |provider: &'static Provider| {
        let names = provider.schemes().iter().filter(|name| **name != "hmac");
        names.map(move |name| (provider, name.parse().unwrap_or_else(|why| panic!("{name}: {why}"))))
    };
    let all = Provider::ALL.iter().copied().flat_map(of).enumerate();
    let sender = |(number, (provider, scheme))| Sender {
        provider,
        scheme,
        secret: secret(scheme, number),
        address: format!("192.0.2.{number}"),
    };
    all.map(sender).collect()
}

fn secret(scheme: Scheme, number: usize) -> String {
    match scheme {
        Scheme::Travis => TRAVIS_KEY.to_owned(),
        // 32 bytes in base64 have 43 digits and one sign of padding.
        Scheme::StandardWebhooks => format!("whsec_{:A>43}=", format!("{number:02}A")),
        _ => format!("a-secret-of-the-sender-number-{number:03}"),
    }
}

impl Sender {
    /// What its source is called: short enough, and without a word that looks like a leak in the log.
    fn name(&self) -> String {
        let name = format!("{}-{}", self.provider.name(), self.scheme);
        name.replace("standard-webhooks", "sw").replace("bearer", "header")
    }

    fn configure(&self, builder: GatewayBuilder) -> GatewayBuilder {
        let mut builder = builder
            .source(&self.name(), self.provider.name(), &self.secret)
            .in_source(&format!("scheme = \"{}\"", self.scheme))
            .in_source(r#"units = ["run", "job", "stage", "check", "suite", "status", "deployment"]"#);
        if !self.scheme.proves_body() {
            builder = builder.in_source(r#"allow_from = ["192.0.2.0/24"]"#);
        }
        if self.scheme == Scheme::Travis {
            builder = builder.in_source(r#"only = { repos = ["acme/rocket"] }"#);
        }
        builder
    }

    fn headers(&self, body: &[u8]) -> Headers {
        let signed = match self.scheme {
            Scheme::Travis => vec![("Signature", TRAVIS_SIGNATURE.to_owned())],
            scheme => signed::by(scheme, &self.secret, &format!("msg_{}", self.name()), now(), body),
        };
        with(signed, "X-Forwarded-For", &self.address)
    }

    /// Posts as it does; a token in the path goes there.
    fn post(&self, gateway: &Gateway, body: &[u8]) -> Answer {
        let mut headers = self.headers(body);
        let in_path = headers.iter().position(|(name, _)| name.starts_with(':'));
        let path = match in_path.map(|at| headers.remove(at)) {
            Some((_, token)) => format!("{}/{token}", self.name()),
            None => self.name(),
        };
        gateway.post(&path, &headers, body)
    }

    /// A body of its own that is an event, as it is sent.
    fn event(&self) -> Vec<u8> {
        if self.scheme == Scheme::Travis {
            return fs::read(fixtures().join("travis/build-failed.form")).unwrap();
        }
        let is_event = |body: &Vec<u8>| {
            read(self.provider, body, None).is_ok_and(|read| matches!(read.meaning, Meaning::Event(_)))
        };
        bodies(self.provider).find(is_event).unwrap()
    }
}

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures"))
}

/// The bodies of a provider, the plainest names first.
fn bodies(provider: &Provider) -> impl Iterator<Item = Vec<u8>> {
    let entries = fs::read_dir(fixtures().join(provider.name())).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "json"));
    files.sort_by_key(|file| (file.as_os_str().len(), file.clone()));
    files.into_iter().map(|file| fs::read(file).unwrap())
}

/// The bodies' times are old; marks that are kept for 400 days let them be news.
fn configured(builder: GatewayBuilder) -> GatewayBuilder {
    senders()
        .iter()
        .fold(builder.line("store", "retention = \"400d\""), |builder, sender| sender.configure(builder))
}

#[test]
fn every_sender_is_heard_once() {
    let room = Room::new("all-providers");
    let gateway = configured(room.gateway()).start().unwrap();
    let senders = senders();
    for sender in &senders {
        let name = sender.name();
        let answer = accepted(&sender.post(&gateway, &sender.event()));
        assert_eq!(answer["outcome"], "accepted", "{name}: {answer}");
        assert_eq!(accepted(&sender.post(&gateway, &sender.event()))["outcome"], "duplicate", "{name}");
    }
    let keys = eventually(SOON * 4, || Some(keys(&room.said())).filter(|keys| keys.len() >= senders.len()));
    assert_eq!((keys.len(), keys.iter().collect::<BTreeSet<_>>().len()), (senders.len(), senders.len()));
    for sender in &senders {
        assert!(!gateway.log().contains(&sender.secret), "the log has the secret of {}", sender.name());
    }
}

#[test]
fn nobody_else_speaks_for_a_sender() {
    let homeserver = meshhook_testkit::Homeserver::start();
    let gateway = configured(scripted(&homeserver)).start().unwrap();
    let senders = senders();
    for (sender, other) in senders.iter().zip(senders.iter().skip(1).chain(iter::once(&senders[0]))) {
        let (name, body) = (sender.name(), sender.event());
        let mut changed = body.clone();
        let last = changed.len() - 2;
        changed[last] ^= 1;
        let as_other = other.headers(&body);
        let tokens = as_other.iter().filter(|(name, _)| name.starts_with(':'));
        let as_other: Headers = as_other.iter().filter(|(name, _)| !name.starts_with(':')).cloned().collect();
        let path = tokens.fold(name.clone(), |path, (_, token)| path + "/" + token);
        for (path, headers, body) in [
            (&path, as_other, &body),
            (&name, Headers::new(), &body),
            (
                &name,
                sender.headers(&body).into_iter().filter(|_| sender.scheme.proves_body()).collect(),
                &changed,
            ),
        ] {
            let headers: Headers = headers.into_iter().filter(|(name, _)| !name.starts_with(':')).collect();
            let headers = with(headers, "X-Forwarded-For", &sender.address);
            assert_eq!(gateway.post(path, &headers, body).status, 401, "{name}");
        }
    }
}

/// Each body cut, broken in every value at its top, deep, full of halves of characters, and a megabyte long. Not Travis
/// CI's: nobody here can sign them.
#[test]
fn no_body_is_answered_as_a_fault_of_the_gateway() {
    let homeserver = meshhook_testkit::Homeserver::start();
    let gateway = configured(scripted(&homeserver)).start().unwrap();
    for sender in senders().iter().filter(|sender| sender.scheme != Scheme::Travis) {
        for body in broken(&sender.event()) {
            let answer = sender.post(&gateway, &body);
            let own = sender.provider.name() == "standard";
            let fits = matches!(answer.status, 202 | 400) || (own && answer.status == 422);
            assert!(fits, "{}: {answer:?} to {}", sender.name(), String::from_utf8_lossy(&body));
        }
    }
    assert!(!gateway.log().contains("panicked"));
}

fn broken(body: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let mut all: Vec<String> =
        (1..8).map(|part| text[..boundary(&text, text.len() * part / 8)].to_owned()).collect();
    let value: Value = serde_json::from_str(&text).unwrap();
    for key in value.as_object().unwrap().keys() {
        for other in ["null", "7", "\"x\"", "[]", "{}", "[[]]"] {
            let mut broken = value.clone();
            broken[key] = serde_json::from_str(other).unwrap();
            all.push(broken.to_string());
        }
    }
    let deep = format!("{{\"deep\":{}0{},", "[".repeat(200), "]".repeat(200));
    all.push(text.replacen('{', &deep, 1));
    all.push(text.replace(": \"", ": \"\\ud83d"));
    all.push(text.replacen(": \"", &format!(": \"{}", "x".repeat(1 << 20)), 1));
    all.into_iter().map(String::into_bytes).collect()
}

/// The last place before `at` where a text can be cut.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
