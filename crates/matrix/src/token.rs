//! The access token.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use ureq::http::HeaderValue;

/// Why a token is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Nothing in it.
    #[error("the access token is empty")]
    Empty,
    /// Something in it that no header can carry.
    #[error("the access token has a blank, a control character or a non-ASCII character in it")]
    Characters,
}

/// An access token: never shown, overwritten in memory when dropped.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// Takes a token as it is, without white space around it.
    ///
    /// # Errors
    /// When it could not be sent.
    pub fn new(token: &str) -> Result<Self, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Empty);
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        Ok(Self(token.into()))
    }

    /// The token itself: to be hashed or compared, never to be shown.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The value of the Authorization header, marked so that no log shows it.
    pub(crate) fn header(&self) -> HeaderValue {
        let value = HeaderValue::try_from(format!("Bearer {}", self.0.expose_secret()));
        let mut value = value.expect("checked to be ASCII that can be seen");
        value.set_sensitive(true);
        value
    }

    /// Takes the token out of a text that somebody else wrote.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        text.replace(self.0.expose_secret(), "[token]")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_a_header_can_carry() {
        assert_eq!(Token::new("").unwrap_err(), TokenError::Empty);
        for bad in ["a b", "a\n", "\u{feff}a", "ü", "a\r\nX-Injected: 1"] {
            assert_eq!(Token::new(bad).unwrap_err(), TokenError::Characters, "{bad:?}");
        }
        assert_eq!(Token::new("syt_a").unwrap().header(), "Bearer syt_a");
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::new("syt_a").unwrap();
        assert_eq!(format!("{token:?} {:?}", token.header()), "Token Sensitive");
        assert_eq!(token.hide_in("bad token syt_a."), "bad token [token].");
    }
}
