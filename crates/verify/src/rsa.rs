//! RSA signatures, PKCS#1 v1.5 over SHA-1 (RFC 8017), by ring; and the PEM that a public key comes in.

use base64ct::{Base64, Encoding as _};
use ring::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};
use subtle::Choice;

use crate::KeyError;

/// The longest modulus and so the longest signature, in bytes.
pub(crate) const MAX_BYTES: usize = 512;
/// The shortest.
pub(crate) const MIN_BYTES: usize = 256;

/// The algorithm of an SPKI that holds an RSA key: the object id 1.2.840.113549.1.1.1 and NULL (RFC 3279, 2.3.1).
const RSA_ENCRYPTION: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// A sender's public key: modulus and exponent, big-endian, without leading zeros.
pub(crate) struct PublicKey {
    modulus: Box<[u8]>,
    exponent: Box<[u8]>,
}

impl PublicKey {
    /// From a PEM, SPKI (`PUBLIC KEY`) or PKCS#1 (`RSA PUBLIC KEY`).
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let (label, der) = pem_block(pem)?;
        let key = match label {
            "RSA PUBLIC KEY" => Some(&der[..]),
            "PUBLIC KEY" => rsa_key_in_spki(&der),
            label if label.ends_with("PRIVATE KEY") => return Err(KeyError::Private),
            _ => return Err(KeyError::NotPem),
        };
        let (modulus, exponent) = key.and_then(integers).ok_or(KeyError::NotRsa)?;
        Self::checked(modulus, exponent)
    }

    /// ring takes an odd exponent of at least 3 and at most 33 bits, and an odd modulus.
    fn checked(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let bits = bits(modulus);
        if !(8 * MIN_BYTES..=8 * MAX_BYTES).contains(&bits) {
            return Err(KeyError::RsaLength { bits });
        }
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        if !is_odd(modulus) || !is_odd(exponent) || !(2..=33).contains(&self::bits(exponent)) {
            return Err(KeyError::NotRsa);
        }
        Ok(Self { modulus: modulus.into(), exponent: exponent.into() })
    }

    /// As long, so that checking a signature costs the same; of what numbers it is the product, nobody knows.
    pub(crate) fn decoy(&self, random: &[u8; 32]) -> Self {
        let mut modulus: Box<[u8]> = random.iter().copied().cycle().take(self.modulus.len()).collect();
        modulus[0] |= 0x80;
        modulus[self.modulus.len() - 1] |= 1;
        Self { modulus, exponent: self.exponent.clone() }
    }

    /// Whether `signature` is this key's over `signed`. Nothing of this is secret.
    pub(crate) fn made(&self, signature: &[u8], signed: &[u8]) -> Choice {
        let key = RsaPublicKeyComponents { n: &*self.modulus, e: &*self.exponent };
        let made = key.verify(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, signed, signature);
        Choice::from(u8::from(made.is_ok()))
    }
}

fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros() as usize);
    8 * number.len() - unused
}

/// The label and the content of a text that is one PEM block (RFC 7468), blanks around it apart.
fn pem_block(pem: &[u8]) -> Result<(&str, Vec<u8>), KeyError> {
    let text = std::str::from_utf8(pem).map_err(|_| KeyError::NotText)?.trim_ascii();
    if text.is_empty() {
        return Err(KeyError::Empty);
    }
    let block = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----"));
    let (label, rest) = block.ok_or(KeyError::NotPem)?;
    let encoded = rest.strip_suffix("-----").and_then(|rest| rest.strip_suffix(label));
    let encoded = encoded.and_then(|rest| rest.strip_suffix("-----END ")).ok_or(KeyError::NotPem)?;
    let encoded: String = encoded.lines().collect();
    Ok((label, Base64::decode_vec(&encoded).map_err(|_| KeyError::NotPem)?))
}

/// `SEQUENCE { SEQUENCE { algorithm }, BIT STRING { the key } }` (RFC 5280, 4.1).
fn rsa_key_in_spki(der: &[u8]) -> Option<&[u8]> {
    let info = whole(SEQUENCE, der)?;
    let (algorithm, info) = element(SEQUENCE, info)?;
    let key = whole(BIT_STRING, info)?.strip_prefix(&[0])?;
    (algorithm == RSA_ENCRYPTION).then_some(key)
}

/// `SEQUENCE { INTEGER modulus, INTEGER exponent }` (RFC 8017, A.1.1).
fn integers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let key = whole(SEQUENCE, der)?;
    let (modulus, key) = element(INTEGER, key)?;
    Some((positive(modulus)?, positive(whole(INTEGER, key)?)?))
}

