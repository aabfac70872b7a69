//! Which of a source's events are said.

use meshhook_model::{BuildStatus, Globs, State, Text};

/// What a source's events have to be in order to be said. The default lets everything pass.
///
/// What does not pass is ignored, with a reason, and its machine is kept with its run all the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Only {
    /// In one of these states; none: in any.
    pub states: Vec<State>,
    /// On one of these branches or tags; none: on any. A fork's is `owner:branch`, which no pattern without a colon means.
    pub branches: Globs,
    /// Of one of these workflows; none: of any.
    pub workflows: Globs,
    /// Of one of these repositories; none: of any.
    pub repos: Globs,
    /// What of forks.
    pub forks: Forks,
    /// Only what ends otherwise than the last time on its branch. A state that `states` leaves out counts all the same:
    /// a fix that is not said makes the next failure a change.
    pub changes: bool,
}

/// Whether builds of forks are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Forks {
    /// As any other.
    #[default]
    Show,
    /// Not at all.
    Hide,
}

impl Only {
    /// Why an event is not said, wherever its build stands.
    pub(crate) fn refuses(&self, status: &BuildStatus) -> Option<&'static str> {
        let d = &status.details;
        let branch = d.owned_branch();
        let is_fork = branch.as_ref().is_some_and(|branch| branch.contains(':'));
        let checks = [
            ("fork", self.forks == Forks::Show || !is_fork),
            ("branch", is_on(&self.branches, branch.as_deref())),
            ("workflow", fits(&self.workflows, d.workflow.as_ref())),
            ("repo", fits(&self.repos, d.repo.as_ref())),
        ];
        checks.into_iter().find(|(_, passes)| !passes).map(|(reason, _)| reason)
    }

    /// Why a build is not said while it stands so.
    pub(crate) fn mutes(&self, state: State) -> Option<&'static str> {
        (!self.states.is_empty() && !self.states.contains(&state)).then_some("state")
    }
}

/// Whether one of the names is meant; no pattern means any, and none at all.
pub(crate) fn fits<'n>(globs: &Globs, names: impl IntoIterator<Item = &'n Text>) -> bool {
    globs.is_empty() || names.into_iter().any(|name| globs.any_matches(name.as_str()))
}

/// Whether the branch is meant; no pattern means any, and none at all.
pub(crate) fn is_on(globs: &Globs, branch: Option<&str>) -> bool {
    globs.is_empty() || branch.is_some_and(|branch| globs.any_matches_branch(branch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshhook_model::Details;

    fn globs(patterns: &[&str]) -> Globs {
        Globs::new(patterns).unwrap()
    }

    fn status(branch: &str, workflow: &str, repo: &str) -> BuildStatus {
        let [branch, workflow, repo] = [branch, workflow, repo].map(Text::new);
        BuildStatus {
            state: State::Failed,
            details: Details { branch, workflow, repo, ..Details::default() },
        }
    }

    #[test]
    fn the_default_refuses_nothing() {
        for status in [status("", "", ""), status("octocat:main", "CI", "o/r")] {
            assert_eq!(Only::default().refuses(&status), None);
        }
        assert!(State::ALL.into_iter().all(|state| Only::default().mutes(state).is_none()));
    }

    #[test]
    fn what_does_not_match_is_refused_with_its_reason() {
        let only = Only {
            branches: globs(&["main", "release/*", "octocat:*"]),
            workflows: globs(&["{CI,Release}"]),
            repos: globs(&["octo/*"]),
            ..Only::default()
        };
        for (branch, workflow, repo, reason) in [
            ("main", "CI", "octo/app", None),
            ("release/1", "Release", "octo/app", None),
            ("octocat:main", "CI", "octo/app", None),
            ("evil:main", "CI", "octo/app", Some("branch")),
            ("release/1/2", "CI", "octo/app", Some("branch")),
            ("", "CI", "octo/app", Some("branch")),
            ("main", "ci", "octo/app", Some("workflow")),
            ("main", "", "octo/app", Some("workflow")),
            ("main", "CI", "other/app", Some("repo")),
            ("main", "CI", "", Some("repo")),
            ("dev", "x", "y", Some("branch")),
        ] {
            assert_eq!(only.refuses(&status(branch, workflow, repo)), reason, "{branch} {workflow} {repo}");
        }
    }

    #[test]
    fn forks_are_hidden_where_that_is_wanted() {
        let hide = Only { forks: Forks::Hide, branches: globs(&["*:*"]), ..Only::default() };
        assert_eq!(hide.refuses(&status("octocat:main", "", "")), Some("fork"));
        let hide = Only { forks: Forks::Hide, ..Only::default() };
        assert_eq!(hide.refuses(&status("main", "", "")), None);
        assert_eq!(hide.refuses(&status("", "", "")), None);
    }

    #[test]
    fn only_the_states_of_a_list_are_said() {
        let only = Only { states: vec![State::Failed, State::Running], ..Only::default() };
        let muted = State::ALL.map(|state| only.mutes(state));
        assert_eq!(muted, [Some("state"), None, Some("state"), None]);
    }

    #[test]
    fn a_pull_request_that_may_be_anybodys_is_a_forks() {
        let mut status = status("main", "CI", "o/r");
        status.details.owner_unknown = true;
        let on_main = Only { branches: globs(&["main", "**"]), ..Only::default() };
        assert_eq!(on_main.refuses(&status), Some("branch"));
        assert_eq!(Only { forks: Forks::Hide, ..Only::default() }.refuses(&status), Some("fork"));
        assert_eq!(Only { branches: globs(&["unknown:*"]), ..Only::default() }.refuses(&status), None);
    }
}
