//! Another configuration for a gateway that runs: all of it, or nothing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use meshhook_appservice::Registration;
use meshhook_config::{Change, Config, Credential, Fault, Faults, Loaded, Log, Outline};
use meshhook_engine::{Current, Engine, EngineError};
use meshhook_store::Moment;

use crate::admin::Access;
use crate::admin_token::{AdminToken, AdminTokenError};
use crate::ingress::Gate;
use crate::log::LogControl;
use crate::observe::Observations;
use crate::parts::Parts;

/// Takes another configuration over.
pub(crate) struct Reloader {
    /// Where it is read from.
    pub(crate) root: PathBuf,
    pub(crate) engine: Arc<Engine>,
    pub(crate) gate: Arc<Current<Gate>>,
    pub(crate) access: Arc<Current<Access>>,
    pub(crate) credential: Arc<Current<Credential>>,
    pub(crate) registration: Option<Arc<Current<Registration>>>,
    pub(crate) log: LogControl,
    pub(crate) observations: Arc<Observations>,
    /// What is in force. Held by the one reload at a time.
    pub(crate) in_force: Mutex<Outline>,
}

/// What a reload did.
pub(crate) struct Reloaded {
    /// When it began to read.
    pub(crate) since: Moment,
    /// What is another from now on.
    pub(crate) changes: Vec<Change>,
    /// What works and should be looked at.
    pub(crate) warnings: Vec<Fault>,
}

/// Why everything is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ReloadError {
    /// The configuration, or a file that it names, cannot be used.
    #[error("the configuration cannot be used")]
    Faults(#[from] Faults),
    /// Some of what differs cannot be replaced while the gateway runs.
    #[error("some of what differs counts from the next start only: {}", named(.0))]
    NeedsRestart(Vec<Change>),
    /// The admin token's file cannot be made.
    #[error(transparent)]
    AdminToken(AdminTokenError),
    /// The engine cannot go by it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl ReloadError {
    /// The word for the metrics.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Faults(_) => "faults",
            Self::NeedsRestart(_) => "needs_restart",
            Self::AdminToken(_) | Self::Engine(_) => "failed",
        }
    }
}

impl From<AdminTokenError> for ReloadError {
    fn from(why: AdminTokenError) -> Self {
        match why {
            AdminTokenError::File(fault) => Self::Faults(fault.into()),
            why => Self::AdminToken(why),
        }
    }
}

fn named(changes: &[Change]) -> String {
    changes.iter().map(|change| change.what.as_str()).collect::<Vec<_>>().join(", ")
}

impl Reloader {
    /// Reads the configuration and goes by it from now on, if there is nothing wrong with it. Requests in hand go on by
    /// what they began with.
    pub(crate) fn reload(&self) -> Result<Reloaded, ReloadError> {
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        match self.take_over(&mut in_force) {
            Ok((reloaded, log)) => {
                self.log.set(log, || self.observations.reloaded(&reloaded));
                Ok(reloaded)
            }
            Err(why) => {
                self.observations.not_reloaded(&why);
                Err(why)
            }
        }
    }

    /// All but the log, which first has to tell of it.
    fn take_over(&self, in_force: &mut Outline) -> Result<(Reloaded, Log), ReloadError> {
        let since = self.observations.now();
        let Loaded { config, warnings, .. } = Config::load(&self.root)?;
        let changes = in_force.changes_to(&config.outline());
        let (not_now, changes): (Vec<_>, _) = changes.into_iter().partition(|change| change.needs_restart);
        if !not_now.is_empty() {
            return Err(ReloadError::NeedsRestart(not_now));
        }
        let token = AdminToken::of(&config)?;
        let log = config.log;
        *in_force = self.put_in_force(Parts::of(config, token))?;
        Ok((Reloaded { since, changes, warnings }, log))
    }

    /// Only the first step can fail, and changes nothing then.
    fn put_in_force(&self, parts: Parts) -> Result<Outline, EngineError> {
        let Parts { gate, conduct, access, credential, registration, outline } = parts;
        self.engine.adopt(conduct)?;
        self.credential.set(credential);
        // Whether there is one at all is decided at the start.
        if let (Some(current), Some(registration)) = (&self.registration, registration) {
            current.set(registration);
        }
        self.engine.look_at_token();
        self.observations.expect(gate.names());
        self.gate.set(gate);
        self.access.set(access);
        Ok(outline)
    }
}
