//! Why something of a store was not read, before it is told: to the ledger what concerns a part, to the caller the rest.

use super::StoreError;

/// Why something was not read.
#[derive(Debug)]
pub(super) enum Failure {
    /// It concerns this table alone.
    Part(String),
    /// The table is not what the catalogue said a moment ago.
    Changed,
    /// It concerns the store.
    Store(StoreError),
}

impl Failure {
    /// Where no table was asked for.
    pub(super) fn of_store(self) -> StoreError {
        match self {
            Self::Part(why) => StoreError::Answer(why),
            Self::Changed => StoreError::Answer("the catalogue is not as expected".to_owned()),
            Self::Store(error) => error,
        }
    }

    /// What became of a table that was begun.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Part(why) => why.clone(),
            Self::Changed => "it was changed meanwhile".to_owned(),
            Self::Store(error) => error.to_string(),
        }
    }
}
