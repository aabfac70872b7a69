//! The machines that an operator listed, and which runners are theirs.

use std::collections::BTreeMap;
use std::sync::Arc;

use meshhook_model::{Globs, Text};
use meshhook_store::{NodeView, StoreError};

use crate::engine::Engine;

/// A machine of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name: that is shown, whatever its runners are called.
    pub name: Text,
    /// What its runners are called, besides that.
    pub runners: Globs,
}

/// The machines that an operator listed. A name that is none of theirs stays as it is: it is shown and remembered, and
/// told apart from those of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pool {
    nodes: Vec<Node>,
}

impl Pool {
    /// A pool of these machines. A runner that several claim is the first one's; a name goes before any pattern.
    #[must_use]
    pub fn new(nodes: Vec<Node>) -> Self {
        Self { nodes }
    }

    /// The machine of that name, or with such a runner.
    #[must_use]
    pub fn node(&self, runner: &str) -> Option<&Text> {
        let named = self.nodes.iter().find(|node| node.name.as_str() == runner);
        let found = named.or_else(|| self.nodes.iter().find(|node| node.runners.any_matches(runner)));
        found.map(|node| &node.name)
    }

    /// Whether that is a machine's name, and not its runner's.
    pub(crate) fn lists(&self, name: &str) -> bool {
        self.nodes.iter().any(|node| node.name.as_str() == name)
    }

    /// The machine's name instead of its runner's.
    pub(crate) fn rename(&self, runner: &mut Text) {
        if let Some(name) = self.node(runner.as_str()) {
            runner.clone_from(name);
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| node.name.as_str())
    }
}

/// A machine that is listed, or was heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNode {
    /// Its name.
    pub name: String,
    /// Whether it is of the pool.
    pub listed: bool,
    /// When it was heard of last; nothing if it never was, as far as is remembered.
    pub seen: Option<NodeView>,
}

impl Engine {
    /// The machines of the pool and those that were heard of, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn nodes(&self) -> Result<Vec<KnownNode>, StoreError> {
        let seen = self.store().nodes()?;
        let conduct = self.shared.conduct.get();
        let mut pools: Vec<_> = conduct.sources.iter().map(|source| &source.pool).collect();
        pools.dedup_by(|one, other| Arc::ptr_eq(one, other));
        Ok(known(&pools, seen))
    }
}

/// What was heard of a runner before its machine was listed counts for the machine.
fn known(pools: &[&Arc<Pool>], seen: Vec<NodeView>) -> Vec<KnownNode> {
    let mut known: BTreeMap<String, KnownNode> = BTreeMap::new();
    for name in pools.iter().flat_map(|pool| pool.names()) {
        let listed = KnownNode { name: name.to_owned(), listed: true, seen: None };
        known.insert(name.to_owned(), listed);
    }
    for view in seen {
        let listed = pools.iter().find_map(|pool| pool.node(&view.name));
        let name = listed.map_or(&*view.name, Text::as_str).to_owned();
        let entry = known.entry(name.clone()).or_insert(KnownNode { name, listed: false, seen: None });
        if entry.seen.as_ref().is_none_or(|last| last.last_seen < view.last_seen) {
            entry.seen = Some(view);
        }
    }
    known.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshhook_store::Moment;

    fn pool(nodes: &[(&str, &[&str])]) -> Pool {
        let node = |(name, runners): &(&str, &[&str])| Node {
            name: Text::new(name).unwrap(),
            runners: Globs::new(*runners).unwrap(),
        };
        Pool::new(nodes.iter().map(node).collect())
    }

    #[test]
    fn a_runner_is_its_machine() {
        let pool = pool(&[("mac-07", &["mac-07-runner-*", "old"]), ("mac-08", &["mac-*"]), ("mac-09", &[])]);
        for (runner, node) in [
            ("mac-07", Some("mac-07")),
            ("mac-07-runner-2", Some("mac-07")),
            ("old", Some("mac-07")),
            ("mac-08", Some("mac-08")),
            ("mac-10", Some("mac-08")),
            ("mac-09", Some("mac-09")),
            ("linux-1", None),
            ("MAC-07", None),
        ] {
            assert_eq!(pool.node(runner).map(Text::as_str), node, "{runner}");
        }
        assert_eq!(Pool::default().node("mac-07"), None);
    }

    #[test]
    fn machines_are_known_by_name_and_the_last_of_their_runners_counts() {
        let seen = |name: &str, second| NodeView {
            name: name.to_owned(),
            last_seen: Moment::from_seconds(second),
            delivery: format!("d-{name}"),
            seen_in: None,
        };
        let pool = Arc::new(pool(&[("mac-07", &["mac-07-*"]), ("mac-08", &[])]));
        let seen = vec![seen("linux", 9), seen("mac-07", 1), seen("mac-07-a", 3), seen("mac-07-b", 2)];
        let known: Vec<_> = known(&[&pool], seen)
            .into_iter()
            .map(|known| (known.name, known.listed, known.seen.map(|seen| seen.delivery)))
            .collect();
        let expected =
            [("linux", false, Some("d-linux")), ("mac-07", true, Some("d-mac-07-a")), ("mac-08", true, None)];
        let expected =
            expected.map(|(name, listed, seen)| (name.to_owned(), listed, seen.map(str::to_owned)));
        assert_eq!(known, expected);
    }
}
