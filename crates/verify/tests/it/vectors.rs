//! `vectors.tsv`, row by row.

use meshhook_verify::{Key, Refusal, Scheme, Unverified, Verifier};

/// Header lines of a request.
pub(crate) type Lines = Vec<(String, Vec<u8>)>;

const TABLE: &str = include_str!("vectors.tsv");

#[test]
fn every_vector_has_its_verdict() {
    for row in rows() {
        let [name, scheme, secret, headers, now, body, verdict] = row[..] else { panic!("{row:?}") };
        let key = Key::new(scheme.parse().unwrap(), name, &bytes(secret)).unwrap();
        let told = verdict_on(key, &lines(headers), now.parse().unwrap(), &bytes(body));
        assert_eq!(told, verdict, "{name}");
    }
}

#[test]
fn every_refusal_has_a_vector() {
    let header = "h";
    let seconds = 0;
    for refusal in [
        Refusal::HeaderMissing { header },
        Refusal::HeaderRepeated { header },
        Refusal::HeaderEmpty { header },
        Refusal::SignatureMalformed,
        Refusal::TooManySignatures,
        Refusal::UnknownVersion,
        Refusal::MessageIdMalformed,
        Refusal::TimestampMalformed,
        Refusal::SignatureMismatch,
        Refusal::Stale { seconds },
        Refusal::Future { seconds },
    ] {
        assert!(rows().any(|row| row[6] == refusal.code()), "{refusal:?}");
    }
    assert!(Scheme::ALL.iter().all(|scheme| rows().any(|row| row[1] == scheme.as_str())));
}

/// "accepted" or the refusal's code.
pub(crate) fn verdict_on(key: Key, lines: &Lines, now: i64, body: &[u8]) -> &'static str {
    let verifier = Verifier::new(key.scheme(), vec![key]).unwrap();
    match Unverified::new(body).verify(&verifier, lines, now) {
        Ok(verified) => {
            assert_eq!(verified.body(), body);
            "accepted"
        }
        Err(refusal) => refusal.code(),
    }
}

/// Lines written as `name: value | name: value`.
pub(crate) fn lines(written: &str) -> Lines {
    written
        .split(" | ")
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), bytes(value)))
        .collect()
}

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    TABLE.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| line.split('\t').collect())
}

/// Literal but for `\xNN`.
fn bytes(written: &str) -> Vec<u8> {
    let mut parts = written.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}
