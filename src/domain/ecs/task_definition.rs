//! A task definition in full, as AWS describes it, with what may be secret hidden.

mod diff;
pub(crate) mod flatten;
pub(crate) mod redact;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::names::TaskDefinitionArn;

pub use self::diff::{Change, Kind, Section, diff, surroundings};
pub use self::redact::hide;

/// A task definition (ECS `DescribeTaskDefinition`), every member that AWS sent, whether the SDK knows it or not.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// `taskDefinitionArn`.
    pub arn: TaskDefinitionArn,
    /// `taskDefinition`, as JSON. A hidden value is a text that [`is_hidden`] tells, or a part of one that [`shown`]
    /// tells; two that were equal still are.
    pub json: Value,
}

/// What AWS says about a revision: nobody registered it. `compatibilities` is what it was found fit for; what was asked
/// for is `requiresCompatibilities`.
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

/// What a hidden value begins with; no text of AWS's has it, for it begins with a character that JSON's texts from there
/// never do. A digest follows, with a key that is this process's own: equal values stay equal, and that is all it says.
const HIDDEN: &str = "\u{0}hidden:";

/// How many digits the digest has.
const DIGEST: usize = 16;

/// What stands on the screen in place of a hidden value.
const SHOWN: &str = "(hidden)";

/// A value, hidden.
pub fn hidden(digest: u64) -> String {
    format!("{HIDDEN}{digest:016x}")
}

/// Whether a text stands for a hidden value.
pub fn is_hidden(text: &str) -> bool {
    text.starts_with(HIDDEN)
}

/// Whether a text stands for a hidden value, or has one in it.
pub fn has_hidden(text: &str) -> bool {
    text.contains(HIDDEN)
}

/// The text as people may read it: what is hidden in it is `(hidden)`.
pub fn shown(text: &str) -> String {
    let mut parts = text.split(HIDDEN);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str(SHOWN);
        // The digest's digits go with it.
        shown.push_str(part.get(DIGEST..).unwrap_or_default());
    }
    shown
}

/// The raw JSON over lines, what is hidden in it as `(hidden)`.
pub fn redacted(json: &Value) -> String {
    let readable = readable(json);
    // A document that is one already can always be written.
    serde_json::to_string_pretty(&readable).unwrap_or_default()
}

/// The same JSON, every text in it [`shown`].
pub fn readable(json: &Value) -> Value {
    match json {
        Value::String(text) => Value::String(shown(text)),
        Value::Array(items) => items.iter().map(readable).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (shown(name), readable(value))).collect(),
        other => other.clone(),
    }
}

/// Values are nobody's business: not a log's, not a panic's.
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
