//! The rules: the conditions on the metrics for each verdict status.

mod errors;
mod findings;
mod latency;

use super::case::{Case, Facts, Latencies, slow};
use super::counts::{Count, Pair, total};
use super::e_process::{Evidence, starts};
use super::findings_text::{rate_of, short_rate_of};
use super::latency_test;
use super::{Numbers, Observed, ReasonCode, Verdict, VerdictStatus, alpha_spending, error_ratio, sample_size};
use crate::domain::settings::Thresholds;
use findings::Findings;
pub(super) use latency::slowdown_ruled_out;

/// The status of a case: the outcome of [`judge`], without reasons and numbers.
pub fn status(case: &Case<'_>) -> VerdictStatus {
    let mut found = Findings::silent();
    let facts = Facts::of(case);
    weigh(&mut found, case, &facts, &latencies(case, &facts));
    found.status(facts.all.requests)
}

/// Judges a canary against stable.
pub fn judge(case: &Case<'_>) -> Verdict {
    let mut found = Findings::default();
    let facts = Facts::of(case);
    let latencies = latencies(case, &facts);
    let evidence = weigh(&mut found, case, &facts, &latencies);
    let judged = Numbers::of(case.present());
    // Stable's minutes before the canary's first minute with requests are not part of the comparison.
    let first = case.present().find(|minute| minute.count().is_some()).map(|minute| minute.at);
    let from = first.unwrap_or(case.begins);
    let baseline = Some(Numbers::of(case.stable.iter().filter(|minute| from <= minute.at)));
    let verdict = found.verdict(judged, baseline);
    let error_rate = errors::compared(&facts, &evidence.above_stable, case.thresholds);
    let latency = case.timed.then(|| latency::compared(&latencies, case.thresholds)).flatten();
    let mut verdict = Verdict { error_rate, latency, ..verdict };
    if verdict.outcome == VerdictStatus::Inconclusive {
        let needs = sample_size::needs(case, (&facts, &evidence), &latencies);
        // The missing sample size comes right after the weightiest reason.
        if let Some(words) = sample_size::words(&needs, &facts, case.look) {
            verdict.reasons.insert(verdict.reasons.len().min(1), ReasonCode::SampleTooSmall.because(words));
        }
        verdict.needs = Some(needs);
    }
    verdict
}

/// The latencies of a case.
fn latencies(case: &Case<'_>, facts: &Facts) -> Latencies {
    Latencies::all(case, &facts.starts, latency::needed(case.thresholds))
}

/// The evidence of errors.
pub(super) struct ErrorEvidence {
    /// Of an error rate above the threshold.
    pub above_line: Evidence,
    /// Of an error rate above stable's.
    pub above_stable: Evidence,
}

/// Adds the reasons for and against a canary.
fn weigh(found: &mut Findings, case: &Case<'_>, facts: &Facts, latencies: &Latencies) -> ErrorEvidence {
    let Case { look, planned, thresholds, .. } = *case;
    let counts = facts.counts();
    let above_line = errors::against_line(found, (&counts, &facts.starts), facts.all, alpha_spending::LINE, thresholds);
    let above_stable = errors::against_stable(found, facts, thresholds);
    if case.timed {
        latency::weigh(found, case, facts, latencies);
    } else {
        found
            .grounds
            .add(ReasonCode::LatencyNotCounted, || "latency is not counted: judged by errors alone".to_owned());
    }
    past(found, case, facts, latencies);
    if facts.all.requests > 0.0 && (look < planned || facts.minutes < planned) {
        let settled = facts.minutes.min(look);
        found.doubts.add(ReasonCode::BakeNotSettled, || {
            format!("{settled} of the bake's {planned} minutes have settled on both sides")
        });
    }
    if facts.uncounted && facts.all.requests <= 0.0 {
        found.doubts.add(ReasonCode::ErrorsUnread, || "the canary's errors could not be read".to_owned());
    } else {
        enough(found, facts.all, facts.minutes, thresholds);
    }
    warn(found, facts.all, latency_test::median(&latencies.canary), thresholds);
    ErrorEvidence { above_line, above_stable }
}

