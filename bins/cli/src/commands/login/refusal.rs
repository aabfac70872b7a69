//! What a homeserver's refusal means, and the way out.

use meshhook_config::Account;
use meshhook_matrix::{Client, Failure as Refusal, FailureKind};

use super::next::Next;
use crate::failure::{Exit, Failure};
use crate::tls;

const PASSWORD: &str = "m.login.password";

/// Ends where the homeserver takes no passwords: nobody should be asked for one.
pub(super) fn without_passwords(client: &Client, account: &Account, next: &Next<'_>) -> Result<(), Failure> {
    let flows = client.login_flows().map_err(|failure| of_any(&failure))?;
    if flows.iter().any(|flow| flow == PASSWORD) {
        return Ok(());
    }
    let message = format!("{} takes no passwords, only {}", account.homeserver, flows.join(", "));
    let (file, join) = (account.access_token_file.display(), next.join());
    let hint = format!(
        "put a token that you get otherwise into {file} (0440), then: {join}. With Matrix \
         Authentication Service, `mas-cli manage issue-compatibility-token BOT MESHHOOK` makes one; else log in with \
         a client that shows its token, and never log that out"
    );
    Err(Failure::new(Exit::Refused, message, hint))
}

/// Of a login.
pub(super) fn of_login(failure: &Refusal, user: &str) -> Failure {
    match failure.kind {
        FailureKind::Forbidden => {
            let hint =
                "the bot's own password is wanted; an administrator of the homeserver can set a new one";
            Failure::new(Exit::Refused, format!("wrong user name or password for {user}: {failure}"), hint)
        }
        FailureKind::Unauthorized { .. } => {
            let hint = "an administrator of the homeserver can unlock or reactivate it";
            Failure::new(Exit::Refused, format!("{user} cannot log in: {failure}"), hint)
        }
        _ => of_any(failure),
    }
}

/// Of the token that is there.
pub(super) fn of_token(failure: &Refusal, account: &Account, next: &Next<'_>) -> Failure {
    match failure.kind {
        FailureKind::Unauthorized { .. } => {
            let file = account.access_token_file.display();
            let hint = format!("get another one: {}", next.command("meshhook login"));
            Failure::new(Exit::Refused, format!("the token in {file} is good no more: {failure}"), hint)
        }
        _ => of_any(failure),
    }
}

/// Of the room.
pub(super) fn of_join(failure: &Refusal, user: &str, room: &str, next: &Next<'_>) -> Failure {
    // Synapse knows no way into a room that it is not in.
    if failure.kind == FailureKind::Forbidden || failure.errcode.is_some() && failure.status == Some(404) {
        let message = format!("{user} is not let into {room}: {failure}");
        let hint = format!("let somebody in the room invite it (`/invite {user}`), then: {}", next.join());
        return Failure::new(Exit::Refused, message, hint);
    }
    let Failure::Told { exit, message, .. } = of_any(failure) else { return of_any(failure) };
    Failure::new(exit, message, format!("the token is there; join later: {}", next.join()))
}

/// Of anything.
pub(super) fn of_any(failure: &Refusal) -> Failure {
    if let Some(trouble) = failure.tls {
        return Failure::new(Exit::Unreachable, failure.to_string(), tls::hint(trouble, None));
    }
    match failure.kind {
        FailureKind::Limited { retry_after } => {
            let wait = retry_after.map(|wait| format!(" {} seconds", wait.as_secs().max(1)));
            let hint = format!("wait{}, then try again", wait.as_deref().unwrap_or(" some minutes"));
            Failure::new(
                Exit::Refused,
                format!("the homeserver limits how often one may ask: {failure}"),
                hint,
            )
        }
        _ if failure.errcode.is_some() => {
            Failure::new(Exit::Refused, format!("the homeserver refused: {failure}"), "its log may say more")
        }
        _ => {
            let hint = "is homeserver in gateway.toml its client-server address, and is it running?";
            Failure::new(Exit::Unreachable, format!("no homeserver answers: {failure}"), hint)
        }
    }
}
