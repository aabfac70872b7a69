//! `normalize` and `render`.

use crate::words::{Secrets, all_said, meshhook, said};

#[test]
fn bodies_are_read_into_the_vocabulary() {
    let told = all_said(
        &Secrets::new(),
        &[
            "normalize github/workflow_run-completed-failure.json",
            "normalize github/workflow_run-completed-failure.form",
            "normalize --provider github --header 'x-github-event: workflow_job' github/workflow_job-in_progress-self_hosted.json",
            "normalize --header 'X-GitHub-Event: workflow_run' github/workflow_job-in_progress-self_hosted.json",
            "normalize github/ping.json",
            "normalize github/workflow_run-completed-null.json",
            "normalize standard/run-aliases.json",
            "normalize --header 'webhook-id: msg_1' standard/run-queued-minimal.json",
            "normalize --json github/ping.json",
            "normalize --provider standard github/ping.json",
            "normalize gitlab/pipeline-failed-retried.json",
            "normalize --header 'X-Gitlab-Event: Job Hook' --header 'webhook-id: 1' gitlab/build-running.json",
            "normalize --header 'X-Gitlab-Event: Job Hook' gitlab/pipeline-failed.json",
            "normalize gitlab/push.json",
            "normalize --header 'ce-type: org.jenkinsci.job.started' jenkins/cloudevents-started.json",
            "normalize --header 'ce-type: dev.tekton.event.taskrun.running.v1' tekton/taskrun_running-test.json",
            "normalize --header 'ce-type: org.example.thing' standard/run-queued-minimal.json",
            "normalize README.md",
        ],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn a_provider_is_told_by_the_shape_of_its_body() {
    let normalize = |body: &str| said(meshhook().args(["normalize", "-"]).write_stdin(body));
    assert!(normalize(r#"{"repository":{"full_name":"a/b"},"action":"x"}"#).contains("unsupported_event"));
    assert!(normalize(r#"{"workflow":"w","state":"running"}"#).contains("`run_id` is missing or wrong"));
    assert!(normalize(r#"{"workflow":"w","state":"running","run_id":1}"#).contains(r#""reading":"event""#));
    assert!(
        normalize(r#"{"workflow":"w","state":"launched","run_id":1}"#)
            .contains("`state` is missing or wrong")
    );
}

/// Others have jobs, workflows and attempts of their own, and headers that are somebody's here.
#[test]
fn what_is_nobodys_is_ignored() {
    for body in [
        r#"{"job":{"name":"rocket"},"run":{"status":"Succeeded"}}"#,
        r#"{"event_type":"jobs.on_failure","run":{"run_id":7},"job":{"job_id":2}}"#,
        r#"{"workflow":"deploy","status":"failed","repository":"acme/rocket"}"#,
        r#"{"attempt":"second","started_at":"yesterday","job":["a"]}"#,
        r#"{"dag_id":"d","run_id":"r","state":"failed"}"#,
        r#"{"workflow":{"name":"deploy"},"run_id":7,"status":"failed"}"#,
        r#"{"specversion":"1.0","type":"org.example.launched","source":"/pad","id":"1","data":{"status":"ok"}}"#,
    ] {
        for header in ["x-request-id: 1", "ce-type: org.example.launched", "X-Hub-Signature-256: sha256=00"] {
            let normalize = &["normalize", "--header", header, "-"];
            let told = said(meshhook().args(normalize).write_stdin(body));
            assert!(told.contains(r#""reading":"ignored","reason":"unsupported_event""#), "{body} {told}");
        }
    }
}

#[test]
fn every_field_has_its_place() {
    let secrets = Secrets::new();
    let map = "[fields]\nworkflow = \"/plan\"\nstate = \"/result\"\nrun_id = \"/number\"\n\
               repo = { constant = \"acme/rocket\" }\n[states]\nROT = \"failed\"\n";
    secrets.write("map.toml", map);
    secrets.write("own.json", r#"{"plan":"IOS","result":"rot","number":88}"#);
    secrets.write("wrong.toml", "[fields]\nworkflow = \"plan\"\nbrunch = \"/b\"\n[states]\nROT = \"red\"\n");
    let told = all_said(
        &secrets,
        &[
            "normalize --explain github/workflow_run-completed-timed_out-fork.json",
            "normalize --explain --json gitlab/pipeline-failed.json",
            "normalize --explain github/ping.json",
            "normalize --provider generic --map @map.toml --explain @own.json",
            "normalize --provider generic --map @wrong.toml @own.json",
            "normalize --provider generic github/ping.json",
            "normalize --map nothing.toml github/ping.json",
        ],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn messages_are_shown_before_they_are_sent() {
    let told = all_said(
        &Secrets::new(),
        &[
            "render github/workflow_run-completed-failure.json",
            "render github/workflow_run-completed-failure-hostile.json",
            "render --json standard/run-failed-attempt-2.json",
            "render --json --format plain standard/run-failed-attempt-2.json",
            "render --format plain standard/run-failed-attempt-2.json",
            "render --format html standard/run-failed-attempt-2.json",
            "render github/ping.json",
            "render gitlab/pipeline-success-warnings.json",
            "render gitlab/pipeline-failed-hostile.json",
        ],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn nothing_from_outside_reaches_a_terminal_as_control() {
    let body =
        r#"{"workflow":"w\u001b[31m\u009b2J\u202e","state":"failed","run_id":"1","branch":"b\u0007\u2066"}"#;
    for args in [&["normalize", "-"][..], &["render", "-"], &["render", "--json", "-"]] {
        let output = meshhook().args(args).write_stdin(body).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains('w'), "{text}");
        let obeyed = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202A}'..='\u{202E}');
        assert!(!text.contains(obeyed), "{text:?}");
    }
}

#[test]
fn a_pipe_gets_no_colours() {
    let output = meshhook().args(["render", "standard/run-failed-attempt-2.json"]).output().unwrap();
    assert!(!output.stdout.contains(&0x1b));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let program = meshhook().get_program().to_owned();
    let pipe = r#""$0" normalize "$1" | true; echo "${PIPESTATUS[0]}""#;
    let output = std::process::Command::new("bash")
        .args(["-c", pipe])
        .arg(program)
        .arg(crate::words::fixtures().join("github/ping.json"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "0\n");
    assert!(output.stderr.is_empty());
}
