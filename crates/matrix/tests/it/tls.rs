//! Who is believed to be the homeserver.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use meshhook_matrix::{Client, Failure, FailureKind, Fingerprint, Options, ProxyAddress, TlsTrouble};
use meshhook_testkit::Certificate::{self, *};
use meshhook_testkit::{Certificates, ConnectProxy, Homeserver, Synapse, TlsFront};

use crate::token;

const HELLO: &str = r#"{"msgtype":"m.notice","body":"hello"}"#;

fn certificates() -> &'static Certificates {
    static MADE: OnceLock<Certificates> = OnceLock::new();
    MADE.get_or_init(Certificates::make)
}

fn client(url: &str, ca: Option<&[u8]>, pins: &[Fingerprint]) -> Client {
    let mut options = Options::new(url);
    options.ca_pem = ca.map(<[u8]>::to_vec);
    options.fingerprints = pins.to_vec();
    Client::new(options).unwrap()
}

fn pin(which: Certificate) -> Fingerprint {
    format!("cert-sha256:{}", certificates().fingerprint(which)).parse().unwrap()
}

fn key_pin(which: Certificate) -> Fingerprint {
    format!("spki-sha256:{}", certificates().key_fingerprint(which)).parse().unwrap()
}

/// A scripted homeserver behind TLS, and how its client does with that certificate.
struct Rig {
    homeserver: Homeserver,
    front: TlsFront,
}

impl Rig {
    fn new(which: Certificate) -> Self {
        let homeserver = Homeserver::start();
        let front = TlsFront::before(&homeserver.url(), certificates(), which);
        Self { homeserver, front }
    }

    fn client(&self, pins: &[Fingerprint]) -> Client {
        client(&self.front.url(), Some(&certificates().ca()), pins)
    }

    fn present(&self, which: Certificate) {
        self.front.present(certificates(), which);
    }

    fn send(&self, client: &Client, txn: &str) -> Result<(), Failure> {
        client.send(&token(&self.homeserver.user().token), Homeserver::ROOM, txn, HELLO).map(|_| ())
    }

    /// The words of a refusal, with what it is; nothing was sent.
    #[track_caller]
    fn refused(&self, client: &Client) -> (TlsTrouble, String) {
        let (joined, asked) = (self.front.joined(), self.homeserver.requests().len());
        let failure = client.whoami(&token(&self.homeserver.user().token)).unwrap_err();
        assert_eq!((failure.kind, failure.status), (FailureKind::Unknown, None), "{failure}");
        assert_eq!(
            (self.front.joined(), self.homeserver.requests().len()),
            (joined, asked),
            "nothing is sent"
        );
        (failure.tls.unwrap(), failure.to_string())
    }
}

#[test]
fn a_certificate_needs_a_known_authority_and_the_right_name() {
    let synapse = Synapse::start_with_tls();
    let bot = synapse.register("bot");
    let token = token(&bot.token);
    let (url, ca) = synapse.tls_url();
    assert_eq!(client(&url, Some(&ca), &[]).whoami(&token).unwrap().user_id, bot.id);

    let stranger = client(&url, None, &[]).whoami(&token).unwrap_err();
    assert_eq!((stranger.kind, stranger.tls), (FailureKind::Unknown, Some(TlsTrouble::Chain)), "{stranger}");

    let other_name = url.replace("localhost", "127.0.0.1");
    let impostor = client(&other_name, Some(&ca), &[]).whoami(&token).unwrap_err();
    assert_eq!((impostor.kind, impostor.tls), (FailureKind::Unknown, Some(TlsTrouble::Name)), "{impostor}");
}

#[test]
fn each_certificate_that_is_not_believed_says_why() {
    let rig = Rig::new(Server);
    let mut told = String::new();
    for which in [OtherName, Expired, Future, Strangers, SelfSigned] {
        rig.present(which);
        // Pinned or not: a pin admits nobody.
        for pins in [&[][..], &[pin(which), key_pin(which)]] {
            let (trouble, words) = rig.refused(&rig.client(pins));
            let words = mask(&words);
            told += &format!("{which:?}, {} pins: {trouble:?}: {words}\n", pins.len());
        }
    }
    insta::assert_snapshot!(told);
}

