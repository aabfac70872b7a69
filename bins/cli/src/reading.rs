//! A body as the gateway would read it.

use clap::Args;
use meshhook_model::{BuildStatus, Details};
use meshhook_normalize::{Ignored, Meaning, Provider, Reading, Unreadable};
use meshhook_verify::Scheme;

use crate::args::{self, Whose};
use crate::failure::{Exit, Failure};
use crate::input::Request;

/// What to read, and as whose.
#[derive(Args)]
pub(crate) struct ReadArgs {
    /// Whose body it is; auto tells it by the headers, else by the body's shape
    #[arg(long, value_parser = args::whose(), default_value = "auto")]
    provider: Whose,
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
        match self.meaning(&self.request.body()?)? {
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

    fn meaning(&self, body: &[u8]) -> Result<Meaning, Failure> {
        let provider = match self.provider {
            Whose::Of(provider) => Some(provider),
            Whose::Auto => self.provider_by_header(),
        };
        match provider {
            Some(provider) => Ok(self.read(provider, body)?.meaning),
            None => self.likeliest(body),
        }
    }

    fn read(&self, provider: &Provider, body: &[u8]) -> Result<Reading, Failure> {
        let event = provider.event_header().and_then(|name| self.request.header(name));
        meshhook_normalize::read(provider, body, event).map_err(|error| {
            Failure::new(Exit::NotSo, error.to_string(), "the gateway would answer 400 to it")
        })
    }

    fn provider_by_header(&self) -> Option<&'static Provider> {
        let sent = |name: &str| self.request.header(name).is_some();
        Provider::ALL.iter().copied().find(|provider| {
            let scheme = provider.default_scheme().and_then(|scheme| scheme.parse::<Scheme>().ok());
            let signed = scheme.is_some_and(|scheme| scheme.security_headers().iter().any(|name| sent(name)));
            signed || provider.event_header().is_some_and(sent)
        })
    }

    /// The reading of the provider who makes most of the body; of equals the first.
    fn likeliest(&self, body: &[u8]) -> Result<Meaning, Failure> {
        let mut best: Option<Meaning> = None;
        for provider in Provider::ALL {
            let meaning = self.read(provider, body)?.meaning;
            if best.as_ref().is_none_or(|best| sense(&meaning) > sense(best)) {
                best = Some(meaning);
            }
        }
        best.ok_or_else(|| Failure::new(Exit::NotSo, "no provider reads it", "name one by --provider"))
    }
}

/// How much sense a reading makes of a body.
fn sense(meaning: &Meaning) -> u8 {
    match meaning {
        Meaning::Event(_) => 4,
        Meaning::Ignored { reason: Ignored::UnsupportedEvent, details }
            if details.repo.is_none() && details.actor.is_none() =>
        {
            1
        }
        Meaning::Unreadable { reason: Unreadable::UnknownShape, .. } => 0,
        Meaning::Ignored { .. } | Meaning::Unreadable { .. } => 3,
        Meaning::Invalid { .. } => 2,
    }
}
