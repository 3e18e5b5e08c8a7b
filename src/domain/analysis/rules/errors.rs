//! The rules for errors.

use super::Findings;
use crate::domain::analysis::case::Facts;
use crate::domain::analysis::counts::{Count, Pair};
use crate::domain::analysis::e_process::{Evidence, MOST_EVIDENCE};
use crate::domain::analysis::findings_text::{evidence, rate_of, short_rate_of};
use crate::domain::analysis::{ErrorRate, ReasonCode, alpha_spending, error_excess, error_line, error_ratio};
use crate::domain::settings::Thresholds;

/// The grade of a canary's errors against stable's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    /// Worse for certain, and below the failure ratio for certain.
    Worse,
    Failing,
    Critical,
}

/// The evidence that decides a test with a part of the tolerated false alarms.
fn needed(part: f64, thresholds: &Thresholds) -> f64 {
    1.0 / (thresholds.false_alarms / 100.0 * part)
}

/// Errors against the threshold. `all`: the canary's count with the present share.
pub(super) fn against_line(
    found: &mut Findings,
    (counts, starts): (&[Count], &[f64]),
    all: Count,
    part: f64,
    thresholds: &Thresholds,
) -> Evidence {
    let (percent, needed) = (thresholds.error_percent, needed(part, thresholds));
    let line = percent / 100.0;
    let against = error_line::above(line, counts, starts, needed);
    let since = |from: usize| counts.get(from..).unwrap_or_default();
    let refuted = |from: usize| error_line::below(line, since(from), thresholds.false_passes / 100.0);
    if against.decided_from.is_some_and(|from| !refuted(from)) {
        found.critical.add(ReasonCode::ErrorsOverThreshold, || {
            let (rate, odds) = (rate_of(all), evidence(against.highest));
            format!("{rate} over the line of {percent}%, not by chance (evidence {odds})")
        });
    } else if all.rate() * 100.0 > percent {
        found.doubts.add(ReasonCode::ErrorsMaybeOverThreshold, || {
            format!("{} over the line of {percent}%, which could be chance", rate_of(all))
        });
    }
    against
}

/// Errors against stable's.
pub(super) fn against_stable(found: &mut Findings, facts: &Facts, thresholds: &Thresholds) -> Evidence {
    let needed = needed(alpha_spending::ERRORS, thresholds);
    let against = error_ratio::worse_than(1.0, &facts.release, &facts.starts, needed);
    let what = || {
        let since = against.decided_from.unwrap_or_default();
        worse_in_words(facts.release.get(since..).unwrap_or_default(), &against)
    };
    match against.decided_from.map(|from| grade(from, facts, thresholds)) {
        Some(Grade::Critical) => found.critical.add(ReasonCode::ErrorsWorse, what),
        Some(Grade::Failing) => found.failing.add(ReasonCode::ErrorsWorse, what),
        Some(Grade::Worse) => found.warnings.add(ReasonCode::ErrorsWorse, what),
        None => {}
    }
    let Facts { canary, stable, .. } = *facts;
    if canary.requests <= 0.0 || stable.requests <= 0.0 {
        if facts.all.requests > 0.0 {
            found.doubts.add(ReasonCode::NoTrafficOnStable, || {
                "stable has no requests in the same minutes to compare with".to_owned()
            });
        }
        return against;
    }
    // The excess with the present share must not contradict what the whole release shows.
    let (beyond, allowance) = (thresholds.false_passes / 100.0 * alpha_spending::PASS_ERRORS, thresholds.allowance);
    let observed = canary.rate() - stable.rate();
    let within = error_excess::less_than(allowance / 100.0, &facts.release) >= -beyond.ln();
    let highest = || error_excess::interval(&facts.release, beyond).1.max(observed) * 100.0;
    if within && observed * 100.0 <= allowance {
        found.grounds.add(ReasonCode::ErrorsWithinAllowance, || {
            format!(
                "{} against stable's {}: at the most {:.2} points more ({allowance} are allowed)",
                rate_of(canary),
                short_rate_of(stable),
                highest().max(0.0)
            )
        });
    } else {
        found.doubts.add(ReasonCode::ErrorsNotRuledOut, || {
            format!("errors may be {:.2} points above stable's ({allowance} are allowed)", highest())
        });
    }
    against
}

/// The grade of a canary that is worse for certain, by the minutes from a place on.
fn grade(from: usize, facts: &Facts, thresholds: &Thresholds) -> Grade {
    let since = facts.release.get(from..).unwrap_or_default();
    let excluded = |ratio: f64| error_ratio::below(ratio, since, thresholds.false_passes / 100.0);
    if excluded(thresholds.error_ratio) {
        return Grade::Worse;
    }
    let needed = needed(alpha_spending::ERRORS, thresholds);
    let beyond = error_ratio::worse_than(thresholds.error_ratio, &facts.release, &facts.starts, needed);
    match beyond.decided_from.is_some() && !excluded(thresholds.error_ratio_critical) {
        true => Grade::Critical,
        false => Grade::Failing,
    }
}

/// `1.02% errors (n=3000, 95% 0.72–1.45%) is 2.1× stable's 0.49% (n=27000) over 10 min, not by chance (…)`.
fn worse_in_words(minutes: &[Pair], against: &Evidence) -> String {
    let both = || minutes.iter().filter(|pair| pair.share().is_some());
    let canary = super::total(both().map(|pair| pair.canary));
    let stable = super::total(both().map(|pair| pair.stable));
    let how = match stable.errors > 0.0 {
        true => format!("is {:.1}× stable's", canary.rate() / stable.rate()),
        false => "against stable's".to_owned(),
    };
    let (rate, beside, odds) = (rate_of(canary), short_rate_of(stable), evidence(against.highest));
    format!("{rate} {how} {beside} over {} min, not by chance (evidence {odds})", both().count())
}

/// The comparison of errors; `None`: there is nothing to compare.
pub(super) fn compared(facts: &Facts, against: &Evidence, thresholds: &Thresholds) -> Option<ErrorRate> {
    let Facts { canary, stable, .. } = *facts;
    if canary.requests <= 0.0 || stable.requests <= 0.0 {
        return None;
    }
    let beyond = thresholds.false_passes / 100.0;
    let (low, high) = error_excess::interval(&facts.release, beyond * alpha_spending::PASS_ERRORS);
    let (ratio_low, ratio_high) = error_ratio::interval(&facts.release, beyond);
    Some(ErrorRate {
        stable: stable.rate() * 100.0,
        canary: canary.rate() * 100.0,
        difference_low: low * 100.0,
        difference_high: high * 100.0,
        p_value: (-against.highest).exp().min(1.0),
        ratio_low,
        ratio_high: Some(ratio_high).filter(|high| high.is_finite()),
        evidence: against.log.exp().min(MOST_EVIDENCE),
        evidence_needed: needed(alpha_spending::ERRORS, thresholds),
    })
}
