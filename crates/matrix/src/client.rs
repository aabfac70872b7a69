//! The requests of a sender.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::path::{encode, in_room};
use crate::transport::Transport;
use crate::{Failure, Options, OptionsError, PresentedCertificate, Token};

/// The answer to a send is one short field.
const SEND_BODY: u64 = 64 << 10;
/// State, events (at most 64 KiB) and lists of rooms.
pub(crate) const OTHER_BODY: u64 = 1 << 20;

/// A homeserver, asked by blocking calls; share one among threads.
pub struct Client {
    pub(crate) transport: Transport,
}

/// The id of an event: `$` and something opaque.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct EventId(Box<str>);

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Whoami {
    /// The user's full id.
    pub user_id: String,
    /// The device that the token belongs to; an application service's own has none.
    pub device_id: Option<String>,
}

/// The specification's form: `$` and more, at most 255 bytes.
impl TryFrom<String> for EventId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, &'static str> {
        let well_formed = id.starts_with('$') && id.len() > 1 && id.len() <= 255;
        if well_formed { Ok(Self(id.into())) } else { Err("not the id of an event") }
    }
}

impl EventId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("homeserver", &self.transport.address()).finish_non_exhaustive()
    }
}

impl Client {
    /// Checks the options; nothing goes over the network.
    ///
    /// # Errors
    /// The first option that cannot be used.
    pub fn new(options: Options) -> Result<Self, OptionsError> {
        Ok(Self { transport: Transport::new(&options)? })
    }

    /// The certificate that the server presents, and whether it is believed; `None` over http. Nothing is sent to the
    /// server: the handshake ends with its certificate.
    ///
    /// # Errors
    /// When there is no connection, or no certificate that can be read.
    pub fn certificate(&self) -> Result<Option<PresentedCertificate>, Failure> {
        self.transport.certificate()
    }

    /// The versions of the specification that the homeserver speaks (`GET /versions`).
    ///
    /// # Errors
    /// When there is no homeserver's answer.
    pub fn versions(&self) -> Result<Vec<String>, Failure> {
        #[derive(Deserialize)]
        struct Versions {
            versions: Vec<String>,
        }
        let answer = self.transport.get(None, "/_matrix/client/versions", OTHER_BODY)?;
        Ok(answer.success::<Versions>()?.versions)
    }

    /// The homeserver's clock, in seconds since the epoch (`Date` of `GET /versions`; RFC 9110, 6.6.1); `None` where it
    /// sends none.
    ///
    /// # Errors
    /// When there is no homeserver's answer.
    pub fn server_time(&self) -> Result<Option<i64>, Failure> {
        let answer = self.transport.get(None, "/_matrix/client/versions", OTHER_BODY)?;
        let time = answer.server_time();
        answer.success::<Value>()?;
        Ok(time)
    }

    /// Whose token it is (`GET /account/whoami`).
    ///
    /// # Errors
    /// [`FailureKind::Unauthorized`](crate::FailureKind::Unauthorized) for a token that is good no more.
    pub fn whoami(&self, token: &Token) -> Result<Whoami, Failure> {
        self.get(token, "/_matrix/client/v3/account/whoami")
    }

    /// The ids of the rooms that the user is in (`GET /joined_rooms`).
    ///
    /// # Errors
    /// As with any request.
    pub fn joined_rooms(&self, token: &Token) -> Result<Vec<String>, Failure> {
        #[derive(Deserialize)]
        struct JoinedRooms {
            joined_rooms: Vec<String>,
        }
        Ok(self.get::<JoinedRooms>(token, "/_matrix/client/v3/joined_rooms")?.joined_rooms)
    }

    /// The content of the room's state event of that type with an empty key; `None` when there is none.
    ///
    /// # Errors
    /// [`FailureKind::Forbidden`](crate::FailureKind::Forbidden) when the user may not look.
    pub fn state(&self, token: &Token, room: &str, event_type: &str) -> Result<Option<Value>, Failure> {
        found(self.get(token, &in_room(room, &format!("state/{}", encode(event_type)))))
    }

    /// An event; `None` when there is none of that id that the user may see.
    ///
    /// # Errors
    /// As with any request.
    pub fn event(&self, token: &Token, room: &str, event_id: &str) -> Result<Option<Value>, Failure> {
        found(self.get(token, &in_room(room, &format!("event/{}", encode(event_id)))))
    }

    /// Sends `m.room.message` with `content`, JSON that goes out byte for byte, in one PUT that is never repeated
    /// by itself.
    ///
    /// The homeserver makes one event of a device, room and transaction id, and gives its id again for the next
    /// ones, whatever their content; Synapse remembers for 24 hours and as long as the device lives. Success means
    /// an event id, and with it that the homeserver has stored the message.
    ///
    /// # Errors
    /// Each [`FailureKind`](crate::FailureKind) says what it proves.
    pub fn send(&self, token: &Token, room: &str, txn: &str, content: &str) -> Result<EventId, Failure> {
        #[derive(Deserialize)]
        struct Sent {
            event_id: EventId,
        }
        let path = in_room(room, &format!("send/m.room.message/{}", encode(txn)));
        Ok(self.transport.put(token, &path, content, SEND_BODY)?.success::<Sent>()?.event_id)
    }

    fn get<T: serde::de::DeserializeOwned>(&self, token: &Token, path: &str) -> Result<T, Failure> {
        self.transport.get(Some(token), path, OTHER_BODY)?.success()
    }
}

/// A homeserver's "there is none" is an answer.
pub(crate) fn found(answer: Result<Value, Failure>) -> Result<Option<Value>, Failure> {
    match answer {
        Err(Failure { status: Some(404), errcode: Some(code), .. }) if code == "M_NOT_FOUND" => Ok(None),
        answer => answer.map(Some),
    }
}
