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
mod listener;
mod machines;
mod ping;
mod power;
mod probe;
mod report;
mod room;
mod service;
mod silence;
mod sources;
mod speakers;
mod store;
mod topic;

use std::path::Path;

use clap::Args;
use meshhook_config::config_root;
use meshhook_matrix::{Client, Token};
use meshhook_store_sqlite::Peek;

use crate::admin::AdminArgs;
use crate::failure::Failure;
use crate::output::Output;

use account::Account;
use case::Case;
use gateway::Gateway;
use report::Report;
use room::{Room, Voice};
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
        let known = Known { case: &case, gateway: &gateway, peek: peek.as_ref() };
        match homeserver::look(&case, report)? {
            Some(client) => self.look_through(&client, known, report),
            None => report.skipped("account", "the homeserver has to be reached first"),
        }
    }

    /// With the homeserver's eyes.
    fn look_through(
        &self,
        client: &Client,
        known: Known<'_>,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Failure> {
        let Known { case, peek, .. } = known;
        let token = case.token();
        let account = known.account(client, token.as_ref(), report)?;
        let mut rooms: Vec<String> = Vec::new();
        for written in &case.rooms {
            let room = alias::resolve(client, token.as_ref(), written, report)?;
            rooms.extend(room.filter(|room| !rooms.contains(room)));
        }
        let (Some(account), Some(token)) = (account, token) else {
            return report.skipped("room", "the access token has to work first");
        };
        account::rights(client, &token, &account, &rooms, case.is_bot(), report)?;
        if case.is_bot() {
            account::several_rooms(&rooms, report)?;
        }
        limits::look(case, &account, report)?;
        let machines = match &case.config {
            Some(config) => speakers::look(config, &account.user, peek, report)?,
            None => Vec::new(),
        };
        let (user, id) = (&*account.user, case.main_room.as_deref().unwrap_or_default());
        let (encrypted, voice) = (case.encrypted, known.voice(&machines));
        let main = Room { client, token: &token, user, id, is_main: true, encrypted, voice };
        self.look_into(&rooms, main, report)
    }

    /// Looks into each room as it would into the main one.
    fn look_into(
        &self,
        rooms: &[String],
        main: Room<'_>,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Failure> {
        let mut topic = Topic::new(self.fix_topic);
        for id in rooms {
            let room = Room { id, is_main: main.id == id, ..main };
            if room.look(report)? {
                topic.look(room.client, room.token, id, report)?;
                if self.send_test {
                    probe::send(room.client, room.token, id, report)?;
                }
            }
        }
        Ok(())
    }
}

/// What is known before the homeserver is asked.
#[derive(Clone, Copy)]
struct Known<'k> {
    case: &'k Case,
    gateway: &'k Gateway,
    peek: Option<&'k Peek>,
}

impl Known<'_> {
    /// Who writes, where that works; and whether the homeserver reaches who is to hear of it.
    fn account(
        &self,
        client: &Client,
        token: Option<&Token>,
        report: &mut Report<'_, '_>,
    ) -> Result<Option<Account>, Failure> {
        let Self { case, gateway, peek } = self;
        let pinned = peek.and_then(|peek| peek.identity().ok().flatten());
        let (Some(service), Some(token)) = (&case.service, token) else {
            return account::look(client, token, pinned.as_ref(), report);
        };
        let account = service::look(client, service, token, pinned.as_ref(), report)?;
        ping::look(client, token, &service.registration, service.listen, gateway, report)?;
        Ok(account)
    }

    /// As whom is written, where those are the machines that speak for themselves.
    fn voice<'v>(&self, machines: &'v [String]) -> Voice<'v> {
        match &self.case.service {
            None => Voice::Bot,
            Some(service) => {
                // Which machines there are, a configuration with faults does not tell.
                let are_some = self.case.config.is_none() || !machines.is_empty();
                Voice::Service { machines, brings: service.per_node_senders && are_some }
            }
        }
    }
}
