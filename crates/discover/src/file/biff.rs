//! Compound files of old Office programs ([MS-CFB], <https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb>):
//! spreadsheets of Excel 97 to 2003 ([MS-XLS]) cell by cell, and Outlook's messages. A library that gives a sheet as a
//! rectangle would let two cells in far corners fill the memory.

use std::collections::HashMap;
use std::io::{self, BufReader, Read};

use super::block::BLOCK;
use super::input::{Seekable, Whole};
use super::job::{Job, member_name};
use super::sheet::{Sheet, moment};

/// Different texts of one book.
const STRINGS: usize = 4_000_000;

type Compound = cfb::CompoundFile<Seekable>;

/// Reads a compound file.
pub(super) fn read(job: &mut Job<'_>, name: &str, whole: Whole) {
    if whole.length() > job.limits.memory {
        return job.tell(
            name,
            "is too large for memory, in which a file of this format has to lie: save it in a new format",
        );
    }
    job.guarded(name, |job| {
        let Ok(mut file) = Compound::open(whole.seekable()) else {
            return job
                .tell(name, "is a compound file that is cut short or damaged: open it and save it anew");
        };
        let book = ["/Workbook", "/Book"].into_iter().find(|path| file.is_stream(path));
        if let Some(path) = book {
            read_book(job, name, &mut file, path);
        } else if file.exists("/__properties_version1.0") {
            read_message(job, name, &mut file);
        } else if file.exists("/EncryptedPackage") {
            job.tell(name, "is encrypted: save it without a password");
        } else {
            job.tell(
                name,
                "is an old document that is not read: save it in a new format, such as DOCX or PPTX",
            );
        }
    });
}

/// Gives the text properties of a message of Outlook ([MS-OXMSG]): their names end with the type of the value.
fn read_message(job: &mut Job<'_>, name: &str, file: &mut Compound) {
    let paths: Vec<(String, bool)> = file
        .walk()
        .filter(cfb::Entry::is_stream)
        .filter_map(|entry| {
            let is_wide = entry.name().ends_with("001F");
            let is_text =
                entry.name().starts_with("__substg1.0_") && (is_wide || entry.name().ends_with("001E"));
            is_text.then(|| (entry.path().to_string_lossy().into_owned(), is_wide))
        })
        .collect();
    for (path, is_wide) in paths {
        let mut bytes = Vec::new();
        let read =
            file.open_stream(&path).and_then(|stream| stream.take(job.limits.memory).read_to_end(&mut bytes));
        if let Err(error) = read {
            job.tell_error(name, &error);
            continue;
        }
        let encoding = if is_wide { encoding_rs::UTF_16LE } else { super::decode::sniff(&bytes).0 };
        let text = encoding.decode_without_bom_handling(&bytes).0;
        text.as_bytes().chunks(BLOCK).for_each(|piece| job.text(name, 0, piece));
    }
}

/// A record: its type and its data.
struct Records<R> {
    input: R,
    /// The type and length of the record that was looked at.
    ahead: Option<(u16, usize)>,
}

impl<R: Read> Records<R> {
    fn head(&mut self) -> io::Result<Option<(u16, usize)>> {
        if self.ahead.is_none() {
            let mut head = [0; 4];
            match self.input.read_exact(&mut head) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                other => other?,
            }
            let [a, b, c, d] = head;
            self.ahead = Some((u16::from_le_bytes([a, b]), usize::from(u16::from_le_bytes([c, d]))));
        }
        Ok(self.ahead)
    }

    /// The next record, its data in `into`.
    fn next(&mut self, into: &mut Vec<u8>) -> io::Result<Option<u16>> {
        let Some((sort, length)) = self.head()? else { return Ok(None) };
        self.ahead = None;
        into.resize(length, 0);
        self.input.read_exact(into)?;
        Ok(Some(sort))
    }
}

#[derive(Default)]
struct Book {
    strings: Vec<String>,
    sheets: Vec<String>,
    /// Of each cell format the number format.
    formats: Vec<u16>,
    /// Number formats of the book's own that show dates.
    dates: HashMap<u16, bool>,
    is_1904: bool,
}

fn read_book(job: &mut Job<'_>, name: &str, file: &mut Compound, path: &str) {
    let stream = match file.open_stream(path) {
        Ok(stream) => stream,
        Err(error) => return job.tell_error(name, &error),
    };
    let mut records = Records { input: BufReader::with_capacity(64 << 10, stream), ahead: None };
    if let Err(error) = every_record(job, name, &mut records) {
        job.tell_error(name, &error);
    }
}

