//! The rules, one function each.

use std::time::Duration;

use super::fixture::*;
use crate::{
    ActError, Attempt, Filter, Identity, Message, MessageStatus, Negative, NewDelivery, Outcome, Pick, Pin,
    Queue, Rank, Refused, Status, Store, StoreError, Take, Taken, Voice, rules,
};

pub(super) fn status(store: &dyn Store, id: &str) -> Status {
    store.show(id).unwrap().expect("the delivery is known").delivery.status
}

/// Delivery.md, 1: a key is accepted once; its redelivery is told what became of the first.
pub fn a_known_key_is_a_duplicate_and_names_its_event(store: &dyn Store) {
    let state = State::of(1, Rank::Running);
    let first = state.accept(store, "a", START);
    assert_eq!((first.outcome, first.status), (Outcome::Accepted, Status::Pending));
    assert_eq!(first.correlation_id, "c-a");

    let again = state.accept(store, "b", at(1));
    assert_eq!((again.outcome, again.status, &*again.delivery), (Outcome::Duplicate, Status::Pending, "a"));
    assert_eq!(again.correlation_id, "c-a");

    send_one(store, ROOM, at(2)).unwrap();
    let again = state.accept(store, "c", at(3));
    assert_eq!((again.outcome, again.status), (Outcome::Duplicate, Status::Sent));
    assert_eq!(again.event_id.as_deref(), Some("$event1"));
    assert_eq!(store.show("a").unwrap().unwrap().delivery.seen, 3);
    assert_eq!(store.show("b").unwrap(), None);
    assert_eq!(send_one(store, ROOM, at(4)), None);
}

/// Delivery.md, 1 and invariant 7.
pub fn a_late_state_is_superseded_and_a_terminal_one_never(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "running", START);
    let late = State::of(1, Rank::Queued).accept(store, "queued", at(1));
    assert_eq!((late.outcome, late.status), (Outcome::Superseded, Status::Superseded));
    State::of(1, Rank::Terminal).round(2).accept(store, "second", at(2));
    let first = State::of(1, Rank::Terminal).accept(store, "first", at(3));
    assert_eq!(first.outcome, Outcome::Accepted);
    let other_run = State::of(2, Rank::Queued).accept(store, "other", at(4));
    assert_eq!(other_run.outcome, Outcome::Accepted);
}

/// A retried run under the same id goes through all its states again.
pub fn a_new_round_is_news(store: &dyn Store) {
    for round in [1, 2] {
        for rank in [Rank::Queued, Rank::Running, Rank::Terminal] {
            let id = format!("{round}-{}", rank.number());
            let answer = State::of(1, rank).round(round).accept(store, &id, START);
            assert_eq!(answer.outcome, Outcome::Accepted, "{id}");
        }
    }
    let bodies: Vec<_> = std::iter::from_fn(|| send_one(store, ROOM, at(1))).collect();
    assert_eq!(bodies.len(), 6);
}

/// Freshness by body time: kept under the body's key, so that a later, fresh delivery is not taken for known.
pub fn a_stale_body_is_kept_and_can_be_readmitted(store: &dyn Store) {
    let old = State::of(1, Rank::Terminal).newest(START.minus(RETENTION + Duration::from_secs(1)));
    let answer = old.accept(store, "old", START);
    assert_eq!((answer.outcome, answer.status), (Outcome::Ignored, Status::Stale));
    assert_eq!(answer.reason.as_deref(), Some("stale"));
    assert_eq!(old.accept(store, "again", START).outcome, Outcome::Duplicate);
    let ahead = State::of(2, Rank::Terminal).newest(START.plus(rules::AHEAD * 2));
    assert_eq!(ahead.accept(store, "ahead", START).status, Status::Stale);
    assert_eq!(send_one(store, ROOM, at(1)), None);

    assert_eq!(store.raw("old").unwrap().unwrap().raw, b"{}");
    let again = store.readmit("old", old.delivery("ignored-id", at(2)), at(2)).unwrap();
    assert_eq!((again.outcome, &*again.delivery), (Outcome::Accepted, "old"));
    assert_eq!(store.raw("old").unwrap(), None);
    send_one(store, ROOM, at(3)).unwrap();
    let fresh = State::of(1, Rank::Terminal).newest(START).accept(store, "fresh", at(4));
    assert_eq!((fresh.outcome, fresh.status), (Outcome::Duplicate, Status::Sent));
}

/// A source cannot fill the disk with what nobody understands.
pub fn unreadable_deliveries_are_kept_with_their_bodies_up_to_a_bound(store: &dyn Store) {
    let rows = u16::try_from(rules::MAX_ASIDE_ROWS).unwrap();
    for number in 0..rows + 2 {
        let answer = accept(store, unreadable(&format!("u{number}"), number, START), START);
        assert_eq!((answer.outcome, answer.status), (Outcome::Unreadable, Status::Unreadable));
        assert_eq!(answer.reason.as_deref(), Some("unknown_state"));
    }
    assert_eq!(store.raw("u0").unwrap(), None);
    assert_eq!(store.raw("u1").unwrap(), None);
    assert!(store.raw("u2").unwrap().is_some());
    assert_eq!(store.totals().unwrap().evicted, 2);
    let ignored = State::of(1, Rank::Running);
    accept(store, naming("job", &ignored, "mac-01", START), START);
    assert!(store.raw("u2").unwrap().is_some(), "what is ignored does not push out what is unreadable");
    assert_eq!(store.raw("job").unwrap(), None);
}

