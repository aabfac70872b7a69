//! Our own format, for whoever can sign a POST: a job's last step, a build machine, a CI system without webhooks.
//!
//! A JSON object. `workflow`, `state` and `run_id` (a string or an integer) have to be there; `branch`, `commit`,
//! `run_url`, `mesh_node_id`, `attempt` (a positive integer), `job`, `repo`, `actor`, `title`, `outcome`,
//! `started_at`, `finished_at` (RFC 3339) and `correlation_id` may be. With `job` the status is about that job,
//! without it about the run. Null, an empty string and a zero time are the same as no field; fields of other names
//! are not looked at.
//!
//! A field may also have the name that CI systems give it: of the names below the first that is there counts. The
//! state may be one of their words, however it is spelt, and then is the outcome as well; `completed` leaves it to
//! `conclusion`.

use std::borrow::Cow;

use meshhook_model::{Attempt, Details, Round, RunUrl, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::newest::of_fields_named_at;
use crate::provider::RUNS;
use crate::tree::Node;
use crate::words::Words;
use crate::{Identity, Machine, Meaning, Provider};

pub(crate) static PROVIDER: Provider = Provider {
    name: "standard",
    schemes: &["standard-webhooks"],
    default_scheme: Some("standard-webhooks"),
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits,
    newest: |body| of_fields_named_at(body, Timestamp::parse_rfc3339),
    read,
};

/// The names of one field, the format's own first.
pub(crate) type Names = &'static [&'static str];

/// The format's fields, those first that have to be there.
pub(crate) const FIELDS: &[&str] = &[
    "workflow",
    "state",
    "run_id",
    "outcome",
    "job",
    "branch",
    "commit",
    "run_url",
    "mesh_node_id",
    "attempt",
    "repo",
    "actor",
    "title",
    "started_at",
    "finished_at",
    "correlation_id",
];

const WORKFLOW: Names = &["workflow", "workflow_name", "pipeline_name"];
const STATE: Names = &["state", "status", "conclusion"];
const OUTCOME: Names = &["outcome", "conclusion"];
const BRANCH: Names = &["branch", "head_branch", "ref"];
const COMMIT: Names = &["commit", "head_sha", "commit_id"];
const RUN_URL: Names = &["run_url", "html_url", "web_url"];
const NODE: Names = &["mesh_node_id", "runner_name"];
const RUN_ID: Names = &["run_id"];
const JOB: Names = &["job"];
const REPO: Names = &["repo"];
pub(crate) const STARTED_AT: Names = &["started_at"];
pub(crate) const FINISHED_AT: Names = &["finished_at"];

const STRING: &str = "a string";
const FULL_STRING: &str = "a string that is not empty";

/// What CI systems say for each state, beside the vocabulary's own words.
const WORDS: [(State, &[&str]); 4] = [
    (
        State::Queued,
        &[
            "requested",
            "pending",
            "waiting",
            "scheduled",
            "created",
            "creating",
            "triggered",
            "preparing",
            "waiting_for_resource",
            "manual",
            "blocked",
            "paused",
            "on_hold",
            "needs_approval",
            "action_required",
        ],
    ),
    (
        State::Running,
        &[
            "in_progress",
            "started",
            "executing",
            "building",
            "canceling",
            "cancelling",
            "waiting_for_callback",
        ],
    ),
    (
        State::Succeeded,
        &[
            "success",
            "successful",
            "passed",
            "fixed",
            "skipped",
            "neutral",
            "not_run",
            "unstable",
            "warning",
            "warnings",
            "passed_with_warnings",
            "partially_succeeded",
            "succeeded_with_issues",
        ],
    ),
    (
        State::Failed,
        &[
            "failure",
            "error",
            "errored",
            "exception",
            "broken",
            "still_failing",
            "cancelled",
            "canceled",
            "timed_out",
            "timeout",
            "expired",
            "startup_failure",
            "stopped",
            "aborted",
            "interrupted",
            "killed",
            "abandoned",
            "declined",
            "rejected",
            "unauthorized",
            "not_built",
            "stale",
        ],
    ),
];

/// Others have objects under these names.
fn fits(body: Node<'_>) -> bool {
    let fields = Fields { body, dialect: &Own };
    let is_told = |names| fields.find(names).is_some_and(|(_, node)| node.id().is_some());
    [WORKFLOW, STATE, RUN_ID].into_iter().all(is_told)
}

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    Fields { body, dialect: &Own }.read(&Words::default())
}

