//! Reads files, or the standard input for `-`, and counts what comes: for measuring the readers alone.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use model::NotRead;
use watertight_discover::file::{Limits, read_path, read_stream};
use watertight_discover::{Cell, ColumnId, Part, PartId, Place, Sink};

#[derive(Default)]
struct Count {
    columns: Vec<Vec<String>>,
    rows: u64,
    cells: u64,
    bytes: u64,
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

fn main() -> std::io::Result<()> {
    for argument in std::env::args().skip(1) {
        let (mut count, begin) = (Count::default(), Instant::now());
        let size = if argument == "-" {
            read_stream("-", &mut std::io::stdin().lock(), &Limits::default(), &mut count);
            count.bytes
        } else {
            read_path(Path::new(&argument), &Limits::default(), &mut count);
            std::fs::metadata(&argument)?.len()
        };
        let seconds = begin.elapsed().as_secs_f64();
        let out = &mut std::io::stdout();
        writeln!(out, "{argument}: {size} bytes in {seconds:.3} s, {:.0} MB/s", size as f64 / seconds / 1e6)?;
        let Count { rows, cells, bytes, texts, .. } = count;
        writeln!(out, "  {rows} rows, {cells} cells, {bytes} bytes in cells, {texts} bytes of text")?;
        writeln!(out, "  {:.0} rows/s, {} parts", rows as f64 / seconds, count.columns.len())?;
        for missing in count.not_read.iter().take(10) {
            writeln!(out, "  not read: {}: {}", missing.location, missing.why)?;
        }
    }
    Ok(())
}
