//! Who asks: the one that has our `hs_token`, or a stranger.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use meshhook_appservice::{Received, Registration};

/// What a request shows. It is looked for in one header alone: in a path it would be in every proxy's log.
///
/// In a time that does not tell how much of a token is right.
pub(crate) fn shown(headers: &HeaderMap, registration: &Registration) -> Received {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    match (lines.next().map(|line| bearer(line.as_bytes())), lines.next()) {
        (Some(Some(token)), None) if registration.is_hs_token(token) => Received::RightToken,
        (Some(Some(_)), None) => Received::WrongToken,
        (None | Some(None), None) => Received::NoToken,
        // Which of several is meant nobody can say.
        (_, Some(_)) => Received::WrongToken,
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
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, line.parse().unwrap());
        }
        shown(&headers, &registration)
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
