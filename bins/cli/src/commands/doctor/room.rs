//! May messages be written into a room, and are they seen there? The homeserver answers 200 in most cases that they are not.

use meshhook_config::EncryptedRoom;
use meshhook_matrix::{Client, Failure as Unanswered, Membership, Token};

use super::report::Report;
use crate::failure::Failure;
use crate::shell::word;

const CHECK: &str = "room";

/// A room, and who is to write into it.
#[derive(Clone, Copy)]
pub(super) struct Room<'r> {
    pub(super) client: &'r Client,
    pub(super) token: &'r Token,
    pub(super) user: &'r str,
    pub(super) id: &'r str,
    /// Whether it is the one of `[matrix]`.
    pub(super) is_main: bool,
    /// What is done where it is encrypted.
    pub(super) encrypted: EncryptedRoom,
    pub(super) voice: Voice<'r>,
}

/// As whom is written.
#[derive(Clone, Copy)]
pub(super) enum Voice<'v> {
    /// As one account.
    Bot,
    /// As an application service, which joins by itself.
    Service {
        /// The users of machines that speak for themselves.
        machines: &'v [String],
        /// Whether it brings them along.
        brings: bool,
    },
}

impl Room<'_> {
    /// Whether messages can be written into it.
    pub(super) fn look(&self, report: &mut Report<'_, '_>) -> Result<bool, Failure> {
        let Self { user, id, .. } = self;
        match self.membership() {
            Ok(Membership::Joined) => report.ok(CHECK, format!("{user} is in {id}"))?,
            Ok(other) => return self.outside(&other, report).map(|()| false),
            Err(failure) => {
                let text = format!("{id}: the homeserver does not tell who is in it: {failure}");
                return report.fault((CHECK, "no_answer"), text, "ask again").map(|()| false);
            }
        }
        Ok(self.is_open(report)? && self.has_power(report)?)
    }

    fn membership(&self) -> Result<Membership, Unanswered> {
        let Self { client, token, user, id, .. } = self;
        match self.voice {
            Voice::Bot => client.membership(token, user, id),
            Voice::Service { .. } => client.membership_of_service(token, user, id),
        }
    }

    /// How it gets into a room.
    fn comes(&self, id: &str, report: &Report<'_, '_>) -> String {
        match self.voice {
            Voice::Bot => format!("and then: {}", join(self.is_main, id, report)),
            Voice::Service { .. } => "and the gateway, once it runs, has it join".to_owned(),
        }
    }

    fn outside(&self, membership: &Membership, report: &mut Report<'_, '_>) -> Result<(), Failure> {
        let Self { user, id, .. } = self;
        let again = format!("let somebody in the room who may, invite {user}, {}", self.comes(id, report));
        match membership {
            Membership::Invited { by } => {
                let by = by.as_deref().unwrap_or("somebody");
                let text = format!("{user} is invited to {id} by {by}, and has not joined");
                report.fault((CHECK, "invited"), text, format!("let it join: {}", join(self.is_main, id, report)))
            }
            Membership::Left => report.fault((CHECK, "left"), format!("{user} has left {id}"), again),
            Membership::Kicked { by, reason } => report.fault(
                (CHECK, "kicked"),
                format!("{by} has removed {user} from {id}{}", why(reason)),
                again,
            ),
            Membership::Banned { by, reason } => report.fault(
                (CHECK, "banned"),
                format!("{by} has banned {user} from {id}{}", why(reason)),
                format!("the ban has to be lifted there first (in Element: /unban {user}); {again}"),
            ),
            _ => report.fault(
                (CHECK, "not_a_member"),
                match self.voice {
                    Voice::Bot => format!("{user} was never in {id}, nor invited; or there is no such room"),
                    // It cannot see its invites, nor that it was banned.
                    Voice::Service { .. } => format!(
                        "{user} is not in {id}: it was not invited, has not joined yet, or is banned; or there is no such room"
                    ),
                },
                format!("compare the id with the one in a client's room settings. If it is right, {again}"),
            ),
        }
    }

    /// Whether what is written is read: in a room that lives, by its members' clients.
    fn is_open(&self, report: &mut Report<'_, '_>) -> Result<bool, Failure> {
        let Self { id, .. } = self;
        if let Ok(Some(tombstone)) = self.client.state(self.token, id, "m.room.tombstone") {
            return self.upgraded(tombstone["replacement_room"].as_str(), report).map(|()| false);
        }
        match self.client.state(self.token, id, "m.room.encryption") {
            Ok(Some(_)) => self.encrypted(report),
            _ => Ok(true),
        }
    }

    fn upgraded(&self, next: Option<&str>, report: &mut Report<'_, '_>) -> Result<(), Failure> {
        let Self { id, user, .. } = self;
        let Some(next) = next else {
            let text = format!("{id} was closed by an upgrade that names no other room");
            let hint = "ask in the room where its members went, and write that room's id in gateway.toml";
            return report.fault((CHECK, "upgraded"), text, hint);
        };
        let text = format!("{id} was upgraded: its members have moved to {next}");
        let reload = report.command("meshhook-gateway reload");
        let hint = match self.voice {
            Voice::Bot => format!(
                "let the bot be invited there, write room = \"{next}\" in gateway.toml in place of this one, then: {}, and \
                 {reload}",
                join(self.is_main, next, report)
            ),
            Voice::Service { .. } => format!(
                "let {user} be invited there, write room = \"{next}\" in gateway.toml in place of this one, then: {reload}"
            ),
        };
        report.fault((CHECK, "upgraded"), text, hint)
    }

    fn encrypted(&self, report: &mut Report<'_, '_>) -> Result<bool, Failure> {
        let Self { id, .. } = self;
        if self.encrypted == EncryptedRoom::Plain {
            let text = format!(
                "{id} is encrypted, and messages are written into it unencrypted, as encrypted_room says"
            );
            let hint = "a room without encryption is shown without warnings";
            return report.warning((CHECK, "encrypted_plain"), text, hint).map(|()| true);
        }
        let hint = "encryption cannot be switched off: make a room without it and write its id in gateway.toml; or, to send \
                    in clear text into this one, encrypted_room = \"plain\" in [matrix]";
        let text = format!("{id} is encrypted: nothing is written into it");
        report.fault((CHECK, "encrypted"), text, hint).map(|()| false)
    }
}

/// The command that lets the bot join.
fn join(is_main: bool, id: &str, report: &Report<'_, '_>) -> String {
    let room = if is_main { String::new() } else { format!(" --room {}", word(id)) };
    report.command(&format!("meshhook login --join{room}"))
}

fn why(reason: &Option<String>) -> String {
    reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default()
}
