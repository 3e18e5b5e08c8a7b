//! Metrics that are due, over which minutes, and what they cost.
//!
//! A call to CloudWatch takes 500 metrics and one range of time. It is paid by the metric, not by the call or the
//! datapoint. So one query covers everything on screen, over the ten minutes that CloudWatch may still correct. Metrics
//! that come into sight, or were out of sight for longer, are read over three hours by a query of their own: at once, and
//! without the others. Either way no metric is paid for twice.
//!
//! Prometheus belongs to the team, and each expression costs it work, more for a longer range. The open release is read
//! every five seconds; the fleet is read seldom, by a query of its own, and a limited number of sources at a time. An
//! expression that cannot be read in full is read over three hours once a minute, and over ten minutes in between.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use super::{Key, PollKey, Required, Source, Watched};
use crate::console::message::Now;
use crate::domain::metrics::source::{METRICS_A_CALL, MetricSource, Resolution};
use crate::domain::metrics::{Gauge, MetricsQuery, Percentile, Series};
use crate::domain::observe::query::Query;
use crate::domain::observe::requirements::Read;

/// Sources in one query to Prometheus: each takes several expressions.
const METERS_AT_ONCE: usize = 40;

/// Minutes of a window that is read again.
const AGAIN: i64 = 10;
/// Minutes of a first reading: as many as are kept.
const FIRST: i64 = 180;
/// A source that was read more recently than this is continued by [`AGAIN`] without a gap.
const FOLLOWS: SignedDuration = SignedDuration::from_mins(8);

/// All minutes of a source are read from Prometheus no more often than this.
pub(super) const ALL_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// A service without Container Insights is checked for them again after this.
const INSIGHTS_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Queries of this time decide whose turn it is.
const TURNS: SignedDuration = SignedDuration::from_hours(1);

/// The list price of one metric in GetMetricData, USD: $0.01 for 1,000.
const DOLLARS_A_METRIC: f64 = 0.01 / 1_000.0;
/// The operator's time over which the cost is averaged.
const COSTED_OVER: SignedDuration = SignedDuration::from_mins(10);
/// The shortest time that it is averaged over: the first reading of everything is not the cost of each second.
const COSTED_AT_LEAST: SignedDuration = SignedDuration::from_mins(1);
/// Queries that are remembered for it: more than the shortest pace sends in [`COSTED_OVER`].
const COSTED: usize = 2_048;

/// How far each source of metrics was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Meters {
    /// Until when each was read without a gap, in each resolution.
    read_to: HashMap<(MetricSource, Resolution), Timestamp>,
    /// When each was last queried.
    asked: HashMap<MetricSource, Timestamp>,
    /// When all minutes of each of Prometheus' sources were last queried.
    all_asked: HashMap<MetricSource, Timestamp>,
    /// Queried and not yet answered.
    waiting: HashSet<(MetricSource, Resolution)>,
    /// Services without Container Insights, and when that was seen.
    without_insights: HashMap<MetricSource, Timestamp>,
    /// How many of CloudWatch's metrics were queried, and when, oldest first.
    spent: VecDeque<(Timestamp, usize)>,
    /// The first query of all.
    since: Option<Timestamp>,
}

impl Meters {
    /// Records a query.
    pub(super) fn ask(&mut self, metrics: &MetricsQuery, at: Timestamp) {
        self.forget(at);
        let first = is_first(metrics);
        for (meter, detail) in &metrics.meters {
            self.asked.insert(meter.clone(), at);
            self.waiting.insert((meter.clone(), *detail));
            if first && meter.of_prometheus() {
                self.all_asked.insert(meter.clone(), at);
            }
        }
        let count = metrics.metrics();
        if count > 0 {
            self.since.get_or_insert(at);
            self.spent.push_back((at, count));
            if self.spent.len() > COSTED {
                self.spent.pop_front();
            }
        }
    }

    /// Forgets what makes no difference any more, mostly about sources that are out of sight.
    fn forget(&mut self, now: Timestamp) {
        let within = |at: &Timestamp, span: SignedDuration| now.duration_since(*at) < span;
        self.read_to.retain(|_, to| within(to, FOLLOWS));
        self.all_asked.retain(|_, at| within(at, ALL_AGAIN));
        self.asked.retain(|_, at| within(at, TURNS));
        self.without_insights.retain(|_, at| within(at, INSIGHTS_AGAIN));
    }

