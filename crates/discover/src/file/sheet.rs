//! Spreadsheets: each sheet is a part. xlsx and xlsb by calamine, cell by cell: a sheet with one cell in each of two far
//! corners would fill the memory as a rectangle.

use std::io::{Read, Seek};

use calamine::{DataRef, Reader, Xlsb, Xlsx};

use super::input::Whole;
use super::job::{Job, member_name};
use super::names::is_header;
use super::rows::Rows;

/// Rows of the beginning that the header is judged by.
const JUDGED: usize = 20;

/// Cells of one sheet's row: Excel has 16,384 columns.
const COLUMNS: u32 = 16_384;

/// Bytes that may wait until a row ends and the header is found.
const HELD: usize = 16 << 20;

/// The values of a row and their columns, from 0.
type Row = Vec<(u32, Vec<u8>)>;

/// The rows of one sheet.
pub(super) struct Sheet<'a> {
    rows: Rows<'a>,
    /// The first rows, until it is known whether they begin with a header.
    first: Vec<Row>,
    is_judged: bool,
    /// The numbers of the columns.
    columns: Vec<u32>,
    heads: Vec<(u32, String)>,
    row: Option<u32>,
    cells: Row,
    held: usize,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(job: &mut Job<'_>, file: &'a str, location: &str) -> Self {
        Self {
            rows: Rows::new(job, file, location),
            first: Vec::new(),
            is_judged: false,
            columns: Vec::new(),
            heads: Vec::new(),
            row: None,
            cells: Vec::new(),
            held: 0,
        }
    }

    /// Takes a cell; cells come row by row.
    pub(super) fn cell(&mut self, job: &mut Job<'_>, row: u32, column: u32, value: Vec<u8>) {
        if self.row != Some(row) {
            self.end_row(job);
            self.row = Some(row);
        }
        if column < COLUMNS && !value.is_empty() && self.cells.len() < COLUMNS as usize {
            self.held += value.len();
            self.cells.push((column, value));
        }
        if self.held > HELD {
            self.end_row(job);
            self.judge(job);
        }
    }

    fn end_row(&mut self, job: &mut Job<'_>) {
        let cells = std::mem::take(&mut self.cells);
        if cells.is_empty() {
            return;
        }
        if self.is_judged {
            self.held = 0;
            self.put(job, &cells);
            return;
        }
        self.first.push(cells);
        if self.first.len() > JUDGED {
            self.judge(job);
        }
    }

    /// Finds out whether the first row is a header, and gives the rows that waited for that.
    fn judge(&mut self, job: &mut Job<'_>) {
        (self.is_judged, self.held) = (true, 0);
        let rows = std::mem::take(&mut self.first);
        // Only the columns of the first row matter: a sheet may have a cell far to the right.
        let heads: Vec<u32> =
            rows.first().map(|row| row.iter().map(|(column, _)| *column).collect()).unwrap_or_default();
        let of_heads = |row: &'_ Row| -> Vec<Vec<u8>> {
            let value =
                |head: &u32| row.iter().find(|(column, _)| column == head).map(|(_, value)| value.clone());
            heads.iter().map(|head| value(head).unwrap_or_default()).collect()
        };
        let all: Vec<Vec<Vec<u8>>> = rows.iter().map(of_heads).collect();
        let slices: Vec<Vec<&[u8]>> = all.iter().map(|row| row.iter().map(Vec::as_slice).collect()).collect();
        let mut rows = rows.iter();
        if slices.split_first().is_some_and(|(first, below)| is_header(first, below))
            && let Some(head) = rows.next()
        {
            self.heads = head
                .iter()
                .map(|(column, name)| (*column, String::from_utf8_lossy(name).trim().to_owned()))
                .collect();
        }
        for row in rows {
            self.put(job, row);
        }
    }

    fn put(&mut self, job: &mut Job<'_>, cells: &[(u32, Vec<u8>)]) {
        for (column, value) in cells {
            while self.columns.len() <= *column as usize {
                let next = self.columns.len() as u32;
                let head =
                    self.heads.iter().find(|(column, _)| *column == next).map(|(_, name)| name.as_str());
                let number = match head {
                    Some(head) => self.rows.column(head),
                    // Named when a value comes: an empty column is none.
                    None if next < *column => u32::MAX,
                    None => self.rows.column(&letters(next)),
                };
                self.columns.push(number);
            }
            let Some(number) = self.columns.get_mut(*column as usize) else { continue };
            if *number == u32::MAX {
                *number = self.rows.column(&letters(*column));
            }
            self.rows.push(job, *number, value);
        }
        if self.rows.end_row() {
            self.rows.deliver(job);
        }
    }

    /// Gives what is left.
    pub(super) fn end(mut self, job: &mut Job<'_>, is_whole: bool) {
        self.end_row(job);
        if !self.is_judged {
            self.judge(job);
        }
        self.rows.end(job, is_whole);
    }
}

