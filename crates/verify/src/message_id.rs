//! The id that a sender gave its message.

use std::fmt;

const MAX_BYTES: usize = 128;

/// 1 to 128 of `A-Z a-z 0-9 _ -`, held in place so that verifying allocates nothing.
#[derive(Clone, Copy)]
pub(crate) struct MessageId {
    bytes: [u8; MAX_BYTES],
    len: usize,
}

impl MessageId {
    pub(crate) fn new(raw: &[u8]) -> Option<Self> {
        if raw.is_empty() || !raw.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            return None;
        }
        let mut bytes = [0; MAX_BYTES];
        bytes.get_mut(..raw.len())?.copy_from_slice(raw);
        Some(Self { bytes, len: raw.len() })
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("only ASCII gets in")
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_field_are_taken_as_they_are() {
        let longest = "x".repeat(128);
        for id in ["msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "0b6c2c0e-8f0a-4d4e-9d2b-2f6f1b1f7f3a", "-", &longest] {
            assert_eq!(MessageId::new(id.as_bytes()).unwrap().as_str(), id);
        }
    }

    #[test]
    fn all_else_is_malformed() {
        for id in ["", "a.b", "a b", "a\0", "a\n", "é", "a/b", "a:b", "a,b", &"x".repeat(129)] {
            assert!(MessageId::new(id.as_bytes()).is_none(), "{id}");
        }
        assert!(MessageId::new(&[0xff]).is_none());
        assert!(MessageId::new(&[b'x'; 1 << 20]).is_none());
    }
}
