//! What was there before: a token that works, and as whom a gateway sends.

use meshhook_config::{Account, read_token};
use meshhook_matrix::{Client, FailureKind, Token, Whoami};
use secrecy::ExposeSecret;
use ureq::http::Request;

use super::refusal;
use crate::failure::Failure;
use crate::http;
use crate::output::Output;

/// Whose token is there, if one is there that works.
pub(super) struct Before(Option<Whoami>);

impl Before {
    pub(super) fn look(client: &Client, account: &Account) -> Result<Self, Failure> {
        // A file that is not there yet, or not to be read, is no fault of who is about to write it.
        let Ok(token) = token_of(account) else { return Ok(Self(None)) };
        match client.whoami(&token) {
            Ok(me) => Ok(Self(Some(me))),
            Err(failure) if matches!(failure.kind, FailureKind::Unauthorized { .. }) => Ok(Self(None)),
            Err(failure) => Err(refusal::of_any(&failure)),
        }
    }

    pub(super) fn user(&self) -> Option<&str> {
        Some(&self.0.as_ref()?.user_id)
    }

    /// The device of the token that is there, if it is that user's.
    pub(super) fn device_of(&self, user: &str) -> Option<&str> {
        let me = self.0.as_ref().filter(|me| me.user_id == user || local_part(&me.user_id) == Some(user))?;
        me.device_id.as_deref()
    }

    /// Says what follows where a gateway has sent as somebody else.
    pub(super) fn warn_of_another(&self, admin_url: &str, user: &str, device: &str, output: &Output<'_>) {
        let here = || self.0.as_ref().map(|me| (me.user_id.clone(), me.device_id.clone()));
        let Some((sends_as, sends_on)) = sending(admin_url).or_else(here) else { return };
        let on = sends_on.as_deref().unwrap_or("no device");
        if sends_as != user {
            output.note(&format!(
                "warning: the gateway has sent as {sends_as} so far. It starts as {user} once nothing of the other \
                 can be under way; what it cannot find in the room then is \"uncertain\": meshhook deliveries list \
                 --status uncertain"
            ));
        } else if on != device {
            output.note(&format!(
                "warning: the gateway has sent on the device {on} so far, whose transaction ids {device} does not \
                 have. It waits until nothing can be under way there, and looks into the room before it repeats a \
                 message"
            ));
        }
    }
}

fn local_part(user_id: &str) -> Option<&str> {
    user_id.strip_prefix('@')?.split(':').next()
}

/// The token that is there.
pub(super) fn token_of(account: &Account) -> Result<Token, Failure> {
    let secret = read_token(&account.access_token_file)?;
    Ok(Token::new(secret.expose_secret()).expect("read_token takes nothing but visible ASCII"))
}

/// As whom a gateway that runs sends.
fn sending(admin_url: &str) -> Option<(String, Option<String>)> {
    let address = http::address(admin_url).ok()?;
    let request = Request::get(format!("{address}/readyz")).body(()).ok()?;
    let answer = http::run(&http::agent(), request).ok()?;
    let sending = &answer.json["sending"];
    Some((sending["user"].as_str()?.to_owned(), sending["device"].as_str().map(ToOwned::to_owned)))
}
