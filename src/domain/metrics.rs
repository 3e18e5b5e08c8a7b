//! Metrics per minute; missing data stays missing.

mod histogram;
mod series;
pub mod source;

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use self::source::{MetricSource, Resolution};

pub use self::histogram::{BadHistogram, Histogram};
pub use self::series::{SETTLES_AFTER, Series};

/// One minute of one side. A field is `None` where the source had no datapoint. The names are CloudWatch's for a target
/// group; for custom metrics, `target_5xx` holds the errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// Start of the minute.
    pub at: Timestamp,
    /// `RequestCount`, Sum.
    pub requests: Option<f64>,
    /// `HTTPCode_Target_5XX_Count`, Sum. Sparse: also absent when there were no errors, see [`Minute::errors`].
    pub target_5xx: Option<f64>,
    /// `TargetConnectionErrorCount`, Sum.
    pub connection_errors: Option<f64>,
    /// `TargetResponseTime` p50, milliseconds.
    pub p50: Option<f64>,
    /// `TargetResponseTime` p95, milliseconds.
    pub p95: Option<f64>,
    /// `TargetResponseTime` p99, milliseconds.
    pub p99: Option<f64>,
    /// True if some or all of the errors could not be read; an absent error count is then unknown, not zero.
    pub uncounted: bool,
}

impl Minute {
    /// An empty minute.
    pub fn at(at: Timestamp) -> Self {
        Self {
            at,
            requests: None,
            target_5xx: None,
            connection_errors: None,
            p50: None,
            p95: None,
            p99: None,
            uncounted: false,
        }
    }

    /// Errors in the minute: a missing 5xx count is 0 if requests were counted, otherwise unknown.
    pub fn errors(&self) -> Option<f64> {
        self.requests.filter(|_| !self.uncounted)?;
        Some(self.target_5xx.unwrap_or(0.0) + self.connection_errors.unwrap_or(0.0))
    }

    /// Errors over requests, percent; `None`: no requests, or errors unknown.
    pub fn error_percent(&self) -> Option<f64> {
        let requests = self.requests.filter(|requests| *requests > 0.0)?;
        Some((self.errors()? / requests * 100.0).min(100.0))
    }

    /// A percentile of the response time, milliseconds. p99 is `None` for a minute with too few requests: see
    /// [`LEAST_FOR_P99`].
    pub fn latency(&self, percentile: Percentile) -> Option<f64> {
        match percentile {
            Percentile::P50 => self.p50,
            Percentile::P95 => self.p95,
            Percentile::P99 => self.p99.filter(|_| self.requests.is_some_and(|requests| requests >= LEAST_FOR_P99)),
        }
    }
}

/// Minimum number of requests in a minute for a p99; of fewer requests, the p99 is merely the slowest.
pub const LEAST_FOR_P99: f64 = 100.0;

/// One metric of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum Member {
    /// [`Minute::requests`].
    Requests,
    /// [`Minute::target_5xx`].
    Errors,
    /// [`Minute::connection_errors`].
    ConnectionErrors,
    /// [`Minute::p50`].
    P50,
    /// [`Minute::p95`].
    P95,
    /// [`Minute::p99`].
    P99,
}

impl Member {
    /// The field of a minute.
    pub fn of(self, minute: &mut Minute) -> &mut Option<f64> {
        match self {
            Self::Requests => &mut minute.requests,
            Self::Errors => &mut minute.target_5xx,
            Self::ConnectionErrors => &mut minute.connection_errors,
            Self::P50 => &mut minute.p50,
            Self::P95 => &mut minute.p95,
            Self::P99 => &mut minute.p99,
        }
    }

    /// Returns true for a count of errors: where requests were counted, an absent count is 0.
    pub fn counts_errors(self) -> bool {
        matches!(self, Self::Errors | Self::ConnectionErrors)
    }

    /// Returns true for the inputs of an error rate.
    pub fn counts(self) -> bool {
        self == Self::Requests || self.counts_errors()
    }
}

/// The latency that the panel draws.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumIter)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Percentile {
    /// The median.
    P50,
    /// 95 % are faster.
    #[default]
    P95,
    /// 99 % are faster.
    P99,
}

