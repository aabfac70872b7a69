//! The names that Git's references have in messages.

use meshhook_model::Text;

/// `refs/pull/N/head` stays: it is no branch. So does `refs/tags/…`: a tag named `main` is not the branch.
pub(crate) fn plain_branch(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// A branch by its plain name; of a fork `owner:branch`, so that a fork's `main` is never taken for ours.
pub(crate) fn branch_of(owner: Option<&str>, name: &str) -> Option<Text> {
    let name = plain_branch(name);
    match owner {
        Some(owner) => Text::new(&format!("{owner}:{name}")),
        None => Text::new(name),
    }
}
