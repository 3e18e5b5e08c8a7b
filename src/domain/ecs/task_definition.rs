//! A task definition in full, as AWS describes it, with possible secrets redacted.

mod diff;
pub(crate) mod flatten;
pub(crate) mod redact;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::names::TaskDefinitionArn;

pub use self::diff::{Change, Kind, Section, diff, surroundings};
pub use self::redact::hide;

/// A task definition (ECS `DescribeTaskDefinition`), with every member that AWS sent, including members unknown to the
/// SDK.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// `taskDefinitionArn`.
    pub arn: TaskDefinitionArn,
    /// `taskDefinition`, as JSON. A redacted value is a text that [`is_hidden`] recognises, or a part of a text that
    /// [`shown`] replaces. Equal values stay equal.
    pub json: Value,
}

/// Members that AWS adds to a revision; they were never registered. `compatibilities` is AWS's finding,
/// `requiresCompatibilities` the registered request.
pub const SAID_BY_AWS: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// Prefix of a redacted value. Its first character never begins a text in JSON from AWS. A digest follows, keyed per
/// process: equal values stay equal, and the digest reveals nothing else.
const HIDDEN: &str = "\u{0}hidden:";

/// Number of digits in the digest.
const DIGEST: usize = 16;

/// The replacement of a redacted value on the screen.
const SHOWN: &str = "(hidden)";

/// A redacted value.
pub fn hidden(digest: u64) -> String {
    format!("{HIDDEN}{digest:016x}")
}

/// Returns true if a text stands for a redacted value.
pub fn is_hidden(text: &str) -> bool {
    text.starts_with(HIDDEN)
}

/// Returns true if a text stands for a redacted value or contains one.
pub fn has_hidden(text: &str) -> bool {
    text.contains(HIDDEN)
}

/// The text for people, with `(hidden)` for its redacted parts.
pub fn shown(text: &str) -> String {
    let mut parts = text.split(HIDDEN);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str(SHOWN);
        // The digits of the digest are dropped too.
        shown.push_str(part.get(DIGEST..).unwrap_or_default());
    }
    shown
}

/// The raw JSON in lines, with `(hidden)` for redacted values.
pub fn redacted(json: &Value) -> String {
    let readable = readable(json);
    // Every existing JSON document can be serialized.
    serde_json::to_string_pretty(&readable).unwrap_or_default()
}

/// The same JSON, with [`shown`] applied to every text.
pub fn readable(json: &Value) -> Value {
    match json {
        Value::String(text) => Value::String(shown(text)),
        Value::Array(items) => items.iter().map(readable).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (shown(name), readable(value))).collect(),
        other => other.clone(),
    }
}

/// The JSON is left out: values must never reach a log or a panic message.
impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition").field("arn", &self.arn).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_hidden_is_told_and_never_read() {
        let mark = hidden(7);
        assert!(is_hidden(&mark) && has_hidden(&format!("--password={mark}")));
        assert!(!is_hidden("(hidden)") && !has_hidden("(hidden)"));
        assert_eq!(shown(&format!("--password={mark} --user=app")), "--password=(hidden) --user=app");
        let json = json!({"environment": [{"name": "A", "value": mark}], "cpu": 256});
        let text = redacted(&json);
        assert_eq!(text.matches("(hidden)").count(), 1, "{text}");
        assert!(!text.contains("hidden:") && text.contains("\"cpu\": 256"), "{text}");
        let definition = Definition { arn: TaskDefinitionArn::new("a:1"), json: json!({"command": ["hunter2"]}) };
        assert!(!format!("{definition:?}").contains("hunter2"));
    }
}
