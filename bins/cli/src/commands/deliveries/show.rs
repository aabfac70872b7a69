//! `meshhook deliveries show`: a delivery's life, for people.

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::output::{Output, shown};

/// Fields in the order in which they are told; others follow.
const FIRST: [&str; 16] = [
    "id",
    "status",
    "reason",
    "event_id",
    "received_at",
    "source",
    "key_label",
    "state",
    "outcome",
    "workflow",
    "repo",
    "run_id",
    "node",
    "room",
    "correlation_id",
    "seen",
];

/// Prints every field, nested ones indented.
pub(super) fn print(delivery: &Value, output: &mut Output<'_>) -> Result<(), Failure> {
    let empty = Map::new();
    let fields = delivery.as_object().unwrap_or(&empty);
    let others = fields.keys().map(String::as_str).filter(|key| !FIRST.contains(key));
    let lines = FIRST.into_iter().chain(others).filter_map(|key| Some((key, fields.get(key)?)));
    lines.fold(Lines::default(), |lines, (key, value)| lines.field(key, value)).write(output)
}

#[derive(Default)]
struct Lines {
    depth: usize,
    lines: Vec<String>,
}

impl Lines {
    fn field(mut self, key: &str, value: &Value) -> Self {
        let indent = "  ".repeat(self.depth);
        let key = shown(key);
        match value {
            Value::Null => self,
            Value::Object(fields) => {
                self.lines.push(format!("{indent}{key}:"));
                self.deeper(|lines| fields.iter().fold(lines, |lines, (key, value)| lines.field(key, value)))
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let numbered =
                    |lines, (i, item): (usize, &Value)| Self::field(lines, &format!("{key} {}", i + 1), item);
                items.iter().enumerate().fold(self, numbered)
            }
            Value::String(text) => self.text(&indent, &key, text),
            other => {
                self.lines.push(format!("{indent}{key}: {}", shown(&other.to_string())));
                self
            }
        }
    }

    /// A text of several lines stands below its name.
    fn text(mut self, indent: &str, key: &str, text: &str) -> Self {
        if !text.contains('\n') {
            self.lines.push(format!("{indent}{key}: {}", shown(text)));
            return self;
        }
        self.lines.push(format!("{indent}{key}:"));
        self.lines.extend(text.lines().map(|line| format!("{indent}  {}", shown(line))));
        self
    }

    fn deeper(mut self, inside: impl FnOnce(Self) -> Self) -> Self {
        self.depth += 1;
        let mut lines = inside(self);
        lines.depth -= 1;
        lines
    }

    fn write(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        self.lines.iter().try_for_each(|line| output.raw(&format!("{line}\n")))
    }
}
