//! What is said already, and what is news under an old id: of systems that have no job whose number tells.

use meshhook_normalize::{Event, Provider};

use crate::support::{event, json_of};

fn events<const N: usize>(provider: &str, files: [&str; N]) -> [Event; N] {
    let of = Provider::by_name(provider).unwrap();
    files.map(|file| event(of, &json_of(&format!("{provider}/{file}.json"))))
}

/// The same subject, state and round: the second is a duplicate of the first.
#[test]
fn what_was_said_is_not_said_again() {
    for (provider, files) in [
        ("github", ["check_run-completed-failure-fork", "check_run-rerequested-failure"]),
        ("forgejo", ["action_run_success", "action_run_recover"]),
        // Whoever subscribes to both hears of a build's end once.
        ("azure-devops", ["build_complete-succeeded", "run-completed-succeeded"]),
    ] {
        let [first, second] = events(provider, files);
        assert_eq!(first.identity, second.identity, "{files:?}");
        assert_eq!(first.status.state, second.status.state, "{files:?}");
        assert_eq!(first.status.details.round, second.status.details.round, "{files:?}");
    }
}

/// The same subject in a later round: a second failure is no duplicate.
#[test]
fn a_second_end_is_news() {
    for (provider, files) in [
        ("github", ["check_suite-completed-failure", "check_suite-completed-failure-again"]),
        ("github", ["check_suite-requested-queued", "check_suite-completed-success"]),
        ("github", ["status-pending", "status-success"]),
        ("github", ["deployment_status-created-in_progress-workflow", "deployment_status-failure-old"]),
        ("gitea", ["workflow_run-completed-success", "workflow_run-completed-failure-attempt-2"]),
        ("gitea", ["workflow_run-completed-failure-old", "workflow_run-completed-failure-old-again"]),
        ("gitea", ["status-success", "status-failure-again"]),
        ("forgejo", ["action_run_failure", "action_run_failure-again"]),
        ("forgejo", ["workflow_job_running", "workflow_job_failure-attempt-2"]),
        ("bitbucket", ["commit_status_created-inprogress", "commit_status_updated-successful"]),
        ("bitbucket", ["commit_status_updated-failed", "commit_status_updated-failed-again"]),
        ("azure-devops", ["run-in_progress", "run-completed-failed"]),
        ("azure-devops", ["run-completed-failed", "run-completed-failed-again"]),
        ("azure-devops", ["stage-completed-succeeded", "stage-completed-failed-attempt-2"]),
    ] {
        let [first, second] = events(provider, files);
        assert_eq!(first.identity, second.identity, "{files:?}");
        assert!(first.status.details.round < second.status.details.round, "{files:?}");
    }
}

#[test]
fn jobs_belong_to_their_run() {
    for (provider, files) in [
        ("gitea", ["workflow_run-completed-success", "workflow_job-completed-success"]),
        ("forgejo", ["workflow_run_running", "workflow_job_running"]),
        ("azure-devops", ["run-completed-succeeded", "job-completed-succeeded"]),
        ("azure-devops", ["run-completed-succeeded", "stage-completed-succeeded"]),
    ] {
        let [run, job] = events(provider, files).map(|event| event.identity);
        assert_eq!((&run.repo, &run.run), (&job.repo, &job.run), "{files:?}");
        assert!(run.job.is_none() && job.job.is_some(), "{files:?}");
    }
}