fn every_record<R: Read>(job: &mut Job<'_>, name: &str, records: &mut Records<R>) -> io::Result<()> {
    let (mut book, mut data) = (Book::default(), Vec::new());
    // The first substream is the book, the others are its sheets, in order.
    let (mut number, mut sheet): (usize, Option<Sheet<'_>>) = (0, None);
    let mut formula = (0, 0);
    let mut count = 0_u64;
    while let Some(sort) = records.next(&mut data)? {
        count += 1;
        if count.is_multiple_of(65_536) && job.is_over(name) {
            return Ok(());
        }
        match (sort, &mut sheet) {
            (0x0809, _) if u16_at(&data, 0) != Some(0x0600) => {
                job.tell(name, "is a spreadsheet of Excel 95 or older, which is not read: save it as XLSX");
                return Ok(());
            }
            (0x0809, None) if number > 0 => {
                let title = book.sheets.get(number - 1).cloned().unwrap_or_else(|| format!("sheet {number}"));
                sheet = Some(Sheet::new(job, name, &member_name(name, &title)));
            }
            (0x000a, open) => {
                number += 1;
                if let Some(sheet) = open.take() {
                    sheet.end(job, true);
                }
            }
            (0x002f, _) => {
                job.tell(name, "is encrypted: save it without a password");
                return Ok(());
            }
            (0x0207, Some(sheet)) => {
                let text = wide_string(&data, 0).unwrap_or_default();
                sheet.cell(job, formula.0, formula.1, text.into_bytes());
            }
            (_, Some(sheet)) => {
                for (row, column, value) in book.cells(sort, &data, &mut formula) {
                    sheet.cell(job, row, column, value);
                }
            }
            (_, None) => book.global(sort, &data, records)?,
        }
    }
    if let Some(sheet) = sheet {
        job.tell(name, "ends within a sheet: it was cut short; get a whole copy of it");
        sheet.end(job, false);
    }
    Ok(())
}

impl Book {
    /// Takes a record of the book as a whole.
    fn global<R: Read>(&mut self, sort: u16, data: &[u8], records: &mut Records<R>) -> io::Result<()> {
        match sort {
            0x0022 => self.is_1904 = u16_at(data, 0) == Some(1),
            0x0085 => {
                let length = data.get(6).copied().unwrap_or(0);
                self.sheets
                    .push(string(data.get(7..).unwrap_or_default(), usize::from(length)).unwrap_or_default());
            }
            0x00e0 => self.formats.push(u16_at(data, 2).unwrap_or(0)),
            0x041e => {
                if let (Some(number), Some(format)) = (u16_at(data, 0), wide_string(data, 2)) {
                    self.dates.insert(number, is_date_format(&format));
                }
            }
            0x00fc => self.strings = shared_strings(data, records)?,
            _ => {}
        }
        Ok(())
    }

    /// The cells of a record: row, column and text.
    fn cells(&self, sort: u16, data: &[u8], formula: &mut (u32, u32)) -> Vec<(u32, u32, Vec<u8>)> {
        let place = |at: usize| u16_at(data, at).map(u32::from);
        let (Some(row), Some(column)) = (place(0), place(2)) else { return Vec::new() };
        let format = u16_at(data, 4).unwrap_or(0);
        let value = match sort {
            0x00fd => u32_at(data, 6)
                .and_then(|place| self.strings.get(place as usize))
                .map(|text| text.clone().into_bytes()),
            0x0204 => wide_string(data, 6).map(String::into_bytes),
            0x0203 => f64_at(data, 6).map(|number| self.number(number, format)),
            0x027e => u32_at(data, 6).map(|number| self.number(rk(number), format)),
            0x0006 => {
                *formula = (row, column);
                // A text follows in a record of its own; truth values and errors are left out.
                let is_number = u16_at(data, 12) != Some(0xffff);
                f64_at(data, 6).filter(|_| is_number).map(|number| self.number(number, format))
            }
            0x00bd => {
                let (pairs, _) = data.get(4..).unwrap_or_default().as_chunks::<6>();
                let cell = |(place, pair): (usize, &[u8; 6])| {
                    let [a, b, c, d, e, f] = *pair;
                    let number = rk(u32::from_le_bytes([c, d, e, f]));
                    (row, column + place as u32, self.number(number, u16::from_le_bytes([a, b])))
                };
                return pairs.iter().enumerate().map(cell).collect();
            }
            _ => None,
        };
        value.map(|value| (row, column, value)).into_iter().collect()
    }

    fn number(&self, number: f64, format: u16) -> Vec<u8> {
        let format = self.formats.get(usize::from(format)).copied().unwrap_or(0);
        // Built-in formats: ECMA-376 part 1, 18.8.30.
        let is_date = self
            .dates
            .get(&format)
            .copied()
            .unwrap_or(matches!(format, 14..=22 | 27..=36 | 45..=47 | 50..=58));
        if !is_date || !(0.0..2_958_466.0).contains(&number) {
            return number.to_string().into_bytes();
        }
        let sort = calamine::ExcelDateTimeType::DateTime;
        let date = calamine::ExcelDateTime::new(number, sort, self.is_1904);
        let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
        moment(year, month, day, hour, minute, second)
    }
}

/// Whether a number format shows a day or a time: letters for these outside of quotes and brackets.
fn is_date_format(format: &str) -> bool {
    let (mut quoted, mut bracket) = (false, false);
    format.chars().any(|letter| {
        match letter {
            '"' => quoted = !quoted,
            '[' => bracket = true,
            ']' => bracket = false,
            _ => return !quoted && !bracket && "ymdhsYMDHS年月日".contains(letter),
        }
        false
    })
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn f64_at(data: &[u8], at: usize) -> Option<f64> {
    data.get(at..at + 8)?.try_into().ok().map(f64::from_le_bytes)
}

/// A number in 32 bits: [MS-XLS] 2.5.122.
fn rk(number: u32) -> f64 {
    let value = if number & 2 == 2 {
        f64::from((number as i32) >> 2)
    } else {
        f64::from_bits(u64::from(number & !3) << 32)
    };
    if number & 1 == 1 { value / 100.0 } else { value }
}

/// A string with its flags in front, of so many letters.
fn string(data: &[u8], letters: usize) -> Option<String> {
    let (flags, rest) = data.split_first()?;
    let mut text = String::new();
    letters_of(rest, letters, flags & 1 == 1, &mut text);
    Some(text)
}

fn wide_string(data: &[u8], at: usize) -> Option<String> {
    let letters = u16_at(data, at)?;
    string(data.get(at + 2..)?, usize::from(letters))
}

/// Appends up to so many letters: how many there were.
fn letters_of(data: &[u8], letters: usize, is_wide: bool, text: &mut String) -> usize {
    if is_wide {
        let (pairs, _) = data.as_chunks::<2>();
        let units = pairs.iter().take(letters).map(|pair| u16::from_le_bytes(*pair));
        text.extend(char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)));
        pairs.len().min(letters)
    } else {
        text.extend(data.iter().take(letters).map(|byte| char::from(*byte)));
        data.len().min(letters)
    }
}

