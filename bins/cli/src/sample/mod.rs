//! Bodies as CI systems would send them, of a run that nobody had before.

mod github;
mod gitlab;
mod standard;

use clap::{Args, ValueEnum};
use meshhook_model::{State, Timestamp};
use meshhook_normalize::Provider;
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::{clock, random};

/// What the sample run is like.
#[derive(Args)]
pub(crate) struct RunArgs {
    /// The workflow's name
    #[arg(long, default_value = "build")]
    workflow: String,
    /// The job's name
    #[arg(long)]
    job: Option<String>,
    /// The branch
    #[arg(long, default_value = "main")]
    branch: String,
    /// The commit's hash [default: a new one]
    #[arg(long)]
    commit: Option<String>,
    /// The repository
    #[arg(long, default_value = "example/app", value_name = "OWNER/NAME")]
    repo: String,
    /// The machine that it runs on [env: MESH_NODE_ID]
    #[arg(long)]
    pub(crate) node: Option<String>,
    /// The run's id, to post about one run again [default: a new one]
    #[arg(long, value_name = "NUMBER")]
    run_id: Option<u64>,
    /// Which attempt of the run
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..1 << 53))]
    attempt: u64,
}

/// A run, as its provider would know it.
pub(crate) struct Run {
    workflow: String,
    job: Option<String>,
    branch: String,
    commit: String,
    repo: String,
    node: Option<String>,
    id: u64,
    attempt: u64,
    queued_at: Timestamp,
    started_at: Timestamp,
    now: Timestamp,
}

/// Which event a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Event {
    /// GitHub's, of a run
    WorkflowRun,
    /// GitHub's, of a job
    WorkflowJob,
    /// GitLab's, of a pipeline
    Pipeline,
    /// GitLab's, of a job
    Build,
    #[value(skip)]
    Standard,
}

impl Event {
    /// The events that there are samples of, the one of a whole run first.
    pub(crate) fn all_of(provider: &Provider) -> &'static [Self] {
        match provider.name() {
            "github" => &[Self::WorkflowRun, Self::WorkflowJob],
            "gitlab" => &[Self::Pipeline, Self::Build],
            "standard" => &[Self::Standard],
            _ => &[],
        }
    }

    /// A run from queued to `last`, event by event.
    pub(crate) fn lifecycle(provider: &Provider, last: State) -> Vec<(Self, State)> {
        use State::{Queued, Running};
        match *Self::all_of(provider) {
            // The job goes first where it names its machine, so that the run's message can name it too.
            [run, job] => {
                vec![(run, Queued), (job, Queued), (job, Running), (run, Running), (job, last), (run, last)]
            }
            ref events => {
                let states = [Queued, Running, last];
                events.iter().flat_map(|event| states.map(|state| (*event, state))).collect()
            }
        }
    }

    /// The word of the provider's event header.
    pub(crate) const fn header(self) -> Option<&'static str> {
        match self {
            Self::WorkflowRun => Some("workflow_run"),
            Self::WorkflowJob => Some("workflow_job"),
            Self::Pipeline => Some("Pipeline Hook"),
            Self::Build => Some("Job Hook"),
            Self::Standard => None,
        }
    }

    /// The header in which the provider numbers its deliveries.
    pub(crate) const fn number_header(self) -> Option<&'static str> {
        match self {
            Self::WorkflowRun | Self::WorkflowJob => Some("X-GitHub-Delivery"),
            Self::Pipeline | Self::Build => Some("X-Gitlab-Event-UUID"),
            Self::Standard => None,
        }
    }

    /// Whether `body` is of this event.
    pub(crate) fn is_of(self, body: &Value) -> bool {
        match self {
            Self::WorkflowRun => body.get("workflow_run").is_some(),
            Self::WorkflowJob => body.get("workflow_job").is_some(),
            Self::Pipeline => body["object_kind"] == "pipeline",
            Self::Build => body["object_kind"] == "build",
            Self::Standard => false,
        }
    }

    /// Whether it is about a job of a run that has events of its own.
    pub(crate) const fn is_of_job(self) -> bool {
        matches!(self, Self::WorkflowJob | Self::Build)
    }
}

impl RunArgs {
    /// The run, with ids and times of its own.
    pub(crate) fn run(&self) -> Result<Run, Failure> {
        if !self.repo.contains('/') {
            return Err(Failure::new(Exit::Usage, "--repo is not OWNER/NAME", "write it like example/app"));
        }
        let now = clock::now();
        let environment = std::env::var("MESH_NODE_ID").ok().filter(|node| !node.is_empty());
        Ok(Run {
            workflow: self.workflow.clone(),
            job: self.job.clone(),
            branch: self.branch.clone(),
            commit: self.commit.clone().map_or_else(random::hex::<20>, Ok)?,
            repo: self.repo.clone(),
            node: self.node.clone().or(environment),
            id: self.run_id.map_or_else(|| new_id(now), Ok)?,
            attempt: self.attempt,
            queued_at: clock::after(now, -95),
            started_at: clock::after(now, -84),
            now,
        })
    }
}

/// As long as GitHub's, never twice on one machine, and exact in every JSON reader.
fn new_id(now: Timestamp) -> Result<u64, Failure> {
    let second = u64::try_from(now.unix()).unwrap_or_default();
    Ok(second * 100_000 + u64::from(random::below(100_000)?))
}

impl Run {
    /// The body of `event` when the run is in `state`.
    pub(crate) fn body(&self, event: Event, state: State) -> Value {
        match event {
            Event::WorkflowRun => github::workflow_run(self, state),
            Event::WorkflowJob => github::workflow_job(self, state),
            Event::Pipeline => gitlab::pipeline(self, state),
            Event::Build => gitlab::build(self, state),
            Event::Standard => standard::status(self, state),
        }
    }

    fn started(&self, state: State) -> Option<String> {
        (state != State::Queued).then(|| self.started_at.to_string())
    }

    fn finished(&self, state: State) -> Option<String> {
        state.is_terminal().then(|| self.now.to_string())
    }
}
