//! What a user's power in a room allows (Client-Server API, `m.room.power_levels`).

use serde_json::Value;

/// What a user may do in a room, and what that takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Power {
    /// The user's level; the greatest number for who made a room of version 12 or later, whose power has no end.
    pub own: i64,
    /// The level that sending `m.room.message` takes.
    pub to_send: i64,
    /// The level that inviting takes.
    pub to_invite: i64,
    /// What else the level suffices for, with what each takes: `invite`, `kick`, `ban`, `redact`, `state`.
    pub more: Vec<(&'static str, i64)>,
}

/// Beside sending: the key in the event, and what holds where it is absent.
const RIGHTS: [(&str, &str, i64); 5] = [
    ("invite", "invite", 0),
    ("kick", "kick", 50),
    ("ban", "ban", 50),
    ("redact", "redact", 50),
    ("state", "state_default", 50),
];

impl Power {
    /// Of `user`, by the content of `m.room.power_levels`, if the room has it, and the whole event `m.room.create`.
    #[must_use]
    pub fn of(user: &str, levels: Option<&Value>, create: &Value) -> Self {
        let own = own(user, levels, create);
        let needs = |key, default| level(levels, key).unwrap_or(default);
        let message = levels.and_then(|levels| number(&levels["events"]["m.room.message"]));
        let more = RIGHTS.into_iter().map(|(name, key, default)| {
            // Without the event everybody may set state (room version 11, authorization rules).
            let default = if levels.is_none() && key == "state_default" { 0 } else { default };
            (name, needs(key, default))
        });
        Self {
            own,
            to_send: message.unwrap_or_else(|| needs("events_default", 0)),
            to_invite: needs("invite", 0),
            more: more.filter(|(_, needed)| own >= *needed).collect(),
        }
    }

    /// Whether messages may be sent.
    #[must_use]
    pub const fn may_send(&self) -> bool {
        self.own >= self.to_send
    }

    /// Whether others may be invited.
    #[must_use]
    pub const fn may_invite(&self) -> bool {
        self.own >= self.to_invite
    }
}

fn own(user: &str, levels: Option<&Value>, create: &Value) -> i64 {
    if is_creator(user, create) {
        if has_creators(create) {
            return i64::MAX;
        }
        if levels.is_none() {
            return 100;
        }
    }
    let named = levels.and_then(|levels| number(&levels["users"][user]));
    named.or_else(|| level(levels, "users_default")).unwrap_or(0)
}

/// Whether the room is of a version in which who made it has power without end: 12 is the first.
fn has_creators(create: &Value) -> bool {
    let version = create["content"]["room_version"].as_str().unwrap_or("1");
    version.parse::<u32>().is_ok_and(|version| version >= 12)
}

fn is_creator(user: &str, create: &Value) -> bool {
    let more = create["content"]["additional_creators"].as_array();
    create["sender"] == user || more.is_some_and(|more| more.iter().any(|one| one == user))
}

fn level(levels: Option<&Value>, key: &str) -> Option<i64> {
    number(&levels?[key])
}

/// Levels are integers; rooms before version 10 may have them as texts.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BOT: &str = "@bot:h";

    fn power(levels: Value) -> Power {
        let create = json!({ "sender": "@someone:h", "content": { "room_version": "11" } });
        Power::of(BOT, Some(&levels), &create)
    }

    fn names(power: &Power) -> Vec<&str> {
        power.more.iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn a_bot_without_a_level_may_send_and_by_default_invite() {
        let plain = power(json!({}));
        assert_eq!((plain.own, plain.to_send, plain.may_send()), (0, 0, true));
        assert_eq!(names(&plain), ["invite"]);
        let barred = power(json!({ "invite": 50 }));
        assert!(barred.more.is_empty() && !barred.may_invite() && plain.may_invite());
        assert_eq!((barred.to_invite, plain.to_invite), (50, 0));
    }

    #[test]
    fn sending_is_looked_up_before_its_default() {
        let muted = power(json!({ "events_default": 50 }));
        assert_eq!((muted.to_send, muted.may_send()), (50, false));
        let allowed = power(json!({ "events_default": 50, "events": { "m.room.message": 0 } }));
        assert!(allowed.may_send());
        assert!(!power(json!({ "users_default": -1 })).may_send());
    }

    #[test]
    fn a_moderator_may_do_more_than_a_bot_has_to() {
        let moderator = power(json!({ "users": { BOT: 50 }, "invite": 50, "ban": 60 }));
        assert_eq!(names(&moderator), ["invite", "kick", "redact", "state"]);
        assert_eq!(power(json!({ "users": { BOT: "50" } })).own, 50);
    }

    #[test]
    fn who_made_a_room_of_version_12_may_do_everything() {
        let made = |version: &str| json!({ "sender": BOT, "content": { "room_version": version } });
        let levels = json!({ "users": {}, "events_default": 100 });
        assert_eq!(Power::of(BOT, Some(&levels), &made("12")).own, i64::MAX);
        assert_eq!(Power::of(BOT, Some(&levels), &made("11")).own, 0);
        assert_eq!(Power::of(BOT, None, &made("11")).own, 100);
        let also = json!({
            "sender": "@a:h", "content": { "room_version": "13", "additional_creators": [BOT] },
        });
        assert_eq!(Power::of(BOT, Some(&levels), &also).own, i64::MAX);
    }

    #[test]
    fn a_room_without_levels_lets_everybody_set_state() {
        let create = json!({ "sender": "@someone:h", "content": {} });
        let power = Power::of(BOT, None, &create);
        assert_eq!((power.own, names(&power)), (0, vec!["invite", "state"]));
    }
}
