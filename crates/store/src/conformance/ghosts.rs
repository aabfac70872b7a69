//! Machines that speak for themselves.

use super::fixture::*;
use crate::{Enrolled, GhostView, Negative, Queue, Rank, Status, Store, Taken, Voice, rules};

const GHOST: &str = "@bot_mac-1:example.org";
const OTHER: &str = "@bot_mac-2:example.org";

fn voice(speaker: &str) -> Voice {
    Voice::Ghost(format!("@bot_{speaker}:example.org"))
}

fn sender(taken: Taken) -> String {
    match taken {
        Taken::Message { message, .. } => message.sender,
        other => panic!("a message was expected, there was {other:?}"),
    }
}

fn take_spoken(store: &dyn Store, seconds: u64, plan: &dyn Fn(&Queue) -> Vec<crate::Pick>) -> Taken {
    take_as(store, ROOM, "one", at(seconds), plan, &voice)
}

/// The sender is fixed at freeze.
pub fn a_machine_says_what_it_has_to_say(store: &dyn Store) {
    State::of(1, Rank::Running).by("mac-1").accept(store, "a", START);
    State::of(2, Rank::Running).by("mac-2").accept(store, "b", START);
    State::of(3, Rank::Running).accept(store, "c", START);
    assert_eq!(sender(take_spoken(store, 1, &alone)), GHOST);
    assert_eq!(sender(take(store, ROOM, "one", at(2))), GHOST, "whatever is asked later");
    for expected in [GHOST, OTHER, &bot().user] {
        let Taken::Message { message, .. } = take_spoken(store, 3, &alone) else { panic!("nothing there") };
        assert_eq!(message.sender, expected);
        store.settle(message.id, "$event", &attempt("sent", at(3)), at(3)).unwrap();
    }
}

/// Ready before freeze: what is not known decides nothing.
pub fn nothing_is_frozen_for_who_may_not_be_able_to_speak(store: &dyn Store) {
    State::of(1, Rank::Running).by("mac-1").accept(store, "a", START);
    let unknown = |_: &str| Voice::Unknown;
    let taken = take_as(store, ROOM, "one", at(1), &alone, &unknown);
    assert_eq!(taken, Taken::Unprepared { speaker: "mac-1".to_owned() });
    assert_eq!(store.show("a").unwrap().unwrap().delivery.status, Status::Pending);
    assert_eq!(sender(take(store, ROOM, "one", at(2))), bot().user);
}

/// A digest speaks for several.
pub fn what_is_said_together_is_the_senders(store: &dyn Store) {
    for run in 1..=2 {
        State::of(run, Rank::Terminal).by("mac-1").accept(store, &format!("d{run}"), START);
    }
    let Taken::Message { message, .. } = take_spoken(store, 1, &together) else { panic!("nothing there") };
    assert_eq!(message.sender, bot().user);
    store.settle(message.id, "$digest", &attempt("sent", at(1)), at(1)).unwrap();
    State::of(3, Rank::Queued).by("mac-1").accept(store, "overtaken", at(2));
    State::of(3, Rank::Terminal).by("mac-2").accept(store, "shown", at(2));
    assert_eq!(sender(take_spoken(store, 3, &together)), OTHER, "what is shown alone is said by its machine");
}

/// A 429 is about a sender: another may go on.
pub fn a_machine_that_is_limited_waits_alone(store: &dyn Store) {
    State::of(1, Rank::Running).by("mac-1").accept(store, "a", START);
    State::of(2, Rank::Running).by("mac-2").room("!other").accept(store, "b", START);
    let Taken::Message { lease, .. } = take_spoken(store, 1, &alone) else { panic!("nothing there") };
    let negative = Negative { due: None, hold: None, gate: Some(at(60)) };
    store.postpone(&lease, &attempt("limited", at(1)), &negative).unwrap();
    assert_eq!(take_spoken(store, 2, &alone), Taken::Nothing { until: Some(at(60)) });
    let there = take_as(store, "!other", "one", at(2), &alone, &voice);
    assert_eq!(sender(there), OTHER);
    let again = take_spoken(store, 60, &alone);
    assert_eq!(sender(again), GHOST);
}

