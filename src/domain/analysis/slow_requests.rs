//! Latency by histograms: a request that takes longer than an edge is counted as an error is counted.
//!
//! A minute's p95 is one number; a histogram has all requests of the minute. At each edge of its buckets the requests
//! divide into faster and slower ones, and the share of the slower ones is compared between the sides like an error
//! rate: by evidence that holds at any look, minute by minute, so that an hour in which both sides are slower is no
//! evidence, and carried over the shares of a release (`error_ratio`).
//!
//! Nobody knows at which edge a slowdown shows, so the edges of the first minute share the stake evenly, and the edge
//! that wins most decides. Both sides must have the edge, so that no count is an estimate.
//!
//! A slowdown by a factor moves every latency by that factor. It is ruled out where fewer requests of the canary take
//! longer than the factor times an edge than requests of stable take longer than the edge. That time usually lies within
//! a bucket, whose requests are spread evenly, as `histogram_quantile` does. In the slower half of the requests there
//! are fewer the longer they take, so an even spread counts too many slow ones of the canary: an error on the side of
//! no PASS. Only edges whose multiple lies in that half are used.

use super::case::Case;
use super::counts::{Count, MOST_A_MINUTE, Pair};
use super::e_process::Evidence;
use super::error_ratio;
use crate::domain::metrics::Histogram;

/// Maximum number of edges that are compared: each costs time. Of more edges, every second one is left out, and so on.
const MOST_EDGES: usize = 16;

/// The requests of both sides in each minute of the release, divided at the edges of their histograms.
#[derive(Debug, Clone)]
pub(super) struct SlowRequests {
    edges: Vec<Edge>,
    /// Number of minutes of the present share with histograms of both sides.
    pub minutes: u32,
    /// The edge that shows most that the canary is slower; of equal ones the lowest.
    pub slowest: Slowest,
    /// The natural logarithm of the evidence of all minutes against a slowdown by the ratio.
    against_slowdown: f64,
}

/// The counts at one edge. Slow requests stand where a [`Count`] has errors.
#[derive(Debug, Clone)]
struct Edge {
    /// The edge, milliseconds.
    at: f64,
    /// The requests of each minute that took longer than the edge.
    slower: Vec<Pair>,
    /// The canary's requests that took longer than the ratio times the edge, and stable's that took longer than the
    /// edge.
    scaled: Vec<Pair>,
}

/// The edge that shows most that the canary is slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slowest {
    /// The edge, milliseconds.
    pub edge: f64,
    /// The canary's requests since the evidence began, with those that took longer than the edge.
    pub canary: Count,
    /// Stable's, likewise.
    pub stable: Count,
    /// The evidence, already divided among the edges.
    pub evidence: Evidence,
}

/// The histograms of both sides in a minute.
type Sides<'a> = Option<(&'a Histogram, &'a Histogram)>;

impl SlowRequests {
    /// Divides and weighs the requests of a case; `None`: the sides have no histograms with a common edge. `starts`: one
    /// for each minute in which the canary had requests. `needed`: the evidence that decides.
    pub(super) fn of(case: &Case<'_>, starts: &[f64], needed: f64) -> Option<Self> {
        let counted = || case.canary.iter().filter(|minute| minute.count().is_some());
        let sides: Vec<Sides<'_>> = counted().map(|minute| case.histograms.at(minute.at)).map(believable).collect();
        let (canary, stable) = sides.iter().flatten().next()?;
        let ratio = case.thresholds.p95_ratio;
        let in_slower_half = |edge: f64| stable.slower_than(edge * ratio) <= stable.requests() / 2.0;
        let used = |edge: &f64| in_slower_half(*edge) && canary.slower_than_edge(*edge).is_some();
        let usable: Vec<_> = stable.edges().filter(used).collect();
        let every = usable.len().div_ceil(MOST_EDGES).max(1);
        let edges: Vec<_> = usable.into_iter().step_by(every).map(|edge| Edge::of(edge, &sides, ratio)).collect();
        let present = counted().zip(&sides).filter(|(minute, sides)| minute.at >= case.begins && sides.is_some());
        let minutes = u32::try_from(present.count()).unwrap_or(u32::MAX);
        let slowest = slowest(&edges, starts, needed)?;
        let against_slowdown = against_slowdown(&edges, 0);
        Some(Self { edges, minutes, slowest, against_slowdown })
    }

