//! The newest time in a body: what tells a captured request, sent again long after, from news.

use meshhook_model::Timestamp;

use crate::tree::Node;

/// The newest time among the fields named `…_at` of the body and of the objects directly in it.
///
/// A body is signed, and yet holds what strangers wrote. A time that one of them could choose would, set far in
/// the future, keep a captured request fresh for ever: sent again after its mark has expired, it would be
/// announced once more. Whoever pushes a commit chooses its message and its `timestamp`; a self-hosted runner's
/// clock writes `steps[].completed_at`; an organisation names its `custom_properties` as it likes. So only these
/// fields count, which the CI system's own servers write, and only strings that are a time from end to end: not
/// `due_on`, not what lies deeper, and no numbers, which might count anything.
///
/// Where the system's own clock is wrong, or copies one that is, the time can still lie far in the future:
/// whoever compares must not call that fresh. `read` reads times as that system writes them.
pub(crate) fn of_fields_named_at(body: Node<'_>, read: ReadTime) -> Option<Timestamp> {
    let own = times(body, read).max();
    let inner = body.fields().flat_map(|(_, value)| times(value, read)).max();
    own.max(inner)
}

/// The newest of some fields, each a time in RFC 3339: for systems that name theirs otherwise, or where strangers
/// choose others of them.
pub(crate) fn of_fields<'t>(fields: impl IntoIterator<Item = Node<'t>>) -> Option<Timestamp> {
    fields.into_iter().filter_map(Node::time).max()
}

/// Reads a time as one CI system writes it.
pub(crate) type ReadTime = fn(&str) -> Option<Timestamp>;

fn times(object: Node<'_>, read: ReadTime) -> impl Iterator<Item = Timestamp> {
    let named = object.fields().filter(|(name, _)| name.ends_with("_at"));
    named.filter_map(move |(_, value)| value.str().and_then(read))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest_of(json: &str) -> Option<String> {
        of_fields_named_at(crate::json::parse(json).unwrap().root(), Timestamp::parse_rfc3339)
            .map(|time| time.to_string())
    }

    #[test]
    fn the_newest_of_the_systems_own_times_counts() {
        let json = r#"{"starred_at": "2026-01-02T00:00:00Z",
            "workflow_run": {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-03T01:00:00+02:00"},
            "repository": {"pushed_at": "2025-12-31T00:00:00Z", "archived_at": null}}"#;
        assert_eq!(newest_of(json).as_deref(), Some("2026-01-02T23:00:00Z"));
    }

    #[test]
    fn what_a_stranger_may_write_does_not_count() {
        for json in [
            r#"{"workflow_run": {"head_commit": {"timestamp": "2099-01-01T00:00:00Z", "x_at": "2099-01-01T00:00:00Z"}}}"#,
            r#"{"workflow_run": {"display_title": "2099-01-01T00:00:00Z", "head_branch": "2099-01-01T00:00:00Z"}}"#,
            r#"{"workflow_job": {"steps": [{"completed_at": "2099-01-01T00:00:00Z"}]}}"#,
            r#"{"milestone": {"due_on": "2099-01-01T00:00:00Z"}}"#,
            r#"{"a": {"updated_at": "since 2099-01-01T00:00:00Z", "pushed_at": 4070908800}}"#,
            r#"{"a": {"updated_at": "0001-01-01T00:00:00Z"}}"#,
            r#"[{"updated_at": "2099-01-01T00:00:00Z"}]"#,
        ] {
            assert_eq!(newest_of(json), None, "{json}");
        }
    }
}
