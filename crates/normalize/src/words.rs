//! Words for a state that an operator reads otherwise than a provider does.

use meshhook_model::State;

use crate::Ignored;
use crate::draft::Silence;

/// A CI system's words, each with the state that it is to mean; with none it means that nothing is announced.
///
/// `UNSTABLE` may be a failure to a team, and a system of one's own may say `OK`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(Vec<(String, Option<State>)>);

impl Words {
    /// The words with their states. Case does not count; of a word that is there twice the first counts.
    #[must_use]
    pub fn new(words: Vec<(String, Option<State>)>) -> Self {
        Self(words)
    }

    /// The words, each with its state.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<State>)> {
        self.0.iter().map(|(word, state)| (word.as_str(), *state))
    }

    pub(crate) fn meaning(&self, word: &str) -> Option<Result<State, Silence>> {
        let word = word.to_lowercase();
        let found = self.0.iter().find(|(known, _)| known.to_lowercase() == word);
        found.map(|(_, state)| state.ok_or(Silence::Ignored(Ignored::Word)))
    }
}
