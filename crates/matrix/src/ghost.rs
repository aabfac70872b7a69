//! What an application service does for the users of its namespace.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{Client, OTHER_BODY, found};
use crate::path::{encode, in_room};
use crate::transport::Post;
use crate::{Failure, FailureKind, Token};

/// What there is after it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was not there before.
    New,
    /// It was there already.
    Known,
}

impl Client {
    /// Registers a user of the application service's namespace by its local part, without a device or a token of its
    /// own (`POST /register`, `m.login.application_service`).
    ///
    /// # Errors
    /// [`FailureKind::Refused`] with `M_EXCLUSIVE` for a name that is not the service's, with `M_INVALID_USERNAME` for
    /// one that no user can have.
    pub fn register(&self, token: &Token, localpart: &str) -> Result<Made, Failure> {
        let body = json!({
            "type": "m.login.application_service", "username": localpart, "inhibit_login": true,
        });
        let path = "/_matrix/client/v3/register";
        match self.post(token, path, &body)?.success::<Value>() {
            Ok(_) => Ok(Made::New),
            Err(failure) if failure.errcode.as_deref() == Some("M_USER_IN_USE") => Ok(Made::Known),
            Err(failure) => Err(failure),
        }
    }

    /// Makes a device of the user that the token speaks as, or names it anew (`PUT /devices/{deviceId}`, for
    /// application services since v1.17). A device that the token itself speaks as is left away: it is not there yet.
    ///
    /// # Errors
    /// As with any request; see [`Failure::is_of_the_user`].
    pub fn make_device(&self, token: &Token, device_id: &str, display_name: &str) -> Result<Made, Failure> {
        let path = format!("/_matrix/client/v3/devices/{}", encode(device_id));
        let body = json!({ "display_name": display_name }).to_string();
        let answer = self.transport.put(&token.without_device(), &path, &body, OTHER_BODY)?;
        let made = if answer.status == 201 { Made::New } else { Made::Known };
        answer.success_of::<Value>(&[200, 201]).map(|_| made)
    }

    /// The name that a user is shown by; `None` where it has none, or there is no such user.
    ///
    /// # Errors
    /// As with any request.
    pub fn display_name(&self, token: &Token, user: &str) -> Result<Option<String>, Failure> {
        let profile = found(self.transport.get(Some(token), &name_of(user), OTHER_BODY)?.success())?;
        Ok(profile.and_then(|profile| Some(profile["displayname"].as_str()?.to_owned())))
    }

    /// Names the user whose token it is, in each room that it is in as well: so best before it is in any.
    ///
    /// # Errors
    /// As with any request.
    pub fn set_display_name(&self, token: &Token, user: &str, name: &str) -> Result<(), Failure> {
        let body = json!({ "displayname": name }).to_string();
        self.transport.put(token, &name_of(user), &body, OTHER_BODY)?.success::<Value>().map(|_| ())
    }

    /// Invites a user into a room; for one who is in it already it is no error.
    ///
    /// # Errors
    /// [`FailureKind::Forbidden`] without the power to, or of one who is banned.
    pub fn invite(&self, token: &Token, room: &str, user: &str) -> Result<(), Failure> {
        let answer = self.post(token, &in_room(room, "invite"), &json!({ "user_id": user }))?;
        match answer.success::<Value>() {
            // It is the same one for whom nobody may invite and for whom nobody needs to.
            Err(failure) if failure.kind == FailureKind::Forbidden && self.is_in(token, room, user) => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    /// Whether `user` is in the room, as far as whose token it is can see.
    fn is_in(&self, token: &Token, room: &str, user: &str) -> bool {
        let path = in_room(room, &format!("state/m.room.member/{}", encode(user)));
        let member = self.transport.get(Some(token), &path, OTHER_BODY).and_then(Answer::success::<Value>);
        member.is_ok_and(|member| member["membership"] == "join")
    }

    /// Leaves a room, or declines the invite to one; for who has left it already it is no error.
    ///
    /// # Errors
    /// As with any request; Synapse answers 404 for a room that the user never had to do with.
    pub fn leave(&self, token: &Token, room: &str) -> Result<(), Failure> {
        self.post(token, &in_room(room, "leave"), &json!({}))?.success::<Value>().map(|_| ())
    }

    fn post(&self, token: &Token, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.transport.post(Some(token), path, &body.to_string(), Post::PLAIN)
    }
}

fn name_of(user: &str) -> String {
    format!("/_matrix/client/v3/profile/{}/displayname", encode(user))
}
