//! Keys that are kept because the user wants to know whether they still work: in memory, as long as the run lasts.

use std::sync::Arc;

use crate::secret::verify::{KeyPair, Untried};
use crate::secret::{FoundSecret, SecretKind};

/// A key that was found, where the user wants to know whether it still works.
#[derive(Clone, Debug)]
pub struct FoundKey {
    /// The id of the record.
    pub record: String,
    /// The key, or why there is none that could be tried.
    pub pair: Result<Arc<KeyPair>, Untried>,
    /// Other ids stand beside the secret, so it may belong to one of these: that it is refused says nothing then.
    pub uncertain: bool,
}

/// The same before there is a record.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pair: Result<Arc<KeyPair>, Untried>,
    uncertain: bool,
}

impl Kept {
    pub(super) fn of(self, record: &str) -> FoundKey {
        FoundKey { record: record.to_owned(), pair: self.pair, uncertain: self.uncertain }
    }
}

/// The keys of a survey, each once.
#[derive(Debug)]
pub(super) struct Keys {
    most: usize,
    all: Vec<Arc<KeyPair>>,
}

impl Keys {
    /// Keeps at most so many; 0 unless the user asked for it.
    pub(super) fn new(most: usize) -> Self {
        Self { most, all: Vec::new() }
    }

    /// Keeps the key that a secret in a text is part of, where there is something that can be asked with it.
    pub(super) fn keep(&mut self, kind: &SecretKind, found: &FoundSecret, text: &[u8]) -> Option<Kept> {
        if self.most == 0 {
            return None;
        }
        let (pair, uncertain) = match KeyPair::of(kind, found, text)? {
            Ok(pair) => pair,
            Err(why) => return Some(Kept { pair: Err(why), uncertain: false }),
        };
        let pair = match self.all.iter().find(|known| ***known == pair) {
            Some(known) => Ok(Arc::clone(known)),
            None if self.all.len() < self.most => {
                let pair = Arc::new(pair);
                self.all.push(Arc::clone(&pair));
                Ok(pair)
            }
            None => Err(Untried::TooMany),
        };
        Some(Kept { pair, uncertain })
    }
}
