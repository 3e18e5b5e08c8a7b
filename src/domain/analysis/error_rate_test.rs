//! Error rates: tests against a threshold and between two sides, and bounds of the difference.
//!
//! Fisher's exact conditional test decides if a canary is *worse*. A score test would be wrong where it matters: at 1 %
//! of the traffic a canary expects one or two errors, and the tail that a look may spend (some three in ten thousand)
//! is then ten times as heavy as the normal curve predicts; even at a hundred expected errors it is half as heavy
//! again. An exact unconditional test (Barnard, Boschloo) would gain almost nothing here: stable's side is so much
//! larger that its count is practically fixed, and the test has to search over the unknown common rate.
//!
//! The score method of Miettinen and Nurminen, with the rates fitted as by Farrington and Manning, bounds *how much*
//! worse the canary may be. Its upper bound is as wide as the exact one, even without errors on one side or on both.
//! Only the lower bound would be too narrow at few errors, and no decision uses the lower bound.

use statrs::distribution::{ContinuousCDF, Normal};

/// A count of requests and errors.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Count {
    /// Requests, a whole number.
    pub requests: f64,
    /// Errors among the requests, a whole number.
    pub errors: f64,
}

impl Count {
    /// A count in whole numbers, with at most as many errors as requests: connection errors are counted apart from
    /// requests.
    pub fn new(requests: f64, errors: f64) -> Self {
        let whole = |value: f64| if value.is_finite() { value.max(0.0).round() } else { 0.0 };
        let requests = whole(requests);
        Self { requests, errors: whole(errors).min(requests) }
    }

    /// Errors over requests, 0 to 1; 0 without requests.
    pub fn rate(self) -> f64 {
        if self.requests > 0.0 { self.errors / self.requests } else { 0.0 }
    }
}

/// The probability of at least `x`, if each next number is `ratio` times as likely as the one before. The sum runs
/// outwards from the most likely number, so no factorial is needed and nothing cancels.
fn at_least(x: f64, lowest: f64, highest: f64, likeliest: f64, ratio: impl Fn(f64) -> f64) -> f64 {
    if x <= lowest {
        return 1.0;
    }
    if x > highest {
        return 0.0;
    }
    /// Terms below this fraction of a sum do not change the sum.
    const NOTHING: f64 = 1e-18;
    let (mut all, mut tail) = (1.0, if likeliest >= x { 1.0 } else { 0.0 });
    let (mut term, mut at) = (1.0, likeliest);
    while at < highest && term > 0.0 {
        term *= ratio(at);
        at += 1.0;
        all += term;
        if at >= x {
            tail += term;
            if term < NOTHING * tail {
                break;
            }
        }
    }
    (term, at) = (1.0, likeliest);
    while at > lowest && term > 0.0 {
        at -= 1.0;
        term /= ratio(at);
        all += term;
        if at >= x {
            tail += term;
        }
        if term < NOTHING * if at >= x { tail } else { all } {
            break;
        }
    }
    (tail / all).clamp(0.0, 1.0)
}

/// The p-value of the errors at a true rate of `line` (0 to 1): the exact binomial tail. 1 without requests.
pub fn above_line(count: Count, line: f64) -> f64 {
    let Count { requests: n, errors: x } = count;
    if line <= 0.0 || line >= 1.0 || n <= 0.0 {
        return if line <= 0.0 && x > 0.0 { 0.0 } else { 1.0 };
    }
    let odds = line / (1.0 - line);
    at_least(x, 0.0, n, ((n + 1.0) * line).floor().min(n), |k| (n - k) / (k + 1.0) * odds)
}

/// The p-value of the canary's errors if both sides have the same rate: Fisher's exact test, one-sided. 1 if either
/// side has no requests.
pub fn worse(canary: Count, stable: Count) -> f64 {
    let (n, all, errors) = (canary.requests, canary.requests + stable.requests, canary.errors + stable.errors);
    if canary.requests <= 0.0 || stable.requests <= 0.0 {
        return 1.0;
    }
    let lowest = (errors - stable.requests).max(0.0);
    let highest = errors.min(n).max(lowest);
    let likeliest = ((n + 1.0) * (errors + 1.0) / (all + 2.0)).floor().clamp(lowest, highest);
    let ratio = |k: f64| (errors - k) * (n - k) / ((k + 1.0) * (stable.requests - errors + k + 1.0));
    at_least(canary.errors, lowest, highest, likeliest, ratio)
}

