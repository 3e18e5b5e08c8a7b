//! How fast AWS's clock runs against the operator's.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Seconds of AWS's clock in a second of the operator's: 1, but for a simulated AWS that runs faster.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClockRate(f64);

impl Default for ClockRate {
    fn default() -> Self {
        Self(1.0)
    }
}

impl ClockRate {
    /// A rate; AWS's clock is never slower than the operator's.
    pub fn new(rate: f64) -> Self {
        Self(if rate.is_finite() { rate.max(1.0) } else { 1.0 })
    }

    /// The rate as a number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Whether AWS's clock runs faster than the operator's.
    pub fn is_fast(self) -> bool {
        self.0 > 1.0
    }

    /// A span of AWS's clock as a span of the operator's.
    pub fn operator_time(self, span: SignedDuration) -> SignedDuration {
        if !self.is_fast() {
            return span;
        }
        SignedDuration::try_from_secs_f64(span.as_secs_f64() / self.0).unwrap_or(span)
    }

    /// A span of the operator's clock as a span of AWS's.
    pub fn aws_time(self, span: Duration) -> SignedDuration {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        if !self.is_fast() {
            return span;
        }
        SignedDuration::try_from_secs_f64(span.as_secs_f64() * self.0).unwrap_or(SignedDuration::MAX)
    }
}

impl fmt::Display for ClockRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "×{:.0}", self.0)
    }
}
