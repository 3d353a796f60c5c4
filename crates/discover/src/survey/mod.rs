//! The survey of one store or file tree: takes in what readers bring, and makes records of it.
//!
//! Every part is **learned** first: each value of its first rows is looked at, until it is settled what each column holds.
//! From then on only columns of identifiers are read value by value, to count people; the others are looked at in a
//! random sample of the rows, so that a column that changes later is seen, and a billion rows cost little. Of a part of
//! which only a sample was read, [`Survey::wanted`] says which columns the reader should bring in full.

mod column;
mod estate;
mod finish;
mod kept;
mod keys;
mod ledger;
mod once;
mod part;
mod position;
mod record;
mod row;
mod secrets;
mod texts;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::Date;
use model::{Choice, NotRead};

use crate::column::{Look, Recognise};
use crate::people::{Census, Digests, Domain, Known, SketchKey};
use crate::personal::KindId;
use crate::secret::Secrets;
use crate::{Cell, ColumnId, Part, PartId, Place, Sink};

pub use estate::{StoreResult, estate, join};
pub use keys::FoundKey;
pub use secrets::FoundConnection;

use ledger::Ledger;
use part::{ClearColumn, PartState};
use secrets::FoundSecrets;
use texts::Texts;

/// Parts whose columns are remembered in full at the same time; the one that was touched longest ago is closed.
const OPEN_PARTS: usize = 32;

/// And so many columns of all of them.
const OPEN_COLUMNS: usize = 16_384;

/// Columns of a part.
const COLUMNS: usize = 4096;

/// What a survey needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    /// The key of all hashes.
    pub key: SketchKey,
    /// Today: who was born less than 18 years ago is a minor.
    pub today: Date,
    /// Chooses the rows that are looked at once a part is settled.
    pub seed: u64,
    /// Rows of a part, and values of a column, that are all looked at before what they hold is settled.
    pub sample_rows: u64,
    /// So many different keys in texts are kept, to be tried at the doors that they open. 0: none.
    pub keys: usize,
    /// Set to end the run.
    pub stop: Arc<AtomicBool>,
}

impl Options {
    /// With this key, on this day; 100,000 rows, seed 0, no key that is kept.
    pub fn new(key: SketchKey, today: Date) -> Self {
        Self { key, today, seed: 0, sample_rows: 100_000, keys: 0, stop: Arc::default() }
    }
}

/// The survey of one store or file tree.
pub struct Survey {
    tools: Tools,
    parts: Vec<PartState>,
    /// Reading passes, by [`PartId`]: a part may be read twice.
    passes: Vec<Pass>,
    by_location: HashMap<String, usize>,
    /// Open parts, the one touched longest ago first.
    open: Vec<usize>,
    texts: Texts,
    ledger: Ledger,
    /// What parts left behind that are closed.
    census: Census,
    clear: Vec<ClearColumn>,
}

#[derive(Clone, Copy)]
struct Pass {
    part: usize,
    /// The second one, for counting.
    full: bool,
}

/// What every part works with.
struct Tools {
    options: Options,
    look: Look,
    secrets: Arc<Secrets>,
    found: FoundSecrets,
    /// The hash function for the values of each kind.
    domains: Vec<Domain>,
    /// The one for values as they are, for digests, and for values that are no identifiers.
    raw: Domain,
    digest: Domain,
    adult_since: Date,
    /// Kinds that stand somewhere in clear.
    present: BTreeSet<KindId>,
    scratch: row::Scratch,
}

impl Survey {
    /// Begins a survey.
    pub fn new(options: Options, recogniser: Arc<dyn Recognise>, secrets: Arc<Secrets>) -> Self {
        let look = Look::new(recogniser);
        let domains = look.about().iter().map(|about| options.key.domain(&about.id)).collect();
        let eighteen = jiff::Span::new().years(18);
        let tools = Tools {
            domains,
            look,
            secrets,
            found: FoundSecrets::new(&options.key, options.keys),
            present: BTreeSet::new(),
            raw: options.key.domain("value"),
            digest: Digests::domain(&options.key),
            adult_since: options.today.saturating_sub(eighteen),
            scratch: row::Scratch::default(),
            options,
        };
        Self {
            tools,
            parts: Vec::new(),
            passes: Vec::new(),
            by_location: HashMap::new(),
            open: Vec::new(),
            texts: Texts::default(),
            ledger: Ledger::default(),
            census: Census::new(),
            clear: Vec::new(),
        }
    }

    /// After a part was read as a sample: the columns that are needed in full to count people and to join digests. None
    /// when everything was read, or when there is nothing to count.
    pub fn wanted(&mut self, location: &str) -> Vec<String> {
        let Some(part) = self.by_location.get(location).and_then(|part| self.parts.get_mut(*part)) else {
            return Vec::new();
        };
        part.settle(&mut self.tools);
        part.wanted()
    }

