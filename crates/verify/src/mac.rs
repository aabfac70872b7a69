//! HMAC-SHA256 with the key worked in (RFC 2104), and the tags that senders claim.

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::Refusal;

/// An HMAC-SHA256.
pub(crate) type Tag = [u8; 32];

/// HMAC-SHA256 under one key.
///
/// Only the two hash states that the secret leads to are kept, not the secret; they are wiped when dropped (the
/// feature `zeroize` of sha2). They are boxed, so that moving a key leaves no copy behind. What `hmac` has on
/// the stack while it takes the secret in is out of reach.
pub(crate) struct Mac(Box<Hmac<Sha256>>);

impl Mac {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(Box::new(Hmac::new_from_slice(secret).expect("HMAC takes a key of any length")))
    }

    /// The tag over all the pieces, one after the other.
    pub(crate) fn tag<'p>(&self, pieces: impl IntoIterator<Item = &'p [u8]>) -> Tag {
        let mut mac = Hmac::clone(&self.0);
        for piece in pieces {
            mac.update(piece);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The tags that a request claims: a sender that rotates its key sends one for each.
pub(crate) struct Tags {
    tags: [Tag; Self::MAX],
    len: usize,
}

impl Tags {
    /// How many tags a request may claim.
    pub(crate) const MAX: usize = 8;

    pub(crate) const fn new() -> Self {
        Self { tags: [[0; 32]; Self::MAX], len: 0 }
    }

    pub(crate) fn push(&mut self, tag: Tag) -> Result<(), Refusal> {
        *self.tags.get_mut(self.len).ok_or(Refusal::TooManySignatures)? = tag;
        self.len += 1;
        Ok(())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether `tag` is among them; the time this takes depends on how many they are, and on nothing else.
    pub(crate) fn contains(&self, tag: &Tag) -> Choice {
        self.tags[..self.len].iter().fold(Choice::from(0), |found, claimed| found | claimed.ct_eq(tag))
    }
}

#[cfg(test)]
mod tests {
    use sha2::digest::block_api::{Buffer, CoreProxy};
    use zeroize::ZeroizeOnDrop;

    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn a_tag_is_over_all_pieces() {
        let tag = Mac::new(b"Jefe").tag([&b"what do ya "[..], b"", b"want for nothing?"]);
        assert_eq!(tag[..8], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]);
        assert_eq!(tag[24..], [0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43]);
    }

    #[test]
    fn tags_are_few_and_found_anywhere() {
        let mut tags = Tags::new();
        assert!(tags.is_empty());
        assert!(!bool::from(tags.contains(&[0; 32])));
        for n in 1..=8 {
            tags.push([n; 32]).unwrap();
        }
        assert_eq!(tags.push([9; 32]), Err(Refusal::TooManySignatures));
        assert!((1..=8).all(|n| tags.contains(&[n; 32]).into()));
        assert!(!bool::from(tags.contains(&[9; 32])));
    }

    /// Everything an `Hmac<Sha256>` is made of; this does not compile without the feature.
    #[test]
    fn what_a_key_leads_to_is_wiped() {
        fn is_wiped<T: ZeroizeOnDrop>() {}
        is_wiped::<<Sha256 as CoreProxy>::Core>();
        is_wiped::<Buffer<<Hmac<Sha256> as CoreProxy>::Core>>();
    }
}
