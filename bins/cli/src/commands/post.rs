//! `meshhook post`: signed sample POSTs, as a CI system would send them.

mod curl;
mod envelope;
mod follow;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use meshhook_model::State;
use meshhook_normalize::Provider;
use meshhook_verify::Scheme;
use serde_json::{Value, json};

use crate::admin::{Admin, AdminArgs};
use crate::failure::{Exit, Failure};
use crate::http::{self, Answer};
use crate::output::Output;
use crate::sample::{Event, RunArgs};
use crate::scheme::FormArgs;
use crate::secrets::SecretFile;
use crate::{args, input, scheme};

use envelope::{Body, Signer};
use follow::{Followed, follow};

/// Post a signed sample, as a CI system would send it
///
/// Prints one line per answer. Without --file it is about a run of its own: new ids, fresh times.
#[derive(Args)]
pub(crate) struct Post {
    /// Whose POST it is to be
    #[arg(long, value_parser = args::provider())]
    provider: &'static Provider,
    /// The hook's address, with the source's name in it
    #[arg(long, env = "MESHHOOK_URL", hide_env_values = true)]
    url: String,
    /// How the source is set up to be signed [default: the first that the provider's senders can use]
    #[arg(long, value_parser = scheme::name())]
    scheme: Option<&'static str>,
    #[command(flatten)]
    form: FormArgs,
    #[command(flatten)]
    secret: SecretFile,
    /// The event [default: the one of a whole run; with --file as the body is]
    #[arg(long)]
    event: Option<Event>,
    /// The state that the run is in, or ends in
    #[arg(long, value_parser = args::state(), default_value = "succeeded", conflicts_with = "file")]
    state: State,
    #[command(flatten)]
    run: RunArgs,
    /// Post this file, `-` for stdin, as it is
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["lifecycle", "workflow", "job", "branch", "commit", "repo", "node", "run_id", "attempt"])]
    file: Option<PathBuf>,
    /// Post the run queued, running, and in its final state; GitHub's and GitLab's with its job and machine
    #[arg(long, conflicts_with = "event")]
    lifecycle: bool,
    /// Print commands with a signature instead of posting; the secret is not in them
    #[arg(long, conflicts_with_all = ["wait", "json"])]
    curl: bool,
    /// Ask the admin listener until the message has its event id
    #[arg(long)]
    wait: bool,
    /// How long to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "wait", value_parser = clap::value_parser!(u64).range(..=86_400))]
    timeout: u64,
    /// Print one JSON object per answer
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

