//! `Authorization: Basic <base64 of user:password>` (RFC 7617): the password is the secret, whatever the user's name.
//!
//! Of the bearer class: neither the body nor a time is proved. What senders have that know nothing but a URL with user
//! and password in it: Jenkins, Azure DevOps, TeamCity, Buildbot.

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use super::token::MAX_TOKEN;
use super::{Claim, Kinds, Needs, Rules, SignedHeaders};
use crate::key::{self, Key};
use crate::lock::{Lock, TokenDigest, token_tag};
use crate::sign::Draft;
use crate::tag::Tag;
use crate::{Headers, KeyError, Refusal, SignError, headers};

const AUTHORIZATION: &str = "Authorization";
const PREFIX: &str = "Basic ";
/// User, colon and password, once decoded, in bytes.
const MAX_CREDENTIALS: usize = MAX_TOKEN + 512;
/// Whom [`sign`](crate::sign) names as the user.
const USER: &str = "meshhook";

pub(super) struct Basic;

impl Rules for Basic {
    fn name(&self) -> &'static str {
        "basic"
    }

    fn needs(&self) -> Needs {
        Needs::Begins(&[AUTHORIZATION], PREFIX)
    }

    fn proves_body(&self) -> bool {
        false
    }

    fn lock(&self, secret: &[u8]) -> Result<Lock, KeyError> {
        let password = key::text(secret)?.as_bytes();
        if is_password(password) {
            Ok(Lock::Token(TokenDigest::new(password)))
        } else {
            Err(KeyError::NotAPassword)
        }
    }

    fn claim<'h>(&self, headers: &'h dyn Headers, _: Kinds) -> Result<Claim<'h>, Refusal> {
        let value = headers::only(headers, AUTHORIZATION)?;
        let tag = value.strip_prefix(PREFIX.as_bytes()).and_then(password_tag);
        tag.map(Claim::over_body).ok_or(Refusal::TokenMalformed)
    }

    fn sign(&self, key: &Key, _: &Draft<'_>) -> Result<SignedHeaders, SignError> {
        let credentials = Zeroizing::new(format!("{USER}:{}", key.token()?));
        Ok(vec![(AUTHORIZATION, format!("{PREFIX}{}", Base64::encode_string(credentials.as_bytes())))])
    }
}

/// Of padded base64, without a bit left over; a user's name has no colon, a password may have.
fn password_tag(encoded: &[u8]) -> Option<Tag> {
    let mut buffer = Zeroizing::new([0; MAX_CREDENTIALS]);
    let credentials = Base64::decode(encoded, buffer.as_mut_slice()).ok()?;
    let colon = credentials.iter().position(|b| *b == b':')?;
    let password = &credentials[colon + 1..];
    is_password(password).then(|| token_tag(password))
}

fn is_password(password: &[u8]) -> bool {
    (1..=MAX_TOKEN).contains(&password.len()) && !password.iter().any(u8::is_ascii_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(credentials: &str) -> Option<String> {
        password_tag(Base64::encode_string(credentials.as_bytes()).as_bytes()).map(|tag| tag.hex())
    }

    #[test]
    fn the_password_is_all_after_the_first_colon() {
        let tag = |password: &str| Some(token_tag(password.as_bytes()).hex());
        assert_eq!(of("user:secret"), tag("secret"));
        assert_eq!(of(":secret"), tag("secret"));
        assert_eq!(of("user:se:cret"), tag("se:cret"));
        assert_eq!(of(&format!("{}:secret", "u".repeat(1529))), tag("secret"));
    }

    #[test]
    fn what_is_no_password_is_told_by_its_form() {
        for credentials in ["", "user", "user:", "user:a\nb", &format!("u:{}", "x".repeat(1025))] {
            assert_eq!(of(credentials), None, "{credentials}");
        }
        for encoded in ["", "dXNlcjpzZWNyZXQ", "dXNlcjpzZWNyZXR=", "dXNlcjpzZWNyZXQ= ", "user:secret"] {
            assert!(password_tag(encoded.as_bytes()).is_none(), "{encoded}");
        }
        assert!(password_tag(&[b'A'; 1 << 16]).is_none());
    }
}
