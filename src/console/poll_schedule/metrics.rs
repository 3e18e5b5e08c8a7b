//! Metrics that are due, the minutes to query, and their cost.
//!
//! A call to CloudWatch takes 500 metrics and one range of time. CloudWatch bills by the metric, not by the call or the
//! datapoint. So one query covers everything on screen, over the ten minutes that CloudWatch may still correct. Metrics
//! that come into sight, or were out of sight for longer, are read over three hours by a query of their own: at once,
//! and without the others. Either way no metric is paid for twice.
//!
//! Prometheus belongs to the team, and each expression costs the server work, more for a longer range. The open release
//! is read every five seconds. The fleet is read seldom, by a query of its own, for a limited number of sources at a
//! time. An expression that cannot be read in full is read over three hours once a minute, and over ten minutes in
//! between.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use super::{Key, PollKey, Required, Source, Watched};
use crate::console::message::Now;
use crate::domain::metrics::source::{METRICS_A_CALL, MetricSource, Resolution};
use crate::domain::metrics::{Gauge, MetricsQuery, Percentile, Series};
use crate::domain::observe::query::Query;
use crate::domain::observe::requirements::Read;

/// Sources in one query to Prometheus; each has several expressions.
const METERS_AT_ONCE: usize = 40;

/// Minutes of a repeated query.
const AGAIN: i64 = 10;
/// Minutes of a first query: all that are kept.
const FIRST: i64 = 180;
/// A source that was read within this time is continued by [`AGAIN`] without a gap.
const FOLLOWS: SignedDuration = SignedDuration::from_mins(8);

/// Shortest interval between two queries for all minutes of a Prometheus source.
pub(super) const ALL_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Interval between two checks for Container Insights on a service that has none.
const INSIGHTS_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Age up to which queries are remembered, to query the sources that waited longest first.
const TURNS: SignedDuration = SignedDuration::from_hours(1);

/// The list price of one metric in GetMetricData, USD: $0.01 for 1,000.
const DOLLARS_A_METRIC: f64 = 0.01 / 1_000.0;
/// Operator time over which the cost is averaged.
const COSTED_OVER: SignedDuration = SignedDuration::from_mins(10);
/// Shortest time over which the cost is averaged: the first query for all metrics does not recur each second.
const COSTED_AT_LEAST: SignedDuration = SignedDuration::from_mins(1);
/// Queries remembered for the cost: more than the fastest pace sends in [`COSTED_OVER`].
const COSTED: usize = 2_048;

