//! A delivery on its way to its event.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::admin::Admin;
use crate::failure::{Exit, Failure};
use crate::http::Answer;

const PAUSE: Duration = Duration::from_millis(200);

/// A delivery as it was when it was last looked at.
pub(super) struct Followed {
    pub(super) delivery: Value,
}

/// Asks for the delivery that `answer` names until its fate is known, for at most `timeout`.
pub(super) fn follow(admin: &Admin, answer: &Answer, timeout: Duration) -> Result<Followed, Failure> {
    let end = Instant::now() + timeout;
    // Nothing is sent of what is ignored or unreadable: the answer says it all.
    let on_its_way = !matches!(answer.text("outcome"), Some("ignored" | "unreadable"));
    let Some(id) = answer.text("delivery").filter(|_| on_its_way) else {
        return Ok(Followed::of(answer));
    };
    loop {
        let followed = Followed { delivery: admin.get(&format!("/deliveries/{id}"))? };
        if !followed.is_on_its_way() || Instant::now() >= end {
            return Ok(followed);
        }
        sleep(PAUSE);
    }
}

impl Followed {
    fn of(answer: &Answer) -> Self {
        let field = |key| answer.json.get(key).cloned().unwrap_or_default();
        let (id, status, reason) = (field("delivery"), field("outcome"), field("reason"));
        Self { delivery: json!({ "id": id, "status": status, "reason": reason }) }
    }

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
        let why_silent = self.text("reason").and_then(why_silent);
        let hint = why_silent.map_or_else(|| format!("meshhook deliveries show {id}"), ToOwned::to_owned);
        Err(Failure::new(Exit::NotSo, format!("no event was made of it: {said}{status}{why}"), hint))
    }
}

/// What of gateway.toml leaves something out, by the reason's word.
fn why_silent(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "unit" => "the source's `units` leave it out: add what it is, as in units = [\"run\", \"job\"]",
        "state" | "branch" | "workflow" | "repo" | "fork" => {
            "the source's `only` leaves it out, by what is named"
        }
        "unchanged" | "still_failing" => {
            "the source has `changes = true`: it says no start, and no end that is as the last one on its branch"
        }
        "word" => "the source's `states` say that this word is to be ignored",
        _ => return None,
    })
}
