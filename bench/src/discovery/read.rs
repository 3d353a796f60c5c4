//! The readers of files alone: rows, cells and texts are counted as they come.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use discover::file::{Limits, read_path};
use discover::{Cell, ColumnId, Part, PartId, Place, Sink};
use model::NotRead;
use nix::sys::resource::UsageWho;

use super::speed::processor;

/// What a reader brought.
#[derive(Debug, Default)]
pub(crate) struct Count {
    columns: Vec<Vec<String>>,
    /// Rows of all parts.
    pub(crate) rows: u64,
    cells: u64,
    /// Bytes in their cells.
    pub(crate) bytes: u64,
    texts: u64,
    not_read: Vec<NotRead>,
}

impl Sink for Count {
    fn part(&mut self, _: Part) -> PartId {
        self.columns.push(Vec::new());
        PartId(self.columns.len() - 1)
    }

    fn column(&mut self, part: PartId, name: &str) -> ColumnId {
        let Some(columns) = self.columns.get_mut(part.0) else { return ColumnId(0) };
        let place = columns.iter().position(|column| column == name);
        ColumnId(place.unwrap_or_else(|| {
            columns.push(name.to_owned());
            columns.len() - 1
        }))
    }

    fn row(&mut self, _: PartId, cells: &[Cell<'_>]) {
        self.rows += 1;
        self.cells += cells.len() as u64;
        self.bytes += cells.iter().map(|(_, value)| value.len() as u64).sum::<u64>();
    }

    fn rows(&mut self, _: PartId, _: u64) {}

    fn text(&mut self, _: &Place<'_>, text: &[u8]) {
        self.texts += text.len() as u64;
    }

    fn not_read(&mut self, missing: NotRead) {
        self.not_read.push(missing);
    }

    fn stop(&self) -> bool {
        false
    }
}

/// How long it took to read a file, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    /// Processor time of the whole program.
    pub(crate) cpu: f64,
    /// From start to end.
    pub(crate) wall: f64,
}

/// Reads a file or folder and counts.
///
/// # Errors
/// The system does not tell the processor time.
pub(crate) fn count(path: &Path) -> io::Result<(Count, Took)> {
    let (mut count, started, before) = (Count::default(), Instant::now(), processor(UsageWho::RUSAGE_SELF)?);
    read_path(path, &Limits::default(), &mut count);
    let cpu = processor(UsageWho::RUSAGE_SELF)? - before;
    Ok((count, Took { cpu, wall: started.elapsed().as_secs_f64() }))
}

/// Prints what is in files, by hand: for someone who works on a reader.
///
/// # Errors
/// A file is not there.
#[expect(clippy::cast_precision_loss, reason = "megabytes are shown, not counted")]
pub(crate) fn run(files: &[PathBuf]) -> io::Result<()> {
    for path in files {
        let size = fs::metadata(path)?.len();
        let (found, took) = count(path)?;
        println!(
            "{}: {size} bytes, {:.3} s, {:.3} s of a processor, {:.0} MB a processor second",
            path.display(),
            took.wall,
            took.cpu,
            size as f64 / took.cpu / 1e6
        );
        println!(
            "  {} rows in {} parts, {} cells of {} bytes, {} bytes of text",
            found.rows,
            found.columns.len(),
            found.cells,
            found.bytes,
            found.texts
        );
        for missing in found.not_read.iter().take(10) {
            println!("  not read: {}: {}", missing.location, missing.why);
        }
    }
    Ok(())
}
