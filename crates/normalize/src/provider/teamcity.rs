//! TeamCity: its own webhooks, and those of the tcWebHooks plugin.
//!
//! Source: TeamCity docs, "TeamCity Webhooks" and "REST API: build"; the plugin's code (`tcplugins/tcWebHooks`).
//!
//! Its own webhooks carry the fields that an administrator chose, down to two or three. The plugin's bodies are
//! templates: what is read here is its JSON format and what keeps the names of that.

use meshhook_model::{Details, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::{RUNS, UNSIGNED};
use crate::refs::branch_of;
use crate::times::basic;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Machine, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "teamcity",
    schemes: UNSIGNED,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: |body| matches!(Kind::of(body), Kind::Native | Kind::Plugin),
    newest,
    read,
};

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    match Kind::of(body) {
        Kind::Native => native(body).with(native_state(body)),
        Kind::Plugin => plugin(body.get("build")).with(plugin_state(body.get("build"))),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, Details::default()),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, Details::default()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Native,
    Plugin,
    /// Of an agent; or what a template of the plugin made for somebody else, such as Slack.
    Other,
    Unknown,
}

impl Kind {
    fn of(body: Node<'_>) -> Self {
        let event = body.get("eventType").str();
        let build = body.get("build");
        match event {
            Some(event) if event.starts_with("BUILD_") || event == "CHANGES_LOADED" => {
                if body.get("payload").is_object() { Self::Native } else { Self::Unknown }
            }
            Some(_) if body.has("payload") => Self::Other,
            Some(_) => Self::Unknown,
            None if build.has("notifyType") || (build.has("buildResult") && build.has("buildTypeId")) => {
                Self::Plugin
            }
            None if body.get("attachments").items().next().is_some() => Self::Other,
            None => Self::Unknown,
        }
    }
}

fn native(body: Node<'_>) -> Draft {
    let build = body.get("payload");
    let kind = build.get("buildType");
    let machine = machine([build.get("agent").get("name")]);
    let type_id = first([build.get("buildTypeId"), kind.get("id")], Node::id);
    let number = build.get("number");
    let details = Details {
        unit: Unit::Run,
        workflow: first([kind.get("name"), build.get("buildTypeId"), kind.get("id")], Node::text),
        outcome: native_outcome(body),
        branch: build.get("branchName").str().and_then(branch),
        commit: build.get("revisions").get("revision").items().next().and_then(|r| r.get("version").text()),
        run_url: build.get("webUrl").link(),
        mesh_node_id: machine.as_ref().map(|machine| machine.name.clone()),
        run_id: build.get("id").id_text(),
        repo: first([kind.get("projectName"), kind.get("projectId")], Node::text),
        actor: first([build.get("canceledInfo").get("user"), build.get("triggered").get("user")], |user| {
            user.get("username").text()
        }),
        started_at: at(build.get("startDate")),
        ..Details::default()
    };
    // The fields are chosen for each event apart, so that all but the id may be missing in one of them.
    let numbered = || Some(format!("{} {}", type_id.as_ref()?, number.id()?));
    let run = first([build.get("id"), build.get("webUrl")], Node::id).or_else(numbered);
    let identity = Identity::new(None, type_id.clone(), run);
    Draft { details, identity, machine, finished_at: at(build.get("finishDate")) }
}

fn native_state(body: Node<'_>) -> Result<State, Silence> {
    let build = body.get("payload");
    match body.get("eventType").str().ok_or(Silence::MISSING)? {
        "BUILD_TYPE_ADDED_TO_QUEUE" => Ok(State::Queued),
        // Before the start of the build, or after it.
        "CHANGES_LOADED" if build.get("state").str() == Some("running") => Ok(State::Running),
        "CHANGES_LOADED" => Ok(State::Queued),
        // With the status of a success, as long as nothing has failed.
        "BUILD_STARTED" => Ok(State::Running),
        "BUILD_INTERRUPTED" => Ok(State::Failed),
        "BUILD_FINISHED" if is_cancelled(build) => Ok(State::Failed),
        "BUILD_FINISHED" => native_result(build.get("status")),
        _ => Err(Silence::Ignored(Ignored::UnsupportedEvent)),
    }
}

fn native_result(status: Node<'_>) -> Result<State, Silence> {
    match status.str().ok_or(Silence::MISSING)? {
        "SUCCESS" => Ok(State::Succeeded),
        "FAILURE" | "ERROR" => Ok(State::Failed),
        "UNKNOWN" => Err(Silence::Ignored(Ignored::NoConclusion)),
        _ => Err(Silence::UNKNOWN),
    }
}

fn is_cancelled(build: Node<'_>) -> bool {
    build.get("canceledInfo").is_object()
}

