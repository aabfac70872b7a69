//! What a first gateway.toml says is taken, for whatever a CI system signs by.

use meshhook_config::{Config, Draft};
use meshhook_normalize::Provider;
use meshhook_verify::{HmacEncoding, HmacForm, HmacHash, HmacSettings, Scheme};

use crate::place::Place;

const TOKEN: &str = "3f9a7d38cdd689735b008b3c702edd92eea23791c5f6b1d2a4e8";

fn scheme(name: &str) -> Scheme {
    let settings = HmacSettings {
        header: "X-Signature",
        prefix: "sha256=",
        encoding: HmacEncoding::Hex,
        hash: HmacHash::Sha256,
        timestamp: None,
    };
    name.parse().unwrap_or_else(|_| Scheme::Hmac(HmacForm::new(&settings).unwrap()))
}

fn draft(provider: &'static Provider, scheme: Scheme) -> Draft {
    let travis = provider.name() == "travis";
    Draft {
        homeserver: "https://matrix.example.org".into(),
        room: "!abcdef".into(),
        access_token_file: "matrix-token".into(),
        listen: None,
        admin_listen: None,
        store: None,
        source: provider.name().into(),
        provider,
        scheme,
        secret_file: "a-secret".into(),
        allow_from: if scheme.proves_body() { Vec::new() } else { vec!["192.0.2.0/24".into()] },
        allow_any_address: false,
        repos: if travis { vec!["acme/rocket".into()] } else { Vec::new() },
    }
}

#[test]
fn each_provider_and_scheme_has_a_first_configuration() {
    let mut seen = 0;
    for provider in Provider::ALL.iter().copied().chain([Provider::GENERIC]) {
        for name in provider.schemes() {
            let place = Place::new();
            let scheme = scheme(name);
            let toml = draft(provider, scheme).to_string();
            assert_eq!(Config::check(place.path(), &toml), Ok(Vec::new()), "{toml}");
            let secret = match scheme {
                Scheme::Travis => include_str!("public-key.pem"),
                Scheme::StandardWebhooks => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx",
                _ => TOKEN,
            };
            place.write("a-secret", secret, 0o440);
            let source = &place.load(&toml).config.sources[0];
            assert_eq!(source.reader.provider().name(), provider.name());
            assert_eq!(source.verifier.scheme(), scheme);
            for line in toml.lines() {
                assert!(line.chars().count() <= 120, "{line}");
            }
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen}");
}

#[test]
fn a_first_configuration_has_a_word_on_each_line() {
    let draft = Draft {
        listen: Some("127.0.0.1:9000".into()),
        admin_listen: Some("[::1]:9001".into()),
        store: Some("sqlite:/srv/meshhook/meshhook.db".into()),
        allow_any_address: true,
        allow_from: Vec::new(),
        repos: vec!["acme/*".into()],
        ..draft(Provider::GENERIC, scheme("bearer"))
    };
    let hmac = self::draft(Provider::GENERIC, scheme("hmac"));
    insta::assert_snapshot!(format!("{draft}\n{hmac}"));
}

#[test]
fn a_check_finds_what_is_wrong_before_it_is_written() {
    let place = Place::new();
    let below = format!("sqlite:{}/a.db", place.path().display());
    let wrong = Draft { store: Some(below), ..draft(Provider::GENERIC, scheme("bearer")) };
    let faults = Config::check(place.path(), &wrong.to_string()).unwrap_err();
    let told: Vec<_> = faults.iter().map(meshhook_config::Fault::message).collect();
    assert_eq!(told, ["[store] url: the store lies below the config root"]);
    // A file that is there has to be right.
    place.write("a-secret", "", 0o440);
    let faults =
        Config::check(place.path(), &draft(Provider::GENERIC, scheme("bearer")).to_string()).unwrap_err();
    assert!(faults.to_string().contains("it is empty"), "{faults}");
}
