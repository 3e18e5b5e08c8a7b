//! The rules: the conditions on the metrics for each verdict status.

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, Facts, LEAST_FOR_P95, slow};
use super::error_rate_test;
use super::error_rate_test::Count;
use super::latency_test;
use super::latency_test::Ranks;
use super::samples::total;
use super::{
    ErrorRate, Latency, Numbers, Observed, Reason, ReasonCode, Verdict, VerdictStatus, alpha_spending, sample_size,
};
use crate::domain::metrics::Percentile;
use crate::domain::settings::Thresholds;

/// The findings of a case, by their effect on the verdict.
#[derive(Debug, Default)]
struct Findings {
    critical: Vec<Reason>,
    failing: Vec<Reason>,
    doubts: Vec<Reason>,
    warnings: Vec<Reason>,
    grounds: Vec<Reason>,
}

/// The grade of a canary's errors against stable's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    /// Significantly worse, but below the failure ratio.
    Worse,
    Failing,
    Critical,
}

/// Returns true if a canary fails: the outcome of [`judge`], without reasons and numbers.
pub fn fails(case: &Case<'_>) -> bool {
    let facts = Facts::of(case, Timestamp::MAX);
    let thresholds = case.thresholds;
    let alarms = thresholds.false_alarms / 100.0 * alpha_spending::alarms(case.look, case.planned);
    let over = || above(facts.all, alarms * alpha_spending::LINE, thresholds) == Some(true);
    let worse =
        || grade(&facts, alarms * alpha_spending::ERRORS, thresholds).is_some_and(|grade| grade != Grade::Worse);
    let slow = || {
        let alarms = latency_alarms(alarms, thresholds);
        let ranks = || latency_test::compare(&facts.slow, &facts.base);
        let slower = || much_slower(&facts, thresholds) && ranks().is_some_and(|ranks| ranks.p_above <= alarms);
        let hot = || over_ceiling(&facts.slow, thresholds).is_some_and(|(.., p)| p <= alarms);
        facts.all.requests >= f64::from(thresholds.min_requests) && (slower() || hot())
    };
    over() || worse() || slow()
}

/// Returns true if the error rate is significantly above the threshold; `None`: it is not above.
fn above(count: Count, alarms: f64, thresholds: &Thresholds) -> Option<bool> {
    let line = thresholds.error_percent;
    (count.rate() * 100.0 > line).then(|| error_rate_test::above_line(count, line / 100.0) <= alarms)
}

/// The grade of the canary's errors against stable's; `None`: not worse, or possibly by chance.
fn grade(facts: &Facts, alarms: f64, thresholds: &Thresholds) -> Option<Grade> {
    let Facts { canary, stable, .. } = *facts;
    let beyond =
        canary.rate() > stable.rate() && stable.requests > 0.0 && error_rate_test::worse(canary, stable) <= alarms;
    beyond.then(|| match times(canary, stable) {
        ratio if ratio >= thresholds.error_ratio_critical => Grade::Critical,
        ratio if ratio >= thresholds.error_ratio => Grade::Failing,
        _ => Grade::Worse,
    })
}

/// The ratio of the two rates.
fn times(canary: Count, stable: Count) -> f64 {
    if stable.errors > 0.0 { canary.rate() / stable.rate() } else { f64::INFINITY }
}

/// The latency part of a look's share. If there is a ceiling, the test against stable and the test against the ceiling
/// get half each.
fn latency_alarms(alarms: f64, thresholds: &Thresholds) -> f64 {
    let alarms = alarms * alpha_spending::LATENCY;
    if thresholds.p95_ms.is_some() { alarms / 2.0 } else { alarms }
}

/// Returns true if the canary's median p95 is at least `p95_ratio` times stable's.
fn much_slower(facts: &Facts, thresholds: &Thresholds) -> bool {
    let medians = latency_test::median(&facts.slow).zip(latency_test::median(&facts.base));
    medians.is_some_and(|(canary, stable)| canary >= thresholds.p95_ratio * stable && canary > stable)
}

/// Ceiling, median and p-value, if there is a ceiling and the median is over the ceiling.
fn over_ceiling(times: &[f64], thresholds: &Thresholds) -> Option<(f64, f64, f64)> {
    let over = thresholds.p95_ms.zip(latency_test::median(times)).filter(|(ceiling, median)| median > ceiling);
    over.map(|(ceiling, median)| (ceiling, median, latency_test::over_ceiling(times, ceiling)))
}

