//! Sources that are heard of changes alone.

use std::time::Duration;

use super::cases::status;
use super::fixture::*;
use crate::{Accepted, Change, Outcome, Rank, Status, Store, Trend, rules};

/// How the only branch ended in a run.
fn ended(run: u8, well: bool, word: &str) -> State {
    State::of(run, Rank::Terminal).ends(1, well, word)
}

/// What the answer says: the outcome, and the reason or nothing.
fn told(answer: &Accepted) -> (Outcome, Option<&str>) {
    (answer.outcome, answer.reason.as_deref())
}

const SAID: (Outcome, Option<&str>) = (Outcome::Accepted, None);
const FAILING: (Outcome, Option<&str>) = (Outcome::Ignored, Some("still_failing"));
const UNCHANGED: (Outcome, Option<&str>) = (Outcome::Ignored, Some("unchanged"));

/// Each in the order of acceptance, whatever the runs' numbers.
pub fn only_what_changes_is_said(store: &dyn Store) {
    for (run, well, word, answer, said) in [
        (9, true, "", UNCHANGED, ""),
        (2, false, "", SAID, "broken:0"),
        (3, false, "", FAILING, ""),
        (1, false, "timedout", SAID, "still_failing:20"),
        (5, true, "", SAID, "fixed:30"),
        (6, true, "", UNCHANGED, ""),
        (7, true, "unstable", SAID, ""),
    ] {
        let now = at(10 * if run == 1 { 4 } else { u64::from(run) });
        let got = ended(run, well, word).accept(store, &format!("run{run}"), now);
        let now = at(100 + u64::from(run));
        assert_eq!(told(&got), answer, "run {run}");
        let body = format!(r#"{{"body":"run {run} round 1 rank 2 {said}"}}"#);
        let expected = (answer == SAID).then_some(body);
        assert_eq!(send_one(store, ROOM, now), expected, "run {run}");
    }
    let quiet = store.show("run3").unwrap().unwrap();
    assert_eq!((quiet.delivery.status, quiet.content), (Status::Ignored, None));
    let news = quiet.delivery.news.expect("it is known to go on");
    assert_eq!((news.trend, news.since), (Trend::StillFailing, at(20)));
    assert_eq!(store.audit(&shown_keys).unwrap().breaches, []);
}

/// A first failure is said, and means nothing to a branch that nobody knew.
pub fn branches_are_compared_each_with_itself(store: &dyn Store) {
    for branch in [1, 2] {
        let first = State::of(branch, Rank::Terminal).ends(branch, false, "");
        assert_eq!(told(&first.accept(store, &format!("first{branch}"), START)), SAID);
        let body = format!(r#"{{"body":"run {branch} round 1 rank 2 "}}"#);
        assert_eq!(send_one(store, ROOM, START), Some(body));
    }
    let again = State::of(3, Rank::Terminal).ends(1, false, "").accept(store, "again", at(1));
    assert_eq!(told(&again), FAILING);
    let plain = State::of(4, Rank::Terminal).accept(store, "plain", at(2));
    assert_eq!(told(&plain), SAID, "what is not to be compared is not");
}

/// Exact within one transaction, too.
pub fn a_batch_compares_its_own_members(store: &dyn Store) {
    let endings = [(1, false, "a"), (1, false, "b"), (2, false, "c"), (3, true, "d"), (4, true, "e")];
    let batch = endings.map(|(run, well, id)| ended(run, well, "").delivery(id, START));
    let answers = store.accept(batch.into(), START).unwrap();
    let answers: Vec<_> = answers.iter().map(|answer| told(answer.as_ref().unwrap())).collect();
    assert_eq!(answers, [SAID, (Outcome::Duplicate, None), FAILING, SAID, UNCHANGED]);
}

/// A redelivery is known by its mark, also of what was not said, and changes nothing that came since.
pub fn a_redelivery_is_never_compared_again(store: &dyn Store) {
    ended(1, false, "").accept(store, "broke", START);
    ended(2, false, "").accept(store, "silent", at(1));
    ended(3, true, "").accept(store, "fixed", at(2));
    for (run, well, id, status) in [
        (1, false, "broke", Status::Pending),
        (2, false, "silent", Status::Ignored),
        (3, true, "fixed", Status::Pending),
    ] {
        let again = ended(run, well, "").accept(store, "again", at(3));
        assert_eq!((again.outcome, &*again.delivery, again.status), (Outcome::Duplicate, id, status));
    }
    assert_eq!(told(&ended(4, true, "").accept(store, "well", at(4))), UNCHANGED);
    let broken = ended(5, false, "").accept(store, "broken", at(5));
    assert_eq!(told(&broken), SAID);
    let news = store.show("broken").unwrap().unwrap().delivery.news.unwrap();
    assert_eq!((news.trend, news.since), (Trend::Broken, at(5)));
}

/// As long as any other: neither the bound of what is ignored nor a look for what has expired ends it before its time.
pub fn what_changes_nothing_keeps_its_mark(store: &dyn Store) {
    let silent = ended(1, true, "");
    assert_eq!(told(&silent.accept(store, "silent", START)), UNCHANGED);
    let sent = State::of(2, Rank::Terminal);
    sent.accept(store, "sent", START);
    send_one(store, ROOM, START).unwrap();
    for number in 0..=u16::try_from(rules::MAX_ASIDE_ROWS).unwrap() {
        let new = unreadable(&format!("i{number}"), number, START);
        accept(store, crate::NewDelivery { purport: crate::Purport::Ignored("unit".into()), ..new }, START);
    }
    assert_eq!(store.totals().unwrap().evicted, 1);
    assert_eq!(store.show("i0").unwrap(), None);
    let view = |id| store.show(id).unwrap().map(|life| life.delivery);
    let end = view("silent").expect("its mark stays").expires_at.expect("it is final");
    assert_eq!(Some(end), view("sent").unwrap().expires_at);
    store.purge(end, 2000).unwrap();
    assert_eq!(silent.accept(store, "again", end).outcome, Outcome::Duplicate);
    store.purge(end.plus(Duration::from_millis(1)), 2000).unwrap();
    assert_eq!(view("silent"), None);
}

/// Its end is known to the subject: what comes late is superseded as behind any other.
pub fn what_changes_nothing_has_come_as_far(store: &dyn Store) {
    ended(1, true, "").accept(store, "silent", START);
    let late = State::of(1, Rank::Running).accept(store, "late", at(1));
    assert_eq!(late.outcome, Outcome::Superseded);
    assert_eq!(told(&ended(1, true, "").round(2).accept(store, "rerun", at(2))), UNCHANGED);
}

/// What was found when it was accepted is what it says, whenever and however often.
pub fn what_is_owed_again_is_not_compared_again(store: &dyn Store) {
    ended(1, true, "").accept(store, "well", START);
    let broke = ended(2, false, "");
    broke.accept(store, "broke", at(1));
    let park = |now| {
        let (lease, ..) = take_message(store, ROOM, "one", now);
        store.refuse(&lease, &attempt("refused", now), now).unwrap();
    };
    park(at(2));
    assert_eq!(told(&ended(3, true, "").accept(store, "well again", at(3))), UNCHANGED, "nobody heard of it");
    let revived = broke.accept(store, "again", at(4));
    assert_eq!((revived.outcome, &*revived.delivery), (Outcome::Accepted, "broke"));
    park(at(5));
    assert_eq!(store.retry("broke", false, at(6)).unwrap().outcome, Outcome::Accepted);
    let body = send_one(store, ROOM, at(7)).unwrap();
    assert_eq!(body, r#"{"body":"run 2 round 1 rank 2 broken:0"}"#);
    assert_eq!(told(&ended(4, true, "").accept(store, "and again", at(8))), UNCHANGED);
}

/// A failure that the homeserver refuses, or that an operator gives up, has told nobody: the next one is said.
pub fn what_nobody_heard_of_is_said_again(store: &dyn Store) {
    ended(1, false, "").accept(store, "refused", START);
    let (lease, ..) = take_message(store, ROOM, "one", START);
    store.refuse(&lease, &attempt("refused", START), START).unwrap();
    assert_eq!(told(&ended(2, false, "").accept(store, "given up", at(1))), SAID);
    assert_eq!(told(&ended(3, false, "").accept(store, "silent", at(2))), FAILING);
    store.discard("given up", at(3)).unwrap();
    assert_eq!(told(&ended(4, false, "").accept(store, "said", at(4))), SAID);
    assert_eq!(told(&ended(5, false, "timedout").accept(store, "else", at(5))), SAID);
    store.discard("said", at(6)).unwrap();
    assert_eq!(
        told(&ended(6, false, "timedout").accept(store, "goes on", at(7))),
        FAILING,
        "that was said since"
    );
}

/// What is too old to be news changes nothing, until an operator has it read again.
pub fn a_stale_ending_is_compared_when_it_is_readmitted(store: &dyn Store) {
    let old = ended(1, false, "").newest(START.minus(RETENTION * 2));
    assert_eq!(old.accept(store, "old", START).status, Status::Stale);
    let older = ended(2, false, "").newest(START.minus(RETENTION * 2));
    assert_eq!(older.accept(store, "older", START).status, Status::Stale);
    assert_eq!(told(&ended(3, true, "").accept(store, "well", at(1))), UNCHANGED);
    let again = store.readmit("old", old.delivery("unused", at(2)), at(2)).unwrap();
    assert_eq!((again.outcome, &*again.delivery), (Outcome::Accepted, "old"));
    assert_eq!(send_one(store, ROOM, at(3)).unwrap(), r#"{"body":"run 1 round 1 rank 2 broken:0"}"#);
    let again = store.readmit("older", older.delivery("unused", at(4)), at(4)).unwrap();
    assert_eq!((told(&again), &*again.delivery), (FAILING, "older"));
    assert_eq!((status(store, "older"), send_one(store, ROOM, at(5))), (Status::Ignored, None));
    assert_eq!(ended(2, false, "").accept(store, "third", at(6)).outcome, Outcome::Duplicate);
}

/// What another filter keeps from the room is remembered: the next is told by it.
pub fn what_is_muted_is_remembered(store: &dyn Store) {
    ended(1, false, "").accept(store, "broke", START);
    let mut fixed = ended(2, true, "");
    fixed.change = fixed.change.map(|change| Change { muted: Some("state".to_owned()), ..change });
    assert_eq!(told(&fixed.accept(store, "fixed", at(1))), (Outcome::Ignored, Some("state")));
    assert_eq!(told(&ended(3, false, "").accept(store, "broke again", at(2))), SAID);
}

/// 90 days after a branch was heard of last, whether anybody tidied up or not.
pub fn an_ending_is_forgotten_after_its_time(store: &dyn Store) {
    let later = |span| START.plus(rules::REMEMBERED).plus(span);
    let day = Duration::from_secs(24 * 3600);
    ended(1, false, "").accept(store, "broke", START.minus(day));
    ended(2, false, "").accept(store, "goes on", START);
    store.purge(later(Duration::ZERO), 100).unwrap();
    assert_eq!(told(&ended(3, false, "").accept(store, "in time", later(Duration::ZERO))), FAILING);
    let end = later(Duration::ZERO).plus(rules::REMEMBERED);
    store.purge(end, 100).unwrap();
    assert_eq!(store.purge(end.plus(day), 100), Ok(1), "what is remembered of the branch, and nothing else");
    assert_eq!(told(&ended(4, false, "").accept(store, "late", end.plus(day))), SAID);
    assert_eq!(store.show("late").unwrap().unwrap().delivery.news, None);
    let untidied = end.plus(day).plus(rules::REMEMBERED).plus(Duration::from_millis(1));
    assert_eq!(told(&ended(5, false, "").accept(store, "later", untidied)), SAID);
}

/// For a store that was told to let two wait for a room: what is not taken in is not remembered.
pub fn a_full_room_changes_nothing(store: &dyn Store) {
    State::of(1, Rank::Terminal).accept(store, "a", START);
    State::of(2, Rank::Terminal).accept(store, "b", START);
    let broke = || ended(3, false, "").delivery("broke", START);
    let refused = store.accept(vec![broke()], START).unwrap().remove(0);
    assert!(matches!(refused, Err(crate::StoreError::RoomFull { .. })), "{refused:?}");
    assert_eq!(told(&ended(4, true, "").accept(store, "well", START)), UNCHANGED, "it needs no room");
    send_one(store, ROOM, at(1)).unwrap();
    assert_eq!(told(&accept(store, broke(), at(2))), SAID);
    assert_eq!(store.show("broke").unwrap().unwrap().delivery.news.unwrap().trend, Trend::Broken);
}
