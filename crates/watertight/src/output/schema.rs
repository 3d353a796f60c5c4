//! The JSON schemas of records and reports, made from the types that are serialised.
//!
//! They are published in `docs/schema/`. A change that breaks readers takes a new number.

use model::Record;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::json::Document;

/// The schema of a record: `docs/schema/record-1.schema.json`.
pub(crate) fn record_schema() -> Value {
    of::<Record>()
}

/// The schema of a report: `docs/schema/report-1.schema.json`.
pub(crate) fn report_schema() -> Value {
    of::<Document<'_>>()
}

/// The schema of what is written, as opposed to what would be read.
fn of<T: schemars::JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Compares with the committed file; `WATERTIGHT_UPDATE=1` writes it instead.
    fn committed(name: &str, schema: &Value) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema").join(name);
        let generated = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
        if std::env::var_os("WATERTIGHT_UPDATE").is_some() {
            std::fs::write(&path, &generated).unwrap();
        }
        let file = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            file == generated,
            "{name} is not what the types say: run the tests with WATERTIGHT_UPDATE=1"
        );
    }

    #[test]
    fn the_published_record_schema_is_the_generated_one() {
        committed("record-1.schema.json", &record_schema());
    }

    #[test]
    fn the_published_report_schema_is_the_generated_one() {
        committed("report-1.schema.json", &report_schema());
    }
}
