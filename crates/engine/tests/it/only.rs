//! What an operator does not want to hear of, and whose machine is whose.

use std::sync::Arc;

use meshhook_engine::{Node, Only, Pool};
use meshhook_model::{Globs, State, Text, Unit};

use crate::rig::{Rig, START, job_body, run_body};

fn told(rig: &Rig, run: u32, status: &str, conclusion: Option<&str>) -> (&'static str, Option<String>) {
    let answer = rig.post(&run_body(run, status, conclusion, START + i64::from(run))).unwrap();
    (answer.outcome, answer.reason)
}

fn ignored(reason: &str) -> (&'static str, Option<String>) {
    ("ignored", Some(reason.to_owned()))
}

const SAID: (&str, Option<String>) = ("accepted", None);

#[test]
fn what_is_filtered_says_why_and_leaves_its_machine_behind() {
    let rig = Rig::with(|source| {
        source.units = vec![Unit::Run, Unit::Job];
        source.only = Only { states: vec![State::Failed], ..Only::default() };
    });
    let job = rig.post(&job_body(7, "mac-07", "Default", START)).unwrap();
    assert_eq!((job.outcome, job.reason), ignored("state"));
    assert_eq!(told(&rig, 7, "in_progress", None), ignored("state"));
    assert_eq!(told(&rig, 7, "completed", Some("failure")), SAID);
    let content = rig.eventually_messages(1)[0].content().clone();
    assert_eq!(content["com.meshmac.build_status"]["mesh_node_id"], "mac-07");
    assert_eq!(told(&rig, 7, "in_progress", None).0, "duplicate");
}

#[test]
fn each_filter_says_which_one_it_was() {
    for (only, reason) in [
        (Only { branches: Globs::new(["release/*"]).unwrap(), ..Only::default() }, "branch"),
        (Only { workflows: Globs::new(["Release"]).unwrap(), ..Only::default() }, "workflow"),
        (Only { repos: Globs::new(["other/*"]).unwrap(), ..Only::default() }, "repo"),
    ] {
        let rig = Rig::with(|source| source.only = only);
        assert_eq!(told(&rig, 1, "completed", Some("failure")), ignored(reason));
    }
}

#[test]
fn only_changes_are_said_and_each_once() {
    let mut rig = Rig::with(|source| source.only = Only { changes: true, ..Only::default() });
    assert_eq!(told(&rig, 1, "in_progress", None), ignored("unchanged"));
    assert_eq!(told(&rig, 1, "completed", Some("success")), ignored("unchanged"));
    assert_eq!(told(&rig, 2, "completed", Some("failure")), SAID);
    let silent = rig.post(&run_body(3, "completed", Some("failure"), START)).unwrap();
    assert_eq!((silent.outcome, silent.reason.clone()), ignored("still_failing"));
    assert_eq!(told(&rig, 4, "completed", Some("timed_out")), SAID);
    assert_eq!(told(&rig, 5, "completed", Some("cancelled")), ignored("unchanged"));
    assert_eq!(told(&rig, 5, "completed", Some("timed_out")), ignored("still_failing"));
    rig.stop();
    rig.start();
    assert_eq!(told(&rig, 6, "completed", Some("success")), SAID);
    let again = rig.post(&run_body(3, "completed", Some("failure"), START)).unwrap();
    assert_eq!((again.outcome, again.delivery), ("duplicate", silent.delivery));
    assert_eq!(told(&rig, 7, "completed", Some("success")), ignored("unchanged"));

    let messages = rig.eventually_messages(3);
    let firsts: Vec<_> = messages
        .iter()
        .map(|event| {
            let first = event.body().unwrap().lines().next().unwrap().to_owned();
            let change = &event.content()["com.meshmac.build_status"]["change"];
            (first.replace(['\u{2068}', '\u{2069}'], ""), change.as_str().unwrap_or_default().to_owned())
        })
        .collect();
    let expected = [
        ("❌ CI failed · broken", "broken"),
        ("❌ CI failed (timed out) · still failing since 2026-11-23 06:00 UTC", "still_failing"),
    ];
    for (found, (first, change)) in firsts.iter().zip(expected) {
        assert_eq!((found.0.as_str(), found.1.as_str()), (first, change));
    }
    assert!(firsts[2].0.starts_with("✅ CI succeeded · fixed") && firsts[2].1 == "fixed", "{firsts:?}");
    assert_eq!(rig.messages().len(), 3);
}

/// Otherwise the next failure would be taken for one that goes on.
#[test]
fn a_fix_that_is_not_said_is_remembered() {
    let failed = vec![State::Failed];
    let rig = Rig::with(|source| source.only = Only { states: failed, changes: true, ..Only::default() });
    assert_eq!(told(&rig, 1, "completed", Some("failure")), SAID);
    assert_eq!(told(&rig, 2, "completed", Some("success")), ignored("state"));
    assert_eq!(told(&rig, 3, "completed", Some("failure")), SAID);
    assert!(rig.eventually_messages(2)[1].body().unwrap().contains("broken"));
}

#[test]
fn a_runner_is_shown_and_remembered_as_its_machine() {
    let node = |name: &str, runners: &[&str]| Node {
        name: Text::new(name).unwrap(),
        runners: Globs::new(runners).unwrap(),
    };
    let pool = Pool::new(vec![node("mac-07", &["mac-07-runner-*"]), node("mac-08", &[])]);
    let rig = Rig::with(|source| source.pool = Arc::new(pool));
    for (run, runner, group) in [
        (7, "mac-07-runner-1", "Default"),
        (8, "visitor", "Default"),
        (9, "GitHub Actions 5", "GitHub Actions"),
    ] {
        rig.post(&job_body(run, runner, group, START)).unwrap();
        rig.accept(run, "completed", Some("failure"));
    }
    let messages = rig.eventually_messages(3);
    let shown: Vec<_> =
        messages.iter().map(|event| event.content()["com.meshmac.build_status"]["nodes"].clone()).collect();
    let expected = [serde_json::json!(["mac-07"]), serde_json::json!(["visitor"]), serde_json::Value::Null];
    assert_eq!(shown, expected);
    let known = rig.engine().nodes().unwrap().into_iter();
    let known: Vec<_> = known.map(|node| (node.name, node.listed, node.seen.is_some())).collect();
    let expected = [("mac-07", true, true), ("mac-08", true, false), ("visitor", false, true)];
    assert_eq!(known, expected.map(|(name, listed, seen)| (name.to_owned(), listed, seen)));
}
