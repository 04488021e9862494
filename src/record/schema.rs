//! What shape has a record, for programs that are not forkscope?
//!
//! The JSON schema of `run.json` is made from the types of [`crate::record`] and committed, so that a change of
//! the shape shows in a review. A test holds it against the types; this writes it anew:
//!
//! ```text
//! FORKSCOPE_WRITE_SCHEMA=1 cargo test --lib record::schema
//! ```
//!
//! Whatever the schema accepts has the shape that [`crate::report::json::read`] accepts. A field that is not
//! required may be missing in a file of an earlier version with the same
//! [`SCHEMA_VERSION`](crate::record::SCHEMA_VERSION); what `forkscope` writes now has it, unless it says nothing.

use crate::metric::Metric;
use serde_json::{Value, json};

/// The JSON schema (draft 2020-12) of a [`Run`](crate::record::Run), as `forkscope schema` prints it, with a
/// final line break.
pub const RUN: &str = include_str!("../../schema/run.schema.json");

/// The schema with what another crate brings: studies by their names and questions, and metrics.
#[must_use]
pub fn with(studies: &[(&str, &str)], metrics: &[Metric]) -> String {
    if studies.is_empty() && metrics.is_empty() {
        return RUN.to_owned();
    }
    let mut schema: Value = serde_json::from_str(RUN).expect("the committed schema is JSON");
    for (name, question) in studies {
        schema["properties"]["findings"]["properties"][name] = json!({ "description": question });
    }
    add_metrics(&mut schema, metrics);
    let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    format!("{text}\n")
}

/// Names the numbers that a sample can hold.
fn add_metrics(schema: &mut Value, metrics: &[Metric]) {
    let values = &mut schema["$defs"]["Sample"]["properties"]["values"]["properties"];
    for metric in metrics {
        let about = metric.definition().about;
        values[metric.id()] = json!({ "description": about, "type": "number" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::BUILT_IN;
    use crate::record::{Run, SCHEMA_VERSION};
    use crate::study;
    use schemars::generate::SchemaSettings;
    use schemars::transform::RecursiveTransform;

    /// The schema as the types say it now.
    fn generated() -> String {
        let settings =
            SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_links));
        let mut generator = settings.into_generator();
        let studies = study::BUILT_IN.iter();
        let findings: serde_json::Map<String, Value> = studies
            .filter_map(|s| Some((s.entry().name.to_owned(), s.schema(&mut generator)?.into())))
            .collect();
        let mut schema = generator.into_root_schema_for::<Run>();
        schema
            .pointer_mut("/properties/findings")
            .expect("a record has findings")["properties"] = Value::Object(findings);
        let mut value = Value::from(schema);
        add_metrics(&mut value, BUILT_IN);
        let mut schema = schemars::Schema::try_from(value).expect("it was one");
        schema.insert("title".to_owned(), json!("A record of forkscope: run.json"));
        let version = schema
            .pointer_mut("/properties/schema_version")
            .and_then(Value::as_object_mut)
            .expect("a record has a version");
        version.insert("const".to_owned(), json!(SCHEMA_VERSION));
        let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
        format!("{text}\n")
    }

    /// In a schema nobody can follow rustdoc's links: ``[`Cell::x`]`` becomes `` `Cell::x` ``.
    fn without_links(schema: &mut schemars::Schema) {
        let Some(Value::String(text)) = schema.get_mut("description") else {
            return;
        };
        // One paragraph is one line.
        let paragraphs = text.split("\n\n").map(|p| p.replace('\n', " "));
        let joined = paragraphs.collect::<Vec<_>>().join("\n\n");
        *text = joined.replace("[`", "`").replace("`]", "`");
    }

    #[test]
    fn the_committed_schema_is_what_the_types_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/run.schema.json");
        let generated = generated();
        if std::env::var_os("FORKSCOPE_WRITE_SCHEMA").is_some() {
            std::fs::write(path, &generated).expect("the schema can be written");
            return;
        }
        assert!(
            RUN == generated,
            "schema/run.schema.json is not what the types say; if the change is meant, write it anew: \
             FORKSCOPE_WRITE_SCHEMA=1 cargo test --lib record::schema"
        );
    }
}