impl Percentile {
    /// The next percentile, in a cycle.
    pub fn next(self) -> Self {
        match self {
            Self::P50 => Self::P95,
            Self::P95 => Self::P99,
            Self::P99 => Self::P50,
        }
    }
}

/// A metric that is shown and never judged: it describes more than one side, or no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gauge {
    /// `HTTPCode_ELB_5XX_Count`, Sum, of a whole load balancer: its own responses, not those of a target.
    BalancerErrors,
    /// `UnHealthyHostCount`, Maximum, of a target group.
    UnhealthyHosts,
    /// `UnhealthyRoutingRequestCount`, Sum, of a target group: requests sent to unhealthy targets for lack of others.
    FailedOpen,
    /// `CPUUtilization` of AWS/ECS, Average, percent of what a service reserves.
    Cpu,
    /// `MemoryUtilization` of AWS/ECS, Average, percent of what a service reserves.
    Memory,
    /// `CpuUtilized` of ECS/ContainerInsights, Sum, CPU units (1,024 per vCPU). Only with Container Insights.
    CpuUnits,
    /// `MemoryUtilized` of ECS/ContainerInsights, Sum, megabytes. Only with Container Insights.
    Megabytes,
}

/// The reason why a source has not returned all of a metric: `StatusCode` in the result of GetMetricData.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// `Forbidden`: the credentials may not read the metric.
    Forbidden,
    /// `InternalError`, or any other lack of data.
    Failed,
    /// `PartialData`: the source has more data than it returned.
    Partial,
}

/// A source's message about a metric with missing data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The metric, as the source names it.
    pub metric: String,
    /// The kind of failure.
    pub kind: TroubleKind,
    /// The source's message.
    pub message: String,
}

/// The start of the minute that contains `at`.
pub fn minute_of(at: Timestamp) -> Timestamp {
    // The start of a minute is a valid time near `at`.
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

/// A query for the minutes of some metric sources.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MetricsQuery {
    /// The metric sources, each with its resolution.
    pub meters: Vec<(MetricSource, Resolution)>,
    /// First minute, inclusive.
    pub from: Timestamp,
    /// End, exclusive.
    pub to: Timestamp,
}

impl MetricsQuery {
    /// The `minutes` whole minutes up to the current minute, inclusive.
    pub fn last(meters: Vec<(MetricSource, Resolution)>, now: Timestamp, minutes: i64) -> Self {
        let to = minute_of(now).checked_add(1.minutes()).unwrap_or(now);
        let from = to.checked_sub(minutes.minutes()).unwrap_or(to);
        Self { meters, from, to }
    }

    /// One query per provider: a failure of one provider does not affect the other's answer.
    pub fn by_source(self) -> Vec<Self> {
        let Self { meters, from, to } = self;
        let (prometheus, cloudwatch): (Vec<_>, Vec<_>) =
            meters.into_iter().partition(|(meter, _)| meter.of_prometheus());
        let asked = [cloudwatch, prometheus].into_iter().filter(|meters| !meters.is_empty());
        asked.map(|meters| Self { meters, from, to }).collect()
    }

    /// Returns true if the query goes to Prometheus only.
    pub fn of_prometheus(&self) -> bool {
        self.meters.iter().all(|(meter, _)| meter.of_prometheus())
    }

    /// The length of the queried time span.
    pub fn spans(&self) -> SignedDuration {
        self.to.duration_since(self.from)
    }

    /// Number of metrics in the queries to CloudWatch.
    pub fn metrics(&self) -> usize {
        self.meters.iter().map(|(meter, detail)| meter.metrics(*detail)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(second: i64, requests: Option<f64>, errors: Option<f64>) -> Minute {
        Minute { requests, target_5xx: errors, ..Minute::at(Timestamp::from_second(second).unwrap()) }
    }

    #[test]
    fn a_missing_error_count_is_zero_only_where_requests_were_counted() {
        assert_eq!(minute(0, Some(200.0), None).error_percent(), Some(0.0));
        assert_eq!(minute(0, Some(200.0), Some(4.0)).error_percent(), Some(2.0));
        assert_eq!(minute(0, None, None).error_percent(), None);
        assert_eq!(minute(0, None, Some(3.0)).error_percent(), None);
        assert_eq!(minute(0, Some(0.0), None).error_percent(), None);
    }
}
