//! What the catalogue of PostgreSQL is asked, and what it answers. From version 9.5, which brought `TABLESAMPLE` and
//! row-level security. <https://www.postgresql.org/docs/15/catalogs.html>.

use model::NotRead;

use crate::store::Table;
use crate::store::rows::LONGEST_VALUE;

/// Databases of the cluster: name, whether it takes connections and is no template, whether this role may connect.
pub(super) const DATABASES: &str = "SELECT datname, datallowconn AND NOT datistemplate, \
     has_database_privilege(oid, 'CONNECT') FROM pg_database ORDER BY datname";

/// Relations outside of the system's schemas, which begin with `pg_`: no other may.
pub(super) const RELATIONS: &str = "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, \
     c.reltuples::numeric(20), c.relpages, c.relispopulated, row_security_active(c.oid), \
     has_schema_privilege(n.oid, 'USAGE') AND (has_table_privilege(c.oid, 'SELECT') \
       OR has_any_column_privilege(c.oid, 'SELECT')) \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'm', 'f') AND left(n.nspname::text, 3) <> 'pg_' \
       AND n.nspname <> 'information_schema' ORDER BY n.nspname, c.relname";

/// How many large objects there are: they are in no table of the user's.
pub(super) const LARGE_OBJECTS: &str = "SELECT count(*) FROM pg_largeobject_metadata";

/// The columns of a relation with their types below all domains.
pub(super) fn columns(oid: u32) -> String {
    format!(
        "SELECT a.attname, b.typname, b.typtype, b.typcategory, b.typlen, \
         has_column_privilege(a.attrelid, a.attnum, 'SELECT') \
         FROM pg_attribute a CROSS JOIN LATERAL (WITH RECURSIVE d(oid, base) AS (\
           SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid \
           UNION ALL SELECT t.oid, t.typbasetype FROM d JOIN pg_type t ON t.oid = d.base) \
           SELECT d.oid FROM d WHERE d.base = 0) base \
         JOIN pg_type b ON b.oid = base.oid \
         WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    )
}

/// Bytes of a relation; null when it is gone.
pub(super) fn size(oid: u32) -> String {
    format!("SELECT pg_relation_size({oid}), current_setting('block_size')")
}

/// A relation that is read.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) database: String,
    pub(super) oid: u32,
    /// Schema and name as SQL has them, without what inherits from it: that is listed by itself.
    pub(super) from: String,
    /// Policies hide rows from this role.
    pub(super) policies: bool,
}

/// A row of an answer.
pub(super) type Fields = Vec<Option<String>>;

fn text(fields: &Fields, at: usize) -> &str {
    fields.get(at).and_then(Option::as_deref).unwrap_or_default()
}

fn yes(fields: &Fields, at: usize) -> bool {
    text(fields, at) == "t"
}

/// A row of [`DATABASES`]: the name, or why it is not read.
pub(super) fn database(fields: &Fields) -> Result<String, NotRead> {
    let name = text(fields, 0).to_owned();
    let missing = |why: &str, by_design| NotRead { location: name.clone(), why: why.to_owned(), by_design };
    match (yes(fields, 1), yes(fields, 2)) {
        (false, _) => Err(missing("a template, or a database that takes no connections", true)),
        (true, false) => Err(missing("this role has no right to connect to the database", false)),
        (true, true) => Ok(name),
    }
}

/// A row of [`RELATIONS`]: what can be read, or why it is not. `prefix` is the database, where several are read.
pub(super) fn relation(fields: &Fields, database: &str, prefix: bool) -> Result<(Table, Relation), NotRead> {
    let (schema, name) = (text(fields, 1), text(fields, 2));
    let mut location = if prefix { format!("{}.", word(database)) } else { String::new() };
    location.push_str(&format!("{}.{}", word(schema), word(name)));
    let missing =
        |why: &str| Err(NotRead { location: location.clone(), why: why.to_owned(), by_design: false });
    match (text(fields, 3), yes(fields, 7)) {
        ("f", _) => {
            return missing("a foreign table: its rows are in another store, which is a target of its own");
        }
        ("m", false) => {
            return missing("a materialised view that was never filled (REFRESH MATERIALIZED VIEW)");
        }
        _ if !yes(fields, 9) => {
            return missing("this role has no right to SELECT from it (GRANT pg_read_all_data gives it all)");
        }
        _ => {}
    }
    let Ok(oid) = text(fields, 0).parse() else { return missing("the catalogue gives it no number") };
    // No page yet, or never counted: -1 since version 14, 0 before.
    let rows = text(fields, 5).parse().ok().filter(|rows| *rows > 0 && text(fields, 6) != "0");
    let from = format!("ONLY {}.{}", quote(schema), quote(name));
    let relation = Relation { database: database.to_owned(), oid, from, policies: yes(fields, 8) };
    Ok((Table { location, rows, exact: false }, relation))
}

