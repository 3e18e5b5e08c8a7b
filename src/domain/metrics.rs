//! Numbers a minute at a time, with what is missing left missing.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::meter::{Detail, Meter};

/// One minute of one side. A member is `None` where its source had no datapoint. The names are CloudWatch's for a target
/// group; of a team's own numbers, `target_5xx` are their errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
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

    /// A percentile of the response time, milliseconds.
    pub fn latency(&self, percentile: Percentile) -> Option<f64> {
        match percentile {
            Percentile::P50 => self.p50,
            Percentile::P95 => self.p95,
            Percentile::P99 => self.p99,
        }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// Which metric, in the source's own words.
    pub metric: String,
    /// What sort.
    pub kind: TroubleKind,
    /// The source's message.
    pub message: String,
}

/// A meter's minutes, oldest first, without repeats.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// The minutes that its source had something for.
    pub minutes: Vec<Minute>,
    /// Where the source is finer than a minute: the minutes that ended every few seconds, for the eye. Never judged.
    pub live: Vec<Minute>,
    /// What is shown and never judged, by minute.
    pub gauges: BTreeMap<Gauge, BTreeMap<Timestamp, f64>>,
    /// What could not be read of it at the newest attempt.
    pub troubles: Vec<Trouble>,
    /// How long after its end the source goes on correcting a minute.
    #[serde(skip)]
    pub settles_after: SignedDuration,
}

/// CloudWatch goes on correcting a minute for about this long after it ended.
pub const SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(120);

const MINUTE: SignedDuration = SignedDuration::from_secs(60);

impl Default for Series {
    fn default() -> Self {
        Self {
            minutes: Vec::new(),
            live: Vec::new(),
            gauges: BTreeMap::new(),
            troubles: Vec::new(),
            settles_after: SETTLES_AFTER,
        }
    }
}

impl From<Vec<Minute>> for Series {
    fn from(minutes: Vec<Minute>) -> Self {
        Self { minutes, ..Self::default() }
    }
}

impl Series {
    /// Whether a minute that began at `at` changes no more; until then it is drawn apart and never judged.
    pub fn settled(&self, at: Timestamp, now: Timestamp) -> bool {
        now.duration_since(at) >= self.settles_after + MINUTE
    }

    /// Puts newer readings over older ones, minute by minute, and forgets what is older than `keep`.
    pub fn merge(&mut self, newer: &Self, now: Timestamp, keep: SignedDuration) {
        let from = newer.minutes.first().map(|minute| minute.at);
        // A re-read window replaces what was there, so that a corrected minute is not a second one.
        self.minutes.retain(|minute| from.is_none_or(|from| minute.at < from) && now.duration_since(minute.at) <= keep);
        self.minutes.extend(newer.minutes.iter().copied());
        for (gauge, points) in &newer.gauges {
            let had = self.gauges.entry(*gauge).or_default();
            had.extend(points);
            had.retain(|at, _| now.duration_since(*at) <= keep);
        }
        self.live.clone_from(&newer.live);
        self.troubles.clone_from(&newer.troubles);
        self.settles_after = newer.settles_after;
    }

    /// The newest settled minute.
    pub fn latest(&self, now: Timestamp) -> Option<&Minute> {
        self.minutes.iter().rev().find(|minute| self.settled(minute.at, now))
    }
}

/// What is asked of a source: these meters, these minutes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetricsQuery {
    /// What is counted, and how much of it is asked for.
    pub meters: Vec<(Meter, Detail)>,
    /// First minute, inclusive.
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
}

impl MetricsQuery {
    /// The whole minutes of the `minutes` before `now`, the running one among them.
    pub fn last(meters: Vec<(Meter, Detail)>, now: Timestamp, minutes: i64) -> Self {
        let to = now.as_second().div_euclid(60) * 60 + 60;
        // A minute's beginning is always a valid time near `now`.
        let to = Timestamp::from_second(to).unwrap_or(now);
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

    #[test]
    fn a_reread_window_overwrites_and_the_old_is_forgotten() {
        let now = Timestamp::from_second(1_000).unwrap();
        let mut series =
            Series::from(vec![minute(0, Some(1.0), None), minute(600, Some(2.0), None), minute(660, Some(3.0), None)]);
        let newer = Series::from(vec![minute(660, Some(9.0), None), minute(720, Some(4.0), None)]);
        series.merge(&newer, now, SignedDuration::from_secs(900));
        let requests: Vec<_> = series.minutes.iter().map(|m| m.requests.unwrap()).collect();
        assert_eq!(requests, [2.0, 9.0, 4.0]);
    }

    #[test]
    fn the_newest_minutes_are_not_settled() {
        let now = Timestamp::from_second(1_000).unwrap();
        let series = Series::from((10..16).map(|i| minute(i * 60, Some(1.0), None)).collect::<Vec<_>>());
        assert_eq!(series.latest(now).unwrap().at.as_second(), 780);
    }
}
