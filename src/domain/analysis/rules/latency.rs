//! The rules for latency.

use jiff::{SignedDuration, Timestamp};

use super::Findings;
use crate::domain::analysis::case::{Case, Facts, LEAST_FOR_P95, Latencies};
use crate::domain::analysis::e_process::MOST_EVIDENCE;
use crate::domain::analysis::findings_text::evidence;
use crate::domain::analysis::latency_test::{compare, median};
use crate::domain::analysis::slow_requests::{SlowRequests, Slowest};
use crate::domain::analysis::{Latency, ReasonCode, SlowShare, alpha_spending, latency_test};
use crate::domain::format::chance;
use crate::domain::metrics::Percentile;
use crate::domain::settings::Thresholds;

/// Latency against stable's and against the ceiling.
pub(super) fn weigh(found: &mut Findings, case: &Case<'_>, facts: &Facts, latencies: &Latencies) {
    let thresholds = case.thresholds;
    let alarms = alarms(case);
    let many = facts.all.requests >= f64::from(thresholds.min_requests);
    if many {
        against_ceiling(found, &latencies.canary, alarms, thresholds);
    }
    let Some((canary, stable)) = medians(latencies) else {
        if facts.minutes > 0 {
            found.doubts.add(ReasonCode::NoLatencySample, || {
                format!("no minute has a p95 of at least {LEAST_FOR_P95} requests on both sides")
            });
        }
        return;
    };
    let limit = thresholds.p95_ratio;
    let what = || in_words(canary, stable, latencies.canary.len());
    if let Some(all) = &latencies.slow_requests {
        return by_all_requests(found, all, (canary >= limit * stable, many), thresholds, what);
    }
    let p = if canary > stable { slower(latencies) } else { 1.0 };
    // The true ratio may be the limit itself, so the question is whether the limit can be ruled out.
    let possible = || !ruled_out(latencies, limit, thresholds.false_passes / 100.0);
    if p <= alarms && many && possible() {
        found.failing.add(ReasonCode::LatencyWorse, || {
            format!("{}, not by chance (chance: {}; line: {limit}×)", what(), chance(p))
        });
    } else if canary > stable && canary >= limit * stable {
        found.doubts.add(ReasonCode::LatencyMaybeWorse, || {
            let (p, needed) = (chance(p), chance(alarms));
            format!("{} (line: {limit}×), which could be chance ({p}; {needed} decides)", what())
        });
    } else if !found.settled_against_a_pass()
        && let Some((then, share)) = decided(case)
    {
        if ruled_out(&then, limit, share) {
            found.grounds.add(ReasonCode::LatencyWithinRatio, || format!("{}: not {limit}×", what()));
        } else {
            found.doubts.add(ReasonCode::LatencyNotRuledOut, || {
                format!("{}: too few minutes, or too noisy, to rule out {limit}×", what())
            });
        }
    }
}

/// The same, where both sides have histograms. `beyond`: true if the p95 is beyond the limit; `many`: true if there are
/// enough requests for a FAIL.
fn by_all_requests(
    found: &mut Findings,
    all: &SlowRequests,
    (beyond, many): (bool, bool),
    thresholds: &Thresholds,
    what: impl Fn() -> String,
) {
    let (limit, false_passes) = (thresholds.p95_ratio, thresholds.false_passes / 100.0);
    let slowest = &all.slowest;
    let decided = slowest.evidence.decided_from.filter(|_| many);
    if decided.is_some_and(|from| !all.ruled_out_since(from, false_passes)) {
        found.failing.add(ReasonCode::LatencyWorse, || {
            let odds = evidence(slowest.evidence.highest);
            format!("{}: {}, not by chance (evidence {odds}; line: {limit}×)", what(), slow_in_words(slowest))
        });
    } else if all.ruled_out(false_passes) {
        found.grounds.add(ReasonCode::LatencyWithinRatio, || format!("{}: not {limit}×", what()));
    } else if beyond {
        found.doubts.add(ReasonCode::LatencyMaybeWorse, || {
            let (odds, needed) = (evidence(slowest.evidence.log), evidence(needed(thresholds).ln()));
            format!("{} (line: {limit}×), which could be chance (evidence {odds} of {needed})", what())
        });
    } else {
        found.doubts.add(ReasonCode::LatencyNotRuledOut, || {
            format!("{}: too few requests, or too wide buckets, to rule out {limit}×", what())
        });
    }
}

/// `8.10% of requests take longer than 250 ms, stable's 2.05%`.
fn slow_in_words(it: &Slowest) -> String {
    let (canary, stable) = (it.canary.rate() * 100.0, it.stable.rate() * 100.0);
    format!("{canary:.2}% of requests take longer than {:.0} ms, stable's {stable:.2}%", it.edge)
}

