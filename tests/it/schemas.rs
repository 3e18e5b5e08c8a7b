//! The documents of `--json` and the lines of the audit, each against its schema in assets/schemas.
//!
//! Only the keywords that the schemas use are known here: a schema with another one fails.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::cli::{Home, Sim};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/schemas")
}

static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let files = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    };
    files.map(read).collect()
});

/// Fails if a document does not follow its schema, or has a member at its top that the schema does not name.
pub(crate) fn check(document: &Value) {
    let Some(name) = document["schema"].as_str() else { return };
    let file = format!("{}.json", name.replace('/', "."));
    let schema = SCHEMAS.get(&file).unwrap_or_else(|| panic!("{name} has no schema"));
    let mut wrong = Vec::new();
    validate(document, schema, &file, name, &mut wrong);
    let unknown = document.as_object().unwrap().keys().filter(|member| schema["properties"].get(member).is_none());
    wrong.extend(unknown.map(|member| format!("{name}: the schema does not name {member}")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The schema behind a reference, and the file that it is in.
fn resolve<'a>(reference: &str, file: &'a str) -> (&'a Value, &'a str) {
    let (other, pointer) = reference.split_once('#').unwrap();
    let (file, schema) = match other {
        "" => (file, &SCHEMAS[file]),
        other => SCHEMAS.get_key_value(other).map(|(name, schema)| (name.as_str(), schema)).unwrap(),
    };
    (schema.pointer(pointer).unwrap_or_else(|| panic!("{reference} in {file}")), file)
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("a schema has the type {other}"),
    }
}

fn validate(value: &Value, schema: &Value, file: &str, path: &str, wrong: &mut Vec<String>) {
    let mut fail = |what: String| wrong.push(format!("{path}: {what}"));
    for (keyword, given) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => {}
            "type" => {
                let kinds = given.as_array().map_or_else(|| vec![given.clone()], Clone::clone);
                if !kinds.iter().any(|kind| is_a(value, kind.as_str().unwrap())) {
                    fail(format!("{value} is not of type {given}"));
                }
            }
            "const" if value != given => fail(format!("{value} is not {given}")),
            "enum" if !given.as_array().unwrap().contains(value) => fail(format!("{value} is none of {given}")),
            "const" | "enum" => {}
            "format" => {
                assert_eq!(given, "date-time");
                if value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_err()) {
                    fail(format!("{value} is no time"));
                }
            }
            "required" => {
                let missing = |name: &&Value| value.is_object() && value.get(name.as_str().unwrap()).is_none();
                given.as_array().unwrap().iter().filter(missing).for_each(|name| fail(format!("{name} is missing")));
            }
            "properties" | "items" | "$ref" | "anyOf" => {}
            other => panic!("a schema uses {other}"),
        }
    }
    validate_rest(value, schema, file, path, wrong);
}

/// The keywords that lead to other schemas.
fn validate_rest(value: &Value, schema: &Value, file: &str, path: &str, wrong: &mut Vec<String>) {
    for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let Some(value) = value.get(name) {
            validate(value, member, file, &format!("{path}.{name}"), wrong);
        }
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        for (index, item) in items.iter().enumerate() {
            validate(item, schema, file, &format!("{path}[{index}]"), wrong);
        }
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let (schema, file) = resolve(reference, file);
        validate(value, schema, file, path, wrong);
    }
    if let Some(several) = schema.get("anyOf").and_then(Value::as_array) {
        let tried: Vec<Vec<String>> = several
            .iter()
            .map(|schema| {
                let mut wrong = Vec::new();
                validate(value, schema, file, path, &mut wrong);
                wrong
            })
            .collect();
        if tried.iter().all(|wrong| !wrong.is_empty()) {
            wrong.extend(tried.into_iter().flatten());
        }
    }
}

#[test]
fn every_schema_of_the_guide_has_a_file_and_the_other_way_round() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/guide/json.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `tidegate.")?.split_once('`'));
    let named: Vec<_> = rows.map(|(name, _)| format!("tidegate.{}.json", name.replace('/', "."))).collect();
    assert!(named.len() > 10);
    for name in &named {
        assert_eq!(SCHEMAS[name]["$id"], name.as_str());
    }
    assert_eq!(SCHEMAS.len(), named.len());
}

#[test]
fn a_wrong_document_is_found() {
    let right = serde_json::json!({
        "schema": "tidegate.error/1", "exit": 4, "code": "denied", "message": "m", "advice": "a", "fault": null
    });
    check(&right);
    let wrong: [(&str, Value); 5] = [
        ("exit", 7.into()),
        ("message", Value::Null),
        ("code", 1.into()),
        ("fault", serde_json::json!({"kind": "odd"})),
        ("extra", 1.into()),
    ];
    for (member, value) in wrong {
        let mut document = right.clone();
        document[member] = value;
        assert!(std::panic::catch_unwind(|| check(&document)).is_err(), "{member}: {document}");
    }
}

/// Every command that prints a document, on services of each method; the audit's lines.
#[test]
fn every_document_follows_its_schema() {
    for scenario in ["good-release", "paused-native", "crash-loop"] {
        let sim = Sim::start(&["--scenario", scenario, "--speed", "60"]);
        let home = &sim.home;
        home.run(&["status", "--json"]).json();
        home.run(&["config", "--json"]).json();
        for name in ["checkout", "payments", "search"] {
            for words in [
                &["status", name][..],
                &["history", name],
                &["diff", name],
                &["rollback", name, "--list"],
                &["judge", name, "--since", "1h"],
                &["step", name, "--dry-run"],
                &["rollback", name, "--dry-run"],
                &["start", name, "--task-definition", ":1", "--dry-run"],
            ] {
                home.run(&[words, &["--json"]].concat()).json();
            }
        }
        for words in [
            &["step", "checkout", "--yes"][..],
            &["step", "payments", "--yes"],
            &["rollback", "checkout", "--yes", "--timeout", "1s"],
            &["rollback", "checkout", "--yes"],
        ] {
            home.run(&[words, &["--json"]].concat()).json();
        }
        let audit = std::fs::read_to_string(home.path().join("state/audit.jsonl")).unwrap_or_default();
        audit.lines().for_each(|line| check(&serde_json::from_str(line).unwrap()));
    }
}

#[test]
fn a_mistake_on_the_command_line_is_a_document_too() {
    let home = Home::new();
    let table: [(&[&str], &str); 5] = [
        (&["step"], "usage"),
        (&["status", "--bogus"], "usage"),
        (&["watch", "x", "--until", "soon"], "usage"),
        (&["--environment", "moon", "status"], "configuration"),
        (&["--region", "us-east-1", "step", "x"], "not_confirmed"),
    ];
    for (words, code) in table {
        let ran = home.expect(2, &[words, &["--json"]].concat());
        let document = ran.json();
        assert_eq!((&document["schema"], &document["code"]), (&"tidegate.error/1".into(), &code.into()), "{document}");
        assert!(!document["message"].as_str().unwrap().is_empty() && !ran.err.is_empty(), "{ran:?}");
    }
    assert!(home.expect(2, &["step"]).out.is_empty());
}
