//! Who writes where an application service sends: does the homeserver know its token, as whom, and are machines' users
//! its own?

use meshhook_matrix::{Client, Failure as Unanswered, FailureKind, Token};
use meshhook_store::Identity;

use super::account::{self, Account};
use super::case::Service;
use super::report::Report;
use crate::failure::Failure;

const CHECK: &str = "account";

/// The device of each of its users (`meshhook_engine` makes it).
const DEVICE: &str = "MESHHOOK";

/// A file that only one of the two sides has.
const ANEW: &str = "give the homeserver this registration file and restart it (Synapse reads it at its start alone); \
                    meshhook registration check compares two copies";

/// The service's own user, where its token works. What a ping tells as well is left to that.
pub(super) fn look(
    client: &Client,
    service: &Service,
    token: &Token,
    pinned: Option<&Identity>,
    report: &mut Report<'_, '_>,
) -> Result<Option<Account>, Failure> {
    let whoami = match client.whoami(token) {
        Ok(whoami) => whoami,
        Err(failure) if is_unknown(&failure) => {
            report
                .skipped(CHECK, format!("the homeserver does not take the as_token: {failure}; see ping"))?;
            return Ok(None);
        }
        Err(failure) => return account::refused(&failure, report).map(|()| None),
    };
    let user = whoami.user_id;
    // An application service's own token belongs to no device.
    if whoami.device_id.is_some() {
        report.skipped(CHECK, format!("the as_token is an access token of {user}; see ping"))?;
        return Ok(None);
    }
    if !is_sender(service, &user) {
        let text = format!(
            "the homeserver knows the as_token as that of {user}, and sender_localpart is {:?} here",
            service.registration.sender_localpart
        );
        report.warning((CHECK, "other_sender"), text, ANEW)?;
    }
    namespaces(service, &user, report)?;
    let can_send = device(client, token, &user, pinned, report)?;
    Ok(can_send.then_some(Account { user }))
}

fn is_unknown(failure: &Unanswered) -> bool {
    let is_token = matches!(failure.errcode.as_deref(), Some("M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN"));
    matches!(failure.kind, FailureKind::Unauthorized { .. }) && is_token
}

/// `example.org` of `@buildbot:example.org`.
fn server_name(user: &str) -> &str {
    user.split_once(':').map_or("", |(_, server)| server)
}

fn is_sender(service: &Service, user: &str) -> bool {
    service.registration.sender(server_name(user)) == user
}

/// Whose users the registration's patterns are of. What its file shows by itself is told with the configuration.
fn namespaces(service: &Service, user: &str, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    for fault in service.registration.look_at_users(server_name(user)) {
        let (text, hint) = (fault.message(), fault.hint());
        match fault.is_wrong() {
            true => report.fault(("registration", "namespaces"), text, hint)?,
            false => report.warning(("registration", "namespaces"), text, hint)?,
        }
    }
    Ok(())
}

/// Whether it may speak as its device; without one a homeserver forgets transaction ids when it restarts, so that the gateway
/// sends nothing. Making it would tell for certain, and is the gateway's to do: a homeserver that looks for the device does
/// as well.
fn device(
    client: &Client,
    token: &Token,
    user: &str,
    pinned: Option<&Identity>,
    report: &mut Report<'_, '_>,
) -> Result<bool, Failure> {
    let identity = Identity { user: user.to_owned(), device: Some(DEVICE.to_owned()) };
    match client.whoami(&token.speaking_as(user, Some(DEVICE))) {
        Ok(whoami) if whoami.device_id == identity.device => {
            report.ok(CHECK, format!("the as_token is that of {identity}"))?;
        }
        Ok(_) => {
            let text =
                format!("the homeserver does not let {user} speak as a device, so that nothing is sent");
            let hint = "application services can since version 1.17 of the specification; in Synapse before that write \
                        io.element.msc4190: true into both copies of the registration, and restart it";
            return report.fault((CHECK, "no_devices"), text, hint).map(|()| false);
        }
        Err(failure) if failure.kind == FailureKind::UnknownDevice => {
            unmade(&identity, pinned, report)?;
        }
        Err(failure) => return account::refused(&failure, report).map(|()| false),
    }
    moved(&identity, pinned, report).map(|()| true)
}

fn unmade(
    identity: &Identity,
    pinned: Option<&Identity>,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    if pinned == Some(identity) {
        let text =
            format!("the homeserver has no longer the device of {identity}, as which messages were sent");
        let hint = "nothing is doubled by it: the gateway makes it anew, and looks into the room for what was under way";
        return report.warning((CHECK, "device_gone"), text, hint);
    }
    let text = format!("the as_token is that of {}, which has no device {DEVICE} yet", identity.user);
    report.note((CHECK, "no_device_yet"), text, "the gateway makes it when it first signs in")
}

/// Whether messages were sent as somebody else before.
fn moved(identity: &Identity, pinned: Option<&Identity>, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let Some(pinned) = pinned.filter(|pinned| *pinned != identity) else { return Ok(()) };
    let list = report.command("meshhook deliveries list --status uncertain");
    let text =
        format!("until now messages were sent as {pinned}, and from the gateway's start as {identity}");
    let hint = match pinned.user == identity.user {
        true => "the new device does not know the old one's transaction ids: what was under way is looked up in the room, \
                 and nothing is doubled"
            .to_owned(),
        false => format!(
            "nothing is doubled: what was under way is looked up in the room, so let {} stay in it until nothing waits. What \
             cannot be found for certain waits for you: {list}",
            pinned.user
        ),
    };
    report.warning((CHECK, "other_identity"), text, hint)
}
