//! Gitea: runs and jobs of its Actions, and commit statuses.
//!
//! Source: Gitea's code, `services/webhook`, `services/convert` and `modules/structs`.
//!
//! The bodies are GitHub's but for names here and there. What is not known is left out, or empty, or the zero time.
//! Words for states changed in 2026; those of Gitea's own database come in bodies that others make.

use meshhook_model::{Details, Round, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::newest::of_fields;
use crate::provider::RUNS;
use crate::refs::{branch_of, plain_branch};
use crate::rounds::round_at;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Machine, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "gitea",
    schemes: &["gitea"],
    default_scheme: Some("gitea"),
    units: RUNS,
    forks_untold: &[Unit::Job],
    event_header: Some("X-Gitea-Event"),
    fits: |body| !matches!(Kind::of(body), Kind::Other | Kind::Unknown) && is_marked(body),
    newest,
    read,
};

/// Whether a body of GitHub's shape has what GitHub's bodies have not.
pub(crate) fn is_marked(body: Node<'_>) -> bool {
    const REPOSITORY: [&str; 5] =
        ["empty", "original_url", "stars_count", "open_pr_counter", "release_counter"];
    const USER: [&str; 4] = ["login_name", "username", "last_login", "followers_count"];
    let (run, job, repository) = (body.get("workflow_run"), body.get("workflow_job"), body.get("repository"));
    REPOSITORY.iter().any(|key| repository.has(key))
        || USER.iter().any(|key| body.get("sender").has(key) || run.get("actor").has(key))
        || run.has("trigger_actor")
        || [run, job].iter().any(|build| build.get("url").str().is_some_and(|url| url.contains("/api/v1/")))
        // Where nothing else is left: the name of its host.
        || repository.get("html_url").str().is_some_and(|page| page.split('/').nth(2).is_some_and(is_named_gitea))
}

fn is_named_gitea(host: &str) -> bool {
    host.split(['.', ':']).any(|label| label == "gitea")
}

/// The time that Gitea's clock wrote: a workflow's are those of a commit, a job's last is its runner's, and the
/// repository's are old where a clock sets off the run.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let (run, job) = (body.get("workflow_run"), body.get("workflow_job"));
    let own = ["created_at", "updated_at"].map(|key| body.get(key));
    let of_run = ["created_at", "updated_at", "started_at", "completed_at"].map(|key| run.get(key));
    let of_job = ["created_at", "started_at"].map(|key| job.get(key));
    of_fields(own.into_iter().chain(of_run).chain(of_job))
}

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let kind = Kind::of(body);
    let found = match kind {
        Kind::Run => run(body).with(state(body, body.get("workflow_run"))),
        Kind::Job => job(body).with(state(body, body.get("workflow_job"))),
        Kind::Status => status(body).with(status_state(body.get("state"))),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, common(body)),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, common(body)),
    };
    found.under(header, |event| kind.agrees_with(event))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Run,
    Job,
    Status,
    Other,
    Unknown,
}

impl Kind {
    fn of(body: Node<'_>) -> Self {
        match (body.has("workflow_run"), body.has("workflow_job")) {
            (true, false) => Self::Run,
            (false, true) => Self::Job,
            (true, true) => Self::Unknown,
            (false, false) if ["sha", "context", "state"].iter().all(|key| body.has(key)) => Self::Status,
            (false, false) if body.has("repository") || body.has("sender") => Self::Other,
            (false, false) => Self::Unknown,
        }
    }

    /// Whether a header may stand over such a body; over an event that is not read any word that is not.
    fn agrees_with(self, header: &str) -> bool {
        match header {
            "workflow_run" => self == Self::Run,
            "workflow_job" => self == Self::Job,
            "status" => self == Self::Status,
            _ => matches!(self, Self::Other | Self::Unknown),
        }
    }
}

fn run(body: Node<'_>) -> Draft {
    let run = body.get("workflow_run");
    let (started_at, finished_at) = (run.get("started_at").time(), run.get("completed_at").time());
    // The workflow's id is the name of its file.
    let workflow = [body.get("workflow").get("name"), run.get("name"), body.get("workflow").get("id")];
    let actor = ["trigger_actor", "actor"].map(|who| run.get(who).get("login"));
    let title = [run.get("display_title"), run.get("head_commit").get("message")];
    let details = Details {
        unit: Unit::Run,
        workflow: first(workflow, Node::text),
        branch: branch(body, run),
        run_id: run.get("id").id_text(),
        // An old Gitea counts no attempts, and begins the times anew.
        round: run.get("run_attempt").attempt().map_or(round_at(started_at.max(finished_at)), Round::from),
        actor: first(actor, Node::text).or_else(|| common(body).actor),
        title: first(title, Node::first_line),
        started_at,
        ..build(body, run)
    };
    let id = first([run.get("id"), run.get("html_url")], Node::id);
    let identity = Identity::new(repo(body), first(workflow, Node::id), id);
    Draft { details, identity, machine: None, finished_at }
}