/// Which field is at fault, and what should be there.
struct Fault {
    field: &'static str,
    expected: &'static str,
}

impl Fault {
    fn meaning(self) -> Meaning {
        Meaning::Invalid { field: self.field, expected: self.expected }
    }
}

fn state(word: &str) -> Option<State> {
    let own = State::ALL.into_iter().find(|state| is_spelt(state.as_str(), word));
    let theirs = || WORDS.iter().find(|(_, words)| words.iter().any(|known| is_spelt(known, word)));
    own.or_else(|| theirs().map(|(state, _)| *state))
}

/// Whether these are the same words but for their case and what stands between them: `IN_PROGRESS`, `inProgress`.
fn is_spelt(known: &str, word: &str) -> bool {
    letters(known).eq(letters(word))
}

fn letters(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(|c| !"_- ".contains(*c)).map(|c| c.to_ascii_lowercase())
}

/// Whether a word is one of the vocabulary's own: it is no outcome then.
fn is_our_own(word: &str) -> bool {
    State::ALL.into_iter().any(|state| is_spelt(state.as_str(), word))
}

/// Where the fields of a body are, and how their values may be written.
pub(crate) trait Dialect {
    /// Whether the words for the state are the format's: `completed` then leaves it to `conclusion`, and a word of the
    /// vocabulary is no outcome.
    const OWN_WORDS: bool;
    /// What is expected of a word for the state.
    const WORD: &'static str;
    /// What is expected of a time.
    const TIME: &'static str;

    /// A field's value, and under which of its names it is. Values that are missing are none.
    fn find<'b>(&'b self, body: Node<'b>, names: Names) -> Option<(&'static str, Node<'b>)>;

    fn string<'b>(node: Node<'b>) -> Option<Cow<'b, str>>;

    fn time(node: Node<'_>) -> Option<Timestamp>;

    fn attempt(node: Node<'_>) -> Option<Attempt>;
}

/// The format itself.
struct Own;

impl Dialect for Own {
    const OWN_WORDS: bool = true;
    const WORD: &'static str =
        "one of queued, running, succeeded, failed, or a CI system's word for one of them";
    const TIME: &'static str = "an RFC 3339 time";

    fn find<'b>(&'b self, body: Node<'b>, names: Names) -> Option<(&'static str, Node<'b>)> {
        names.iter().map(|name| (*name, body.get(name))).find(|(_, node)| !node.is_missing())
    }

    fn string(node: Node<'_>) -> Option<Cow<'_, str>> {
        node.str().map(Cow::Borrowed)
    }

    fn time(node: Node<'_>) -> Option<Timestamp> {
        node.time()
    }

    fn attempt(node: Node<'_>) -> Option<Attempt> {
        node.attempt()
    }
}

/// The fields of a body, in a dialect of the format.
pub(crate) struct Fields<'b, D> {
    pub(crate) body: Node<'b>,
    pub(crate) dialect: &'b D,
}

impl<'b, D: Dialect> Fields<'b, D> {
    /// What the fields say, where some words for the state mean what `words` has for them.
    pub(crate) fn read(&self, words: &Words) -> Found {
        self.found(words).unwrap_or_else(|fault| Found::Other(fault.meaning()))
    }

    fn found(&self, words: &Words) -> Result<Found, Fault> {
        if !self.body.is_object() {
            return Err(Fault { field: "body", expected: "a JSON object" });
        }
        let details = self.details()?;
        let word = self.word()?;
        let own_word = word.as_deref().filter(|word| !(D::OWN_WORDS && is_our_own(word)));
        let outcome = self.text(OUTCOME)?.or_else(|| own_word.and_then(Text::new));
        let machine = details.mesh_node_id.clone().map(|name| Machine { name, hosted: false });
        let finished_at = details.finished_at;
        let details = Details { outcome, ..details };
        let draft = Draft { details, identity: self.identity()?, machine, finished_at };
        let known = |word: &str| words.meaning(word).or_else(|| state(word).map(Ok));
        let state = word.as_deref().and_then(known);
        Ok(draft.with(state.unwrap_or(Err(Silence::Invalid(STATE[0], D::WORD)))))
    }