/// `2026-11-25T01:38:22Z` is another one each time.
fn mask(words: &str) -> String {
    let masked = words.split(' ').map(|word| {
        if word.contains('T') && word.contains(":") && word.starts_with("20") { "TIME" } else { word }
    });
    masked.collect::<Vec<_>>().join(" ")
}

#[test]
fn an_authority_of_ones_own_is_the_only_one() {
    let rig = Rig::new(Server);
    let url = rig.front.url();
    let (trouble, _) = rig.refused(&client(&url, None, &[pin(Server)]));
    assert_eq!(trouble, TlsTrouble::Chain);
    let (trouble, _) = rig.refused(&client(&url, Some(&certificates().strangers_ca()), &[]));
    assert_eq!(trouble, TlsTrouble::Chain);
    let two = [certificates().strangers_ca(), certificates().ca()].concat();
    rig.send(&client(&url, Some(&two), &[]), "t1").unwrap();
    // A certificate that nobody has issued is its own authority.
    rig.present(SelfSigned);
    rig.send(&client(&url, Some(&certificates().pem(SelfSigned)), &[]), "t2").unwrap();
    // Not so one that may sign others, as `openssl req -x509` makes them.
    rig.present(ItsOwnAuthority);
    let (trouble, words) = rig.refused(&client(&url, Some(&certificates().pem(ItsOwnAuthority)), &[]));
    assert_eq!(trouble, TlsTrouble::Chain);
    assert!(words.contains("CA:FALSE"), "{words}");
}

#[test]
fn a_renewed_certificate_is_seen_on_the_next_connection() {
    let rig = Rig::new(Server);
    let old = rig.client(&[pin(Server)]);
    let both = rig.client(&[pin(Server), pin(Renewed)]);
    let key = rig.client(&[key_pin(Server)]);
    for (n, client) in [&old, &both, &key].into_iter().enumerate() {
        rig.send(client, &format!("server-{n}")).unwrap();
    }
    rig.present(RenewedWithItsKey);
    rig.send(&key, "same-key").unwrap();
    assert_eq!(rig.refused(&old).0, TlsTrouble::Pin);
    rig.present(Renewed);
    rig.send(&both, "renewed").unwrap();
    assert_eq!(rig.refused(&old).0, TlsTrouble::Pin);
    assert_eq!(rig.refused(&key).0, TlsTrouble::Pin);
    // What was refused was never sent, and goes out once the certificate is the right one again.
    rig.present(Server);
    rig.send(&old, "server-0").unwrap();
    assert_eq!(rig.homeserver.events(Homeserver::ROOM).len(), 5);
}

#[test]
fn a_pin_that_is_not_met_names_the_certificate() {
    let rig = Rig::new(Server);
    let (trouble, words) = rig.refused(&rig.client(&[pin(Renewed)]));
    assert_eq!(trouble, TlsTrouble::Pin);
    let presented = format!("it is {} {}", pin(Server), key_pin(Server));
    assert_eq!(
        words,
        format!(
            "the server's certificate has a good chain and name, but it is none of those pinned; {presented}"
        )
    );
    // Each of the two can be copied into the configuration as it stands there.
    for pin in presented.split(' ').skip(2) {
        rig.client(&[pin.parse().unwrap()]).versions().unwrap();
    }
    let issuer = format!("spki-sha256:{}", certificates().ca_key_fingerprint()).parse().unwrap();
    let (_, words) = rig.refused(&rig.client(&[issuer]));
    assert!(words.contains("what is pinned is its issuer's"), "{words}");
}

