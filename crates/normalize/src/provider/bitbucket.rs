//! Bitbucket Cloud: commit statuses, which its Pipelines send too; and the build statuses of Data Center.
//!
//! Source: Bitbucket Cloud docs, "Event payloads", and its API's `commitstatus`; Data Center docs, "Event payload" and
//! "Updating build status for commits". Data Center's own webhooks have no event for builds: `repo:build_status` comes
//! from the Sourcegraph plugin, read after its client's types.

use meshhook_model::{Details, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::newest::of_fields;
use crate::refs::branch_of;
use crate::rounds::round_at;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "bitbucket",
    schemes: &["bitbucket"],
    default_scheme: Some("bitbucket"),
    units: &[Unit::Status],
    forks_untold: &[],
    event_header: Some("X-Event-Key"),
    fits: |body| matches!(Kind::of(body), Kind::CommitStatus | Kind::BuildStatus),
    newest,
    read,
};

/// Not the commit's own `date`, which its author chooses.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let status = body.get("commit_status");
    of_fields([status.get("created_on"), status.get("updated_on")])
        .max(body.get("status").get("dateAdded").unix_millis())
}

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let kind = Kind::of(body);
    let found = match kind {
        Kind::CommitStatus => commit_status(body).with(state(body.get("commit_status").get("state"))),
        Kind::BuildStatus => build_status(body).with(state(body.get("status").get("state"))),
        Kind::Ping => Found::ignored(Ignored::Ping, common(body)),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, common(body)),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, common(body)),
    };
    found.under(header, |event| kind.agrees_with(event))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    CommitStatus,
    BuildStatus,
    Ping,
    Other,
    Unknown,
}

impl Kind {
    fn of(body: Node<'_>) -> Self {
        let status = body.get("status");
        match body {
            _ if body.has("commit_status") => Self::CommitStatus,
            _ if body.has("pullRequests") && status.has("key") && status.has("state") => Self::BuildStatus,
            // What Data Center sends to try a connection.
            _ if body.has("test") && body.fields().all(|(key, _)| key == "test") => Self::Ping,
            _ if ["repository", "actor", "eventKey"].iter().any(|key| body.has(key)) => Self::Other,
            _ => Self::Unknown,
        }
    }

    /// Whether a header may stand over such a body; over an event that is not read any word that is not.
    fn agrees_with(self, header: &str) -> bool {
        match header {
            "repo:commit_status_created" | "repo:commit_status_updated" => self == Self::CommitStatus,
            "repo:build_status" => self == Self::BuildStatus,
            "diagnostics:ping" => self == Self::Ping,
            _ => matches!(self, Self::Other | Self::Unknown),
        }
    }
}

fn commit_status(body: Node<'_>) -> Draft {
    let status = body.get("commit_status");
    let commit = commit(status);
    let updated_at = status.get("updated_on").time();
    let details = Details {
        branch: status.get("refname").str().and_then(|name| branch_of(None, name)),
        round: round_at(updated_at),
        title: status.get("commit").get("message").first_line(),
        ..report(status, commit, common(body))
    };
    let identity = identity(status, commit, body.get("repository").get("full_name").id());
    Draft { details, identity, machine: None, finished_at: updated_at }
}

fn build_status(body: Node<'_>) -> Draft {
    let (status, commit) = (body.get("status"), body.get("commit").str());
    let request = body.get("pullRequests").items().next();
    let repo = request.and_then(|request| slug(request.get("toRef")));
    let added_at = status.get("dateAdded").unix_millis();
    let common = Details { repo: repo.as_deref().and_then(Text::new), ..Details::default() };
    let details = Details {
        branch: request.and_then(source_branch),
        round: round_at(added_at),
        title: request.and_then(|request| request.get("title").first_line()),
        ..report(status, commit, common)
    };
    Draft { details, identity: identity(status, commit, repo), machine: None, finished_at: added_at }
}

/// What the statuses of both call by the same names.
fn report(status: Node<'_>, commit: Option<&str>, common: Details) -> Details {
    Details {
        unit: Unit::Status,
        workflow: first([status.get("name"), status.get("key")], Node::text),
        outcome: status.get("state").text(),
        commit: commit.and_then(Text::new),
        run_url: status.get("url").link(),
        run_id: status.get("key").id_text(),
        ..common
    }
}

/// A status is known by its commit and key, and set anew by every later build of that commit.
fn identity(status: Node<'_>, commit: Option<&str>, repo: Option<String>) -> Identity {
    let key = first([status.get("key"), status.get("url")], Node::id);
    let run = key.map(|key| format!("{} {key}", commit.unwrap_or_default()));
    Identity::new(repo, first([status.get("name"), status.get("key")], Node::id), run)
}

fn common(body: Node<'_>) -> Details {
    let actor = body.get("actor");
    Details {
        repo: body.get("repository").get("full_name").text(),
        actor: first(["nickname", "display_name", "displayName"].map(|key| actor.get(key)), Node::text),
        ..Details::default()
    }
}

fn state(state: Node<'_>) -> Result<State, Silence> {
    match state.str().ok_or(Silence::MISSING)? {
        "INPROGRESS" => Ok(State::Running),
        "SUCCESSFUL" => Ok(State::Succeeded),
        // STOPPED is Cloud's word, CANCELLED Data Center's.
        "FAILED" | "STOPPED" | "CANCELLED" => Ok(State::Failed),
        "UNKNOWN" => Err(Silence::Ignored(Ignored::NoConclusion)),
        _ => Err(Silence::UNKNOWN),
    }
}

/// The commit's hash; some bodies have it in its address only.
fn commit(status: Node<'_>) -> Option<&str> {
    let linked = || status.get("links").get("commit").get("href").str()?.rsplit('/').next();
    status.get("commit").get("hash").str().or_else(linked)
}

/// `PROJECT/repository`.
fn slug(reference: Node<'_>) -> Option<String> {
    let repository = reference.get("repository");
    let (project, slug) = (repository.get("project").get("key").str()?, repository.get("slug").str()?);
    Some(format!("{project}/{slug}"))
}

/// The branch of a pull request; of a fork with the fork's project.
fn source_branch(request: Node<'_>) -> Option<Text> {
    let (from, to) = (request.get("fromRef"), request.get("toRef"));
    let name = first([from.get("displayId"), from.get("id")], Node::str)?;
    let owner = from.get("repository").get("project").get("key").str().unwrap_or("unknown");
    branch_of((slug(from) != slug(to)).then_some(owner), name)
}