    /// Notes how many distinct values a column has, as the store itself counts them: `error` is the relative error of
    /// that number at 99 %, 0 when it is exact. Asked for where a full pass would cost too much.
    pub fn distinct(&mut self, part: PartId, column: &str, count: u64, error: f64) {
        let id = self.column(part, column);
        let Some(part) = self.passes.get(part.0).and_then(|pass| self.parts.get_mut(pass.part)) else {
            return;
        };
        part.told_distinct(id, count, error);
    }

    fn touch(&mut self, part: usize) {
        if self.open.last() == Some(&part) {
            return;
        }
        self.open.retain(|open| *open != part);
        self.open.push(part);
        let columns = |part: &usize| self.parts.get(*part).map_or(0, |part| part.columns.len());
        let full =
            self.open.len() > OPEN_PARTS || self.open.iter().map(columns).sum::<usize>() > OPEN_COLUMNS;
        if full && self.open.len() > 1 {
            let oldest = self.open.remove(0);
            self.close(oldest);
        }
    }

    fn close(&mut self, part: usize) {
        let Some(part) = self.parts.get_mut(part) else { return };
        let left = part.close(&mut self.tools);
        self.census.unite(&left.census);
        for column in left.clear {
            finish::keep_clear(&mut self.clear, column);
        }
    }
}

impl Tools {
    /// The hash function for the values of a kind.
    fn domain(&self, kind: KindId) -> Domain {
        self.domains.get(usize::from(kind.0)).copied().unwrap_or(self.raw)
    }

    /// What a value tells about a person.
    fn known(&self, kind: KindId, value: &[u8]) -> Known {
        let facts = self.look.recogniser().facts(kind, value, self.options.today);
        Known { minor: facts.born.map(|born| born > self.adult_since), region: facts.region }
    }

    /// Whether a value tells that somebody is a minor.
    fn is_minor(&self, kind: KindId, value: &[u8]) -> Option<bool> {
        self.known(kind, value).minor
    }
}

impl Sink for Survey {
    fn part(&mut self, part: Part) -> PartId {
        let id = PartId(self.passes.len());
        let known = self.by_location.get(&part.location).copied();
        let full = part.choice == Choice::Everything;
        let again = known.filter(|at| full && self.parts.get(*at).is_some_and(PartState::is_sampled));
        let at = again.unwrap_or(self.parts.len());
        match again.and_then(|at| self.parts.get_mut(at)) {
            Some(first) => first.begin_full_pass(&part, &mut self.tools),
            None => {
                self.by_location.insert(part.location.clone(), at);
                self.parts.push(PartState::new(part, self.tools.options.seed.wrapping_add(at as u64)));
            }
        }
        self.passes.push(Pass { part: at, full: again.is_some() });
        self.touch(at);
        id
    }

    fn column(&mut self, part: PartId, name: &str) -> ColumnId {
        let Some(part) = self.passes.get(part.0).and_then(|pass| self.parts.get_mut(pass.part)) else {
            return ColumnId(usize::MAX);
        };
        part.column(name, &self.tools, &mut self.ledger)
    }

    fn row(&mut self, part: PartId, cells: &[Cell<'_>]) {
        let Some(&pass) = self.passes.get(part.0) else { return };
        self.touch(pass.part);
        let Some(part) = self.parts.get_mut(pass.part) else { return };
        if pass.full {
            part.row_of_full_pass(cells, &mut self.tools);
        } else {
            part.row(cells, &mut self.tools);
        }
    }

    fn rows(&mut self, part: PartId, rows: u64) {
        if let Some(part) = self.passes.get(part.0).and_then(|pass| self.parts.get_mut(pass.part)) {
            part.rows_known = Some(rows);
        }
    }

    fn text(&mut self, place: &Place<'_>, text: &[u8]) {
        if !place.as_rows {
            self.texts.read(place, text, &self.tools);
        }
        self.tools.found.read(place, text, &self.tools.secrets);
    }

    fn not_read(&mut self, missing: NotRead) {
        let mut location = missing.location.as_str();
        let part = loop {
            if let Some(part) = self.by_location.get(location) {
                break Some(*part);
            }
            match location.rfind(['.', ':', '!', '#']) {
                Some(at) => location = location.get(..at).unwrap_or_default(),
                None => break None,
            }
        };
        if let Some(part) = part.and_then(|part| self.parts.get_mut(part)) {
            part.missed(missing.by_design);
        }
        self.ledger.note(missing);
    }

    fn stop(&self) -> bool {
        self.tools.options.stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod speed;
#[cfg(test)]
mod tests;
