//! What the catalogue of MySQL and MariaDB is asked, and what it answers:
//! <https://dev.mysql.com/doc/refman/8.0/en/information-schema.html>, <https://mariadb.com/kb/en/information-schema-tables/>.

use model::NotRead;

use crate::store::Table;
use crate::store::rows::LONGEST_VALUE;

/// A row of an answer.
pub(super) type Fields = Vec<Option<Vec<u8>>>;

/// The system's own databases.
pub(super) const SYSTEM: &[&str] = &["information_schema", "mysql", "performance_schema", "sys"];

/// Engines whose rows are elsewhere: to read them, the server would dial.
const ELSEWHERE: &[&str] = &["CONNECT", "FEDERATED", "OQGRAPH", "S3", "SPHINX", "SPIDER"];
/// Engines whose readers make writers wait.
const LOCKING: &[&str] = &["Aria", "CSV", "MEMORY", "MyISAM"];

/// A value as SQL has it whatever the mode of the session is.
fn literal(text: &str) -> String {
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    if digits.is_empty() { "''".to_owned() } else { format!("_utf8 0x{digits}") }
}

/// Tables of one database, or of all.
pub(super) fn tables(database: Option<&str>) -> String {
    let only = database.map(|name| format!(" WHERE TABLE_SCHEMA = {}", literal(name))).unwrap_or_default();
    format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH \
         FROM information_schema.TABLES{only} ORDER BY TABLE_SCHEMA, TABLE_NAME"
    )
}

/// Whether this account may SELECT everything, or everything in one database; roles are not looked at.
pub(super) fn sees_all(database: Option<&str>) -> String {
    let me = "CONCAT('''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')";
    let right = format!("PRIVILEGE_TYPE = 'SELECT' AND GRANTEE = {me}");
    let everywhere = format!("SELECT 1 FROM information_schema.USER_PRIVILEGES WHERE {right}");
    match database {
        None => everywhere,
        Some(name) => format!(
            "{everywhere} UNION ALL SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES \
             WHERE {right} AND {} LIKE TABLE_SCHEMA",
            literal(name)
        ),
    }
}

/// Whether there is such a database.
pub(super) fn database(name: &str) -> String {
    format!("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {}", literal(name))
}

/// The columns of a table.
pub(super) fn columns(relation: &Relation) -> String {
    format!(
        "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_KEY, PRIVILEGES, TABLE_NAME FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} ORDER BY ORDINAL_POSITION",
        literal(&relation.database),
        literal(&relation.name)
    )
}

/// MariaDB's JSON columns are texts with a check.
pub(super) fn checks(relation: &Relation) -> String {
    format!(
        "SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
         WHERE CONSTRAINT_SCHEMA = {} AND TABLE_NAME = {}",
        literal(&relation.database),
        literal(&relation.name)
    )
}

/// A table that is read.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) database: String,
    pub(super) name: String,
    /// Database and name as SQL has them.
    pub(super) from: String,
    /// Bytes of its rows, an estimate.
    pub(super) bytes: u64,
    pub(super) rows: Option<u64>,
    /// Writers wait while it is read.
    pub(super) locking: bool,
    /// It keeps former rows, which a plain question does not see.
    pub(super) versioned: bool,
}

fn text(fields: &Fields, at: usize) -> String {
    let bytes = fields.get(at).and_then(Option::as_deref).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// A row of [`tables`]: what can be read, or why it is not; nothing for views, whose tables are read, and for the system's.
pub(super) fn relation(fields: &Fields, only: Option<&str>) -> Option<Result<(Table, Relation), NotRead>> {
    let (database, name, kind, engine) = (text(fields, 0), text(fields, 1), text(fields, 2), text(fields, 3));
    let system = only.is_none() && SYSTEM.iter().any(|known| database.eq_ignore_ascii_case(known));
    // The catalogue compares names without case; two databases may differ in nothing else.
    let other = only.is_some_and(|only| only != database);
    if system || other || kind.contains("VIEW") || kind == "SEQUENCE" {
        return None;
    }
    let location = match only {
        Some(_) => word(&name),
        None => format!("{}.{}", word(&database), word(&name)),
    };
    let missing = |why: &str, by_design| {
        Some(Err(NotRead { location: location.clone(), why: why.to_owned(), by_design }))
    };
    let is_one_of = |engines: &[&str]| engines.iter().any(|known| engine.eq_ignore_ascii_case(known));
    if fields.get(3).is_none_or(Option::is_none) {
        return missing("the server cannot open the table", false);
    }
    if is_one_of(ELSEWHERE) {
        return missing(
            &format!("its rows are in another store ({engine}), which is a target of its own"),
            false,
        );
    }
    if is_one_of(&["MRG_MyISAM"]) {
        return missing("it holds no rows but those of other tables, which are read", true);
    }
    let number = |at: usize| text(fields, at).parse::<u64>().ok();
    let rows = number(4);
    let relation = Relation {
        from: format!("{}.{}", quote(&database), quote(&name)),
        bytes: number(5).unwrap_or_default(),
        rows,
        locking: is_one_of(LOCKING),
        versioned: kind == "SYSTEM VERSIONED",
        database,
        name,
    };
    Some(Ok((Table { location, rows, exact: is_one_of(LOCKING) }, relation)))
}

/// What a column holds, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Of a fixed size: short.
    Short,
    /// A number of bits, which comes as bytes.
    Bits,
    /// Text or bytes of any size.
    Long,
    /// JSON.
    Json,
    /// A geometry, which is asked for as text.
    Geometry,
}

