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

/// Whether a field has the number of a pull request: there is none where it is missing or 0.
pub(crate) fn is_request(number: Node<'_>) -> bool {
    number.id().is_some_and(|number| number != "0")
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
