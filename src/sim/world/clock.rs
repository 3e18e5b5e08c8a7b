//! Simulated time in milliseconds since the epoch.

use serde_json::{Value, json};

/// Milliseconds: an instant since the epoch, or a duration.
pub(crate) type Ms = i64;

pub(crate) const SECOND: Ms = 1000;
pub(crate) const MINUTE: Ms = 60 * SECOND;
pub(crate) const HOUR: Ms = 60 * MINUTE;
pub(crate) const DAY: Ms = 24 * HOUR;

/// Converts seconds, as scenarios write them, to milliseconds.
pub(crate) fn secs(seconds: f64) -> Ms {
    (seconds * 1000.0) as Ms
}

/// An instant as AWS's JSON writes it: epoch seconds with a fraction.
pub(crate) fn epoch(at: Ms) -> Value {
    json!(at as f64 / 1000.0)
}

/// The minute of an instant, counted from the epoch.
pub(crate) fn minute_of(at: Ms) -> i64 {
    at.div_euclid(MINUTE)
}
