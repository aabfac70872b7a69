//! `meshhook login`: the bot's access token, by its password, and its place in the room.

mod before;
mod next;
mod password;
mod refusal;
mod token_file;

use std::path::PathBuf;

use clap::Args;
use meshhook_config::{Account, Setting, config_root, read_account};
use meshhook_matrix::{Client, LoggedIn, PasswordLogin};
use serde::Serialize;

use crate::admin;
use crate::args::checked;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::prompt;

use before::{Before, gateway_user, token_of};
use next::Next;
use token_file::TokenFile;

/// The device of the first login: a fixed one, so that the next is no new one.
const DEVICE: &str = "MESHHOOK";
const DEVICE_NAME: &str = "meshhook gateway";

const AFTER: &str = "\
To rotate the token, log in again: it is for the same device, and a gateway that runs takes it within seconds. Never \
log the old one out: its device would go, and with it the new token and the transaction ids that keep a message from \
being there twice.";

/// Get the bot's access token by its password, and join the room
///
/// The homeserver, the room and the token's file are those in gateway.toml; the rest of it may be unfinished. The
/// password is asked for on the terminal, and the token stands in its file and nowhere else.
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Login {
    /// The bot, as @bot:example.org or the part before the colon [default: whose token is there, else asked for]
    #[arg(long, value_parser = user)]
    user: Option<String>,
    /// Read the password from stdin, one line
    #[arg(long)]
    password_stdin: bool,
    /// The device that the token is for [default: that of the token that is there, else the one that the store knows,
    /// else MESHHOOK]
    #[arg(long, value_name = "ID", value_parser = device)]
    device_id: Option<String>,
    /// Log nobody in, but join the room with the token that is there
    #[arg(long, conflicts_with_all = ["user", "password_stdin", "device_id"])]
    join: bool,
    /// The room to join, by its id [default: the one that gateway.toml has for all]
    #[arg(long, value_name = "ID", value_parser = |text: &str| checked(Setting::Room, text))]
    room: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Where gateway.toml lies [default: $OPENCLAW_CONFIG_ROOT, else /etc/meshhook]
    #[arg(long, value_name = "DIR")]
    config_root: Option<PathBuf>,
    /// The gateway's admin listener, which tells as whom it sends [default: as gateway.toml says]
    #[arg(long, value_name = "URL", env = "MESHHOOK_ADMIN_URL", hide_env_values = true)]
    admin_url: Option<String>,
}

fn user(text: &str) -> Result<String, &'static str> {
    let local = text.strip_prefix('@').map_or(Some(text), |id| id.split_once(':').map(|(local, _)| local));
    let fits = local.is_some_and(|local| !local.is_empty()) && text.len() <= 255 && !text.contains(blank);
    fits.then(|| text.to_owned()).ok_or("write @bot:example.org, or bot")
}

fn device(text: &str) -> Result<String, &'static str> {
    let fits = !text.is_empty() && text.len() <= 255 && !text.contains(blank);
    fits.then(|| text.to_owned()).ok_or("write a word, such as MESHHOOK")
}

fn blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// What is there now.
#[derive(Serialize)]
struct Report<'r> {
    user_id: &'r str,
    device_id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<String>,
    room: &'r str,
    joined: bool,
}

