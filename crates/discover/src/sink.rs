//! Between readers and the survey: what a reader brings, without knowing what becomes of it.

use model::{Choice, NotRead};

/// A table, index, collection, sheet or file with columns.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its place as people write it, below the target: `public.persons`, `people-2022`, `exports/people.csv`,
    /// `all.zip!people.xlsx!Sheet1`.
    pub location: String,
    /// How its rows are chosen.
    pub choice: Choice,
    /// How many rows it has in all, where the store says so or all of them were counted.
    pub rows: Option<u64>,
    /// Rows that come together from one page, segment or row group; 1 when rows are chosen one by one.
    pub cluster: u64,
}

/// A part that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(pub usize);

/// A column of a part, or a JSON path such as `person.phones[].number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub usize);

/// One value of a row: UTF-8 text where the reader could decode it, else the bytes. A null or absent value is no cell.
pub type Cell<'a> = (ColumnId, &'a [u8]);

/// Where in a file a text begins.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The file, as a path below the target; `a.zip!b.txt` in an archive.
    pub file: &'a str,
    /// The line that the text begins with, from 1; 0 when the file has no lines (a PDF's page, a table's cell).
    pub line: u64,
    /// The commit that brought the text in, and when, for texts from a history.
    pub commit: Option<(&'a str, jiff::Timestamp)>,
    /// Whether the text is still in the present state; `None` where there is no history.
    pub present: Option<bool>,
    /// The same bytes came as rows, too, which decide what is in them. The text is for what needs a line: secrets.
    pub as_rows: bool,
}

/// What takes in what readers bring. A reader asks [`Sink::stop`] between rows and chunks.
pub trait Sink: Send {
    /// Begins a part.
    fn part(&mut self, part: Part) -> PartId;

    /// The column of a part with this name; the same id for the same name.
    fn column(&mut self, part: PartId, name: &str) -> ColumnId;

    /// Takes a row. Cells of one column may occur several times (arrays).
    fn row(&mut self, part: PartId, cells: &[Cell<'_>]);

    /// Tells how many rows a part had, when that is known only after reading.
    fn rows(&mut self, part: PartId, rows: u64);

    /// Takes a text: whole lines, at most a few MiB at a time.
    fn text(&mut self, place: &Place<'_>, text: &[u8]);

    /// Notes what was not read, and why.
    fn not_read(&mut self, missing: NotRead);

    /// Whether the run was cut short or its budget is spent: the reader ends, and notes what it did not read.
    fn stop(&self) -> bool;
}
