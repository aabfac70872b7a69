//! When machines were last heard of.

use super::Tables;
use crate::{Accepted, Moment, NodeView, SeenIn, rules};

/// A machine's last sign of life.
#[derive(Debug)]
pub(super) struct Seen {
    at: Moment,
    delivery: String,
}

impl Tables {
    /// Notes the machines that a delivery names, by what became of it.
    pub(super) fn note(&mut self, names: Vec<String>, id: &str, received_at: Moment, answer: &Accepted) {
        if !rules::is_sign_of_life(id, answer) {
            return;
        }
        for name in names {
            self.nodes.insert(name, Seen { at: received_at, delivery: id.to_owned() });
            if self.nodes.len() > rules::MAX_NODES {
                let oldest = self.nodes.iter().min_by_key(|(name, seen)| (seen.at, *name));
                let oldest = oldest.map(|(name, _)| name.clone());
                oldest.map(|name| self.nodes.remove(&name));
            }
        }
    }

    pub(super) fn node_views(&self) -> Vec<NodeView> {
        self.nodes.iter().map(|(name, seen)| self.node_view(name, seen)).collect()
    }

    fn node_view(&self, name: &str, seen: &Seen) -> NodeView {
        let row = self.by_id.get(&seen.delivery).map(|seq| &self.deliveries[seq]);
        let seen_in = row.map(|row| SeenIn {
            source: row.source.clone(),
            workflow: row.facts.workflow.clone(),
            state: row.facts.state.clone(),
            status: self.shown(row),
        });
        NodeView { name: name.to_owned(), last_seen: seen.at, delivery: seen.delivery.clone(), seen_in }
    }
}
