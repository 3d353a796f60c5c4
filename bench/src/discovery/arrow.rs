//! People as Arrow columns and as a Parquet file.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use synth::{Table, World};

/// Rows of a batch that the program's own reader takes at a time.
pub(crate) const BATCH: usize = 4096;
/// Rows that are handed to the writer at a time.
const WRITTEN: u64 = 1 << 16;

/// Some records of a table as a Parquet file: pages packed with Snappy, as most writers do unless they are told otherwise.
///
/// # Errors
/// The writer's.
pub(crate) fn parquet(world: &World, table: &Table, records: Range<u64>) -> io::Result<Bytes> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut from = records.end.min(records.start + WRITTEN);
    let first = batch(world, table, records.start..from)?;
    let mut out = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut out, first.schema(), Some(properties)).map_err(io::Error::other)?;
    writer.write(&first).map_err(io::Error::other)?;
    while from < records.end {
        let to = records.end.min(from + WRITTEN);
        writer.write(&batch(world, table, from..to)?).map_err(io::Error::other)?;
        from = to;
    }
    writer.close().map_err(io::Error::other)?;
    Ok(out.into())
}

fn batch(world: &World, table: &Table, records: Range<u64>) -> io::Result<RecordBatch> {
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for column in &table.columns {
        let values = world.records(records.clone()).map(|record| {
            let mut value = Vec::new();
            let there = world.write(&record, column.field, &mut value);
            there.then(|| String::from_utf8_lossy(&value).into_owned())
        });
        let array: ArrayRef = if column.field.is_number() {
            Arc::new(values.map(|value| value?.parse::<i64>().ok()).collect::<Int64Array>())
        } else {
            Arc::new(values.collect::<StringArray>())
        };
        columns.push((&column.name, array));
    }
    RecordBatch::try_from_iter(columns).map_err(io::Error::other)
}

/// Reads the batches of a Parquet file.
///
/// # Errors
/// The reader's.
pub(crate) fn batches(file: &Bytes, take: &mut dyn FnMut(RecordBatch)) -> io::Result<()> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone())
        .and_then(|builder| builder.with_batch_size(BATCH).build())
        .map_err(io::Error::other)?;
    for batch in reader {
        take(batch.map_err(io::Error::other)?);
    }
    Ok(())
}

/// Hands over the values of a column as text, as the program's reader does. Returns how many bytes they have.
pub(crate) fn values(array: &ArrayRef, take: &mut dyn FnMut(&[u8])) -> u64 {
    let mut bytes = 0;
    let mut one = |value: &[u8]| {
        bytes += value.len() as u64;
        take(value);
    };
    match array.data_type() {
        DataType::Int64 => {
            let mut text = String::new();
            for number in array.as_primitive::<Int64Type>().iter().flatten() {
                text.clear();
                let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{number}"));
                one(text.as_bytes());
            }
        }
        _ => array.as_string::<i32>().iter().flatten().for_each(|value| one(value.as_bytes())),
    }
    bytes
}

#[cfg(test)]
mod tests {
    use synth::Settings;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let world = World::new(Settings::new(3, 5_000)).unwrap();
        let file = parquet(&world, &Table::of("persons", &world).unwrap(), 0..5_000).unwrap();
        let (mut rows, mut bytes) = (0, 0);
        let mut longest = 0;
        batches(&file, &mut |batch| {
            rows += batch.num_rows();
            longest = longest.max(batch.num_rows());
            bytes += batch.columns().iter().map(|column| values(column, &mut |_| {})).sum::<u64>();
        })
        .unwrap();
        assert_eq!((rows, longest), (5_000, BATCH));
        assert!(bytes > 5_000 * 100);
    }
}
