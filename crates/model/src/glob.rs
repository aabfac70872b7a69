//! Patterns for names: which branches, workflows, repositories and runners somebody means.

use std::fmt;
use std::str::FromStr;

use fast_glob::ErrorKind;

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobError {
    /// It would match nothing: no name is empty.
    #[error("a pattern has at least one character")]
    Empty,
    /// It begins with `!`. In a list of which one has to match, that would let in nearly everything.
    #[error("a pattern says what is wanted: one that begins with `!` is none (a name that does is `\\!…`)")]
    Negated,
    /// A brace, bracket or backslash has no partner.
    #[error("{what} at byte {at}")]
    Malformed {
        /// What is wrong, in words.
        what: &'static str,
        /// Where, in bytes from the pattern's beginning.
        at: usize,
    },
}

/// A pattern for names, checked.
///
/// `*` stands for any characters but `/`, `**` as a whole segment also for those, `?` for one byte but `/`, `[a-z]`
/// for one byte of a set and `{a,b}` for either; `\` takes the meaning from the character behind it. Case counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob(Box<str>);

impl Glob {
    /// Checks a pattern.
    ///
    /// # Errors
    /// [`GlobError`]: it could not match what it seems to.
    pub fn new(pattern: &str) -> Result<Self, GlobError> {
        match pattern.chars().next() {
            None => Err(GlobError::Empty),
            Some('!') => Err(GlobError::Negated),
            Some(_) => fast_glob::validate(pattern).map_err(malformed).map(|()| Self(pattern.into())),
        }
    }

    /// Whether the whole of `name` is as the pattern says.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        fast_glob::glob_match(self.as_str(), name)
    }

    /// The same for a branch. That of a fork, `owner:branch`, is matched on both sides of the pattern's first colon: a
    /// pattern without one is about branches of the repository itself, whatever a stranger calls his own.
    #[must_use]
    pub fn matches_branch(&self, branch: &str) -> bool {
        let Some((owner, branch)) = branch.split_once(':') else { return self.matches(branch) };
        // A side alone can be no pattern, as of `{main,octocat:*}`: that one is about no fork.
        let matches = |side: &str, name| Self::new(side).is_ok_and(|side| side.matches(name));
        let sides = self.0.split_once(':');
        sides.is_some_and(|sides| matches(sides.0, owner) && matches(sides.1, branch))
    }

    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(pattern: &str) -> Result<Self, GlobError> {
        Self::new(pattern)
    }
}

fn malformed(error: fast_glob::Error) -> GlobError {
    let what = match error.kind {
        ErrorKind::UnclosedBrace => "a { is never closed",
        ErrorKind::UnclosedBracket => "a [ is never closed",
        ErrorKind::TrailingBackslash => "a \\ has nothing behind it",
        ErrorKind::BraceNestingTooDeep => "braces lie more than ten deep",
        ErrorKind::TooManyBraceGroups => "there are more than ten pairs of braces",
        _ => "it is no pattern",
    };
    GlobError::Malformed { what, at: error.index }
}

/// Patterns of which one has to match.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Globs(Vec<Glob>);

impl Globs {
    /// Checks patterns.
    ///
    /// # Errors
    /// [`GlobError`] of the first that is none. To say which, make each a [`Glob`] and collect them.
    pub fn new<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, GlobError> {
        patterns.into_iter().map(|pattern| Glob::new(pattern.as_ref())).collect()
    }

    /// The patterns.
    pub fn iter(&self) -> impl Iterator<Item = &Glob> {
        self.0.iter()
    }

    /// Whether there is no pattern. What that means is for the caller to say: one of none matches nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them [matches](Glob::matches).
    #[must_use]
    pub fn any_matches(&self, name: &str) -> bool {
        self.0.iter().any(|glob| glob.matches(name))
    }

    /// Whether one of them [matches the branch](Glob::matches_branch).
    #[must_use]
    pub fn any_matches_branch(&self, branch: &str) -> bool {
        self.0.iter().any(|glob| glob.matches_branch(branch))
    }
}