/// The minutes up to which each source of metrics was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Meters {
    /// End of the minutes read without a gap, by source and resolution.
    read_to: HashMap<(MetricSource, Resolution), Timestamp>,
    /// Time of the last query, by source.
    asked: HashMap<MetricSource, Timestamp>,
    /// Time of the last query for all minutes, by Prometheus source.
    all_asked: HashMap<MetricSource, Timestamp>,
    /// Queries in flight.
    waiting: HashSet<(MetricSource, Resolution)>,
    /// Services without Container Insights, with the time of that observation.
    without_insights: HashMap<MetricSource, Timestamp>,
    /// Time of each query to CloudWatch and the number of its metrics, oldest first.
    spent: VecDeque<(Timestamp, usize)>,
    /// Time of the first query.
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

    /// Drops expired entries, mostly of sources that are out of sight.
    fn forget(&mut self, now: Timestamp) {
        let within = |at: &Timestamp, span: SignedDuration| now.duration_since(*at) < span;
        self.read_to.retain(|_, to| within(to, FOLLOWS));
        self.all_asked.retain(|_, at| within(at, ALL_AGAIN));
        self.asked.retain(|_, at| within(at, TURNS));
        self.without_insights.retain(|_, at| within(at, INSIGHTS_AGAIN));
    }

    /// Records that a query ended, with a response or a failure.
    pub(super) fn answered(&mut self, metrics: &MetricsQuery) {
        for asked in &metrics.meters {
            self.waiting.remove(asked);
        }
    }

    /// Records what was read. A source that could not be read in full is read again over all its minutes.
    pub(super) fn learned(&mut self, metrics: &MetricsQuery, read: &[(MetricSource, Series)]) {
        let details: HashMap<_, _> = metrics.meters.iter().map(|(meter, detail)| (meter, *detail)).collect();
        for (meter, series) in read {
            let Some(detail) = details.get(meter).copied() else { continue };
            if series.miscounted() {
                // Prometheus' next responses continue the last good one, as long as they reach back to it.
                if !meter.of_prometheus() {
                    self.read_to.remove(&(meter.clone(), detail));
                }
                continue;
            }
            // The last minutes alone would leave a gap before them.
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

    /// The cost of CloudWatch at the present rate, in USD an hour by the list price of GetMetricData; discounts and the
    /// free tier are not counted.
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

/// The queries to CloudWatch and Prometheus: repeated queries, and first queries for sources that have come into sight.
pub(super) fn questions(watched: &Watched<'_>, required: &Required<'_>) -> Vec<Query> {
    let (prometheus, cloudwatch): (Vec<_>, Vec<_>) =
        meters(watched, required).into_iter().partition(|(meter, _)| meter.of_prometheus());
    let (full, brief): (Vec<_>, Vec<_>) = prometheus.into_iter().partition(|(_, detail)| *detail == Resolution::Full);
    let stand = &watched.polls.meters;
    let known = |meter: &(MetricSource, Resolution)| stand.follows(meter, watched.observed.now.at);
    let (again, first): (Vec<_>, Vec<_>) = cloudwatch.into_iter().partition(known);
    let first = first.into_iter().filter(|meter| !stand.waiting.contains(meter)).collect();
    let mut asked = vec![(a_call(again), AGAIN), (a_call(first), FIRST)];
    // The finer series reach back only ten minutes anyway.
    let known = |(meter, _): &(MetricSource, Resolution)| known(&(meter.clone(), Resolution::Brief));
    for meters in [full, brief] {
        let (first, again): (Vec<_>, Vec<_>) = meters.into_iter().partition(|meter| {
            let lately =
                stand.all_asked.get(&meter.0).is_some_and(|at| watched.observed.now.at.duration_since(*at) < ALL_AGAIN);
            !known(meter) && !lately
        });
        // Otherwise a first query for the source is in flight, or due soon.
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

/// The key of the repeated query that continues a query.
pub(super) fn again(metrics: &MetricsQuery) -> Key {
    let (source, detail) = whose(metrics);
    (source, PollKey::Again(detail))
}

/// The source and resolution of a query: CloudWatch is queried for everything at once, Prometheus by resolution.
fn whose(metrics: &MetricsQuery) -> (Source, Resolution) {
    match metrics.meters.first() {
        Some((meter, detail)) if meter.of_prometheus() => (Source::Prometheus, *detail),
        _ => (Source::Metrics, Resolution::Brief),
    }
}

/// Returns true if a query covers more minutes than a repeated one.
pub(super) fn is_first(metrics: &MetricsQuery) -> bool {
    metrics.spans() > SignedDuration::from_mins(AGAIN)
}

/// The first sources, as many as one query to Prometheus takes.
fn some(mut meters: Vec<(MetricSource, Resolution)>) -> Vec<(MetricSource, Resolution)> {
    meters.truncate(METERS_AT_ONCE);
    meters.sort();
    meters
}

/// The first sources, as many as fit into one call to CloudWatch.
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
/// that were queried longest ago. Each source appears once, in its finest resolution.
fn meters(watched: &Watched<'_>, required: &Required<'_>) -> Vec<(MetricSource, Resolution)> {
    let focus = watched.focus().map(|release| release.name.as_str());
    let mut all: HashMap<&MetricSource, (Resolution, u8)> = HashMap::new();
    for (it, release) in required.all().filter_map(|it| Some((it, it.release?))) {
        let Read::Minutes(meter, detail) = &it.read else { continue };
        let focused = focus == Some(release.name.as_str());
        let rank = if focused { 0 } else { 2 - u8::from(release.in_flight()) };
        let detail = match meter {
            MetricSource::Service(_) if without_insights(watched, meter) => Resolution::Brief,
            // The fleet draws the marked release too, in the chosen percentile.
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

/// Returns true if a service recently had no data from Container Insights.
fn without_insights(watched: &Watched<'_>, meter: &MetricSource) -> bool {
    let none = watched.polls.meters.without_insights.get(meter);
    none.is_some_and(|at| watched.observed.now.at.duration_since(*at) < INSIGHTS_AGAIN)
}

#[cfg(test)]
mod tests;
