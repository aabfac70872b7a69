//! What is in force, and can be replaced while it is used.

use std::sync::{Arc, PoisonError, RwLock};

/// A value that is replaced as a whole: who has begun with one goes on with it to his end.
#[derive(Debug, Default)]
pub struct Current<T>(RwLock<Arc<T>>);

impl<T> Current<T> {
    /// With the first value.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// The value in force.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in its place, for whoever asks from now on.
    pub fn set(&self, value: T) {
        let value = Arc::new(value);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_begun_goes_on_with_what_he_has() {
        let current = Current::new(1);
        let begun = current.get();
        current.set(2);
        assert_eq!((*begun, *current.get()), (1, 2));
    }
}
