//! Names of branches.

use meshhook_model::Text;

/// The name without `refs/heads/`. `refs/pull/N/head` stays: it is no branch.
pub(crate) fn plain(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// A fork's branch, `owner:branch`, so that its `main` is never taken for ours.
pub(crate) fn of_fork(owner: Option<&str>, name: &str) -> Option<Text> {
    Text::new(&format!("{}:{name}", owner.unwrap_or("unknown")))
}
