//! How the bodies of one source are read.

use crate::provider::generic::FieldMap;
use crate::words::Words;
use crate::{BodyError, Provider, Reading, json, tree};

/// A provider, with what an operator adds to it: other meanings for some words, or where the fields are.
#[derive(Debug, Clone)]
pub struct Reader {
    provider: &'static Provider,
    words: Words,
    map: FieldMap,
}

impl Reader {
    /// A reader of that provider's bodies as it documents them.
    #[must_use]
    pub fn new(provider: &'static Provider) -> Self {
        Self { provider, words: Words::default(), map: FieldMap::default() }
    }

    /// A reader of bodies of any shape: `map` says where the fields are, `words` what is said there for a state.
    ///
    /// Words that are not among them mean what they mean in our own format.
    #[must_use]
    pub fn mapped(map: FieldMap, words: Words) -> Self {
        Self { provider: Provider::GENERIC, words, map }
    }

    /// With another meaning for some words.
    #[must_use]
    pub fn with_words(self, words: Words) -> Self {
        Self { words, ..self }
    }

    /// Where the fields are, of a reader that was made by [`Self::mapped`].
    #[must_use]
    pub const fn map(&self) -> &FieldMap {
        &self.map
    }

    /// The words with another meaning.
    #[must_use]
    pub const fn words(&self) -> &Words {
        &self.words
    }

    /// Whose bodies it reads.
    #[must_use]
    pub const fn provider(&self) -> &'static Provider {
        self.provider
    }

    /// Reads the body of a POST whose signature has been checked.
    ///
    /// `event_header` is the value of [`Provider::event_header`], where the POST had one. It is not signed: it may
    /// agree with what the body is, it never decides. No other header has a say, the `Content-Type` least of all.
    ///
    /// # Errors
    /// The body is neither JSON nor a form that holds JSON, or it is too deep or too fine-grained to be a report.
    pub fn read(&self, body: &[u8], event_header: Option<&str>) -> Result<Reading, BodyError> {
        json::read(body, |tree| {
            #[cfg(debug_assertions)]
            return tree::work::bounded(&tree, || self.reading(tree.root(), event_header));
            #[cfg(not(debug_assertions))]
            self.reading(tree.root(), event_header)
        })
    }

    pub(crate) fn reading(&self, root: tree::Node<'_>, event_header: Option<&str>) -> Reading {
        if self.map.is_empty() {
            return self.provider.reading(root, event_header, &self.words);
        }
        self.map.reading(root, &self.words)
    }
}
