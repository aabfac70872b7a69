//! `[[route]]`: what is said in another room than its source's.

use meshhook_model::{Glob, Globs, State};

use crate::document::Section;
use crate::fault::Wrong;
use crate::matrix::room;
use crate::nearest::unknown;
use crate::only::{branch, glob};
use crate::value::{state, text};

/// The keys of which one at least is there.
const CONDITIONS: [&str; 6] = ["source", "repo", "workflow", "branch", "state", "node"];

/// One `[[route]]`: what fits all of its conditions is said in its room, if none before it took it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// Of one of these sources; empty: of any.
    pub sources: Vec<String>,
    /// Of one of these repositories; empty: of any.
    pub repos: Globs,
    /// Of one of these workflows; empty: of any.
    pub workflows: Globs,
    /// On one of these branches; empty: on any. That of a fork is `owner:branch`, which no pattern without a colon means.
    pub branches: Globs,
    /// In one of these states; empty: in any.
    pub states: Vec<State>,
    /// On one of these machines, by the name that the pool gives it; empty: on any.
    pub nodes: Globs,
    /// The room.
    pub room: String,
}

/// Reads every route; `sources` are the names that there are.
pub(crate) fn read(sections: Vec<Section<'_>>, sources: &[&str]) -> Vec<Route> {
    let mut routes: Vec<Option<Route>> = Vec::new();
    for mut section in sections {
        let route = one(&mut section, sources);
        if let Some(route) = &route {
            warn_of_earlier(&section, route, &routes, sources);
        }
        section.finish();
        routes.push(route);
    }
    routes.into_iter().flatten().collect()
}

fn one(section: &mut Section<'_>, sources: &[&str]) -> Option<Route> {
    if !CONDITIONS.iter().any(|key| section.has(key)) {
        let hint = "add one of source, repo, workflow, branch, state and node; what no route takes goes to its source's \
                    room, or else to that of [matrix]";
        section.fault(Wrong::new("it has no condition, and would take everything", hint));
    }
    let source = |value: &_| {
        let name = text(value)?;
        let known = sources.contains(&name);
        if known { Ok(name.to_owned()) } else { Err(unknown("source", name, sources)) }
    };
    let (sources, states) = (section.one_or_more("source", source), section.one_or_more("state", state));
    let mut globs = |key, read: fn(&_) -> Result<Glob, Wrong>| -> Globs {
        section.one_or_more(key, read).into_iter().collect()
    };
    let (repos, workflows) = (globs("repo", glob), globs("workflow", glob));
    let (branches, nodes) = (globs("branch", branch), globs("node", glob));
    let room = section.get("room", room);
    section.need("room", "add room = \"!…\", the id of the room that it leads to");
    Some(Route { sources, repos, workflows, branches, states, nodes, room: room? })
}

/// Says where nothing comes to a route, as far as that is plain to see.
fn warn_of_earlier(section: &Section<'_>, route: &Route, earlier: &[Option<Route>], sources: &[&str]) {
    let takes_all = |other: &Option<Route>| other.as_ref().is_some_and(|other| other.covers(route, sources));
    if let Some(at) = earlier.iter().position(takes_all) {
        let message = format!("nothing comes to it: [[route]] {} takes all that fits it", at + 1);
        section.warn(Wrong::new(message, "the first that fits wins: put what is more special before it"));
    }
}

impl Route {
    /// Whether it fits whatever `later` fits. Patterns are not reckoned with: only the same ones, and names.
    fn covers(&self, later: &Self, all_sources: &[&str]) -> bool {
        let every = |names: &[String]| all_sources.iter().all(|name| names.iter().any(|known| known == name));
        is_within(&later.sources, &self.sources, every(&self.sources))
            && is_within(&later.states, &self.states, State::ALL.iter().all(|s| self.states.contains(s)))
            && are_within(&later.repos, &self.repos, Globs::any_matches)
            && are_within(&later.workflows, &self.workflows, Globs::any_matches)
            && are_within(&later.branches, &self.branches, Globs::any_matches_branch)
            && are_within(&later.nodes, &self.nodes, Globs::any_matches)
    }
}

/// Whether each of `some` is one of `others`, where none stands for all; so do `others` where they are `all` there are.
fn is_within<T: PartialEq>(some: &[T], others: &[T], all: bool) -> bool {
    all || others.is_empty() || (!some.is_empty() && some.iter().all(|one| others.contains(one)))
}

/// The same for patterns.
fn are_within(some: &Globs, others: &Globs, matches: fn(&Globs, &str) -> bool) -> bool {
    let is_meant = |one: &Glob| {
        others.iter().any(|other| other == one) || (is_name(one) && matches(others, one.as_str()))
    };
    others.is_empty() || (!some.is_empty() && some.iter().all(is_meant))
}

/// Whether a pattern means nothing but itself.
fn is_name(glob: &Glob) -> bool {
    !glob.as_str().contains(['*', '?', '[', ']', '{', '}', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(source: &[&str], branch: &[&str], state: &[State], node: &[&str]) -> Route {
        Route {
            sources: source.iter().map(|name| (*name).to_owned()).collect(),
            repos: Globs::default(),
            workflows: Globs::default(),
            branches: Globs::new(branch).unwrap(),
            states: state.to_vec(),
            nodes: Globs::new(node).unwrap(),
            room: "!a".to_owned(),
        }
    }

    #[test]
    fn what_plainly_takes_all_of_another_is_seen() {
        let all = State::ALL;
        for (earlier, later) in [
            (route(&["a"], &[], &[], &[]), route(&["a"], &["main"], &[], &[])),
            (route(&["a", "b"], &[], &[], &[]), route(&[], &["main"], &[], &[])),
            (route(&[], &["release/*"], &[], &[]), route(&["b"], &["release/*", "release/1"], &[], &[])),
            (route(&[], &["**", "octocat:*"], &[], &[]), route(&[], &["main", "octocat:x"], &[], &[])),
            (route(&[], &[], &all, &["mac-*"]), route(&[], &[], &[State::Failed], &["mac-07"])),
            (route(&["a"], &[], &all, &[]), route(&["a"], &[], &[], &[])),
        ] {
            assert!(earlier.covers(&later, &["a", "b"]), "{earlier:?} {later:?}");
        }
    }

    #[test]
    fn what_may_leave_something_is_no_reason_to_warn() {
        for (earlier, later) in [
            (route(&["a"], &[], &[], &[]), route(&["a", "b"], &[], &[], &[])),
            (route(&["a"], &[], &[], &[]), route(&[], &["main"], &[], &[])),
            (route(&[], &["**"], &[], &[]), route(&["a"], &[], &[], &[])),
            (route(&[], &["**"], &[], &[]), route(&[], &["octocat:main"], &[], &[])),
            (route(&[], &["a?"], &[], &[]), route(&[], &["a*"], &[], &[])),
            (route(&[], &[], &[State::Failed], &[]), route(&[], &["main"], &[], &[])),
            (route(&[], &["main"], &[], &["mac-07"]), route(&[], &["main"], &[], &["mac-08"])),
        ] {
            assert!(!earlier.covers(&later, &["a", "b"]), "{earlier:?} {later:?}");
        }
    }
}