/// Judges a side without a baseline by the thresholds alone.
pub(super) fn alone(minutes: &[Observed], baseline: Option<Numbers>, thresholds: &Thresholds) -> Verdict {
    let judged = Numbers::of(minutes);
    let count = Count::new(judged.requests, judged.errors);
    let counts: Vec<_> = minutes.iter().filter_map(Observed::count).collect();
    let release: Vec<_> = counts.iter().map(|canary| Pair { canary: *canary, stable: Count::default() }).collect();
    let times: Vec<_> = minutes.iter().filter_map(slow).collect();
    let mut found = Findings::default();
    errors::against_line(&mut found, (&counts, &starts(&release)), count, 1.0, thresholds);
    // There is no planned end of such an analysis: each look has the whole share of false alarms.
    latency::against_ceiling(&mut found, &times, thresholds.false_alarms / 100.0, thresholds);
    enough(&mut found, count, judged.minutes, thresholds);
    warn(&mut found, count, latency_test::median(&times), thresholds);
    if baseline.is_some() {
        found.grounds.add(ReasonCode::NoTrafficOnStable, || {
            "stable has no traffic to compare with: held against the lines alone".to_owned()
        });
    }
    found.verdict(judged, baseline)
}

/// Doubts a stable that is itself worse than in the hour before: equality with such a baseline is weak evidence.
fn past(found: &mut Findings, case: &Case<'_>, facts: &Facts, latencies: &Latencies) {
    let thresholds = case.thresholds;
    let alarms = thresholds.false_alarms / 100.0;
    let before = total(case.before.iter().filter_map(Observed::count));
    let now = facts.stable;
    let hours = [Pair { canary: now, stable: before }];
    let worse = now.rate() > before.rate() * thresholds.error_ratio;
    if worse && error_ratio::worse_than(1.0, &hours, &starts(&hours), 1.0 / alarms).decided_from.is_some() {
        found.doubts.add(ReasonCode::StableErrorsWorse, || {
            format!(
                "stable itself got worse: {} where it had {} in the hour before",
                rate_of(now),
                short_rate_of(before)
            )
        });
    }
    let times: Vec<_> = case.before.iter().filter_map(slow).collect();
    let medians = latency_test::median(&latencies.stable).zip(latency_test::median(&times));
    if let Some((now, then)) = medians.filter(|(now, then)| *now > *then * thresholds.p95_ratio)
        && latency_test::compare(&latencies.stable, &times).is_some_and(|ranks| ranks.p_above <= alarms)
    {
        found.doubts.add(ReasonCode::StableLatencyWorse, || {
            format!("stable itself got slower: p95 {now:.0} ms, {then:.0} ms in the hour before")
        });
    }
}

fn enough(found: &mut Findings, count: Count, minutes: u32, thresholds: &Thresholds) {
    let least = thresholds.min_requests;
    if count.requests <= 0.0 {
        found.doubts.first(ReasonCode::NoData, || "no settled data yet".to_owned());
    } else if count.requests < f64::from(least) {
        found
            .doubts
            .add(ReasonCode::SampleTooSmall, || format!("{:.0} requests; {least} are needed to tell", count.requests));
    } else {
        found
            .grounds
            .add(ReasonCode::SampleSufficient, || format!("{:.0} requests over {minutes} min", count.requests));
    }
}

fn warn(found: &mut Findings, count: Count, p95: Option<f64>, thresholds: &Thresholds) {
    if count.requests < f64::from(thresholds.min_requests) {
        return;
    }
    let line = thresholds.warn_error_percent;
    if count.rate() * 100.0 > line && found.critical.is_empty() {
        found.warnings.add(ReasonCode::ErrorsAboveWarning, || format!("{}, above {line}%", rate_of(count)));
    }
    if let Some(p95) = p95.filter(|p95| *p95 > thresholds.warn_p95_ms) {
        found.warnings.add(ReasonCode::LatencyAboveWarning, || {
            format!("p95 {p95:.0} ms, above {:.0} ms", thresholds.warn_p95_ms)
        });
    }
}
