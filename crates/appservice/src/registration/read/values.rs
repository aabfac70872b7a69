//! Values of the kind that they have to be, or a fault.

use secrecy::SecretString;

use super::super::Fault;
use super::super::yaml::{self, Node, Value};

/// A mapping, and the faults found so far in it and elsewhere.
pub(super) struct Table<'n, 'f> {
    entries: &'n [(Node, Node)],
    /// Where it begins, unless it is the whole document.
    line: Option<usize>,
    pub(super) faults: &'f mut Vec<Fault>,
}

impl<'n, 'f> Table<'n, 'f> {
    pub(super) fn of(entries: &'n [(Node, Node)], line: Option<usize>, faults: &'f mut Vec<Fault>) -> Self {
        Self { entries, line, faults }
    }

    /// What stands for `key`; of several, PyYAML takes the last.
    pub(super) fn get(&mut self, key: &str) -> Option<&'n Node> {
        let mut all = self.entries.iter().filter(|(name, _)| name.value.text() == Some(key));
        let last = all.next_back();
        if let (Some((name, _)), Some(_)) = (last, all.next()) {
            let message = format!("{key} is there twice; the last one counts");
            self.faults.push(Fault::doubtful(Some(name.line), message, "take one away"));
        }
        last.map(|(_, node)| node)
    }

    /// The keys, each with its line.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'n str, usize)> {
        self.entries.iter().filter_map(|(name, _)| name.value.text().map(|text| (text, name.line)))
    }

    /// What stands for a key that has to be there.
    pub(super) fn needed(&mut self, key: &str) -> Option<&'n Node> {
        let node = self.get(key);
        if node.is_none() {
            let message = format!("{key} is missing: Synapse does not start");
            self.faults.push(Fault::wrong(self.line, message, hint_for_missing(key)));
        }
        node
    }

    /// A text that has to be there.
    pub(super) fn text(&mut self, key: &str) -> Option<(&'n str, usize)> {
        let node = self.needed(key)?;
        self.as_text(key, node).map(|text| (text, node.line))
    }

    /// A token that has to be there.
    pub(super) fn token(&mut self, key: &str) -> Option<(SecretString, usize)> {
        self.text(key).map(|(text, line)| (text.into(), line))
    }

    pub(super) fn as_text(&mut self, key: &str, node: &'n Node) -> Option<&'n str> {
        let Some(text) = node.value.text() else {
            let message = format!("{key} is {} and no text: Synapse does not start", node.value.kind());
            self.faults.push(Fault::wrong(Some(node.line), message, hint_for_kind(&node.value)));
            return None;
        };
        if node.plain && yaml::looks_like_number(text) {
            let message = format!("{key} is a text to Synapse, but a number to other readers of YAML");
            self.faults.push(Fault::doubtful(Some(node.line), message, "write it in quotes"));
        }
        Some(text)
    }

    /// True or false, where it is there.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        let Value::Bool(flag) = node.value else {
            let message =
                format!("{key} is {}, and neither true nor false: Synapse does not start", node.value.kind());
            self.faults.push(Fault::wrong(Some(node.line), message, "write true or false, without quotes"));
            return None;
        };
        Some(flag)
    }

    pub(super) fn wrong(&mut self, line: usize, message: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault::wrong(Some(line), message, hint));
    }

    pub(super) fn doubtful(&mut self, line: usize, message: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault::doubtful(Some(line), message, hint));
    }
}

fn hint_for_missing(key: &str) -> &'static str {
    match key {
        "url" => "write the gateway's address, as the homeserver reaches it",
        "namespaces" => "write it as `meshhook registration new` does",
        "regex" => "write a pattern of full user ids",
        "exclusive" => "write exclusive: true",
        _ => "write it in quotes, in both copies",
    }
}

fn hint_for_kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) | Value::Other(_) | Value::Null => "write it in quotes, in both copies",
        _ => "write one text, in quotes",
    }
}
