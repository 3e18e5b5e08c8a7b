//! A task definition in full, as AWS describes it, with what may be secret hidden.

use std::fmt;

use serde_json::Value;

use super::names::TaskDefinitionArn;

/// A task definition (ECS `DescribeTaskDefinition`), every member that AWS sent, whether the SDK knows it or not.
#[derive(Clone, PartialEq, Eq)]
pub struct Definition {
    /// `taskDefinitionArn`.
    pub arn: TaskDefinitionArn,
    /// `taskDefinition`, as JSON. A hidden value is a text that [`is_hidden`] tells; two that were equal still are.
    pub json: Value,
}

/// What a hidden value begins with; no text of AWS's has it, for it begins with a character that JSON's texts from there
/// never do. A digest follows, with a key that is this process's own: equal values stay equal, and that is all it says.
const HIDDEN: &str = "\u{0}hidden:";

/// A value, hidden.
pub fn hidden(digest: u64) -> String {
    format!("{HIDDEN}{digest:016x}")
}

/// Whether a text stands for a hidden value.
pub fn is_hidden(text: &str) -> bool {
    text.starts_with(HIDDEN)
}

/// Values are nobody's business: not a log's, not a panic's.
impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition").field("arn", &self.arn).finish_non_exhaustive()
    }
}
