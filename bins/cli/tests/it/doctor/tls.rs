//! A homeserver behind TLS, with certificates that are believed and others.

use meshhook_testkit::Certificate::{self, Expired, Future, OtherName, Renewed, Server, Strangers};
use meshhook_testkit::{Certificates, TlsFront};
use serde_json::Value;

use super::ward::{Diagnosis, Ward};

/// A ward whose homeserver presents `which`, with those pins and, if wanted, the authority's certificate.
struct Secured {
    ward: Ward,
    _front: TlsFront,
}

impl Secured {
    fn new(certificates: &Certificates, which: Certificate, ca: bool, pins: &[String]) -> Self {
        let ward = Ward::with(|mut builder| {
            if ca {
                builder = builder.file("ca.pem", certificates.ca()).line("matrix", "ca_file = \"ca.pem\"");
            }
            match pins {
                [] => builder,
                pins => builder.line("matrix", &format!("tls_fingerprints = {}", Value::from(pins))),
            }
        });
        let front = TlsFront::before(&ward.synapse.url(), certificates, which);
        ward.rewrite(&ward.synapse.url(), &front.url());
        Self { ward, _front: front }
    }

    #[track_caller]
    fn says(&self, level: &str, code: &str, words: &[&str]) -> Diagnosis {
        let diagnosis = self.ward.diagnose();
        let finding = diagnosis.finding(code);
        assert_eq!(finding["level"], level, "{finding}");
        for words in words {
            assert!(finding.to_string().contains(words), "{words} is not in {finding}");
        }
        diagnosis
    }
}

fn pin(certificates: &Certificates, which: Certificate) -> String {
    format!("cert-sha256:{}", certificates.fingerprint(which))
}

#[test]
fn a_certificate_that_is_pinned_is_good_and_its_end_is_told() {
    let certificates = Certificates::make();
    let pins = [pin(&certificates, Server), pin(&certificates, Renewed)];
    let secured = Secured::new(&certificates, Server, true, &pins);
    let diagnosis = secured.says("warning", "certificate_ending", &["ends in 6 days", "renewal"]);
    assert_eq!(diagnosis.code, 0, "{:#?}", diagnosis.findings);
    let unused = diagnosis.finding("pin_unused")["text"].as_str().unwrap();
    assert!(unused.contains("is not the certificate in use"), "{unused}");
    assert!(diagnosis.findings.iter().any(|one| one["check"] == "room" && one["level"] == "ok"));
}

#[test]
fn wrong_pin() {
    let certificates = Certificates::make();
    let secured = Secured::new(
        &certificates,
        Server,
        true,
        &[format!("spki-sha256:{}", certificates.key_fingerprint(Strangers))],
    );
    let diagnosis =
        secured.says("fault", "wrong_pin", &["none of those pinned", "tls_fingerprints: \\\"cert-sha256:"]);
    assert!(diagnosis.findings.iter().any(|one| one["check"] == "account" && one["level"] == "skipped"));
}

/// The pin is that of a certificate which is not presented any more.
#[test]
fn expired_pin() {
    let certificates = Certificates::make();
    let secured = Secured::new(&certificates, Renewed, true, &[pin(&certificates, Server)]);
    secured.says("fault", "wrong_pin", &["good chain and name", "its new certificate"]);
}

#[test]
fn wrong_ca() {
    let certificates = Certificates::make();
    Secured::new(&certificates, Strangers, true, &[]).says(
        "fault",
        "wrong_ca",
        &["unknown issuer", "ca_file"],
    );
    Secured::new(&certificates, Server, false, &[]).says("fault", "wrong_ca", &["unknown issuer", "ca_file"]);
}

#[test]
fn a_certificate_of_another_name_or_time() {
    let certificates = Certificates::make();
    let secured = |which| Secured::new(&certificates, which, true, &[]);
    secured(OtherName).says("fault", "wrong_name", &["is not for localhost", "other.example"]);
    secured(Expired).says("fault", "certificate_expired", &["ended at", "renew"]);
    secured(Future).says("fault", "certificate_early", &["begins at", "clock"]);
}
