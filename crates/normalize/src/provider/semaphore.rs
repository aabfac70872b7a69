//! Semaphore: pipelines, once they are done; and builds of Semaphore Classic, which has closed.
//!
//! Source: Semaphore docs, "Notifications", and the code that fills the body (`notifications/…/webhook/message.ex`).

use meshhook_model::{Details, RunUrl, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::newest::of_fields_named_at;
use crate::provider::RUNS;
use crate::refs::{branch_of, plain_branch};
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "semaphore",
    schemes: &["semaphore"],
    default_scheme: Some("semaphore"),
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: |body| matches!(Kind::of(body), Kind::Pipeline | Kind::ClassicBuild),
    newest: |body| of_fields_named_at(body, Timestamp::parse_rfc3339),
    read,
};

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    match Kind::of(body) {
        Kind::Pipeline => pipeline(body).with(state(body.get("pipeline"))),
        Kind::ClassicBuild => classic(body).with(classic_state(body.get("result"))),
        Kind::ClassicOther => Found::ignored(Ignored::UnsupportedEvent, classic_project(body)),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, Details::default()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pipeline,
    ClassicBuild,
    /// A deploy.
    ClassicOther,
    Unknown,
}

impl Kind {
    /// CircleCI has a pipeline, too, but neither its file nor a revision.
    fn of(body: Node<'_>) -> Self {
        let pipeline = body.get("pipeline");
        if pipeline.is_object() && (pipeline.has("yaml_file_name") || body.get("revision").is_object()) {
            return Self::Pipeline;
        }
        let classic = body.has("project_hash_id") || body.has("branch_url");
        match body.get("event").str().filter(|_| classic) {
            Some("build") => Self::ClassicBuild,
            Some(_) => Self::ClassicOther,
            None => Self::Unknown,
        }
    }
}

fn pipeline(body: Node<'_>) -> Draft {
    let (pipeline, revision) = (body.get("pipeline"), body.get("revision"));
    let repository = body.get("repository").get("slug");
    let details = Details {
        unit: Unit::Run,
        workflow: pipeline.get("name").text(),
        outcome: outcome(pipeline),
        branch: branch(revision, repository.str()),
        // Of a pull request the other one is the merge that Semaphore made.
        commit: first([revision.get("pull_request").get("head_sha"), revision.get("commit_sha")], Node::text),
        run_url: page(body),
        run_id: pipeline.get("id").id_text(),
        repo: repository.text(),
        actor: revision.get("sender").get("login").text(),
        title: revision
            .get("pull_request")
            .get("name")
            .text()
            .or_else(|| revision.get("commit_message").first_line()),
        started_at: pipeline.get("running_at").time(),
        ..Details::default()
    };
    // A workflow has several pipelines, and one that is run again is another.
    let project = first([body.get("project").get("id"), repository], Node::id);
    let identity = Identity::new(project, pipeline.get("name").id(), pipeline.get("id").id());
    Draft { details, identity, machine: None, finished_at: pipeline.get("done_at").time() }
}

/// The result counts once the pipeline is done.
fn state(pipeline: Node<'_>) -> Result<State, Silence> {
    match pipeline.get("state").str().ok_or(Silence::MISSING)? {
        "initializing" | "pending" | "queuing" => Ok(State::Queued),
        "running" | "stopping" => Ok(State::Running),
        "done" => result(pipeline.get("result")),
        // Also `passed`, which Semaphore's code writes for a pipeline that is only being made.
        _ => Err(Silence::UNKNOWN),
    }
}

fn result(result: Node<'_>) -> Result<State, Silence> {
    match result.str().ok_or(Silence::MISSING)? {
        "passed" => Ok(State::Succeeded),
        "failed" | "stopped" | "canceled" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

fn outcome(pipeline: Node<'_>) -> Option<Text> {
    let state = pipeline.get("state");
    if state.str() == Some("done") { pipeline.get("result").text() } else { state.text() }
}

/// The branch of the pull request, whose commit is read as well; else the branch or tag.
fn branch(revision: Node<'_>, repository: Option<&str>) -> Option<Text> {
    let request = revision.get("pull_request");
    let names = [
        request.get("branch_name"),
        revision.get("branch").get("name"),
        revision.get("tag").get("name"),
        revision.get("reference"),
    ];
    let name = plain_branch(first(names, Node::str)?);
    let head = request.get("head_repo_slug").str();
    if request.is_object() && request.has("head_repo_slug") && head != repository {
        return branch_of(Some(head.and_then(|slug| slug.split('/').next()).unwrap_or("unknown")), name);
    }
    Text::new(name)
}

/// The page on semaphoreci.com, where the body has no address.
fn page(body: Node<'_>) -> Option<RunUrl> {
    let part = |node: Node<'_>| node.id().filter(|id| is_plain(id));
    let organization = part(body.get("organization").get("name"))?;
    let (workflow, pipeline) = (part(body.get("workflow").get("id"))?, part(body.get("pipeline").get("id"))?);
    RunUrl::new(&format!(
        "https://{organization}.semaphoreci.com/workflows/{workflow}?pipeline_id={pipeline}"
    ))
}

fn is_plain(part: &str) -> bool {
    part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn classic(body: Node<'_>) -> Draft {
    let (project, commit) = (body.get("project_name"), body.get("commit"));
    let details = Details {
        outcome: body.get("result").text(),
        branch: body.get("branch_name").str().and_then(|name| branch_of(None, name)),
        commit: commit.get("id").text(),
        run_url: body.get("build_url").link(),
        run_id: body.get("build_number").id_text(),
        title: commit.get("message").first_line(),
        started_at: body.get("started_at").time(),
        ..classic_project(body)
    };
    // Builds are counted within their branch.
    let run = first([body.get("build_url"), body.get("build_number")], Node::id);
    let identity = Identity::new(first([body.get("project_hash_id"), project], Node::id), None, run);
    Draft { details, identity, machine: None, finished_at: body.get("finished_at").time() }
}

fn classic_project(body: Node<'_>) -> Details {
    let project = body.get("project_name");
    Details { unit: Unit::Run, workflow: project.text(), repo: project.text(), ..Details::default() }
}

fn classic_state(result: Node<'_>) -> Result<State, Silence> {
    match result.str().ok_or(Silence::MISSING)? {
        "pending" => Ok(State::Queued),
        "passed" => Ok(State::Succeeded),
        "failed" | "stopped" | "canceled" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_lead_elsewhere_is_no_part_of_an_address() {
        assert!(is_plain("acme-2") && is_plain("7d1f0c52-98ab"));
        for part in ["acme.example.org/", "a@b", "a?b=c", "a/../b", "ä", "a b"] {
            assert!(!is_plain(part), "{part}");
        }
    }
}
