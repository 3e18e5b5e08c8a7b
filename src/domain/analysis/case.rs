//! A case: the input of the verdict, and the counts for its tests.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Observed;
use super::counts::{Count, Pair, total};
use super::e_process::starts;
use super::slow_requests::SlowRequests;
use crate::domain::metrics::Histogram;
use crate::domain::settings::Thresholds;

/// The input of a verdict.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The canary's settled minutes since its release began, sorted by time.
    pub canary: &'a [Observed],
    /// Stable's minutes over the same time.
    pub stable: &'a [Observed],
    /// Stable's minutes in the hour before.
    pub before: &'a [Observed],
    /// The first minute with the present share. Earlier minutes count as evidence of errors and for nothing else.
    pub begins: Timestamp,
    /// 1-based index of this look; one look per settled minute.
    pub look: u32,
    /// Number of looks in the bake.
    pub planned: u32,
    /// The canary's share of the requests, a fraction, if known.
    pub share: Option<f64>,
    /// The histograms of both sides' minutes, where their source has any.
    pub histograms: Histograms<'a>,
    /// True if a source measures latency; otherwise the verdict does not wait for it.
    pub timed: bool,
    /// The thresholds.
    pub thresholds: &'a Thresholds,
}

/// The response times of both sides, by minute.
#[derive(Debug, Clone, Copy)]
pub struct Histograms<'a> {
    /// The canary's.
    pub canary: &'a BTreeMap<Timestamp, Histogram>,
    /// Stable's.
    pub stable: &'a BTreeMap<Timestamp, Histogram>,
}

static NONE: BTreeMap<Timestamp, Histogram> = BTreeMap::new();

impl Default for Histograms<'_> {
    fn default() -> Self {
        Self { canary: &NONE, stable: &NONE }
    }
}

impl<'a> Histograms<'a> {
    /// The histograms of a minute, the canary's first.
    pub(super) fn at(self, minute: Timestamp) -> Option<(&'a Histogram, &'a Histogram)> {
        self.canary.get(&minute).zip(self.stable.get(&minute))
    }
}

/// Minimum number of requests in a minute for a p95; of fewer requests, the p95 is one of the two slowest: noise.
pub(super) const LEAST_FOR_P95: f64 = 20.0;

/// The counts of a case, for its tests.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// Each minute of the release in which the canary had requests, of every share that it has had. Stable's count is
    /// empty where it is not known.
    pub release: Vec<Pair>,
    /// The part of the stake that begins with each of these minutes.
    pub starts: Vec<f64>,
    /// The canary's requests over all its minutes with the present share.
    pub all: Count,
    /// The canary's requests over the minutes of the present share with counts on both sides.
    pub canary: Count,
    /// Stable's requests over the same minutes.
    pub stable: Count,
    /// Number of these minutes.
    pub minutes: u32,
    /// True if in some minutes requests were counted and errors were not.
    pub uncounted: bool,
}

/// The p95 of each minute of the present share with enough requests on both sides, milliseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Latencies {
    /// The canary's.
    pub canary: Vec<f64>,
    /// Stable's, for the same minutes.
    pub stable: Vec<f64>,
    /// All response times of the release, if histograms of both sides cover at least half of these minutes.
    pub slow_requests: Option<SlowRequests>,
}

impl Case<'_> {
    /// The canary's minutes with the present share.
    pub(super) fn present(&self) -> impl Iterator<Item = &Observed> {
        self.canary.iter().filter(|minute| minute.at >= self.begins)
    }
}

/// The values of a side, sorted by time, for a minute of the other side.
fn beside<'a>(side: &'a [Observed], minute: &Observed) -> Option<&'a Observed> {
    let place = side.binary_search_by(|other| other.at.cmp(&minute.at)).ok()?;
    side.get(place)
}

/// The minutes in which the canary had requests, oldest first. Stable's count is empty where it is not known.
pub(super) fn pairs(canary: &[Observed], stable: &[Observed]) -> Vec<(Timestamp, Pair)> {
    let pair = |minute: &Observed| {
        let stable = beside(stable, minute).and_then(Observed::count);
        Some((minute.at, Pair { canary: minute.count()?, stable: stable.unwrap_or_default() }))
    };
    canary.iter().filter_map(pair).collect()
}

impl Facts {
    /// The counts of a case.
    pub(super) fn of(case: &Case<'_>) -> Self {
        let pairs = pairs(case.canary, case.stable);
        let release: Vec<_> = pairs.iter().map(|(_, pair)| *pair).collect();
        let present = || pairs.iter().filter(|(at, _)| *at >= case.begins).map(|(_, pair)| *pair);
        let both: Vec<_> = present().filter(|pair| pair.stable.requests > 0.0).collect();
        Self {
            starts: starts(&release),
            release,
            all: total(present().map(|pair| pair.canary)),
            canary: total(both.iter().map(|pair| pair.canary)),
            stable: total(both.iter().map(|pair| pair.stable)),
            minutes: u32::try_from(both.len()).unwrap_or(u32::MAX),
            uncounted: case.present().any(|minute| minute.count().is_none() && minute.requests > Some(0.0)),
        }
    }

    /// The canary's count of each minute of the release.
    pub(super) fn counts(&self) -> Vec<Count> {
        self.release.iter().map(|pair| pair.canary).collect()
    }
}

impl Latencies {
    /// The latencies of all minutes of the present share; `starts`: those of the case's [`Facts`]. `needed`: the
    /// evidence of slow requests that decides.
    pub(super) fn all(case: &Case<'_>, starts: &[f64], needed: f64) -> Self {
        let all = Self::of(case, Timestamp::MAX);
        let covers = |it: &SlowRequests| it.minutes > 0 && 2 * it.minutes as usize >= all.canary.len();
        let slow_requests = SlowRequests::of(case, starts, needed).filter(covers);
        Self { slow_requests, ..all }
    }

    /// The latencies of the minutes that began before `to`.
    pub(super) fn of(case: &Case<'_>, to: Timestamp) -> Self {
        let pairs = case.present().filter(|minute| minute.at < to);
        let (canary, stable) =
            pairs.filter_map(|minute| Some((slow(minute)?, slow(beside(case.stable, minute)?)?))).unzip();
        Self { canary, stable, slow_requests: None }
    }
}

/// A minute's p95, if there are enough requests for one.
pub(super) fn slow(minute: &Observed) -> Option<f64> {
    let known = minute.p95.filter(|p95| p95.is_finite() && *p95 >= 0.0);
    known.filter(|_| minute.requests.is_some_and(|requests| requests >= LEAST_FOR_P95))
}