/// A positive number in its shortest form, without the zero that keeps its first bit from being a sign.
fn positive(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [0, number @ ..] if number.first().is_some_and(|first| *first >= 0x80) => Some(number),
        [0x01..=0x7f, ..] => Some(integer),
        _ => None,
    }
}

/// An element's content, where nothing follows it.
fn whole(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let (content, rest) = element(tag, der)?;
    rest.is_empty().then_some(content)
}

/// An element's content and what follows it. Lengths have one byte, or one or two after the byte that says so: 65,535
/// bytes are more than any key here has.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = match der.strip_prefix(&[tag])? {
        [len @ ..=0x7f, rest @ ..] => (usize::from(*len), rest),
        [0x81, len @ 0x80..=0xff, rest @ ..] => (usize::from(*len), rest),
        [0x82, high @ 0x01..=0xff, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        _ => return None,
    };
    rest.split_at_checked(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEGERS: &[u8] = b"\x30\x07\x02\x02\x00\xff\x02\x01\x03";

    #[test]
    fn der_is_read_strictly() {
        assert_eq!(integers(INTEGERS), Some((&b"\xff"[..], &b"\x03"[..])));
        for wrong in [
            &INTEGERS[..8],
            b"\x30\x07\x02\x02\x00\xff\x02\x01\x03\x00",
            b"\x30\x08\x02\x02\x00\xff\x02\x01\x03\x00",
            b"\x30\x06\x02\x01\xff\x02\x01\x03",
            b"\x30\x07\x02\x02\x00\x7f\x02\x01\x03",
            b"\x30\x81\x07\x02\x02\x00\xff\x02\x01\x03",
            b"\x30\x80\x02\x02\x00\xff\x02\x01\x03\x00\x00",
            b"\x30\x84\xff\xff\xff\xff\x02",
            b"\x30\x82\xff",
            b"\x30",
            b"",
        ] {
            assert_eq!(integers(wrong), None, "{wrong:x?}");
        }
    }

    #[test]
    fn bits_are_counted_from_the_first_that_is_set() {
        assert_eq!(bits(&[]), 0);
        assert_eq!(bits(&[1]), 1);
        assert_eq!(bits(&[0x80, 0]), 16);
        assert_eq!(bits(&[0x7f, 0]), 15);
    }

    #[test]
    fn weak_numbers_are_no_key() {
        let modulus = |bytes: usize| [&[0x80][..], &vec![0; bytes - 2], &[1]].concat();
        assert!(PublicKey::checked(&modulus(256), &[3]).is_ok());
        assert!(PublicKey::checked(&modulus(512), &[1, 0, 1]).is_ok());
        assert_eq!(PublicKey::checked(&modulus(255), &[3]).err(), Some(KeyError::RsaLength { bits: 2040 }));
        assert_eq!(PublicKey::checked(&modulus(513), &[3]).err(), Some(KeyError::RsaLength { bits: 4104 }));
        for exponent in [&[1][..], &[2], &[4], &[1, 0, 0, 0, 0, 0, 1], &[]] {
            assert_eq!(PublicKey::checked(&modulus(256), exponent).err(), Some(KeyError::NotRsa));
        }
    }

    #[test]
    fn a_pem_is_one_block() {
        let pem = |label: &str| format!("-----BEGIN {label}-----\nMAcCAgD/\r\nAgED\n-----END {label}-----\n");
        let error = |pem: &str| PublicKey::from_pem(pem.as_bytes()).err();
        assert_eq!(error(&pem("RSA PUBLIC KEY")), Some(KeyError::RsaLength { bits: 8 }));
        assert_eq!(error(&format!(" {} ", pem("RSA PUBLIC KEY"))), Some(KeyError::RsaLength { bits: 8 }));
        assert_eq!(error(&pem("PUBLIC KEY")), Some(KeyError::NotRsa));
        assert_eq!(error(&pem("PRIVATE KEY")), Some(KeyError::Private));
        assert_eq!(error(&pem("RSA PRIVATE KEY")), Some(KeyError::Private));
        assert_eq!(error(""), Some(KeyError::Empty));
        let two = pem("RSA PUBLIC KEY").repeat(2);
        for wrong in
            [&pem("CERTIFICATE"), &two, "-----BEGIN ", "-----BEGIN A-----", "a shared secret", "-----"]
        {
            assert_eq!(error(wrong), Some(KeyError::NotPem), "{wrong}");
        }
    }
}
