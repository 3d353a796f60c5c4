//! What earlier runs saw: an audit is worth something without memory, and says why it has none.

use std::path::Path;

use inventory::{Inventory, KnownPeople, Remembered};
use jiff::Timestamp;
use model::Record;

use crate::cmd::default_state;
use crate::reading::Told;

/// The inventory, or why there is none: an audit is worth something without memory.
pub(crate) struct Memory {
    inventory: Option<Inventory>,
    /// What went wrong, for the reader of the report.
    pub(crate) complaint: Option<String>,
}

impl Memory {
    /// No memory of this run, nor of others.
    pub(crate) fn none() -> Self {
        Self { inventory: None, complaint: None }
    }

    /// The inventory in this file, or in the usual one.
    pub(crate) fn open(state: Option<&Path>) -> Self {
        let Some(path) = state.map(Path::to_owned).or_else(default_state) else {
            let complaint = "there is no home folder to remember in: name a file with --state".to_owned();
            return Self { inventory: None, complaint: Some(complaint) };
        };
        match Inventory::open(&path) {
            Ok(inventory) => Self { inventory: Some(inventory), complaint: None },
            Err(error) => {
                Self { inventory: None, complaint: Some(format!("nothing is remembered: {error}")) }
            }
        }
    }

    /// The doors that were open when last seen.
    pub(crate) fn open_doors(&mut self) -> Vec<Remembered> {
        match self.inventory.as_ref().map(Inventory::open_doors) {
            Some(Ok(doors)) => doors,
            Some(Err(error)) => {
                self.complaint = Some(format!("what was seen before cannot be read: {error}"));
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Takes in what a run saw, and completes it with what is known.
    pub(crate) fn remember(&mut self, records: &mut [Record], origin: Option<&str>, now: Timestamp) {
        if let Some(Err(error)) =
            self.inventory.as_mut().map(|inventory| inventory.remember(records, origin, now))
        {
            self.complaint = Some(format!("what was seen now cannot be remembered: {error}"));
        }
    }

    /// The same for what is in stores, and who.
    pub(crate) fn remember_data(&mut self, told: &mut Told, now: Timestamp) {
        let Some(inventory) = &mut self.inventory else { return };
        let remembered = inventory
            .remember_data(&mut told.records, now)
            .and_then(|_| inventory.remember_people(&told.people));
        if let Err(error) = remembered {
            self.complaint = Some(format!("what is in the stores cannot be remembered: {error}"));
        }
    }

    /// The people of stores that were counted earlier.
    pub(crate) fn known_people(&mut self) -> Vec<KnownPeople> {
        match self.inventory.as_ref().map(Inventory::known_people) {
            Some(Ok(people)) => people,
            Some(Err(error)) => {
                self.complaint = Some(format!("the people of other stores cannot be read: {error}"));
                Vec::new()
            }
            None => Vec::new(),
        }
    }
}
