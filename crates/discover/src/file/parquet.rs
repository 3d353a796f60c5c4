//! Parquet (<https://parquet.apache.org/docs/file-format/>), batch by batch. Nested fields are paths, as in JSON:
//! `person.phones[].number`.

use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use ::parquet::file::reader::ChunkReader;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch, StructArray};
use arrow_schema::{DataType, TimeUnit};

use super::input::Whole;
use super::job::Job;
use super::rows::Rows;

/// Rows of one batch.
const BATCH: usize = 4096;

/// Groups inside groups.
const DEPTH: usize = 32;

/// Reads every column of every row group.
pub(super) fn read(job: &mut Job<'_>, name: &str, whole: Whole) {
    job.guarded(name, |job| match whole {
        Whole::File(file, _) => read_file(job, name, file),
        Whole::Memory(bytes) => read_file(job, name, bytes),
    });
}

fn read_file<T: ChunkReader + 'static>(job: &mut Job<'_>, name: &str, input: T) {
    // The schema that Arrow's writer keeps beside Parquet's own only adds encodings of the same values.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(input, options)
        .and_then(|builder| builder.with_batch_size(BATCH).build());
    let Ok(reader) = reader else {
        job.tell(name, "is a Parquet file that is cut short, damaged or encrypted: write it anew");
        return;
    };
    let mut rows = Rows::new(job, name, name);
    let mut is_whole = true;
    for batch in reader {
        let Ok(batch) = batch else {
            job.tell(name, "is damaged within a row group: the rows up to there were read; write it anew");
            is_whole = false;
            break;
        };
        if !give(job, &mut rows, &batch) || job.is_over(name) {
            is_whole = false;
            break;
        }
    }
    rows.end(job, is_whole);
}

/// Gives the rows of a batch; false when a limit was hit.
fn give(job: &mut Job<'_>, rows: &mut Rows<'_>, batch: &RecordBatch) -> bool {
    // A billion equal values take a few bytes of a file: what they become counts as unpacked.
    if job.spent.unpacked(batch.get_array_memory_size() as u64, job.limits).is_err() {
        return false;
    }
    let schema = batch.schema();
    let columns: Vec<Column> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| Column::new(rows, field.name(), array, 0))
        .collect();
    let mut text = Vec::new();
    for row in 0..batch.num_rows() {
        for column in &columns {
            column.give(job, rows, row, &mut text);
        }
        if rows.end_row() {
            rows.deliver(job);
        }
    }
    true
}

/// Writes the value of a row as text.
type Write = Box<dyn Fn(usize, &mut Vec<u8>)>;

/// A column of a batch, whose type is looked up once.
enum Column {
    /// Text or bytes as they are.
    Bytes(ArrayRef, u32, fn(&ArrayRef, usize) -> &[u8]),
    /// Anything that is written as text.
    Other(ArrayRef, u32, Write),
    Struct(ArrayRef, Vec<Column>),
    /// A list or map: the elements of each row, and their column.
    List(ArrayRef, fn(&ArrayRef, usize) -> (usize, usize), Box<Column>),
    /// Holds no value that has a meaning alone.
    Nothing,
}

impl Column {
    fn new(rows: &mut Rows<'_>, path: &str, array: &ArrayRef, depth: usize) -> Self {
        if depth > DEPTH {
            return Self::Nothing;
        }
        let list = |rows: &mut Rows<'_>, values: &ArrayRef| {
            Box::new(Self::new(rows, &format!("{path}[]"), values, depth + 1))
        };
        let bytes = |rows: &mut Rows<'_>, take: fn(&ArrayRef, usize) -> &[u8]| {
            Self::Bytes(array.clone(), rows.column(path), take)
        };
        match array.data_type() {
            DataType::Utf8 => bytes(rows, |array, row| array.as_string::<i32>().value(row).as_bytes()),
            DataType::LargeUtf8 => bytes(rows, |array, row| array.as_string::<i64>().value(row).as_bytes()),
            DataType::Utf8View => bytes(rows, |array, row| array.as_string_view().value(row).as_bytes()),
            DataType::Binary => bytes(rows, |array, row| array.as_binary::<i32>().value(row)),
            DataType::LargeBinary => bytes(rows, |array, row| array.as_binary::<i64>().value(row)),
            DataType::BinaryView => bytes(rows, |array, row| array.as_binary_view().value(row)),
            DataType::FixedSizeBinary(_) => bytes(rows, |array, row| array.as_fixed_size_binary().value(row)),
            DataType::Struct(_) => {
                let group: &StructArray = array.as_struct();
                let inside = group.fields().iter().zip(group.columns());
                let inside = inside
                    .map(|(field, array)| {
                        Self::new(rows, &format!("{path}.{}", field.name()), array, depth + 1)
                    })
                    .collect();
                Self::Struct(array.clone(), inside)
            }
            DataType::List(_) => {
                let inside = list(rows, array.as_list::<i32>().values());
                Self::List(
                    array.clone(),
                    |array, row| range(array.as_list::<i32>().value_offsets(), row),
                    inside,
                )
            }
            DataType::LargeList(_) => {
                let inside = list(rows, array.as_list::<i64>().values());
                Self::List(
                    array.clone(),
                    |array, row| range(array.as_list::<i64>().value_offsets(), row),
                    inside,
                )
            }
            DataType::Map(..) => {
                let entries: ArrayRef = std::sync::Arc::new(array.as_map().entries().clone());
                let inside = list(rows, &entries);
                Self::List(array.clone(), |array, row| range(array.as_map().value_offsets(), row), inside)
            }
            _ => match writer(array) {
                Some(write) => Self::Other(array.clone(), rows.column(path), write),
                None => Self::Nothing,
            },
        }
    }

    fn give(&self, job: &mut Job<'_>, rows: &mut Rows<'_>, row: usize, text: &mut Vec<u8>) {
        match self {
            Self::Bytes(array, column, take) => {
                if array.is_valid(row) {
                    rows.push(job, *column, take(array, row));
                }
            }
            Self::Other(array, column, write) => {
                if array.is_valid(row) {
                    text.clear();
                    write(row, text);
                    rows.push(job, *column, text);
                }
            }
            Self::Struct(array, inside) => {
                if array.is_valid(row) {
                    inside.iter().for_each(|column| column.give(job, rows, row, text));
                }
            }
            Self::List(array, range, inside) => {
                if array.is_valid(row) {
                    let (from, to) = range(array, row);
                    (from..to).for_each(|row| inside.give(job, rows, row, text));
                }
            }
            Self::Nothing => {}
        }
    }
}