/// A job's machine is kept with the run in the same transaction.
pub fn machines_reach_the_content_of_their_group(store: &dyn Store) {
    let run = State::of(1, Rank::Running);
    let batch = vec![
        naming("job-b", &run, "mac-02", START),
        NewDelivery { body_key: unreadable("", 1, START).body_key, ..naming("job-a", &run, "mac-01", START) },
        run.delivery("run", START),
        State::of(2, Rank::Running).delivery("other", START),
    ];
    let answers = store.accept(batch, START).unwrap();
    assert_eq!(answers[0].as_ref().unwrap().reason.as_deref(), Some("unit"));
    assert_eq!(send_one(store, ROOM, START).unwrap(), r#"{"body":"run 1 round 1 rank 1 mac-01,mac-02"}"#);
    assert_eq!(send_one(store, ROOM, START).unwrap(), r#"{"body":"run 2 round 1 rank 1 "}"#);
}

/// Savepoint each, order kept, within one transaction.
pub fn a_batch_judges_its_own_members(store: &dyn Store) {
    let running = State::of(1, Rank::Running);
    let batch = vec![
        running.delivery("a", START),
        running.delivery("b", START),
        State::of(1, Rank::Queued).delivery("c", START),
    ];
    let outcomes: Vec<_> =
        store.accept(batch, START).unwrap().into_iter().map(|answer| answer.unwrap().outcome).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Duplicate, Outcome::Superseded]);
}

/// Invariant 4.
pub fn one_message_is_in_hand_per_room(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    State::of(2, Rank::Running).accept(store, "b", START);
    let (_, first, fresh) = take_message(store, ROOM, "one", START);
    assert!(fresh);
    let (_, again, fresh) = take_message(store, ROOM, "one", at(1));
    assert!(!fresh);
    assert_eq!(again.id, first.id);
    assert_eq!(status(store, "a"), Status::InMessage);
    assert_eq!(status(store, "b"), Status::Pending);
}

/// The lane is the room, its order the order of acceptance.
pub fn the_oldest_goes_first_and_rooms_do_not_wait_for_each_other(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    State::of(2, Rank::Running).accept(store, "b", START);
    State::of(3, Rank::Running).room("!other").accept(store, "c", START);
    take_message(store, ROOM, "one", START);
    assert!(send_one(store, "!other", START).unwrap().contains("run 3"));
    assert!(matches!(take(store, "!empty", "one", START), Taken::Nothing { until: None }));
    let (lease, message, _) = take_message(store, ROOM, "one", START);
    assert!(message.body.contains("run 1"));
    store.settle(lease.message, "$a", &attempt("sent", START), START).unwrap();
    let (_, message, _) = take_message(store, ROOM, "one", START);
    assert!(message.body.contains("run 2"));
    assert_eq!(message.prev_event.as_deref(), Some("$a"));
    assert_eq!(message.prev_sender, Some(bot().user));
}

/// Invariant 2.
pub fn a_message_never_changes_between_its_puts(store: &dyn Store) {
    let run = State::of(1, Rank::Running);
    run.accept(store, "a", START);
    let (lease, first, _) = take_message(store, ROOM, "one", START);
    assert_eq!(store.postpone(&lease, &attempt("unknown", START), &later(at(5))), Ok(true));
    assert!(matches!(take(store, ROOM, "one", at(4)), Taken::Nothing { until: Some(t) } if t == at(5)));
    accept(store, naming("job", &run, "mac-01", at(4)), at(4));
    let (_, second, _) = take_message(store, ROOM, "one", at(5));
    assert_eq!((&first.body, &first.txn, &first.sender), (&second.body, &second.txn, &second.sender));
    assert_eq!((second.attempts, second.frozen_at, second.frozen_by), (1, START, "one".to_owned()));
}

/// Success is unconditional; a failure needs the generation.
pub fn a_lost_lease_reports_only_success(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    let (old, message, _) = take_message(store, ROOM, "one", START);
    let (new, _, fresh) = take_message(store, ROOM, "two", START.plus(rules::LEASE));
    assert!(!fresh && new.generation > old.generation);
    let now = at(61);
    assert_eq!(store.postpone(&old, &attempt("unknown", now), &later(at(500))), Ok(false));
    assert_eq!(store.refuse(&old, &attempt("refused", now), now), Ok(Refused::Outdated));
    assert_eq!(store.give_up(&old, &attempt("uncertain", now), now), Ok(false));
    assert_eq!(status(store, "a"), Status::InMessage);
    store.settle(message.id, "$a", &attempt("sent", now), now).unwrap();
    assert_eq!(status(store, "a"), Status::Sent);
    store.settle(message.id, "$other", &attempt("sent", now), now).unwrap();
    let life = store.show("a").unwrap().unwrap();
    assert_eq!(life.delivery.event_id.as_deref(), Some("$a"), "sent is final");
    assert_eq!(store.refuse(&new, &attempt("refused", now), now), Ok(Refused::Outdated));
}

/// Two gateways do not send the same message at once.
pub fn a_room_with_a_live_lease_is_left_alone(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    take_message(store, ROOM, "one", START);
    let until = START.plus(rules::LEASE);
    assert_eq!(take(store, ROOM, "two", at(59)), Taken::Nothing { until: Some(until) });
}

/// A clock that was wrong once must not keep a room silent: what it wrote is not believed once it is right again.
pub fn waits_are_clamped(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", at(1 << 30));
    let (lease, ..) = take_message(store, ROOM, "one", at(1 << 30));
    let until = at(1 << 30).plus(rules::LONGEST_WAIT);
    let negative = Negative { due: Some(until), hold: None, gate: Some(until) };
    assert_eq!(store.postpone(&lease, &attempt("limited", at(1 << 30)), &negative), Ok(true));
    assert_eq!(take(store, ROOM, "one", at(1 << 30)), Taken::Nothing { until: Some(until) });
    take_message(store, ROOM, "two", START);
    let other = Identity { device: Some("NEW".to_owned()), ..bot() };
    assert_eq!(
        store.pin(&other, at(0)).unwrap(),
        Pin::Other { pinned: bot(), until: START.plus(rules::QUIET) }
    );
    assert_eq!(store.pin(&other, at(91)), Ok(Pin::Ours));
}

