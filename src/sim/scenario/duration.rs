//! Durations as scenario files write them.

use jiff::{Span, SpanRelativeTo, Unit};
use serde::Deserialize;

/// A duration such as `9d 2h`. A day has 24 hours. May be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Span")]
pub(crate) struct Duration {
    pub(crate) ms: i64,
}

impl TryFrom<Span> for Duration {
    type Error = jiff::Error;

    fn try_from(span: Span) -> Result<Self, jiff::Error> {
        let ms = span.total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours()))?;
        Ok(Self { ms: ms as i64 })
    }
}

impl Duration {
    pub(crate) const fn from_secs(secs: i64) -> Self {
        Self { ms: secs * 1000 }
    }
}
