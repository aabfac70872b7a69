//! A document's events as one value.

use std::collections::HashMap;

use super::{DEEPEST, Node, Unreadable, Value};

/// What is read so far.
pub(super) struct Tree {
    /// What may be added yet.
    left: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
}

/// A collection whose end is not there yet.
struct Open {
    node: Node,
    anchor: usize,
    /// Of a mapping, the key whose value comes next.
    key: Option<Node>,
}

impl Tree {
    pub(super) fn new(heaviest: usize) -> Self {
        Self { left: heaviest, open: Vec::new(), anchors: HashMap::new(), root: None }
    }

    /// Whether a document was read whole.
    pub(super) fn is_done(&self) -> bool {
        self.root.is_some()
    }

    pub(super) fn root(self) -> Option<Node> {
        self.root
    }

    /// Adds a value, which is known by its anchor from then on, if that is not 0.
    pub(super) fn add(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        self.left = self.left.checked_sub(weight(&node.value)).ok_or(Unreadable::TooLong)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.put(node)
    }

    pub(super) fn open(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        if self.open.len() == DEEPEST {
            return Err(Unreadable::TooDeep);
        }
        self.open.push(Open { node, anchor, key: None });
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), Unreadable> {
        let Open { node, anchor, .. } = self.open.pop().ok_or(Unreadable::Syntax)?;
        self.left = self.left.checked_sub(1).ok_or(Unreadable::TooLong)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.put(node)
    }

    /// Adds once more what has that anchor.
    pub(super) fn repeat(&mut self, anchor: usize, line: usize) -> Result<(), Unreadable> {
        let node = self.anchors.get(&anchor).ok_or(Unreadable::Circle)?.clone();
        if depth(&node.value) + self.open.len() > DEEPEST {
            return Err(Unreadable::TooDeep);
        }
        self.add(Node { line, ..node }, 0)
    }

    fn put(&mut self, node: Node) -> Result<(), Unreadable> {
        let Some(Open { node: parent, key, .. }) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut parent.value, key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(entries), Some(key)) => entries.push((key, node)),
            (_, None) => *key = Some(as_key(node)?),
            (_, Some(_)) => return Err(Unreadable::Syntax),
        }
        Ok(())
    }
}

/// A key is a text; what PyYAML takes over from other mappings has to be written out.
fn as_key(node: Node) -> Result<Node, Unreadable> {
    match node.value.text() {
        Some("<<") if node.plain => Err(Unreadable::Merge),
        Some(_) => Ok(node),
        None => Err(Unreadable::Key),
    }
}

fn weight(value: &Value) -> usize {
    1 + match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(|item| weight(&item.value)).sum(),
        Value::Map(entries) => {
            entries.iter().map(|(key, node)| weight(&key.value) + weight(&node.value)).sum()
        }
        _ => 0,
    }
}

/// How many collections are in one another there.
fn depth(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(|item| depth(&item.value)).max().unwrap_or_default(),
        Value::Map(entries) => {
            1 + entries.iter().map(|(_, node)| depth(&node.value)).max().unwrap_or_default()
        }
        _ => 0,
    }
}