    /// Returns true if the minutes rule out a slowdown by the ratio, with probability 1 − `beyond`.
    pub(super) fn ruled_out(&self, beyond: f64) -> bool {
        self.against_slowdown >= -beyond.ln()
    }

    /// Returns true if the minutes from a place on do.
    pub(super) fn ruled_out_since(&self, from: usize, beyond: f64) -> bool {
        against_slowdown(&self.edges, from) >= -beyond.ln()
    }

    /// The minutes until a slowdown is ruled out, if the evidence grows as it has; `None`: never.
    pub(super) fn minutes_until_ruled_out(&self, beyond: f64) -> Option<f64> {
        let known = self.edges.first()?.slower.iter().filter(|pair| pair.share().is_some()).count() as f64;
        let missing = -beyond.ln() - self.against_slowdown;
        if missing <= 0.0 {
            return Some(0.0);
        }
        (self.against_slowdown > 0.0).then(|| missing / (self.against_slowdown / known))
    }
}

/// The edge that shows most that the canary is slower; `None`: there is no edge.
fn slowest(edges: &[Edge], starts: &[f64], needed: f64) -> Option<Slowest> {
    let number = edges.len() as f64;
    let weighed = edges.iter().rev().map(|edge| {
        let found = error_ratio::worse_than(1.0, &edge.slower, starts, needed * number);
        (edge, Evidence { log: found.log - number.ln(), highest: found.highest - number.ln(), ..found })
    });
    let (edge, evidence) = weighed.max_by(|(_, one), (_, other)| one.highest.total_cmp(&other.highest))?;
    let since = edge.slower.get(evidence.decided_from.unwrap_or_default()..).unwrap_or_default();
    let (canary, stable) = sums(since);
    Some(Slowest { edge: edge.at, canary, stable, evidence })
}

/// The logarithm of the evidence against a slowdown by the ratio, of the minutes from a place on: that of the edge that
/// wins most.
fn against_slowdown(edges: &[Edge], from: usize) -> f64 {
    let since = edges.iter().filter_map(|edge| edge.scaled.get(from..));
    let logs = since.map(|minutes| error_ratio::against(1.0, false, minutes));
    logs.fold(f64::NEG_INFINITY, f64::max) - (edges.len() as f64).ln()
}

impl Edge {
    fn of(at: f64, sides: &[Sides<'_>], ratio: f64) -> Self {
        let pair = |canary: &dyn Fn(&Histogram) -> Option<f64>| {
            let minute = |(on_canary, on_stable): (&Histogram, &Histogram)| {
                let slow = canary(on_canary).zip(on_stable.slower_than_edge(at));
                slow.map(|(c, s)| Pair { canary: count(on_canary, c), stable: count(on_stable, s) })
            };
            sides.iter().map(|sides| sides.and_then(minute).unwrap_or_default()).collect::<Vec<_>>()
        };
        let slower = pair(&|it| it.slower_than_edge(at));
        Self { at, slower, scaled: pair(&|it| Some(it.slower_than(at * ratio))) }
    }
}

fn count(histogram: &Histogram, slow: f64) -> Count {
    Count { requests: histogram.requests(), errors: slow.clamp(0.0, histogram.requests()) }
}

/// Drops a minute with an absurd number of requests, or without any.
fn believable(sides: Sides<'_>) -> Sides<'_> {
    let known = |it: &Histogram| it.requests() > 0.0 && it.requests() <= MOST_A_MINUTE;
    sides.filter(|(canary, stable)| known(canary) && known(stable))
}

fn sums(minutes: &[Pair]) -> (Count, Count) {
    let sum = |side: fn(&Pair) -> Count| super::counts::total(minutes.iter().map(side));
    (sum(|pair| pair.canary), sum(|pair| pair.stable))
}
