//! `meshhook deliveries list`.

use clap::Args;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::admin::AdminArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::aligned;

#[derive(Args)]
pub(super) struct List {
    /// Only of this status: pending, in_message, sent, parked, uncertain, superseded, dropped, ignored, unreadable, stale
    #[arg(long)]
    status: Option<String>,
    /// Only of this state: queued, running, succeeded, failed
    #[arg(long)]
    state: Option<String>,
    /// Only of this source
    #[arg(long)]
    source: Option<String>,
    /// Only of this run
    #[arg(long, value_name = "RUN_ID")]
    run: Option<String>,
    /// Only of this machine
    #[arg(long)]
    node: Option<String>,
    /// Only what goes by this id in every log
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// How many at most, from 1 to 500
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: Option<u32>,
    /// Only those before this place, which the list before named
    #[arg(long, value_name = "PLACE")]
    before: Option<i64>,
    /// Print the gateway's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

/// The columns: a title and the field.
const COLUMNS: [(&str, &str); 8] = [
    ("RECEIVED", "received_at"),
    ("STATUS", "status"),
    ("STATE", "state"),
    ("SOURCE", "source"),
    ("WORKFLOW", "workflow"),
    ("RUN", "run_id"),
    ("NODE", "node"),
    ("ID", "id"),
];

impl List {
    pub(super) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let list = self.admin.open()?.get(&format!("/deliveries{}", self.query()))?;
        if self.json {
            return output.json(&list);
        }
        let deliveries = list.get("deliveries").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        table(deliveries).iter().try_for_each(|line| output.line(line))?;
        if let Some(next) = list.get("next").map(text) {
            output.note(&format!("more: --before {next}"));
        }
        Ok(())
    }

    fn query(&self) -> String {
        let limit = self.limit.map(|limit| limit.to_string());
        let before = self.before.map(|place| place.to_string());
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("status", &self.status),
            ("state", &self.state),
            ("source", &self.source),
            ("run", &self.run),
            ("node", &self.node),
            ("correlation_id", &self.correlation_id),
            ("limit", &limit),
            ("before", &before),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

/// A field's text; nothing where there is none.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The deliveries as aligned lines, below a line of titles.
fn table(deliveries: &[Value]) -> Vec<String> {
    let titles = COLUMNS.map(|(title, _)| title.to_owned());
    let cells = |delivery: &Value| COLUMNS.map(|(_, key)| delivery.get(key).map(text).unwrap_or_default());
    let rows: Vec<_> = std::iter::once(titles).chain(deliveries.iter().map(cells)).collect();
    aligned(&rows)
}
