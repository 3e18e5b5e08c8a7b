//! What is judged, and the counts that the tests of it go by.

use jiff::Timestamp;

use super::Observed;
use super::error_rate_test::Count;
use super::samples::total;
use crate::domain::settings::Thresholds;

/// What is judged, and by what.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The canary's settled minutes since its share was set.
    pub canary: &'a [Observed],
    /// Stable's over the same time.
    pub stable: &'a [Observed],
    /// Stable's of the hour before.
    pub before: &'a [Observed],
    /// The first minute that is judged.
    pub begins: Timestamp,
    /// 1-based index of this look; one look per settled minute.
    pub look: u32,
    /// How many looks the bake has.
    pub planned: u32,
    /// The canary's share of the requests, a fraction, where it is known.
    pub share: Option<f64>,
    /// Whether anybody counts latency. Where nobody does, none is waited for.
    pub timed: bool,
    /// The lines.
    pub thresholds: &'a Thresholds,
}

/// With fewer requests in a minute its p95 is one of its two slowest: noise.
pub(super) const LEAST_FOR_P95: f64 = 20.0;

/// What the tests of a case go by.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The canary's requests over all its minutes.
    pub all: Count,
    /// The canary's over the minutes that stable has too.
    pub canary: Count,
    /// Stable's over these.
    pub stable: Count,
    /// How many these are.
    pub minutes: u32,
    /// Whether there are minutes in which requests were counted and their errors were not.
    pub uncounted: bool,
    /// The p95 of the canary's minutes that have enough requests, of those that stable has too.
    pub slow: Vec<f64>,
    /// Stable's.
    pub base: Vec<f64>,
}

impl Facts {
    /// Of the minutes that began before `to`.
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

/// A minute's p95, where enough requests make it one.
pub(super) fn slow(minute: &Observed) -> Option<f64> {
    let known = minute.p95.filter(|p95| p95.is_finite() && *p95 >= 0.0);
    known.filter(|_| minute.requests.is_some_and(|requests| requests >= LEAST_FOR_P95))
}
