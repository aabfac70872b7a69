//! As whom the gateway under test writes, and the machines that may speak for themselves.

use crate::{Gateway, GatewayBuilder, Service, User};

/// The machines of the pool, as `[[node]]` lists them.
pub(super) const LISTED: [&str; 3] = ["mac-01", "mac-02", "mac-03"];

/// Others that builds name.
const OTHERS: [&str; 2] = ["linux-9", "GitHub Actions 7"];

/// As whom a gateway writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// As one user.
    Bot,
    /// As an application service: as its own user, and as those of the listed machines.
    Service,
}

/// The same with all that is needed for it.
#[derive(Debug)]
pub(super) enum Us {
    Bot(User),
    Service(Service),
}

impl Us {
    /// The user that speaks for everyone.
    pub(super) fn sender(&self) -> String {
        match self {
            Self::Bot(user) => user.id.clone(),
            Self::Service(service) => service.sender(),
        }
    }

    /// Whether that is one of the gateway's users, or could be.
    pub(super) fn has(&self, user: &str) -> bool {
        match self {
            Self::Bot(bot) => bot.id == user,
            Self::Service(service) => service.has(user),
        }
    }

    /// The users of the machines that may have one.
    pub(super) fn ghosts(&self) -> Vec<String> {
        LISTED.iter().filter_map(|machine| self.ghost(machine)).collect()
    }

    /// The user that a machine may speak as.
    pub(super) fn ghost(&self, machine: &str) -> Option<String> {
        match self {
            Self::Service(service) if LISTED.contains(&machine) => Some(service.user(machine)),
            _ => None,
        }
    }

    /// A gateway to be that writes as us.
    pub(super) fn gateway(&self, homeserver: &str, room: &str) -> GatewayBuilder {
        let gateway = match self {
            Self::Bot(bot) => Gateway::builder(homeserver, room, &bot.token),
            // Digests are no machine's own: fewer of them, so that more is said by machines.
            Self::Service(service) => Gateway::builder_of_service(homeserver, room, service)
                .line("message", "digest = { behind = \"30s\" }"),
        };
        LISTED
            .iter()
            .fold(gateway, |gateway, machine| gateway.toml(&format!("[[node]]\nname = \"{machine}\"")))
    }
}

/// The machine that a run is on: listed ones and others take turns.
pub(super) fn machine_of(run: u64) -> &'static str {
    let all = LISTED.len() + OTHERS.len();
    let number = usize::try_from(run % all as u64).expect("less than there are");
    LISTED.get(number).copied().unwrap_or_else(|| OTHERS[number - LISTED.len()])
}
