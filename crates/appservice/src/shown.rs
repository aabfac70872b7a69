//! Who asks: the one that has our `hs_token`, or a stranger.

use crate::{Received, Registration};

impl Registration {
    /// What a request shows in its Authorization headers. It is looked for there alone: in a path it would be in every
    /// proxy's log.
    ///
    /// In a time that does not tell how much of a token is right.
    #[must_use]
    pub fn received<'l>(&self, lines: impl IntoIterator<Item = &'l [u8]>) -> Received {
        let mut lines = lines.into_iter();
        match (lines.next().map(bearer), lines.next()) {
            (Some(Some(token)), None) if self.is_hs_token(token) => Received::RightToken,
            (Some(Some(_)), None) => Received::WrongToken,
            (None | Some(None), None) => Received::NoToken,
            // Which of several is meant nobody can say.
            (_, Some(_)) => Received::WrongToken,
        }
    }
}

/// A bearer's token (RFC 6750, section 2.1).
fn bearer(line: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = line.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Received {
        let text = "{\"id\":\"meshhook\",\"url\":\"http://127.0.0.1:1\",\"as_token\":\"as-0123456789abcdef\",\
                    \"hs_token\":\"hs-0123456789abcdef\",\"sender_localpart\":\"buildbot\",\"rate_limited\":false,\
                    \"namespaces\":{\"users\":[{\"exclusive\":true,\"regex\":\"@buildbot(_.*)?:x\"}]}}";
        let (registration, _) = Registration::read(text).usable().expect("a registration");
        registration.received(lines.iter().map(|line| line.as_bytes()))
    }

    #[test]
    fn one_right_token_in_one_header_is_right() {
        assert_eq!(of(&["Bearer hs-0123456789abcdef"]), Received::RightToken);
        assert_eq!(of(&["bearer hs-0123456789abcdef"]), Received::RightToken);
        for line in [
            "Bearer ",
            "Bearer hs-0123456789abcde",
            "Bearer hs-0123456789abcdef0",
            "Bearer  hs-0123456789abcdef",
            "Bearer as-0123456789abcdef",
        ] {
            assert_eq!(of(&[line]), Received::WrongToken, "{line}");
        }
        for lines in [&[][..], &[""], &["Basic x"], &["hs-0123456789abcdef"]] {
            assert_eq!(of(lines), Received::NoToken, "{lines:?}");
        }
        let right = "Bearer hs-0123456789abcdef";
        for lines in [&[right, right][..], &[right, "Bearer x"], &["Basic x", right]] {
            assert_eq!(of(lines), Received::WrongToken, "{lines:?}");
        }
    }
}
