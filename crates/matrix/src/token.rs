//! The access token.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use ureq::http::HeaderValue;

use crate::path::encode;

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
///
/// An application service's may carry whom it speaks as ([`Self::speaking_as`]); then every request made with it does.
#[derive(Clone)]
pub struct Token {
    secret: SecretString,
    speaker: Option<Arc<Speaker>>,
}

/// Whom an application service speaks as. A device is nobody's without a user: asked for the device alone, Synapse
/// 1.163 answers 500.
struct Speaker {
    user_id: Box<str>,
    device_id: Option<Box<str>>,
}

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
        Ok(Self { secret: token.into(), speaker: None })
    }

    /// The same token of an application service, speaking as one of its users, and as that user's device where one is
    /// given (Application Service API, "Identity assertion"). Only with a device does Synapse know a transaction id
    /// after a restart; it has to be made first ([`Client::make_device`](crate::Client::make_device)).
    #[must_use]
    pub fn speaking_as(&self, user_id: &str, device_id: Option<&str>) -> Self {
        let speaker = Speaker { user_id: user_id.into(), device_id: device_id.map(Into::into) };
        Self { secret: self.secret.clone(), speaker: Some(Arc::new(speaker)) }
    }

    /// The same, without a device: for what makes it.
    pub(crate) fn without_device(&self) -> Self {
        match &self.speaker {
            Some(speaker) => self.speaking_as(&speaker.user_id, None),
            None => self.clone(),
        }
    }

    /// `path` with what a request carries of the speaker, in its query.
    pub(crate) fn speaks(&self, path: &str) -> String {
        let Some(Speaker { user_id, device_id }) = self.speaker.as_deref() else { return path.to_owned() };
        let joint = if path.contains('?') { '&' } else { '?' };
        let device = device_id.as_deref().map(|id| format!("&device_id={}", encode(id))).unwrap_or_default();
        format!("{path}{joint}user_id={}{device}", encode(user_id))
    }

    /// The token itself: to be hashed or compared, never to be shown.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }

    /// The value of the Authorization header, marked so that no log shows it.
    pub(crate) fn header(&self) -> HeaderValue {
        let value = HeaderValue::try_from(format!("Bearer {}", self.secret.expose_secret()));
        let mut value = value.expect("checked to be ASCII that can be seen");
        value.set_sensitive(true);
        value
    }

    /// Takes the token out of a text that somebody else wrote.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        text.replace(self.secret.expose_secret(), "[token]")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.speaker.as_deref() {
            None => f.write_str("Token"),
            Some(Speaker { user_id, device_id }) => f
                .debug_struct("Token")
                .field("user_id", user_id)
                .field("device_id", device_id)
                .finish_non_exhaustive(),
        }
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

    #[test]
    fn a_speaker_is_in_the_query_and_the_token_in_nothing() {
        let token = Token::new("as_secret").unwrap();
        assert_eq!(token.speaks("/a?b=c"), "/a?b=c");
        let ghost = token.speaking_as("@bot_mac=20mini/1:h", None);
        assert_eq!(ghost.speaks("/a"), "/a?user_id=%40bot_mac%3D20mini%2F1%3Ah");
        let device = ghost.speaking_as("@x:h", Some("D&E"));
        assert_eq!(device.speaks("/a?b=c"), "/a?b=c&user_id=%40x%3Ah&device_id=D%26E");
        assert_eq!(device.without_device().speaks("/a"), "/a?user_id=%40x%3Ah");
        assert_eq!(device.header(), "Bearer as_secret");
        assert_eq!(format!("{device:?}"), r#"Token { user_id: "@x:h", device_id: Some("D&E"), .. }"#);
    }
}
