//! What many lines of a table say.

use std::collections::HashMap;

/// Values of one column, each made once of its bytes.
pub(super) struct Shared<'a, T> {
    /// Neighbours are alike.
    last: Option<(&'a [u8], T)>,
    known: HashMap<&'a [u8], T>,
}

impl<T> Default for Shared<'_, T> {
    fn default() -> Self {
        Self { last: None, known: HashMap::new() }
    }
}

impl<'a, T: Clone> Shared<'a, T> {
    /// The value of a field.
    pub(super) fn of(&mut self, field: &'a [u8], make: impl FnOnce(&[u8]) -> T) -> T {
        if let Some((last, value)) = &self.last
            && *last == field
        {
            return value.clone();
        }
        let value = self.known.entry(field).or_insert_with(|| make(field)).clone();
        self.last = Some((field, value.clone()));
        value
    }
}
