//! Building the JSON of answers.

use serde_json::{Value, json};

use crate::sim::world::clock::{Ms, epoch};

/// Adds a member to an object.
pub(super) fn insert(out: &mut Value, name: &str, value: Value) {
    if let Some(map) = out.as_object_mut() {
        map.insert(name.into(), value);
    }
}

/// Adds a time to an object, if there is one.
pub(super) fn insert_time(out: &mut Value, name: &str, at: Option<Ms>) {
    if let Some(at) = at {
        insert(out, name, epoch(at));
    }
}

/// Tags as ECS shows them.
pub(super) fn tags(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}
