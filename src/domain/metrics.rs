//! Numbers a minute at a time, with what is missing left missing.

use std::collections::{BTreeMap, BTreeSet};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
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
    /// What this answer says nothing of, because it was not asked for or is in trouble: that it has no number says
    /// nothing then.
    #[serde(skip)]
    pub unread: BTreeSet<Member>,
    /// When the counts were last read without trouble; `None`: as of now.
    #[serde(skip)]
    pub as_of: Option<Timestamp>,
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
            unread: BTreeSet::new(),
            as_of: None,
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
    /// Whether a minute that began at `at` changes no more, and was read since then; until both it is drawn apart and
    /// never judged. What was read too early is not made final by the time that passes.
    pub fn settled(&self, at: Timestamp, now: Timestamp) -> bool {
        let read = self.as_of.map_or(now, |as_of| as_of.min(now));
        read.duration_since(at) >= self.settles_after + MINUTE
    }

    /// Whether requests or errors could not be read at the newest attempt: what is known of them is of an older one.
    pub fn miscounted(&self) -> bool {
        self.unread.iter().any(|member| member.counts())
    }

    /// Puts newer readings over older ones, minute by minute, and forgets what is older than `keep`. `now` is when the
    /// newer ones were asked for.
    ///
    /// A window that was read again replaces what was there, so that a corrected minute is not a second one; but what
    /// the newer answer says nothing of stays as it was read before.
    pub fn merge(&mut self, newer: &Self, now: Timestamp, keep: SignedDuration) {
        let mut minutes: BTreeMap<_, _> = self.minutes.drain(..).map(|minute| (minute.at, minute)).collect();
        let window = newer.minutes.first().and_then(|first| minutes.range(first.at..).next()).map(|(at, _)| *at);
        let older = window.map(|from| minutes.split_off(&from)).unwrap_or_default();
        minutes.extend(newer.minutes.iter().map(|minute| (minute.at, *minute)));
        for (at, mut old) in older {
            let minute = match minutes.get_mut(&at) {
                Some(minute) => {
                    // What was counted of it before stays known only where this answer could not be read.
                    minute.uncounted &= old.uncounted || !newer.miscounted();
                    minute
                }
                // There were requests, of which this answer says nothing.
                None if newer.unread.contains(&Member::Requests) && old.requests.is_some() => {
                    minutes.entry(at).or_insert(Minute { uncounted: old.uncounted, ..Minute::at(at) })
                }
                None => continue,
            };
            for member in &newer.unread {
                let known = *member.of(&mut old);
                let number = member.of(minute);
                *number = number.or(known);
            }
        }
        minutes.retain(|at, _| now.duration_since(*at) <= keep);
        self.minutes = minutes.into_values().collect();
        for (gauge, points) in &newer.gauges {
            let had = self.gauges.entry(*gauge).or_default();
            had.extend(points);
        }
        for points in self.gauges.values_mut() {
            points.retain(|at, _| now.duration_since(*at) <= keep);
        }
        // Only of what was read now it is known that it is final.
        if !newer.miscounted() {
            self.as_of = Some(now);
        }
        self.live.clone_from(&newer.live);
        self.troubles.clone_from(&newer.troubles);
        self.unread.clone_from(&newer.unread);
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

    /// A reading that says nothing of these.
    fn silent(minutes: Vec<Minute>, unread: &[Member]) -> Series {
        Series { unread: unread.iter().copied().collect(), ..Series::from(minutes) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Ten good minutes, read when the last of them was final.
    fn ten() -> Series {
        let mut series = Series::default();
        let minutes =
            (0..10).map(|i| Minute { p50: Some(9.0), p95: Some(50.0), ..minute(i * 60, Some(100.0), Some(2.0)) });
        series.merge(&Series::from(minutes.collect::<Vec<_>>()), at(780), SignedDuration::from_hours(3));
        series
    }

    #[test]
    fn requests_that_cannot_be_read_again_do_not_erase_those_that_were() {
        let mut series = ten();
        let latency = |second| Minute { p95: Some(60.0), ..Minute::at(at(second)) };
        // 5xx came for one minute only; latency for all but the last; one minute is new.
        let mut newer: Vec<_> = (1..9).chain([10]).map(|i| latency(i * 60)).collect();
        newer[0].target_5xx = Some(3.0);
        series.merge(&silent(newer, &[Member::Requests]), at(840), SignedDuration::from_hours(3));
        let rates: Vec<_> = series.minutes.iter().map(Minute::error_percent).collect();
        let (kept, read, new) = (Some(2.0), Some(3.0), None);
        let none = Some(0.0);
        assert_eq!(rates, [kept, read, none, none, none, none, none, none, none, none, new]);
        assert_eq!(series.minutes[5].p95, Some(60.0));
        assert_eq!((series.minutes[9].requests, series.minutes[9].p95), (Some(100.0), None));
        assert!(series.miscounted());
    }

    #[test]
    fn errors_that_cannot_be_read_again_stay_as_they_were_and_new_ones_are_unknown() {
        let mut series = ten();
        let newer = (5..11).map(|i| Minute { uncounted: true, ..minute(i * 60, Some(100.0), None) }).collect();
        series.merge(&silent(newer, &[Member::Errors]), at(840), SignedDuration::from_hours(3));
        let rates: Vec<_> = series.minutes.iter().skip(4).map(Minute::error_percent).collect();
        assert_eq!(rates, [Some(2.0), Some(2.0), Some(2.0), Some(2.0), Some(2.0), Some(2.0), None]);
        // Nothing of that minute is known until its errors are read.
        let again = vec![Minute { uncounted: true, ..minute(600, Some(100.0), None) }];
        series.merge(&silent(again, &[Member::Errors]), at(900), SignedDuration::from_hours(3));
        assert_eq!(series.minutes[10].errors(), None);
        series.merge(&Series::from(vec![minute(600, Some(100.0), None)]), at(960), SignedDuration::from_hours(3));
        assert_eq!(series.minutes[10].errors(), Some(0.0));
    }

    #[test]
    fn a_minute_whose_errors_are_no_count_any_more_is_not_one_without_errors() {
        let mut series = ten();
        let odd = vec![Minute { uncounted: true, ..minute(540, Some(100.0), None) }];
        series.merge(&Series::from(odd), at(840), SignedDuration::from_hours(3));
        assert_eq!(series.minutes[9].errors(), None);
    }

    #[test]
    fn an_answer_without_any_number_changes_nothing_but_says_so() {
        let (mut series, before) = (ten(), ten());
        let all = [Member::Requests, Member::Errors, Member::ConnectionErrors, Member::P95];
        series.merge(&silent(Vec::new(), &all), at(840), SignedDuration::from_hours(3));
        assert_eq!(series.minutes, before.minutes);
        assert!(series.miscounted() && !before.miscounted());
    }

    #[test]
    fn percentiles_that_were_not_asked_for_again_are_kept() {
        let mut series = ten();
        let newer = vec![Minute { p95: Some(70.0), ..minute(540, Some(110.0), None) }];
        series.merge(&silent(newer, &[Member::P50, Member::P99]), at(840), SignedDuration::from_hours(3));
        let last = series.minutes[9];
        assert_eq!((last.requests, last.errors(), last.p50, last.p95), (Some(110.0), Some(0.0), Some(9.0), Some(70.0)));
        assert!(!series.miscounted());
    }

    #[test]
    fn what_was_read_too_early_is_not_settled_by_the_time_that_passes() {
        let mut series = Series::default();
        let half = Series::from(vec![minute(600, Some(40.0), None)]);
        series.merge(&half, at(700), SignedDuration::from_hours(3));
        assert!(!series.settled(at(600), at(5_000)));
        // Nor by an answer that says nothing of its requests.
        series.merge(&silent(Vec::new(), &[Member::Requests]), at(800), SignedDuration::from_hours(3));
        assert!(!series.settled(at(600), at(5_000)));
        series.merge(&Series::from(vec![minute(600, Some(100.0), None)]), at(780), SignedDuration::from_hours(3));
        assert!(series.settled(at(600), at(780)));
        assert_eq!(series.minutes.len(), 1);
    }

    #[test]
    fn the_newest_minutes_are_not_settled() {
        let now = Timestamp::from_second(1_000).unwrap();
        let series = Series::from((10..16).map(|i| minute(i * 60, Some(1.0), None)).collect::<Vec<_>>());
        assert_eq!(series.latest(now).unwrap().at.as_second(), 780);
    }
}
