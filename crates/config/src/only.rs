//! `only`: which of a source's events are said; and `[[node]]`: the pool of machines.

use meshhook_model::{Glob, Globs, State, Text};

use crate::document::{Placed, Report, Section, Value};
use crate::fault::Wrong;
use crate::value::{flag, label, state, text, word};

/// `only`: what a source's events have to be in order to be said. Empty lists let everything pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Only {
    /// In one of these states.
    pub states: Vec<State>,
    /// On one of these branches; that of a fork is `owner:branch`, which no pattern without a colon means.
    pub branches: Globs,
    /// Of one of these workflows.
    pub workflows: Globs,
    /// Of one of these repositories.
    pub repos: Globs,
    /// Not of a fork.
    pub hide_forks: bool,
    /// Only what ends otherwise than the last time on its branch.
    pub changes: bool,
}

/// A `[[node]]`: a machine of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// Its name, as it is shown.
    pub name: Text,
    /// What its runners are called, besides that.
    pub runners: Globs,
}

/// Reads `only`.
pub(crate) fn only(mut section: Section<'_>) -> Only {
    let forks = |value: &Value<'_>| word(value, &[("show", false), ("hide", true)]);
    let only = Only {
        states: section.values("states", state).unwrap_or_default(),
        branches: section.values("branches", branch).unwrap_or_default().into_iter().collect(),
        workflows: globs(&mut section, "workflows"),
        repos: globs(&mut section, "repos"),
        hide_forks: section.get("forks", forks).unwrap_or_default(),
        changes: section.get("changes", flag).unwrap_or_default(),
    };
    section.finish();
    only
}

fn globs(section: &mut Section<'_>, key: &'static str) -> Globs {
    section.values(key, glob).unwrap_or_default().into_iter().collect()
}

pub(crate) fn glob(value: &Value<'_>) -> Result<Glob, Wrong> {
    Glob::new(text(value)?).map_err(|error| {
        Wrong::new(error.to_string(), "write a name, or a pattern like \"release/*\" or \"mac-0[1-4]\"")
    })
}

/// A branch has its plain name: a pattern for the whole reference would match none.
pub(crate) fn branch(value: &Value<'_>) -> Result<Glob, Wrong> {
    match text(value)?.strip_prefix("refs/heads/") {
        Some(plain) => Err(Wrong::new("branches are told without refs/heads/", format!("write \"{plain}\""))),
        None => glob(value),
    }
}

/// Reads the pool.
pub(crate) fn nodes(sections: Vec<Section<'_>>, report: &Report) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for mut section in sections {
        let name = section.placed("name", label);
        let runners = globs(&mut section, "runners");
        section.need("name", "add name = \"…\", as the machine is called");
        section.finish();
        let Some(Placed { value: name, span }) = name else { continue };
        if nodes.iter().any(|node| node.name == name) {
            let wrong = Wrong::new("another node has the same name", "list each machine once");
            report.fault(Some(&span), wrong.of(&format!("[[node]] {name}")));
        }
        nodes.push(Node { name, runners });
    }
    nodes
}