#[test]
fn the_certificate_can_be_looked_at_whatever_it_is() {
    let rig = Rig::new(Server);
    let client = rig.client(&[key_pin(Server)]);
    let seen = client.certificate().unwrap().unwrap();
    assert_eq!((seen.certificate, seen.public_key), (pin(Server), key_pin(Server)));
    assert_eq!((seen.names, seen.refused), (vec!["localhost".to_owned()], None));
    // A day ago, and 6.9 days from now.
    assert_eq!(seen.not_after - seen.not_before, 79 * 8_640);
    for (which, name, trouble) in [
        (Renewed, "localhost", TlsTrouble::Pin),
        (OtherName, "other.example", TlsTrouble::Name),
        (Expired, "localhost", TlsTrouble::Expired),
        (SelfSigned, "localhost", TlsTrouble::Chain),
    ] {
        rig.present(which);
        let seen = client.certificate().unwrap().unwrap();
        assert_eq!((seen.certificate, seen.names), (pin(which), vec![name.to_owned()]));
        assert_eq!(seen.refused.unwrap().trouble, trouble);
    }
    assert_eq!((rig.front.joined(), rig.homeserver.requests().len()), (0, 0), "nothing is sent");
}

#[test]
fn what_speaks_no_tls_has_no_certificate() {
    let homeserver = Homeserver::start();
    assert_eq!(client(&homeserver.url(), None, &[]).certificate().unwrap(), None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let https = client(&format!("https://{}", listener.local_addr().unwrap()), None, &[]);
    let web_server = thread::spawn(move || {
        for _ in 0..2 {
            let (mut client, _) = listener.accept().unwrap();
            client.write_all(b"HTTP/1.1 400 The plain HTTP request was sent to HTTPS port\r\n\r\n").unwrap();
            let _ = client.read_to_end(&mut Vec::new());
        }
    });
    for failure in [https.certificate().unwrap_err(), https.versions().unwrap_err()] {
        assert_eq!(failure.tls, Some(TlsTrouble::Other), "{failure}");
        assert!(failure.detail.contains("does not speak TLS"), "{failure}");
    }
    web_server.join().unwrap();
    assert_eq!(https.certificate().unwrap_err().tls, None);
}

#[test]
fn a_handshake_has_to_be_over_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = Options::new(format!("https://{}", listener.local_addr().unwrap()));
    options.deadline = Duration::from_millis(400);
    let client = Client::new(options).unwrap();
    let start = Instant::now();
    // The system connects, and nobody answers.
    let failure = client.versions().unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(failure.detail.contains("in time") && failure.tls.is_none(), "{failure}");
}

#[test]
fn a_proxy_connects_and_sees_no_more_than_the_name() {
    let rig = Rig::new(Server);
    let proxy = ConnectProxy::start();
    let client = |pins: &[Fingerprint]| {
        let mut options = Options::new(rig.front.url());
        options.ca_pem = Some(certificates().ca());
        options.fingerprints = pins.to_vec();
        options.proxy = Some(ProxyAddress::new(&proxy.url()).unwrap());
        Client::new(options).unwrap()
    };
    let good = client(&[pin(Server)]);
    rig.send(&good, "t1").unwrap();
    assert_eq!(rig.homeserver.events(Homeserver::ROOM).len(), 1);
    let target = rig.front.url().replace("https://", "");
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")), "{heads:?}");
    assert!(!heads[0].to_lowercase().contains("authorization"), "{heads:?}");

    assert_eq!(rig.refused(&client(&[pin(Renewed)])).0, TlsTrouble::Pin);
    assert_eq!(good.certificate().unwrap().unwrap().certificate, pin(Server));
    proxy.refuse();
    let failure = client(&[pin(Server)]).versions().unwrap_err();
    assert_eq!((failure.kind, failure.tls), (FailureKind::Unknown, None));
    assert!(
        failure.detail.starts_with("the proxy does not connect us: ") && failure.detail.contains("407"),
        "{failure}"
    );
}