/// Judges a canary against stable.
pub fn judge(case: &Case<'_>) -> Verdict {
    let Case { look, planned, thresholds, .. } = *case;
    let facts = Facts::of(case, Timestamp::MAX);
    let alarms = thresholds.false_alarms / 100.0 * alpha_spending::alarms(look, planned);
    // A PASS is decided on the minutes up to the last pass look.
    let decided = alpha_spending::passes(look, planned).map(|pass| {
        let to = case.begins.checked_add(SignedDuration::from_mins(pass.minutes.into())).unwrap_or(Timestamp::MAX);
        (Facts::of(case, to), thresholds.false_passes / 100.0 * pass.share)
    });
    let decided = decided.as_ref().map(|(facts, share)| (facts, *share));
    let mut found = Findings::default();

    line(&mut found, facts.all, alarms * alpha_spending::LINE, thresholds);
    let error_rate = errors(&mut found, &facts, alarms * alpha_spending::ERRORS, decided, thresholds);
    let latency = if case.timed {
        latency(&mut found, &facts, latency_alarms(alarms, thresholds), decided, thresholds)
    } else {
        found.grounds.push(ReasonCode::LatencyNotCounted.because("latency is not counted: judged by errors alone"));
        None
    };
    past(&mut found, case, &facts, alarms, thresholds);
    if facts.all.requests > 0.0 && (look < planned || facts.minutes < planned) {
        let what = format!("{} of the bake's {planned} minutes have settled on both sides", facts.minutes.min(look));
        found.doubts.push(ReasonCode::BakeNotSettled.because(what));
    }
    if facts.uncounted && facts.all.requests <= 0.0 {
        found.doubts.push(ReasonCode::ErrorsUnread.because("the canary's errors could not be read"));
    } else {
        enough(&mut found, facts.all, facts.minutes, thresholds);
    }
    warn(&mut found, facts.all, latency_test::median(&facts.slow), thresholds);

    let judged = Numbers::of(case.canary);
    // Stable's minutes before the canary's first minute with requests are not part of the comparison.
    let first = case.canary.iter().find(|minute| minute.count().is_some()).map(|minute| minute.at);
    let beside = case.stable.iter().filter(|minute| first.is_none_or(|first| first <= minute.at));
    let baseline = Some(Numbers::of(beside));
    let mut verdict = Verdict { error_rate, latency, ..found.verdict(judged, baseline) };
    if verdict.outcome == VerdictStatus::Inconclusive {
        let needs = sample_size::needs(case, &facts);
        // The missing sample size comes right after the weightiest reason.
        if let Some(words) = sample_size::words(&needs, &facts, look) {
            verdict.reasons.insert(verdict.reasons.len().min(1), ReasonCode::SampleTooSmall.because(words));
        }
        verdict.needs = Some(needs);
    }
    verdict
}

/// Judges a side without a baseline by the thresholds alone. There is no planned end of such an analysis: each look has
/// the whole share of false alarms.
pub(super) fn alone(minutes: &[Observed], baseline: Option<Numbers>, thresholds: &Thresholds) -> Verdict {
    let alarms = thresholds.false_alarms / 100.0;
    let judged = Numbers::of(minutes);
    let count = Count::new(judged.requests, judged.errors);
    let times: Vec<_> = minutes.iter().filter_map(slow).collect();
    let mut found = Findings::default();
    line(&mut found, count, alarms, thresholds);
    ceiling(&mut found, &times, alarms, thresholds);
    enough(&mut found, count, judged.minutes, thresholds);
    warn(&mut found, count, latency_test::median(&times), thresholds);
    if baseline.is_some() {
        let what = "stable has no traffic to compare with: held against the lines alone";
        found.grounds.push(ReasonCode::NoTrafficOnStable.because(what));
    }
    found.verdict(judged, baseline)
}

/// Errors against the threshold.
fn line(found: &mut Findings, count: Count, alarms: f64, thresholds: &Thresholds) {
    let percent = thresholds.error_percent;
    let Some(beyond) = above(count, alarms, thresholds) else { return };
    let what = format!("{} over the line of {percent}%", rate_of(count));
    if beyond {
        let p = error_rate_test::above_line(count, percent / 100.0);
        let what = format!("{what}, not by chance ({})", chance(p));
        found.critical.push(ReasonCode::ErrorsOverThreshold.because(what));
    } else {
        found.doubts.push(ReasonCode::ErrorsMaybeOverThreshold.because(format!("{what}, which could be chance")));
    }
}

