//! Which machines speak for themselves, where an application service sends.

use std::collections::BTreeSet;

use meshhook_appservice::GhostNames;
use meshhook_config::{AppService, Config, Voice};
use meshhook_store_sqlite::Peek;

use super::report::Report;
use crate::failure::Failure;

const CHECK: &str = "speakers";

/// How many names a finding may have in it.
const NAMED: usize = 5;

/// The users of the listed machines that speak, or will, for themselves: those that there is room for.
pub(super) fn look(
    config: &Config,
    user: &str,
    peek: Option<&Peek>,
    report: &mut Report<'_, '_>,
) -> Result<Vec<String>, Failure> {
    let (Voice::Service(service), Some(names)) = (&config.matrix.voice, GhostNames::of(user)) else {
        return Ok(Vec::new());
    };
    let AppService { per_node_senders, max_ghosts, .. } = **service;
    if !per_node_senders {
        report.ok(CHECK, format!("{user} speaks for all, as per_node_senders says"))?;
        return Ok(Vec::new());
    }
    if config.nodes.is_empty() {
        let text = format!("no machine is listed, so none speaks for itself: {user} speaks for all");
        report.note((CHECK, "no_nodes"), text, "list the machines of the pool, each with a [[node]]")?;
        return Ok(Vec::new());
    }
    let listed: Vec<_> = config.nodes.iter().map(|node| node.name.as_str()).collect();
    let (able, too_long): (Vec<&str>, Vec<&str>) =
        listed.into_iter().partition(|name| names.user_id(name).is_some());
    nameless(&too_long, user, report)?;
    let made: BTreeSet<_> =
        peek.and_then(|peek| peek.ghosts().ok()).into_iter().flatten().map(|ghost| ghost.user).collect();
    let pool = Pool { names: &names, made: &made, most: max_ghosts as usize };
    pool.look(&able, user, report)
}

/// The machines, and the users that there are already.
struct Pool<'p> {
    names: &'p GhostNames,
    made: &'p BTreeSet<String>,
    most: usize,
}

impl Pool<'_> {
    fn look(&self, able: &[&str], user: &str, report: &mut Report<'_, '_>) -> Result<Vec<String>, Failure> {
        let Self { names, made, most } = self;
        let users = able.iter().filter_map(|node| Some((*node, names.user_id(node)?)));
        let (with, without): (Vec<_>, Vec<_>) = users.partition(|(_, id)| made.contains(id));
        let free = most.saturating_sub(made.len());
        let text = format!("machines with a user of their own: {} of at most {most}", made.len());
        if without.len() <= free {
            report.ok(CHECK, text)?;
        } else {
            let left: Vec<_> = without.iter().map(|(node, _)| *node).collect();
            let who = match free {
                0 => format!("{user} speaks for {}", some(&left)),
                _ => format!("of {} that have none, {free} can still get one: {}", left.len(), some(&left)),
            };
            let gone = made.len() - with.len();
            let no_longer = match gone {
                0 => String::new(),
                _ => format!("; {gone} of those users are of machines that are listed no longer, and stay"),
            };
            let hint = format!("raise max_ghosts in [appservice] to {}{no_longer}", made.len() + left.len());
            report.warning((CHECK, "too_many_machines"), format!("{text}; {who}"), hint)?;
        }
        Ok(with.into_iter().chain(without.into_iter().take(free)).map(|(_, id)| id).collect())
    }
}

fn nameless(names: &[&str], user: &str, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    let text = format!("too long for a user's id, so that {user} speaks for them: {}", some(names));
    report.warning(
        (CHECK, "name_too_long"),
        text,
        "give them shorter names in [[node]]; what their runners are called can stay",
    )
}

/// The first names, shortened.
fn some(names: &[&str]) -> String {
    let shown = |name: &&str| match name.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => (*name).to_owned(),
    };
    let more = if names.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", names.iter().take(NAMED).map(shown).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn looked(made: &[&str], most: usize, listed: &[&str]) -> (Vec<&'static str>, Vec<String>) {
        let names = GhostNames::of("@b:x").unwrap();
        let made = made.iter().map(|node| names.user_id(node).unwrap()).collect();
        let mut report = Report::new(None, None, Path::new("/etc/meshhook"));
        let users = Pool { names: &names, made: &made, most }.look(listed, "@b:x", &mut report).unwrap();
        (report.codes(), users)
    }

    #[test]
    fn a_machine_has_a_user_while_there_is_room() {
        let ids = |nodes: &[&str]| nodes.iter().map(|node| format!("@b_{node}:x")).collect::<Vec<_>>();
        assert_eq!(looked(&[], 2, &["m1", "m2"]), (vec!["ok"], ids(&["m1", "m2"])));
        assert_eq!(looked(&[], 2, &["m1", "m2", "m3"]), (vec!["too_many_machines"], ids(&["m1", "m2"])));
        assert_eq!(looked(&["m3"], 1, &["m1", "m3"]), (vec!["too_many_machines"], ids(&["m3"])));
        assert_eq!(looked(&["old"], 1, &["m1"]), (vec!["too_many_machines"], ids(&[])));
        assert_eq!(looked(&["old", "m1"], 1, &["m1"]), (vec!["ok"], ids(&["m1"])));
    }

    #[test]
    fn many_names_are_told_by_the_first() {
        assert_eq!(some(&["a", "b"]), "a, b");
        assert_eq!(some(&["a", "b", "c", "d", "e", "f"]), "a, b, c, d, e, …");
        assert_eq!(some(&[&"ü".repeat(300)]), format!("{}…", "ü".repeat(40)));
    }
}
