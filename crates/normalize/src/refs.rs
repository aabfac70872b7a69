//! The names that Git's references have in messages.

use meshhook_model::Text;

use crate::tree::Node;

/// `refs/pull/N/head` stays: it is no branch. So does `refs/tags/…`: a tag named `main` is not the branch.
pub(crate) fn plain_branch(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// A branch by its plain name; of a fork `owner:branch`, so that a fork's `main` is never taken for ours.
pub(crate) fn branch_of(owner: Option<&str>, name: &str) -> Option<Text> {
    let name = plain_branch(name);
    match owner {
        Some(owner) => Text::new(name).and(Text::new(&format!("{owner}:{name}"))),
        None => Text::new(name),
    }
}

/// The owner of a pull request's branch where a body does not tell one: it may be anybody's.
pub(crate) const ANYBODY: &str = "unknown";

/// The number of the pull request that was built; of none, where it is missing or 0.
pub(crate) fn request_number(node: &Node<'_>) -> Option<String> {
    node.id().filter(|number| number != "0")
}

/// What stands for a pull request's branch where a body tells the one alone that it is to go to. Whoever opens one
/// chooses that: what he built is not that branch.
pub(crate) fn of_pull_request(number: Option<&str>, target: &str) -> Option<Text> {
    match number {
        Some(number) => branch_of(Some(ANYBODY), &format!("pull/{number}")),
        None => branch_of(Some(ANYBODY), target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_heads_are_cut_off() {
        let shown = |name, owner| branch_of(owner, name).map(|text| text.as_str().to_owned());
        assert_eq!(shown("refs/heads/main", None).as_deref(), Some("main"));
        assert_eq!(shown("refs/tags/main", None).as_deref(), Some("refs/tags/main"));
        assert_eq!(shown("main", Some("mallory")).as_deref(), Some("mallory:main"));
        assert_eq!(shown("refs/heads/", Some("mallory")), None);
    }
}
