//! The pool: which of the listed machines fell silent?

use std::collections::HashMap;

use meshhook_config::Config;
use meshhook_model::Timestamp;
use meshhook_store_sqlite::Peek;

use super::gateway::{Heard, items};
use super::report::{Report, counted};
use super::silence::is_silent;
use crate::failure::Failure;

const CHECK: &str = "machines";

pub(super) fn look(
    config: &Config,
    heard: Option<&Heard>,
    peek: Option<&Peek>,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let Some(seen) = heard.map(told).or_else(|| peek.and_then(remembered)) else { return Ok(()) };
    let mut awake = 0;
    for node in &config.nodes {
        match seen.get(node.name.as_str()) {
            Some(last) if !is_silent(*last) => awake += 1,
            last => silent(node.name.as_str(), last, report)?,
        }
    }
    if awake == 0 {
        Ok(())
    } else {
        report.ok(CHECK, format!("{} of the pool within a day", counted(awake, "machine")))
    }
}

fn silent(name: &str, last: Option<&Timestamp>, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let since =
        last.map_or_else(|| "was never heard of".to_owned(), |last| format!("was last heard of at {last}"));
    report.warning(
        (CHECK, "silent_node"),
        format!("{name} {since}"),
        "is it on, does its runner take jobs, and is that runner called as [[node]] says (name, runners)? Its jobs have to be \
         sent, too: GitHub's event workflow_job. meshhook deliveries list --node shows what names it",
    )
}

fn told(heard: &Heard) -> HashMap<String, Timestamp> {
    let nodes = items(&heard.nodes).iter();
    nodes
        .filter_map(|node| {
            Some((node["name"].as_str()?.to_owned(), Timestamp::parse_rfc3339(node["last_seen"].as_str()?)?))
        })
        .collect()
}

fn remembered(peek: &Peek) -> Option<HashMap<String, Timestamp>> {
    let nodes = peek.nodes().ok()?.into_iter();
    Some(
        nodes.filter_map(|node| Some((node.name, Timestamp::from_unix(node.last_seen.seconds())?))).collect(),
    )
}
