//! GitLab's words and habits, one at a time.

use std::fmt::Write;

use meshhook_model::State;
use meshhook_normalize::{Event, Ignored, Meaning, Unreadable, read};
use serde_json::{Value, json};

use crate::support::{event, gitlab, json_of, meaning};

fn pipeline() -> Value {
    json_of("gitlab/pipeline-failed.json")
}

fn job() -> Value {
    json_of("gitlab/build-failed.json")
}

fn deployment() -> Value {
    json_of("gitlab/deployment-failed.json")
}

/// A pipeline whose body was changed.
fn changed(change: impl FnOnce(&mut Value)) -> Event {
    let mut body = pipeline();
    change(&mut body);
    event(gitlab(), &body)
}

/// Each status of GitLab's enumerations for each kind of event, then others.
#[test]
fn every_word_for_a_state() {
    let words = [
        "created",
        "waiting_for_resource",
        "preparing",
        "waiting_for_callback",
        "pending",
        "running",
        "success",
        "failed",
        "canceling",
        "canceled",
        "skipped",
        "manual",
        "scheduled",
        "blocked",
        "approved",
        "rejected",
        "passed",
        "Success",
        "cancelled",
        "",
        "null",
    ];
    let words = words.map(Value::from).into_iter().chain([json!(null), json!(7), json!(["success"])]);
    let mut table = String::new();
    for word in words {
        for (body, pointer) in
            [(pipeline(), "/object_attributes/status"), (job(), "/build_status"), (deployment(), "/status")]
        {
            let mut body = body;
            *body.pointer_mut(pointer).unwrap() = word.clone();
            writeln!(
                table,
                "{} {word}: {}",
                body["object_kind"].as_str().unwrap(),
                line(&meaning(gitlab(), &body))
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!("gitlab_words", table);
}

fn line(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Event(event) => {
            let details = &event.status.details;
            let finished = details.finished_at.map_or("", |_| ", finished");
            format!("{} ({}){finished}", event.status.state, details.outcome.as_ref().unwrap())
        }
        Meaning::Ignored { reason, .. } => format!("ignored {reason}"),
        Meaning::Unreadable { reason, .. } => format!("unreadable {reason}"),
        Meaning::Invalid { .. } => panic!("a CI system's body is never invalid"),
    }
}

/// A job's failure that is allowed is a warning of its pipeline, which says so for people only.
#[test]
fn a_success_with_warnings_says_so() {
    let of = |status: &str, detailed: Value| {
        let status = changed(|body| {
            body["object_attributes"]["status"] = json!(status);
            body["object_attributes"]["detailed_status"] = detailed;
        })
        .status;
        (status.state, status.details.outcome.unwrap().to_string())
    };
    let warned = || json!("passed with warnings");
    assert_eq!(of("success", warned()), (State::Succeeded, "passed with warnings".to_owned()));
    assert_eq!(of("success", json!("passed")), (State::Succeeded, "success".to_owned()));
    assert_eq!(of("success", json!("failed")), (State::Succeeded, "success".to_owned()));
    assert_eq!(of("success", json!(null)), (State::Succeeded, "success".to_owned()));
    assert_eq!(of("failed", warned()), (State::Failed, "failed".to_owned()));
    assert_eq!(of("pending", json!("passed")), (State::Queued, "pending".to_owned()));
}

#[test]
fn the_highest_job_tells_the_rounds_of_a_pipeline_apart() {
    let first = event(gitlab(), &pipeline());
    let running = event(gitlab(), &json_of("gitlab/pipeline-running-retried.json"));
    let second = event(gitlab(), &json_of("gitlab/pipeline-failed-retried.json"));
    assert_eq!((&first.identity, &first.identity), (&running.identity, &second.identity));
    let rounds = [&first, &running, &second].map(|event| event.status.details.round.get());
    assert_eq!(rounds, [7_011_200_103, 7_011_200_104, 7_011_200_104]);
}

#[test]
fn a_round_falls_back_to_the_end_of_the_pipeline() {
    let round = |change: fn(&mut Value)| changed(change).status.details.round.get();
    assert_eq!(round(|body| body["builds"] = json!([{ "id": 3 }, { "id": 1 }, { "id": 2 }])), 3);
    assert_eq!(round(|body| body["builds"] = json!([{ "id": 3 }, { "id": "9" }, { "id": -9 }, {}, 9])), 3);
    // Jobs that start another pipeline are counted with the others, and listed apart.
    assert_eq!(round(|body| body["bridges"] = json!([{ "id": 7_011_200_200_u64 }])), 7_011_200_200);
    for nothing in [json!([]), json!(null), json!("none"), json!({})] {
        let mut body = pipeline();
        body["builds"] = nothing;
        assert_eq!(event(gitlab(), &body).status.details.round.get(), 1_777_885_970);
        body["object_attributes"]["finished_at"] = json!(null);
        assert_eq!(event(gitlab(), &body).status.details.round.get(), 1);
    }
}

#[test]
fn a_job_that_is_started_again_is_another_job() {
    let (first, again) =
        (event(gitlab(), &job()), event(gitlab(), &json_of("gitlab/build-failed-retried.json")));
    assert_eq!((&first.identity.repo, &first.identity.run), (&again.identity.repo, &again.identity.run));
    assert_ne!(first.identity.job, again.identity.job);
    let (first, again) = (first.status.details, again.status.details);
    assert_eq!((first.attempt.unwrap().get(), again.attempt.unwrap().get()), (1, 2));
    assert_eq!((first.round.get(), again.round.get()), (1, 1));
}

#[test]
fn a_job_counts_its_starts_where_gitlab_does() {
    for (retries, attempt) in [
        (json!(0), Some(1)),
        (json!(2), Some(3)),
        (json!(null), None),
        (json!("1"), None),
        (json!(-1), None),
        (json!(u64::MAX), None),
    ] {
        let mut body = job();
        body["retries_count"] = retries.clone();
        let read = event(gitlab(), &body).status.details.attempt.map(meshhook_model::Attempt::get);
        assert_eq!(read, attempt, "{retries}");
    }
}

#[test]
fn a_job_belongs_to_its_pipeline() {
    let (run, job) = (event(gitlab(), &pipeline()).identity, event(gitlab(), &job()).identity);
    assert_eq!((&run.repo, &run.run, &run.workflow), (&job.repo, &job.run, &job.workflow));
    assert_eq!((run.job, job.job.as_deref()), (None, Some("7011200102")));
}

/// Old versions name the pipeline in the commit alone.
#[test]
fn an_old_job_belongs_to_its_pipeline_too() {
    let (new, old) =
        (event(gitlab(), &job()), event(gitlab(), &json_of("gitlab/build_hook-failed-old.json")));
    assert_eq!(new.identity, old.identity);
    assert_eq!(new.status.details.run_id, old.status.details.run_id);
    assert_eq!(new.status.details.run_url, old.status.details.run_url);
    assert_eq!(new.status.details.finished_at, old.status.details.finished_at);
}

/// A renamed project is the same project: what was said under the old name is not said again.
#[test]
fn a_project_is_known_by_its_number() {
    let renamed = changed(|body| body["project"]["path_with_namespace"] = json!("acme/saturn"));
    assert_eq!(renamed.identity, event(gitlab(), &pipeline()).identity);
    let unnumbered = changed(|body| body["project"]["id"] = json!(null));
    assert_eq!(unnumbered.identity.repo.as_deref(), Some("acme/rocket"));
}

/// Pipelines and deployments are counted apart, and a machine of one is none of the other's.
#[test]
fn a_deployment_is_never_taken_for_a_pipeline() {
    let mut body = deployment();
    body["deployment_id"] = json!(1_420_377_001);
    assert_ne!(event(gitlab(), &body).identity.run, event(gitlab(), &pipeline()).identity.run);
}

#[test]
fn without_an_id_a_pipeline_is_known_by_its_address() {
    let event = changed(|body| body["object_attributes"]["id"] = json!(null));
    let url = "https://gitlab.example.com/acme/rocket/-/pipelines/1420377001";
    assert_eq!((event.identity.run.as_deref(), event.status.details.run_id), (Some(url), None));
}

#[test]
fn a_job_is_known_by_its_id_else_by_its_name() {
    let mut body = job();
    body["build_id"] = json!(null);
    assert_eq!(event(gitlab(), &body).identity.job.as_deref(), Some("unit"));
    body["build_name"] = json!("");
    let Meaning::Unreadable { reason, .. } = meaning(gitlab(), &body) else { panic!("a nameless job") };
    assert_eq!(reason, Unreadable::MissingField);
}

#[test]
fn a_page_that_is_not_sent_is_that_of_the_project() {
    let url = |change: fn(&mut Value)| changed(change).status.details.run_url;
    let link = |url: Option<meshhook_model::RunUrl>| url.unwrap().link().unwrap().to_string();
    let page = "https://gitlab.example.com/acme/rocket/-/pipelines/1420377001";
    for change in [
        |body: &mut Value| body["object_attributes"]["url"] = json!(null),
        |body: &mut Value| drop(body["object_attributes"].as_object_mut().unwrap().remove("url")),
        |body: &mut Value| {
            body["object_attributes"]["url"] = json!("");
            body["project"]["web_url"] = json!("https://gitlab.example.com/acme/rocket/");
        },
    ] {
        assert_eq!(link(url(change)), page);
    }
    for change in [
        |body: &mut Value| body["project"]["web_url"] = json!(null),
        |body: &mut Value| body["object_attributes"]["id"] = json!("../../evil"),
    ] {
        let without = changed(|body| {
            body["object_attributes"]["url"] = json!(null);
            change(body);
        });
        assert_eq!(without.status.details.run_url, None);
    }
}

#[test]
fn a_branch_is_its_own_or_somebodys() {
    let is = |expected: &str, change: fn(&mut Value)| {
        assert_eq!(changed(change).status.details.branch.unwrap().as_str(), expected);
    };
    let request = |source: Value| json!({ "source_branch": "logo", "source_project_id": source, "target_project_id": 811 });
    is("main", |_| ());
    is("v2.4.0", |body| body["object_attributes"]["ref"] = json!("v2.4.0"));
    is("refs/merge-requests/57/head", |body| {
        body["object_attributes"]["ref"] = json!("refs/merge-requests/57/head");
    });
    for (source, reference, expected) in [
        (json!(811), "refs/merge-requests/57/merge", "logo"),
        (json!(811), "main", "main"),
        (json!(993), "refs/merge-requests/57/head", "unknown:logo"),
        (json!(993), "main", "unknown:main"),
        (json!(null), "main", "unknown:main"),
    ] {
        let event = changed(|body| {
            body["object_attributes"]["ref"] = json!(reference);
            body["merge_request"] = request(source.clone());
        });
        assert_eq!(event.status.details.branch.unwrap().as_str(), expected, "{source}");
    }
    // The fork's own pipelines are its own.
    is("main", |body| {
        body["project"]["id"] = json!(993);
        body["merge_request"] = json!({ "source_project_id": 993, "target_project_id": 811 });
    });
    assert_eq!(changed(|body| body["object_attributes"]["ref"] = json!(null)).status.details.branch, None);
}

#[test]
fn names_fall_back_in_order() {
    let workflow =
        |change: fn(&mut Value)| changed(change).status.details.workflow.map(|name| name.to_string());
    assert_eq!(workflow(|_| ()).as_deref(), Some("iOS build"));
    assert_eq!(
        workflow(|body| body["object_attributes"]["name"] = json!(null)).as_deref(),
        Some("acme/rocket")
    );
    assert_eq!(
        workflow(|body| {
            body["object_attributes"]["name"] = json!("");
            body["project"] = json!(null);
        }),
        None
    );
    let title = |change: fn(&mut Value)| changed(change).status.details.title.map(|name| name.to_string());
    assert_eq!(title(|body| body["merge_request"] = json!({ "title": "Shown" })).as_deref(), Some("Shown"));
    assert_eq!(title(|_| ()).as_deref(), Some("Launch screen: draw the logo once"));
    assert_eq!(
        title(|body| body["commit"] = json!({ "message": "\nFirst\r\nSecond" })).as_deref(),
        Some("First")
    );
    assert_eq!(title(|body| body["commit"] = json!(null)), None);
}

#[test]
fn a_pipeline_names_the_machines_of_its_jobs() {
    let nodes = |body: &Value| {
        let details = event(gitlab(), body).status.details;
        assert_eq!(details.mesh_node_id, None);
        details.nodes.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(nodes(&json_of("gitlab/pipeline-success.json")), ["mac-01", "mac-02"]);
    assert_eq!(nodes(&json_of("gitlab/pipeline-success-gitlab_com.json")), ["mac-03"]);
    assert!(nodes(&json_of("gitlab/pipeline-created.json")).is_empty());
    let mut body = pipeline();
    body["builds"] =
        (100..200).map(|n| json!({ "id": n, "runner": { "description": format!("mac-{n}") } })).collect();
    assert_eq!(nodes(&body).len(), 64);
}

#[test]
fn hosted_runners_are_told_from_the_pool() {
    let hosted = |site: &str, name: &str, kind: Value| {
        let mut body = job();
        body["project"]["web_url"] = json!(format!("{site}/acme/rocket"));
        body["runner"] = json!({ "description": name, "runner_type": kind });
        event(gitlab(), &body).machine.map(|machine| machine.hosted)
    };
    let (com, own) = ("https://gitlab.com", "https://gitlab.example.com");
    assert_eq!(hosted(com, "mac-01", json!("project_type")), Some(false));
    assert_eq!(hosted(com, "mac-01", json!("instance_type")), Some(true));
    assert_eq!(hosted(own, "mac-01", json!("instance_type")), Some(false));
    assert_eq!(hosted("https://gitlab.com.example.org", "mac-01", json!("instance_type")), Some(false));
    assert_eq!(hosted(com, "shared-runners-manager-6.gitlab.com", json!(null)), Some(true));
    assert_eq!(hosted(com, "4-blue.shared.runners-manager.gitlab.com/default", json!(null)), Some(true));
    assert_eq!(hosted(own, "mac-01/a.gitlab.com", json!(null)), Some(false));
    assert_eq!(hosted(com, "", json!("instance_type")), None);
}

#[test]
fn a_pipeline_takes_the_time_that_gitlab_shows() {
    let duration = |change: fn(&mut Value)| changed(change).status.duration_seconds();
    assert_eq!(duration(|_| ()), Some(625));
    assert_eq!(duration(|body| body["object_attributes"]["duration"] = json!(null)), None);
    assert_eq!(duration(|body| body["object_attributes"]["finished_at"] = json!(null)), None);
    for absurd in [json!(u64::MAX), json!(i64::MAX), json!(-1), json!(0.5), json!("625")] {
        let mut body = pipeline();
        body["object_attributes"]["duration"] = absurd;
        assert_eq!(event(gitlab(), &body).status.duration_seconds(), None);
    }
}

#[test]
fn a_job_says_when_it_began_and_ended() {
    assert_eq!(event(gitlab(), &job()).status.duration_seconds(), Some(330));
    assert_eq!(
        event(gitlab(), &json_of("gitlab/build_hook-failed-old.json")).status.duration_seconds(),
        Some(330)
    );
}

#[test]
fn the_newest_time_is_read_however_it_is_written() {
    let newest = |body: &Value| read(gitlab(), body.to_string().as_bytes(), None).unwrap().newest.unwrap();
    assert_eq!(newest(&pipeline()).to_string(), "2026-05-04T09:12:50Z");
    assert_eq!(newest(&job()).to_string(), "2026-05-04T09:12:34Z");
    assert_eq!(newest(&deployment()).to_string(), "2026-05-04T09:13:05Z");
}

/// Anybody who may push can date a commit, call a job by a time, or set a variable.
#[test]
fn what_others_write_does_not_make_a_body_fresh() {
    let mut body = pipeline();
    let newest = read(gitlab(), body.to_string().as_bytes(), None).unwrap().newest;
    let future = json!("2099-01-01 00:00:00 UTC");
    body["commit"]["timestamp"] = future.clone();
    body["commit"]["author"]["x_at"] = future.clone();
    body["object_attributes"]["variables"] =
        json!([{ "key": "finished_at", "value": future, "x_at": future }]);
    assert_eq!(read(gitlab(), body.to_string().as_bytes(), None).unwrap().newest, newest);
}

#[test]
fn what_is_no_build_is_ignored_and_what_is_nothing_is_unreadable() {
    for kind in
        ["push", "tag_push", "merge_request", "note", "release", "feature_flag", "job", "Pipeline", "x"]
    {
        let mut body = pipeline();
        body["object_kind"] = json!(kind);
        let Meaning::Ignored { reason, details } = meaning(gitlab(), &body) else { panic!("{kind}") };
        assert_eq!(
            (reason, details.repo.unwrap().as_str()),
            (Ignored::UnsupportedEvent, "acme/rocket"),
            "{kind}"
        );
    }
    for body in
        [json!({}), json!([]), json!({ "object_kind": null }), json!({ "object_kind": 7, "event_name": 7 })]
    {
        let Meaning::Unreadable { reason, .. } = meaning(gitlab(), &body) else { panic!("{body}") };
        assert_eq!(reason, Unreadable::UnknownShape, "{body}");
    }
}