impl Login {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let root = config_root(self.config_root.as_deref());
        let account = read_account(&root)?;
        let client = client(&account)?;
        if self.join {
            return self.join_with_what_is_there(&client, &account, output);
        }
        let before = Before::look(&client, &account, &root)?;
        let next = self.next();
        refusal::without_passwords(&client, &account, &next)?;
        let user = self.user(&before, output)?;
        let device = self.device(&before, &user);
        // Before the password is asked for: a token that could not be kept would be nobody's.
        let file = TokenFile::prepare(&account.access_token_file, gateway_user(&root))?;
        let logged_in = self.log_in(&client, &user, &device)?;
        let doubt = doubt(&client, &logged_in)?;
        let place = file.write(&logged_in.token)?;
        let (user_id, room) = (&logged_in.user_id, self.room(&account));
        let joined = client.join(&logged_in.token, room);
        let report = Report {
            user_id,
            device_id: Some(&logged_in.device_id),
            token_file: Some(place.file.display().to_string()),
            room,
            joined: joined.is_ok(),
        };
        self.tell(&report, output)?;
        place.notes.iter().chain(&doubt).for_each(|note| output.note(note));
        let gateway = admin::url(self.admin_url.as_deref(), &root);
        before.warn_of_another(&gateway, &logged_in, &next, output);
        joined.map_err(|failure| refusal::of_join(&failure, user_id, room, &next))?;
        output.note(AFTER);
        output.note(&format!("next: {}", next.command("meshhook doctor")));
        Ok(())
    }

    fn join_with_what_is_there(
        &self,
        client: &Client,
        account: &Account,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let (token, next, room) = (token_of(account)?, self.next(), self.room(account));
        let me = client.whoami(&token).map_err(|failure| refusal::of_token(&failure, account, &next))?;
        let joined = client.join(&token, room);
        let report = Report {
            user_id: &me.user_id,
            device_id: me.device_id.as_deref(),
            token_file: None,
            room,
            joined: joined.is_ok(),
        };
        self.tell(&report, output)?;
        joined.map_err(|failure| refusal::of_join(&failure, &me.user_id, room, &next))
    }

    fn room<'r>(&'r self, account: &'r Account) -> &'r str {
        self.room.as_deref().unwrap_or(&account.room)
    }

    fn next(&self) -> Next<'_> {
        Next { config_root: self.config_root.as_deref(), room: self.room.as_deref() }
    }

    fn tell(&self, report: &Report<'_>, output: &mut Output<'_>) -> Result<(), Failure> {
        if self.json {
            return output.json(report);
        }
        let device = report.device_id.unwrap_or("none");
        output.line(&format!("user   {}", report.user_id))?;
        output.line(&format!("device {device}"))?;
        if let Some(file) = &report.token_file {
            output.line(&format!("token  in {file}"))?;
        }
        output.line(&format!(
            "room   {} {}",
            report.room,
            if report.joined { "joined" } else { "not joined" }
        ))
    }

    fn user(&self, before: &Before, output: &Output<'_>) -> Result<String, Failure> {
        if let Some(user) = self.user.clone().or_else(|| before.user().map(ToOwned::to_owned)) {
            return Ok(user);
        }
        let named = prompt::line("the bot's user id (@bot:example.org):", output).ok_or_else(|| {
            Failure::new(Exit::Usage, "nobody is there to be asked", "name the bot: --user @bot:example.org")
        })?;
        user(&named).map_err(|hint| Failure::new(Exit::Usage, "not a user", hint))
    }

    fn device(&self, before: &Before, user: &str) -> String {
        let kept = || before.device_of(user).map(ToOwned::to_owned);
        self.device_id.clone().or_else(kept).unwrap_or_else(|| DEVICE.to_owned())
    }

    fn log_in(&self, client: &Client, user: &str, device: &str) -> Result<LoggedIn, Failure> {
        let password = password::read(user, self.password_stdin)?;
        let login = PasswordLogin { user, password: &password, device_id: device, display_name: DEVICE_NAME };
        let logged_in = client.login(login).map_err(|failure| refusal::of_login(&failure, user))?;
        if logged_in.device_id == device { Ok(logged_in) } else { Err(of_another(device)) }
    }
}

fn of_another(device: &str) -> Failure {
    let message = format!("the homeserver gave a token of another device than {device}");
    let hint = "the token was not kept; look at what stands before the homeserver";
    Failure::new(Exit::Refused, message, hint)
}

/// Ends where a token is certainly not what the login said of it. Where nobody tells, it is kept with a word about
/// that: it may be the only one that is good.
fn doubt(client: &Client, said: &LoggedIn) -> Result<Option<String>, Failure> {
    match client.whoami(&said.token) {
        Ok(me) if me.user_id == said.user_id && me.device_id.as_ref() == Some(&said.device_id) => Ok(None),
        Ok(_) => Err(of_another(&said.device_id)),
        Err(failure) => Ok(Some(format!(
            "warning: whose the new token is the homeserver did not confirm, so look with the doctor: {failure}"
        ))),
    }
}

fn client(account: &Account) -> Result<Client, Failure> {
    let mut options = account.options();
    options.user_agent = concat!("meshhook/", env!("CARGO_PKG_VERSION")).to_owned();
    Client::new(options).map_err(|error| {
        Failure::new(Exit::Configuration, format!("[matrix]: {error}"), "correct [matrix] in gateway.toml")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_full_ids_or_their_local_part() {
        for text in ["@bot:example.org", "bot", "@bot:[::1]:8448", "@:example.org:1"] {
            assert_eq!(user(text).is_ok(), !text.contains("@:"), "{text}");
        }
        for text in ["", "@", "@bot", "bot bot", "bot\n", "@bot:h h", &"b".repeat(256)] {
            assert!(user(text).is_err(), "{text:?}");
        }
    }
}
