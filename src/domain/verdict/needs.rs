//! What is missing before there is an answer, if everything goes on as it does.

use super::counts::{self, Count};
use super::judge::{Case, Facts};
use super::{Needs, spend};

/// The farthest that is looked ahead: a day.
const FARTHEST: u32 = 1440;

/// The fewest minutes whose order alone could be so unlikely by chance.
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

/// How many requests and minutes more.
pub(super) fn needs(case: &Case<'_>, facts: &Facts) -> Needs {
    let thresholds = case.thresholds;
    let least = f64::from(thresholds.min_requests);
    if facts.all.requests <= 0.0 || case.look == 0 {
        let first = least.max(1.0) as u64;
        return Needs { requests: Some(first), minutes: None };
    }
    let rate = facts.all.requests / f64::from(case.look);
    let part = |count: Count, ahead: f64, share: f64| {
        let requests = count.requests + count.requests / f64::from(case.look) * ahead;
        Count { requests: requests.round(), errors: (requests * share).round() }
    };
    // A canary that has shown no error yet is not thought better than stable.
    let likely = facts.canary.rate().max(facts.stable.rate());
    let at = |ahead: u32| {
        let ahead = f64::from(ahead);
        (part(facts.canary, ahead, likely), part(facts.stable, ahead, facts.stable.rate()))
    };
    let passed = |ahead: u32, share: f64| {
        let (canary, stable) = at(ahead);
        let share = thresholds.false_passes / 100.0 * share;
        let latency = facts.slow.len() as f64 * (1.0 + f64::from(ahead) / f64::from(case.look));
        latency >= f64::from(least_minutes(share))
            && facts.minutes.saturating_add(ahead) >= case.planned
            && facts.all.requests + rate * f64::from(ahead) >= least
            && counts::within(canary, stable, thresholds.allowance / 100.0) <= share
    };
    let failed = |ahead: u32| {
        let (canary, stable) = at(ahead);
        let alarms = thresholds.false_alarms / 100.0 * spend::alarms(case.look.saturating_add(ahead), case.planned);
        canary.rate() >= thresholds.error_ratio * stable.rate()
            && counts::worse(canary, stable) <= alarms * spend::ERRORS
            || counts::above_line(canary, thresholds.error_percent / 100.0) <= alarms * spend::LINE
    };
    let comparable = facts.canary.requests > 0.0 && facts.stable.requests > 0.0;
    // A PASS comes at its own looks only.
    let looks = spend::pass_looks(case.planned).skip_while(|pass| pass.minutes <= case.look);
    let mut ahead =
        looks.map(|pass| (pass.minutes - case.look, pass.share)).take_while(|(ahead, _)| *ahead <= FARTHEST);
    let pass = ahead.find(|(ahead, share)| comparable && passed(*ahead, *share)).map(|(ahead, _)| ahead);
    let fail = if comparable { first(failed) } else { None };
    match [pass, fail].into_iter().flatten().min() {
        Some(minutes) => Needs { requests: Some((rate * f64::from(minutes)).ceil() as u64), minutes: Some(minutes) },
        None => {
            let requests = (least - facts.all.requests).ceil().max(0.0) as u64;
            Needs { requests: (requests > 0).then_some(requests), minutes: None }
        }
    }
}

/// The first minute from which on it is so: ever farther ahead, then back between the last two.
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

/// The same in words, where there is something to say.
pub(super) fn words(needs: &Needs, facts: &Facts, look: u32) -> Option<String> {
    Some(match *needs {
        // It may be that nothing has settled yet.
        _ if look == 0 => return None,
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
