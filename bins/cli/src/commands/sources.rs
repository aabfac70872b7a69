//! `meshhook sources`: who was heard of, by which key, and what was refused.

use clap::Args;
use serde_json::Value;

use crate::admin::AdminArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::refusals::cause;
use crate::table::aligned;

/// Show when each source and key was heard of last, and what was refused
#[derive(Args)]
pub(crate) struct Sources {
    /// Print the gateway's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

impl Sources {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let told = self.admin.open()?.get("/sources")?;
        if self.json {
            return output.json(&told);
        }
        lines(&told).iter().try_for_each(|line| output.line(line))
    }
}

fn lines(told: &Value) -> Vec<String> {
    let mut lines = aligned(&heard(told));
    let refused = refused(told);
    if refused.len() > 1 {
        lines.push(String::new());
        lines.push(format!("refused since {}:", text(told, "since")));
        lines.extend(aligned(&refused));
    }
    lines
}

/// A row for each key; what is the source's stands in its first.
fn heard(told: &Value) -> Vec<[String; 6]> {
    let titles = ["SOURCE", "PROVIDER", "SCHEME", "LAST HEARD", "KEY", "LAST USED"];
    let mut rows = vec![titles.map(str::to_owned)];
    for source in list(told, "sources") {
        let mut own = ["name", "provider", "scheme"].map(|name| text(source, name)).to_vec();
        own.push(time(source, "last_seen"));
        for key in list(source, "keys") {
            let own = std::mem::replace(&mut own, vec![String::new(); 4]);
            let gone = if key["configured"] == false { " (not configured any more)" } else { "" };
            let [name, provider, scheme, heard] = own.try_into().unwrap_or_default();
            let (key, used) = (text(key, "name"), time(key, "last_used"));
            rows.push([name, provider, scheme, heard, key, used + gone]);
        }
    }
    rows
}

fn refused(told: &Value) -> Vec<[String; 6]> {
    let titles = ["SOURCE", "TIMES", "LAST", "CLIENT", "REASON", "LIKELY CAUSE"];
    let sources = list(told, "sources").iter();
    let of_sources =
        sources.flat_map(|source| list(source, "refused").iter().map(|one| (text(source, "name"), one)));
    let of_nobody = list(told, "elsewhere").iter().map(|one| ("-".to_owned(), one));
    let rows = of_sources.chain(of_nobody).map(|(name, one)| {
        let client = one["client"].as_str().unwrap_or("unknown").to_owned();
        let count = one["count"].as_u64().unwrap_or_default().to_string();
        [name, count, text(one, "last_at"), client, text(one, "reason"), cause(one)]
    });
    std::iter::once(titles.map(str::to_owned)).chain(rows).collect()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A time, or that there was none.
fn time(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or("never").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sources_are_shown_by_key_and_refusals_with_their_cause() {
        let refused = |reason: &str, off: Option<i64>| {
            let mut refused = json!({ "reason": reason, "count": 3, "last_at": "2026-11-27T08:01:00Z",
                                      "client": "192.0.2.7" });
            off.into_iter().for_each(|off| refused["clock_off_seconds"] = off.into());
            refused
        };
        let told = json!({
            "since": "2026-11-27T08:00:00Z",
            "sources": [
                { "name": "github", "provider": "github", "scheme": "github", "last_seen": "2026-11-27T08:02:00Z",
                  "keys": [
                      { "name": "github-next", "configured": true, "last_used": "2026-11-27T08:02:00Z" },
                      { "name": "github-old", "configured": false, "last_used": "2026-11-26T10:00:00Z" },
                  ],
                  "refused": [refused("signature_mismatch", None)] },
                { "name": "mac", "provider": "standard", "scheme": "standard-webhooks", "last_seen": null,
                  "keys": [{ "name": "mac-secret", "configured": true, "last_used": null }],
                  "refused": [refused("stale", Some(-900)), refused("future", Some(400))] },
            ],
            "elsewhere": [refused("unknown_source", None)],
        });
        insta::assert_snapshot!(lines(&told).join("\n"));
    }

    #[test]
    fn where_nothing_was_refused_nothing_is_said_of_it() {
        let told = json!({ "since": "2026-11-27T08:00:00Z", "sources": [], "elsewhere": [] });
        assert_eq!(lines(&told), ["SOURCE  PROVIDER  SCHEME  LAST HEARD  KEY  LAST USED"]);
    }
}
