//! A part of a store while it is read: a table, an index, a sheet.

use std::collections::HashMap;

use model::{Choice, NotRead};

use super::column::{ColumnState, Role};
use super::ledger::Ledger;
use super::row::Pending;
use super::{COLUMNS, Tools};
use crate::column::{Look, statistics};
use crate::people::{Bounds, Census, Digests};
use crate::personal::KindId;
use crate::{ColumnId, Part};

/// What is known of a part.
pub(super) struct PartState {
    pub(super) location: String,
    pub(super) choice: Choice,
    pub(super) cluster: u64,
    pub(super) rows_known: Option<u64>,
    /// Rows of the first pass.
    pub(super) rows: u64,
    /// Of these, rows of which every column was looked at.
    pub(super) looked_rows: u64,
    /// Rows of the second pass, when there was one.
    pub(super) rows_in_full: Option<u64>,
    pub(super) columns: Vec<ColumnState>,
    index: HashMap<String, usize>,
    /// It is decided which columns are read value by value.
    pub(super) settled: bool,
    pub(super) pending: Vec<Pending>,
    pub(super) census: Census,
    /// A column holds identifiers; and some column is read value by value.
    pub(super) has_roles: bool,
    pub(super) reads: bool,
    /// Something of the pass that counts was not read.
    pub(super) missed: bool,
    /// And that was nobody's wish.
    pub(super) undecided: bool,
    /// Rows of the first pass that came when most of it was forgotten.
    pub(super) late_rows: u64,
    closed: bool,
    /// The next row of a settled part whose columns are all looked at, and what chooses it.
    pub(super) next_look: u64,
    pub(super) random: fastrand::Rng,
}

/// What a part leaves behind when it is closed.
#[derive(Default)]
pub(super) struct Left {
    pub(super) census: Census,
    /// Columns of clear identifiers.
    pub(super) clear: Vec<ClearColumn>,
}

/// A column of clear identifiers, to find their digests elsewhere.
#[derive(Clone, Debug)]
pub(super) struct ClearColumn {
    pub(super) kind: KindId,
    pub(super) location: String,
    pub(super) digests: Digests,
}

impl ClearColumn {
    /// Takes in the digests of another column of this kind, and says so in its place.
    pub(super) fn unite(&mut self, other: &Self) {
        self.digests.unite(&other.digests);
        if self.location != other.location && !self.location.ends_with(" and others") {
            self.location.push_str(" and others");
        }
    }
}

