//! Samples: the observed minutes of a side, and their totals.

use jiff::Timestamp;
use serde::Serialize;

use super::counts::{Count, MOST_A_MINUTE, total};
use crate::domain::metrics::{Minute, Percentile};

/// Probability that a rate is beyond each bound of its 95 % interval.
pub(super) const BEYOND: f64 = 0.025;

/// A settled minute of one side. A field is `None` without data; no data is never 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// Start of the minute.
    pub at: Timestamp,
    /// Requests.
    pub requests: Option<f64>,
    /// Errors among the requests.
    pub errors: Option<f64>,
    /// Response time, milliseconds: 50 % are faster.
    pub p50: Option<f64>,
    /// Response time, milliseconds: 95 % are faster.
    pub p95: Option<f64>,
    /// Response time, milliseconds: 99 % are faster.
    pub p99: Option<f64>,
}

impl From<&Minute> for Observed {
    /// Converts by CloudWatch's rule: an absent error count is 0 only if requests were counted.
    fn from(minute: &Minute) -> Self {
        Self {
            at: minute.at,
            requests: minute.requests,
            errors: minute.errors(),
            p50: minute.p50,
            p95: minute.p95,
            p99: minute.p99,
        }
    }
}

impl Observed {
    /// Requests and errors, if there were requests and both numbers are known. An absurd number is not known.
    pub fn count(&self) -> Option<Count> {
        let requests = self.requests.filter(|requests| *requests > 0.0 && *requests <= MOST_A_MINUTE)?;
        let errors = self.errors.filter(|errors| (0.0..=MOST_A_MINUTE).contains(errors))?;
        Some(Count { requests, errors: errors.min(requests) })
    }

    /// A percentile of the response time, milliseconds.
    pub fn latency(&self, percentile: Percentile) -> Option<f64> {
        match percentile {
            Percentile::P50 => self.p50,
            Percentile::P95 => self.p95,
            Percentile::P99 => self.p99,
        }
    }
}

/// The totals of one side over the analysed minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Numbers {
    /// Settled minutes with requests.
    pub minutes: u32,
    /// Requests.
    pub requests: f64,
    /// Errors: 5xx of targets and connection errors.
    pub errors: f64,
    /// Errors over requests, percent.
    pub error_percent: Option<f64>,
    /// The 95 % confidence interval of the error rate, percent.
    pub error_between: Option<(f64, f64)>,
    /// p50 of the response time, milliseconds: the mean of the minutes' values, weighted by their requests.
    pub p50: Option<f64>,
    /// p95, likewise.
    pub p95: Option<f64>,
    /// p99, likewise.
    pub p99: Option<f64>,
}

impl Numbers {
    /// Sums up the minutes with known requests and errors.
    pub fn of<'a>(minutes: impl IntoIterator<Item = &'a Observed>) -> Self {
        let known: Vec<_> = minutes.into_iter().filter_map(|minute| Some((minute, minute.count()?))).collect();
        let count = total(known.iter().map(|(_, count)| *count));
        let latency = |percentile| {
            let (sum, weight) = known
                .iter()
                .filter_map(|(minute, count)| Some((minute.latency(percentile)?, count.requests)))
                .fold((0.0, 0.0), |(sum, weight), (value, requests)| (sum + value * requests, weight + requests));
            (weight > 0.0).then(|| sum / weight)
        };
        Self {
            minutes: u32::try_from(known.len()).unwrap_or(u32::MAX),
            requests: count.requests,
            errors: count.errors,
            error_percent: (count.requests > 0.0).then(|| count.rate() * 100.0),
            error_between: count.interval(BEYOND).map(|(low, high)| (low * 100.0, high * 100.0)),
            p50: latency(Percentile::P50),
            p95: latency(Percentile::P95),
            p99: latency(Percentile::P99),
        }
    }
}
