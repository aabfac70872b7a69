//! `meshhook doctor`: why is it not in the room?
//!
//! One file for each thing that is looked at; each says what it found to the report, with what mends it.

mod account;
mod alias;
mod case;
mod certificate;
mod files;
mod gateway;
mod homeserver;
mod limits;
mod machines;
mod probe;
mod report;
mod room;
mod silence;
mod sources;
mod store;
mod topic;

use std::path::Path;

use clap::Args;
use meshhook_config::config_root;
use meshhook_matrix::{Client, Token};
use meshhook_store::Identity;

use crate::admin::AdminArgs;
use crate::failure::Failure;
use crate::output::Output;

use account::Account;
use case::Case;
use report::Report;
use room::Room;
use topic::Topic;

/// Look for what keeps messages from their room: configuration, homeserver, account, rooms, store, sources, machines
#[derive(Args)]
pub(crate) struct Doctor {
    /// Send a message into each room, and read it back: nothing else tells of a shadow ban
    #[arg(long)]
    send_test: bool,
    /// Add to each room's topic what workers have to send; asks for the access token of somebody who may
    #[arg(long)]
    fix_topic: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

impl Doctor {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let named = self.admin.config_root();
        let root = config_root(named);
        if !self.json {
            let mut report = Report::new(Some(output), named, &root);
            self.look(&root, &mut report)?;
            return report.verdict();
        }
        let mut report = Report::new(None, named, &root);
        self.look(&root, &mut report)?;
        output.json(&report)?;
        report.verdict()
    }

    fn look(&self, root: &Path, report: &mut Report<'_, '_>) -> Result<(), Failure> {
        let Some(case) = Case::open(root, report)? else { return Ok(()) };
        let peek = store::look(&case, report)?;
        let gateway = gateway::look(&self.admin, report)?;
        files::look(&case, &gateway, report)?;
        let heard = gateway.heard.as_ref();
        match &case.config {
            Some(config) => {
                sources::look(config, heard, peek.as_ref(), report)?;
                machines::look(config, heard, peek.as_ref(), report)?;
            }
            None => report.skipped(
                "source",
                "gateway.toml has to be put right first: sources and machines are in it",
            )?,
        }
        let pinned = peek.as_ref().and_then(|peek| peek.identity().ok().flatten());
        match homeserver::look(&case, report)? {
            Some(client) => self.look_through(&case, &client, pinned.as_ref(), report),
            None => report.skipped("account", "the homeserver has to be reached first"),
        }
    }

    /// With the homeserver's eyes.
    fn look_through(
        &self,
        case: &Case,
        client: &Client,
        pinned: Option<&Identity>,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Failure> {
        let token = case.token();
        let account = account::look(client, token.as_ref(), pinned, report)?;
        let mut rooms: Vec<String> = Vec::new();
        for written in &case.rooms {
            let room = alias::resolve(client, token.as_ref(), written, report)?;
            rooms.extend(room.filter(|room| !rooms.contains(room)));
        }
        let (Some(account), Some(token)) = (account, token) else {
            return report.skipped("room", "the access token has to work first");
        };
        account::rights(client, &token, &account, &rooms, report)?;
        if case.is_bot() {
            account::several_rooms(&rooms, report)?;
        }
        limits::look(case, &account, report)?;
        self.look_into(&rooms, case, client, &token, &account, report)
    }

    fn look_into(
        &self,
        rooms: &[String],
        case: &Case,
        client: &Client,
        token: &Token,
        Account { user }: &Account,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Failure> {
        let mut topic = Topic::new(self.fix_topic);
        for id in rooms {
            let is_main = case.main_room.as_ref() == Some(id);
            let room = Room { client, token, user, id, is_main, encrypted: case.encrypted };
            if room.look(report)? {
                topic.look(client, token, id, report)?;
                if self.send_test {
                    probe::send(client, token, id, report)?;
                }
            }
        }
        Ok(())
    }
}
