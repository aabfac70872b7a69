//! What a request shows as its proof, read from how it is written: tags of HMACs, digests of tokens, signatures.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding as _};
use subtle::{Choice, ConstantTimeEq};

use crate::Refusal;

/// The longest tag, in bytes: HMAC-SHA512 and Ed25519.
const MAX_BYTES: usize = 64;

/// Up to 64 bytes, held in place so that verifying allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    bytes: [u8; MAX_BYTES],
    len: u8,
}

impl Tag {
    const EMPTY: Self = Self { bytes: [0; MAX_BYTES], len: 0 };

    pub(crate) fn new(raw: &[u8]) -> Option<Self> {
        let mut tag = Self { len: u8::try_from(raw.len()).ok()?, ..Self::EMPTY };
        tag.bytes.get_mut(..raw.len())?.copy_from_slice(raw);
        Some(tag)
    }

    /// Exactly `bytes` bytes in hex. Lower case only, as every sender writes it: one tag has one spelling.
    pub(crate) fn from_hex(digits: &[u8], bytes: usize) -> Option<Self> {
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        let mut tag = Self { len: u8::try_from(bytes).ok()?, ..Self::EMPTY };
        let places = tag.bytes.get_mut(..bytes).filter(|places| places.len() == pairs.len())?;
        for (byte, [high, low]) in places.iter_mut().zip(pairs) {
            *byte = value(*high, &HEX)? << 4 | value(*low, &HEX)?;
        }
        Some(tag)
    }

    /// Exactly `bytes` bytes in padded base64, without a bit left over: one tag has one spelling.
    ///
    /// What a request shows is no secret. In a time that tells nothing of it, as `base64ct` reads, this would take as
    /// long as a tenth of the HMAC of a short body.
    pub(crate) fn from_base64(encoded: &[u8], bytes: usize) -> Option<Self> {
        let (groups, []) = encoded.as_chunks::<4>() else { return None };
        let mut tag = Self { len: u8::try_from(bytes).ok()?, ..Self::EMPTY };
        let places = tag.bytes.get_mut(..bytes).filter(|places| places.len().div_ceil(3) == groups.len())?;
        for (three, group) in places.chunks_mut(3).zip(groups) {
            three.copy_from_slice(&base64_bits(group, three.len())?.to_be_bytes()[1..=three.len()]);
        }
        Some(tag)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.bytes.as_chunks().0.iter().map(|eight| u64::from_ne_bytes(*eight))
    }

    pub(crate) fn hex(&self) -> String {
        let mut hex = String::with_capacity(2 * self.as_bytes().len());
        for byte in self.as_bytes() {
            write!(hex, "{byte:02x}").expect("a String takes all");
        }
        hex
    }

    pub(crate) fn base64(&self) -> String {
        Base64::encode_string(self.as_bytes())
    }
}

impl ConstantTimeEq for Tag {
    /// All 64 bytes are looked at, however many there are; eight at a time.
    fn ct_eq(&self, other: &Self) -> Choice {
        let same_length = self.len.ct_eq(&other.len);
        self.words().zip(other.words()).fold(same_length, |same, (one, other)| same & one.ct_eq(&other))
    }
}

/// The 24 bits of four digits, of which `bytes` bytes count: what is beyond them is padding, and zero.
fn base64_bits(group: &[u8; 4], bytes: usize) -> Option<u32> {
    let (digits, padding) = group.split_at_checked(bytes + 1)?;
    let bits =
        digits.iter().try_fold(0, |bits, digit| Some(bits << 6 | u32::from(value(*digit, &BASE64)?)))?;
    let bits = padding.iter().try_fold(bits, |bits, sign| (*sign == b'=').then_some(bits << 6))?;
    bits.to_be_bytes()[1 + bytes..].iter().all(|left_over| *left_over == 0).then_some(bits)
}

