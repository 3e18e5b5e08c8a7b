//! The removal of the canary's tasks.

use jiff::SignedDuration;

use crate::domain::plan::steps::{a_step, scale};
use crate::domain::plan::{Context, Expect, Step, Warning, daemon};
use crate::domain::release::{Release, Side};

/// The longest that the canary's tasks stay for late requests, unless its clients are sticky.
const DRAINS_WITHIN: SignedDuration = SignedDuration::from_mins(5);

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
    let stickiness = release.rules.iter().filter_map(|rule| rule.route.cookies_last()).max();
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
    use crate::domain::plan::Intent;
    use crate::testkit::consoles::{Pair, open, planned};

    #[test]
    fn cookies_from_before_stickiness_was_switched_off_elsewhere_are_waited_for() {
        let mut release = open((120, 40), Pair::at(10, 1_200)).release("checkout").unwrap().clone();
        let back = Intent::Rollback { to: None, at_once: false };
        let longest = |release: &Release| planned(release, &back).unwrap().steps.iter().map(|it| it.patience).max();
        let patience = |seconds| SignedDuration::from_secs(seconds) + DRAINS_WITHIN;
        assert!(longest(&release) < Some(patience(7_200)));
        // Nobody on this machine knows since when: they may last for all of it.
        release.state.rules[0].route.former_stickiness = Some(7_200);
        assert_eq!(longest(&release), Some(patience(7_200)));
    }
}
