//! The last that was said of each workflow.

use std::collections::HashSet;

use crate::Moment;

/// The last state of a workflow, or of a job of it, on a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    /// The repository.
    pub repo: Option<String>,
    /// The workflow.
    pub workflow: Option<String>,
    /// The job, of a delivery that was about one alone.
    pub job: Option<String>,
    /// The branch, as filters see it.
    pub branch: Option<String>,
    /// The state's word.
    pub state: String,
    /// When it was heard.
    pub received_at: Moment,
}

impl Latest {
    /// Of each workflow, job and branch the first: of what comes newest first, the last state.
    #[must_use]
    pub fn of_each(newest_first: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut known = HashSet::new();
        let mut is_first = |one: &Self| {
            known.insert([one.repo.clone(), one.workflow.clone(), one.job.clone(), one.branch.clone()])
        };
        newest_first.into_iter().filter(|one| is_first(one)).collect()
    }
}