/// A column, and how it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) readable: bool,
}

/// What a column holds, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Of a fixed size: short.
    Short,
    /// Of any size.
    Text,
    /// Bytes.
    Bytes,
    /// JSON.
    Json,
    /// What `to_json` can take apart: arrays, rows, hstore.
    Parts,
}

/// A row of [`columns`].
pub(super) fn column(fields: &Fields) -> Column {
    let shape = match (text(fields, 1), text(fields, 2), text(fields, 3)) {
        ("json" | "jsonb", _, _) => Shape::Json,
        ("bytea", _, _) => Shape::Bytes,
        ("hstore", _, _) | (_, "c", _) | (_, _, "A") => Shape::Parts,
        _ if text(fields, 4).starts_with('-') => Shape::Text,
        _ => Shape::Short,
    };
    Column { name: text(fields, 0).to_owned(), shape, readable: yes(fields, 5) }
}

impl Column {
    /// The expression that selects it. A value that is too long is cut by the server to one byte (or character) more than
    /// the longest, so that the cut is seen and told; `octet_length` needs not fetch what is stored out of line.
    pub(super) fn expression(&self) -> String {
        let name = quote(&self.name);
        let cut = |whole: &str, part: &str| {
            format!("CASE WHEN octet_length({whole}) > {LONGEST_VALUE} THEN {part} ELSE {whole} END")
        };
        let cut_text = |whole: &str| cut(whole, &format!("left({whole}, {})", LONGEST_VALUE + 1));
        match self.shape {
            Shape::Short => name,
            Shape::Text | Shape::Json => cut_text(&format!("{name}::text")),
            Shape::Parts => cut_text(&format!("to_json({name})::text")),
            Shape::Bytes => cut(&name, &format!("substring({name} FROM 1 FOR {})", LONGEST_VALUE + 1)),
        }
    }
}

/// A name as SQL has it.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as people write it: quoted only where SQL needs it.
fn word(name: &str) -> String {
    let plain = |character: char| {
        character.is_alphanumeric() && !character.is_uppercase() || matches!(character, '_' | '$')
    };
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quote(name) }
}

/// The estimate of rows in a plan: the last `rows=` of its first line, as a table may have any name.
pub(super) fn planned_rows(line: &str) -> Option<u64> {
    let (_, digits) = line.rsplit_once("rows=")?;
    digits.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[&str]) -> Fields {
        fields.iter().map(|field| Some((*field).to_owned())).collect()
    }

    #[test]
    fn places_are_written_as_people_write_them_and_asked_for_safely() {
        let fields = row(&["7", "public", "we\"ird.Name", "r", "p", "12", "1", "t", "f", "t"]);
        let (table, relation) = relation(&fields, "lab", true).unwrap();
        assert_eq!(table.location, "lab.public.\"we\"\"ird.Name\"");
        assert_eq!(relation.from, "ONLY \"public\".\"we\"\"ird.Name\"");
        assert_eq!(table.rows, Some(12));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_the_reason() {
        let told = |kind: &str, filled: &str, right: &str| {
            let fields = row(&["7", "s", "t", kind, "p", "-1", "0", filled, "f", right]);
            relation(&fields, "lab", false).map(|(table, _)| table.rows).map_err(|missing| missing.why)
        };
        assert_eq!(told("r", "t", "t"), Ok(None));
        assert!(told("f", "t", "t").unwrap_err().contains("foreign"));
        assert!(told("m", "f", "t").unwrap_err().contains("REFRESH"));
        assert!(told("r", "t", "f").unwrap_err().contains("no right"));
    }

    #[test]
    fn the_shape_of_a_column_follows_its_type() {
        let shape = |fields: &[&str]| column(&row(fields)).shape;
        assert_eq!(shape(&["c", "jsonb", "b", "U", "-1", "t"]), Shape::Json);
        assert_eq!(shape(&["c", "_text", "b", "A", "-1", "t"]), Shape::Parts);
        assert_eq!(shape(&["c", "address", "c", "C", "-1", "t"]), Shape::Parts);
        assert_eq!(shape(&["c", "int8", "b", "N", "8", "t"]), Shape::Short);
        assert_eq!(shape(&["c", "numeric", "b", "N", "-1", "t"]), Shape::Text);
        assert_eq!(
            column(&row(&["a\"b", "bytea", "b", "U", "-1", "f"])).expression().matches("\"a\"\"b\"").count(),
            3
        );
    }

    #[test]
    fn the_estimate_is_not_taken_from_a_name() {
        let line = "Seq Scan on \"rows=9 t\"  (cost=0.00..33.50 rows=1350 width=4)";
        assert_eq!(planned_rows(line), Some(1350));
        assert_eq!(planned_rows("Result"), None);
    }
}
