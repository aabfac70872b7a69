//! What a status is called in the store: the recipe of subjects, groups and keys.
//!
//! A changed recipe would say everything again after an upgrade: the golden test below must never be edited, a new
//! recipe needs a migration.

use std::borrow::Cow;

use meshhook_model::{BuildStatus, State, Text};
use meshhook_normalize::Identity;
use meshhook_store::{BranchKey, GroupKey, Key, NewDelivery, SubjectKey};
use sha2::{Digest, Sha256};

use crate::raw;

/// The names of one status.
pub(crate) struct Names {
    pub(crate) key: Key,
    pub(crate) subject: SubjectKey,
    pub(crate) group: GroupKey,
}

impl Names {
    /// `otherwise` stands for the run where the body names none: an identity is never empty.
    pub(crate) fn of(
        scope: &str,
        identity: &Identity,
        status: &BuildStatus,
        otherwise: impl FnOnce() -> String,
    ) -> Self {
        let run = identity.run.as_deref().map_or_else(|| Cow::Owned(otherwise()), Cow::Borrowed);
        let path = || {
            Recipe::new()
                .text(scope)
                .maybe(identity.repo.as_deref())
                .maybe(identity.workflow.as_deref())
                .text(&run)
        };
        let unit = status.details.unit.as_str();
        let subject = path().text("subject").text(unit).maybe(identity.job.as_deref()).hash();
        let round = status.details.round.get();
        Self {
            key: Key(key(scope, &subject, round, status.state)),
            subject: SubjectKey(subject),
            group: GroupKey(path().text("group").number(round).hash()),
        }
    }
}

fn key(scope: &str, subject: &[u8; 32], round: u64, state: State) -> [u8; 32] {
    Recipe::new().text("key").text(scope).bytes(subject).number(round).text(state.as_str()).hash()
}

/// The key of a body that is not announced.
pub(crate) fn body_key(source: &str, body: &[u8]) -> Key {
    Key(Recipe::new().text("body").text(source).bytes(body).hash())
}

/// That key, of a delivery that has its body.
pub(crate) fn body_key_of(new: &NewDelivery) -> Key {
    body_key(&new.source, raw::body(&new.raw))
}

/// What a build is compared with: those of its branch that are called as it is.
pub(crate) fn branch_key(scope: &str, status: &BuildStatus) -> BranchKey {
    let d = &status.details;
    let [repo, workflow, job] = [&d.repo, &d.workflow, &d.job].map(|text| text.as_ref().map(Text::as_str));
    let branch = d.owned_branch();
    let recipe = Recipe::new().text("branch").text(scope).maybe(repo).maybe(workflow);
    BranchKey(recipe.text(d.unit.as_str()).maybe(job).maybe(branch.as_deref()).hash())
}

/// A hash over parts of which none can be taken for another: each goes in behind its length.
pub(crate) struct Recipe(Sha256);

impl Recipe {
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(crate) fn bytes(mut self, part: &[u8]) -> Self {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    pub(crate) fn text(self, part: &str) -> Self {
        self.bytes(part.as_bytes())
    }

    pub(crate) fn number(self, part: u64) -> Self {
        self.bytes(&part.to_be_bytes())
    }

    /// An absent part is no empty one.
    pub(crate) fn maybe(mut self, part: Option<&str>) -> Self {
        match part {
            Some(part) => self.text(part),
            None => {
                self.0.update(u64::MAX.to_be_bytes());
                self
            }
        }
    }

    pub(crate) fn hash(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshhook_model::{Details, Round, Unit};
    use proptest::prelude::*;

    fn names(identity: &Identity, unit: Unit, round: u64, state: State) -> Names {
        let details = Details { unit, round: Round::new(round), ..Details::default() };
        Names::of("github", identity, &BuildStatus { state, details }, || "otherwise".to_owned())
    }

    fn identity(repo: Option<&str>, run: Option<&str>, job: Option<&str>) -> Identity {
        Identity {
            repo: repo.map(Into::into),
            run: run.map(Into::into),
            job: job.map(Into::into),
            ..Identity::default()
        }
    }

    #[test]
    fn the_recipe_is_what_it_was() {
        let job = identity(Some("octo/app"), Some("42"), Some("7"));
        let names = names(&job, Unit::Job, 2, State::Failed);
        assert_eq!(names.key.to_string(), GOLDEN[0]);
        assert_eq!(names.subject.to_string(), GOLDEN[1]);
        assert_eq!(names.group.to_string(), GOLDEN[2]);
        assert_eq!(body_key("github", b"{}").to_string(), GOLDEN[3]);
    }

    /// Reckoned by another program from the recipe's description.
    const GOLDEN: [&str; 4] = [
        "d9a4eec16176b219806ecc99761c16b7cb1efc68b5d7bb51009a26919ceced98",
        "af09bd679041f8bab0160ea914627e32fbc90f5fcc4b9ea2e0588c96f39b09cf",
        "fe2d44c5aad8c08c05c641347faa34473d24e98d0af9b3b29749514701c6c6b7",
        "0e6ea3500304abed0a742ab9403d6f6cacc2322a99c9f85725796a2bb5e9e2ba",
    ];

    /// A changed one would have every branch begin anew: each failure that goes on would be said once more.
    #[test]
    fn the_recipe_of_branches_is_what_it_was() {
        let key = |unit, [repo, workflow, job, branch]: [&str; 4]| {
            let [repo, workflow, job, branch] = [repo, workflow, job, branch].map(Text::new);
            let details = Details { unit, repo, workflow, job, branch, ..Details::default() };
            branch_key("github", &BuildStatus { state: State::Failed, details }).to_string()
        };
        assert_eq!(key(Unit::Run, ["octo/app", "CI", "", "main"]), GOLDEN_BRANCHES[0]);
        assert_eq!(key(Unit::Job, ["", "CI", "build", "octocat:main"]), GOLDEN_BRANCHES[1]);
    }

    /// Reckoned by another program, too.
    const GOLDEN_BRANCHES: [&str; 2] = [
        "6f44104fadb0b69ed0f4cfd5fb6b7c6f57e95b6a999e3f69a8e0bb8ab2a9a486",
        "77612a247f107675ee64e7b81530194effa3d332e125011e4bd80de0df40e9c4",
    ];

    #[test]
    fn a_run_and_its_jobs_share_a_group_and_no_subject() {
        let run = names(&identity(Some("o/a"), Some("1"), None), Unit::Run, 1, State::Running);
        let job = names(&identity(Some("o/a"), Some("1"), Some("9")), Unit::Job, 1, State::Queued);
        assert_eq!(run.group, job.group);
        assert_ne!(run.subject, job.subject);
        let rerun = names(&identity(Some("o/a"), Some("1"), None), Unit::Run, 2, State::Running);
        assert_eq!(run.subject, rerun.subject);
        assert_ne!(run.group, rerun.group);
        assert_ne!(run.key, rerun.key);
    }

    proptest! {
        #[test]
        fn parts_cannot_be_taken_for_one_another(a in ".{0,4}", b in ".{0,4}", c in ".{0,4}", d in ".{0,4}") {
            let one = names(&identity(Some(&a), Some(&b), None), Unit::Run, 1, State::Queued);
            let other = names(&identity(Some(&c), Some(&d), None), Unit::Run, 1, State::Queued);
            prop_assert_eq!(one.key == other.key, (a, b) == (c, d));
        }
    }
}
