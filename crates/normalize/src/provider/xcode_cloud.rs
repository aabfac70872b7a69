//! Xcode Cloud: build runs.
//!
//! Source: Apple, "Configuring webhooks in Xcode Cloud" and "Xcode Cloud webhook payload reference"; the words of
//! `CiExecutionProgress` and `CiCompletionStatus` are those of the App Store Connect API.
//!
//! `metadata` names the event that caused the body, `ciBuildRun` is the run as it was then. The run is read.

use meshhook_model::{Details, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::RUNS;
use crate::refs::{branch_of, plain_branch};
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable};

/// Xcode Cloud signs nothing and sets no header: its address is all that it knows. A proxy may do better.
pub(crate) static PROVIDER: Provider = Provider {
    name: "xcode-cloud",
    schemes: &["path-token", "bearer", "basic", "hmac", "standard-webhooks"],
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: |body| body.get("ciBuildRun").is_object(),
    newest,
    read,
};

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    let run = body.get("ciBuildRun");
    if !run.is_object() {
        return Found::unreadable(Unreadable::UnknownShape, common(body));
    }
    let attributes = run.get("attributes");
    draft(body, run).with(state(attributes))
}

fn draft(body: Node<'_>, run: Node<'_>) -> Draft {
    let attributes = run.get("attributes");
    let commit = attributes.get("sourceCommit");
    let details = Details {
        outcome: outcome(attributes),
        branch: branch(body),
        commit: commit.get("commitSha").text(),
        run_id: run.get("id").id_text(),
        title: pull_request(body).get("title").text().or_else(|| commit.get("message").first_line()),
        started_at: attributes.get("startedDate").time(),
        ..common(body)
    };
    let product = first([body.get("ciProduct").get("id"), body.get("app").get("id")], Node::id);
    // A run's number is unique within its product.
    let id = first([run.get("id"), attributes.get("number")], Node::id);
    let identity = Identity::new(product, body.get("ciWorkflow").get("id").id(), id);
    Draft { details, identity, machine: None, finished_at: attributes.get("finishedDate").time() }
}

fn common(body: Node<'_>) -> Details {
    Details {
        unit: Unit::Run,
        workflow: body.get("ciWorkflow").get("attributes").get("name").text(),
        repo: repo(body),
        ..Details::default()
    }
}

fn state(run: Node<'_>) -> Result<State, Silence> {
    let status = run.get("completionStatus");
    match run.get("executionProgress").str().ok_or(Silence::MISSING)? {
        "PENDING" => Ok(State::Queued),
        "RUNNING" => Ok(State::Running),
        "COMPLETE" if status.is_missing() => Err(Silence::Ignored(Ignored::NoConclusion)),
        "COMPLETE" => status.str().and_then(completed).ok_or(Silence::UNKNOWN),
        _ => Err(Silence::UNKNOWN),
    }
}

fn completed(word: &str) -> Option<State> {
    match word {
        "SUCCEEDED" | "SKIPPED" => Some(State::Succeeded),
        "FAILED" | "ERRORED" | "CANCELED" => Some(State::Failed),
        _ => None,
    }
}

fn outcome(run: Node<'_>) -> Option<Text> {
    let progress = run.get("executionProgress");
    if progress.str() == Some("COMPLETE") { run.get("completionStatus").text() } else { progress.text() }
}

/// The branch of a pull request, else the branch or tag.
fn branch(body: Node<'_>) -> Option<Text> {
    let reference = body.get("scmGitReference").get("attributes");
    let request = pull_request(body);
    let name = [request.get("sourceBranchName"), reference.get("name"), reference.get("canonicalName")];
    let name = plain_branch(first(name, Node::str)?);
    let (source, ours) = (request.get("sourceRepositoryOwner"), request.get("destinationRepositoryOwner"));
    // The two names of the repository may differ without a fork: Apple's example has such.
    if request.has("sourceRepositoryOwner") && source.str() != ours.str() {
        return branch_of(Some(source.str().unwrap_or("unknown")), name);
    }
    Text::new(name)
}

fn pull_request(body: Node<'_>) -> Node<'_> {
    body.get("scmPullRequest").get("attributes")
}

fn repo(body: Node<'_>) -> Option<Text> {
    let repository = body.get("scmRepository").get("attributes");
    let (owner, name) = (repository.get("ownerName").str()?, repository.get("repositoryName").str()?);
    Text::new(&format!("{owner}/{name}"))
}

fn newest(body: Node<'_>) -> Option<Timestamp> {
    let run = body.get("ciBuildRun").get("attributes");
    let event = body.get("metadata").get("attributes").get("createdDate").time();
    let dates =
        ["createdDate", "startedDate", "finishedDate"].into_iter().filter_map(|at| run.get(at).time());
    dates.max().max(event)
}
