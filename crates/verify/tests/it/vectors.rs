//! `vectors.tsv`, row by row.

use meshhook_verify::{
    HmacEncoding, HmacForm, HmacHash, HmacSettings, HmacTimestamp, Key, KeyError, Refusal, Scheme,
    SchemeError, Unverified, Verified, Verifier,
};

use crate::keys::signed;

/// Header lines of a request.
pub(crate) type Lines = Vec<(String, Vec<u8>)>;

const TABLE: &str = include_str!("vectors.tsv");

#[test]
fn every_vector_has_its_verdict() {
    let mut left_out = 0;
    for row in rows() {
        let [name, scheme, secret, headers, now, body, verdict, ref text @ ..] = row[..] else {
            panic!("{row:?}")
        };
        let Some(key) = built_in_key(name, scheme, &bytes(secret)) else {
            left_out += 1;
            continue;
        };
        let body = bytes(body);
        let told = judge(key, &lines(headers), now.parse().unwrap(), &body);
        assert_eq!(told.as_ref().map_or_else(Refusal::code, |_| "accepted"), verdict, "{name}");
        if let Ok(verified) = told {
            let text = text.first().map_or(body.clone(), |text| bytes(text));
            assert_eq!(verified.body(), text, "{name}");
            assert_eq!(verified.into_body(), text, "{name}");
        }
    }
    let all_in = cfg!(all(feature = "ed25519", feature = "rsa", feature = "sha1"));
    assert_eq!(left_out == 0, all_in, "{left_out} rows were left out");
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
        Refusal::SignaturesDiffer,
        Refusal::DateMalformed,
        Refusal::DigestMalformed,
        Refusal::DigestMismatch,
        Refusal::TokenMalformed,
        Refusal::TokenMismatch,
        Refusal::NotAForm,
        Refusal::SignatureMismatch,
        Refusal::Stale { seconds },
        Refusal::Future { seconds },
    ] {
        assert!(rows().any(|row| row[6] == refusal.code()), "{refusal:?}");
    }
}

/// What every scheme has to take and to refuse.
#[test]
fn every_scheme_has_its_vectors() {
    for name in Scheme::NAMES {
        let verdicts: Vec<_> =
            rows().filter(|row| row[1].split(' ').next() == Some(name)).map(|row| row[6]).collect();
        let scheme = scheme(rows().find(|row| row[1].split(' ').next() == Some(name)).unwrap()[1]).unwrap();
        let (malformed, mismatch) = if scheme.proves_body() {
            ("signature_malformed", "signature_mismatch")
        } else {
            ("token_malformed", "token_mismatch")
        };
        for wanted in ["accepted", "header_missing", "header_empty", "header_repeated", malformed, mismatch] {
            assert!(verdicts.contains(&wanted), "{name}: {wanted}");
        }
        if scheme.signs_time() {
            assert!(verdicts.contains(&"stale") && verdicts.contains(&"future"), "{name}");
        }
    }
}

/// What the properties cannot sign: public keys.
#[test]
fn no_bit_of_what_a_private_key_signed_can_be_another() {
    for row in ["travis-form", "standard-public-key"].map(row_of) {
        let key = || built_in_key(row[0], row[1], &bytes(row[2]));
        let Some(first) = key() else { continue };
        let verifier = Verifier::new(first.scheme(), vec![first]).unwrap();
        let (lines, body, now) = (lines(row[3]), bytes(row[5]), row[4].parse().unwrap());
        let genuine: Vec<_> = lines.iter().map(|(_, value)| value.clone()).chain([body]).collect();
        for (part, bit) in
            (0..genuine.len()).flat_map(|part| (0..genuine[part].len() * 8).map(move |bit| (part, bit)))
        {
            let mut forged = genuine.clone();
            forged[part][bit / 8] ^= 1 << (bit % 8);
            let body = forged.pop().unwrap();
            let lines: Vec<_> = lines.iter().map(|(name, _)| name).zip(forged).collect();
            if let Ok(verified) = Unverified::new(body).verify(&verifier, &lines, now) {
                // The case of an escape's digits is free: it is the text that is signed.
                let text = row.get(7).map(|text| bytes(text));
                assert_eq!(Some(verified.body()), text.as_deref(), "{}: part {part}, bit {bit}", row[0]);
                assert!(bit % 8 == 5 && part == genuine.len() - 1, "{}: part {part}, bit {bit}", row[0]);
            }
        }
    }
}

