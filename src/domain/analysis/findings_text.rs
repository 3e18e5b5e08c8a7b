//! The numbers of a verdict as text.

use super::counts::Count;
use super::samples::BEYOND;

/// `2.10% errors (n=3000, 95% 1.62–2.68%)`.
pub(super) fn rate_of(count: Count) -> String {
    let between = count
        .interval(BEYOND)
        .map(|(low, high)| format!(", 95% {:.2}–{:.2}%", low * 100.0, high * 100.0))
        .unwrap_or_default();
    format!("{:.2}% errors (n={:.0}{between})", count.rate() * 100.0, count.requests)
}

/// `0.50% (n=27000)`.
pub(super) fn short_rate_of(count: Count) -> String {
    format!("{:.2}% (n={:.0})", count.rate() * 100.0, count.requests)
}

/// Evidence, given by its natural logarithm, as odds: `1 : 412`.
pub(super) fn evidence(log: f64) -> String {
    crate::domain::format::odds(log.exp())
}
