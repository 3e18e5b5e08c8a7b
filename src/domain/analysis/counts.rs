//! Counts of requests and errors, and the interval of a rate.

use statrs::distribution::{ContinuousCDF, Normal};

/// The largest believable number of requests or errors in a minute. A larger number is a fault of its source.
pub(super) const MOST_A_MINUTE: f64 = 1e12;

/// A count of requests and errors.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Count {
    /// Requests, a whole number.
    pub requests: f64,
    /// Errors among the requests, a whole number.
    pub errors: f64,
}

/// One minute of both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pair {
    /// The canary's count.
    pub canary: Count,
    /// Stable's count.
    pub stable: Count,
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

    /// The Wilson score interval of the rate (0 to 1). The true rate is beyond each bound with probability `beyond`,
    /// in one look. `None`: no requests.
    pub fn interval(self, beyond: f64) -> Option<(f64, f64)> {
        let Self { requests: n, errors: x } = self;
        if n <= 0.0 {
            return None;
        }
        let z = normal().inverse_cdf(1.0 - beyond);
        let (rate, part) = (self.rate(), z * z / n);
        let middle = (rate + part / 2.0) / (1.0 + part);
        let half = z * (rate * (1.0 - rate) / n + part / (4.0 * n)).sqrt() / (1.0 + part);
        let low = if x <= 0.0 { 0.0 } else { (middle - half).clamp(0.0, rate) };
        let high = if x >= n { 1.0 } else { (middle + half).clamp(rate, 1.0) };
        Some((low, high))
    }
}

impl Pair {
    /// The same minute with the sides exchanged.
    pub(super) fn swapped(self) -> Self {
        Self { canary: self.stable, stable: self.canary }
    }

    /// Errors of both sides.
    pub(super) fn errors(self) -> f64 {
        self.canary.errors + self.stable.errors
    }

    /// The canary's part of the requests, 0 to 1; `None` unless both sides have requests.
    pub(super) fn share(self) -> Option<f64> {
        let both = self.canary.requests > 0.0 && self.stable.requests > 0.0;
        both.then(|| self.canary.requests / (self.canary.requests + self.stable.requests))
    }
}

/// All requests and errors of several minutes.
pub(super) fn total(counts: impl IntoIterator<Item = Count>) -> Count {
    let (requests, errors) = counts
        .into_iter()
        .fold((0.0, 0.0), |(requests, errors), count| (requests + count.requests, errors + count.errors));
    Count::new(requests, errors)
}

/// The standard normal distribution.
pub(super) fn normal() -> Normal {
    Normal::standard()
}