    /// Records that a query ended, with an answer or without.
    pub(super) fn answered(&mut self, metrics: &MetricsQuery) {
        for asked in &metrics.meters {
            self.waiting.remove(asked);
        }
    }

    /// Records what was read. A source that could not be read in full is read again over all of its minutes.
    pub(super) fn learned(&mut self, metrics: &MetricsQuery, read: &[(MetricSource, Series)]) {
        let details: HashMap<_, _> = metrics.meters.iter().map(|(meter, detail)| (meter, *detail)).collect();
        for (meter, series) in read {
            let Some(detail) = details.get(meter).copied() else { continue };
            if series.miscounted() {
                // Prometheus' next answers follow the last good one, as long as they reach back to it.
                if !meter.of_prometheus() {
                    self.read_to.remove(&(meter.clone(), detail));
                }
                continue;
            }
            // The last minutes alone leave a gap before them.
            if meter.of_prometheus()
                && !is_first(metrics)
                && !self.follows(&(meter.clone(), Resolution::Brief), metrics.to)
            {
                continue;
            }
            self.read_to.insert((meter.clone(), Resolution::Brief), metrics.to);
            if detail == Resolution::Full {
                self.read_to.insert((meter.clone(), detail), metrics.to);
            }
            if matches!(meter, MetricSource::Service(_)) && detail == Resolution::Full && series.troubles.is_empty() {
                if series.gauges.contains_key(&Gauge::CpuUnits) || series.gauges.contains_key(&Gauge::Megabytes) {
                    self.without_insights.remove(meter);
                } else if metrics.spans() >= SignedDuration::from_mins(FIRST) {
                    self.without_insights.insert(meter.clone(), metrics.to);
                }
            }
        }
    }

    /// What CloudWatch costs at the present rate, USD an hour by its list price for GetMetricData, whatever discount
    /// or free share an account has.
    pub(super) fn dollars_an_hour(&self, now: Now) -> f64 {
        let Some(since) = self.since else { return 0.0 };
        let lately = self.spent.iter().filter(|(at, _)| now.since(*at) <= COSTED_OVER);
        let metrics: usize = lately.map(|(_, count)| count).sum();
        let over = now.since(since).clamp(COSTED_AT_LEAST, COSTED_OVER);
        metrics as f64 * DOLLARS_A_METRIC * (SignedDuration::from_hours(1).as_secs_f64() / over.as_secs_f64())
    }

    fn follows(&self, meter: &(MetricSource, Resolution), now: Timestamp) -> bool {
        self.read_to.get(meter).is_some_and(|to| now.duration_since(*to) < FOLLOWS)
    }
}

/// The queries to CloudWatch and Prometheus: for sources that are read again, and for those that have come into sight.
pub(super) fn questions(watched: &Watched<'_>, required: &Required<'_>) -> Vec<Query> {
    let (prometheus, cloudwatch): (Vec<_>, Vec<_>) =
        meters(watched, required).into_iter().partition(|(meter, _)| meter.of_prometheus());
    let (full, brief): (Vec<_>, Vec<_>) = prometheus.into_iter().partition(|(_, detail)| *detail == Resolution::Full);
    let stand = &watched.polls.meters;
    let known = |meter: &(MetricSource, Resolution)| stand.follows(meter, watched.observed.now.at);
    let (again, first): (Vec<_>, Vec<_>) = cloudwatch.into_iter().partition(known);
    let first = first.into_iter().filter(|meter| !stand.waiting.contains(meter)).collect();
    let mut asked = vec![(a_call(again), AGAIN), (a_call(first), FIRST)];
    // What is finer in the greater detail goes back ten minutes anyway.
    let known = |(meter, _): &(MetricSource, Resolution)| known(&(meter.clone(), Resolution::Brief));
    for meters in [full, brief] {
        let (first, again): (Vec<_>, Vec<_>) = meters.into_iter().partition(|meter| {
            let lately =
                stand.all_asked.get(&meter.0).is_some_and(|at| watched.observed.now.at.duration_since(*at) < ALL_AGAIN);
            !known(meter) && !lately
        });
        // A first reading of it is under way, or its next one is near.
        let again = again.into_iter().filter(|meter| known(meter) || !stand.waiting.contains(meter)).collect();
        asked.extend([(some(again), AGAIN), (some(first), FIRST)]);
    }
    let asked = asked.into_iter().filter(|(meters, _)| !meters.is_empty());
    asked
        .map(|(meters, minutes)| Query::Metrics(MetricsQuery::last(meters, watched.observed.now.at, minutes)))
        .collect()
}

