//! Forgejo: runs of its Actions.
//!
//! Source: Forgejo docs, "Webhooks", and its code, `modules/structs` and `services/webhook`.
//!
//! A run is announced when it is over, after a failed one twice: as a success and as a recovery. Newer versions have
//! events for each state, and for jobs. The event's name tells nothing: `action_run_failure` is sent of a run that was
//! cancelled too. So the run's status is read.

use meshhook_model::{Details, Round, RunUrl, State, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::newest::of_fields;
use crate::provider::RUNS;
use crate::refs::branch_of;
use crate::rounds::round_at;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "forgejo",
    schemes: &["gitea"],
    default_scheme: Some("gitea"),
    units: RUNS,
    forks_untold: &[],
    event_header: Some("X-Forgejo-Event"),
    fits: |body| matches!(Kind::of(body), Kind::Run | Kind::Job),
    newest: |body| of_fields(TIMES.map(|key| body.get("run").get(key))),
    read,
};

/// All of them are of Forgejo's own clock.
const TIMES: [&str; 7] =
    ["created", "started", "stopped", "updated", "created_at", "run_started_at", "updated_at"];

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let kind = Kind::of(body);
    let found = match kind {
        Kind::Run => run(body).with(state(body.get("run").get("status"))),
        Kind::Job => job(body).with(state(body.get("job").get("status"))),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, common(body)),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, common(body)),
    };
    found.under(header, |event| kind.agrees_with(event))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Run,
    Job,
    Other,
    Unknown,
}

impl Kind {
    fn of(body: Node<'_>) -> Self {
        // `last_run` has the same shape, and is the one before.
        let run = body.get("run");
        let is_run = ["prettyref", "index_in_repo", "commit_sha"].iter().any(|key| run.has(key));
        match (is_run, body.get("job").is_object()) {
            (true, true) => Self::Job,
            (true, false) if body.get("job").is_missing() && body.get("workflow_job").is_missing() => {
                Self::Run
            }
            _ if body.has("repository") || body.has("sender") => Self::Other,
            _ => Self::Unknown,
        }
    }

    /// Whether a header may stand over such a body; over an event that is not read any word that is not.
    fn agrees_with(self, header: &str) -> bool {
        if header.starts_with("action_run_") || header.starts_with("workflow_run_") {
            return self == Self::Run;
        }
        if header.starts_with("workflow_job_") {
            return self == Self::Job;
        }
        matches!(self, Self::Other | Self::Unknown)
    }
}

fn run(body: Node<'_>) -> Draft {
    let run = body.get("run");
    let started_at = first([run.get("started"), run.get("run_started_at")], Node::time);
    let finished_at = first([run.get("stopped"), run.get("updated_at")], Node::time);
    let state = run.get("status");
    let over = matches!(meaning(state), Some(state) if state.is_terminal());
    let details = Details {
        unit: Unit::Run,
        outcome: state.text(),
        run_url: page(run),
        // A run that is started again keeps its id, and begins its times anew.
        round: round_at(started_at.max(finished_at.filter(|_| over))),
        started_at,
        ..common(body)
    };
    Draft { details, identity: identity(body), machine: None, finished_at }
}

fn job(body: Node<'_>) -> Draft {
    let job = body.get("job");
    let attempt = job.get("attempt").attempt();
    let details = Details {
        unit: Unit::Job,
        job: job.get("name").text(),
        outcome: job.get("status").text(),
        run_url: page(job),
        attempt,
        round: attempt.map_or(Round::FIRST, Round::from),
        ..common(body)
    };
    let identity = identity(body).of_job(first([job.get("id"), job.get("name")], Node::id));
    Draft { details, identity, machine: None, finished_at: None }
}

/// What every event tells.
fn common(body: Node<'_>) -> Details {
    let run = body.get("run");
    let actor = [run.get("trigger_user"), body.get("sender")].map(|who| who.get("login"));
    Details {
        workflow: run.get("workflow_id").text(),
        branch: run.get("prettyref").str().and_then(|name| branch_of(None, name)),
        commit: run.get("commit_sha").text(),
        run_id: run.get("id").id_text(),
        repo: repo(body).and_then(Node::text),
        actor: first(actor, Node::text),
        title: run.get("title").first_line(),
        ..Details::default()
    }
}

fn identity(body: Node<'_>) -> Identity {
    let run = body.get("run");
    let id = first(["id", "html_url", "run_html_url"].map(|key| run.get(key)), Node::id);
    Identity::new(repo(body).and_then(Node::id), run.get("workflow_id").id(), id)
}

/// The full name of the repository, which is within the run.
fn repo(body: Node<'_>) -> Option<Node<'_>> {
    let repositories = [body.get("run").get("repository"), body.get("repository")];
    repositories.map(|repository| repository.get("full_name")).into_iter().find(|name| !name.is_missing())
}

fn page(build: Node<'_>) -> Option<RunUrl> {
    first([build.get("html_url"), build.get("run_html_url")], Node::link)
}

fn state(status: Node<'_>) -> Result<State, Silence> {
    if status.str().is_none() {
        return Err(Silence::MISSING);
    }
    meaning(status).ok_or(Silence::UNKNOWN)
}

fn meaning(status: Node<'_>) -> Option<State> {
    match status.str()? {
        "waiting" | "blocked" => Some(State::Queued),
        "running" => Some(State::Running),
        "success" | "skipped" => Some(State::Succeeded),
        "failure" | "cancelled" => Some(State::Failed),
        _ => None,
    }
}
