//! When machines were last heard of.

use super::fixture::*;
use crate::{Moment, NewDelivery, NodeView, Outcome, Rank, Status, Store, rules};

fn of(nodes: &[&str], new: NewDelivery) -> NewDelivery {
    NewDelivery { nodes: nodes.iter().map(ToString::to_string).collect(), ..new }
}

fn seen(store: &dyn Store) -> Vec<(String, Moment, String)> {
    let nodes = store.nodes().unwrap().into_iter();
    nodes.map(|NodeView { name, last_seen, delivery, .. }| (name, last_seen, delivery)).collect()
}

/// Whatever becomes of the delivery, as long as it is new and news.
pub fn a_machine_is_heard_of_by_the_last_that_names_it(store: &dyn Store) {
    assert_eq!(store.nodes().unwrap(), []);
    let run = State::of(1, Rank::Running);
    accept(store, of(&["mac-2", "mac-1"], run.delivery("run", START)), START);
    accept(store, of(&["mac-2"], naming("job", &run, "mac-2", at(1))), at(1));
    let again = accept(store, of(&["mac-1"], run.delivery("again", at(2))), at(2));
    assert_eq!(again.outcome, Outcome::Duplicate);
    let old = State::of(2, Rank::Running).newest(START.minus(RETENTION * 2));
    assert_eq!(accept(store, of(&["mac-1"], old.delivery("old", at(3))), at(3)).status, Status::Stale);
    let expected = [("mac-1", START, "run"), ("mac-2", at(1), "job")];
    assert_eq!(seen(store), expected.map(|(name, at, id)| (name.to_owned(), at, id.to_owned())));

    send_one(store, ROOM, at(4)).unwrap();
    let nodes = store.nodes().unwrap();
    let told = |at: usize| nodes[at].seen_in.clone().map(|seen| (seen.source, seen.state, seen.status));
    let state = Some("running".to_owned());
    assert_eq!(told(0), Some(("github".to_owned(), state.clone(), Status::Sent)));
    assert_eq!(told(1), Some(("github".to_owned(), state, Status::Ignored)));
}

/// A machine that is silent for long is the one to be asked for.
pub fn a_machine_is_remembered_longer_than_what_named_it(store: &dyn Store) {
    accept(store, of(&["mac-1"], naming("job", &State::of(1, Rank::Running), "mac-1", START)), START);
    let later = START.plus(RETENTION * 100);
    store.purge(later, 100).unwrap();
    assert_eq!(store.show("job").unwrap(), None);
    let nodes = store.nodes().unwrap();
    let expected = ("mac-1".to_owned(), START, "job".to_owned());
    assert_eq!((seen(store), nodes[0].seen_in.as_ref()), (vec![expected], None));
}

/// A source that makes names up cannot fill the disk.
pub fn the_machines_that_were_silent_longest_are_forgotten(store: &dyn Store) {
    let many: Vec<String> = (0..rules::MAX_NODES).map(|n| format!("m{n:05}")).collect();
    let first = naming("first", &State::of(1, Rank::Running), "m", START);
    accept(store, NewDelivery { nodes: many, ..first }, START);
    let again = naming("again", &State::of(2, Rank::Running), "m", at(1));
    accept(store, of(&["m00000"], again), at(1));
    accept(store, of(&["new"], naming("new", &State::of(3, Rank::Running), "m", at(2))), at(2));
    let names: Vec<_> = seen(store).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), rules::MAX_NODES);
    assert_eq!((&*names[0], &*names[1], &*names[names.len() - 1]), ("m00000", "m00002", "new"));
}
