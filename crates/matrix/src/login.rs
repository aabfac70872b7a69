//! How a bot comes to its token and into its room.

use std::fmt;

use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::OTHER_BODY;
use crate::path::in_room;
use crate::transport::Post;
use crate::{Client, Failure, Token};

const LOGIN: &str = "/_matrix/client/v3/login";

/// A login by password (Client-Server API, "Login", `m.login.password`).
#[derive(Clone, Copy)]
pub struct PasswordLogin<'l> {
    /// The user's full id, or its local part.
    pub user: &'l str,
    /// The password.
    pub password: &'l str,
    /// The device that the token is to be for. Transaction ids belong to a device: one that is kept keeps them. Its former
    /// tokens may end by that ([`LoggedIn::token`]).
    pub device_id: &'l str,
    /// What a device that is made anew is called.
    pub display_name: &'l str,
}

impl fmt::Debug for PasswordLogin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordLogin")
            .field("user", &self.user)
            .field("device_id", &self.device_id)
            .finish_non_exhaustive()
    }
}

/// What a login leads to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoggedIn {
    /// The user's full id.
    pub user_id: String,
    /// The token's device.
    pub device_id: String,
    /// The token. Where the device was known, a homeserver may have ended the tokens that it had before (Client-Server API,
    /// "Relationship between access tokens and devices"); Synapse leaves them as good as they were.
    pub token: Token,
}

#[derive(Serialize)]
struct Body<'l> {
    r#type: &'static str,
    identifier: Identifier<'l>,
    password: &'l str,
    device_id: &'l str,
    initial_device_display_name: &'l str,
}

#[derive(Serialize)]
struct Identifier<'l> {
    r#type: &'static str,
    user: &'l str,
}

impl<'l> From<PasswordLogin<'l>> for Body<'l> {
    fn from(login: PasswordLogin<'l>) -> Self {
        Self {
            r#type: "m.login.password",
            identifier: Identifier { r#type: "m.id.user", user: login.user },
            password: login.password,
            device_id: login.device_id,
            initial_device_display_name: login.display_name,
        }
    }
}

impl Client {
    /// The ways to log in that the homeserver has (`GET /login`), such as `m.login.password` and `m.login.sso`.
    ///
    /// # Errors
    /// When there is no homeserver's answer.
    pub fn login_flows(&self) -> Result<Vec<String>, Failure> {
        #[derive(Deserialize)]
        struct Flows {
            flows: Vec<Flow>,
        }
        #[derive(Deserialize)]
        struct Flow {
            r#type: String,
        }
        let answer = self.transport.get(None, LOGIN, OTHER_BODY)?;
        Ok(answer.success::<Flows>()?.flows.into_iter().map(|flow| flow.r#type).collect())
    }

    /// Logs in by password (`POST /login`). No refresh token is asked for, so the token lasts until it is logged out.
    ///
    /// # Errors
    /// [`FailureKind::Forbidden`](crate::FailureKind::Forbidden) for a wrong user name or password.
    pub fn login(&self, login: PasswordLogin<'_>) -> Result<LoggedIn, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            user_id: String,
            device_id: String,
            access_token: String,
        }
        let body = serde_json::to_string(&Body::from(login)).map(Zeroizing::new);
        let body = body.map_err(|_| Failure::no_answer("the login cannot be written as JSON"))?;
        let answer =
            self.transport.post(None, LOGIN, &body, Post { secret: login.password, ..Post::PLAIN })?;
        let Answer { user_id, device_id, access_token } = answer.success()?;
        let token = Token::new(&access_token)
            .map_err(|_| Failure::no_answer("the homeserver gave a token that no header can carry"))?;
        Ok(LoggedIn { user_id, device_id, token })
    }

    /// Joins a room by its id (`POST /rooms/{roomId}/join`); for who is in it already it is no error.
    ///
    /// # Errors
    /// [`FailureKind::Forbidden`](crate::FailureKind::Forbidden) without an invite, where one is needed.
    pub fn join(&self, token: &Token, room: &str) -> Result<(), Failure> {
        let answer = self.transport.post(Some(token), &in_room(room, "join"), "{}", Post::PLAIN)?;
        answer.success::<Value>().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_shown_without_its_password() {
        let login = PasswordLogin { user: "bot", password: "hunter2", device_id: "D", display_name: "d" };
        assert!(!format!("{login:?}").contains("hunter2"));
    }
}
