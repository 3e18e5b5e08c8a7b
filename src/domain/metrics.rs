//! CloudWatch's numbers a minute at a time, with what is missing left missing.

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::names::Arn;

/// One minute of one target group. A member is `None` where CloudWatch had no datapoint.
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
}

impl Minute {
    /// An empty minute.
    pub fn at(at: Timestamp) -> Self {
        Self { at, requests: None, target_5xx: None, connection_errors: None, p50: None, p95: None, p99: None }
    }

    /// Errors in that minute: a missing 5xx point is 0 only where requests were counted, else unknown.
    pub fn errors(&self) -> Option<f64> {
        self.requests?;
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

/// A target group's minutes, oldest first, without repeats.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Series {
    /// The minutes that CloudWatch had something for.
    pub minutes: Vec<Minute>,
}

/// CloudWatch goes on correcting a minute for about this long after it ended.
pub const SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(120);

impl Series {
    /// Whether a minute that began at `at` still changes: drawn apart, never judged.
    pub fn settled(at: Timestamp, now: Timestamp) -> bool {
        now.duration_since(at) >= SETTLES_AFTER + SignedDuration::from_secs(60)
    }

    /// Puts newer readings over older ones, minute by minute, and forgets what is older than `keep`.
    pub fn merge(&mut self, newer: &Self, now: Timestamp, keep: SignedDuration) {
        let from = newer.minutes.first().map(|minute| minute.at);
        // A re-read window replaces what was there, so that a corrected minute is not a second one.
        self.minutes.retain(|minute| from.is_none_or(|from| minute.at < from) && now.duration_since(minute.at) <= keep);
        self.minutes.extend(newer.minutes.iter().copied());
    }

    /// The settled minutes that began within the last `window` before `now`.
    pub fn recent(&self, now: Timestamp, window: SignedDuration) -> impl Iterator<Item = &Minute> {
        self.minutes.iter().filter(move |minute| {
            Self::settled(minute.at, now)
                && now.duration_since(minute.at) <= window + SETTLES_AFTER + SignedDuration::from_secs(60)
        })
    }

    /// The newest settled minute.
    pub fn latest(&self, now: Timestamp) -> Option<&Minute> {
        self.minutes.iter().rev().find(|minute| Self::settled(minute.at, now))
    }
}

/// What is asked of CloudWatch: these target groups, these minutes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetricsQuery {
    /// Target group and the load balancer before it: the dimensions that exist.
    pub targets: Vec<(Arn, Arn)>,
    /// First minute, inclusive.
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
}

impl MetricsQuery {
    /// The whole minutes of the `minutes` before `now`, the running one among them.
    pub fn last(targets: Vec<(Arn, Arn)>, now: Timestamp, minutes: i64) -> Self {
        let to = now.as_second().div_euclid(60) * 60 + 60;
        // A minute's beginning is always a valid time near `now`.
        let to = Timestamp::from_second(to).unwrap_or(now);
        let from = to.checked_sub(minutes.minutes()).unwrap_or(to);
        Self { targets, from, to }
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
        let mut series = Series {
            minutes: vec![minute(0, Some(1.0), None), minute(600, Some(2.0), None), minute(660, Some(3.0), None)],
        };
        let newer = Series { minutes: vec![minute(660, Some(9.0), None), minute(720, Some(4.0), None)] };
        series.merge(&newer, now, SignedDuration::from_secs(900));
        let requests: Vec<_> = series.minutes.iter().map(|m| m.requests.unwrap()).collect();
        assert_eq!(requests, [2.0, 9.0, 4.0]);
    }

    #[test]
    fn the_newest_minutes_are_not_settled() {
        let now = Timestamp::from_second(1_000).unwrap();
        let series = Series { minutes: (10..16).map(|i| minute(i * 60, Some(1.0), None)).collect() };
        assert_eq!(series.latest(now).unwrap().at.as_second(), 780);
    }
}
