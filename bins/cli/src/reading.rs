//! A body as the gateway would read it.

use std::path::PathBuf;

use clap::Args;
use meshhook_model::{BuildStatus, Details};
use meshhook_normalize::{BodyError, Explanation, Ignored, Meaning, Provider, Reader, Reading};
use meshhook_verify::Scheme;
use serde_json::{Map, Value};

use crate::args::{self, Whose};
use crate::failure::{Exit, Failure};
use crate::input::Request;

/// What to read, and as whose.
#[derive(Args)]
pub(crate) struct ReadArgs {
    /// Whose body it is; auto tells it by the headers, else by the body's shape
    #[arg(long, value_parser = args::whose(), default_value = "auto")]
    provider: Whose,
    /// For the provider generic: a TOML file with the tables "fields" and "states", as they stand below a source
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    #[command(flatten)]
    request: Request,
}

/// What a gateway would make of a body that it takes.
pub(crate) enum Understood {
    /// A status to announce.
    Event(BuildStatus),
    /// Nothing to announce.
    Silent {
        /// `ignored` or `unreadable`.
        reading: &'static str,
        reason: &'static str,
        details: Details,
    },
}

impl ReadArgs {
    /// Reads the body.
    pub(crate) fn understood(&self) -> Result<Understood, Failure> {
        let body = self.request.body()?;
        match self.reader(&body)? {
            Some(reader) => understood(self.read(&reader, &body)?.meaning),
            None => Ok(nobodys()),
        }
    }

    /// Reads the body, and tells where each field came from.
    pub(crate) fn explained(&self) -> Result<(Understood, Explanation), Failure> {
        let body = self.request.body()?;
        let Some(reader) = self.reader(&body)? else { return Ok((nobodys(), Explanation::default())) };
        let (reading, explanation) = reader.explain(&body, self.event(&reader)).map_err(unreadable)?;
        Ok((understood(reading.meaning)?, explanation))
    }

    fn read(&self, reader: &Reader, body: &[u8]) -> Result<Reading, Failure> {
        reader.read(body, self.event(reader)).map_err(unreadable)
    }

    fn event(&self, reader: &Reader) -> Option<&str> {
        self.request.header(reader.provider().event_header()?)
    }

    /// How the body is to be read; `None` of one that is no provider's.
    fn reader(&self, body: &[u8]) -> Result<Option<Reader>, Failure> {
        let generic =
            matches!(self.provider, Whose::Of(provider) if provider.name() == Provider::GENERIC.name());
        match (&self.map, self.provider) {
            (Some(file), _) if generic => {
                let (map, words) = meshhook_config::read_field_map(file)?;
                Ok(Some(Reader::mapped(map, words)))
            }
            (None, _) if generic => Err(Failure::new(
                Exit::Usage,
                "the provider generic reads by a map of the fields",
                "write --map FILE, with [fields] workflow, state and run_id in it",
            )),
            (Some(_), _) => {
                let hint = "write --provider generic, or leave --map out";
                Err(Failure::new(Exit::Usage, "--map is for the provider generic only", hint))
            }
            (None, Whose::Of(provider)) => Ok(Some(Reader::new(provider))),
            (None, Whose::Auto) => Ok(self.told(body)?.map(Reader::new)),
        }
    }

    /// Whose body it is, as told by the headers, else by its shape.
    fn told(&self, body: &[u8]) -> Result<Option<&'static Provider>, Failure> {
        let named = self.named_by_headers();
        let guessed = meshhook_normalize::guess(body).map_err(unreadable)?;
        // What has no event header is contradicted by none: Jenkins sends the one of CloudEvents, too.
        let may_be = |guess: &&Provider| {
            named.is_empty()
                || guess.event_header().is_none()
                || named.iter().any(|p| p.name() == guess.name())
        };
        let only = || named.first().copied().filter(|_| named.len() == 1);
        Ok(guessed.filter(may_be).or_else(only).or_else(|| likeliest(body)))
    }

    /// The providers one of whose headers came; several have Gitea's and Forgejo's, which send GitHub's too.
    fn named_by_headers(&self) -> Vec<&'static Provider> {
        let sent = |name: &str| self.request.header(name).is_some();
        let by_event = |provider: &&Provider| provider.event_header().is_some_and(sent);
        let by_signature = |provider: &&Provider| {
            let scheme = provider.default_scheme().and_then(|scheme| scheme.parse::<Scheme>().ok());
            scheme.is_some_and(|scheme| scheme.security_headers().iter().any(|name| sent(name)))
        };
        let all = || Provider::ALL.iter().copied();
        let named: Vec<_> = all().filter(by_event).collect();
        if named.is_empty() { all().filter(by_signature).collect() } else { named }
    }
}

fn understood(meaning: Meaning) -> Result<Understood, Failure> {
    match meaning {
        Meaning::Event(event) => Ok(Understood::Event(event.status)),
        Meaning::Ignored { reason, details } => {
            Ok(Understood::Silent { reading: "ignored", reason: reason.as_str(), details })
        }
        Meaning::Unreadable { reason, details } => {
            Ok(Understood::Silent { reading: "unreadable", reason: reason.as_str(), details })
        }
        Meaning::Invalid { field, expected } => {
            let message = format!("the body's `{field}` is missing or wrong");
            Err(Failure::new(Exit::NotSo, message, format!("{expected} is expected there")))
        }
    }
}

/// What is no build's event of any system that is known here.
fn nobodys() -> Understood {
    let reason = Ignored::UnsupportedEvent.as_str();
    Understood::Silent { reading: "ignored", reason, details: Details::default() }
}

fn unreadable(error: BodyError) -> Failure {
    Failure::new(Exit::NotSo, error.to_string(), "the gateway would answer 400 to it")
}

/// Whose a body is that tells of no build: a greeting, another event of a repository, or our own format with a fault.
fn likeliest(body: &[u8]) -> Option<&'static Provider> {
    let makes_sense = |provider: &&'static Provider| match meshhook_normalize::read(provider, body, None) {
        Ok(Reading { meaning: Meaning::Ignored { reason, details }, .. }) => {
            reason != Ignored::UnsupportedEvent || details.repo.is_some()
        }
        Ok(Reading { meaning: Meaning::Invalid { .. }, .. }) => is_nearly_ours(body),
        _ => false,
    };
    Provider::ALL.iter().copied().find(makes_sense)
}

/// Whether a body is our own format but for a fault: others have a `job`, or a `state` and a `run_id`, of their own.
fn is_nearly_ours(body: &[u8]) -> bool {
    let fields: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let has_workflow = fields.get("workflow").is_some_and(Value::is_string);
    has_workflow && ["state", "run_id"].iter().any(|field| fields.contains_key(*field))
}
