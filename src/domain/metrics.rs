//! Numbers a minute at a time, with what is missing left missing.

mod series;
pub mod source;

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use self::source::{MetricSource, Resolution};

pub use self::series::{SETTLES_AFTER, Series};

/// One minute of one side. A member is `None` where its source had no datapoint. The names are CloudWatch's for a target
/// group; of a team's own numbers, `target_5xx` are their errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// The minute's beginning.
    pub at: Timestamp,
    /// `RequestCount`, Sum.
    pub requests: Option<f64>,
    /// `HTTPCode_Target_5XX_Count`, Sum. Sparse: absent also when there were none, see [`Minute::errors`].
    pub target_5xx: Option<f64>,
    /// `TargetConnectionErrorCount`, Sum.
    pub connection_errors: Option<f64>,
    /// `TargetResponseTime` p50, milliseconds.
    pub p50: Option<f64>,
    /// `TargetResponseTime` p95, milliseconds.
    pub p95: Option<f64>,
    /// `TargetResponseTime` p99, milliseconds.
    pub p99: Option<f64>,
    /// Whether its errors could not be read, all or some: that a count of them is absent then says nothing.
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

    /// Errors in that minute: a missing 5xx point is 0 only where requests were counted, else unknown.
    pub fn errors(&self) -> Option<f64> {
        self.requests.filter(|_| !self.uncounted)?;
        Some(self.target_5xx.unwrap_or(0.0) + self.connection_errors.unwrap_or(0.0))
    }

    /// Errors over requests in percent; `None` without requests.
    pub fn error_percent(&self) -> Option<f64> {
        let requests = self.requests.filter(|requests| *requests > 0.0)?;
        Some((self.errors()? / requests * 100.0).min(100.0))
    }

    /// A percentile of the response time, milliseconds, where there are requests enough to say so: see
    /// [`LEAST_FOR_P99`].
    pub fn latency(&self, percentile: Percentile) -> Option<f64> {
        match percentile {
            Percentile::P50 => self.p50,
            Percentile::P95 => self.p95,
            Percentile::P99 => self.p99.filter(|_| self.requests.is_some_and(|requests| requests >= LEAST_FOR_P99)),
        }
    }
}

/// Of fewer requests in a minute, the one that 99 of 100 are faster than is but the slowest of them.
pub const LEAST_FOR_P99: f64 = 100.0;

/// One number of a minute.
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
    /// Its place in a minute.
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

    /// Whether it is a count of errors: absent, it is 0 where requests were counted.
    pub fn counts_errors(self) -> bool {
        matches!(self, Self::Errors | Self::ConnectionErrors)
    }

    /// Whether error rates are made of it.
    pub fn counts(self) -> bool {
        self == Self::Requests || self.counts_errors()
    }
}

/// Which latency the panel draws.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumIter)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Percentile {
    /// The median.
    P50,
    /// 95 of 100 are faster.
    #[default]
    P95,
    /// 99 of 100 are faster.
    P99,
}

impl Percentile {
    /// The next one, round and round.
    pub fn next(self) -> Self {
        match self {
            Self::P50 => Self::P95,
            Self::P95 => Self::P99,
            Self::P99 => Self::P50,
        }
    }
}

/// A number that is shown and never judged: it is of more than one side, or of no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gauge {
    /// `HTTPCode_ELB_5XX_Count`, Sum, of a whole load balancer: answers of its own, which no target gave.
    BalancerErrors,
    /// `UnHealthyHostCount`, Maximum, of a target group.
    UnhealthyHosts,
    /// `UnhealthyRoutingRequestCount`, Sum, of a target group: sent to unhealthy targets because there were no others.
    FailedOpen,
    /// `CPUUtilization` of AWS/ECS, Average, percent of what a service reserves.
    Cpu,
    /// `MemoryUtilization` of AWS/ECS, Average, percent of what a service reserves.
    Memory,
    /// `CpuUtilized` of ECS/ContainerInsights, Sum, CPU units (1,024 to a vCPU). Only where Container Insights is on.
    CpuUnits,
    /// `MemoryUtilized` of ECS/ContainerInsights, Sum, megabytes. Only where Container Insights is on.
    Megabytes,
}

/// Why a source has not given all of a metric: `StatusCode` of GetMetricData's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// `Forbidden`: these credentials may not read it.
    Forbidden,
    /// `InternalError`, or whatever else is no data.
    Failed,
    /// `PartialData`: there is more that was not given.
    Partial,
}

/// What a source says of one metric instead of all of its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Which metric, in the source's own words.
    pub metric: String,
    /// What sort.
    pub kind: TroubleKind,
    /// The source's message.
    pub message: String,
}

/// The beginning of the minute that `at` is in.
pub fn minute_of(at: Timestamp) -> Timestamp {
    // A minute's beginning is a valid time near `at`.
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

/// What is asked of a source: these meters, these minutes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MetricsQuery {
    /// What is counted, and how much of it is asked for.
    pub meters: Vec<(MetricSource, Resolution)>,
    /// First minute, inclusive.
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
}

impl MetricsQuery {
    /// The whole minutes of the `minutes` before `now`, the running one among them.
    pub fn last(meters: Vec<(MetricSource, Resolution)>, now: Timestamp, minutes: i64) -> Self {
        let to = minute_of(now).checked_add(1.minutes()).unwrap_or(now);
        let from = to.checked_sub(minutes.minutes()).unwrap_or(to);
        Self { meters, from, to }
    }

    /// One question to each source of minutes: where one does not answer, the other does.
    pub fn by_source(self) -> Vec<Self> {
        let Self { meters, from, to } = self;
        let (prometheus, cloudwatch): (Vec<_>, Vec<_>) =
            meters.into_iter().partition(|(meter, _)| meter.of_prometheus());
        let asked = [cloudwatch, prometheus].into_iter().filter(|meters| !meters.is_empty());
        asked.map(|meters| Self { meters, from, to }).collect()
    }

    /// Whether Prometheus is asked for all of it.
    pub fn of_prometheus(&self) -> bool {
        self.meters.iter().all(|(meter, _)| meter.of_prometheus())
    }

    /// How long a time is asked for.
    pub fn spans(&self) -> SignedDuration {
        self.to.duration_since(self.from)
    }

    /// How many metrics CloudWatch is asked for.
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
