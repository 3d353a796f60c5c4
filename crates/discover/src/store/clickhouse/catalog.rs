//! What the catalogue of ClickHouse is asked, and what it answers: <https://clickhouse.com/docs/operations/system-tables>.

use model::NotRead;

use crate::store::Table;
use crate::store::rows::LONGEST_VALUE;

/// A row of an answer.
pub(super) type Fields = Vec<Option<Vec<u8>>>;

/// The system's own databases.
pub(super) const SYSTEM: &[&str] =
    &["system", "information_schema", "INFORMATION_SCHEMA", "_temporary_and_external_tables"];
/// Engines that hold rows themselves, besides those whose names end with MergeTree.
const HOLDING: &[&str] = &["Log", "TinyLog", "StripeLog", "Memory", "EmbeddedRocksDB"];
/// Engines that show rows of other tables, which are read, or hold none.
const SHOWING: &[&str] = &["View", "MaterializedView", "LiveView", "WindowView", "Merge", "Buffer", "Null"];
/// Engines that give a row once: who reads it takes it away from those it is meant for.
const QUEUES: &[&str] = &["Kafka", "RabbitMQ", "NATS", "S3Queue", "AzureQueue", "FileLog"];

/// A value as SQL has it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn only(database: Option<&str>) -> String {
    database.map(|name| format!(" AND database = {}", literal(name))).unwrap_or_default()
}

/// What is asked: the list of expressions, and what follows it.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) list: String,
    pub(super) rest: String,
}

fn question(list: &str, rest: String) -> Question {
    Question { list: list.to_owned(), rest }
}

/// Tables of one database, or of all.
pub(super) fn tables(database: Option<&str>) -> Question {
    let only = only(database);
    let rest = format!("FROM system.tables WHERE NOT is_temporary{only} ORDER BY database, name");
    question("database, name, engine, sampling_key", rest)
}

/// Rows and bytes of the tables that keep parts.
pub(super) fn sizes(database: Option<&str>) -> Question {
    let rest = format!("FROM system.parts WHERE active{} GROUP BY database, table", only(database));
    question("database, table, sum(rows), sum(bytes_on_disk)", rest)
}

/// Whether there is such a database.
pub(super) fn database(name: &str) -> Question {
    question("name", format!("FROM system.databases WHERE name = {}", literal(name)))
}

/// The columns of a table.
pub(super) fn columns(relation: &Relation) -> Question {
    let (database, table) = (literal(&relation.database), literal(&relation.name));
    question(
        "name, type, default_kind",
        format!("FROM system.columns WHERE database = {database} AND table = {table}"),
    )
}

/// How many rows a table has.
pub(super) fn count(relation: &Relation) -> Question {
    question("count()", format!("FROM {}", relation.from))
}

/// A table that is read.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) database: String,
    pub(super) name: String,
    /// Database and name as SQL has them.
    pub(super) from: String,
    /// Rows and bytes, where the table keeps parts.
    pub(super) size: Option<(u64, u64)>,
    /// It has a key to sample by.
    pub(super) sampling: bool,
}

pub(super) fn text(fields: &Fields, at: usize) -> String {
    let bytes = fields.get(at).and_then(Option::as_deref).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// A number in a row.
pub(super) fn number(fields: &Fields, at: usize) -> Option<u64> {
    text(fields, at).parse().ok()
}

/// A row of [`tables`]: what can be read, or why it is not; nothing for what the system has for itself.
pub(super) fn relation(fields: &Fields, only: Option<&str>) -> Option<Result<(Table, Relation), NotRead>> {
    let (database, name, engine) = (text(fields, 0), text(fields, 1), text(fields, 2));
    if only.is_none() && SYSTEM.contains(&database.as_str()) {
        return None;
    }
    let location = match only {
        Some(_) => word(&name),
        None => format!("{}.{}", word(&database), word(&name)),
    };
    let missing = |why: String, by_design| Some(Err(NotRead { location: location.clone(), why, by_design }));
    if SHOWING.contains(&engine.as_str()) {
        return missing(format!("it holds no rows of its own ({engine})"), true);
    }
    if QUEUES.contains(&engine.as_str()) {
        return missing(
            format!("a queue ({engine}): to read it would take its messages away from others"),
            false,
        );
    }
    if !engine.ends_with("MergeTree") && !HOLDING.contains(&engine.as_str()) {
        return missing(format!("its rows are elsewhere ({engine}), in what is a target of its own"), false);
    }
    let relation = Relation {
        from: format!("{}.{}", quote(&database), quote(&name)),
        size: None,
        sampling: !text(fields, 3).is_empty(),
        database,
        name,
    };
    Some(Ok((Table { location, rows: None, exact: false }, relation)))
}

/// What a column holds, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Of a fixed size: short.
    Short,
    /// Bytes of a fixed size, filled up with zeros.
    Filled,
    /// Text or bytes of any size.
    Long,
    /// Arrays, tuples, maps.
    Parts,
    /// An unfinished aggregate.
    Unfinished,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) shape: Shape,
}

