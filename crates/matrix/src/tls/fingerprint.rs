//! What a pin is, and how it is written.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Base64Unpadded, Encoding as _};
use ring::digest::{SHA256, digest};
use rustls::Error;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;

const CERTIFICATE: &str = "cert-sha256:";
const PUBLIC_KEY: &str = "spki-sha256:";

/// The SHA-256 of a server's own certificate, or of the public key in it.
///
/// Written `cert-sha256:` and 64 hexadecimal digits, or `spki-sha256:` and base64 (RFC 7469, 2.4, "pin-sha256"). Either
/// is read in either way, with the colons that openssl prints, in capitals or not.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fingerprint {
    /// Of the certificate in DER: each renewal has another.
    Certificate([u8; 32]),
    /// Of its SubjectPublicKeyInfo in DER: a renewal with the same key keeps it.
    PublicKey([u8; 32]),
}

/// Why a text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// It does not say what it is of.
    #[error(
        "begins neither with \"cert-sha256:\", for a certificate, nor with \"spki-sha256:\", for its public key"
    )]
    Kind,
    /// What follows is no SHA-256.
    #[error("not a SHA-256: 64 hexadecimal digits, with or without colons, or its 32 bytes in base64")]
    Hash,
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let read = |hash: &str| hex(hash).or_else(|| base64(hash)).ok_or(FingerprintError::Hash);
        if let Some(hash) = text.strip_prefix(CERTIFICATE) {
            return Ok(Self::Certificate(read(hash)?));
        }
        let hash = text.strip_prefix(PUBLIC_KEY).ok_or(FingerprintError::Kind)?;
        Ok(Self::PublicKey(read(hash)?))
    }
}

fn hex(text: &str) -> Option<[u8; 32]> {
    let pairs: Vec<&str> = match text.contains(':') {
        true => text.split(':').collect(),
        false => text.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).ok()).collect::<Option<_>>()?,
    };
    let byte = |pair: &&str| {
        let digits = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(pair, 16).ok())?
    };
    pairs.iter().map(byte).collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn base64(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    let read = Base64Unpadded::decode(text.strip_suffix('=').unwrap_or(text), &mut hash).ok()?.len();
    (read == hash.len()).then_some(hash)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(hash) => {
                f.write_str(CERTIFICATE)?;
                hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::PublicKey(hash) => write!(f, "{PUBLIC_KEY}{}", Base64::encode_string(hash)),
        }
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Both fingerprints of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Both {
    pub(crate) certificate: Fingerprint,
    pub(crate) public_key: Fingerprint,
}

impl Both {
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        Ok(Self {
            certificate: Fingerprint::Certificate(sha256(certificate)),
            public_key: Fingerprint::PublicKey(sha256(&key)),
        })
    }

    pub(crate) fn is_among(&self, pins: &[Fingerprint]) -> bool {
        pins.contains(&self.certificate) || pins.contains(&self.public_key)
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    *digest(&SHA256, bytes).as_ref().first_chunk().expect("a SHA-256 is 32 bytes long")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn either_is_read_as_openssl_and_hpkp_write_it() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let colons =
            hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap()).collect::<Vec<_>>().join(":");
        let hash = sha256(b"");
        for text in
            [hex, &hex.to_uppercase(), &colons, &colons.to_uppercase(), base64, base64.trim_end_matches('=')]
        {
            assert_eq!(format!("cert-sha256:{text}").parse(), Ok(Fingerprint::Certificate(hash)), "{text}");
            assert_eq!(format!("spki-sha256:{text}").parse(), Ok(Fingerprint::PublicKey(hash)), "{text}");
        }
        assert_eq!(Fingerprint::Certificate(hash).to_string(), format!("cert-sha256:{hex}"));
        assert_eq!(Fingerprint::PublicKey(hash).to_string(), format!("spki-sha256:{base64}"));
    }

    #[test]
    fn what_is_no_fingerprint_says_why() {
        use FingerprintError::{Hash, Kind};
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for (text, why) in [
            ("", Kind),
            (hex, Kind),
            (&format!("sha256:{hex}"), Kind),
            (&format!("CERT-SHA256:{hex}"), Kind),
            ("cert-sha256:", Hash),
            (&format!("cert-sha256: {hex}"), Hash),
            (&format!("cert-sha256:{}", &hex[2..]), Hash),
            (&format!("cert-sha256:{hex}00"), Hash),
            (&format!("cert-sha256:+3{}", &hex[2..]), Hash),
            (&format!("cert-sha256:e3:b{}", &hex[3..]), Hash),
            // A SHA-1.
            ("cert-sha256:DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09", Hash),
            ("spki-sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=", Hash),
            ("spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU==", Hash),
            ("spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", Hash),
            ("spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==", Hash),
        ] {
            assert_eq!(text.parse::<Fingerprint>(), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(hash: [u8; 32]) {
            for one in [Fingerprint::Certificate(hash), Fingerprint::PublicKey(hash)] {
                prop_assert_eq!(one.to_string().parse(), Ok(one));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            for kind in [CERTIFICATE, PUBLIC_KEY, ""] {
                if let Ok(one) = format!("{kind}{text}").parse::<Fingerprint>() {
                    prop_assert_eq!(one.to_string().parse(), Ok(one));
                }
            }
        }
    }
}