static HEX: [u8; 256] = values(b"0123456789abcdef");
static BASE64: [u8; 256] = values(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/// Of a byte that is no digit.
const NONE: u8 = u8::MAX;

/// What each byte is worth as a digit. Nothing foretells the next digit of a hash: a processor that takes one branch
/// for letters and another for figures takes the wrong one every second time.
const fn values(digits: &[u8]) -> [u8; 256] {
    let mut values = [NONE; 256];
    let mut value = 0;
    while (value as usize) < digits.len() {
        values[digits[value as usize] as usize] = value;
        value += 1;
    }
    values
}

fn value(digit: u8, values: &[u8; 256]) -> Option<u8> {
    Some(values[usize::from(digit)]).filter(|value| *value != NONE)
}

/// The tags that a request claims: a sender that rotates its key sends one for each.
pub(crate) struct Tags {
    tags: [Tag; Self::MAX],
    len: usize,
}

impl Default for Tags {
    fn default() -> Self {
        Self::none()
    }
}

impl Tags {
    /// How many tags a request may claim.
    pub(crate) const MAX: usize = 8;

    pub(crate) const fn none() -> Self {
        Self { tags: [Tag::EMPTY; Self::MAX], len: 0 }
    }

    pub(crate) const fn one(tag: Tag) -> Self {
        let mut tags = Self::none();
        tags.tags[0] = tag;
        tags.len = 1;
        tags
    }

    pub(crate) fn push(&mut self, tag: Tag) -> Result<(), Refusal> {
        *self.tags.get_mut(self.len).ok_or(Refusal::TooManySignatures)? = tag;
        self.len += 1;
        Ok(())
    }

    pub(crate) fn as_slice(&self) -> &[Tag] {
        &self.tags[..self.len]
    }

    /// Whether `tag` is among them; the time this takes depends on how many they are, and on nothing else.
    pub(crate) fn contains(&self, tag: &Tag) -> Choice {
        self.as_slice().iter().fold(Choice::from(0), |found, claimed| found | claimed.ct_eq(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag(byte: u8) -> Tag {
        Tag::new(&[byte; 32]).unwrap()
    }

    #[test]
    fn tags_are_few_and_found_anywhere() {
        let mut tags = Tags::none();
        assert!(tags.as_slice().is_empty());
        assert!(!bool::from(tags.contains(&tag(0))));
        for n in 1..=8 {
            tags.push(tag(n)).unwrap();
        }
        assert_eq!(tags.push(tag(9)), Err(Refusal::TooManySignatures));
        assert!((1..=8).all(|n| tags.contains(&tag(n)).into()));
        assert!(!bool::from(tags.contains(&tag(9))));
        assert!(bool::from(Tags::one(tag(7)).contains(&tag(7))));
    }

    #[test]
    fn a_shorter_tag_is_another() {
        let zeros = Tag::new(&[0; 32]).unwrap();
        assert!(!bool::from(zeros.ct_eq(&Tag::new(&[0; 20]).unwrap())));
        assert!(!bool::from(zeros.ct_eq(&Tag::EMPTY)));
        assert_eq!(Tag::new(&[0; 65]), None);
        assert_eq!(Tag::new(&[0; 300]), None);
    }

    #[test]
    fn hex_is_read_digit_by_digit() {
        let digits = b"00ff10a9bcdef0123456789abcdef0123456789abcdef0123456789abcdef012";
        let tag = Tag::from_hex(digits, 32).unwrap();
        assert_eq!(tag.as_bytes()[..6], [0x00, 0xff, 0x10, 0xa9, 0xbc, 0xde]);
        assert_eq!(tag.as_bytes()[31], 0x12);
        assert_eq!(tag.hex().as_bytes(), digits);
    }

    #[test]
    fn what_is_no_tag_is_told_by_its_form() {
        for bytes in [20, 32, 64] {
            let digits = "ab".repeat(bytes);
            assert!(Tag::from_hex(digits.as_bytes(), bytes).is_some());
            for wrong in [
                String::new(),
                format!(" {digits}"),
                format!("{digits}00"),
                format!("{}é", &digits[2..]),
                format!("{}+1", &digits[2..]),
                digits[1..].to_owned(),
                digits[2..].to_owned(),
                digits.to_uppercase(),
                "ab".repeat(1 << 16),
            ] {
                assert_eq!(Tag::from_hex(wrong.as_bytes(), bytes), None, "{wrong:.90}");
            }
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        for bytes in [20, 32, 64] {
            let right = Base64::encode_string(&vec![1; bytes]);
            assert_eq!(Tag::from_base64(right.as_bytes(), bytes).unwrap().base64(), right);
            for wrong in [
                String::new(),
                format!("{right}="),
                format!(" {right}"),
                right.trim_end_matches('=').to_owned(),
                right.replace("AQEB", "-QEB"),
                Base64::encode_string(&vec![1; bytes - 1]),
                Base64::encode_string(&vec![1; bytes + 1]),
                "A".repeat(1 << 16),
            ] {
                assert_eq!(Tag::from_base64(wrong.as_bytes(), bytes), None, "{wrong:.90}");
            }
        }
        assert_eq!(Tag::from_base64(format!("{}F=", "A".repeat(42)).as_bytes(), 32), None);
    }

    proptest! {
        #[test]
        fn base64_is_read_as_by_others(
            raw in prop::sample::select(vec![20, 32, 64]).prop_flat_map(|n| prop::collection::vec(any::<u8>(), n)),
            at: prop::sample::Index,
            other in "[A-Za-z0-9+/=_ \\-]",
        ) {
            let (mut encoded, bytes) = (Base64::encode_string(&raw), raw.len());
            prop_assert_eq!(Tag::from_base64(encoded.as_bytes(), bytes), Tag::new(&raw));
            let at = at.index(encoded.len());
            encoded.replace_range(at..=at, &other);
            let theirs = Base64::decode_vec(&encoded).ok().filter(|raw| raw.len() == bytes);
            prop_assert_eq!(Tag::from_base64(encoded.as_bytes(), bytes), theirs.and_then(|raw| Tag::new(&raw)));
        }
    }
}
