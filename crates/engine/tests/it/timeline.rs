//! Cards and threads: the states of a run that relate to the event that shows it.

use meshhook_engine::Look;
use meshhook_render::Timeline;
use meshhook_testkit::{Endpoint, Event, Fault};
use serde_json::json;

use crate::rig::Rig;

fn rig(timeline: Timeline) -> Rig {
    let mut rig = Rig::new();
    rig.stop();
    rig.look = Look { timeline, ..Look::default() };
    rig.start();
    rig
}

fn say(rig: &Rig, run: u32, status: &str, conclusion: Option<&str>) -> Event {
    let id = rig.accept(run, status, conclusion);
    rig.eventually_status(&id, "sent");
    rig.messages().pop().unwrap()
}

fn relation(event: &Event) -> Option<(&str, &str)> {
    let relation = event.content().get("m.relates_to")?;
    Some((relation["rel_type"].as_str()?, relation["event_id"].as_str()?))
}

#[test]
fn a_card_is_edited_until_its_run_has_ended() {
    let rig = rig(Timeline::Card);
    let first = say(&rig, 1, "queued", None);
    assert_eq!(relation(&first), None);
    for (status, conclusion) in [("in_progress", None), ("completed", Some("success"))] {
        let edit = say(&rig, 1, status, conclusion);
        assert_eq!(relation(&edit), Some(("m.replace", first.id())), "always the first event");
        assert!(edit.body().unwrap().starts_with("* "));
        assert_eq!(
            format!("* {}", edit.content()["m.new_content"]["body"].as_str().unwrap()),
            edit.body().unwrap()
        );
        assert!(edit.content()["com.meshmac.message"]["keys"].is_array(), "counted like any other");
    }
    assert_eq!(relation(&say(&rig, 2, "queued", None)), None, "another run, another card");
}

#[test]
fn what_notifies_is_a_message_of_its_own() {
    for (timeline, kind) in [(Timeline::Card, "m.replace"), (Timeline::Thread, "m.thread")] {
        let rig = rig(timeline);
        let first = say(&rig, 1, "in_progress", None);
        assert_eq!(relation(&say(&rig, 1, "completed", Some("failure"))), None);
        let cancelled = say(&rig, 2, "in_progress", None);
        assert_ne!(cancelled.id(), first.id());
        let quiet = say(&rig, 2, "completed", Some("cancelled"));
        assert_eq!(relation(&quiet), Some((kind, cancelled.id())));
    }
}

#[test]
fn a_redacted_card_is_not_edited() {
    let rig = rig(Timeline::Card);
    let first = say(&rig, 1, "queued", None);
    rig.homeserver.redact(first.id());
    let next = say(&rig, 1, "in_progress", None);
    assert_eq!(relation(&next), None, "nobody would see the edit");
    assert_eq!(rig.homeserver.requests_for(Endpoint::Send).len(), 2, "the edit was never tried");
    let last = say(&rig, 1, "completed", Some("success"));
    assert_eq!(relation(&last), Some(("m.replace", next.id())), "the new card");
}

#[test]
fn a_relation_that_is_refused_costs_the_relation_only() {
    let rig = rig(Timeline::Thread);
    say(&rig, 1, "queued", None);
    let unknown = Fault::error(400, "M_UNKNOWN", "Can't send relation to unknown event");
    rig.homeserver.fail_once(Endpoint::Send, unknown);
    let next = say(&rig, 1, "in_progress", None);
    assert_eq!(relation(&next), None);
    let sent = rig.homeserver.requests_for(Endpoint::Send);
    assert_eq!(sent.len(), 3);
    assert_ne!(sent[1].target, sent[2].target, "another content, another transaction");
}

#[test]
fn an_edit_whose_answer_was_lost_is_found_in_the_room() {
    let mut rig = rig(Timeline::Card);
    let first = say(&rig, 1, "queued", None);
    rig.homeserver.fail(Endpoint::Send, Fault::dropped().after_commit());
    let id = rig.accept(1, "in_progress", None);
    meshhook_testkit::eventually(crate::rig::SOON, || (!rig.results(&id).is_empty()).then_some(()));
    rig.stop();
    rig.homeserver.mend(Endpoint::Send);
    rig.homeserver.post_as(
        "@talker:scripted.localhost",
        meshhook_testkit::Homeserver::ROOM,
        json!({ "body": "hm" }),
    );
    rig.start();
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.results(&id).last().map(String::as_str), Some("found"));
    let edits =
        rig.messages().iter().filter(|event| relation(event) == Some(("m.replace", first.id()))).count();
    assert_eq!(edits, 1);
}
