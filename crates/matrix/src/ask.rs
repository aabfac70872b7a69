//! What somebody asks who looks for the reason of a silence.

use serde::Deserialize;
use serde_json::Value;

use crate::client::{Client, OTHER_BODY, found};
use crate::path::{encode, in_room};
use crate::{EventId, Failure, FailureKind, Token};

impl Client {
    /// The id of the room that `alias` stands for at present (`GET /directory/room/{alias}`); `None` where it stands
    /// for none.
    ///
    /// # Errors
    /// As with any request; an alias that is malformed is refused.
    pub fn resolve_alias(&self, token: Option<&Token>, alias: &str) -> Result<Option<String>, Failure> {
        let path = format!("/_matrix/client/v3/directory/room/{}", encode(alias));
        let answer = self.transport.get(token, &path, OTHER_BODY)?.success();
        Ok(found(answer)?.and_then(|room: Value| Some(room["room_id"].as_str()?.to_owned())))
    }

    /// The room's whole event `m.room.create`: who made it, and of which version.
    ///
    /// # Errors
    /// As with any request.
    pub fn create_event(&self, token: &Token, room: &str) -> Result<Value, Failure> {
        let path = in_room(room, "state/m.room.create/?format=event");
        self.transport.get(Some(token), &path, OTHER_BODY)?.success()
    }

    /// Sets the room's state event of that type with an empty key.
    ///
    /// # Errors
    /// As with any request; [`FailureKind::Forbidden`](crate::FailureKind::Forbidden) without the power to.
    pub fn set_state(
        &self,
        token: &Token,
        room: &str,
        event_type: &str,
        content: &Value,
    ) -> Result<EventId, Failure> {
        #[derive(Deserialize)]
        struct Set {
            event_id: EventId,
        }
        let path = in_room(room, &format!("state/{}", encode(event_type)));
        Ok(self.transport.put(token, &path, &content.to_string(), OTHER_BODY)?.success::<Set>()?.event_id)
    }

    /// Whether `user`, whose token it is, administers the homeserver (Synapse's admin API, which answers nobody else);
    /// `None` where a homeserver does not tell.
    ///
    /// # Errors
    /// When there is no homeserver's answer.
    pub fn is_server_admin(&self, token: &Token, user: &str) -> Result<Option<bool>, Failure> {
        #[derive(Deserialize)]
        struct Admin {
            admin: bool,
        }
        let path = format!("/_synapse/admin/v1/users/{}/admin", encode(user));
        match self.transport.get(Some(token), &path, OTHER_BODY)?.success::<Admin>() {
            Ok(Admin { admin }) => Ok(Some(admin)),
            Err(failure) if failure.kind == FailureKind::Forbidden => Ok(Some(false)),
            Err(failure) if failure.status == Some(404) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