/// Errors against stable's.
fn errors(
    found: &mut Findings,
    facts: &Facts,
    alarms: f64,
    decided: Option<(&Facts, f64)>,
    thresholds: &Thresholds,
) -> Option<ErrorRate> {
    let Facts { canary, stable, .. } = *facts;
    let Some((low, high)) = error_rate_test::difference(canary, stable, 0.025) else {
        if canary.requests > 0.0 || facts.all.requests > 0.0 {
            let what = "stable has no requests in the same minutes to compare with";
            found.doubts.push(ReasonCode::NoTrafficOnStable.because(what));
        }
        return None;
    };
    let p = error_rate_test::worse(canary, stable);
    let ratio = times(canary, stable);
    let how = if ratio.is_finite() { format!("is {ratio:.1}× stable's") } else { "against stable's".to_owned() };
    let what = format!("{} {how} {}, not by chance ({})", rate_of(canary), short_rate_of(stable), chance(p));
    let what = ReasonCode::ErrorsWorse.because(what);
    match grade(facts, alarms, thresholds) {
        Some(Grade::Critical) => found.critical.push(what),
        Some(Grade::Failing) => found.failing.push(what),
        Some(Grade::Worse) => found.warnings.push(what),
        None => {}
    }
    let allowance = thresholds.allowance;
    // The upper bound of the excess, with the confidence and the minutes of the pass look. The excess observed up to
    // now must not contradict it.
    let may =
        decided.map_or(Some((low, high)), |(then, share)| error_rate_test::difference(then.canary, then.stable, share));
    let may = may.map_or(1.0, |(_, high)| high).max(canary.rate() - stable.rate()) * 100.0;
    if may > allowance {
        let what = format!("errors may be {may:.2} points above stable's ({allowance} are allowed)");
        found.doubts.push(ReasonCode::ErrorsNotRuledOut.because(what));
    } else {
        let what = format!(
            "{} against stable's {}: at the most {:.2} points more ({allowance} are allowed)",
            rate_of(canary),
            short_rate_of(stable),
            may.max(0.0)
        );
        found.grounds.push(ReasonCode::ErrorsWithinAllowance.because(what));
    }
    Some(ErrorRate {
        stable: stable.rate() * 100.0,
        canary: canary.rate() * 100.0,
        difference_low: low * 100.0,
        difference_high: high * 100.0,
        p_value: p,
    })
}

/// Latency against stable's and against the ceiling.
fn latency(
    found: &mut Findings,
    facts: &Facts,
    alarms: f64,
    decided: Option<(&Facts, f64)>,
    thresholds: &Thresholds,
) -> Option<Latency> {
    if facts.all.requests >= f64::from(thresholds.min_requests) {
        ceiling(found, &facts.slow, alarms, thresholds);
    }
    let compared = latency_test::compare(&facts.slow, &facts.base);
    let medians = latency_test::median(&facts.slow).zip(latency_test::median(&facts.base));
    let (Some(Ranks { p_above, effect, .. }), Some((canary, stable))) = (compared, medians) else {
        if facts.minutes > 0 {
            let why = format!("no minute has a p95 of at least {LEAST_FOR_P95} requests on both sides");
            found.doubts.push(ReasonCode::NoLatencySample.because(why));
        }
        return None;
    };
    let minutes = facts.slow.len();
    let limit = thresholds.p95_ratio;
    let what = match stable > 0.0 {
        true => format!("p95 {canary:.0} ms is {:.1}× stable's {stable:.0} ms over {minutes} min", canary / stable),
        false => format!("p95 {canary:.0} ms against stable's {stable:.0} ms over {minutes} min"),
    };
    let much = much_slower(facts, thresholds);
    if much && p_above <= alarms && facts.all.requests >= f64::from(thresholds.min_requests) {
        let what = format!("{what}, not by chance ({}; line: {limit}×)", chance(p_above));
        found.failing.push(ReasonCode::LatencyWorse.because(what));
    } else if much {
        let needed = chance(alarms);
        let what = format!("{what} (line: {limit}×), which could be chance ({}, {needed} is needed)", chance(p_above));
        found.doubts.push(ReasonCode::LatencyMaybeWorse.because(what));
    } else if let Some((then, share)) = decided {
        // Test against a slowdown by `p95_ratio`: scaled down by that factor, such latencies would equal stable's.
        let fairly: Vec<_> = then.slow.iter().map(|p95| p95 / limit).collect();
        if latency_test::compare(&fairly, &then.base).is_some_and(|ranks| ranks.p_below <= share) {
            found.grounds.push(ReasonCode::LatencyWithinRatio.because(format!("{what}: not {limit}×")));
        } else {
            let what = format!("{what}: too few minutes, or too noisy, to rule out {limit}×");
            found.doubts.push(ReasonCode::LatencyNotRuledOut.because(what));
        }
    }
    Some(Latency {
        percentile: Percentile::P95,
        stable_median_ms: stable,
        canary_median_ms: canary,
        p_value: p_above,
        effect,
    })
}

/// p95 against the ceiling, if there is one.
fn ceiling(found: &mut Findings, times: &[f64], alarms: f64, thresholds: &Thresholds) {
    let Some((ceiling, median, p)) = over_ceiling(times, thresholds) else { return };
    let what = format!("p95 {median:.0} ms over the ceiling of {ceiling:.0} ms");
    if p <= alarms {
        let what = format!("{what}, not by chance ({})", chance(p));
        found.failing.push(ReasonCode::LatencyOverCeiling.because(what));
    } else {
        found.doubts.push(ReasonCode::LatencyMaybeOverCeiling.because(format!("{what}, which could be chance")));
    }
}

