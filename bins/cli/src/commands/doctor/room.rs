//! May messages be written into a room, and are they seen there? The homeserver answers 200 in most cases that they are not.

use meshhook_config::EncryptedRoom;
use meshhook_matrix::{Client, Membership, Power, Token};

use super::account::Account;
use super::case::Case;
use super::report::Report;
use crate::failure::Failure;

const CHECK: &str = "room";

/// Looks at a room; whether messages can be written into it.
pub(super) fn look(
    case: &Case,
    client: &Client,
    token: &Token,
    account: &Account,
    written: &str,
    report: &mut Report<'_, '_>,
) -> Result<bool, Failure> {
    let Some(room) = name(client, Some(token), written, report)? else { return Ok(false) };
    let room = room.as_str();
    match client.membership(token, &account.user, room) {
        Ok(Membership::Joined) => report.ok(CHECK, format!("{} is in {room}", account.user))?,
        Ok(other) => return outside(&other, account, room, report).map(|()| false),
        Err(failure) => {
            let hint = "ask again";
            report.fault(
                (CHECK, "no_answer"),
                format!("{room}: the homeserver does not tell: {failure}"),
                hint,
            )?;
            return Ok(false);
        }
    }
    let open = is_open(case, client, token, room, report)?;
    let able = has_power(client, token, account, room, report)?;
    Ok(open && able)
}

/// The room's id: what stands in gateway.toml, or what an alias stands for, which is a fault all the same.
pub(super) fn name(
    client: &Client,
    token: Option<&Token>,
    written: &str,
    report: &mut Report<'_, '_>,
) -> Result<Option<String>, Failure> {
    if !written.starts_with('#') {
        return Ok(Some(written.to_owned()));
    }
    match client.resolve_alias(token, written) {
        Ok(Some(room)) => {
            let text =
                format!("{written} is an alias, which may come to mean another room; now it is {room}");
            report.fault((CHECK, "alias"), text, format!("write room = \"{room}\" in gateway.toml"))?;
            Ok(Some(room))
        }
        Ok(None) => {
            let text = format!("{written} is an alias, and stands for no room");
            report.fault(
                (CHECK, "alias"),
                text,
                "write the room's id (\"!…\"): a client's room settings show it",
            )?;
            Ok(None)
        }
        Err(failure) => {
            let text = format!("{written} is an alias, and the homeserver does not tell what for: {failure}");
            report.fault(
                (CHECK, "alias"),
                text,
                "write the room's id (\"!…\"): a client's room settings show it",
            )?;
            Ok(None)
        }
    }
}

fn outside(
    membership: &Membership,
    Account { user }: &Account,
    room: &str,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let why = |reason: &Option<String>| reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    let again = format!("let somebody in the room who may, invite {user}, and then: meshhook login --join");
    match membership {
        Membership::Invited { by } => {
            let by = by.as_deref().unwrap_or("somebody");
            let text = format!("{user} is invited to {room} by {by}, and has not joined");
            report.fault((CHECK, "invited"), text, "let it join: meshhook login --join")
        }
        Membership::Left => report.fault((CHECK, "left"), format!("{user} has left {room}"), again),
        Membership::Kicked { by, reason } => report.fault(
            (CHECK, "kicked"),
            format!("{by} has removed {user} from {room}{}", why(reason)),
            again,
        ),
        Membership::Banned { by, reason } => report.fault(
            (CHECK, "banned"),
            format!("{by} has banned {user} from {room}{}", why(reason)),
            format!("the ban has to be lifted there first (in Element: /unban {user}); {again}"),
        ),
        _ => report.fault(
            (CHECK, "not_a_member"),
            format!("{user} was never in {room}, nor invited; or there is no such room"),
            format!("compare the id with the one in a client's room settings. If it is right, {again}"),
        ),
    }
}

/// Whether what is written is read: in a room that lives, by its members' clients.
fn is_open(
    case: &Case,
    client: &Client,
    token: &Token,
    room: &str,
    report: &mut Report<'_, '_>,
) -> Result<bool, Failure> {
    if let Ok(Some(tombstone)) = client.state(token, room, "m.room.tombstone") {
        let next = tombstone["replacement_room"].as_str().unwrap_or("a room that is not named");
        let text = format!("{room} was upgraded: its members have moved to {next}");
        let hint = format!(
            "let the bot be invited there, write room = \"{next}\" in gateway.toml, then: meshhook login"
        );
        report.fault((CHECK, "upgraded"), text, hint)?;
        return Ok(false);
    }
    let Ok(Some(_)) = client.state(token, room, "m.room.encryption") else { return Ok(true) };
    let plain =
        case.config.as_ref().is_some_and(|config| config.matrix.encrypted_room == EncryptedRoom::Plain);
    if plain {
        let text = format!(
            "{room} is encrypted, and messages are written into it unencrypted, as encrypted_room says"
        );
        report.warning(
            (CHECK, "encrypted_plain"),
            text,
            "a room without encryption is shown without warnings",
        )?;
        return Ok(true);
    }
    let hint = "encryption cannot be switched off: make a room without it and write its id in gateway.toml; or, to send in \
                clear text into this one, encrypted_room = \"plain\" in [matrix]";
    report.fault((CHECK, "encrypted"), format!("{room} is encrypted: nothing is written into it"), hint)?;
    Ok(false)
}

fn has_power(
    client: &Client,
    token: &Token,
    Account { user }: &Account,
    room: &str,
    report: &mut Report<'_, '_>,
) -> Result<bool, Failure> {
    let levels = client.state(token, room, "m.room.power_levels");
    let (Ok(levels), Ok(create)) = (levels, client.create_event(token, room)) else {
        report.skipped("power", format!("{room} does not tell its power levels"))?;
        return Ok(true);
    };
    let power = Power::of(user, levels.as_ref(), &create);
    if !power.may_send() {
        let Power { own, to_send, .. } = power;
        let text = format!("{user} has power level {own} in {room}, and sending takes {to_send}");
        let hint = format!(
            "give it {to_send} in the room's settings, or lower what sending messages takes to {own}"
        );
        report.fault(("power", "power_too_low"), text, hint)?;
        return Ok(false);
    }
    excess(user, room, &power, report)?;
    Ok(true)
}

/// A bot that can do no more than send is worth little to whoever steals its token.
fn excess(user: &str, room: &str, power: &Power, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let names: Vec<_> = power.more.iter().map(|(name, _)| *name).collect();
    let text =
        |own: &str| format!("with its power level of {own} {user} may also, in {room}: {}", names.join(", "));
    match (&*names, power.own) {
        ([], own) => report.ok("power", format!("{user} may send into {room} (level {own}), and nothing more")),
        (_, i64::MAX) => report.warning(
            ("power", "power_too_high"),
            text("no limit (it has made the room)"),
            "let somebody else make the room and invite the bot: the maker of a room of version 12 cannot give that up",
        ),
        (["invite"], own) => report.warning(
            ("power", "power_too_high"),
            text(&own.to_string()),
            format!("raise what inviting takes to 50 in the room's settings; it is {} now", power.more[0].1),
        ),
        (_, own) => report.warning(
            ("power", "power_too_high"),
            text(&own.to_string()),
            format!("give {user} the level {}, which is all that sending takes", power.to_send),
        ),
    }
}
