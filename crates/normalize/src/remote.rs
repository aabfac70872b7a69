//! Git remotes: whose repository an address is, and whether it may be shown.

use meshhook_model::Text;

/// The path of a repository's address, `owner/name`, however git writes it: `git@host:owner/name.git`,
/// `https://host/owner/name`.
pub(crate) fn path(address: &str) -> Option<&str> {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => address.split_once(':')?.1,
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    path.contains('/').then_some(path)
}

/// Who owns the repository at `head`, if it is not the one at `base`.
///
/// A fork whose owner cannot be told is `unknown`: it may not pass for the repository itself.
pub(crate) fn fork_owner<'h>(head: &'h str, base: &str) -> Option<&'h str> {
    match path(head) {
        ours if ours.is_some() && ours == path(base) => None,
        Some(path) => path.rsplit_once('/').map(|(owner, _)| owner),
        None => (head != base).then_some("unknown"),
    }
}

/// An address as it may be shown: without the user and password that somebody may have written into it.
pub(crate) fn shown(address: &str) -> Option<Text> {
    let web = ["http://", "https://"].into_iter().find_map(|web| Some((web, address.strip_prefix(web)?)));
    let Some((scheme, rest)) = web else { return Text::new(address) };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    Text::new(&format!("{scheme}{host}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_known_by_its_path() {
        for address in [
            "git@github.com:acme/rocket.git",
            "git@github.com:acme/rocket",
            "https://github.com/acme/rocket.git",
            "https://ada:secret@github.com/acme/rocket",
            "ssh://git@git.example.com:2222/acme/rocket.git",
            "git://github.com/acme/rocket.git/",
        ] {
            assert_eq!(path(address), Some("acme/rocket"), "{address}");
        }
        assert_eq!(path("https://gitlab.com/acme/apps/rocket.git"), Some("acme/apps/rocket"));
        for address in ["", "rocket", "acme/rocket", "https://github.com", "git@somewhere.com:project.git"] {
            assert_eq!(path(address), None, "{address}");
        }
    }

    #[test]
    fn a_fork_is_another_repository() {
        let base = "git@github.com:acme/rocket.git";
        assert_eq!(fork_owner("https://github.com/acme/rocket", base), None);
        assert_eq!(fork_owner("git://github.com/mallory/rocket.git", base), Some("mallory"));
        assert_eq!(fork_owner("https://gitlab.com/mallory/apps/rocket", base), Some("mallory/apps"));
        assert_eq!(fork_owner("rocket", base), Some("unknown"));
        assert_eq!(fork_owner("git@somewhere.com:project.git", "git@somewhere.com:project.git"), None);
    }

    #[test]
    fn no_password_is_shown() {
        for (address, seen) in [
            ("https://ada:secret@github.com/acme/rocket.git", "https://github.com/acme/rocket.git"),
            ("https://ada:se@cret@github.com", "https://github.com"),
            ("http://github.com/a@b", "http://github.com/a@b"),
            ("git@github.com:acme/rocket.git", "git@github.com:acme/rocket.git"),
        ] {
            assert_eq!(shown(address).unwrap().as_str(), seen);
        }
    }
}