    /// Everything but the state and its outcome.
    fn details(&self) -> Result<Details, Fault> {
        let job = self.text(JOB)?;
        let attempt = self.attempt()?;
        Ok(Details {
            unit: if job.is_some() { Unit::Job } else { Unit::Run },
            workflow: Text::new(&self.workflow()?),
            job,
            outcome: None,
            branch: self.branch()?,
            owner_unknown: false,
            commit: self.text(COMMIT)?,
            run_url: self.run_url()?,
            mesh_node_id: self.text(NODE)?,
            nodes: Vec::new(),
            run_id: Text::new(&self.run_id()?),
            attempt,
            round: attempt.map_or(Round::FIRST, Round::from),
            repo: self.text(REPO)?,
            actor: self.text(&["actor"])?,
            title: self.text(&["title"])?,
            started_at: self.time(STARTED_AT)?,
            finished_at: self.time(FINISHED_AT)?,
            correlation_id: self.correlation_id()?,
        })
    }

    fn workflow(&self) -> Result<Cow<'b, str>, Fault> {
        self.string(WORKFLOW)?.ok_or(Fault { field: WORKFLOW[0], expected: FULL_STRING })
    }

    fn run_id(&self) -> Result<String, Fault> {
        let found = self.find(RUN_ID).and_then(|(_, node)| node.id());
        found.ok_or(Fault { field: RUN_ID[0], expected: "a string that is not empty, or an integer" })
    }

    fn identity(&self) -> Result<Identity, Fault> {
        let repo = self.string(REPO)?.map(Cow::into_owned);
        let identity = Identity::new(repo, Some(self.workflow()?.into_owned()), Some(self.run_id()?));
        Ok(identity.of_job(self.string(JOB)?.map(Cow::into_owned)))
    }

    /// The word for the state; `completed` leaves it to the conclusion.
    fn word(&self) -> Result<Option<Cow<'b, str>>, Fault> {
        match self.string(STATE)? {
            Some(word) if D::OWN_WORDS && word.eq_ignore_ascii_case("completed") => {
                self.string(&["conclusion"])
            }
            word => Ok(word),
        }
    }

    /// A tag's `refs/tags/…` stays: a tag named `main` is not the branch.
    fn branch(&self) -> Result<Option<Text>, Fault> {
        let branch = self.string(BRANCH)?;
        Ok(branch.and_then(|name| Text::new(name.strip_prefix("refs/heads/").unwrap_or(&name))))
    }

    fn run_url(&self) -> Result<Option<RunUrl>, Fault> {
        Ok(self.string(RUN_URL)?.as_deref().and_then(RunUrl::new))
    }

    fn attempt(&self) -> Result<Option<Attempt>, Fault> {
        let Some((field, node)) = self.find(&["attempt"]) else { return Ok(None) };
        D::attempt(node).map(Some).ok_or(Fault { field, expected: "a positive integer" })
    }

    fn time(&self, names: Names) -> Result<Option<Timestamp>, Fault> {
        let fault = Fault { field: names[0], expected: D::TIME };
        match self.find(names) {
            None => Ok(None),
            Some((_, node)) if node.str().is_some_and(is_zero_time) => Ok(None),
            Some((_, node)) => D::time(node).map(Some).ok_or(fault),
        }
    }

    /// The time that a field says, if it says one.
    pub(crate) fn instant(&self, names: Names) -> Option<Timestamp> {
        self.find(names).and_then(|(_, node)| D::time(node))
    }

    /// What a line of the log can hold; anything else is as good as none, since it only helps to search.
    fn correlation_id(&self) -> Result<Option<Text>, Fault> {
        let id = self.string(&["correlation_id"])?;
        Ok(id.filter(|id| is_plain_id(id)).and_then(|id| Text::new(&id)))
    }

    fn text(&self, names: Names) -> Result<Option<Text>, Fault> {
        Ok(self.string(names)?.and_then(|text| Text::new(&text)))
    }

    fn string(&self, names: Names) -> Result<Option<Cow<'b, str>>, Fault> {
        let Some((field, node)) = self.find(names) else { return Ok(None) };
        D::string(node).map(Some).ok_or(Fault { field, expected: STRING })
    }

    fn find(&self, names: Names) -> Option<(&'static str, Node<'b>)> {
        self.dialect.find(self.body, names)
    }
}

/// What Go's `time.Time{}` and a zero Unix time become.
fn is_zero_time(text: &str) -> bool {
    ["0001-01-01T00:00:00", "1970-01-01T00:00:00"].iter().any(|zero| text.starts_with(zero))
}

fn is_plain_id(id: &str) -> bool {
    id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}
