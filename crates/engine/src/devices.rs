//! The devices that an application service's users speak on: with a device, a homeserver forgets what it was told on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use meshhook_matrix::{Client, Failure, FailureKind, Made, Token};
use meshhook_store::Moment;

use crate::account::{DEVICE, DEVICE_NAME};
use crate::clock::Clock;

/// When this process made whose device.
pub(crate) struct Devices {
    clock: Arc<dyn Clock>,
    users: Mutex<BTreeMap<String, Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// When there was none, last.
    made: Option<Moment>,
    /// How many are asking for it at present.
    asking: u32,
}

impl Devices {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, users: Mutex::default() }
    }

    /// Sees to it that a user has its device; the token speaks as that user.
    pub(crate) fn make(&self, client: &Client, token: &Token, user: &str) -> Result<(), Failure> {
        self.users().entry(user.to_owned()).or_default().asking += 1;
        let made = client.make_device(token, DEVICE, DEVICE_NAME);
        let mut users = self.users();
        let known = users.entry(user.to_owned()).or_default();
        known.asking -= 1;
        let may_be_new = match &made {
            Ok(made) => *made == Made::New,
            Err(failure) => failure.kind == FailureKind::Unknown,
        };
        if may_be_new {
            known.made = Some(self.clock.now());
        }
        made.map(|_| ())
    }

    /// Whether a user's device is the one that it had then, as far as this process had to do with it.
    pub(crate) fn is_as_old_as(&self, user: &str, then: Moment) -> bool {
        let users = self.users();
        users.get(user).is_none_or(|known| known.asking == 0 && known.made.is_none_or(|made| made <= then))
    }

    fn users(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