/// For what was cancelled TeamCity has an event and no word: it gets the one that other systems use.
fn native_outcome(body: Node<'_>) -> Option<Text> {
    let build = body.get("payload");
    match body.get("eventType").str()? {
        "BUILD_INTERRUPTED" => Text::new("cancelled"),
        "BUILD_FINISHED" if is_cancelled(build) => Text::new("cancelled"),
        "BUILD_FINISHED" => build.get("status").text(),
        _ => build.get("state").text(),
    }
}

fn plugin(build: Node<'_>) -> Draft {
    let machine = machine([build.get("agentName"), build.get("agentHostname")]);
    let type_id = first([build.get("buildTypeId"), build.get("buildExternalTypeId")], Node::id);
    let branch = [build.get("branchDisplayName"), build.get("branchName")];
    // Of a queued build the plugin links the last one that has finished.
    let page = Some(build.get("buildStatusUrl")).filter(|_| !is_of_queue(build));
    let details = Details {
        unit: Unit::Run,
        workflow: first(
            [build.get("buildFullName"), build.get("buildName"), build.get("buildTypeId")],
            Node::text,
        ),
        outcome: plugin_outcome(build),
        branch: branch.into_iter().find_map(|name| name.str().and_then(self::branch)),
        run_url: page.and_then(Node::link),
        mesh_node_id: machine.as_ref().map(|machine| machine.name.clone()),
        run_id: build.get("buildId").id_text(),
        repo: first([build.get("projectName"), build.get("projectId")], Node::text),
        actor: build.get("triggeredBy").text(),
        started_at: at(build.get("buildStartTime")),
        ..Details::default()
    };
    let run = build.get("buildId").id().or_else(|| page.and_then(Node::id));
    let identity = Identity::new(None, type_id, run.or_else(|| build.get("buildNumber").id()));
    Draft { details, identity, machine, finished_at: at(build.get("buildFinishTime")) }
}

fn plugin_state(build: Node<'_>) -> Result<State, Silence> {
    match build.get("notifyType").str().ok_or(Silence::MISSING)? {
        "changesLoaded" if build.get("buildResult").str() == Some("running") => Ok(State::Running),
        "buildAddedToQueue" | "changesLoaded" => Ok(State::Queued),
        "buildStarted" | NEARLY_FINISHED => Ok(State::Running),
        "buildInterrupted" | "buildRemovedFromQueue" => Ok(State::Failed),
        "buildFinished" | "buildSuccessful" | "buildFailed" | "buildFixed" | "buildBroken" => {
            plugin_result(build.get("buildResult"))
        }
        _ => Err(Silence::Ignored(Ignored::UnsupportedEvent)),
    }
}

/// What it comes to may still change.
const NEARLY_FINISHED: &str = "beforeBuildFinish";

/// The result, which the plugin also calls `running` where a build was stopped without one.
fn plugin_outcome(build: Node<'_>) -> Option<Text> {
    let (result, event) = (build.get("buildResult"), build.get("notifyType"));
    match event.str() {
        Some(NEARLY_FINISHED) => event.text(),
        Some("buildInterrupted" | "buildRemovedFromQueue") if result.str() == Some("running") => event.text(),
        _ => first([result, event], Node::text),
    }
}

fn is_of_queue(build: Node<'_>) -> bool {
    matches!(build.get("notifyType").str(), Some("buildAddedToQueue" | "buildRemovedFromQueue"))
}

fn plugin_result(result: Node<'_>) -> Result<State, Silence> {
    match result.str().ok_or(Silence::MISSING)? {
        "success" => Ok(State::Succeeded),
        "failure" | "interrupted" => Ok(State::Failed),
        "running" | "unknown" => Err(Silence::Ignored(Ignored::NoConclusion)),
        _ => Err(Silence::UNKNOWN),
    }
}

/// The default branch is often called only that, which is no name.
fn branch(name: &str) -> Option<Text> {
    branch_of(None, name).filter(|name| name.as_str() != "<default>")
}

fn machine<const N: usize>(names: [Node<'_>; N]) -> Option<Machine> {
    Some(Machine { name: first(names, Node::text)?, hosted: false })
}

/// The server's clock; `finishOnAgentDate` is not.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let (native, plugin) = (body.get("payload"), body.get("build"));
    let native = ["queuedDate", "startDate", "finishDate"].map(|name| native.get(name));
    let plugin = ["currentTime", "buildStartTime", "buildFinishTime"].map(|name| plugin.get(name));
    native.into_iter().chain(plugin).filter_map(at).max()
}

/// The plugin writes times as its server's language does, unless it is told to write ISO 8601.
fn at(field: Node<'_>) -> Option<Timestamp> {
    field.str().and_then(basic)
}