impl PartState {
    pub(super) fn new(part: Part, seed: u64) -> Self {
        Self {
            location: part.location,
            choice: part.choice,
            cluster: part.cluster,
            rows_known: part.rows,
            rows: 0,
            looked_rows: 0,
            rows_in_full: None,
            columns: Vec::new(),
            index: HashMap::new(),
            settled: false,
            pending: Vec::new(),
            census: Census::new(),
            has_roles: false,
            reads: false,
            missed: false,
            undecided: false,
            late_rows: 0,
            closed: false,
            next_look: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Whether a second pass would tell more.
    pub(super) fn is_sampled(&self) -> bool {
        self.choice != Choice::Everything
    }

    /// Whether the rows of the first pass are all there are, so that people are counted in it.
    pub(super) fn counts(&self) -> bool {
        self.choice == Choice::Everything
    }

    /// Whether people were counted, in the first pass or in a second one that came to its end.
    pub(super) fn is_counted(&self) -> bool {
        self.counts() || self.rows_in_full.is_some() && !self.missed
    }

    /// Notes that something of it was not read. Of a sample that goes without saying.
    pub(super) fn missed(&mut self, by_design: bool) {
        self.missed |= self.rows_in_full.is_some();
        self.undecided |= self.rows_in_full.is_some() && !by_design;
    }

    pub(super) fn column(&mut self, name: &str, tools: &Tools, ledger: &mut Ledger) -> ColumnId {
        if let Some(at) = self.index.get(name) {
            return ColumnId(*at);
        }
        if self.columns.len() >= COLUMNS {
            let why = format!("it has more than {COLUMNS} columns; the rest was not looked at");
            ledger.note(NotRead { location: self.location.clone(), why, by_design: false });
            return ColumnId(usize::MAX);
        }
        let at = self.columns.len();
        self.columns.push(ColumnState::new(name, tools.look.recogniser().as_ref()));
        self.index.insert(name.to_owned(), at);
        ColumnId(at)
    }

    pub(super) fn told_distinct(&mut self, column: ColumnId, count: u64, error: f64) {
        if let Some(column) = self.columns.get_mut(column.0) {
            column.told = Some((count, error.clamp(0.0, 1.0)));
        }
    }

    /// Decides what each column holds, and counts the people of the rows that were read before that was known.
    pub(super) fn settle(&mut self, tools: &mut Tools) {
        if self.settled {
            return;
        }
        self.settled = true;
        self.decide(tools);
        self.find_birthdays(&tools.look, tools.options.today);
        let pending = std::mem::take(&mut self.pending);
        self.note_roles();
        if self.counts() && self.has_roles {
            self.count_pending(&pending);
        }
        self.next_look = self.rows;
    }

    fn decide(&mut self, tools: &mut Tools) {
        for column in &self.columns {
            tools.present.extend(column.proven(tools.look.about()));
        }
        for column in &mut self.columns {
            column.decide(tools.look.about(), &tools.present);
        }
    }

    /// Columns that hold dates of birth: their values, unlike other dates, are those of the kind that tells one.
    fn find_birthdays(&mut self, look: &Look, today: jiff::civil::Date) {
        for column in &mut self.columns {
            let tells = |kind: KindId| look.recogniser().facts(kind, b"1990-01-01", today).born.is_some();
            let kinds = column.findings.iter().filter(|finding| finding.named && !finding.in_text);
            let identifies = |kind: KindId| column.roles.iter().any(|role| role.space.kind == kind);
            column.born = kinds.map(|finding| finding.kind).find(|kind| !identifies(*kind) && tells(*kind));
        }
    }

    fn note_roles(&mut self) {
        self.has_roles = self.columns.iter().any(|column| !column.roles.is_empty());
        self.reads = self.has_roles || self.columns.iter().any(ColumnState::may_join);
    }

    /// Columns that a second pass should bring.
    pub(super) fn wanted(&self) -> Vec<String> {
        if !self.is_sampled() || self.rows_in_full.is_some() {
            return Vec::new();
        }
        let counted = |column: &ColumnState| !column.roles.is_empty() && column.told.is_none();
        let counts = self.columns.iter().any(counted);
        let wanted =
            |column: &&ColumnState| counted(column) || column.may_join() || counts && column.born.is_some();
        self.columns.iter().filter(wanted).map(|column| column.name.clone()).collect()
    }

    /// Begins to read all rows of the columns that were wanted.
    pub(super) fn begin_full_pass(&mut self, part: &Part, tools: &mut Tools) {
        self.settle(tools);
        self.census = Census::new();
        self.missed = false;
        self.undecided = false;
        self.rows_in_full = Some(0);
        self.rows_known = part.rows.or(self.rows_known);
        for column in &mut self.columns {
            column.distinct = crate::people::Sketch::new();
            column.counted = None;
            for role in &mut column.roles {
                role.passed_in_full = 0;
            }
        }
    }

    /// A column turned out to hold identifiers after rows had been read without them. Who is in those is not known.
    pub(super) fn late(&mut self) {
        let had_roles = self.has_roles;
        self.note_roles();
        if !had_roles && self.counts() {
            self.census.told(Bounds { lower: 0, estimate: 0, upper: self.rows });
        }
    }

    /// Forgets everything but what will be told. A closed part may still be read, to count people.
    pub(super) fn close(&mut self, tools: &mut Tools) -> Left {
        self.settle(tools);
        self.closed = true;
        let mut left = Left::default();
        let counted = self.counts() || self.rows_in_full.is_some();
        self.decide(tools);
        for column in &mut self.columns {
            if let Some(profile) = column.profile.take().filter(|_| column.may_join()) {
                column.accepted = profile.accepted();
            }
            column.hashes.compact();
            if counted {
                column.count();
            }
            if let (Some(digests), Some(role)) = (column.digests.take(), clear_role(&column.roles)) {
                let location = place(&self.location, &column.name);
                left.clear.push(ClearColumn { kind: role.space.kind, location, digests: *digests });
            }
        }
        if self.is_counted() {
            left.census = std::mem::take(&mut self.census);
        }
        self.note_roles();
        if !self.is_sampled() && self.columns.iter().all(ColumnState::is_silent) {
            self.columns = Vec::new();
            self.index = HashMap::new();
        }
        left
    }

    /// Counts a row of the first pass.
    pub(super) fn add_row(&mut self) {
        self.rows += 1;
        self.late_rows += u64::from(self.closed);
    }

    /// Rows that the statements on it rest on, and how many independent ones these are worth.
    pub(super) fn effective(&self) -> u64 {
        match self.choice {
            Choice::Everything | Choice::Uniform => self.looked_rows,
            Choice::PageClustered => statistics::effective(self.looked_rows, self.cluster),
            Choice::FirstRows => 0,
        }
    }

    /// All rows, as far as that is known.
    pub(super) fn all_rows(&self) -> Option<u64> {
        let counted = self.counts().then_some(self.rows).or(self.rows_in_full.filter(|_| !self.missed));
        counted.or(self.rows_known)
    }
}

fn clear_role(roles: &[Role]) -> Option<&Role> {
    roles.iter().find(|role| role.space.digest == 0)
}

/// A column's place.
pub(super) fn place(location: &str, column: &str) -> String {
    if location.is_empty() { column.to_owned() } else { format!("{location}.{column}") }
}