/// Doubts a stable that is itself worse than in the hour before: equality with such a baseline is weak evidence.
fn past(found: &mut Findings, case: &Case<'_>, facts: &Facts, alarms: f64, thresholds: &Thresholds) {
    let before = total(case.before.iter().filter_map(Observed::count));
    let worse = facts.stable.rate() > before.rate() * thresholds.error_ratio;
    if worse && error_rate_test::worse(facts.stable, before) <= alarms {
        let (now, then) = (rate_of(facts.stable), short_rate_of(before));
        let what = format!("stable itself got worse: {now} where it had {then} in the hour before");
        found.doubts.push(ReasonCode::StableErrorsWorse.because(what));
    }
    let times: Vec<_> = case.before.iter().filter_map(slow).collect();
    let medians = latency_test::median(&facts.base).zip(latency_test::median(&times));
    if let Some((now, then)) = medians.filter(|(now, then)| *now > *then * thresholds.p95_ratio)
        && latency_test::compare(&facts.base, &times).is_some_and(|ranks| ranks.p_above <= alarms)
    {
        let what = format!("stable itself got slower: p95 {now:.0} ms, {then:.0} ms in the hour before");
        found.doubts.push(ReasonCode::StableLatencyWorse.because(what));
    }
}

fn enough(found: &mut Findings, count: Count, minutes: u32, thresholds: &Thresholds) {
    let least = thresholds.min_requests;
    if count.requests <= 0.0 {
        found.doubts.insert(0, ReasonCode::NoData.because("no settled data yet"));
    } else if count.requests < f64::from(least) {
        let what = format!("{:.0} requests; {least} are needed to tell", count.requests);
        found.doubts.push(ReasonCode::SampleTooSmall.because(what));
    } else {
        let what = format!("{:.0} requests over {minutes} min", count.requests);
        found.grounds.push(ReasonCode::SampleSufficient.because(what));
    }
}

fn warn(found: &mut Findings, count: Count, p95: Option<f64>, thresholds: &Thresholds) {
    if count.requests < f64::from(thresholds.min_requests) {
        return;
    }
    if count.rate() * 100.0 > thresholds.warn_error_percent && found.critical.is_empty() {
        let what = format!("{}, above {}%", rate_of(count), thresholds.warn_error_percent);
        found.warnings.push(ReasonCode::ErrorsAboveWarning.because(what));
    }
    if let Some(p95) = p95.filter(|p95| *p95 > thresholds.warn_p95_ms) {
        let what = format!("p95 {p95:.0} ms, above {:.0} ms", thresholds.warn_p95_ms);
        found.warnings.push(ReasonCode::LatencyAboveWarning.because(what));
    }
}

impl Findings {
    fn verdict(self, judged: Numbers, baseline: Option<Numbers>) -> Verdict {
        let outcome = if !self.critical.is_empty() || !self.failing.is_empty() {
            VerdictStatus::Fail
        } else if !self.doubts.is_empty() || judged.requests <= 0.0 {
            VerdictStatus::Inconclusive
        } else {
            VerdictStatus::Pass
        };
        let critical = !self.critical.is_empty();
        let mut reasons = self.critical;
        reasons.extend(self.failing);
        // Doubts do not matter after a FAIL.
        if outcome == VerdictStatus::Inconclusive {
            reasons.extend(self.doubts);
        }
        reasons.extend(self.warnings);
        let grounds = if outcome == VerdictStatus::Pass { self.grounds } else { Vec::new() };
        Verdict { outcome, critical, reasons, grounds, needs: None, judged, baseline, error_rate: None, latency: None }
    }
}

/// `2.10% errors (n=3000, 95% 1.62–2.68%)`.
fn rate_of(count: Count) -> String {
    let between = error_rate_test::bounds(count, 0.025)
        .map(|(low, high)| format!(", 95% {:.2}–{:.2}%", low * 100.0, high * 100.0))
        .unwrap_or_default();
    format!("{:.2}% errors (n={:.0}{between})", count.rate() * 100.0, count.requests)
}

/// `0.50% (n=27000)`.
fn short_rate_of(count: Count) -> String {
    format!("{:.2}% (n={:.0})", count.rate() * 100.0, count.requests)
}

/// A p-value as text.
fn chance(p: f64) -> String {
    if p >= 1e-4 {
        format!("p={p:.4}")
    } else if p >= 1e-9 {
        format!("p={p:.0e}")
    } else {
        "p<1e-9".to_owned()
    }
}
