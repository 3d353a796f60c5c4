//! The JSON schemas of records, data records and reports, made from the types that are serialised.
//!
//! They are published in `docs/schema/`. A change that breaks readers takes a new number.

use model::{DataRecord, Record};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::json::Document;

/// The schema of a record: `docs/schema/record-1.schema.json`.
pub(crate) fn record_schema() -> Value {
    of::<Record>()
}

/// The schema of a data record: `docs/schema/data-1.schema.json`.
pub(crate) fn data_schema() -> Value {
    of::<DataRecord>()
}

/// The schema of a report: `docs/schema/report-1.schema.json`.
pub(crate) fn report_schema() -> Value {
    of::<Document<'_>>()
}

/// The schema of what is written, as opposed to what would be read. What tells a reader what it is comes first.
fn of<T: schemars::JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    let front = ["$schema", "title", "description"];
    let mut members = Map::new();
    members.extend(front.iter().filter_map(|key| Some(((*key).to_owned(), schema.get(key)?.clone()))));
    for (key, value) in schema.as_object().into_iter().flatten() {
        members.entry(key).or_insert_with(|| value.clone());
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Compares with the committed file; `WATERTIGHT_UPDATE=1` writes it instead.
    fn committed(name: &str, schema: &Value) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema").join(name);
        if std::env::var_os("WATERTIGHT_UPDATE").is_some() {
            std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(schema).unwrap())).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let file: Value = serde_json::from_str(&text).unwrap_or_default();
        assert!(file == *schema, "{name} is not what the types say: run the tests with WATERTIGHT_UPDATE=1");
    }

    #[test]
    fn the_published_record_schema_is_the_generated_one() {
        committed("record-1.schema.json", &record_schema());
    }

    #[test]
    fn the_published_schema_of_data_records_is_the_generated_one() {
        committed("data-1.schema.json", &data_schema());
    }

    #[test]
    fn the_published_report_schema_is_the_generated_one() {
        committed("report-1.schema.json", &report_schema());
    }
}