impl Post {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let signer = Signer::new(self.provider, self.secret.key(self.scheme()?)?, http::address(&self.url)?);
        let bodies = self.bodies()?;
        if self.curl {
            if !signer.proves_body() {
                let hint = "post without --curl, which reads it from its file";
                return Err(Failure::new(Exit::Usage, "the secret itself would stand in the command", hint));
            }
            return bodies.iter().try_for_each(|body| curl::print(&signer.sign(body)?, output));
        }
        let admin = if self.wait { Some(self.admin.open()?) } else { None };
        bodies.iter().try_for_each(|body| self.send(&signer, body, admin.as_ref(), output))
    }

    /// The scheme that is named, else the provider's first.
    fn scheme(&self) -> Result<Scheme, Failure> {
        let name = self.scheme.unwrap_or(self.provider.schemes()[0]);
        if self.provider.schemes().contains(&name) {
            return self.form.scheme(name);
        }
        let message = format!("the provider {} does not sign by {name}", self.provider.name());
        let hint = format!("one of {} is expected", self.provider.schemes().join(", "));
        Err(Failure::new(Exit::Usage, message, hint))
    }

    fn bodies(&self) -> Result<Vec<Body>, Failure> {
        if let Some(file) = &self.file {
            let bytes = input::read(file)?;
            let event = self.event.or_else(|| envelope::event_of(self.provider, &bytes));
            return Ok(vec![Body { event, state: None, bytes }]);
        }
        let events = self.events()?;
        let run = self.run.run()?;
        let body = |(event, state)| Body {
            event: Some(event),
            state: Some(state),
            bytes: run.body(event, state).to_string().into_bytes(),
        };
        Ok(events.into_iter().map(body).collect())
    }

    /// The events to make bodies of, with the state of each.
    fn events(&self) -> Result<Vec<(Event, State)>, Failure> {
        if !self.lifecycle {
            return Ok(vec![(self.single_event()?, self.state)]);
        }
        if self.state.is_terminal() {
            return Ok(Event::lifecycle(self.provider, self.state));
        }
        Err(Failure::new(Exit::Usage, "a lifecycle has no such end", "write --state succeeded or failed"))
    }

    fn single_event(&self) -> Result<Event, Failure> {
        let wrong = |message: String, hint: &str| Err(Failure::new(Exit::Usage, message, hint));
        let name = self.provider.name();
        let events = Event::all_of(self.provider);
        match self.event.or(events.first().copied()) {
            None => wrong(format!("there is no sample of the provider {name}"), "post one by --file"),
            Some(event) if !events.contains(&event) => {
                wrong(format!("the provider {name} has no such event"), "leave --event out")
            }
            Some(Event::WorkflowRun) if self.run.node.is_some() => wrong(
                "a workflow_run names no machine, its jobs do".to_owned(),
                "write --event workflow_job, or --lifecycle for both",
            ),
            Some(event) => Ok(event),
        }
    }

    fn send(
        &self,
        signer: &Signer<'_>,
        body: &Body,
        admin: Option<&Admin>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let answer = signer.sign(body)?.send()?;
        if answer.status != 202 {
            if self.json {
                output.json(&json!({ "http_status": answer.status, "answer": answer.json }))?;
            }
            return Err(answer.refusal());
        }
        let timeout = Duration::from_secs(self.timeout);
        let followed = admin.map(|admin| follow(admin, &answer, timeout)).transpose();
        // Whether or not it can be followed: what was answered is so.
        self.print(body, &answer, followed.as_ref().ok().and_then(Option::as_ref), output)?;
        match followed? {
            Some(followed) if !is_a_lifecycles_job(self.lifecycle, body, &answer) => followed.judge(),
            _ => Ok(()),
        }
    }

    fn print(
        &self,
        body: &Body,
        answer: &Answer,
        followed: Option<&Followed>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        if self.json {
            let mut line = json!({ "http_status": answer.status, "answer": answer.json });
            if let Some(followed) = followed {
                line["delivery"] = followed.delivery.clone();
            }
            return output.json(&line);
        }
        output.line(&line(body, answer, followed))
    }
}

/// Sources that announce runs alone take a job for its machine, and answer that they ignored it.
fn is_a_lifecycles_job(lifecycle: bool, body: &Body, answer: &Answer) -> bool {
    lifecycle && body.event.is_some_and(Event::is_of_job) && answer.text("outcome") == Some("ignored")
}

fn line(body: &Body, answer: &Answer, followed: Option<&Followed>) -> String {
    let mut words = vec![format!("{:10}", answer.text("outcome").unwrap_or("?"))];
    words.extend(body.event.and_then(Event::header).map(ToOwned::to_owned));
    let state = answer.text("state").or_else(|| body.state.map(State::as_str));
    words.extend(state.map(ToOwned::to_owned));
    for key in ["reason", "delivery", "correlation_id"] {
        words.extend(answer.text(key).map(|text| format!("{key}={text}")));
    }
    if answer.json.get("durable") == Some(&Value::Bool(false)) {
        words.push("durable=false".to_owned());
    }
    if let Some(followed) = followed {
        words.extend(
            ["status", "event_id"].iter().filter_map(|key| Some(format!("{key}={}", followed.text(key)?))),
        );
    }
    words.join(" ")
}
