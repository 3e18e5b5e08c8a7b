//! Which numbers are asked for, over which minutes, and what that costs.
//!
//! CloudWatch takes 500 metrics and one range of time in a call and is paid by the metric, not by the call nor by the
//! datapoint. So there is one question for all that is shown, over the ten minutes that it may still correct; and what
//! comes into sight, or was away for longer, is asked for over three hours in a question of its own: at once, and
//! without asking again for all the others. Neither way is any metric paid for twice.
//!
//! Prometheus is the team's own and works for each expression, the more the longer the time: what is open is asked for
//! every five seconds, the fleet in a question of its own and seldom, and so many meters in one at the most. What cannot
//! be read in full is asked for over three hours once a minute, and over ten minutes in between.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use super::Watched;
use super::{Key, PollKey, Source};
use crate::console::message::Now;
use crate::console::screen::Screen;
use crate::domain::metrics::source::{METRICS_A_CALL, MetricSource, Resolution};
use crate::domain::metrics::{Gauge, MetricsQuery, Percentile, Series};
use crate::domain::observe::snapshot::Query;
use crate::domain::release::Release;

/// Prometheus is asked for as many meters at once: each is several queries.
const METERS_AT_ONCE: usize = 40;

/// Minutes of a window that is read again.
const AGAIN: i64 = 10;
/// Minutes of a first reading: as many as are kept.
const FIRST: i64 = 180;
/// What was read later than this is followed by [`AGAIN`] without a gap.
const FOLLOWS: SignedDuration = SignedDuration::from_mins(8);

/// Prometheus is asked for all minutes of a meter no oftener than this.
pub(super) const ALL_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Where a service has nothing from Container Insights, it is asked for again after this.
const INSIGHTS_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Whose turn it is, is told by askings of this time.
const TURNS: SignedDuration = SignedDuration::from_hours(1);

/// The list price of a metric that GetMetricData is asked for, USD: $0.01 for 1,000 of them.
const DOLLARS_A_METRIC: f64 = 0.01 / 1_000.0;
/// The operator's time over which the cost is taken.
const COSTED_OVER: SignedDuration = SignedDuration::from_mins(10);
/// The shortest that it is taken over: a first look at everything is not what each second costs.
const COSTED_AT_LEAST: SignedDuration = SignedDuration::from_mins(1);
/// Askings that are remembered for it: more than the shortest pace makes of [`COSTED_OVER`].
const COSTED: usize = 2_048;

/// How each meter's minutes stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Meters {
    /// Up to when each was read, in each detail, with nothing missing.
    read_to: HashMap<(MetricSource, Resolution), Timestamp>,
    /// When each was last asked for.
    asked: HashMap<MetricSource, Timestamp>,
    /// When each of Prometheus' was last asked for over all of its minutes.
    all_asked: HashMap<MetricSource, Timestamp>,
    /// What is asked and not yet answered.
    waiting: HashSet<(MetricSource, Resolution)>,
    /// Services without Container Insights, and when that was seen.
    without_insights: HashMap<MetricSource, Timestamp>,
    /// How many of CloudWatch's metrics were asked for, and when, oldest first.
    spent: VecDeque<(Timestamp, usize)>,
    /// The first of all askings.
    since: Option<Timestamp>,
}

impl Meters {
    /// Takes note that minutes are asked for.
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

    /// Forgets what makes no difference any more: mostly of what is out of sight.
    fn forget(&mut self, now: Timestamp) {
        let within = |at: &Timestamp, span: SignedDuration| now.duration_since(*at) < span;
        self.read_to.retain(|_, to| within(to, FOLLOWS));
        self.all_asked.retain(|_, at| within(at, ALL_AGAIN));
        self.asked.retain(|_, at| within(at, TURNS));
        self.without_insights.retain(|_, at| within(at, INSIGHTS_AGAIN));
    }

    /// Takes note that there is an answer, or that there will be none.
    pub(super) fn answered(&mut self, metrics: &MetricsQuery) {
        for asked in &metrics.meters {
            self.waiting.remove(asked);
        }
    }