/// The decoy of a public key costs what the key does, and takes nothing; a request looks like one of its own scheme only.
#[test]
fn a_public_key_has_a_decoy_too() {
    for row in ["travis-form", "travis-4096-bits", "standard-public-key"].map(row_of) {
        let Some(key) = built_in_key(row[0], row[1], &bytes(row[2])) else { continue };
        let verifier = Verifier::new(key.scheme(), vec![key]).unwrap();
        let (lines, now) = (lines(row[3]), row[4].parse().unwrap());
        let judged = |verifier| Unverified::new(bytes(row[5])).verify(verifier, &lines, now).map(|_| ());
        assert_eq!(judged(&verifier), Ok(()), "{}", row[0]);
        assert_eq!(judged(&verifier.decoy(2, || [7; 32])), Err(Refusal::SignatureMismatch), "{}", row[0]);
        assert!(verifier.applies_to(&lines));
        assert!(!verifier.applies_to(&signed(Scheme::Drone, 1, now, b"{}")));
        let drone = Verifier::new(Scheme::Drone, vec![crate::keys::key(Scheme::Drone, 1)]).unwrap();
        assert!(!drone.applies_to(&lines));
    }
}

fn row_of(name: &str) -> Vec<&'static str> {
    rows().find(|row| row[0] == name).unwrap_or_else(|| panic!("no row {name}"))
}

/// The key, unless its kind is not built in.
fn built_in_key(name: &str, written: &str, secret: &[u8]) -> Option<Key> {
    let scheme = match scheme(written) {
        Err(SchemeError::NotBuiltIn { .. }) => return None,
        scheme => scheme.unwrap(),
    };
    match Key::new(scheme, name, secret) {
        Err(KeyError::NotBuiltIn { .. }) => None,
        key => Some(key.unwrap()),
    }
}

/// A scheme's name; behind `hmac`, its form.
fn scheme(written: &str) -> Result<Scheme, SchemeError> {
    let Some(form) = written.strip_prefix("hmac ") else { return written.parse() };
    let blank = form.replace('_', "\0");
    let mut words = blank.split(' ');
    let mut settings = HmacSettings::new(words.next().unwrap());
    let (mut time, mut separator) = (None, "");
    let words: Vec<_> = words.map(|word| word.replace('\0', " ")).collect();
    for word in &words {
        match word.split_once('=').unwrap() {
            ("prefix", prefix) => settings.prefix = prefix,
            ("encoding", "base64") => settings.encoding = HmacEncoding::Base64,
            ("hash", "sha512") => settings.hash = HmacHash::Sha512,
            ("time", header) => time = Some(header),
            ("separator", between) => separator = between,
            _ => panic!("{word}"),
        }
    }
    settings.timestamp = time.map(|header| HmacTimestamp { header, separator });
    Ok(Scheme::Hmac(HmacForm::new(&settings).unwrap()))
}

/// "accepted" or the refusal's code.
pub(crate) fn verdict_on(key: Key, lines: &Lines, now: i64, body: &[u8]) -> &'static str {
    judge(key, lines, now, body).map_or_else(|refusal| refusal.code(), |_| "accepted")
}

fn judge(key: Key, lines: &Lines, now: i64, body: &[u8]) -> Result<Verified<Vec<u8>>, Refusal> {
    let verifier = Verifier::new(key.scheme(), vec![key]).unwrap();
    Unverified::new(body.to_vec()).verify(&verifier, lines, now)
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
