//! A case: the input of the verdict, and the counts for its tests.

use jiff::Timestamp;

use super::Observed;
use super::error_rate_test::Count;
use super::samples::total;
use crate::domain::settings::Thresholds;

/// The input of a verdict.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The canary's settled minutes since its share was set.
    pub canary: &'a [Observed],
    /// Stable's minutes over the same time.
    pub stable: &'a [Observed],
    /// Stable's minutes in the hour before.
    pub before: &'a [Observed],
    /// The first minute of the analysis.
    pub begins: Timestamp,
    /// 1-based index of this look; one look per settled minute.
    pub look: u32,
    /// Number of looks in the bake.
    pub planned: u32,
    /// The canary's share of the requests, a fraction, if known.
    pub share: Option<f64>,
    /// True if a source measures latency; otherwise the verdict does not wait for it.
    pub timed: bool,
    /// The thresholds.
    pub thresholds: &'a Thresholds,
}

/// Minimum number of requests in a minute for a p95; of fewer requests, the p95 is one of the two slowest: noise.
pub(super) const LEAST_FOR_P95: f64 = 20.0;

/// The inputs of a case's tests.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The canary's requests over all its minutes.
    pub all: Count,
    /// The canary's requests over the minutes with counts on both sides.
    pub canary: Count,
    /// Stable's requests over the same minutes.
    pub stable: Count,
    /// Number of these minutes.
    pub minutes: u32,
    /// True if in some minutes requests were counted and errors were not.
    pub uncounted: bool,
    /// The canary's p95 per minute, for minutes with enough requests on both sides.
    pub slow: Vec<f64>,
    /// Stable's p95 per minute, for the same minutes.
    pub base: Vec<f64>,
}

impl Facts {
    /// The facts of the minutes that began before `to`.
    pub(super) fn of(case: &Case<'_>, to: Timestamp) -> Self {
        let stable_at = |minute: &Observed| {
            let found = case.stable.binary_search_by(|other| other.at.cmp(&minute.at)).ok()?;
            case.stable.get(found)
        };
        let canary = || case.canary.iter().filter(|minute| minute.at < to);
        let pairs: Vec<_> = canary().filter_map(|minute| Some((minute, stable_at(minute)?))).collect();
        let counted: Vec<_> = pairs.iter().filter_map(|(c, s)| Some((c.count()?, s.count()?))).collect();
        let timed = || pairs.iter().filter_map(|(c, s)| Some((slow(c)?, slow(s)?)));
        Self {
            all: total(canary().filter_map(Observed::count)),
            canary: total(counted.iter().map(|(canary, _)| *canary)),
            stable: total(counted.iter().map(|(_, stable)| *stable)),
            minutes: u32::try_from(counted.len()).unwrap_or(u32::MAX),
            uncounted: canary().any(|minute| minute.count().is_none() && minute.requests > Some(0.0)),
            slow: timed().map(|(canary, _)| canary).collect(),
            base: timed().map(|(_, stable)| stable).collect(),
        }
    }
}

/// A minute's p95, if there are enough requests for one.
pub(super) fn slow(minute: &Observed) -> Option<f64> {
    let known = minute.p95.filter(|p95| p95.is_finite() && *p95 >= 0.0);
    known.filter(|_| minute.requests.is_some_and(|requests| requests >= LEAST_FOR_P95))
}
