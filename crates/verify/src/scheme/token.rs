//! The bearer class: the secret itself is sent, in one line, so that who has seen one request can send any other. Neither
//! the body nor a time is proved.

use super::{Claim, Kinds, Needs, Rules, SignedHeaders};
use crate::key::{self, Key};
use crate::lock::{Lock, TokenDigest, token_tag};
use crate::sign::Draft;
use crate::{Headers, KeyError, Refusal, SignError, headers};

/// The longest token, in characters.
pub(super) const MAX_TOKEN: usize = 1024;
/// The shortest that is all there is in a URL.
const MIN_SEGMENT: usize = 32;

/// `Authorization: Bearer <token>` (RFC 6750, section 2.1), the word written just so: what senders are set up with.
pub(super) static BEARER: TokenLine = TokenLine {
    name: "bearer",
    needs: Needs::Begins(&["Authorization"], "Bearer "),
    prefix: "Bearer ",
    check: check_token,
};

/// `X-Gitlab-Token: <token>`. Source: GitLab documentation, "Webhooks", "Create a webhook": the secret token.
pub(super) static GITLAB: TokenLine = TokenLine {
    name: "gitlab-token",
    needs: Needs::All(&["X-Gitlab-Token"]),
    prefix: "",
    check: check_token,
};

/// `X-Buildkite-Token: <token>`. Source: Buildkite documentation, "Webhooks", "HTTP headers".
pub(super) static BUILDKITE: TokenLine = TokenLine {
    name: "buildkite-token",
    needs: Needs::All(&["X-Buildkite-Token"]),
    prefix: "",
    check: check_token,
};

/// The last segment of the path, for senders that can set no header. A name with a colon is none that a client can send
/// (RFC 9110, section 5.1).
pub(super) static PATH: TokenLine =
    TokenLine { name: "path-token", needs: Needs::All(&[":path-token"]), prefix: "", check: check_segment };

/// A line that carries a token.
pub(super) struct TokenLine {
    name: &'static str,
    needs: Needs,
    prefix: &'static str,
    /// Why a secret is no such token.
    check: fn(&str) -> Result<(), KeyError>,
}

impl TokenLine {
    const fn header(&self) -> &'static str {
        self.needs.names()[0]
    }
}

impl Rules for TokenLine {
    fn name(&self) -> &'static str {
        self.name
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn proves_body(&self) -> bool {
        false
    }

    fn lock(&self, secret: &[u8]) -> Result<Lock, KeyError> {
        let token = key::text(secret)?;
        (self.check)(token)?;
        Ok(Lock::Token(TokenDigest::new(token.as_bytes())))
    }

    fn claim<'h>(&self, headers: &'h dyn Headers, _: Kinds) -> Result<Claim<'h>, Refusal> {
        let value = headers::only(headers, self.header())?;
        let token = value.strip_prefix(self.prefix.as_bytes()).filter(|token| is_token(token));
        let token = token.ok_or(Refusal::TokenMalformed)?;
        Ok(Claim::over_body(token_tag(token)))
    }

    fn sign(&self, key: &Key, _: &Draft<'_>) -> Result<SignedHeaders, SignError> {
        Ok(vec![(self.header(), format!("{}{}", self.prefix, key.token()?))])
    }
}

fn is_token(token: &[u8]) -> bool {
    (1..=MAX_TOKEN).contains(&token.len()) && token.iter().all(u8::is_ascii_graphic)
}

fn check_token(token: &str) -> Result<(), KeyError> {
    if is_token(token.as_bytes()) { Ok(()) } else { Err(KeyError::NotAToken) }
}

/// Of the characters that nobody escapes in a URL (RFC 3986, section 2.3).
fn check_segment(token: &str) -> Result<(), KeyError> {
    let is_unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if !token.bytes().all(is_unreserved) || token.len() > MAX_TOKEN {
        return Err(KeyError::NotASegment);
    }
    if token.len() < MIN_SEGMENT {
        return Err(KeyError::TooShort { characters: token.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_visible_and_bounded() {
        let longest = "x".repeat(1024);
        for token in ["x", "glpat-AbC_123", "a=b+c/d==", &longest] {
            assert_eq!(check_token(token), Ok(()), "{token}");
        }
        for token in ["a b", " a", "a\n", "é", &"x".repeat(1025)] {
            assert_eq!(check_token(token), Err(KeyError::NotAToken), "{token}");
        }
    }

    #[test]
    fn a_segment_is_long_and_never_escaped() {
        assert_eq!(check_segment(&"aZ09-._~".repeat(4)), Ok(()));
        assert_eq!(check_segment(&"x".repeat(31)), Err(KeyError::TooShort { characters: 31 }));
        for token in [&"x%2F".repeat(8), &"a/b+".repeat(8), &"x".repeat(1025), "too short and blank"] {
            assert_eq!(check_segment(token), Err(KeyError::NotASegment), "{token}");
        }
    }
}