fn job(body: Node<'_>) -> Draft {
    let job = body.get("workflow_job");
    // Every runner is somebody's own.
    let machine = job.get("runner_name").text().map(|name| Machine { name, hosted: false });
    let details = Details {
        unit: Unit::Job,
        job: job.get("name").text(),
        branch: job.get("head_branch").str().and_then(|name| branch_of(None, name)),
        mesh_node_id: machine.as_ref().map(|machine| machine.name.clone()),
        run_id: job.get("run_id").id_text(),
        round: job.get("run_attempt").attempt().map_or(Round::FIRST, Round::from),
        started_at: job.get("started_at").time(),
        ..build(body, job)
    };
    let run = first([job.get("run_id"), job.get("html_url")], Node::id);
    let identity =
        Identity::new(repo(body), None, run).of_job(first([job.get("id"), job.get("name")], Node::id));
    Draft { details, identity, machine, finished_at: job.get("completed_at").time() }
}

/// What a run and a job call by the same names.
fn build(body: Node<'_>, build: Node<'_>) -> Details {
    Details {
        outcome: word(body, build).text(),
        commit: build.get("head_sha").text(),
        run_url: build.get("html_url").link(),
        attempt: build.get("run_attempt").attempt(),
        ..common(body)
    }
}

fn status(body: Node<'_>) -> Draft {
    let (sha, context, id) = (body.get("sha"), body.get("context"), body.get("id"));
    let details = Details {
        unit: Unit::Status,
        workflow: context.text(),
        outcome: body.get("state").text(),
        commit: sha.text(),
        run_url: body.get("target_url").link(),
        run_id: id.id_text(),
        // As GitHub's: a row is never changed, the next one has a higher number.
        round: id.number().map_or(Round::FIRST, Round::new),
        title: body.get("commit").get("message").first_line(),
        ..common(body)
    };
    let subject = match (sha.str(), context.str()) {
        (Some(sha), Some(context)) => Some(format!("{sha} {context}")),
        _ => id.id(),
    };
    let identity = Identity::new(repo(body), context.id(), subject);
    let finished_at = first([body.get("updated_at"), body.get("created_at")], Node::time);
    Draft { details, identity, machine: None, finished_at }
}

/// What every event tells.
fn common(body: Node<'_>) -> Details {
    Details {
        repo: repo(body).as_deref().and_then(Text::new),
        actor: body.get("sender").get("login").text(),
        ..Details::default()
    }
}

fn repo(body: Node<'_>) -> Option<String> {
    body.get("repository").get("full_name").id()
}

fn state(body: Node<'_>, build: Node<'_>) -> Result<State, Silence> {
    match word(body, build).str().ok_or(Silence::MISSING)? {
        "completed" => Err(Silence::Ignored(Ignored::NoConclusion)),
        word => meaning(word).ok_or(Silence::UNKNOWN),
    }
}

/// The word that tells the state: what a finished build came to, else where it stands.
///
/// A cut-down body has its `action` for a status, and others write the conclusion there too.
fn word<'b>(body: Node<'b>, build: Node<'b>) -> Node<'b> {
    let (status, conclusion) = (build.get("status"), build.get("conclusion"));
    let status = if status.is_missing() { body.get("action") } else { status };
    if status.str().is_some_and(is_over) && !conclusion.is_missing() { conclusion } else { status }
}

fn is_over(status: &str) -> bool {
    status == "completed" || meaning(status).is_some_and(State::is_terminal)
}

fn meaning(word: &str) -> Option<State> {
    match word {
        "requested" | "queued" | "pending" | "waiting" | "blocked" => Some(State::Queued),
        "in_progress" | "running" | "cancelling" => Some(State::Running),
        "success" | "skipped" => Some(State::Succeeded),
        "failure" | "cancelled" => Some(State::Failed),
        _ => None,
    }
}

/// Of statuses, which any CI system may send.
fn status_state(state: Node<'_>) -> Result<State, Silence> {
    match state.str().ok_or(Silence::MISSING)? {
        "pending" => Ok(State::Queued),
        "success" | "warning" | "skipped" => Ok(State::Succeeded),
        "failure" | "error" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

/// The branch of a run; where it has none, the tag or pull request that its path names: `build.yml@refs/tags/v1`.
fn branch(body: Node<'_>, run: Node<'_>) -> Option<Text> {
    match run.get("head_branch").str() {
        Some(name) => branch_of(fork_owner(body, run), name),
        None => {
            let (_, name) = run.get("path").str()?.rsplit_once("@refs/")?;
            Text::new(plain_branch(&format!("refs/{name}")))
        }
    }
}

/// Who owns the repository that a run's commit is from, where the body tells it and it is another one; of a deleted fork,
/// which is null, nobody that is known.
fn fork_owner<'b>(body: Node<'_>, run: Node<'b>) -> Option<&'b str> {
    if !run.has("head_repository") {
        return None;
    }
    match run.get("head_repository").get("full_name").str() {
        None => Some("unknown"),
        ours if ours == body.get("repository").get("full_name").str() => None,
        Some(head) => head.split('/').next(),
    }
}
