//! What a homeserver pushes.

use meshhook_appservice::{Kind, Push};

/// The longest of what is kept of an event, in bytes.
const LONGEST: usize = 1024;

/// Any body is a push: nothing that is kept of it is long, and what is no JSON object is unreadable once.
///
/// # Panics
/// Where something holds that must not.
pub fn push(body: &[u8]) {
    let Push { events, unreadable } = Push::read(body);
    let begins_an_object = body.trim_ascii_start().first() == Some(&b'{');
    assert!(begins_an_object || (events.is_empty() && unreadable == 1), "what is no object was read");
    assert!(events.len() <= Push::MAX_EVENTS);
    for event in &events {
        let texts = [Some(&event.event_id), Some(&event.room_id), Some(&event.sender)];
        let more = match &event.kind {
            Kind::Member { user, reason, .. } => [Some(user), reason.as_ref()],
            Kind::Tombstone { replacement } => [replacement.as_ref(), None],
            Kind::Text { msgtype, body } => [Some(msgtype), Some(body)],
            _ => [None, None],
        };
        assert!(texts.into_iter().chain(more).flatten().all(|text| text.len() <= LONGEST), "{event:?}");
    }
}
