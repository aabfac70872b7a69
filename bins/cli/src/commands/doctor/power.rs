//! What may who writes do in a room: enough, and no more?

use meshhook_matrix::Power;
use serde_json::Value;

use super::report::Report;
use super::room::{Room, Voice};
use crate::failure::Failure;

const CHECK: &str = "power";

/// The room's state that tells what its members may.
struct Levels {
    levels: Option<Value>,
    create: Value,
}

impl Levels {
    fn of(&self, user: &str) -> Power {
        Power::of(user, self.levels.as_ref(), &self.create)
    }
}

impl Room<'_> {
    /// Whether messages may be sent.
    pub(super) fn has_power(&self, report: &mut Report<'_, '_>) -> Result<bool, Failure> {
        let Self { client, token, user, id, .. } = self;
        let levels = client.state(token, id, "m.room.power_levels");
        let (Ok(levels), Ok(create)) = (levels, client.create_event(token, id)) else {
            return report.skipped(CHECK, format!("{id} does not tell its power levels")).map(|()| true);
        };
        let levels = Levels { levels, create };
        let power = levels.of(user);
        if power.may_send() {
            return self.of_who_sends(&power, &levels, report).map(|()| true);
        }
        let Power { own, to_send, .. } = power;
        let text = format!("{user} has power level {own} in {id}, and sending takes {to_send}");
        let hint = format!(
            "give it {to_send} in the room's settings, or lower what sending messages takes to {own}"
        );
        report.fault((CHECK, "power_too_low"), text, hint).map(|()| false)
    }

    fn of_who_sends(
        &self,
        power: &Power,
        levels: &Levels,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Failure> {
        let Voice::Service { machines, brings } = self.voice else {
            return self.excess(power, false, report);
        };
        self.muted(machines, power, levels, report)?;
        match brings && self.is_private() {
            true if !power.may_invite() => self.cannot_bring(power, report),
            must_invite => self.excess(power, must_invite, report),
        }
    }

    /// Whether nobody gets in without an invite; so it is taken for, where it does not tell.
    fn is_private(&self) -> bool {
        let rules = self.client.state(self.token, self.id, "m.room.join_rules");
        !matches!(rules, Ok(Some(rules)) if rules["join_rule"] == "public")
    }

    fn cannot_bring(&self, power: &Power, report: &mut Report<'_, '_>) -> Result<(), Failure> {
        let Self { user, id, .. } = self;
        let Power { own, to_invite, .. } = power;
        let text = format!(
            "{id} lets in who is invited, and {user} may not invite (its level is {own}, inviting takes {to_invite}): it speaks \
             for all machines that are not in it"
        );
        let hint = format!(
            "give {user} the level {to_invite} in the room's settings, or lower what inviting takes to {own}; or have one \
             user speak for all: per_node_senders = false"
        );
        report.warning((CHECK, "cannot_invite"), text, hint)
    }

    /// Machines' users have no more than any member.
    fn muted(
        &self,
        machines: &[String],
        power: &Power,
        levels: &Levels,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Failure> {
        let muted: Vec<_> = machines.iter().filter(|machine| !levels.of(machine).may_send()).collect();
        let Some(first) = muted.first() else { return Ok(()) };
        let Self { user, id, .. } = self;
        let text = format!(
            "sending into {id} takes {}, and {} less, such as {first}: {user} speaks for them",
            power.to_send,
            match muted.len() {
                1 => "1 machine's user has".to_owned(),
                count => format!("{count} machines' users have"),
            },
        );
        let hint = "lower what sending messages takes in the room's settings, or have one user speak for all: \
                    per_node_senders = false";
        report.warning((CHECK, "machines_muted"), text, hint)
    }

    /// A bot that can do no more than send is worth little to whoever steals its token. One that brings machines along has
    /// to invite as well.
    fn excess(&self, power: &Power, must_invite: bool, report: &mut Report<'_, '_>) -> Result<(), Failure> {
        let Self { user, id, .. } = self;
        let is_needed = |name: &str| must_invite && name == "invite";
        let names: Vec<_> =
            power.more.iter().map(|(name, _)| *name).filter(|name| !is_needed(name)).collect();
        let text = |own: &str| {
            format!("with its power level of {own} {user} may also, in {id}: {}", names.join(", "))
        };
        let (needed, what) = match must_invite {
            true => (power.to_send.max(power.to_invite), "sending and inviting take"),
            false => (power.to_send, "sending takes"),
        };
        match (&*names, power.own) {
            ([], own) => {
                let invites = if must_invite { ", and invite machines' users" } else { "" };
                report.ok(CHECK, format!("{user} may send into {id} (level {own}){invites}, and nothing more"))
            }
            (_, i64::MAX) => report.warning(
                (CHECK, "power_too_high"),
                text("no limit (it has made the room)"),
                "let somebody else make the room and invite the bot: the maker of a room of version 12 cannot give that up",
            ),
            (["invite"], own) => report.warning(
                (CHECK, "power_too_high"),
                text(&own.to_string()),
                format!("raise what inviting takes to 50 in the room's settings; it is {} now", power.to_invite),
            ),
            (_, own) if must_invite && own <= needed => report.note(
                (CHECK, "power_too_high"),
                text(&own.to_string()),
                format!("inviting takes as much as that: lower it to 10 in the room's settings, and give {user} no more"),
            ),
            (_, own) => report.warning(
                (CHECK, "power_too_high"),
                text(&own.to_string()),
                format!("give {user} the level {needed}, which is all that {what}"),
            ),
        }
    }
}
