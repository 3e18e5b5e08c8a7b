//! Reads the input of a call.

use serde_json::Value;

/// The input object of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a>(&'a Value);

impl<'a> Input<'a> {
    pub(super) fn new(value: &'a Value) -> Self {
        Self(value)
    }

    pub(super) fn value(self) -> &'a Value {
        self.0
    }

    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    /// A string that is not empty.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str().filter(|s| !s.is_empty())
    }

    /// An integer, possibly sent as text.
    pub(super) fn int(self, name: &str) -> Option<i64> {
        let value = self.get(name)?;
        value.as_i64().or_else(|| value.as_f64().map(|n| n as i64)).or_else(|| value.as_str()?.parse().ok())
    }

    pub(super) fn float(self, name: &str) -> Option<f64> {
        let value = self.get(name)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }

    pub(super) fn flag(self, name: &str) -> Option<bool> {
        let value = self.get(name)?;
        value.as_bool().or_else(|| value.as_str()?.parse().ok())
    }

    /// The items of a list; empty if the list is missing.
    pub(super) fn items(self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    /// The strings of a list.
    pub(super) fn texts(self, name: &str) -> Vec<&'a str> {
        self.items(name).filter_map(Value::as_str).collect()
    }

    /// Returns true if a list contains a string, such as `TAGS` in `include`.
    pub(super) fn includes(self, name: &str, word: &str) -> bool {
        self.items(name).any(|v| v.as_str() == Some(word))
    }
}

/// The name at the end of an ARN, or the whole text if it is a name.
pub(super) fn last_part(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, last)| last)
}
