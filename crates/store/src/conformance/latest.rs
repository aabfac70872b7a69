//! The last that was said of each workflow.

use super::fixture::*;
use crate::{Facts, NewDelivery, Rank, Store};

/// The delivery of a state, under its run's id and rank, with these facts: repository, workflow, job, branch; absent where
/// empty.
fn of(run: u8, rank: Rank, facts: [&str; 4], seconds: u64) -> NewDelivery {
    let new = State::of(run, rank).delivery(&format!("d{run}-{}", rank.number()), at(seconds));
    described(new, facts, rank)
}

fn described(new: NewDelivery, facts: [&str; 4], rank: Rank) -> NewDelivery {
    let [repo, workflow, job, branch] =
        facts.map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()));
    let state = Some(["queued", "running", "failed"][usize::from(rank.number())].to_owned());
    NewDelivery { facts: Facts { repo, workflow, job, branch, state, ..new.facts }, ..new }
}

/// Workflow, job, branch, state and time of each.
fn seen(store: &dyn Store, look_at: usize) -> Vec<String> {
    let latest = store.latest(ROOM, look_at).unwrap();
    let shown = latest.into_iter().map(|one| {
        let fields = [one.repo, one.workflow, one.job, one.branch].map(|text| text.unwrap_or("-".to_owned()));
        let seconds = one.received_at.since(START).as_secs();
        format!("{} {} {seconds}", fields.join(" "), one.state)
    });
    shown.collect()
}

/// What waits and what is in the room, the newest first, and of each workflow and branch one.
pub fn the_last_state_of_each_workflow_is_told(store: &dyn Store) {
    assert_eq!(seen(store, 100), [""; 0]);
    for (second, new) in [
        of(1, Rank::Running, ["o/a", "CI", "", "main"], 1),
        of(2, Rank::Running, ["o/a", "CI", "", "dev"], 2),
        of(3, Rank::Running, ["o/b", "CI", "", "main"], 3),
        of(4, Rank::Queued, ["o/a", "CI", "build", "main"], 4),
        of(5, Rank::Queued, ["", "", "", ""], 5),
        of(1, Rank::Terminal, ["o/a", "CI", "", "main"], 6),
    ]
    .into_iter()
    .enumerate()
    {
        accept(store, new, at(second as u64 + 1));
    }
    send_one(store, ROOM, at(10)).unwrap();
    send_one(store, ROOM, at(11)).unwrap();
    let all = [
        "o/a CI - main failed 6",
        "- - - - queued 5",
        "o/a CI build main queued 4",
        "o/b CI - main running 3",
        "o/a CI - dev running 2",
    ];
    assert_eq!(seen(store, 100), all);
    assert_eq!(seen(store, 3), all[..3]);
}

/// What is not said here says nothing of a workflow here.
pub fn what_is_not_said_in_a_room_is_not_told_of_there(store: &dyn Store) {
    let facts = ["o/a", "CI", "", "main"];
    let elsewhere = State::of(1, Rank::Running).room("!other").delivery("elsewhere", START);
    accept(store, described(elsewhere, facts, Rank::Running), START);
    accept(store, of(2, Rank::Running, facts, 1), at(1));
    store.discard("d2-1", at(1)).unwrap();
    accept(store, of(3, Rank::Terminal, facts, 2), at(2));
    accept(store, of(3, Rank::Running, facts, 3), at(3));
    let ignored = naming("ignored", &State::of(4, Rank::Running), "mac", at(4));
    accept(store, described(ignored, facts, Rank::Running), at(4));
    assert_eq!(seen(store, 100), ["o/a CI - main failed 2"]);
    let (lease, ..) = take_message(store, ROOM, "one", at(5));
    assert_eq!(seen(store, 100), ["o/a CI - main failed 2"]);
    store.refuse(&lease, &attempt("refused", at(5)), at(5)).unwrap();
    assert_eq!(seen(store, 100), [""; 0]);
}