/// The evidence of slower requests that decides. It is asked for at any look, so its part is spent once.
pub(super) fn needed(thresholds: &Thresholds) -> f64 {
    100.0 / (thresholds.false_alarms * part(thresholds))
}

/// The part of the false alarms for latency above stable's.
fn part(thresholds: &Thresholds) -> f64 {
    if thresholds.p95_ms.is_some() { alpha_spending::LATENCY / 2.0 } else { alpha_spending::LATENCY }
}

/// The medians of both sides, milliseconds; `None`: there is nothing to compare.
fn medians(latencies: &Latencies) -> Option<(f64, f64)> {
    median(&latencies.canary).zip(median(&latencies.stable))
}

/// The probability that chance alone makes the canary's minutes this much slower.
fn slower(latencies: &Latencies) -> f64 {
    compare(&latencies.canary, &latencies.stable).map_or(1.0, |ranks| ranks.p_above)
}

/// The latency part of a look's share of false alarms. If there is a ceiling, the test against stable and the test
/// against the ceiling get half each.
fn alarms(case: &Case<'_>) -> f64 {
    case.thresholds.false_alarms / 100.0 * alpha_spending::alarms(case.look, case.planned) * part(case.thresholds)
}

/// The latencies up to the last look that decides on a PASS, and the look's share of false passes.
fn decided(case: &Case<'_>) -> Option<(Latencies, f64)> {
    let pass = alpha_spending::passes(case.look, case.planned)?;
    let to = case.begins.checked_add(SignedDuration::from_mins(pass.minutes.into())).unwrap_or(Timestamp::MAX);
    Some((Latencies::of(case, to), case.thresholds.false_passes / 100.0 * pass.share))
}

/// Returns true if a slowdown by `times` is ruled out: scaled down by that factor, such latencies would equal stable's.
fn ruled_out(latencies: &Latencies, times: f64, beyond: f64) -> bool {
    let fairly: Vec<_> = latencies.canary.iter().map(|p95| p95 / times).collect();
    compare(&fairly, &latencies.stable).is_some_and(|ranks| ranks.p_below <= beyond)
}

/// Returns true if the last look that decides on a PASS ruled out a slowdown by the limit.
pub(in crate::domain::analysis) fn slowdown_ruled_out(case: &Case<'_>) -> bool {
    decided(case).is_some_and(|(then, share)| ruled_out(&then, case.thresholds.p95_ratio, share))
}

/// `p95 300 ms is 1.5× stable's 200 ms over 8 min`.
fn in_words(canary: f64, stable: f64, minutes: usize) -> String {
    match stable > 0.0 {
        true => format!("p95 {canary:.0} ms is {:.1}× stable's {stable:.0} ms over {minutes} min", canary / stable),
        false => format!("p95 {canary:.0} ms against stable's {stable:.0} ms over {minutes} min"),
    }
}

/// p95 against the ceiling, if there is one.
pub(super) fn against_ceiling(found: &mut Findings, times: &[f64], alarms: f64, thresholds: &Thresholds) {
    let over = thresholds.p95_ms.zip(median(times)).filter(|(ceiling, median)| median > ceiling);
    let Some((ceiling, median)) = over else { return };
    let what = || format!("p95 {median:.0} ms over the ceiling of {ceiling:.0} ms");
    let p = latency_test::over_ceiling(times, ceiling);
    if p <= alarms {
        found
            .failing
            .add(ReasonCode::LatencyOverCeiling, || format!("{}, not by chance (chance: {})", what(), chance(p)));
    } else {
        found.doubts.add(ReasonCode::LatencyMaybeOverCeiling, || format!("{}, which could be chance", what()));
    }
}

/// The comparison of latencies; `None`: there is nothing to compare.
pub(super) fn compared(latencies: &Latencies, thresholds: &Thresholds) -> Option<Latency> {
    let (canary, stable) = medians(latencies)?;
    let ranks = compare(&latencies.canary, &latencies.stable)?;
    let slowest = latencies.slow_requests.as_ref().map(|all| all.slowest);
    let slow_requests = slowest.map(|it| SlowShare {
        edge_ms: it.edge,
        stable: it.stable.rate() * 100.0,
        canary: it.canary.rate() * 100.0,
        evidence: it.evidence.log.exp().min(MOST_EVIDENCE),
        evidence_needed: needed(thresholds),
    });
    Some(Latency {
        percentile: Percentile::P95,
        stable_median_ms: stable,
        canary_median_ms: canary,
        p_value: slowest.map_or(ranks.p_above, |it| (-it.evidence.highest).exp().min(1.0)),
        effect: ranks.effect,
        slow_requests,
    })
}
