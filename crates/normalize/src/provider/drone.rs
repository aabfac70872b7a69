//! Drone: its system webhooks about builds.
//!
//! Source: Drone docs, "Webhooks"; its types (`drone/drone-go`).

use std::collections::BTreeSet;

use meshhook_model::{Details, RunUrl, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::RUNS;
use crate::refs::branch_of;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Machine, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "drone",
    schemes: &["drone"],
    default_scheme: Some("drone"),
    units: RUNS,
    forks_untold: &[],
    event_header: Some("X-Drone-Event"),
    fits: |body| Kind::of(body) == Kind::Build,
    newest,
    read,
};

/// How many machines a build names: as many as a store keeps for a run.
const MAX_MACHINES: usize = 64;

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let kind = Kind::of(body);
    let found = match kind {
        Kind::Build => build(body).with(state(body.get("build").get("status"))),
        Kind::Repo | Kind::User => Found::ignored(Ignored::UnsupportedEvent, common(body)),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, common(body)),
    };
    found.under(header, |event| event == kind.as_str())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Build,
    Repo,
    User,
    Unknown,
}

impl Kind {
    fn of(body: Node<'_>) -> Self {
        let (repo, build) = (body.get("repo"), body.get("build"));
        let known = body.has("action") || body.has("event");
        match (repo.has("slug") || repo.has("namespace"), build.is_object(), body.get("user").is_object()) {
            (true, true, _) => Self::Build,
            // With the user who did it, and perhaps with the build before.
            (true, false, _) if known => Self::Repo,
            (false, false, true) if known => Self::User,
            _ => Self::Unknown,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Repo => "repo",
            Self::User => "user",
            Self::Unknown => "",
        }
    }
}

fn build(body: Node<'_>) -> Draft {
    let build = body.get("build");
    let machines = machines(build);
    // Of several, none is the one that the build ran on.
    let machine = if let [name] = machines.as_slice() { Some(name.clone()) } else { None };
    let details = Details {
        unit: Unit::Run,
        // A pipeline's name is that of one of its stages.
        workflow: slug(body).and_then(Text::new),
        outcome: build.get("status").text(),
        branch: branch(body),
        commit: build.get("after").text(),
        run_url: page(body),
        mesh_node_id: machine.clone(),
        nodes: machines,
        run_id: build.get("id").id_text(),
        actor: first([build.get("sender"), build.get("author_login")], Node::text),
        title: first([build.get("title"), build.get("message")], Node::first_line),
        started_at: build.get("started").unix_seconds(),
        ..common(body)
    };
    let repo = body.get("repo");
    let run = first([build.get("id"), build.get("number")], Node::id);
    // A build that is started again is another one.
    let identity =
        Identity::new(first([repo.get("id"), repo.get("slug")], Node::id), repo.get("slug").id(), run);
    let machine = machine.map(|name| Machine { name, hosted: false });
    Draft { details, identity, machine, finished_at: build.get("finished").unix_seconds() }
}

fn common(body: Node<'_>) -> Details {
    Details { repo: slug(body).and_then(Text::new), ..Details::default() }
}

fn slug(body: Node<'_>) -> Option<&str> {
    body.get("repo").get("slug").str()
}

fn state(status: Node<'_>) -> Result<State, Silence> {
    match status.str().ok_or(Silence::MISSING)? {
        // Blocked until somebody approves it.
        "pending" | "blocked" | "waiting_on_dependencies" => Ok(State::Queued),
        "running" | "started" => Ok(State::Running),
        "success" | "skipped" => Ok(State::Succeeded),
        "failure" | "error" | "killed" | "declined" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

/// What was built: of a pull request its own branch, with the owner where that is of a fork; `target` is where it
/// wants to go. Of a tag the whole ref.
fn branch(body: Node<'_>) -> Option<Text> {
    let build = body.get("build");
    let (source, target, git_ref) =
        (build.get("source").str(), build.get("target").str(), build.get("ref").str());
    if let Some(tag) = git_ref.filter(|name| name.starts_with("refs/tags/")) {
        return Text::new(tag);
    }
    if build.get("event").str() != Some("pull_request") {
        return branch_of(None, target.or(source).or(git_ref)?);
    }
    branch_of(fork_owner(build.get("source_repo").str(), slug(body)), source.or(git_ref)?)
}

/// Who owns the repository that a pull request is from, if that is not the build's own.
fn fork_owner<'b>(head: Option<&'b str>, base: Option<&'b str>) -> Option<&'b str> {
    match head {
        // An old server does not tell, or the fork is gone.
        None => Some("unknown"),
        head if head == base => None,
        Some(head) => head.split('/').next(),
    }
}

/// The build's page; what the body links is the commit at the forge.
fn page(body: Node<'_>) -> Option<RunUrl> {
    let server = body.get("system").get("link").str()?.trim_end_matches('/');
    let number = body.get("build").get("number").number()?;
    RunUrl::new(&format!("{server}/{}/{number}", slug(body)?))
}

/// The machines that ran the stages.
fn machines(build: Node<'_>) -> Vec<Text> {
    let stages = build.get("stages").items();
    let names: BTreeSet<_> = stages.filter_map(|stage| stage.get("machine").text()).collect();
    names.into_iter().take(MAX_MACHINES).collect()
}

/// The server's clock: `timestamp` is the commit's, and a stage's times are those of its runner.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let build = body.get("build");
    let times = ["created", "updated", "started", "finished"].map(|name| build.get(name));
    let others = [body.get("repo").get("updated"), body.get("user").get("updated")];
    times.into_iter().chain(others).filter_map(Node::unix_seconds).max()
}
