//! What a homeserver's refusal means, and the way out.

use meshhook_config::Account;
use meshhook_matrix::{Client, Failure as Refusal, FailureKind, TlsTrouble};

use crate::failure::{Exit, Failure};

const PASSWORD: &str = "m.login.password";

/// Ends where the homeserver takes no passwords: nobody should be asked for one.
pub(super) fn without_passwords(client: &Client, account: &Account) -> Result<(), Failure> {
    let flows = client.login_flows().map_err(|failure| of_any(&failure))?;
    if flows.iter().any(|flow| flow == PASSWORD) {
        return Ok(());
    }
    let message = format!("{} takes no passwords, only {}", account.homeserver, flows.join(", "));
    let file = account.access_token_file.display();
    let hint = format!(
        "put a token that you get otherwise into {file} (0440), then: meshhook login --join. With Matrix \
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
pub(super) fn of_token(failure: &Refusal, account: &Account) -> Failure {
    match failure.kind {
        FailureKind::Unauthorized { .. } => {
            let file = account.access_token_file.display();
            let hint = "get another one: meshhook login";
            Failure::new(Exit::Refused, format!("the token in {file} is good no more: {failure}"), hint)
        }
        _ => of_any(failure),
    }
}

/// Of the room.
pub(super) fn of_join(failure: &Refusal, user: &str, room: &str) -> Failure {
    // Synapse knows no way into a room that it is not in.
    if failure.kind == FailureKind::Forbidden || failure.errcode.is_some() && failure.status == Some(404) {
        let message = format!("{user} is not let into {room}: {failure}");
        let hint =
            format!("let somebody in the room invite it (`/invite {user}`), then: meshhook login --join");
        return Failure::new(Exit::Refused, message, hint);
    }
    let Failure::Told { exit, message, .. } = of_any(failure) else { return of_any(failure) };
    Failure::new(exit, message, "the token is there and works; join later: meshhook login --join")
}

/// Of anything.
pub(super) fn of_any(failure: &Refusal) -> Failure {
    if let Some(trouble) = failure.tls {
        return Failure::new(Exit::Unreachable, failure.to_string(), of_tls(trouble));
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

const fn of_tls(trouble: TlsTrouble) -> &'static str {
    match trouble {
        TlsTrouble::Pin => {
            "compare it with the certificate on the homeserver itself; if it is that one, put it into tls_fingerprints"
        }
        TlsTrouble::Chain => {
            "name the authority's certificate as ca_file in [matrix], if it is a private one"
        }
        TlsTrouble::Name => "write the name that the certificate is for as homeserver in [matrix]",
        TlsTrouble::Expired => "renew the homeserver's certificate; is this machine's clock right?",
        TlsTrouble::NotYetValid => "set this machine's clock",
        _ => "is homeserver in gateway.toml an https address, with the right port?",
    }
}
