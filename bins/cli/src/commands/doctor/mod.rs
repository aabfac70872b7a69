//! `meshhook doctor`: why is it not in the room?
//!
//! One file for each thing that is looked at; each says what it found to the report, with what mends it.

mod account;
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
mod sources;
mod store;
mod topic;

use clap::Args;
use meshhook_config::config_root;
use meshhook_matrix::{Client, Token};

use crate::admin::AdminArgs;
use crate::failure::Failure;
use crate::output::Output;

use account::Account;
use case::Case;
use report::Report;

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
        if !self.json {
            let mut report = Report::new(Some(output));
            self.look(&mut report)?;
            return report.verdict();
        }
        let mut report = Report::new(None);
        self.look(&mut report)?;
        output.json(&report)?;
        report.verdict()
    }

    fn look(&self, report: &mut Report<'_, '_>) -> Result<(), Failure> {
        let root = config_root(self.admin.config_root());
        let Some(case) = Case::open(&root, report)? else { return Ok(()) };
        files::look(&case, report)?;
        let peek = store::look(&case, report)?;
        let heard = gateway::look(&self.admin, report)?;
        if let Some(config) = &case.config {
            sources::look(config, heard.as_ref(), peek.as_ref(), report)?;
            machines::look(config, heard.as_ref(), peek.as_ref(), report)?;
        }
        let pinned = peek.as_ref().and_then(|peek| peek.identity().ok().flatten());
        match homeserver::look(&case, report)? {
            Some(client) => self.look_at_rooms(&case, &client, pinned.as_ref(), report),
            None => report.skipped("account", "the homeserver has to be reached first"),
        }
    }

    fn look_at_rooms(
        &self,
        case: &Case,
        client: &Client,
        pinned: Option<&meshhook_store::Identity>,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Failure> {
        let token = case.token();
        let account = account::look(case, client, token.as_ref(), pinned, report)?;
        let Some((account, token)) = account.zip(token) else {
            case.rooms.iter().try_for_each(|room| room::name(client, None, room, report).map(drop))?;
            return report.skipped("room", "the access token has to work first");
        };
        limits::look(case, &account, report)?;
        for room in &case.rooms {
            self.look_at_room(case, client, &token, &account, room, report)?;
        }
        Ok(())
    }

    fn look_at_room(
        &self,
        case: &Case,
        client: &Client,
        token: &Token,
        account: &Account,
        room: &str,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Failure> {
        if !room::look(case, client, token, account, room, report)? {
            return Ok(());
        }
        topic::look(client, token, room, self.fix_topic, report)?;
        if self.send_test { probe::send(client, token, room, report) } else { Ok(()) }
    }
}