/// The column's name in a spreadsheet: A, B, ... Z, AA.
fn letters(column: u32) -> String {
    let mut name = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        name.push(b'A' + (rest % 26) as u8);
        rest /= 26;
    }
    name.reverse();
    String::from_utf8_lossy(&name).into_owned()
}

/// Reads an xlsx or xlsb workbook whose members were found to be within the limits.
pub(super) fn read_xml(job: &mut Job<'_>, name: &str, whole: Whole, is_binary: bool) {
    let outcome = job.guarded(name, |job| {
        if is_binary {
            let Ok(mut book) = Xlsb::new(whole.seekable()) else { return false };
            for sheet in book.sheet_names() {
                let Ok(mut cells) = book.worksheet_cells_reader(&sheet) else { continue };
                every_cell(job, name, &sheet, &mut || {
                    let cell = cells.next_cell().map_err(drop)?;
                    Ok(cell.map(|cell| (cell.get_position(), text(cell.get_value()))))
                });
            }
        } else {
            let Ok(mut book) = Xlsx::new(whole.seekable()) else { return false };
            xlsx_sheets(job, name, &mut book);
        }
        true
    });
    if outcome == Some(false) {
        job.tell(
            name,
            "is a spreadsheet that is damaged or encrypted: open it and save it anew without a password",
        );
    }
}

fn xlsx_sheets<R: Read + Seek>(job: &mut Job<'_>, name: &str, book: &mut Xlsx<R>) {
    for sheet in book.sheet_names() {
        // A sheet that is a chart has no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&sheet) else { continue };
        every_cell(job, name, &sheet, &mut || {
            let cell = cells.next_cell().map_err(drop)?;
            Ok(cell.map(|cell| (cell.get_position(), text(cell.get_value()))))
        });
    }
}

/// The next cell: its row and column, and its text.
type NextCell<'a> = &'a mut dyn FnMut() -> Result<Option<((u32, u32), Vec<u8>)>, ()>;

fn every_cell(job: &mut Job<'_>, name: &str, sheet: &str, next: NextCell<'_>) {
    let location = member_name(name, sheet);
    let mut rows = Sheet::new(job, name, &location);
    let mut count = 0_u64;
    let is_whole = loop {
        match next() {
            Ok(Some(((row, column), value))) => rows.cell(job, row, column, value),
            Ok(None) => break true,
            Err(()) => {
                job.tell(&location, "is damaged within this sheet: open it and save it anew");
                break false;
            }
        }
        count += 1;
        if count.is_multiple_of(65_536) && job.is_over(&location) {
            break false;
        }
    };
    rows.end(job, is_whole);
}

fn text(value: &DataRef<'_>) -> Vec<u8> {
    match value {
        DataRef::Int(number) => number.to_string().into_bytes(),
        DataRef::Float(number) => number.to_string().into_bytes(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone().into_bytes()
        }
        DataRef::SharedString(text) => text.as_bytes().to_vec(),
        DataRef::Bool(truth) => truth.to_string().into_bytes(),
        DataRef::DateTime(date) if date.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            moment(year, month, day, hour, minute, second)
        }
        DataRef::DateTime(other) => other.as_f64().to_string().into_bytes(),
        DataRef::Error(_) | DataRef::Empty => Vec::new(),
    }
}

/// A moment as text; a day alone when it is midnight.
pub(super) fn moment(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Vec<u8> {
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) {
        date.into_bytes()
    } else {
        format!("{date} {hour:02}:{minute:02}:{second:02}").into_bytes()
    }
}
