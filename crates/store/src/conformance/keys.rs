//! When keys last verified a delivery.

use std::time::Duration;

use super::fixture::*;
use crate::{Facts, KeyUse, Moment, NewDelivery, Outcome, Rank, Status, Store, rules};

fn by(key: &str, new: NewDelivery) -> NewDelivery {
    NewDelivery { facts: Facts { verified_by: key.to_owned(), ..new.facts }, ..new }
}

fn from(source: &str, new: NewDelivery) -> NewDelivery {
    NewDelivery { source: source.to_owned(), ..new }
}

fn used(store: &dyn Store) -> Vec<(String, String, Moment, String)> {
    let uses = store.key_uses().unwrap().into_iter();
    uses.map(|KeyUse { source, key, last_used, delivery }| (source, key, last_used, delivery)).collect()
}

fn expected<const N: usize>(uses: [(&str, &str, Moment, &str); N]) -> Vec<(String, String, Moment, String)> {
    let owned = |(source, key, at, id): (&str, &str, Moment, &str)| {
        (source.to_owned(), key.to_owned(), at, id.to_owned())
    };
    uses.map(owned).to_vec()
}

/// Whatever becomes of it; of what came before, the delivery is the first one.
pub fn a_key_is_used_by_whatever_it_verified_last(store: &dyn Store) {
    assert_eq!(store.key_uses().unwrap(), []);
    let run = State::of(1, Rank::Running);
    accept(store, by("old", run.delivery("first", START)), START);
    accept(store, by("new", naming("ignored", &run, "mac-1", at(1))), at(1));
    accept(store, from("builds", by("old", unreadable("unreadable", 1, at(2)))), at(2));
    let so_far = [("builds", "old", at(2), "unreadable"), ("github", "new", at(1), "ignored")];
    assert_eq!(used(store), expected([so_far[0], so_far[1], ("github", "old", START, "first")]));

    let again = accept(store, by("old", run.delivery("again", at(3))), at(3));
    assert_eq!(again.outcome, Outcome::Duplicate);
    assert_eq!(used(store), expected([so_far[0], so_far[1], ("github", "old", at(3), "first")]));
    let old = State::of(2, Rank::Running).newest(START.minus(RETENTION * 2));
    assert_eq!(accept(store, by("new", old.delivery("stale", at(4))), at(4)).status, Status::Stale);
    assert_eq!(used(store)[1], expected([("github", "new", at(4), "stale")])[0]);
}

/// What is read again was verified long ago.
pub fn an_operators_order_uses_no_key(store: &dyn Store) {
    accept(store, unreadable("d", 1, START), START);
    let before = used(store);
    store.readmit("d", State::of(1, Rank::Running).delivery("d", at(9)), at(9)).unwrap();
    assert_eq!(used(store), before);
}

/// Each with the last of its own.
pub fn the_keys_of_a_batch_are_used_at_once(store: &dyn Store) {
    let of = |run, key, id, second| by(key, State::of(run, Rank::Running).delivery(id, at(second)));
    let batch = vec![of(1, "old", "a", 1), of(2, "new", "b", 2), of(3, "old", "c", 3)];
    let answers = store.accept(batch, at(4)).unwrap();
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(used(store), expected([("github", "new", at(2), "b"), ("github", "old", at(3), "c")]));
}

/// Who asks whether an old key can go asks long after its last use.
pub fn a_key_is_remembered_longer_than_what_it_verified(store: &dyn Store) {
    accept(store, by("old", naming("d", &State::of(1, Rank::Running), "mac-1", START)), START);
    store.purge(START.plus(rules::UNUSED), 100).unwrap();
    assert_eq!(store.show("d").unwrap(), None);
    assert_eq!(used(store), expected([("github", "old", START, "d")]));
    let purged = store.purge(START.plus(rules::UNUSED + Duration::from_millis(1)), 100).unwrap();
    assert_eq!((purged, used(store)), (1, vec![]));
}

/// A configuration that is changed every day leaves no list without end.
pub fn the_keys_that_were_unused_longest_are_forgotten(store: &dyn Store) {
    let batch = |numbers: std::ops::Range<usize>| {
        let new = |n| {
            let number = u16::try_from(n).unwrap();
            by(&format!("k{n:05}"), unreadable(&format!("d{n}"), number, at(u64::from(number))))
        };
        store.accept(numbers.map(new).collect(), at(0)).unwrap();
    };
    batch(0..rules::MAX_KEYS);
    batch(0..1);
    batch(rules::MAX_KEYS..rules::MAX_KEYS + 1);
    let keys: Vec<_> = used(store).into_iter().map(|(_, key, ..)| key).collect();
    assert_eq!(keys.len(), rules::MAX_KEYS);
    assert_eq!((&*keys[0], &*keys[1]), ("k00001", "k00002"));
}