impl FromIterator<Glob> for Globs {
    fn from_iter<I: IntoIterator<Item = Glob>>(globs: I) -> Self {
        Self(globs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn glob(pattern: &str) -> Glob {
        Glob::new(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"))
    }

    /// What is relied on of the library.
    #[test]
    fn a_pattern_matches_whole_names() {
        for (pattern, name, matches) in [
            ("main", "main", true),
            ("main", "maintenance", false),
            ("main", "Main", false),
            ("*", "main", true),
            ("*", "release/1.2", false),
            ("release/*", "release/1.2", true),
            ("release/*", "release/1/2", false),
            ("release/**", "release/1/2", true),
            ("release/**", "release", false),
            ("**", "release/1/2", true),
            ("**/fix", "a/b/fix", true),
            ("**/fix", "fix", true),
            ("{main,release/*}", "release/1", true),
            ("{main,release/*}", "main", true),
            ("{main,release/*}", "dev", false),
            ("v[0-9].?", "v1.2", true),
            ("v[0-9].?", "vx.2", false),
            ("mac-07-runner-*", "mac-07-runner-12", true),
            ("mac-07-runner-*", "mac-07-runner-", true),
            ("mac-0*", "mac-17", false),
            ("\\!odd\\*", "!odd*", true),
            ("a:b", "a:b", true),
            ("ü*", "übung", true),
            ("??bung", "übung", true),
        ] {
            assert_eq!(glob(pattern).matches(name), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn a_forks_branch_is_meant_by_no_pattern_without_a_colon() {
        for (pattern, branch, matches) in [
            ("main", "octocat:main", false),
            ("*", "octocat:main", false),
            ("**", "octocat:main", false),
            ("octocat?main", "octocat:main", false),
            ("octocat[:]main", "octocat:main", false),
            ("*:main", "octocat:main", true),
            ("octocat:*", "octocat:fix", true),
            ("octocat:*", "octocat:fix/1", false),
            ("octocat:**", "octocat:fix/1", true),
            ("{octocat,hubot}:main", "hubot:main", true),
            ("{main,octocat:*}", "main", true),
            ("{*,octocat:x}", "evil:main", false),
            ("octocat:!x", "octocat:y", false),
            ("*:main", "main", false),
            ("release/*", "release/1", true),
        ] {
            assert_eq!(glob(pattern).matches_branch(branch), matches, "{pattern} {branch}");
        }
    }

    #[test]
    fn what_could_not_match_as_it_seems_is_refused() {
        for (pattern, said) in [
            ("", "a pattern has at least one character"),
            (
                "!main",
                "a pattern says what is wanted: one that begins with `!` is none (a name that does is `\\!…`)",
            ),
            ("a/{b,c", "a { is never closed at byte 2"),
            ("[a", "a [ is never closed at byte 0"),
            ("a\\", "a \\ has nothing behind it at byte 1"),
            (&"{a}".repeat(11), "there are more than ten pairs of braces at byte 30"),
        ] {
            assert_eq!(Glob::new(pattern).map_err(|why| why.to_string()), Err(said.to_owned()));
        }
        assert!(Globs::new(["main", "{"]).is_err());
    }

    #[test]
    fn one_of_a_list_has_to_match() {
        let globs = Globs::new(["main", "octocat:*"]).unwrap();
        assert!(globs.any_matches("main") && !globs.any_matches("dev"));
        assert!(globs.any_matches_branch("octocat:dev") && !globs.any_matches_branch("evil:main"));
        assert!(!Globs::default().any_matches("main") && Globs::default().is_empty());
    }

    proptest! {
        /// Names come from strangers, patterns from the operator.
        #[test]
        fn no_name_and_no_pattern_panics(pattern in "[a*?/:!{},\\[\\]\\\\-]{0,12}", name in any::<String>()) {
            if let Ok(glob) = Glob::new(&pattern) {
                let _ = (glob.matches(&name), glob.matches_branch(&name));
            }
        }

        #[test]
        fn without_a_colon_no_fork_is_meant(pattern in "[a-z*?/{},.\\[\\]]{1,10}", owner in "[a-z]{1,5}", branch in "[a-z/]{1,8}") {
            if let Ok(glob) = Glob::new(&pattern) {
                let fork = format!("{owner}:{branch}");
                prop_assert!(!glob.matches_branch(&fork));
            }
        }
    }
}