/// And nothing is frozen for it while it waits.
pub fn nothing_is_frozen_for_a_machine_that_is_limited(store: &dyn Store) {
    State::of(1, Rank::Running).by("mac-1").accept(store, "a", START);
    let Taken::Message { lease, message, .. } = take_spoken(store, 1, &alone) else {
        panic!("nothing there")
    };
    let negative = Negative { due: None, hold: None, gate: Some(at(60)) };
    store.postpone(&lease, &attempt("limited", at(1)), &negative).unwrap();
    store.settle(message.id, "$late", &attempt("sent", at(2)), at(2)).unwrap();
    State::of(1, Rank::Terminal).by("mac-1").accept(store, "b", at(3));
    assert_eq!(take_spoken(store, 4, &alone), Taken::Nothing { until: Some(at(60)) });
    assert_eq!(sender(take_spoken(store, 60, &alone)), GHOST);
}

/// Delivery.md, 7: hopeless, and certainly not in the room.
pub fn what_a_machine_cannot_say_is_said_by_the_sender(store: &dyn Store) {
    State::of(1, Rank::Running).by("mac-1").accept(store, "a", START);
    let Taken::Message { lease, message: first, .. } = take_spoken(store, 1, &alone) else { panic!() };
    assert_eq!(store.hand_over(&lease, &attempt("forbidden", at(61)), at(61)), Ok(true));
    assert_eq!(store.hand_over(&lease, &attempt("forbidden", at(61)), at(61)), Ok(false), "it is done");
    let Taken::Message { message: second, fresh: true, .. } = take_spoken(store, 62, &alone) else {
        panic!()
    };
    assert_eq!((second.sender, second.body), (bot().user, first.body));
    assert_ne!(second.txn, first.txn);
    store.settle(second.id, "$event", &attempt("sent", at(63)), at(63)).unwrap();
    assert_eq!(store.show("a").unwrap().unwrap().delivery.status, Status::Sent);
    State::of(1, Rank::Terminal).by("mac-1").accept(store, "b", at(64));
    assert_eq!(sender(take_spoken(store, 65, &alone)), GHOST, "it is about one message");
}

/// A message may only relate to an event of the same sender.
pub fn a_machine_relates_to_its_own_events_alone(store: &dyn Store) {
    let relates_to = |seconds, id: &str, state: State| {
        state.accept(store, id, at(seconds));
        let Taken::Message { message, .. } = take_spoken(store, seconds, &alone) else { panic!() };
        let event = format!("$of-{id}");
        store.settle(message.id, &event, &attempt("sent", at(seconds)), at(seconds)).unwrap();
        message.relates_to
    };
    assert_eq!(relates_to(1, "a", State::of(1, Rank::Queued)), None);
    assert_eq!(relates_to(2, "b", State::of(1, Rank::Running).by("mac-1")), None);
    let end = State::of(1, Rank::Terminal).by("mac-1");
    assert_eq!(relates_to(3, "c", end).as_deref(), Some("$of-b:1"));
}

/// A room that may not be written to is known to be one before there is anything to say.
pub fn a_room_is_held_without_a_message(store: &dyn Store) {
    store.pin(&bot(), START).unwrap();
    store.hold(ROOM, Some("we were removed"), START).unwrap();
    store.hold(ROOM, Some("the room is encrypted"), at(1)).unwrap();
    let held = || store.totals().unwrap().rooms.into_iter().find_map(|room| room.hold);
    assert_eq!(
        held(),
        Some(("the room is encrypted".to_owned(), START)),
        "since when it cannot be written to"
    );
    assert_eq!(take(store, ROOM, "one", at(2)), Taken::Held);
    State::of(1, Rank::Running).accept(store, "a", at(2));
    assert_eq!(take(store, ROOM, "one", at(3)), Taken::Held);
    store.hold(ROOM, None, at(4)).unwrap();
    assert_eq!(held(), None);
    take_message(store, ROOM, "one", at(5));
}

