//! Reading a call's input.

use serde_json::Value;

/// The input object of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a>(&'a Value);

impl<'a> Input<'a> {
    pub fn new(value: &'a Value) -> Self {
        Self(value)
    }

    /// The input as it came.
    pub fn whole(self) -> &'a Value {
        self.0
    }

    pub fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    /// A string that is there and not empty.
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str().filter(|s| !s.is_empty())
    }

    /// An integer, also one that arrived as text.
    pub fn int(self, name: &str) -> Option<i64> {
        let value = self.get(name)?;
        value.as_i64().or_else(|| value.as_f64().map(|n| n as i64)).or_else(|| value.as_str()?.parse().ok())
    }

    pub fn float(self, name: &str) -> Option<f64> {
        let value = self.get(name)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }

    pub fn flag(self, name: &str) -> Option<bool> {
        let value = self.get(name)?;
        value.as_bool().or_else(|| value.as_str()?.parse().ok())
    }

    /// The items of a list; none when it is not there.
    pub fn items(self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    /// The strings of a list.
    pub fn texts(self, name: &str) -> Vec<&'a str> {
        self.items(name).filter_map(Value::as_str).collect()
    }

    /// Whether a list has this string: `include` has `TAGS`.
    pub fn includes(self, name: &str, word: &str) -> bool {
        self.items(name).any(|v| v.as_str() == Some(word))
    }
}

/// The last part of an ARN, or the name itself.
pub(super) fn last_part(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, last)| last)
}
