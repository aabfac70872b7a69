//! Cirrus CI: builds, and their tasks as jobs.
//!
//! Source: Cirrus CI docs, "Builds and Tasks WebHooks", and captures in `cirrus-webhooks-server`: the docs put
//! everything into `data`, captures have it at the top, with an empty object for what an event is not about.

use meshhook_model::{Details, RunUrl, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::RUNS;
use crate::refs::branch_of;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "cirrus",
    schemes: &["cirrus"],
    default_scheme: Some("cirrus"),
    units: RUNS,
    forks_untold: &[],
    event_header: Some("X-Cirrus-Event"),
    fits: |body| {
        matches!(Kind::of(data(body)), Kind::Build | Kind::Task) && body.get("action").str().is_some()
    },
    newest,
    read,
};

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let data = data(body);
    let kind = Kind::of(data);
    let found = match kind {
        Kind::Build => build(data).with(state(data.get("build").get("status"))),
        Kind::Task => task(data).with(state(data.get("task").get("status"))),
        Kind::Audit => Found::ignored(Ignored::UnsupportedEvent, common(data)),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, common(data)),
    };
    found.under(header, |event| kind.agrees_with(event))
}

/// An audit event's `data` is a string.
fn data(body: Node<'_>) -> Node<'_> {
    let data = body.get("data");
    if data.is_object() { data } else { body }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Build,
    Task,
    Audit,
    Unknown,
}

impl Kind {
    fn of(data: Node<'_>) -> Self {
        let has = |key: &str| data.get(key).fields().next().is_some();
        let of_cirrus = data.get("repository").get("owner").str().is_some();
        if data.has("actor") && data.has("type") {
            Self::Audit
        } else if has("task") && (of_cirrus || has("build")) {
            Self::Task
        } else if has("build") && of_cirrus {
            Self::Build
        } else {
            Self::Unknown
        }
    }

    /// Whether a header may stand over such a body; over an event that is not read any word that is not.
    fn agrees_with(self, header: &str) -> bool {
        match header {
            "build" => self == Self::Build,
            "task" => self == Self::Task,
            _ => matches!(self, Self::Audit | Self::Unknown),
        }
    }
}

fn build(data: Node<'_>) -> Draft {
    let build = data.get("build");
    let details = Details {
        unit: Unit::Run,
        outcome: build.get("status").text(),
        run_url: page("build", build.get("id")),
        ..of_build(data)
    };
    Draft { details, identity: identity(data), machine: None, finished_at: None }
}

fn task(data: Node<'_>) -> Draft {
    let task = data.get("task");
    let changed_at = task.get("statusTimestamp").unix_time();
    let details = Details {
        unit: Unit::Job,
        job: task.get("name").text(),
        outcome: task.get("status").text(),
        run_url: page("task", task.get("id")),
        ..of_build(data)
    };
    // A task that is run again has another id.
    let identity = identity(data).of_job(first([task.get("id"), task.get("name")], Node::id));
    Draft { details, identity, machine: None, finished_at: changed_at }
}

/// What a build and its tasks tell alike.
fn of_build(data: Node<'_>) -> Details {
    let build = data.get("build");
    let common = common(data);
    Details {
        workflow: common.repo.clone(),
        branch: build.get("branch").str().and_then(|name| branch_of(None, name)),
        commit: build.get("changeIdInRepo").text(),
        run_id: build.get("id").id_text(),
        title: build.get("changeMessageTitle").first_line(),
        ..common
    }
}

/// Of no round: a build that is run again keeps its id, and nothing in the body tells so.
fn identity(data: Node<'_>) -> Identity {
    Identity::new(repo(data), None, data.get("build").get("id").id())
}

fn common(data: Node<'_>) -> Details {
    let build = data.get("build");
    let people = [build.get("user"), build.get("initializer"), data.get("actor")];
    Details {
        repo: repo(data).and_then(|repo| Text::new(&repo)),
        actor: people.into_iter().find_map(|person| person.get("username").text()),
        ..Details::default()
    }
}

fn state(status: Node<'_>) -> Result<State, Silence> {
    match status.str().ok_or(Silence::MISSING)? {
        "CREATED" | "TRIGGERED" | "SCHEDULED" => Ok(State::Queued),
        // Waiting for a person.
        "NEEDS_APPROVAL" | "PAUSED" => Ok(State::Queued),
        "EXECUTING" => Ok(State::Running),
        "COMPLETED" | "SKIPPED" => Ok(State::Succeeded),
        "FAILED" | "ABORTED" | "ERRORED" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

fn repo(data: Node<'_>) -> Option<String> {
    let repository = data.get("repository");
    Some(format!("{}/{}", repository.get("owner").str()?, repository.get("name").str()?))
}

/// No body has its page.
fn page(kind: &str, id: Node<'_>) -> Option<RunUrl> {
    let id = id.id().filter(|id| id.bytes().all(|b| b.is_ascii_digit()))?;
    RunUrl::new(&format!("https://cirrus-ci.com/{kind}/{id}"))
}

/// A build has no time but `changeTimestamp`, its commit's: whoever pushes chooses that.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let (data, task) = (data(body), data(body).get("task"));
    let times = [task.get("statusTimestamp"), task.get("creationTimestamp"), data.get("timestamp")];
    times.into_iter().filter_map(Node::unix_time).max()
}
