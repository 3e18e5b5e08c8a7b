//! Value types of the configuration file, checked while the file is read.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A duration of zero or more: `"0s"`, `"10m"`, `"1m 30s"`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SignedDuration", into = "SignedDuration")]
pub struct Wait(pub SignedDuration);

/// A duration above zero: `"10m"`, `"250ms"`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SignedDuration", into = "SignedDuration")]
pub struct Span(pub SignedDuration);

/// A finite number above zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Positive(pub f64);

/// Reason why a value is out of range.
#[derive(Debug, thiserror::Error)]
pub enum OutOfRange {
    /// Zero or less.
    #[error("{0} must be above 0")]
    NotPositive(String),
    /// Zero or less, or 50 or more.
    #[error("{0} must be above 0 and below 50")]
    NotAShare(String),
    /// Zero or less, or above 80.
    #[error("{0} must be above 0 and at most 80: the rest of a quota is for acts, and for everybody else")]
    NotAQuotaShare(String),
    /// Below zero.
    #[error("{0} must not be below 0")]
    Negative(String),
}

impl TryFrom<SignedDuration> for Wait {
    type Error = OutOfRange;
    fn try_from(duration: SignedDuration) -> Result<Self, OutOfRange> {
        if duration.is_negative() { Err(OutOfRange::Negative(format!("{duration:#}"))) } else { Ok(Self(duration)) }
    }
}

impl TryFrom<SignedDuration> for Span {
    type Error = OutOfRange;
    fn try_from(duration: SignedDuration) -> Result<Self, OutOfRange> {
        if duration.is_positive() { Ok(Self(duration)) } else { Err(OutOfRange::NotPositive(format!("{duration:#}"))) }
    }
}

impl TryFrom<f64> for Positive {
    type Error = OutOfRange;
    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        if value.is_finite() && value > 0.0 { Ok(Self(value)) } else { Err(OutOfRange::NotPositive(value.to_string())) }
    }
}

impl From<Wait> for SignedDuration {
    fn from(wait: Wait) -> Self {
        wait.0
    }
}

impl From<Span> for SignedDuration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl From<Positive> for f64 {
    fn from(positive: Positive) -> Self {
        positive.0
    }
}

/// A percentage above 0 and below 50.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(pub f64);

impl TryFrom<f64> for Share {
    type Error = OutOfRange;
    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        // A test with an error rate of one half is no better than a coin toss.
        if value > 0.0 && value < 50.0 { Ok(Self(value)) } else { Err(OutOfRange::NotAShare(value.to_string())) }
    }
}

/// A percentage of a request quota, above 0 and at most 80.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct QuotaShare(pub f64);

impl TryFrom<f64> for QuotaShare {
    type Error = OutOfRange;
    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        if value > 0.0 && value <= 80.0 { Ok(Self(value)) } else { Err(OutOfRange::NotAQuotaShare(value.to_string())) }
    }
}

impl From<QuotaShare> for f64 {
    fn from(share: QuotaShare) -> Self {
        share.0
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}