fn range<O: Copy + TryInto<usize>>(offsets: &[O], row: usize) -> (usize, usize) {
    let at = |place: usize| offsets.get(place).and_then(|offset| (*offset).try_into().ok()).unwrap_or(0);
    (at(row), at(row + 1))
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, write: fn(T::Native, &mut Vec<u8>)) -> Write {
    let array = array.as_primitive::<T>().clone();
    Box::new(move |row, text| write(array.value(row), text))
}

fn show<T: std::fmt::Display>(value: T, text: &mut Vec<u8>) {
    text.extend_from_slice(value.to_string().as_bytes());
}

fn writer(array: &ArrayRef) -> Option<Write> {
    Some(match array.data_type() {
        DataType::Boolean => {
            let array = array.as_boolean().clone();
            Box::new(move |row, text| show(array.value(row), text))
        }
        DataType::Int8 => primitive::<Int8Type>(array, show),
        DataType::Int16 => primitive::<Int16Type>(array, show),
        DataType::Int32 => primitive::<Int32Type>(array, show),
        DataType::Int64 => primitive::<Int64Type>(array, show),
        DataType::UInt8 => primitive::<UInt8Type>(array, show),
        DataType::UInt16 => primitive::<UInt16Type>(array, show),
        DataType::UInt32 => primitive::<UInt32Type>(array, show),
        DataType::UInt64 => primitive::<UInt64Type>(array, show),
        DataType::Float16 => primitive::<Float16Type>(array, show),
        DataType::Float32 => primitive::<Float32Type>(array, show),
        DataType::Float64 => primitive::<Float64Type>(array, show),
        DataType::Decimal32(_, scale) => decimal(array.as_primitive::<Decimal32Type>().clone(), *scale),
        DataType::Decimal64(_, scale) => decimal(array.as_primitive::<Decimal64Type>().clone(), *scale),
        DataType::Decimal128(_, scale) => decimal(array.as_primitive::<Decimal128Type>().clone(), *scale),
        DataType::Date32 => primitive::<Date32Type>(array, |days, text| date(i64::from(days), text)),
        DataType::Date64 => {
            primitive::<Date64Type>(array, |millis, text| date(millis.div_euclid(86_400_000), text))
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            primitive::<TimestampSecondType>(array, |at, text| moment(i128::from(at) * 1_000_000_000, text))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            primitive::<TimestampMillisecondType>(array, |at, text| moment(i128::from(at) * 1_000_000, text))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            primitive::<TimestampMicrosecondType>(array, |at, text| moment(i128::from(at) * 1000, text))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            primitive::<TimestampNanosecondType>(array, |at, text| moment(i128::from(at), text))
        }
        DataType::Time32(TimeUnit::Second) => {
            primitive::<Time32SecondType>(array, |at, text| clock(i64::from(at), text))
        }
        DataType::Time32(_) => {
            primitive::<Time32MillisecondType>(array, |at, text| clock(i64::from(at) / 1000, text))
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            primitive::<Time64MicrosecondType>(array, |at, text| clock(at / 1_000_000, text))
        }
        DataType::Time64(_) => {
            primitive::<Time64NanosecondType>(array, |at, text| clock(at / 1_000_000_000, text))
        }
        _ => return None,
    })
}

fn decimal<T: ArrowPrimitiveType>(array: arrow_array::PrimitiveArray<T>, scale: i8) -> Write
where
    T::Native: Into<i128>,
{
    Box::new(move |row, text| {
        let value: i128 = array.value(row).into();
        let scale = usize::try_from(scale).unwrap_or(0);
        let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
        let (whole, part) = digits.split_at_checked(digits.len() - scale).unwrap_or((&digits, ""));
        text.extend_from_slice(if value < 0 { b"-" } else { b"" });
        text.extend_from_slice(whole.as_bytes());
        if !part.is_empty() {
            text.push(b'.');
            text.extend_from_slice(part.as_bytes());
        }
    })
}

fn date(days: i64, text: &mut Vec<u8>) {
    let at = jiff::Timestamp::from_second(days.saturating_mul(86_400));
    if let Ok(at) = at {
        show(jiff::tz::Offset::UTC.to_datetime(at).date(), text);
    }
}

fn moment(nanoseconds: i128, text: &mut Vec<u8>) {
    if let Ok(at) = jiff::Timestamp::from_nanosecond(nanoseconds) {
        show(at, text);
    }
}

fn clock(seconds: i64, text: &mut Vec<u8>) {
    show(format_args!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60), text);
}