/// Two waits at once: the longer one holds.
pub fn a_gate_is_not_opened_by_a_shorter_wait(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    State::of(2, Rank::Running).room("!other").accept(store, "b", START);
    let (here, ..) = take_message(store, ROOM, "one", START);
    let (there, ..) = take_message(store, "!other", "one", START);
    for (lease, seconds) in [(here, 300), (there, 3)] {
        let negative = Negative { due: None, hold: None, gate: Some(at(seconds)) };
        store.postpone(&lease, &attempt("limited", START), &negative).unwrap();
    }
    assert_eq!(take(store, ROOM, "one", at(4)), Taken::Nothing { until: Some(at(300)) });
}

/// A homeserver remembers transaction ids for a device: a message that another session had in hand may be in the room.
pub fn a_message_tells_whether_one_session_had_it_all_the_time(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    let session = |session: &str| {
        let identity = bot();
        store.pin(&identity, START).unwrap();
        let take = Take {
            room: ROOM,
            identity: &identity,
            session,
            owner: "one",
            now: START,
            voice: &|_| Voice::Sender,
            plan: &alone,
            freeze: &freeze,
        };
        match store.take(&take).unwrap() {
            Taken::Message { message, .. } => message.session,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(["A", "A", "B", "A", "A"].map(session), ["A", "A", "A", "", ""]);
}

/// 429 is about a sender, not a room.
pub fn a_gate_closes_every_room_of_its_sender(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    State::of(2, Rank::Running).room("!other").accept(store, "b", START);
    let (lease, ..) = take_message(store, ROOM, "one", START);
    let negative = Negative { due: None, hold: None, gate: Some(at(5)) };
    store.postpone(&lease, &attempt("limited", START), &negative).unwrap();
    assert_eq!(take(store, "!other", "one", at(1)), Taken::Nothing { until: Some(at(5)) });
    take_message(store, "!other", "one", at(5));
}

/// A sender that is limited serves its rooms in turn, the one that is due longest first.
pub fn rooms_of_a_limited_sender_take_turns(store: &dyn Store) {
    let other = "!other";
    for run in 1..4 {
        State::of(run, Rank::Running).accept(store, &format!("a{run}"), START);
        State::of(10 + run, Rank::Running).room(other).accept(store, &format!("b{run}"), at(1));
    }
    let limit = |room: &str, now, until| {
        let (lease, ..) = take_message(store, room, "one", now);
        let negative = Negative { due: None, hold: None, gate: Some(until) };
        assert_eq!(store.postpone(&lease, &attempt("limited", now), &negative), Ok(true));
    };
    let wait = |now: u64| Taken::Nothing { until: Some(at(now).plus(rules::TURN)) };
    send_one(store, ROOM, at(2)).unwrap();
    limit(ROOM, at(2), at(5));
    assert_eq!(take(store, ROOM, "one", at(5)), wait(5), "the other is due longer");
    send_one(store, other, at(5)).unwrap();
    assert_eq!(take(store, other, "one", at(5)), wait(5), "it had its turn");
    limit(ROOM, at(6), at(10));
    assert_eq!(take(store, other, "one", at(10)), wait(10), "a limit costs nobody its place");
    send_one(store, ROOM, at(10)).unwrap();
    send_one(store, other, at(10)).unwrap();
    send_one(store, ROOM, at(10)).expect("each had its turn");
    assert_eq!(send_one(store, ROOM, at(10)), None);
    send_one(store, other, at(10)).unwrap();
}

/// Cards and threads: the anchor is the event that shows a subject alone, in the same room and of the same sender.
pub fn a_message_may_relate_to_the_event_that_shows_its_subject(store: &dyn Store) {
    let next = |now| take_message(store, ROOM, "one", now).1;
    let settle = |message: &Message, now| {
        store.settle(message.id, &format!("$event{}", message.id), &attempt("sent", now), now).unwrap();
    };
    State::of(1, Rank::Queued).accept(store, "queued", START);
    let first = next(START);
    assert_eq!(first.relates_to, None);
    settle(&first, START);
    for (rank, round) in [(Rank::Running, 1), (Rank::Terminal, 1), (Rank::Terminal, 2)] {
        let id = format!("{round} {}", rank.number());
        State::of(1, rank).round(round).accept(store, &id, at(1));
        let message = next(at(1));
        assert_eq!(message.relates_to.as_deref(), Some("$event1:1"), "what relates is no anchor itself");
        assert_eq!(store.show(&id).unwrap().unwrap().message.unwrap().relates_to, message.relates_to);
        settle(&message, at(1));
    }
    State::of(2, Rank::Running).accept(store, "of no run that was seen", at(2));
    assert_eq!(next(at(2)).relates_to, None);
}

/// Nor where room or sender is another, nor in a digest.
pub fn an_anchor_of_another_room_or_sender_is_none(store: &dyn Store) {
    let other = Identity { user: "@other:example.org".to_owned(), device: None };
    for run in 1..4 {
        State::of(run, Rank::Queued).accept(store, &format!("queued {run}"), START);
        send_one(store, ROOM, START).unwrap();
    }
    State::of(1, Rank::Running).room("!other").accept(store, "there", at(1));
    assert_eq!(take_message(store, "!other", "one", at(1)).1.relates_to, None);
    for run in 2..4 {
        State::of(run, Rank::Running).accept(store, &format!("running {run}"), at(1));
    }
    let Taken::Message { message, .. } = take_by(store, ROOM, "one", at(1), &together) else { panic!() };
    assert_eq!(message.relates_to, None);
    store.settle(message.id, "$digest", &attempt("sent", at(1)), at(1)).unwrap();
    State::of(2, Rank::Terminal).accept(store, "end", at(500));
    assert_eq!(store.pin(&other, at(500)), Ok(Pin::Ours));
    let take = Take {
        room: ROOM,
        identity: &other,
        session: "s",
        owner: "one",
        now: at(500),
        voice: &|_| Voice::Sender,
        plan: &alone,
        freeze: &freeze,
    };
    let Taken::Message { message, .. } = store.take(&take).unwrap() else { panic!() };
    assert_eq!(message.relates_to, None);
}

/// Delivery.md, 8: a relation that is refused costs the relation only.
pub fn what_is_refused_with_a_relation_is_said_without(store: &dyn Store) {
    State::of(1, Rank::Queued).accept(store, "queued", START);
    send_one(store, ROOM, START).unwrap();
    State::of(1, Rank::Terminal).accept(store, "end", at(1));
    let (lease, related, _) = take_message(store, ROOM, "one", at(1));
    assert!(related.relates_to.is_some());
    assert_eq!(store.refuse(&lease, &attempt("refused", at(1)), at(1)), Ok(Refused::Unrelated));
    assert_eq!(status(store, "end"), Status::Pending);
    let (lease, plain, fresh) = take_message(store, ROOM, "one", at(2));
    assert_eq!((plain.relates_to, fresh), (None, true));
    assert_ne!(plain.txn, related.txn);
    assert_eq!(store.refuse(&lease, &attempt("refused", at(2)), at(2)), Ok(Refused::Parked));
}

/// Delivery.md, 10: what the homeserver fails at again and again is told.
pub fn a_message_tells_how_often_its_homeserver_failed_lately(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    let answers = [(500, "M_UNKNOWN"), (502, ""), (429, "M_LIMIT_EXCEEDED"), (503, "M_UNKNOWN")];
    for (n, (status, errcode)) in answers.into_iter().enumerate() {
        let now = at(60 * n as u64);
        let (lease, message, _) = take_message(store, ROOM, "one", now);
        assert_eq!(message.server_errors, [0, 1, 1, 1][n]);
        let errcode = Some(errcode.to_owned()).filter(|code| !code.is_empty());
        let answer = Attempt { http_status: Some(status), errcode, ..attempt("unknown", now) };
        assert_eq!(store.postpone(&lease, &answer, &later(now)), Ok(true));
    }
    assert_eq!(take_message(store, ROOM, "one", at(900)).1.server_errors, 2);
    assert_eq!(take_message(store, ROOM, "one", at(901)).1.server_errors, 1);
}

/// A longer retention does not bring back what was forgotten under a shorter one: a captured request would be a second
/// message.
pub fn what_was_forgotten_stays_old_under_a_longer_retention(store: &dyn Store) {
    let hours = |hours: u64| at(3600 * hours);
    let old = State::of(1, Rank::Terminal).newest(START);
    old.accept(store, "old", START);
    send_one(store, ROOM, START).unwrap();
    assert_eq!(store.purge(hours(74), 10), Ok(1));
    let longer = |state: &State, id: &str| {
        let retention = RETENTION * 3;
        accept(store, NewDelivery { retention, ..state.delivery(id, hours(75)) }, hours(75)).status
    };
    assert_eq!(longer(&old, "replay"), Status::Stale);
    assert_eq!(longer(&State::of(2, Rank::Terminal).newest(at(1)), "later"), Status::Pending);
}

/// Of a store that takes in two deliveries a room: a room that nobody can write to is no other room's trouble.
pub fn a_full_room_takes_nothing_more_in(store: &dyn Store) {
    let state = |run| State::of(run, Rank::Terminal);
    state(1).accept(store, "a", START);
    state(2).accept(store, "b", START);
    let batch = vec![
        state(3).delivery("c", START),
        state(1).delivery("again", START),
        state(4).room("!other").delivery("d", START),
        unreadable("e", 1, START),
    ];
    let answers = store.accept(batch, START).unwrap();
    let full = StoreError::RoomFull { room: ROOM.to_owned(), waiting: 2 };
    assert_eq!(answers[0], Err(full));
    let outcomes = answers[1..].iter().map(|answer| answer.as_ref().unwrap().outcome);
    assert!(outcomes.eq([Outcome::Duplicate, Outcome::Accepted, Outcome::Unreadable]));
    assert_eq!(store.show("c").unwrap(), None, "nothing was promised");
    send_one(store, ROOM, at(1)).unwrap();
    assert_eq!(state(3).accept(store, "c", at(1)).outcome, Outcome::Accepted);
}

/// 403: the same PUT later, and nothing new until it passes.
pub fn a_held_room_freezes_nothing_and_repeats_what_is_open(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    State::of(2, Rank::Running).accept(store, "b", START);
    let (lease, message, _) = take_message(store, ROOM, "one", START);
    let negative = Negative { due: Some(at(300)), hold: Some("M_FORBIDDEN".to_owned()), gate: None };
    store.postpone(&lease, &attempt("forbidden", START), &negative).unwrap();
    let totals = store.totals().unwrap();
    assert_eq!(totals.rooms[0].hold, Some(("M_FORBIDDEN".to_owned(), START)));
    let (_, again, _) = take_message(store, ROOM, "one", at(300));
    assert_eq!(again.id, message.id);
    store.settle(message.id, "$a", &attempt("sent", at(301)), at(301)).unwrap();
    assert_eq!(store.totals().unwrap().rooms[0].hold, None);
    assert!(send_one(store, ROOM, at(301)).unwrap().contains("run 2"));
}

/// A hold is the open message's: the next one finds out for itself.
pub fn a_hold_ends_with_its_message(store: &dyn Store) {
    for (run, id) in [(1, "a"), (2, "b"), (3, "c")] {
        State::of(run, Rank::Terminal).accept(store, id, START);
    }
    let held = Negative { due: Some(at(1)), hold: Some("M_FORBIDDEN".to_owned()), gate: None };
    let (lease, ..) = take_message(store, ROOM, "one", START);
    store.postpone(&lease, &attempt("forbidden", START), &held).unwrap();
    let (lease, ..) = take_message(store, ROOM, "one", at(1));
    store.refuse(&lease, &attempt("refused", at(1)), at(1)).unwrap();
    let (lease, message, _) = take_message(store, ROOM, "one", at(2));
    assert!(message.body.contains("run 2"));
    store.postpone(&lease, &attempt("forbidden", at(2)), &held).unwrap();
    let (lease, ..) = take_message(store, ROOM, "one", at(3));
    store.give_up(&lease, &attempt("uncertain", at(3)), at(3)).unwrap();
    assert!(send_one(store, ROOM, at(4)).unwrap().contains("run 3"));
}

/// 400 and 413 are final for this content; new content of the same state is owed again.
pub fn a_refused_single_is_parked_and_a_redelivery_revives_it(store: &dyn Store) {
    let run = State::of(1, Rank::Terminal);
    run.accept(store, "a", START);
    let (lease, first, _) = take_message(store, ROOM, "one", START);
    let mut refused = attempt("refused", START);
    refused.errcode = Some("M_TOO_LARGE".to_owned());
    assert_eq!(store.refuse(&lease, &refused, START), Ok(Refused::Parked));
    let life = store.show("a").unwrap().unwrap();
    assert_eq!(
        (life.delivery.status, life.delivery.reason.as_deref()),
        (Status::Parked, Some("M_TOO_LARGE"))
    );
    assert_eq!(life.message.unwrap().status, MessageStatus::Refused);
    assert_eq!(send_one(store, ROOM, at(1)), None);

    let again = run.accept(store, "b", at(2));
    assert_eq!((again.outcome, &*again.delivery, again.status), (Outcome::Accepted, "a", Status::Pending));
    let (_, second, fresh) = take_message(store, ROOM, "one", at(3));
    assert!(fresh);
    assert_ne!(first.txn, second.txn, "a homeserver answers a known transaction without reading its body");
}

/// What was parked does not come up after its own end.
pub fn a_parked_state_that_was_overtaken_stays_silent(store: &dyn Store) {
    let running = State::of(1, Rank::Running);
    running.accept(store, "a", START);
    let (lease, ..) = take_message(store, ROOM, "one", START);
    store.refuse(&lease, &attempt("refused", START), START).unwrap();
    State::of(1, Rank::Terminal).accept(store, "b", at(1));
    let late = running.accept(store, "c", at(2));
    assert_eq!((late.outcome, late.status, &*late.delivery), (Outcome::Superseded, Status::Superseded, "a"));
}

/// Transition 11.
pub fn a_retry_makes_a_new_message_with_another_transaction(store: &dyn Store) {
    State::of(1, Rank::Terminal).accept(store, "a", START);
    let (lease, first, _) = take_message(store, ROOM, "one", START);
    store.refuse(&lease, &attempt("refused", START), START).unwrap();
    let answer = store.retry("a", false, at(1)).unwrap();
    assert_eq!((answer.outcome, answer.status), (Outcome::Accepted, Status::Pending));
    let (_, second, fresh) = take_message(store, ROOM, "one", at(1));
    assert!(fresh);
    assert_eq!(second.body, first.body);
    assert_ne!(second.txn, first.txn);
}

/// Transition 10, and the operator's way out of it.
pub fn an_uncertain_message_lets_the_room_go_on(store: &dyn Store) {
    State::of(1, Rank::Terminal).accept(store, "a", START);
    State::of(2, Rank::Terminal).accept(store, "b", START);
    let (lease, first, _) = take_message(store, ROOM, "one", START);
    assert_eq!(store.give_up(&lease, &attempt("uncertain", START), START), Ok(true));
    assert_eq!(status(store, "a"), Status::Uncertain);
    assert_eq!(store.totals().unwrap().uncertain, 1);
    assert!(send_one(store, ROOM, at(1)).unwrap().contains("run 2"));
    assert_eq!(State::of(1, Rank::Terminal).accept(store, "c", at(2)).status, Status::Uncertain);
    assert_eq!(store.retry("a", false, at(2)), Err(ActError::Conflict(Status::Uncertain)));

    assert_eq!(store.retry("a", true, at(3)).unwrap().status, Status::Pending);
    assert_eq!(
        store.totals().unwrap().uncertain,
        0,
        "a key is in one message at most that may be in the room"
    );
    let (_, second, _) = take_message(store, ROOM, "one", at(4));
    assert_ne!(second.txn, first.txn);

    State::of(3, Rank::Terminal).room("!late").accept(store, "late", at(5));
    let (lease, message, _) = take_message(store, "!late", "one", at(5));
    store.give_up(&lease, &attempt("uncertain", at(5)), at(5)).unwrap();
    store.settle(message.id, "$late", &attempt("sent", at(6)), at(6)).unwrap();
    assert_eq!(status(store, "late"), Status::Sent, "success is unconditional");
}

/// A new user or device has no transaction ids in common with the old one.
pub fn only_a_pinned_identity_takes(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    let other = Identity { device: Some("NEW".to_owned()), ..bot() };
    let take_as_other = |now| {
        store
            .take(&Take {
                room: ROOM,
                identity: &other,
                session: "s",
                owner: "two",
                now,
                voice: &|_| Voice::Sender,
                plan: &alone,
                freeze: &freeze,
            })
            .unwrap()
    };
    assert_eq!(take_as_other(START), Taken::NotPinned);
    take_message(store, ROOM, "one", START);
    let pin = store.pin(&other, at(30)).unwrap();
    assert_eq!(pin, Pin::Other { pinned: bot(), until: at(90) });
    assert_eq!(take_as_other(at(89)), Taken::NotPinned);
    assert_eq!(store.pin(&other, at(90)), Ok(Pin::Ours));
    assert!(matches!(take_as_other(at(90)), Taken::Message { fresh: false, .. }));
}

/// Transitions 11 and 12 have guards.
pub fn orders_that_do_not_fit_are_conflicts(store: &dyn Store) {
    let run = State::of(1, Rank::Running);
    run.accept(store, "a", START);
    assert_eq!(store.retry("nobody", true, START), Err(ActError::Unknown));
    assert_eq!(store.discard("nobody", START), Err(ActError::Unknown));
    assert_eq!(store.retry("a", true, START), Err(ActError::Conflict(Status::Pending)));
    let again = run.delivery("x", START);
    assert_eq!(store.readmit("a", again, START), Err(ActError::Conflict(Status::Pending)));
    let (lease, ..) = take_message(store, ROOM, "one", START);
    assert_eq!(store.discard("a", START), Err(ActError::Conflict(Status::InMessage)));
    store.settle(lease.message, "$a", &attempt("sent", START), START).unwrap();
    assert_eq!(store.retry("a", true, START), Err(ActError::Conflict(Status::Sent)));
    assert_eq!(store.discard("a", START), Err(ActError::Conflict(Status::Sent)));
}

/// Transition 12.
pub fn a_dropped_delivery_is_not_sent(store: &dyn Store) {
    let run = State::of(1, Rank::Running);
    run.accept(store, "a", START);
    store.discard("a", START).unwrap();
    assert_eq!(status(store, "a"), Status::Dropped);
    assert_eq!(send_one(store, ROOM, at(1)), None);
    assert_eq!(run.accept(store, "b", at(1)).status, Status::Dropped);
    assert_eq!(store.retry("a", false, at(2)).unwrap().status, Status::Pending);
    let (lease, ..) = take_message(store, ROOM, "one", at(3));
    store.refuse(&lease, &attempt("refused", at(3)), at(3)).unwrap();
    store.discard("a", at(4)).unwrap();
    assert_eq!(store.retry("a", true, at(5)), Err(ActError::Conflict(Status::Dropped)));
}

/// Invariant 8, and transition 13.
pub fn nothing_owed_is_ever_forgotten(store: &dyn Store) {
    let far = START.plus(rules::TIMELESS * 2);
    State::of(1, Rank::Terminal).accept(store, "sent", START);
    send_one(store, ROOM, START).unwrap();
    State::of(2, Rank::Terminal).accept(store, "parked", START);
    let (lease, ..) = take_message(store, ROOM, "one", START);
    store.refuse(&lease, &attempt("refused", START), START).unwrap();
    State::of(3, Rank::Terminal).accept(store, "uncertain", START);
    let (lease, ..) = take_message(store, ROOM, "one", START);
    store.give_up(&lease, &attempt("uncertain", START), START).unwrap();
    State::of(4, Rank::Terminal).accept(store, "open", START);
    take_message(store, ROOM, "one", START);
    State::of(5, Rank::Terminal).accept(store, "pending", START);
    accept(store, unreadable("unreadable", 1, START), START);

    assert_eq!(store.purge(START.plus(RETENTION), 100), Ok(0));
    assert_eq!(store.purge(START.plus(RETENTION + Duration::from_secs(1)), 100), Ok(1), "what is unreadable");
    assert_eq!(store.purge(far, 1), Ok(1), "what is sent");
    assert_eq!(store.purge(far, 100), Ok(0));
    assert_eq!(store.show("sent").unwrap(), None);
    for id in ["parked", "uncertain", "open", "pending"] {
        assert!(store.show(id).unwrap().is_some(), "{id}");
    }
    let again = State::of(1, Rank::Queued).accept(store, "again", far);
    assert_eq!(again.outcome, Outcome::Accepted, "its subject is forgotten with it");
}

/// `GET /deliveries/{id}`.
pub fn a_life_shows_each_attempt_and_no_more_than_the_bound(store: &dyn Store) {
    State::of(1, Rank::Terminal).accept(store, "a", START);
    let content = store.show("a").unwrap().unwrap().content.unwrap();
    assert_eq!(content.line, "run 1 round 1 rank 2");
    for n in 0..rules::MAX_ATTEMPTS as u64 + 5 {
        let (lease, ..) = take_message(store, ROOM, "one", at(n));
        store.postpone(&lease, &attempt(&format!("try{n}"), at(n)), &later(at(n))).unwrap();
    }
    let message = store.show("a").unwrap().unwrap().message.unwrap();
    let results: Vec<_> = message.attempts.iter().map(|a| a.result.as_str()).collect();
    assert_eq!(results.len(), rules::MAX_ATTEMPTS);
    assert_eq!((results[0], results[9], results[10], results[19]), ("try0", "try9", "try15", "try24"));
    assert_eq!(message.members, ["a"]);
    send_one(store, ROOM, at(99)).unwrap();
    let life = store.show("a").unwrap().unwrap();
    assert_eq!(life.content, None, "what is said need not be kept");
    assert_eq!(life.message.unwrap().attempts.last().unwrap().took, Duration::from_millis(20));
    assert_eq!(life.delivery.facts.verified_by, "first-key");
}

/// `GET /deliveries`.
pub fn lists_are_filtered_and_paged(store: &dyn Store) {
    for run in 1..=5 {
        State::of(run, Rank::Running).accept(store, &format!("d{run}"), at(u64::from(run)));
    }
    accept(store, unreadable("u", 1, at(6)), at(6));
    send_one(store, ROOM, at(7)).unwrap();
    let ids = |filter: Filter| -> Vec<String> {
        store.list(&filter).unwrap().into_iter().map(|view| view.id).collect()
    };
    let all = Filter { limit: 10, ..Filter::default() };
    assert_eq!(ids(all.clone()), ["u", "d5", "d4", "d3", "d2", "d1"]);
    assert_eq!(ids(Filter { status: Some(Status::Sent), ..all.clone() }), ["d1"]);
    assert_eq!(ids(Filter { status: Some(Status::Unreadable), ..all.clone() }), ["u"]);
    assert_eq!(ids(Filter { run: Some("run-of-d4".to_owned()), ..all.clone() }), ["d4"]);
    assert_eq!(ids(Filter { correlation_id: Some("c-d2".to_owned()), ..all.clone() }), ["d2"]);
    assert_eq!(ids(Filter { source: Some("gitlab".to_owned()), ..all.clone() }), [""; 0]);
    assert_eq!(ids(Filter { state: Some("running".to_owned()), limit: 2, ..all.clone() }), ["u", "d5"]);
    let before = store.list(&all).unwrap()[2].seq;
    assert_eq!(ids(Filter { before: Some(before), limit: 2, ..all }), ["d3", "d2"]);
}

/// What `/readyz` and the metrics say.
pub fn totals_count_what_is_owed(store: &dyn Store) {
    assert_eq!(store.totals().unwrap().rooms, []);
    State::of(1, Rank::Terminal).accept(store, "a", START);
    State::of(2, Rank::Terminal).accept(store, "b", at(1));
    let (lease, ..) = take_message(store, ROOM, "one", at(2));
    let room = &store.totals().unwrap().rooms[0];
    assert_eq!((room.waiting, room.oldest, &*room.room), (2, Some(START), ROOM));
    store.refuse(&lease, &attempt("refused", at(3)), at(3)).unwrap();
    let totals = store.totals().unwrap();
    assert_eq!((totals.rooms[0].waiting, totals.rooms[0].oldest, totals.parked), (1, Some(at(1)), 1));
}

/// A digest: its members share one message, one event and one fate.
pub fn members_of_a_digest_share_its_fate(store: &dyn Store) {
    for (id, state) in [
        ("a", State::of(1, Rank::Queued)),
        ("b", State::of(2, Rank::Terminal)),
        ("c", State::of(1, Rank::Terminal)),
    ] {
        state.accept(store, id, START);
    }
    let Taken::Message { message, fresh: true, .. } = take_by(store, ROOM, "one", at(1), &together) else {
        panic!("nothing was frozen");
    };
    assert_eq!(message.body.lines().count(), 2, "what was overtaken is not shown: {}", message.body);
    for id in ["a", "b", "c"] {
        assert_eq!(status(store, id), Status::InMessage);
    }
    store.settle(message.id, "$digest", &attempt("sent", at(2)), at(2)).unwrap();
    for id in ["a", "b", "c"] {
        let life = store.show(id).unwrap().unwrap();
        assert_eq!(
            (life.delivery.status, life.delivery.event_id.as_deref()),
            (Status::Sent, Some("$digest"))
        );
        assert_eq!(life.message.unwrap().members, ["a", "b", "c"]);
    }
    assert_eq!(send_one(store, ROOM, at(3)), None);
}

/// One bad line must not park twenty.
pub fn a_refused_digest_is_split_into_singles(store: &dyn Store) {
    for run in 1..=3 {
        State::of(run, Rank::Terminal).accept(store, &format!("d{run}"), START);
    }
    let Taken::Message { lease, message, .. } = take_by(store, ROOM, "one", at(1), &together) else {
        panic!("nothing was frozen");
    };
    assert_eq!(store.refuse(&lease, &attempt("refused", at(2)), at(2)), Ok(Refused::Split));
    State::of(4, Rank::Terminal).accept(store, "d4", at(3));
    let offered = std::cell::RefCell::new(Vec::new());
    let look = |queue: &Queue| {
        offered.borrow_mut().extend(queue.candidates.iter().map(|candidate| candidate.solo));
        alone(queue)
    };
    let Taken::Message { message: single, .. } = take_by(store, ROOM, "one", at(3), &look) else {
        panic!("nothing was frozen");
    };
    assert_eq!(*offered.borrow(), [true, true, true, false]);
    assert_eq!(single.body.lines().count(), 1);
    assert_ne!(single.txn, message.txn);
    let statuses = [1, 2, 3].map(|n| status(store, &format!("d{n}")));
    assert_eq!(statuses, [Status::InMessage, Status::Pending, Status::Pending]);
}

/// A plan that chooses nothing, or what is not there, does not stop the room.
pub fn a_plan_without_sense_takes_the_oldest(store: &dyn Store) {
    State::of(1, Rank::Terminal).accept(store, "a", START);
    State::of(2, Rank::Terminal).accept(store, "b", START);
    for _ in 0..2 {
        let wild = |_: &Queue| vec![Pick { seq: 1 << 40, shown: true }];
        let Taken::Message { message, .. } = take_by(store, ROOM, "one", at(1), &wild) else {
            panic!("nothing was frozen");
        };
        store.settle(message.id, &format!("$e{}", message.id), &attempt("sent", at(1)), at(1)).unwrap();
    }
    assert_eq!([status(store, "a"), status(store, "b")], [Status::Sent, Status::Sent]);
}

/// Members of a digest end at once, and a step may forget some of them only.
pub fn a_subject_is_known_until_the_last_of_it_is_forgotten(store: &dyn Store) {
    State::of(1, Rank::Queued).accept(store, "queued", START);
    State::of(1, Rank::Terminal).accept(store, "end", START);
    let Taken::Message { message, .. } = take_by(store, ROOM, "one", START, &together) else {
        panic!("nothing was frozen");
    };
    store.settle(message.id, "$digest", &attempt("sent", START), START).unwrap();
    let far = START.plus(rules::TIMELESS * 2);
    assert_eq!(store.purge(far, 1), Ok(1));
    assert_eq!(store.show("queued").unwrap(), None);
    assert_eq!(store.audit(&|_| None).unwrap().breaches, []);
    assert_eq!(State::of(1, Rank::Running).accept(store, "late", far).outcome, Outcome::Superseded);
    store.purge(far.plus(rules::TIMELESS * 2), 100).unwrap();
    assert_eq!(store.audit(&|_| None).unwrap().looked_at.subjects, 0);
}

/// What was refused and said again leaves nothing behind: the same key may come again once its mark is forgotten.
pub fn a_key_can_be_said_again_after_its_mark(store: &dyn Store) {
    let run = State::of(1, Rank::Terminal);
    for day in [0, 1000] {
        let now = START.plus(Duration::from_secs(day * 86_400));
        run.accept(store, &format!("first{day}"), now);
        let (lease, ..) = take_message(store, ROOM, "one", now);
        store.refuse(&lease, &attempt("refused", now), now).unwrap();
        assert_eq!(run.accept(store, &format!("again{day}"), now).status, Status::Pending);
        send_one(store, ROOM, now).unwrap();
        assert_eq!(store.purge(now.plus(rules::TIMELESS * 2), 100), Ok(1));
    }
}

/// A message that was taken for refused turns out to be in the room, before its delivery has gone out again.
pub fn a_late_success_settles_what_still_waits(store: &dyn Store) {
    State::of(1, Rank::Terminal).accept(store, "a", START);
    let (lease, message, _) = take_message(store, ROOM, "one", START);
    store.refuse(&lease, &attempt("refused", START), START).unwrap();
    store.retry("a", false, at(1)).unwrap();
    store.settle(message.id, "$a", &attempt("sent", at(2)), at(2)).unwrap();
    assert_eq!(status(store, "a"), Status::Sent);
    assert_eq!(send_one(store, ROOM, at(3)), None);
}

/// Who writes an uncertain digest off frees all that is in it.
pub fn an_uncertain_digest_is_written_off_whole(store: &dyn Store) {
    for run in 1..=3 {
        State::of(run, Rank::Running).accept(store, &format!("d{run}"), START);
    }
    let Taken::Message { lease, .. } = take_by(store, ROOM, "one", at(1), &together) else {
        panic!("nothing was frozen");
    };
    store.give_up(&lease, &attempt("uncertain", at(2)), at(2)).unwrap();
    store.discard("d3", at(3)).unwrap();
    State::of(2, Rank::Terminal).accept(store, "end", at(3));
    assert_eq!(store.retry("d1", true, at(4)).unwrap().outcome, Outcome::Accepted);
    let statuses = ["d1", "d2", "d3", "end"].map(|id| status(store, id));
    assert_eq!(statuses, [Status::Pending, Status::Superseded, Status::Dropped, Status::Pending]);
}

/// A body that nobody understood and an operator gave up can still be read again.
pub fn a_dropped_body_can_be_read_again(store: &dyn Store) {
    accept(store, unreadable("u", 1, START), START);
    store.discard("u", at(1)).unwrap();
    assert!(store.raw("u").unwrap().is_some());
    let run = State::of(1, Rank::Terminal);
    assert_eq!(store.readmit("u", run.delivery("x", at(2)), at(2)).unwrap().status, Status::Pending);
    assert_eq!(store.raw("u").unwrap(), None);
}

/// Read again, a body says what was parked, and what its run has left behind since.
pub fn what_is_read_again_may_be_known_and_overtaken(store: &dyn Store) {
    let first = State::of(1, Rank::Queued);
    first.accept(store, "parked", START);
    let (lease, ..) = take_message(store, ROOM, "one", START);
    store.refuse(&lease, &attempt("refused", START), START).unwrap();
    State::of(1, Rank::Running).accept(store, "later", at(1));
    accept(store, unreadable("u", 1, at(1)), at(1));
    let again = store.readmit("u", first.delivery("x", at(2)), at(2)).unwrap();
    assert_eq!((again.outcome, &*again.delivery), (Outcome::Superseded, "parked"));
    let statuses = ["parked", "later", "u"].map(|id| status(store, id));
    assert_eq!(statuses, [Status::Superseded, Status::Pending, Status::Ignored]);
}

/// Invariant 6: what has to be alone keeps its place before what came later about the same.
pub fn a_plan_cannot_turn_a_subject_around(store: &dyn Store) {
    State::of(1, Rank::Queued).accept(store, "queued", START);
    State::of(2, Rank::Terminal).accept(store, "other", START);
    let Taken::Message { lease, .. } = take_by(store, ROOM, "one", at(1), &together) else {
        panic!("nothing was frozen");
    };
    store.refuse(&lease, &attempt("refused", at(1)), at(1)).unwrap();
    State::of(1, Rank::Terminal).accept(store, "terminal", at(2));
    State::of(3, Rank::Terminal).accept(store, "third", at(2));
    let Taken::Message { .. } = take_by(store, ROOM, "one", at(2), &together) else {
        panic!("nothing was frozen");
    };
    let statuses = ["queued", "other", "terminal", "third"].map(|id| status(store, id));
    assert_eq!(statuses, [Status::Pending, Status::Pending, Status::Pending, Status::InMessage]);
}
