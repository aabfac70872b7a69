//! The straight way, and what is not announced.

use std::time::Duration;

use meshhook_testkit::Homeserver;

use crate::rig::{Rig, START, job_body, run_body};

#[test]
fn a_run_is_announced_once_with_the_machines_of_its_jobs() {
    let rig = Rig::new();
    let job = rig.post(&job_body(7, "mac-07", "Default", START)).unwrap();
    assert_eq!((job.outcome, job.reason.as_deref()), ("ignored", Some("unit")));
    let id = rig.accept(7, "completed", Some("failure"));
    let events = rig.eventually_messages(1);
    let content = events[0].content();
    assert!(events[0].body().unwrap().contains("machine"), "{content}");
    assert_eq!(content["com.meshmac.build_status"]["nodes"], serde_json::json!(["mac-07"]));
    assert_eq!(content["com.meshmac.build_status"]["mesh_node_id"], "mac-07");
    assert_eq!(content["com.meshmac.message"]["keys"][0], rig.life(&id).delivery.key.to_string());

    rig.eventually_status(&id, "sent");
    let again = rig.post(&run_body(7, "completed", Some("failure"), START)).unwrap();
    assert_eq!((again.outcome, again.delivery, again.status), ("duplicate", id, Some("sent")));
    assert_eq!(again.event_id.as_deref(), Some(events[0].id()));
    assert_eq!(rig.messages().len(), 1);
}

#[test]
fn a_vendors_runner_is_no_machine() {
    let rig = Rig::new();
    rig.post(&job_body(7, "GitHub Actions 5", "GitHub Actions", START)).unwrap();
    rig.accept(7, "completed", Some("success"));
    let content = rig.eventually_messages(1)[0].content().to_string();
    assert!(!content.contains("GitHub Actions"), "{content}");
}

#[test]
fn states_of_a_run_come_in_order_and_late_ones_not_at_all() {
    let rig = Rig::new();
    for (status, conclusion) in [("queued", None), ("in_progress", None), ("completed", Some("success"))] {
        rig.accept(1, status, conclusion);
    }
    let late = rig.post(&run_body(1, "in_progress", None, START + 1)).unwrap();
    assert_eq!(late.outcome, "duplicate");
    rig.accept(2, "completed", Some("success"));
    let never = rig.post(&run_body(2, "queued", None, START + 1)).unwrap();
    assert_eq!((never.outcome, never.state), ("superseded", Some("queued")));
    let states: Vec<_> = rig
        .eventually_messages(4)
        .iter()
        .map(|event| event.content()["com.meshmac.build_status"]["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["queued", "running", "succeeded", "succeeded"]);
}

#[test]
fn a_stale_body_is_kept_and_announced_on_an_operators_word() {
    let rig = Rig::new();
    let old = START - 73 * 3600;
    let answer = rig.post(&run_body(1, "completed", Some("failure"), old)).unwrap();
    assert_eq!((answer.outcome, answer.reason.as_deref()), ("ignored", Some("stale")));
    assert_eq!(rig.status(&answer.delivery), "stale");
    assert_eq!(rig.engine().retry(&answer.delivery, false).unwrap().status.as_str(), "pending");
    assert_eq!(rig.eventually_messages(1).len(), 1);
    rig.eventually_status(&answer.delivery, "sent");
}

#[test]
fn what_is_not_understood_is_kept_and_says_so() {
    let rig = Rig::new();
    let answer = rig.post(&run_body(1, "completed", Some("exploded"), START)).unwrap();
    assert_eq!((answer.outcome, answer.reason.as_deref()), ("unreadable", Some("unknown_state")));
    let life = rig.life(&answer.delivery);
    assert_eq!(life.delivery.facts.outcome.as_deref(), Some("exploded"));
    assert_eq!(life.delivery.facts.verified_by, "github-secret");
    let again = rig.engine().retry(&answer.delivery, false).unwrap();
    assert_eq!(again.status.as_str(), "unreadable");
}

#[test]
fn expired_marks_are_forgotten_while_it_runs() {
    let rig = Rig::new();
    let id = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&id, "sent");
    rig.advance(Duration::from_secs(80 * 3600));
    rig.homeserver.set_clock(START + 80 * 3600);
    meshhook_testkit::eventually(crate::rig::SOON, || rig.all().is_empty().then_some(()));
    assert!(rig.saw("Purged"));
}

#[test]
fn a_clock_that_the_homeserver_contradicts_forgets_nothing() {
    let mut rig = Rig::new();
    let id = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&id, "sent");
    rig.homeserver.set_clock(START);
    rig.advance(Duration::from_secs(100 * 3600));
    rig.stop();
    rig.start();
    meshhook_testkit::eventually(crate::rig::SOON, || rig.saw("ClockInDoubt").then_some(()));
    assert_eq!(rig.all().len(), 1);
}

#[test]
fn a_clock_that_is_set_back_silences_nobody() {
    let mut rig = Rig::new();
    rig.stop();
    rig.advance(Duration::from_secs(400 * 24 * 3600));
    rig.homeserver.fail(meshhook_testkit::Endpoint::Whoami, meshhook_testkit::Fault::html(502));
    rig.start();
    meshhook_testkit::eventually(crate::rig::SOON, || rig.saw("502").then_some(()));
    rig.set_back(Duration::from_secs(400 * 24 * 3600));
    let id = rig.accept(1, "completed", Some("success"));
    rig.homeserver.mend(meshhook_testkit::Endpoint::Whoami);
    rig.eventually_status(&id, "sent");
}

#[test]
fn what_was_accepted_without_a_homeserver_is_said_later_by_the_next_process() {
    let mut rig = Rig::new();
    rig.homeserver.remove_room(Homeserver::ROOM);
    let id = rig.accept(1, "completed", Some("success"));
    rig.stop();
    rig.homeserver.add_room(Homeserver::ROOM);
    rig.advance(Duration::from_secs(301));
    rig.start();
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.messages().len(), 1);
}
