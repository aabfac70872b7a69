//! What was there before: a token that works, and as whom a gateway sends.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use meshhook_config::{Account, Sketch, StoreUrl, read_token};
use meshhook_matrix::{Client, FailureKind, LoggedIn, Token, Whoami};
use meshhook_store::Identity;
use meshhook_store_sqlite::Peek;
use secrecy::ExposeSecret;
use ureq::http::Request;

use super::next::Next;
use super::refusal;
use crate::failure::Failure;
use crate::http;
use crate::output::Output;

/// As whom messages were sent, as far as anything tells.
pub(super) struct Before {
    /// Whose token is there, if one is there that works.
    token: Option<Identity>,
    /// As whom the store says that messages were last sent.
    store: Option<Identity>,
}

impl Before {
    pub(super) fn look(client: &Client, account: &Account, root: &Path) -> Result<Self, Failure> {
        Ok(Self { token: of_token(client, account)?, store: of_store(root) })
    }

    fn any(&self) -> Option<&Identity> {
        self.token.as_ref().or(self.store.as_ref())
    }

    pub(super) fn user(&self) -> Option<&str> {
        Some(&self.any()?.user)
    }

    /// The device that messages were sent on, if it is that user's.
    pub(super) fn device_of(&self, user: &str) -> Option<&str> {
        let is_theirs = |me: &&Identity| me.user == user || local_part(&me.user) == Some(user);
        [&self.token, &self.store].into_iter().flatten().find(is_theirs)?.device.as_deref()
    }

    /// Says what follows where a gateway has sent as somebody else.
    pub(super) fn warn_of_another(
        &self,
        admin_url: &str,
        logged_in: &LoggedIn,
        next: &Next<'_>,
        output: &Output<'_>,
    ) {
        let LoggedIn { user_id: user, device_id: device, .. } = logged_in;
        let Some(Identity { user: sends_as, device: sends_on }) =
            sending(admin_url).or_else(|| self.store.clone().or_else(|| self.token.clone()))
        else {
            return;
        };
        let on = sends_on.as_deref().unwrap_or("no device");
        if sends_as != *user {
            let list = next.command("meshhook deliveries list --status uncertain");
            output.note(&format!(
                "warning: the gateway has sent as {sends_as} so far. It starts as {user} once nothing of the other \
                 can be under way; what it cannot find in the room then is \"uncertain\": {list}"
            ));
        } else if on != *device {
            output.note(&format!(
                "warning: the gateway has sent on the device {on} so far, whose transaction ids {device} does not \
                 have. It waits until nothing can be under way there, and looks into the room before it repeats a \
                 message"
            ));
        }
    }
}

fn local_part(user_id: &str) -> Option<&str> {
    user_id.strip_prefix('@')?.split(':').next()
}

/// The token that is there.
pub(super) fn token_of(account: &Account) -> Result<Token, Failure> {
    let secret = read_token(&account.access_token_file)?;
    Ok(Token::new(secret.expose_secret()).expect("read_token takes nothing but visible ASCII"))
}

fn of_token(client: &Client, account: &Account) -> Result<Option<Identity>, Failure> {
    // A file that is not there yet, or not to be read, is no fault of who is about to write it.
    let Ok(token) = token_of(account) else { return Ok(None) };
    match client.whoami(&token) {
        Ok(Whoami { user_id, device_id, .. }) => Ok(Some(Identity { user: user_id, device: device_id })),
        Err(failure) if matches!(failure.kind, FailureKind::Unauthorized { .. }) => Ok(None),
        Err(failure) => Err(refusal::of_any(&failure)),
    }
}

/// Nothing where there is no store, or none that may be looked into.
fn of_store(root: &Path) -> Option<Identity> {
    Peek::open(&store(root)?).ok()?.identity().ok()?
}

/// As which user of this machine a gateway runs, as far as its store tells.
pub(super) fn gateway_user(root: &Path) -> Option<u32> {
    Some(fs::metadata(store(root)?).ok()?.uid())
}

/// The store's file, where gateway.toml can be read and names one.
fn store(root: &Path) -> Option<PathBuf> {
    match Sketch::load(root).ok()?.store {
        StoreUrl::Sqlite(file) => Some(file),
        _ => None,
    }
}

/// As whom a gateway that runs sends.
fn sending(admin_url: &str) -> Option<Identity> {
    let address = http::address(admin_url).ok()?;
    let request = Request::get(format!("{address}/readyz")).body(()).ok()?;
    let answer = http::run(&http::agent(), request).ok()?;
    let sending = &answer.json["sending"];
    let device = sending["device"].as_str().map(ToOwned::to_owned);
    Some(Identity { user: sending["user"].as_str()?.to_owned(), device })
}
