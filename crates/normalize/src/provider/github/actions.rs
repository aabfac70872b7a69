//! `workflow_run` and `workflow_job`: GitHub Actions.

use meshhook_model::{Details, Round, State, Text, Unit};

use super::{common, concluded, outcome, repo};
use crate::draft::{Draft, Silence};
use crate::refs::{branch_of, plain_branch};
use crate::tree::{Node, first};
use crate::{Identity, Machine};

pub(super) fn state(body: Node<'_>, build: Node<'_>) -> Result<State, Silence> {
    super::state(body, build, concluded)
}

pub(super) fn run(body: Node<'_>) -> Draft {
    let run = body.get("workflow_run");
    let workflow =
        [body.get("workflow").get("name"), run.get("name")].into_iter().find(|n| n.str().is_some());
    let actor = first(["triggering_actor", "actor"].map(|who| run.get(who).get("login")), Node::text);
    let details = Details {
        unit: Unit::Run,
        workflow: workflow.and_then(Node::text),
        branch: branch(body, run),
        run_id: run.get("id").id_text(),
        actor,
        title: run.get("display_title").text().or_else(|| run.get("head_commit").get("message").first_line()),
        started_at: run.get("run_started_at").time(),
        ..build(body, run)
    };
    let id = first([run.get("id"), run.get("html_url")], Node::id);
    let identity = Identity::new(repo(body).map(str::to_owned), workflow.and_then(Node::id), id);
    Draft { details, identity, machine: None, finished_at: run.get("updated_at").time() }
}

pub(super) fn job(body: Node<'_>) -> Draft {
    let job = body.get("workflow_job");
    let machine = machine(job);
    let details = Details {
        unit: Unit::Job,
        workflow: job.get("workflow_name").text(),
        job: job.get("name").text(),
        // A job's body does not say whether its branch is a fork's.
        branch: job.get("head_branch").str().and_then(|name| Text::new(plain_branch(name))),
        mesh_node_id: machine.as_ref().map(|machine| machine.name.clone()),
        run_id: job.get("run_id").id_text(),
        started_at: job.get("started_at").time(),
        ..build(body, job)
    };
    let run = first([job.get("run_id"), job.get("html_url")], Node::id);
    let identity = Identity::new(repo(body).map(str::to_owned), job.get("workflow_name").id(), run)
        .of_job(first([job.get("id"), job.get("name")], Node::id));
    Draft { details, identity, machine, finished_at: job.get("completed_at").time() }
}

/// What a run and a job call by the same names.
fn build(body: Node<'_>, build: Node<'_>) -> Details {
    let attempt = build.get("run_attempt").attempt();
    Details {
        outcome: outcome(build),
        commit: build.get("head_sha").text(),
        // A later attempt keeps the run's address, which shows the latest.
        run_url: build.get("html_url").link(),
        attempt,
        round: attempt.map_or(Round::FIRST, Round::from),
        ..common(body)
    }
}

/// The branch or tag of a run.
fn branch(body: Node<'_>, run: Node<'_>) -> Option<Text> {
    branch_of(fork_owner(body, run), run.get("head_branch").str()?)
}

/// Who owns the repository that a run's commit is from, if it is not the hook's own.
fn fork_owner<'b>(body: Node<'b>, run: Node<'b>) -> Option<&'b str> {
    if !run.has("head_repository") {
        return None;
    }
    match run.get("head_repository").get("full_name").str() {
        // GitHub sends null once the fork is deleted, which is nothing that its owner may gain by.
        None => Some("unknown"),
        Some(head) if Some(head) == repo(body) => None,
        Some(head) => head.split('/').next(),
    }
}

fn machine(job: Node<'_>) -> Option<Machine> {
    let name = job.get("runner_name").text()?;
    let hosted =
        is_hosted_name(name.as_str()) || job.get("runner_group_name").str() == Some("GitHub Actions");
    Some(Machine { name, hosted })
}

/// GitHub calls its own runners `GitHub Actions 12`, and `Hosted Agent` in their environment.
fn is_hosted_name(name: &str) -> bool {
    match name.strip_prefix("GitHub Actions") {
        Some(number) => number.trim_start().bytes().all(|b| b.is_ascii_digit()),
        None => name == "Hosted Agent",
    }
}
