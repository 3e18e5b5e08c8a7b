//! The sample size that is still missing for a verdict, at the present rates.

use super::case::{Case, Facts, LEAST_FOR_P95, Latencies};
use super::counts::{Count, Pair, total};
use super::rules::ErrorEvidence;
use super::{Needs, Observed, alpha_spending, error_excess, error_line, error_ratio, rules};

/// Limit of the forecast, minutes: one day.
const FARTHEST: u32 = 1440;

/// The fewest minutes whose order can be significant at `share`.
fn least_minutes(share: f64) -> u32 {
    let mut ways = 1.0;
    for n in 1..=60u32 {
        let n_ = f64::from(n);
        ways *= 2.0 * (2.0 * n_ - 1.0) / n_;
        if 1.0 / ways <= share {
            return n;
        }
    }
    60
}

/// The requests and minutes per minute, at the present rates.
struct Pace {
    /// The canary's requests in minutes that stable has too.
    canary: f64,
    /// Stable's requests in the same minutes.
    stable: f64,
    /// All requests of the canary.
    all: f64,
    /// Minutes with enough requests for a p95.
    timed: f64,
}

impl Pace {
    /// The pace since the share was set; before the first settled minute, an estimate from stable's hour before.
    fn of(case: &Case<'_>, facts: &Facts, timed: f64) -> Option<Self> {
        if case.look > 0 {
            let a_minute = |sum: f64| sum / f64::from(case.look);
            return (facts.all.requests > 0.0).then(|| Self {
                canary: a_minute(facts.canary.requests),
                stable: a_minute(facts.stable.requests),
                all: a_minute(facts.all.requests),
                timed: a_minute(timed),
            });
        }
        let counted: Vec<_> = case.before.iter().filter_map(Observed::count).collect();
        let total = total(counted.iter().copied()).requests / counted.len() as f64;
        let share = case.share?;
        let (canary, stable) = (total * share, total * (1.0 - share));
        let timed = if canary.min(stable) >= LEAST_FOR_P95 { 1.0 } else { 0.0 };
        (canary > 0.0 && stable > 0.0).then_some(Self { canary, stable, all: canary, timed })
    }
}

/// The missing requests and minutes.
pub(super) fn needs(case: &Case<'_>, (facts, evidence): (&Facts, &ErrorEvidence), latencies: &Latencies) -> Needs {
    let least = f64::from(case.thresholds.min_requests);
    let missing = (least - facts.all.requests).ceil().max(0.0) as u64;
    let Some(pace) = Pace::of(case, facts, latencies.canary.len() as f64) else {
        return Needs { requests: Some(missing.max(1)), minutes: None };
    };
    let comparable = pace.canary > 0.0 && pace.stable > 0.0;
    let pass = comparable.then(|| until_pass(case, facts, &pace, latencies)).flatten();
    let fail = comparable.then(|| until_fail(case, (facts, evidence), &pace)).flatten();
    match [pass, fail].into_iter().flatten().min() {
        Some(minutes) => {
            Needs { requests: Some((pace.all * f64::from(minutes)).ceil() as u64), minutes: Some(minutes) }
        }
        None => Needs { requests: (missing > 0).then_some(missing), minutes: None },
    }
}

/// Minutes until the numbers suffice for a PASS, if the canary is as good as it has been; `None`: more than a day.
fn until_pass(case: &Case<'_>, facts: &Facts, pace: &Pace, latencies: &Latencies) -> Option<u32> {
    let thresholds = case.thresholds;
    let needed = -(thresholds.false_passes / 100.0 * alpha_spending::PASS_ERRORS).ln();
    let requests = (pace.canary, pace.stable);
    // Before the first minute, stable's hour before stands for stable.
    let hour = total(case.before.iter().filter_map(Observed::count));
    let known = [Pair { canary: Count::default(), stable: hour }];
    let minutes = if facts.release.is_empty() { &known[..] } else { &facts.release };
    let errors = error_excess::minutes_until(needed, thresholds.allowance / 100.0, minutes, requests)?;
    let enough = (f64::from(thresholds.min_requests) - facts.all.requests) / pace.all;
    let bake = f64::from(case.planned.saturating_sub(case.look.min(facts.minutes)));
    let ahead = errors.max(enough).max(bake).max(1.0).ceil();
    let ahead = (ahead <= f64::from(FARTHEST)).then_some(ahead as u32)?;
    if !case.timed {
        return Some(ahead);
    }
    if let Some(all) = &latencies.slow_requests {
        let latency = all.minutes_until_ruled_out(thresholds.false_passes / 100.0)?.ceil();
        return (latency <= f64::from(FARTHEST)).then(|| ahead.max(latency as u32));
    }
    if rules::slowdown_ruled_out(case) {
        return Some(ahead);
    }
    // Latency is decided at a pass look alone.
    let reached = |pass: &alpha_spending::PassLook| {
        let more = f64::from(pass.minutes - case.look);
        latencies.canary.len() as f64 + pace.timed * more
            >= f64::from(least_minutes(thresholds.false_passes / 100.0 * pass.share))
    };
    let looks = alpha_spending::pass_looks(case.planned).skip_while(|pass| pass.minutes <= case.look);
    let latency = looks.take_while(|pass| pass.minutes - case.look <= FARTHEST).find(reached)?;
    Some(ahead.max(latency.minutes - case.look))
}

/// Minutes until the evidence suffices for a FAIL, if the canary is as bad as it has been; `None`: more than a day.
fn until_fail(case: &Case<'_>, (facts, evidence): (&Facts, &ErrorEvidence), pace: &Pace) -> Option<u32> {
    let thresholds = case.thresholds;
    let alarms = thresholds.false_alarms / 100.0;
    let stable = total(facts.release.iter().map(|pair| pair.stable));
    let canary = total(facts.release.iter().map(|pair| pair.canary));
    let minute = |side: Count, requests: f64| Count { requests, errors: requests * side.rate() };
    let next = Pair { canary: minute(canary, pace.canary), stable: minute(stable, pace.stable) };
    let line = thresholds.error_percent / 100.0;
    let worse = (alpha_spending::ERRORS, evidence.above_stable.log, error_ratio::growth(next));
    let over = (alpha_spending::LINE, evidence.above_line.log, error_line::growth(line, next.canary));
    let until = |(part, log, growth): (f64, f64, f64)| {
        let missing = -(alarms * part).ln() - log;
        (growth > 0.0).then(|| (missing / growth).max(1.0).ceil())
    };
    let soonest = [worse, over].into_iter().filter_map(until).min_by(f64::total_cmp)?;
    (soonest <= f64::from(FARTHEST)).then_some(soonest as u32)
}

/// The same as text; `None`: there is nothing to report.
pub(super) fn words(needs: &Needs, facts: &Facts, look: u32) -> Option<String> {
    Some(match *needs {
        // No minute has settled yet.
        Needs { requests: Some(requests), minutes: Some(minutes) } if look == 0 => {
            format!("about {requests} requests, {minutes} min if it gets its share")
        }
        _ if look == 0 => return None,
        _ if facts.all.requests <= 0.0 && facts.uncounted => return None,
        _ if facts.all.requests <= 0.0 => format!("no requests to the canary in {look} settled min"),
        Needs { requests: Some(requests), minutes: Some(minutes) } => {
            format!("about {requests} more requests, {minutes} min at the present rate")
        }
        Needs { requests: Some(requests), minutes: None } => {
            format!("at least {requests} more requests, at the present rates not within a day")
        }
        Needs { requests: None, .. } => "at the present rates there is no answer within a day".to_owned(),
    })
}
