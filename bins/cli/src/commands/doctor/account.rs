//! Who writes: does the token work, is it the one that messages were sent with before, and is it no more than a bot?

use meshhook_matrix::{Client, Failure as Unanswered, FailureKind, Token};
use meshhook_store::Identity;

use super::report::{Report, counted};
use crate::failure::Failure;

/// Whose token it is.
pub(super) struct Account {
    pub(super) user: String,
}

/// The account, where its token works.
pub(super) fn look(
    client: &Client,
    token: Option<&Token>,
    pinned: Option<&Identity>,
    report: &mut Report<'_, '_>,
) -> Result<Option<Account>, Failure> {
    let Some(token) = token else {
        report.skipped("account", "the access token has to be readable first")?;
        return Ok(None);
    };
    let whoami = match client.whoami(token) {
        Ok(whoami) => whoami,
        Err(failure) => return refused(&failure, report).map(|()| None),
    };
    let identity = Identity { user: whoami.user_id, device: whoami.device_id };
    report.ok("account", format!("the access token is that of {identity}"))?;
    compare(&identity, pinned, report)?;
    Ok(Some(Account { user: identity.user }))
}

/// Whether it can do, or see, more than it has to.
pub(super) fn rights(
    client: &Client,
    token: &Token,
    account: &Account,
    rooms: &[String],
    is_bot: bool,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    privileges(client, token, account, report)?;
    let Ok(joined) = client.joined_rooms(token) else { return Ok(()) };
    let others: Vec<_> = joined.into_iter().filter(|room| !rooms.contains(room)).collect();
    match &*others {
        [] => Ok(()),
        others if is_bot => other_rooms(others, report),
        others => unused_rooms(others, &account.user, report),
    }
}

/// One room a bot: that is as little as a token can be good for.
pub(super) fn several_rooms(rooms: &[String], report: &mut Report<'_, '_>) -> Result<(), Failure> {
    if rooms.len() < 2 {
        return Ok(());
    }
    let text = format!("its token can write into {} rooms: {}", rooms.len(), rooms.join(", "));
    let hint = "who gets hold of it has them all: where they are not the same people's, give each a gateway and a bot of \
                its own";
    report.note(("account", "several_rooms"), text, hint)
}

pub(super) fn refused(failure: &Unanswered, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let text = format!("the homeserver does not take the access token: {failure}");
    match (failure.kind, failure.errcode.as_deref()) {
        (
            FailureKind::Unauthorized { .. },
            Some("M_USER_LOCKED" | "M_USER_SUSPENDED" | "M_USER_DEACTIVATED"),
        ) => report.fault(
            ("account", "account_locked"),
            text,
            "ask the homeserver's administrator to let the account act again",
        ),
        (FailureKind::Unauthorized { .. }, _) => {
            let again = report.command("meshhook login");
            let hint = format!(
                "log in anew, on the same device: {again}. A password that was changed, or a log-out, ends a token"
            );
            report.fault(("account", "wrong_token"), text, hint)
        }
        _ => report.fault(
            ("account", "no_answer"),
            text,
            "ask again; the gateway does the same until it is answered",
        ),
    }
}

/// Another device is not known to have sent what may be under way (delivery.md: the identity is pinned).
fn compare(
    identity: &Identity,
    pinned: Option<&Identity>,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let login = report.command("meshhook login");
    let Some(device) = &identity.device else {
        return report.warning(
            ("account", "no_device"),
            "the access token belongs to no device: the homeserver forgets what was sent with it at each restart",
            format!("log in with a device: {login}"),
        );
    };
    match pinned {
        Some(pinned) if pinned != identity => report.warning(
            ("account", "other_identity"),
            format!("until now messages were sent as {pinned}; what that had under way is looked up in the room first"),
            match &pinned.device {
                Some(before) if pinned.user == identity.user => {
                    format!("keep one device when a token is replaced: {login} --device-id {before}, instead of {device}")
                }
                _ => "nothing is doubled by it; but if it was not meant, put the former token back".to_owned(),
            },
        ),
        _ => Ok(()),
    }
}

fn privileges(
    client: &Client,
    token: &Token,
    account: &Account,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    match client.is_server_admin(token, &account.user) {
        Ok(Some(true)) => report.warning(
            ("account", "server_admin"),
            format!("{} administers the homeserver: who steals its token has everything", account.user),
            "let a user of its own write, who administers nothing",
        ),
        _ => Ok(()),
    }
}

fn other_rooms(others: &[String], report: &mut Report<'_, '_>) -> Result<(), Failure> {
    report.warning(
        ("account", "other_rooms"),
        format!("it is in {} besides: {}", counted(others.len() as u64, "room"), some(others)),
        "leave them with any client, unless one is the room meant: a token reaches every room of its user",
    )
}

/// No client can have an application service leave a room, and its users are in rooms by configuration alone.
fn unused_rooms(others: &[String], user: &str, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    report.note(
        ("account", "other_rooms"),
        format!(
            "{user} is in {} that gateway.toml does not name: {}",
            counted(others.len() as u64, "room"),
            some(others)
        ),
        "if they were meant once, remove it from them: the homeserver tells the gateway all that is said there",
    )
}

fn some(rooms: &[String]) -> String {
    let more = if rooms.len() > 5 { ", …" } else { "" };
    let some: Vec<_> = rooms.iter().take(5).map(String::as_str).collect();
    format!("{}{more}", some.join(", "))
}
