//! The sample size that is still missing for a verdict, at the present rates.

use super::case::{Case, Facts, LEAST_FOR_P95};
use super::error_rate_test;
use super::error_rate_test::Count;
use super::samples::total;
use super::{Needs, Observed, alpha_spending};

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
    fn of(case: &Case<'_>, facts: &Facts) -> Option<Self> {
        if case.look > 0 {
            let a_minute = |sum: f64| sum / f64::from(case.look);
            return (facts.all.requests > 0.0).then(|| Self {
                canary: a_minute(facts.canary.requests),
                stable: a_minute(facts.stable.requests),
                all: a_minute(facts.all.requests),
                timed: a_minute(facts.slow.len() as f64),
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
pub(super) fn needs(case: &Case<'_>, facts: &Facts) -> Needs {
    let thresholds = case.thresholds;
    let least = f64::from(thresholds.min_requests);
    let missing = (least - facts.all.requests).ceil().max(0.0) as u64;
    let Some(pace) = Pace::of(case, facts) else {
        return Needs { requests: Some(missing.max(1)), minutes: None };
    };
    let base = if case.look > 0 { facts.stable } else { total(case.before.iter().filter_map(Observed::count)) };
    // A canary without errors so far is not assumed to be better than stable.
    let likely = facts.canary.rate().max(base.rate());
    let part = |count: Count, more: f64, rate: f64| {
        let requests = count.requests + more;
        Count { requests: requests.round(), errors: (requests * rate).round() }
    };
    let at = |ahead: u32| {
        let ahead = f64::from(ahead);
        let stable = part(facts.stable, pace.stable * ahead, base.rate());
        (part(facts.canary, pace.canary * ahead, likely), stable)
    };
    let passed = |ahead: u32, share: f64| {
        let (canary, stable) = at(ahead);
        let share = thresholds.false_passes / 100.0 * share;
        let timed = facts.slow.len() as f64 + pace.timed * f64::from(ahead);
        (!case.timed || timed >= f64::from(least_minutes(share)))
            && facts.minutes.saturating_add(ahead) >= case.planned
            && facts.all.requests + pace.all * f64::from(ahead) >= least
            && error_rate_test::within(canary, stable, thresholds.allowance / 100.0) <= share
    };
    let failed = |ahead: u32| {
        let (canary, stable) = at(ahead);
        let alarms =
            thresholds.false_alarms / 100.0 * alpha_spending::alarms(case.look.saturating_add(ahead), case.planned);
        canary.rate() >= thresholds.error_ratio * stable.rate()
            && error_rate_test::worse(canary, stable) <= alarms * alpha_spending::ERRORS
            || error_rate_test::above_line(canary, thresholds.error_percent / 100.0) <= alarms * alpha_spending::LINE
    };
    let comparable = pace.canary > 0.0 && pace.stable > 0.0;
    // A PASS is possible only at a pass look.
    let looks = alpha_spending::pass_looks(case.planned).skip_while(|pass| pass.minutes <= case.look);
    let mut ahead =
        looks.map(|pass| (pass.minutes - case.look, pass.share)).take_while(|(ahead, _)| *ahead <= FARTHEST);
    let pass = ahead.find(|(ahead, share)| comparable && passed(*ahead, *share)).map(|(ahead, _)| ahead);
    let fail = if comparable { first(failed) } else { None };
    match [pass, fail].into_iter().flatten().min() {
        Some(minutes) => {
            Needs { requests: Some((pace.all * f64::from(minutes)).ceil() as u64), minutes: Some(minutes) }
        }
        None => Needs { requests: (missing > 0).then_some(missing), minutes: None },
    }
}

/// The first minute from which `so` holds: doubles the distance, then bisects.
fn first(so: impl Fn(u32) -> bool) -> Option<u32> {
    let mut farther = 1;
    while !so(farther) {
        if farther >= FARTHEST {
            return None;
        }
        farther = (farther * 2).min(FARTHEST);
    }
    let mut nearer = farther / 2;
    while farther - nearer > 1 {
        let middle = nearer + (farther - nearer) / 2;
        if so(middle) { farther = middle } else { nearer = middle }
    }
    Some(farther)
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
