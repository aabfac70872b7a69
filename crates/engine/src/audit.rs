//! Whether what is on record keeps to the invariants.

use meshhook_store::{Audit, Key, StoreError};
use serde_json::Value;

use crate::engine::Engine;
use crate::freeze::MARKER;

impl Engine {
    /// Looks at every row of the store, and at what the messages carry, for what breaks an invariant. That takes as long
    /// as reading the whole store, and holds nobody up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit(&self) -> Result<Audit, StoreError> {
        self.store().audit(&carried)
    }
}

/// The keys that a message's body says it carries.
pub(crate) fn carried(body: &str) -> Option<Vec<Key>> {
    let content: Value = serde_json::from_str(body).ok()?;
    content[MARKER]["keys"].as_array()?.iter().map(|key| key.as_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written() {
        let keys = [Key([7; 32]), Key([0xAB; 32])];
        let marked = |keys: &str| format!(r#"{{"body":"x","{MARKER}":{{"id":"mh1","keys":{keys}}}}}"#);
        let body = marked(&format!(r#"["{}","{}"]"#, keys[0], keys[1]));
        assert_eq!(carried(&body).as_deref(), Some(&keys[..]));
        for none in ["", "{}", &marked("null"), &marked("[7]"), &marked(r#"["abc"]"#)] {
            assert_eq!(carried(none), None, "{none}");
        }
    }
}
