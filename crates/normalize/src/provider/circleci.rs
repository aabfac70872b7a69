//! CircleCI: `workflow-completed` and `job-completed`. There are no events of anything that has not ended.
//!
//! Source: CircleCI docs, "Outbound webhooks" and its reference.

use meshhook_model::{Details, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::RUNS;
use crate::refs::branch_of;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable, remote};

pub(crate) static PROVIDER: Provider = Provider {
    name: "circleci",
    schemes: &["circleci"],
    default_scheme: Some("circleci"),
    units: RUNS,
    forks_untold: &[],
    event_header: Some("circleci-event-type"),
    fits: |body| matches!(Kind::of(body), Kind::Workflow | Kind::Job),
    newest,
    read,
};

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let kind = Kind::of(body);
    let found = match kind {
        Kind::Workflow => workflow(body).with(state(body.get("workflow").get("status"))),
        Kind::Job => job(body).with(state(body.get("job").get("status"))),
        Kind::Ping => Found::ignored(Ignored::Ping, common(body)),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, common(body)),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, common(body)),
    };
    found.under(header, |event| kind.agrees_with(event, body))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Workflow,
    Job,
    Ping,
    Other,
    Unknown,
}

impl Kind {
    /// A body with a job is about it, whatever its type: the docs have one that calls itself `workflow-completed`.
    fn of(body: Node<'_>) -> Self {
        match body.get("type").str() {
            Some("workflow-completed" | "job-completed") if body.get("job").is_object() => Self::Job,
            Some("workflow-completed") => Self::Workflow,
            Some("job-completed") => Self::Job,
            Some("ping") => Self::Ping,
            Some(_) if body.has("webhook") => Self::Other,
            // What CircleCI 1 sent, about which nothing can be announced any more.
            None if body.get("payload").is_object() => Self::Other,
            _ => Self::Unknown,
        }
    }

    fn agrees_with(self, header: &str, body: Node<'_>) -> bool {
        match header {
            "job-completed" if self == Self::Job => true,
            _ => body.get("type").str() == Some(header),
        }
    }
}

fn workflow(body: Node<'_>) -> Draft {
    let workflow = body.get("workflow");
    let details = Details {
        unit: Unit::Run,
        outcome: workflow.get("status").text(),
        started_at: workflow.get("created_at").time(),
        ..common(body)
    };
    let finished_at = workflow.get("stopped_at").time();
    Draft { details, identity: identity(body), machine: None, finished_at }
}

fn job(body: Node<'_>) -> Draft {
    let job = body.get("job");
    let details = Details {
        unit: Unit::Job,
        job: job.get("name").text(),
        outcome: job.get("status").text(),
        started_at: job.get("started_at").time(),
        ..common(body)
    };
    let identity = identity(body).of_job(first([job.get("id"), job.get("number")], Node::id));
    Draft { details, identity, machine: None, finished_at: job.get("stopped_at").time() }
}

fn common(body: Node<'_>) -> Details {
    let (workflow, pipeline) = (body.get("workflow"), body.get("pipeline"));
    let (vcs, git) = (pipeline.get("vcs"), git(body));
    let commit = vcs.get("commit");
    let actor = first([forge(body).get("user_username"), forge(body).get("user_name")], Node::text);
    let title = first([commit.get("subject"), forge(body).get("commit_title")], Node::text);
    Details {
        workflow: workflow.get("name").text(),
        branch: branch(body),
        commit: first([vcs.get("revision"), git.get("checkout_sha")], Node::text),
        run_url: workflow.get("url").link(),
        run_id: workflow.get("id").id_text(),
        repo: body.get("project").get("slug").text(),
        actor: actor.or_else(|| commit.get("author").get("name").text()),
        title: title.or_else(|| {
            first([forge(body).get("commit_message"), git.get("commit_message")], Node::first_line)
        }),
        ..Details::default()
    }
}

/// A workflow that is run again is another one of the same pipeline.
fn identity(body: Node<'_>) -> Identity {
    let (project, workflow) = (body.get("project"), body.get("workflow"));
    let run = first([workflow.get("id"), workflow.get("url"), body.get("pipeline").get("id")], Node::id);
    Identity::new(first([project.get("id"), project.get("slug")], Node::id), workflow.get("name").id(), run)
}

/// What a pipeline was triggered with: of GitLab, the GitHub App and Bitbucket Data Center only.
fn git(body: Node<'_>) -> Node<'_> {
    body.get("pipeline").get("trigger_parameters").get("git")
}

/// The same in the forge's own words.
fn forge(body: Node<'_>) -> Node<'_> {
    let parameters = body.get("pipeline").get("trigger_parameters");
    if parameters.has("gitlab") { parameters.get("gitlab") } else { parameters.get("github_app") }
}

fn state(status: Node<'_>) -> Result<State, Silence> {
    match status.str().ok_or(Silence::MISSING)? {
        "success" => Ok(State::Succeeded),
        "failed" | "error" | "canceled" | "unauthorized" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

/// The branch or tag; whichever it is not is absent, null or "".
fn branch(body: Node<'_>) -> Option<Text> {
    let (vcs, git) = (body.get("pipeline").get("vcs"), git(body));
    let fields = [vcs.get("branch"), vcs.get("tag"), git.get("branch"), git.get("tag"), git.get("ref")];
    let name = fields.into_iter().find_map(Node::str)?;
    branch_of(fork_owner(body), name)
}

fn fork_owner(body: Node<'_>) -> Option<&str> {
    let vcs = body.get("pipeline").get("vcs");
    let urls = vcs.get("origin_repository_url").str().zip(vcs.get("target_repository_url").str());
    let by_url = urls.and_then(|(origin, target)| remote::fork_owner(origin, target));
    let of_fork = forge(body).get("is_fork_merge_request").flag() == Some(true);
    by_url.or(of_fork.then_some("unknown"))
}

/// When it happened, by CircleCI's clock: neither commits nor runners have a say.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let (workflow, pipeline) = (body.get("workflow"), body.get("pipeline"));
    let times = [
        body.get("happened_at"),
        workflow.get("created_at"),
        workflow.get("stopped_at"),
        pipeline.get("created_at"),
    ];
    times.into_iter().filter_map(Node::time).max()
}
