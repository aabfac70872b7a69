//! Who is believed to be the homeserver.

use meshhook_matrix::{Client, FailureKind, Options};
use meshhook_testkit::Synapse;

use crate::token;

fn client(url: &str, ca: Option<&[u8]>) -> Client {
    let mut options = Options::new(url);
    options.ca_pem = ca.map(<[u8]>::to_vec);
    Client::new(options).unwrap()
}

#[test]
fn a_certificate_needs_a_known_authority_and_the_right_name() {
    let synapse = Synapse::start_with_tls();
    let bot = synapse.register("bot");
    let token = token(&bot.token);
    let (url, ca) = synapse.tls_url();
    assert_eq!(client(&url, Some(&ca)).whoami(&token).unwrap().user_id, bot.id);

    let stranger = client(&url, None).whoami(&token).unwrap_err();
    assert_eq!((stranger.kind, stranger.status), (FailureKind::Unknown, None));
    assert!(stranger.detail.contains("UnknownIssuer"), "{stranger}");

    let other_name = url.replace("localhost", "127.0.0.1");
    let impostor = client(&other_name, Some(&ca)).whoami(&token).unwrap_err();
    assert_eq!(impostor.kind, FailureKind::Unknown);
    assert!(impostor.detail.contains("not valid for name"), "{impostor}");
}
