//! A rate against a fixed line: evidence at any look.

use super::counts::Count;
use super::e_process::{Alternative, Evidence, evidence, fastest_growth, mixture};

/// The logarithm of the likelihood ratio of a count, for odds that are `times` the line's odds.
fn ratio(count: &Count, line: f64, times: f64) -> f64 {
    let other = times * line / (1.0 - line + times * line);
    let part = |number: f64, ratio: f64| if number > 0.0 { number * ratio.ln() } else { 0.0 };
    part(count.errors, other / line) + part(count.requests - count.errors, (1.0 - other) / (1.0 - line))
}

/// The evidence that the rate is above `line` (0 to 1). A line of 0 is crossed by one error, a line of 1 by none.
pub(super) fn above(line: f64, counts: &[Count], starts: &[f64], needed: f64) -> Evidence {
    let gain = |place: usize, it: &Alternative| match counts.get(place) {
        Some(count) if line <= 0.0 && count.errors > 0.0 => f64::MAX / 1e6,
        Some(count) if line > 0.0 && line < 1.0 => ratio(count, line, it.times),
        _ => 0.0,
    };
    evidence(starts, needed, gain)
}

/// The growth of the best alternative's evidence in a minute with this expected count, natural logarithm.
pub(super) fn growth(line: f64, expected: Count) -> f64 {
    if line <= 0.0 || line >= 1.0 {
        return 0.0;
    }
    fastest_growth(|it| ratio(&expected, line, it.times))
}

/// Returns true if the rate is below `line`, with probability 1 − `beyond`.
pub(super) fn below(line: f64, counts: &[Count], beyond: f64) -> bool {
    if line <= 0.0 || line >= 1.0 {
        return line >= 1.0;
    }
    mixture(|it| counts.iter().map(|count| ratio(count, line, 1.0 / it.times)).sum()) >= -beyond.ln()
}