    /// Takes note of what was read. What could not be read in full is asked for again over all of its minutes.
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

/// The questions to each source of minutes: for what is read again, and for what has come into sight.
pub(super) fn questions(watched: &Watched<'_>) -> Vec<Query> {
    let (prometheus, cloudwatch): (Vec<_>, Vec<_>) =
        meters(watched).into_iter().partition(|(meter, _)| meter.of_prometheus());
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

/// Which question this is.
pub(super) fn key(metrics: &MetricsQuery) -> Key {
    if !is_first(metrics) {
        return again(metrics);
    }
    let mut digest = DefaultHasher::new();
    metrics.meters.hash(&mut digest);
    let (source, detail) = whose(metrics);
    (source, PollKey::First(detail, digest.finish()))
}

/// The question that goes on where this one ends.
pub(super) fn again(metrics: &MetricsQuery) -> Key {
    let (source, detail) = whose(metrics);
    (source, PollKey::Again(detail))
}

/// CloudWatch is asked for everything at once, Prometheus for each detail by itself.
fn whose(metrics: &MetricsQuery) -> (Source, Resolution) {
    match metrics.meters.first() {
        Some((meter, detail)) if meter.of_prometheus() => (Source::Prometheus, *detail),
        _ => (Source::Metrics, Resolution::Brief),
    }
}

/// Whether these are asked for over more than what is read again.
pub(super) fn is_first(metrics: &MetricsQuery) -> bool {
    metrics.spans() > SignedDuration::from_mins(AGAIN)
}

/// As many of them as Prometheus is asked for at once, the first ones first.
fn some(mut meters: Vec<(MetricSource, Resolution)>) -> Vec<(MetricSource, Resolution)> {
    meters.truncate(METERS_AT_ONCE);
    meters.sort();
    meters
}

/// As many of them as fit into one call, the first ones first.
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

/// All that is shown, the weightiest first: what is open, with all that its panels show; what is in flight; then what
/// was not asked for for longest. Each once, in the greater of its details.
fn meters(watched: &Watched<'_>) -> Vec<(MetricSource, Resolution)> {
    let focus = watched.focus().map(|release| release.name.as_str());
    let mut all: HashMap<MetricSource, (Resolution, u8)> = HashMap::new();
    for release in &watched.observed.releases {
        let focused = focus == Some(release.name.as_str());
        let open = focused && watched.screen.current != Screen::Fleet;
        // The fleet draws the marked one too, by the percentile that is chosen.
        let full = open || focused && watched.screen.release.percentile != Percentile::P95;
        let rank = if focused { 0 } else { 2 - u8::from(release.in_flight()) };
        let of_sides = release.sides().filter_map(|side| side.meter.clone());
        let mut wanted: Vec<_> =
            of_sides.map(|meter| (meter, if full { Resolution::Full } else { Resolution::Brief })).collect();
        if open {
            wanted.extend(beside(release, watched));
        }
        for (meter, detail) in wanted {
            let had = all.entry(meter).or_insert((detail, rank));
            *had = (had.0.max(detail), had.1.min(rank));
        }
    }
    let asked = &watched.polls.meters.asked;
    let mut all: Vec<_> =
        all.into_iter().map(|(meter, (detail, rank))| (rank, asked.get(&meter), meter, detail)).collect();
    all.sort();
    all.into_iter().map(|(_, _, meter, detail)| (meter, detail)).collect()
}

/// What is shown beside the sides' own numbers: their load balancers and their services.
fn beside(release: &Release, watched: &Watched<'_>) -> Vec<(MetricSource, Resolution)> {
    let of_sides = release.sides().filter_map(|side| match &side.meter {
        Some(MetricSource::TargetGroup { balancer, .. }) => Some(balancer.clone()),
        _ => None,
    });
    let balancers = release.routes.iter().map(|route| route.load_balancer.clone()).chain(of_sides);
    let services = release.sides().map(|side| MetricSource::Service(side.service.clone()));
    let insights = |meter: &MetricSource| {
        let none = watched.polls.meters.without_insights.get(meter);
        none.is_none_or(|at| watched.observed.now.at.duration_since(*at) >= INSIGHTS_AGAIN)
    };
    let services = services.map(|meter| {
        let detail = if insights(&meter) { Resolution::Full } else { Resolution::Brief };
        (meter, detail)
    });
    balancers.map(|balancer| (MetricSource::Balancer(balancer), Resolution::Full)).chain(services).collect()
}

#[cfg(test)]
mod tests;