/// What is in hand goes out, or does not, by the homeserver's answer.
pub fn a_hold_lets_what_is_in_hand_be(store: &dyn Store) {
    State::of(1, Rank::Running).accept(store, "a", START);
    let (_, message, _) = take_message(store, ROOM, "one", START);
    store.hold(ROOM, Some("we were removed"), START).unwrap();
    let (_, again, fresh) = take_message(store, ROOM, "one", at(1));
    assert_eq!((again.id, fresh), (message.id, false));
    store.settle(message.id, "$event", &attempt("sent", at(1)), at(1)).unwrap();
    assert_eq!(store.totals().unwrap().rooms[0].hold, None);
}

/// Who was let in again need not wait until the room would have been tried. What waits for another reason waits.
pub fn what_is_in_hand_in_a_held_room_can_be_hurried(store: &dyn Store) {
    let is_due = |second| matches!(take(store, ROOM, "one", at(second)), Taken::Message { .. });
    State::of(1, Rank::Running).accept(store, "a", START);
    let (lease, ..) = take_message(store, ROOM, "one", START);
    store.postpone(&lease, &attempt("unknown", START), &later(at(100))).unwrap();
    store.hurry(ROOM, at(1)).unwrap();
    assert!(!is_due(2));
    let (lease, ..) = take_message(store, ROOM, "one", at(100));
    let held = Negative { hold: Some("we were removed".to_owned()), ..later(at(400)) };
    store.postpone(&lease, &attempt("forbidden", at(100)), &held).unwrap();
    assert!(!is_due(101));
    store.hurry("!other", at(102)).unwrap();
    assert!(!is_due(102));
    store.hurry(ROOM, at(103)).unwrap();
    assert!(is_due(103));
}

/// What is on record before it is made bounds what is ever made.
pub fn there_are_no_more_machines_users_than_may_be(store: &dyn Store) {
    let enrol = |user: &str, room: &str| store.enrol(user, room, "D", 2).unwrap();
    assert_eq!(enrol("@a", ROOM), Enrolled::Unready);
    assert_eq!(enrol("@a", ROOM), Enrolled::Unready);
    assert_eq!(enrol("@b", ROOM), Enrolled::Unready);
    assert_eq!(enrol("@c", ROOM), Enrolled::TooMany);
    assert_eq!(enrol("@b", "!other"), Enrolled::Unready, "a room more is no user more");
    store.set_ready("@a", ROOM, true).unwrap();
    assert_eq!(enrol("@a", ROOM), Enrolled::Ready);
    assert_eq!(enrol("@a", "!other"), Enrolled::Unready);
    assert_eq!(store.enrol("@a", ROOM, "NEW", 2), Ok(Enrolled::Unready), "another device has yet to be made");
    store.set_ready("@b", ROOM, true).unwrap();
    store.set_ready("@b", ROOM, false).unwrap();
    assert_eq!(enrol("@b", ROOM), Enrolled::Unready);
    store.set_ready("@nobody", ROOM, true).unwrap();
    store.set_ready("@b", "!other", true).unwrap();
    let view = |user: &str, room: &str, ready| GhostView { user: user.into(), room: room.into(), ready };
    let all = [
        view("@a", ROOM, false),
        view("@a", "!other", false),
        view("@b", ROOM, false),
        view("@b", "!other", true),
    ];
    assert_eq!(store.ghosts().unwrap(), all);
    assert_eq!(store.enrol("@c", ROOM, "D", 3), Ok(Enrolled::Unready), "more may be allowed later");
    assert_eq!(store.enrol("@d", ROOM, "D", 0), Ok(Enrolled::TooMany));
}

/// A lease that is outdated hands nothing over.
pub fn who_lost_its_lease_hands_nothing_over(store: &dyn Store) {
    State::of(1, Rank::Running).by("mac-1").accept(store, "a", START);
    let Taken::Message { lease, .. } = take_spoken(store, 0, &alone) else { panic!("nothing there") };
    let later = at(0).plus(rules::LEASE * 2);
    let taken = take_as(store, ROOM, "two", later, &alone, &voice);
    assert_eq!(sender(taken), GHOST);
    assert_eq!(store.hand_over(&lease, &attempt("forbidden", later), later), Ok(false));
}
