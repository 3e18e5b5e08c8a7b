//! World time: whole milliseconds since the epoch.

use serde_json::{Value, json};

/// Milliseconds since the epoch.
pub(super) type Ms = i64;

/// One second.
pub(super) const SECOND: Ms = 1000;
/// One minute.
pub(super) const MINUTE: Ms = 60 * SECOND;

/// One hour.
pub(super) const HOUR: Ms = 60 * MINUTE;

/// Seconds, as a scenario gives them, to milliseconds.
pub(super) fn secs(seconds: f64) -> Ms {
    (seconds * 1000.0) as Ms
}

/// As AWS's JSON has it: seconds since the epoch with a fraction.
pub(super) fn epoch(at: Ms) -> Value {
    json!(at as f64 / 1000.0)
}

/// The index of the minute that an instant lies in.
pub(super) fn minute_of(at: Ms) -> i64 {
    at.div_euclid(MINUTE)
}
