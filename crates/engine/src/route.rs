//! Which room something is said in.

use meshhook_model::{BuildStatus, Globs, State};

use crate::only::{fits, is_on};

/// A rule: what fits all of its conditions is said in its room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// Of one of these sources; none: of any.
    pub sources: Vec<String>,
    /// Of one of these repositories; none: of any.
    pub repos: Globs,
    /// Of one of these workflows; none: of any.
    pub workflows: Globs,
    /// On one of these branches or tags; none: on any. A fork's is `owner:branch`, which no pattern without a colon means.
    pub branches: Globs,
    /// In one of these states; none: in any.
    pub states: Vec<State>,
    /// On one of these machines; none: on any. It sees what the body itself names, or else the source's own machine, by
    /// the name that the pool gives it. What only a run's jobs tell it does not see: the room is settled before the
    /// store is asked.
    pub nodes: Globs,
    /// The room.
    pub room: String,
}

/// Rules in their order: the first that fits wins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// Those rules.
    #[must_use]
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// The room of the first rule that fits what a source tells.
    pub(crate) fn room(&self, source: &str, status: &BuildStatus) -> Option<&str> {
        self.0.iter().find(|route| route.fits(source, status)).map(|route| &*route.room)
    }

    /// The rooms that what a source tells may come to.
    pub(crate) fn rooms_of(&self, source: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |route| route.is_about(source)).map(|route| &*route.room)
    }
}

impl Route {
    fn is_about(&self, source: &str) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|name| name == source)
    }

    fn fits(&self, source: &str, status: &BuildStatus) -> bool {
        let details = &status.details;
        self.is_about(source)
            && fits(&self.repos, details.repo.as_ref())
            && fits(&self.workflows, details.workflow.as_ref())
            && is_on(&self.branches, details.owned_branch().as_deref())
            && (self.states.is_empty() || self.states.contains(&status.state))
            && fits(&self.nodes, details.mesh_node_id.iter().chain(&details.nodes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshhook_model::{Details, Text};

    fn globs(patterns: &[&str]) -> Globs {
        Globs::new(patterns).unwrap()
    }

    fn to(room: &str) -> Route {
        Route { room: room.to_owned(), ..Route::default() }
    }

    /// `source workflow repo branch node`, of which the last four may be `-`, and a failed build of it.
    fn status(text: &str) -> (&str, BuildStatus) {
        let mut words = text.split(' ');
        let source = words.next().unwrap();
        let mut next = || words.next().filter(|word| *word != "-").and_then(Text::new);
        let (workflow, repo, branch, mesh_node_id) = (next(), next(), next(), next());
        let details = Details { workflow, repo, branch, mesh_node_id, ..Details::default() };
        (source, BuildStatus { state: State::Failed, details })
    }

    fn room<'r>(routes: &'r Routes, text: &str) -> Option<&'r str> {
        let (source, status) = status(text);
        routes.room(source, &status)
    }

    #[test]
    fn no_rule_leads_anywhere() {
        assert_eq!(room(&Routes::default(), "github CI o/r main mac-07"), None);
    }

    #[test]
    fn the_first_that_fits_wins() {
        let routes = Routes::new(vec![
            Route { branches: globs(&["release/*", "octocat:*"]), ..to("!releases") },
            Route { sources: vec!["xcode".into(), "mac".into()], ..to("!macs") },
            Route { repos: globs(&["acme/*"]), workflows: globs(&["iOS*"]), ..to("!ios") },
            Route { nodes: globs(&["mac-0[1-4]"]), ..to("!pool") },
            Route { repos: globs(&["acme/rocket"]), ..to("!rocket") },
        ]);
        for (text, expected) in [
            ("github CI o/r release/1 -", Some("!releases")),
            ("xcode CI o/r release/1 -", Some("!releases")),
            ("github CI o/r octocat:main -", Some("!releases")),
            ("github CI o/r evil:release/1 -", None),
            ("xcode iOS acme/rocket main -", Some("!macs")),
            ("mac - - - -", Some("!macs")),
            ("github iOS-nightly acme/app main -", Some("!ios")),
            ("github iOS other/app main -", None),
            ("github - acme/rocket main mac-04", Some("!pool")),
            ("github - acme/rocket main mac-05", Some("!rocket")),
            ("github CI - - -", None),
        ] {
            assert_eq!(room(&routes, text), expected, "{text}");
        }
    }

    #[test]
    fn states_are_told_apart() {
        let routes = Routes::new(vec![Route { states: vec![State::Failed], ..to("!alarm") }]);
        let (source, mut status) = status("github CI o/r main -");
        assert_eq!(routes.room(source, &status), Some("!alarm"));
        status.state = State::Succeeded;
        assert_eq!(routes.room(source, &status), None);
    }

    #[test]
    fn any_machine_that_the_body_names_will_do() {
        let routes = Routes::new(vec![Route { nodes: globs(&["mac-07"]), ..to("!seven") }]);
        let (source, mut status) = status("github CI o/r main mac-01");
        assert_eq!(routes.room(source, &status), None);
        status.details.nodes = ["mac-05", "mac-07"].into_iter().filter_map(Text::new).collect();
        assert_eq!(routes.room(source, &status), Some("!seven"));
    }

    #[test]
    fn a_source_may_come_to_the_rooms_of_the_rules_about_it() {
        let routes = Routes::new(vec![
            Route { sources: vec!["xcode".into()], ..to("!macs") },
            Route { states: vec![State::Failed], ..to("!alarm") },
        ]);
        assert_eq!(routes.rooms_of("github").collect::<Vec<_>>(), ["!alarm"]);
        assert_eq!(routes.rooms_of("xcode").collect::<Vec<_>>(), ["!macs", "!alarm"]);
    }
}