/// The key of a query.
pub(super) fn key(metrics: &MetricsQuery) -> Key {
    if !is_first(metrics) {
        return again(metrics);
    }
    let mut digest = DefaultHasher::new();
    metrics.meters.hash(&mut digest);
    let (source, detail) = whose(metrics);
    (source, PollKey::First(detail, digest.finish()))
}

/// The key of the query that continues this one.
pub(super) fn again(metrics: &MetricsQuery) -> Key {
    let (source, detail) = whose(metrics);
    (source, PollKey::Again(detail))
}

/// CloudWatch is queried for everything at once, Prometheus for each resolution by itself.
fn whose(metrics: &MetricsQuery) -> (Source, Resolution) {
    match metrics.meters.first() {
        Some((meter, detail)) if meter.of_prometheus() => (Source::Prometheus, *detail),
        _ => (Source::Metrics, Resolution::Brief),
    }
}

/// Whether a query covers more than the minutes that are read again.
pub(super) fn is_first(metrics: &MetricsQuery) -> bool {
    metrics.spans() > SignedDuration::from_mins(AGAIN)
}

/// As many sources as one query to Prometheus takes, the first ones first.
fn some(mut meters: Vec<(MetricSource, Resolution)>) -> Vec<(MetricSource, Resolution)> {
    meters.truncate(METERS_AT_ONCE);
    meters.sort();
    meters
}

/// As many sources as fit into one call to CloudWatch, the first ones first.
fn a_call(meters: Vec<(MetricSource, Resolution)>) -> Vec<(MetricSource, Resolution)> {
    let mut count = 0;
    let mut fits: Vec<_> = meters
        .into_iter()
        .take_while(|(meter, detail)| {
            count += meter.metrics(*detail);
            count <= METRICS_A_CALL
        })
        .collect();
    fits.sort();
    fits
}

/// All sources on screen, the most important first: those of the open release, those of releases in flight, then those
/// that were not queried for longest. Each once, in its finer resolution.
fn meters(watched: &Watched<'_>, required: &Required<'_>) -> Vec<(MetricSource, Resolution)> {
    let focus = watched.focus().map(|release| release.name.as_str());
    let mut all: HashMap<&MetricSource, (Resolution, u8)> = HashMap::new();
    for (it, release) in required.all().filter_map(|it| Some((it, it.release?))) {
        let Read::Minutes(meter, detail) = &it.read else { continue };
        let focused = focus == Some(release.name.as_str());
        let rank = if focused { 0 } else { 2 - u8::from(release.in_flight()) };
        let detail = match meter {
            MetricSource::Service(_) if without_insights(watched, meter) => Resolution::Brief,
            // The fleet draws the marked one too, by the percentile that is chosen.
            _ if focused && watched.screen.release.percentile != Percentile::P95 => Resolution::Full,
            _ => *detail,
        };
        let had = all.entry(meter).or_insert((detail, rank));
        *had = (had.0.max(detail), had.1.min(rank));
    }
    let asked = &watched.polls.meters.asked;
    let mut all: Vec<_> =
        all.into_iter().map(|(meter, (detail, rank))| (rank, asked.get(meter), meter, detail)).collect();
    all.sort();
    all.into_iter().map(|(_, _, meter, detail)| (meter.clone(), detail)).collect()
}

/// Whether a service lately had nothing from Container Insights.
fn without_insights(watched: &Watched<'_>, meter: &MetricSource) -> bool {
    let none = watched.polls.meters.without_insights.get(meter);
    none.is_some_and(|at| watched.observed.now.at.duration_since(*at) < INSIGHTS_AGAIN)
}

#[cfg(test)]
mod tests;
