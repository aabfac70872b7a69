//! HMAC (RFC 2104) with the key worked in.

use hmac::{Hmac, KeyInit};
use sha2::{Sha256, Sha512};

use crate::tag::Tag;

/// The hash of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Hash {
    #[cfg(feature = "sha1")]
    Sha1,
    Sha256,
    Sha512,
}

impl Hash {
    /// How long its tags are, in bytes.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            #[cfg(feature = "sha1")]
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// An HMAC under one key.
///
/// Only the two hash states that the secret leads to are kept, not the secret; they are wiped when dropped (the
/// feature `zeroize` of the hashes). They are boxed, so that moving a key leaves no copy behind. What `hmac` has
/// on the stack while it takes the secret in is out of reach.
pub(crate) enum Mac {
    #[cfg(feature = "sha1")]
    Sha1(Box<Hmac<sha1::Sha1>>),
    Sha256(Box<Hmac<Sha256>>),
    Sha512(Box<Hmac<Sha512>>),
}

impl Mac {
    pub(crate) fn new(hash: Hash, secret: &[u8]) -> Self {
        match hash {
            #[cfg(feature = "sha1")]
            Hash::Sha1 => Self::Sha1(keyed(secret)),
            Hash::Sha256 => Self::Sha256(keyed(secret)),
            Hash::Sha512 => Self::Sha512(keyed(secret)),
        }
    }

    /// Its hash.
    pub(crate) const fn hash(&self) -> Hash {
        match self {
            #[cfg(feature = "sha1")]
            Self::Sha1(_) => Hash::Sha1,
            Self::Sha256(_) => Hash::Sha256,
            Self::Sha512(_) => Hash::Sha512,
        }
    }

    /// The tag over all the pieces, one after the other.
    pub(crate) fn tag<'p>(&self, pieces: impl IntoIterator<Item = &'p [u8]>) -> Tag {
        match self {
            #[cfg(feature = "sha1")]
            Self::Sha1(mac) => finished(Hmac::clone(mac), pieces),
            Self::Sha256(mac) => finished(Hmac::clone(mac), pieces),
            Self::Sha512(mac) => finished(Hmac::clone(mac), pieces),
        }
    }
}

fn keyed<M: KeyInit>(secret: &[u8]) -> Box<M> {
    Box::new(M::new_from_slice(secret).expect("HMAC takes a key of any length"))
}

fn finished<'p>(mut mac: impl hmac::Mac, pieces: impl IntoIterator<Item = &'p [u8]>) -> Tag {
    for piece in pieces {
        mac.update(piece);
    }
    Tag::new(&mac.finalize().into_bytes()).expect("no hash is longer than a tag can be")
}

#[cfg(test)]
mod tests {
    use sha2::digest::block_api::{Buffer, CoreProxy};
    use zeroize::ZeroizeOnDrop;

    use super::*;

    /// RFC 4231 and RFC 2202, test case 2.
    #[test]
    fn a_tag_is_over_all_pieces() {
        let tag = |hash| Mac::new(hash, b"Jefe").tag([&b"what do ya "[..], b"", b"want for nothing?"]).hex();
        assert!(tag(Hash::Sha256).starts_with("5bdcc146bf60754e6a042426089575c7"));
        assert!(tag(Hash::Sha512).starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"));
        #[cfg(feature = "sha1")]
        assert_eq!(tag(Hash::Sha1), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    #[test]
    fn a_tag_is_as_long_as_its_hash() {
        for hash in [Hash::Sha256, Hash::Sha512] {
            let mac = Mac::new(hash, b"Jefe");
            assert_eq!(mac.hash(), hash);
            assert_eq!(mac.tag([]).hex().len(), 2 * hash.bytes());
        }
    }

    /// Everything an `Hmac` is made of; this does not compile without the feature.
    #[test]
    fn what_a_key_leads_to_is_wiped() {
        fn is_wiped<T: ZeroizeOnDrop>() {}
        is_wiped::<<Sha256 as CoreProxy>::Core>();
        is_wiped::<Buffer<<Hmac<Sha256> as CoreProxy>::Core>>();
        is_wiped::<<Sha512 as CoreProxy>::Core>();
        is_wiped::<Buffer<<Hmac<Sha512> as CoreProxy>::Core>>();
        #[cfg(feature = "sha1")]
        is_wiped::<<sha1::Sha1 as CoreProxy>::Core>();
        #[cfg(feature = "sha1")]
        is_wiped::<Buffer<<Hmac<sha1::Sha1> as CoreProxy>::Core>>();
    }
}
