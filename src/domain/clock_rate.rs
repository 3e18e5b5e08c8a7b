//! The rate of AWS's clock relative to the operator's.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Seconds on AWS's clock per second on the operator's: 1, or more for a fast simulated AWS.
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

    /// Returns true if AWS's clock runs faster than the operator's.
    pub fn is_fast(self) -> bool {
        self.0 > 1.0
    }

    /// A duration on AWS's clock as a duration on the operator's.
    pub fn operator_time(self, span: SignedDuration) -> SignedDuration {
        if !self.is_fast() {
            return span;
        }
        SignedDuration::try_from_secs_f64(span.as_secs_f64() / self.0).unwrap_or(span)
    }

    /// A duration on the operator's clock as a duration on AWS's.
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
