//! What a CI system said, in the vocabulary.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{Attempt, Round, RunUrl, State, Text, Timestamp, Unit};

/// Everything about a status but its state; every field but the unit may be missing.
///
/// It also describes what could not be read to the end: a body whose state word is unknown has details and no
/// [`BuildStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// What the status is about.
    pub unit: Unit,
    /// The workflow or pipeline by its name.
    pub workflow: Option<Text>,
    /// The job by its name, where the status is about one.
    pub job: Option<Text>,
    /// The provider's own word for the state or result, as sent.
    pub outcome: Option<Text>,
    /// Branch or tag, without `refs/heads/`; of a fork `owner:branch`.
    pub branch: Option<Text>,
    /// Whether that is the branch of a pull request, its own or the one that it is to go to, and the provider does not
    /// tell whose the pull request is: anybody's, so the branch is to be trusted like a fork's. It is not written out.
    pub owner_unknown: bool,
    /// The commit's hash.
    pub commit: Option<Text>,
    /// The run's page.
    pub run_url: Option<RunUrl>,
    /// The machine that the status names.
    pub mesh_node_id: Option<Text>,
    /// The machines that jobs of the run named.
    pub nodes: Vec<Text>,
    /// The provider's id of the run.
    pub run_id: Option<Text>,
    /// Which attempt of the run, where the provider counts them.
    pub attempt: Option<Attempt>,
    /// What tells this round of the run from an earlier one.
    pub round: Round,
    /// The repository, `owner/name`.
    pub repo: Option<Text>,
    /// Who set it off.
    pub actor: Option<Text>,
    /// The title of the commit, pull request or run; of a deployment its environment.
    pub title: Option<Text>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it finished.
    pub finished_at: Option<Timestamp>,
    /// What follows one event through every log.
    pub correlation_id: Option<Text>,
}

/// A status that may be announced.
///
/// Serialized it is the vocabulary's JSON object, absent fields left out; an address that may not be a link is
/// left out too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildStatus {
    /// Where the build stands.
    pub state: State,
    /// Everything else.
    pub details: Details,
}

impl Details {
    /// The branch as whoever has to tell ours from a stranger's should see it: with an owner where it is not ours.
    #[must_use]
    pub fn owned_branch(&self) -> Option<Cow<'_, str>> {
        let branch = self.branch.as_ref()?.as_str();
        let owner_unknown = self.owner_unknown && !branch.contains(':');
        Some(if owner_unknown { format!("unknown:{branch}").into() } else { branch.into() })
    }
}

impl BuildStatus {
    /// Seconds from start to finish, of a finished build that says both.
    #[must_use]
    pub fn duration_seconds(&self) -> Option<u64> {
        let Details { started_at, finished_at, .. } = &self.details;
        if !self.state.is_terminal() {
            return None;
        }
        finished_at.as_ref()?.seconds_since((*started_at)?)
    }
}

impl Serialize for BuildStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(Some(self.state), &self.details, serializer)
    }
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(None, self, serializer)
    }
}

fn write<S: Serializer>(state: Option<State>, d: &Details, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = Fields(serializer.serialize_map(None)?);
    map.some("unit", Some(&d.unit))?;
    map.some("workflow", d.workflow.as_ref())?;
    map.some("job", d.job.as_ref())?;
    map.some("state", state.as_ref())?;
    map.some("outcome", d.outcome.as_ref())?;
    map.some("branch", d.branch.as_ref())?;
    map.some("commit", d.commit.as_ref())?;
    map.some("run_url", d.run_url.as_ref().and_then(RunUrl::link))?;
    map.some("mesh_node_id", d.mesh_node_id.as_ref())?;
    map.some("nodes", (!d.nodes.is_empty()).then_some(&d.nodes))?;
    map.some("run_id", d.run_id.as_ref())?;
    map.some("attempt", d.attempt.as_ref())?;
    map.some("round", Some(&d.round))?;
    map.some("repo", d.repo.as_ref())?;
    map.some("actor", d.actor.as_ref())?;
    map.some("title", d.title.as_ref())?;
    map.some("started_at", d.started_at.as_ref())?;
    map.some("finished_at", d.finished_at.as_ref())?;
    map.some("correlation_id", d.correlation_id.as_ref())?;
    map.0.end()
}

struct Fields<M>(M);

impl<M: SerializeMap> Fields<M> {
    fn some<T: Serialize>(&mut self, name: &'static str, value: Option<&T>) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.0.serialize_entry(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(text)
    }

    fn finished(state: State, started: &str, finished: &str) -> BuildStatus {
        let details = Details { started_at: at(started), finished_at: at(finished), ..Details::default() };
        BuildStatus { state, details }
    }

    #[test]
    fn absent_fields_are_left_out() {
        let status = BuildStatus { state: State::Queued, details: Details::default() };
        let json = serde_json::to_string(&status).unwrap();
        assert_eq!(json, r#"{"unit":"run","state":"queued","round":1}"#);
        assert_eq!(serde_json::to_string(&status.details).unwrap(), r#"{"unit":"run","round":1}"#);
    }

    #[test]
    fn a_branch_that_may_be_anybodys_is_none_of_ours() {
        let of = |branch: &str, owner_unknown| {
            let details = Details { branch: Text::new(branch), owner_unknown, ..Details::default() };
            details.owned_branch().map(Cow::into_owned).unwrap_or_default()
        };
        assert_eq!(of("main", false), "main");
        assert_eq!(of("main", true), "unknown:main");
        assert_eq!(of("mallory:main", true), "mallory:main");
        assert_eq!(of("", true), "");
    }

    #[test]
    fn a_refused_address_is_not_data() {
        let details = Details { run_url: RunUrl::new("javascript:alert(1)"), ..Details::default() };
        assert!(!serde_json::to_string(&details).unwrap().contains("alert"));
    }

    #[test]
    fn only_a_finished_build_has_a_duration() {
        let (a, b) = ("2026-01-01T00:00:00Z", "2026-01-01T00:01:30Z");
        assert_eq!(finished(State::Failed, a, b).duration_seconds(), Some(90));
        assert_eq!(finished(State::Running, a, b).duration_seconds(), None);
        assert_eq!(finished(State::Failed, b, a).duration_seconds(), None);
        assert_eq!(finished(State::Failed, "", b).duration_seconds(), None);
    }
}
