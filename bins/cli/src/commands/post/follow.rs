//! A delivery on its way to its event.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::admin::Admin;
use crate::failure::{Exit, Failure};

const PAUSE: Duration = Duration::from_millis(200);

/// A delivery as it was when it was last looked at.
pub(super) struct Followed {
    pub(super) delivery: Value,
}

/// Asks until the delivery's fate is known, for at most `timeout`.
pub(super) fn follow(admin: &Admin, id: &str, timeout: Duration) -> Result<Followed, Failure> {
    let end = Instant::now() + timeout;
    loop {
        let followed = Followed { delivery: admin.get(&format!("/deliveries/{id}"))? };
        if !followed.is_on_its_way() || Instant::now() >= end {
            return Ok(followed);
        }
        sleep(PAUSE);
    }
}

impl Followed {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.delivery.get(key)?.as_str()
    }

    fn is_on_its_way(&self) -> bool {
        matches!(self.text("status"), Some("pending" | "in_message"))
    }

    /// `Ok` where it has become an event.
    pub(super) fn judge(&self) -> Result<(), Failure> {
        let status = self.text("status").unwrap_or("unknown");
        if status == "sent" && self.text("event_id").is_some() {
            return Ok(());
        }
        let id = self.text("id").unwrap_or("ID");
        let why = self.text("reason").map(|reason| format!(" ({reason})")).unwrap_or_default();
        let said = if self.is_on_its_way() { "still " } else { "" };
        let hint = format!("meshhook deliveries show {id}");
        Err(Failure::new(Exit::NotSo, format!("no event was made of it: {said}{status}{why}"), hint))
    }
}