/// A row of [`columns`]; nothing for those that are computed from others, or never kept.
pub(super) fn column(fields: &Fields) -> Option<Column> {
    let (name, kind, default) = (text(fields, 0), text(fields, 1), text(fields, 2));
    if matches!(default.as_str(), "ALIAS" | "EPHEMERAL") {
        return None;
    }
    let mut kind = kind.as_str();
    while let Some(inner) = kind.strip_prefix("Nullable(").or_else(|| kind.strip_prefix("LowCardinality(")) {
        kind = inner;
    }
    let is = |names: &[&str]| names.iter().any(|name| kind.starts_with(name));
    let shape = match kind {
        _ if is(&["String"]) => Shape::Long,
        _ if is(&["FixedString"]) => Shape::Filled,
        _ if is(&["Array", "Tuple", "Map", "Nested"]) => Shape::Parts,
        _ if is(&["AggregateFunction"]) => Shape::Unfinished,
        _ => Shape::Short,
    };
    Some(Column { name, shape })
}

impl Column {
    /// The expression that selects it; a value that is too long is cut by the server to one byte more than the longest, so
    /// that the cut is seen and told.
    pub(super) fn expression(&self) -> String {
        let name = quote(&self.name);
        match self.shape {
            Shape::Long => {
                format!("if(length({name})>{LONGEST_VALUE},substring({name},1,{}),{name})", LONGEST_VALUE + 1)
            }
            _ => name,
        }
    }

    /// The same without the cut, where many columns would make the question too long.
    pub(super) fn plain(&self) -> String {
        quote(&self.name)
    }
}

/// A name as SQL has it.
pub(super) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// A name as people write it: quoted only where SQL needs it.
fn word(name: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || character == '_';
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quote(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[&str]) -> Fields {
        fields.iter().map(|field| Some(field.as_bytes().to_vec())).collect()
    }

    #[test]
    fn engines_tell_what_may_be_read() {
        let read = |engine: &str| relation(&row(&["lab", "t", engine, ""]), None).unwrap();
        assert!(read("ReplicatedReplacingMergeTree").is_ok() && read("TinyLog").is_ok());
        assert!(read("MaterializedView").unwrap_err().by_design);
        assert!(read("Kafka").unwrap_err().why.contains("queue"));
        assert!(!read("Distributed").unwrap_err().by_design);
        assert!(relation(&row(&["system", "query_log", "MergeTree", ""]), None).is_none());
    }

    #[test]
    fn the_shape_of_a_column_follows_its_type() {
        let shape = |kind: &str| column(&row(&["c", kind, ""])).map(|column| column.shape);
        assert_eq!(shape("LowCardinality(Nullable(String))"), Some(Shape::Long));
        assert_eq!(shape("FixedString(16)"), Some(Shape::Filled));
        assert_eq!(shape("Array(Nullable(String))"), Some(Shape::Parts));
        assert_eq!(shape("UInt64"), Some(Shape::Short));
        assert_eq!(shape("AggregateFunction(uniq, String)"), Some(Shape::Unfinished));
        assert_eq!(column(&row(&["c", "String", "ALIAS"])), None);
    }

    #[test]
    fn names_do_not_end_their_quotes() {
        assert_eq!(quote("a`b\\"), "`a\\`b\\\\`");
        assert_eq!(literal("a'b\\"), "'a\\'b\\\\'");
    }
}
