//! What an audit finds, and what it must let be.

use super::cases::status;
use super::fixture::*;
use crate::audit::{Audit, LookedAt};
use crate::{Key, Rank, Said, Status, Store, Taken, rules};

/// All invariants that a store can see, over every status.
pub fn an_audit_of_a_sound_store_finds_nothing(store: &dyn Store) {
    assert_eq!(store.audit(&shown_keys).unwrap(), Audit::default());
    one_of_each(store);
    for known in Status::ALL {
        assert_eq!(status(store, known.as_str()), known);
    }
    let looked_at = LookedAt { deliveries: 11, messages: 4, attempts: 3, subjects: 6, rooms: 2 };
    assert_eq!(store.audit(&shown_keys).unwrap(), Audit { looked_at, ..Audit::default() });
    store.purge(START.plus(rules::TIMELESS * 2), 100).unwrap();
    let audit = store.audit(&shown_keys).unwrap();
    assert_eq!((audit.breaches, audit.looked_at.deliveries), (vec![], 5));
}

/// Invariants 1 and 2: what a body carries is where the rows say it is.
pub fn an_audit_compares_bodies_with_rows(store: &dyn Store) {
    let (run, other) = (State::of(1, Rank::Terminal), State::of(2, Rank::Terminal));
    run.accept(store, "a", START);
    take_message(store, ROOM, "one", START);
    let found = |read: &dyn Fn(&str) -> Option<Vec<Key>>| -> Vec<(u8, String)> {
        let breaches = store.audit(read).unwrap().breaches;
        breaches.into_iter().map(|breach| (breach.invariant.number(), breach.what)).collect()
    };
    assert_eq!(found(&|_| None), []);
    assert_eq!(found(&|_| Some(vec![run.key()])), []);
    let (own, foreign) = (run.key(), other.key());
    let lacks = (2, format!("message 1 (open) does not carry its member {own}"));
    assert_eq!(found(&|_| Some(vec![])), [lacks]);
    let unknown = (2, format!("message 1 (open) carries what is no delivery's key: {foreign}"));
    assert_eq!(found(&|_| Some(vec![own, foreign])), [unknown]);
    other.accept(store, "b", START);
    let elsewhere =
        (1, format!("message 1 (open) carries the key of a delivery that is elsewhere: {foreign}"));
    assert_eq!(found(&|_| Some(vec![own, foreign])), [elsewhere]);
}

/// Members of a refused message go into others; order is that of acceptance, in a room.
pub fn an_audit_lets_be_what_was_refused_and_what_only_looks_out_of_order(store: &dyn Store) {
    let sound = || assert_eq!(store.audit(&shown_keys).unwrap().breaches, []);
    State::of(1, Rank::Terminal).accept(store, "a", START);
    State::of(2, Rank::Terminal).accept(store, "b", START);
    let Taken::Message { lease, .. } = take_by(store, ROOM, "one", START, &together) else {
        panic!("nothing was frozen");
    };
    store.refuse(&lease, &attempt("refused", START), START).unwrap();
    take_message(store, ROOM, "one", START);
    sound();

    accept(store, unreadable("read again", 1, START), START);
    State::of(3, Rank::Queued).room("!order").accept(store, "queued", at(1));
    let end = State::of(3, Rank::Terminal).room("!order");
    store.readmit("read again", end.delivery("x", at(2)), at(2)).unwrap();
    take_message(store, "!order", "one", at(2));
    assert_eq!([status(store, "read again"), status(store, "queued")], [Status::InMessage, Status::Pending]);
    sound();

    State::of(4, Rank::Queued).room("!here").accept(store, "here", at(3));
    State::of(4, Rank::Terminal).room("!there").accept(store, "there", at(3));
    take_message(store, "!there", "one", at(3));
    sound();
}

/// What a room is compared with.
pub fn what_is_in_a_room_is_listed_with_its_keys(store: &dyn Store) {
    one_of_each(store);
    State::of(8, Rank::Terminal).room("!other").accept(store, "a", at(3));
    State::of(9, Rank::Terminal).room("!other").accept(store, "b", at(3));
    State::of(10, Rank::Terminal).room("!other").accept(store, "c", at(3));
    send_one(store, "!other", at(4)).unwrap();
    let Taken::Message { message, .. } = take_by(store, "!other", "one", at(5), &together) else {
        panic!("nothing was frozen");
    };
    store.settle(message.id, "$digest", &attempt("sent", at(5)), at(5)).unwrap();
    let keys = |runs: &[u8]| runs.iter().map(|run| State::of(*run, Rank::Terminal).key()).collect();
    let said = |message, event_id: &str, runs: &[u8]| Said {
        message,
        event_id: event_id.to_owned(),
        sender: bot().user,
        keys: keys(runs),
    };
    let other = [said(6, "$digest", &[9, 10]), said(5, "$event5", &[8])];
    assert_eq!(store.said("!other", 10).unwrap(), other);
    assert_eq!(store.said("!other", 1).unwrap(), other[..1]);
    assert_eq!(store.said(ROOM, 10).unwrap(), [said(1, "$event1", &[1])]);
    assert_eq!(store.said("!nowhere", 10).unwrap(), []);

    let found = store.by_key(&State::of(9, Rank::Terminal).key()).unwrap().unwrap();
    assert_eq!((&*found.id, found.status, found.event_id.as_deref()), ("b", Status::Sent, Some("$digest")));
    assert_eq!(store.by_key(&State::of(99, Rank::Terminal).key()).unwrap(), None);
}
