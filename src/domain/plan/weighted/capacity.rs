//! Capacity of a pair: stable's tasks for all traffic, and the removal of the canary's tasks.

use jiff::SignedDuration;

use crate::domain::plan::steps::{a_step, scale};
use crate::domain::plan::{Context, Expect, Step, Warning, daemon};
use crate::domain::release::share::Percent;
use crate::domain::release::{Release, Side};

/// The canary's share, percent, from which the size of the canary indicates stable's need of tasks. Below this share
/// stable already carries nearly all traffic.
const TELLING_SHARE: f64 = 20.0;

/// The longest that the canary's tasks stay for late requests, unless its clients are sticky.
const DRAINS_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// Number of tasks that stable needs for all traffic: its desired count, or more if stable was scaled in while the
/// canary carried its share. Never more than both sides have.
pub(super) fn needed_for_all(stable: &Side, canary: &Side, share: Option<Percent>) -> u32 {
    let least = if stable.desired == 0 { canary.desired.max(1) } else { stable.desired };
    let Some(share) = share.filter(|share| share.value() >= TELLING_SHARE) else { return least };
    // The fewest tasks whose share, rounded up, is the canary's number of tasks.
    let carried = (f64::from(canary.desired.saturating_sub(1)) * 100.0 / share.value()).floor() + 1.0;
    // Finite and positive; at most what both sides have.
    let carried = (carried as u32).min(stable.desired.saturating_add(canary.desired));
    least.max(carried)
}

/// Steps that remove canary tasks once no traffic reaches them: load balancers follow a write with a delay, and sticky
/// clients with a longer one. Empty while another rule sends requests to the canary, and where ECS accepts no desired
/// count.
pub(super) fn fewer_tasks(
    release: &Release,
    canary: &Side,
    desired: u32,
    written: Vec<Expect>,
    context: &Context<'_>,
) -> Vec<Step> {
    if desired >= canary.desired || !canary.active || canary.daemon || release.other_rules_to(canary).next().is_some() {
        return Vec::new();
    }
    // With a propagation time of 0 there is nothing to wait for.
    let waits = !context.settings.propagation.is_zero();
    let kept = waits.then(|| kept(release, canary, desired, &written, context));
    kept.into_iter().chain([scale(canary, desired, written, context)]).collect()
}

/// The warning that the canary keeps its tasks, with the reason.
pub(super) fn kept_tasks(release: &Release, canary: &Side) -> Option<Warning> {
    if canary.daemon && canary.desired > 0 {
        return Some(daemon::keeps_its_tasks(canary));
    }
    let rule = release.other_rules_to(canary).next().filter(|_| canary.desired > 0)?;
    Some(format!("{} keeps its tasks: {} sends requests to them", canary.service.service, rule.describe()).into())
}

fn kept(release: &Release, canary: &Side, desired: u32, written: &[Expect], context: &Context<'_>) -> Step {
    let stickiness = release.rules.iter().filter_map(|rule| rule.route.stickiness).max();
    let sticky = stickiness.map_or(SignedDuration::ZERO, |seconds| SignedDuration::from_secs(seconds.into()));
    let mut after = written.to_vec();
    if desired == 0 {
        let counted = release.rules.iter().filter(|rule| !rule.route.counts_no_requests());
        after.extend(counted.map(|rule| Expect::Quiet {
            target_group: rule.canary.clone(),
            balancer: rule.route.load_balancer.clone(),
        }));
    }
    let title = match desired {
        0 => format!("{} keeps its tasks until no request reaches them", canary.service.service),
        _ => format!("{} keeps its tasks until the load balancer has followed", canary.service.service),
    };
    Step {
        hold: context.settings.propagation,
        optional: true,
        patience: sticky + DRAINS_WITHIN,
        ..a_step(title, Vec::new(), None, after, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::consoles::{Pair, open};

    #[test]
    fn stable_needs_what_carried_the_traffic() {
        let release = open((120, 40), Pair::at(10, 1_200)).release("checkout").unwrap().clone();
        let (stable, canary) = (release.stable.clone(), release.canary.clone().unwrap());
        let needed = |stable_tasks, canary_tasks, share: f64| {
            let stable = Side { desired: stable_tasks, ..stable.clone() };
            let canary = Side { desired: canary_tasks, ..canary.clone() };
            needed_for_all(&stable, &canary, Percent::new(share).ok())
        };
        let table = [
            // The canary is sized by tidegate.
            (18, 2, 10.0, 18),
            (18, 9, 50.0, 18),
            (18, 18, 100.0, 18),
            // Stable was scaled in meanwhile.
            (2, 18, 100.0, 18),
            (9, 9, 50.0, 17),
            (0, 6, 100.0, 6),
            // A canary larger than its share is not evidence while stable carries the rest.
            (18, 3, 1.0, 18),
            (2, 10, 50.0, 12),
            (1, 0, 100.0, 1),
        ];
        for (stable, canary, share, expected) in table {
            assert_eq!(needed(stable, canary, share), expected, "{stable} {canary} {share}");
        }
    }
}
