//! `meshhook deliveries show`: a delivery's life, for people.

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::output::{Output, shown};

/// Fields in the order in which they are told; others follow.
const FIRST: [&str; 21] = [
    "id",
    "status",
    "reason",
    "event_id",
    "received_at",
    "source",
    "verified_by",
    "state",
    "outcome",
    "workflow",
    "job",
    "repo",
    "branch",
    "run_id",
    "round",
    "node",
    "room",
    "correlation_id",
    "request_id",
    "seen",
    "expires_at",
];

/// Prints every field, nested ones indented.
pub(super) fn print(delivery: &Value, output: &mut Output<'_>) -> Result<(), Failure> {
    let empty = Map::new();
    let fields = delivery.as_object().unwrap_or(&empty);
    let others = fields.keys().map(String::as_str).filter(|key| !FIRST.contains(key));
    let mut lines = Vec::new();
    for key in FIRST.into_iter().chain(others) {
        field(&mut lines, 0, key, fields.get(key).unwrap_or(&Value::Null));
    }
    lines.iter().try_for_each(|line| output.raw(&format!("{line}\n")))
}

/// Adds the lines of one field; what is absent has none.
fn field(lines: &mut Vec<String>, depth: usize, key: &str, value: &Value) {
    let name = "  ".repeat(depth) + &shown(key);
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            lines.push(name + ":");
            fields.iter().for_each(|(key, value)| field(lines, depth + 1, key, value));
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (i, item) in items.iter().enumerate() {
                field(lines, depth, &format!("{key} {}", i + 1), item);
            }
        }
        Value::String(text) if text.contains('\n') => {
            lines.push(name + ":");
            lines.extend(text.lines().map(|line| "  ".repeat(depth + 1) + &shown(line)));
        }
        Value::String(text) => lines.push(format!("{name}: {}", shown(text))),
        other => lines.push(format!("{name}: {}", shown(&other.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_field_has_its_lines() {
        let mut lines = Vec::new();
        let message = json!({
            "id": "m1",
            "reason": null,
            "body": "one\ntwo\u{1b}",
            "attempts": [{ "at": "12:00", "http_status": 429 }, { "outcome": "sent" }],
            "keys": ["a", "b"],
        });
        field(&mut lines, 0, "message", &message);
        let told = "message:|  attempts 1:|    at: 12:00|    http_status: 429|  attempts 2:|    outcome: sent|  body:|    \
                    one|    two\\u{1b}|  id: m1|  keys: [\"a\",\"b\"]";
        assert_eq!(lines.join("|"), told);
    }
}