/// The strings that cells share; they go on in `CONTINUE` records, each of which begins with new flags when it begins
/// within letters ([MS-XLS] 2.5.293).
fn shared_strings<R: Read>(first: &[u8], records: &mut Records<R>) -> io::Result<Vec<String>> {
    let mut chunks = Chunks { data: first.get(8..).unwrap_or_default().to_vec(), at: 0, records };
    let mut strings = Vec::new();
    while let Some(letters) = chunks.u16()? {
        let Some(flags) = chunks.byte()? else { break };
        let runs = if flags & 8 == 8 { chunks.u16()?.unwrap_or(0) } else { 0 };
        let extra = if flags & 4 == 4 { chunks.u32()?.unwrap_or(0) } else { 0 };
        let (mut missing, mut is_wide, mut text) = (usize::from(letters), flags & 1 == 1, String::new());
        while missing > 0 {
            let rest = chunks.data.get(chunks.at..).unwrap_or_default();
            let read = letters_of(rest, missing, is_wide, &mut text);
            chunks.at += if is_wide { read * 2 } else { read };
            missing -= read;
            if missing > 0 {
                if !chunks.next()? {
                    break;
                }
                is_wide = chunks.byte()?.is_some_and(|flags| flags & 1 == 1);
            }
        }
        strings.push(text);
        if strings.len() > STRINGS {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        chunks.pass(usize::from(runs) * 4 + extra as usize)?;
    }
    Ok(strings)
}

struct Chunks<'a, R> {
    data: Vec<u8>,
    at: usize,
    records: &'a mut Records<R>,
}

impl<R: Read> Chunks<'_, R> {
    /// Goes to the next `CONTINUE` record; false when there is none.
    fn next(&mut self) -> io::Result<bool> {
        if self.records.head()?.is_none_or(|(sort, _)| sort != 0x003c) {
            return Ok(false);
        }
        self.at = 0;
        self.records.next(&mut self.data)?;
        Ok(true)
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        while self.at >= self.data.len() {
            if !self.next()? {
                return Ok(None);
            }
        }
        self.at += 1;
        Ok(self.data.get(self.at - 1).copied())
    }

    fn u16(&mut self) -> io::Result<Option<u16>> {
        let (Some(low), Some(high)) = (self.byte()?, self.byte()?) else { return Ok(None) };
        Ok(Some(u16::from_le_bytes([low, high])))
    }

    fn u32(&mut self) -> io::Result<Option<u32>> {
        let (Some(low), Some(high)) = (self.u16()?, self.u16()?) else { return Ok(None) };
        Ok(Some(u32::from(high) << 16 | u32::from(low)))
    }

    fn pass(&mut self, mut count: usize) -> io::Result<()> {
        while count > 0 {
            let here = self.data.len().saturating_sub(self.at).min(count);
            self.at += here;
            count -= here;
            if count > 0 && !self.next()? {
                break;
            }
        }
        Ok(())
    }
}