/// A column, and how it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) readable: bool,
    /// It is part of the primary key.
    pub(super) key: bool,
    integer: bool,
}

/// A row of [`columns`]; `checks` are those of the table. Nothing for a table whose name differs in case alone.
pub(super) fn column(fields: &Fields, relation: &Relation, checks: &[String]) -> Option<Column> {
    if text(fields, 4) != relation.name {
        return None;
    }
    let (name, kind) = (text(fields, 0), text(fields, 1).to_ascii_lowercase());
    let shape = match kind.as_str() {
        "json" => Shape::Json,
        "bit" => Shape::Bits,
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" | "geomcollection" => Shape::Geometry,
        text if text.ends_with("text") && checks.contains(&format!("json_valid({})", quote(&name))) => {
            Shape::Json
        }
        text if text.ends_with("text") || text.ends_with("blob") || text.ends_with("char") => Shape::Long,
        "binary" | "varbinary" => Shape::Long,
        _ => Shape::Short,
    };
    Some(Column {
        name,
        shape,
        readable: text(fields, 3).split(',').any(|right| right == "select"),
        key: text(fields, 2) == "PRI",
        integer: kind.ends_with("int"),
    })
}

/// The primary key, when it is one integer.
pub(super) fn integer_key(columns: &[Column]) -> Option<&Column> {
    let mut keys = columns.iter().filter(|column| column.key);
    let first = keys.next().filter(|column| column.integer && column.readable);
    if keys.next().is_some() { None } else { first }
}

impl Column {
    /// The expression that selects it; a value that is too long is cut by the server to one byte (or character) more than
    /// the longest, so that the cut is seen and told.
    pub(super) fn expression(&self) -> String {
        let name = quote(&self.name);
        match self.shape {
            Shape::Short => name,
            Shape::Bits => format!("{name} + 0"),
            Shape::Geometry => format!("ST_AsText({name})"),
            Shape::Long | Shape::Json => {
                format!("IF(LENGTH({name}) > {LONGEST_VALUE}, LEFT({name}, {}), {name})", LONGEST_VALUE + 1)
            }
        }
    }
}

/// A name as SQL has it.
pub(super) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A name as people write it: quoted only where SQL needs it.
fn word(name: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quote(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[&str]) -> Fields {
        fields.iter().map(|field| Some(field.as_bytes().to_vec())).collect()
    }

    fn listed(fields: &[&str], only: Option<&str>) -> Option<Result<String, String>> {
        let found = relation(&row(fields), only)?;
        Some(found.map(|(table, _)| table.location).map_err(|missing| missing.why))
    }

    #[test]
    fn tables_are_told_apart_from_what_holds_no_rows() {
        let table = ["lab", "we`ird.t", "BASE TABLE", "InnoDB", "5", "16384"];
        assert_eq!(listed(&table, None), Some(Ok("lab.`we``ird.t`".to_owned())));
        assert_eq!(listed(&table, Some("lab")), Some(Ok("`we``ird.t`".to_owned())));
        assert_eq!(listed(&table, Some("LAB")), None);
        assert_eq!(listed(&["mysql", "user", "BASE TABLE", "Aria", "5", "1"], None), None);
        assert_eq!(listed(&["lab", "v", "VIEW", "", "", ""], None), None);
        assert!(listed(&["lab", "f", "BASE TABLE", "FEDERATED", "5", "1"], None).unwrap().is_err());
        let broken = [row(&["lab", "t", "BASE TABLE"]), vec![None, None, None]].concat();
        assert!(relation(&broken, None).unwrap().is_err());
    }

    #[test]
    fn the_shape_of_a_column_follows_its_type_and_its_checks() {
        let fields = ["lab", "t", "BASE TABLE", "InnoDB", "5", "16384"];
        let (_, relation) = relation(&row(&fields), None).unwrap().unwrap();
        let checks = ["json_valid(`info`)".to_owned()];
        let column = |fields: &[&str]| column(&row(fields), &relation, &checks);
        let shape = |name: &str, kind: &str| column(&[name, kind, "", "select,insert", "t"]).unwrap().shape;
        assert_eq!(shape("info", "longtext"), Shape::Json);
        assert_eq!(shape("note", "longtext"), Shape::Long);
        assert_eq!(shape("n", "bigint"), Shape::Short);
        assert_eq!(shape("b", "bit"), Shape::Bits);
        assert!(!column(&["a", "int", "", "insert", "t"]).unwrap().readable);
        assert_eq!(column(&["a", "int", "", "select", "T"]), None);
        let key = |name: &str, kind: &str| column(&[name, kind, "PRI", "select", "t"]).unwrap();
        assert_eq!(integer_key(&[key("id", "bigint")]).unwrap().name, "id");
        assert_eq!(integer_key(&[key("id", "bigint"), key("no", "int")]), None);
        assert_eq!(integer_key(&[key("id", "char")]), None);
    }

    #[test]
    fn names_do_not_end_their_quotes() {
        assert_eq!(literal("a'b"), "_utf8 0x612762");
        assert_eq!(quote("a`b"), "`a``b`");
    }
}
