//! Who may ask: the one user, or the application service as one of its users.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fault::RawAnswer;
use crate::{Service, User};

/// As whom a request is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asker {
    pub(super) user: String,
    pub(super) device: Option<String>,
    /// The application service whose token it is.
    service: Option<String>,
}

/// The users that the homeserver knows, and who can speak for them.
#[derive(Debug)]
pub(super) struct People {
    /// The one user with a token of their own.
    pub(super) user: User,
    pub(super) service: Option<Service>,
    /// Who was registered by the service.
    known: BTreeMap<String, Person>,
}

#[derive(Debug, Default)]
struct Person {
    name: Option<String>,
    devices: BTreeSet<String>,
}

impl Asker {
    pub(super) fn of(user: &User) -> Self {
        Self { user: user.id.clone(), device: Some(user.device.clone()), service: None }
    }

    /// Whose transaction ids a homeserver's memory holds together: of an application service all users' and devices'
    /// (Synapse, rest/client/transactions.py; element-hq/synapse#2937).
    pub(super) fn in_memory(&self) -> String {
        match &self.service {
            Some(id) => format!("appservice {id}"),
            None => format!("user {} {}", self.user, self.device.as_deref().unwrap_or_default()),
        }
    }
}

impl People {
    pub(super) fn new(user: User) -> Self {
        Self { user, service: None, known: BTreeMap::new() }
    }

    /// Who asks with this token, asserting to be that user on that device.
    pub(super) fn asker(
        &self,
        token: Option<&str>,
        user: Option<String>,
        device: Option<String>,
    ) -> Result<Asker, RawAnswer> {
        let Some(token) = token else {
            return Err(RawAnswer::error(401, "M_MISSING_TOKEN", "Missing access token"));
        };
        match &self.service {
            Some(service) if service.as_token() == token => self.asserted(service, user, device),
            _ if token == self.user.token => Ok(Asker::of(&self.user)),
            _ => Err(unknown_token()),
        }
    }

    fn asserted(
        &self,
        service: &Service,
        user: Option<String>,
        device: Option<String>,
    ) -> Result<Asker, RawAnswer> {
        let asker = |user, device| Ok(Asker { user, device, service: Some(service.id().to_owned()) });
        let Some(user) = user else {
            return match device {
                None => asker(service.sender(), None),
                Some(_) => Err(RawAnswer::error(500, "M_UNKNOWN", "Internal server error")),
            };
        };
        if !service.has(&user) {
            let error = format!("Application service cannot masquerade as this user ({user}).");
            return Err(RawAnswer::error(403, "M_FORBIDDEN", &error));
        }
        let person = self.known.get(&user);
        if person.is_none() && user != service.sender() {
            let error = format!("Application service has not registered this user ({user})");
            return Err(RawAnswer::error(403, "M_FORBIDDEN", &error));
        }
        match device {
            Some(id) if !person.is_some_and(|person| person.devices.contains(&id)) => {
                let error = format!(
                    "Application service trying to use a device that doesn't exist ('{id}' for {user})"
                );
                Err(RawAnswer::error(400, "M_UNKNOWN_DEVICE", &error))
            }
            device => asker(user, device),
        }
    }

    /// Whether somebody is in every room from its beginning.
    pub(super) fn is_at_home(&self, user: &str) -> bool {
        user == self.user.id || self.service.as_ref().is_some_and(|service| service.sender() == user)
    }

    pub(super) fn register(&mut self, asker: &Asker, body: &Value) -> RawAnswer {
        let Some(service) = self.service.as_ref().filter(|_| asker.service.is_some()) else {
            return RawAnswer::error(403, "M_FORBIDDEN", "Registration has been disabled");
        };
        let user = service.named(body["username"].as_str().unwrap_or_default());
        if !service.has(&user) {
            let error = "Invalid user localpart for this application service.";
            return RawAnswer::error(400, "M_EXCLUSIVE", error);
        }
        if self.known.contains_key(&user) {
            return RawAnswer::error(400, "M_USER_IN_USE", "User ID already taken.");
        }
        let answer = RawAnswer::json(200, &json!({ "user_id": user }));
        self.known.insert(user, Person::default());
        answer
    }

    pub(super) fn make_device(&mut self, asker: &Asker, id: &str) -> RawAnswer {
        let is_new = self.known.entry(asker.user.clone()).or_default().devices.insert(id.to_owned());
        RawAnswer::json(if is_new { 201 } else { 200 }, &json!({}))
    }

    pub(super) fn remove_devices(&mut self, user: &str) {
        self.known.entry(user.to_owned()).or_default().devices.clear();
    }

    pub(super) fn name(&self, user: &str) -> Option<&str> {
        self.known.get(user)?.name.as_deref()
    }

    pub(super) fn profile(&self, user: &str) -> RawAnswer {
        let Some(person) = self.known.get(user) else {
            return RawAnswer::error(404, "M_NOT_FOUND", "Profile was not found");
        };
        let name = person.name.as_ref();
        RawAnswer::json(200, &name.map_or_else(|| json!({}), |name| json!({ "displayname": name })))
    }

    pub(super) fn rename(&mut self, asker: &Asker, user: &str, body: &Value) -> RawAnswer {
        if asker.user != user {
            return RawAnswer::error(400, "M_UNKNOWN", "Cannot set another user's displayname");
        }
        let name = body["displayname"].as_str().map(str::to_owned);
        self.known.entry(user.to_owned()).or_default().name = name;
        RawAnswer::json(200, &json!({}))
    }
}

fn unknown_token() -> RawAnswer {
    let error = "Invalid access token passed.";
    RawAnswer::json(401, &json!({ "errcode": "M_UNKNOWN_TOKEN", "error": error, "soft_logout": false }))
}
