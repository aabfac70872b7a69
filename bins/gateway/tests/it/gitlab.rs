//! GitLab, whose pipeline keeps its id when one of its jobs is started again.

use std::collections::BTreeSet;

use meshhook_testkit::http::Answer;
use meshhook_testkit::{Event, Gateway, GatewayBuilder, eventually, signed};
use serde_json::{Value, json};

use crate::rig::{Room, SOON, accepted, build_headers, keys, now, with};

const TOKEN: &str = "whsec_Z2l0bGFiIHNpZ25zIGJ5IHRoaXMgdG9rZW4gaGVyZSE=";

/// Where a pipeline stands, and the ids of the latest runs of its jobs.
type Step = (&'static str, [u64; 3]);

/// It fails, and its second job twice more before it succeeds: as 2, as 4, as 5.
const STORY: [Step; 6] = [
    ("failed", [1, 2, 3]),
    ("running", [1, 4, 3]),
    ("failed", [1, 4, 3]),
    ("pending", [1, 5, 3]),
    ("running", [1, 5, 3]),
    ("success", [1, 5, 3]),
];

/// What comes only when all is over: two of the first round, one of the second.
const LATE: [Step; 3] = [("created", [1, 2, 3]), ("running", [1, 2, 3]), ("pending", [1, 4, 3])];

fn gateway(room: &Room) -> GatewayBuilder {
    room.gateway().source("gitlab", "gitlab", TOKEN).in_source("scheme = \"standard-webhooks\"")
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/../../fixtures/gitlab/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap()
}

fn pipeline(id: u64, (status, jobs): Step) -> Value {
    let mut body = fixture(&format!("pipeline-{status}"));
    body["object_attributes"]["id"] = json!(id);
    for (job, id) in body["builds"].as_array_mut().unwrap().iter_mut().zip(jobs) {
        job["id"] = json!(id);
    }
    body
}

/// Posts as GitLab does, under the same `webhook-id` whenever it sends the same again.
fn post(gateway: &Gateway, hook: &str, id: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let mut headers = signed::standard(TOKEN, id, now(), body.as_bytes());
    headers.push(("X-Gitlab-Event", hook.to_owned()));
    headers.push(("Idempotency-Key", id.to_owned()));
    gateway.post("gitlab", &headers, body.as_bytes())
}

fn tell(gateway: &Gateway, pipeline_id: u64, step: Step) -> Value {
    let id = format!("{pipeline_id}-{}-{}", step.0, step.1[1]);
    accepted(&post(gateway, "Pipeline Hook", &id, &pipeline(pipeline_id, step)))
}

fn states(said: &[Event]) -> Vec<String> {
    let state = |status: &Value| status["state"].as_str().unwrap().to_owned();
    said.iter().map(|event| state(&event.content()["com.meshmac.build_status"])).collect()
}

/// Everything once more, as one who resends it all would, and then what comes late.
fn tell_again(gateway: &Gateway, room: &Room, pipeline_id: u64, said: &[Event]) {
    for (step, event) in STORY.into_iter().zip(said) {
        let answer = tell(gateway, pipeline_id, step);
        assert_eq!(
            (&answer["outcome"], &answer["status"]),
            (&json!("duplicate"), &json!("sent")),
            "{step:?}"
        );
        assert_eq!(answer["event_id"], event.id(), "{step:?}");
    }
    for step in LATE {
        let answer = tell(gateway, pipeline_id, step);
        assert_eq!(answer["event_id"], Value::Null, "{step:?}: {answer}");
        assert!(answer["outcome"] == "superseded" || answer["status"] == "superseded", "{step:?}: {answer}");
    }
    assert_eq!(room.said(), said);
}

#[test]
fn a_pipeline_that_is_retried_and_fails_again_is_told_again() {
    let room = Room::new("retried");
    let mut gateway = gateway(&room).start().unwrap();
    for (count, step) in (1..).zip(STORY) {
        assert_eq!(tell(&gateway, 77, step)["outcome"], "accepted", "{step:?}");
        room.wait_for(count);
    }
    let said = room.said();
    assert_eq!(states(&said), ["failed", "running", "failed", "queued", "running", "succeeded"]);
    for step in LATE {
        assert_eq!(tell(&gateway, 77, step)["outcome"], "superseded", "{step:?}");
    }
    tell_again(&gateway, &room, 77, &said);
    gateway.kill9();
    gateway.restart().unwrap();
    tell_again(&gateway, &room, 77, &said);
    // What was never told before is told after it as well, and what comes too late is not.
    assert_eq!(tell(&gateway, 77, ("failed", [1, 6, 3]))["outcome"], "accepted");
    assert_eq!(tell(&gateway, 77, ("running", [1, 6, 3]))["outcome"], "superseded");
    assert_eq!(states(&room.wait_for(said.len() + 1)).last().unwrap(), "failed");
}

#[test]
fn a_retried_pipeline_is_told_once_though_each_answer_is_followed_by_a_kill() {
    let room = Room::new("retried-killed");
    let mut gateway = gateway(&room).start().unwrap();
    let mut new = 0;
    for step in STORY.into_iter().chain(LATE).chain(STORY) {
        new += usize::from(tell(&gateway, 78, step)["outcome"] == "accepted");
        gateway.kill9();
        gateway.restart().unwrap();
    }
    assert_eq!(new, STORY.len());
    let keys = eventually(SOON, || Some(keys(&room.said())).filter(|keys| keys.len() >= STORY.len()));
    assert_eq!((keys.len(), keys.iter().collect::<BTreeSet<_>>().len()), (STORY.len(), STORY.len()));
    let shown: Vec<_> = room.said().iter().flat_map(|event| shown(event.content())).collect();
    let ends = shown.iter().filter(|state| ["failed", "succeeded"].contains(&state.as_str()));
    assert_eq!(ends.collect::<Vec<_>>(), ["failed", "failed", "succeeded"]);
}

/// The states that a message shows, be it a digest or not.
fn shown(content: &Value) -> Vec<String> {
    let one = content.get("com.meshmac.build_status").into_iter();
    let many = content.get("com.meshmac.build_statuses").and_then(Value::as_array).into_iter().flatten();
    one.chain(many).map(|status| status["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_pipeline_names_the_machines_that_its_own_body_lists() {
    let room = Room::new("pipeline-machines");
    let gateway = gateway(&room).start().unwrap();
    for (name, machines) in
        [("pipeline-success", "machines mac-01, mac-02"), ("pipeline-success-gitlab_com", "machine mac-03")]
    {
        let mut body = fixture(name);
        body["object_attributes"]["id"] = json!(name.len());
        assert_eq!(accepted(&post(&gateway, "Pipeline Hook", name, &body))["outcome"], "accepted");
        let last = eventually(SOON, || room.said().pop().filter(|event| plain(event).contains(machines)));
        assert!(plain(&last).contains("10 min 25 s"), "{last:?}");
    }
}

/// What is read of a message, without the marks around what is from outside.
fn plain(event: &Event) -> String {
    event.body().unwrap().replace(['\u{2068}', '\u{2069}'], "")
}

#[test]
fn what_is_no_pipeline_is_answered_and_not_told() {
    let room = Room::new("no-pipeline");
    let gateway = gateway(&room).start().unwrap();
    for (name, hook, outcome, reason) in [
        ("build-failed", "Job Hook", "ignored", "unit"),
        ("deployment-failed", "Deployment Hook", "ignored", "unit"),
        ("push", "Push Hook", "ignored", "unsupported_event"),
        ("pipeline-failed", "Job Hook", "unreadable", "event_mismatch"),
    ] {
        let answer = accepted(&post(&gateway, hook, name, &fixture(name)));
        assert_eq!((&answer["outcome"], &answer["reason"]), (&json!(outcome), &json!(reason)), "{name}");
    }
    assert!(room.said().is_empty());
    // What another source signed, and what nobody did: a secret token beside it proves nothing.
    let body = fixture("pipeline-failed").to_string();
    let other = with(build_headers(body.as_bytes()), "X-Gitlab-Event", "Pipeline Hook");
    let token = vec![("X-Gitlab-Token", TOKEN.to_owned()), ("X-Gitlab-Event", "Pipeline Hook".to_owned())];
    for headers in [other, token] {
        assert_eq!(gateway.post("gitlab", &headers, body.as_bytes()).status, 401);
    }
}