/// The exact (Clopper–Pearson) bounds of a rate (0 to 1). Each bound is missed with probability `beyond`; `None`: no
/// requests.
pub fn bounds(count: Count, beyond: f64) -> Option<(f64, f64)> {
    let Count { requests: n, errors: x } = count;
    if n <= 0.0 {
        return None;
    }
    // At the low bound, at least this many errors have probability `beyond`; at the high bound, at most this many.
    let low = if x <= 0.0 { 0.0 } else { solve(0.0, count.rate(), |line| above_line(count, line) - beyond) };
    let over = Count { requests: n, errors: x + 1.0 };
    let high = if x >= n { 1.0 } else { solve(count.rate(), 1.0, |line| above_line(over, line) - (1.0 - beyond)) };
    Some((low, high))
}

/// The zero of a rising function between `low` and `high`.
fn solve(mut low: f64, mut high: f64, rising: impl Fn(f64) -> f64) -> f64 {
    let (mut at_low, mut at_high) = (rising(low), rising(high));
    if at_low >= 0.0 {
        return low;
    }
    if at_high <= 0.0 {
        return high;
    }
    // The secant point where it converges (Illinois), otherwise the midpoint.
    let (mut side, mut before) = (0, f64::INFINITY);
    for round in 0..200 {
        let width = high - low;
        if width <= 4.0 * f64::EPSILON * low.abs().max(high.abs()) {
            break;
        }
        let secant = high - at_high * width / (at_high - at_low);
        let slow = round % 3 == 2 && width > before / 2.0;
        let middle = low + width / 2.0;
        let at = if slow || !(secant > low && secant < high) { middle } else { secant };
        if round % 3 == 2 {
            before = width;
        }
        let value = rising(at);
        if value == 0.0 || at <= low || at >= high {
            return at;
        }
        if value < 0.0 {
            (low, at_low) = (at, value);
            if side == -1 {
                at_high /= 2.0;
            }
            side = -1;
        } else {
            (high, at_high) = (at, value);
            if side == 1 {
                at_low /= 2.0;
            }
            side = 1;
        }
    }
    low + (high - low) / 2.0
}

/// The most likely rate of `b` (0 to 1) if the rate of `a` is larger by `delta`.
fn fitted(a: Count, b: Count, delta: f64) -> f64 {
    let (low, high) = ((-delta).max(0.0), (1.0 - delta).min(1.0));
    // The slope of the likelihood falls as the rate rises. A zero count contributes nothing to the slope.
    let part = |count: f64, rate: f64| if count > 0.0 { count / rate } else { 0.0 };
    let slope = |rate: f64| {
        part(a.errors, rate + delta) - part(a.requests - a.errors, 1.0 - rate - delta) + part(b.errors, rate)
            - part(b.requests - b.errors, 1.0 - rate)
    };
    let (mut low, mut high) = (low, high);
    for _ in 0..100 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high || high - low < 1e-13 * high {
            break;
        }
        if slope(middle) > 0.0 { low = middle } else { high = middle }
    }
    low + (high - low) / 2.0
}

/// The distance of the observed difference of the rates from `delta`, in standard errors (Miettinen–Nurminen). Above 0:
/// the excess of `a` is larger than `delta`. 0 if either side has no requests.
pub fn score(a: Count, b: Count, delta: f64) -> f64 {
    if a.requests <= 0.0 || b.requests <= 0.0 {
        return 0.0;
    }
    let rate_b = fitted(a, b, delta);
    let rate_a = (rate_b + delta).clamp(0.0, 1.0);
    let all = a.requests + b.requests;
    let variance =
        (rate_a * (1.0 - rate_a) / a.requests + rate_b * (1.0 - rate_b) / b.requests) * all / (all - 1.0).max(1.0);
    let distance = a.rate() - b.rate() - delta;
    match variance > 0.0 {
        true => distance / variance.sqrt(),
        // Without variance, a zero distance scores 0, and any other distance is certain.
        false if distance.abs() < 1e-15 => 0.0,
        false => distance.signum() * f64::MAX,
    }
}

/// The score bounds of the rate of `a` minus the rate of `b` (−1 to 1). Each bound is missed with probability `beyond`;
/// `None`: either side has no requests.
pub fn difference(a: Count, b: Count, beyond: f64) -> Option<(f64, f64)> {
    if a.requests <= 0.0 || b.requests <= 0.0 {
        return None;
    }
    let z = normal().inverse_cdf(1.0 - beyond);
    let observed = a.rate() - b.rate();
    // The score falls from far above 0 to far below as `delta` rises.
    let low = solve(-1.0, observed, |delta| z - score(a, b, delta).clamp(-1e6, 1e6));
    let high = solve(observed, 1.0, |delta| -z - score(a, b, delta).clamp(-1e6, 1e6));
    Some((low, high))
}

/// The probability of a difference this small or smaller if `a` is truly worse by `delta`. A small value rules out that
/// excess.
pub fn within(a: Count, b: Count, delta: f64) -> f64 {
    if a.requests <= 0.0 || b.requests <= 0.0 { 1.0 } else { normal().cdf(score(a, b, delta)) }
}

pub(super) fn normal() -> Normal {
    Normal::standard()
}
