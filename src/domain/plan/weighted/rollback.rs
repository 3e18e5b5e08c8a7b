//! Rollback of a pair: users first, then capacity.

use super::no_pair;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::plan::steps::{a_step, full, healthy, scale, set_share, without_traffic};
use crate::domain::plan::{Context, Expect, Intent, Plan, Refusal, Reread, Step, redeploy};
use crate::domain::release::share::{Percent, Weight};
use crate::domain::release::{Release, Side};

/// All traffic to what worked. Where stable still is that, one call does it; where stable was taken for the
/// canary's revision, it gets the good one back first, and the canary carries the traffic meanwhile.
pub(in crate::domain::plan) fn rollback(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let canary = release.canary.as_ref().ok_or_else(no_pair)?;
    let stable = &release.stable;
    let has_traffic = canary.weight != Some(Weight::ZERO) || stable.weight == Some(Weight::ZERO);
    let something_to_undo = has_traffic || canary.desired > 0;
    let wanted = to.is_none_or(|to| *to == stable.task_definition);
    let traffic = |redeployed| traffic_back(release, stable, canary, redeployed, context);
    let traffic_first = serves_better(release, stable, canary);

    let (back, title) = if wanted && returning(stable, canary) {
        // It is on its way already: a second order would only begin again.
        let title = format!("wait until {} is back", stable.task_definition.tag());
        let wait = a_step(title, Vec::new(), None, vec![settled(stable)], context);
        (vec![wait], format!("stable is on its way back to {}", stable.task_definition.tag()))
    } else if wanted && something_to_undo && (to.is_some() || !release.stable_taken()) {
        (Vec::new(), format!("all traffic back to {}", stable.task_definition.tag()))
    } else {
        (redeploy::back(release, to, context)?, "stable is redeployed".to_owned())
    };
    let (steps, title) = match (has_traffic, back.is_empty(), traffic_first) {
        (false, ..) => (back, title),
        (true, true, _) => (traffic(false)?, title),
        (true, false, true) => ([traffic(false)?, back].concat(), format!("all traffic to stable first; {title}")),
        (true, false, false) => ([back, traffic(true)?].concat(), format!("{title} first, then takes the traffic")),
    };
    let mut steps = steps;
    if canary.desired > 0 {
        steps.push(scale(canary, 0, without_traffic(release, canary), context));
    }
    let mut warnings = Vec::new();
    if has_traffic && stable.desired > 0 && stable.desired < canary.desired {
        warnings.push(format!("stable has {} tasks, the canary {}", stable.desired, canary.desired).into());
    }
    let intent = Intent::Rollback { to: to.cloned(), at_once: false };
    Ok(context.plan(release, intent, steps, Some(Percent::ZERO), warnings, title))
}

fn settled(side: &Side) -> Expect {
    Expect::Settled { service: side.service.clone(), task_definition: side.task_definition.clone() }
}

/// Whether stable is leaving the canary's revision for another: a finish that is being undone.
fn returning(stable: &Side, canary: &Side) -> bool {
    stable.rolling
        && stable.task_definition != canary.task_definition
        && stable.leaving.contains(&canary.task_definition)
}

/// Whether users are better off with stable as it is than with the canary until stable has been redeployed.
fn serves_better(release: &Release, stable: &Side, canary: &Side) -> bool {
    let nobody_is_served = release.share.configured.is_none();
    let canary_is_down = canary.healthy == Some(0) && stable.healthy.is_some_and(|healthy| healthy > 0);
    let stable_serves_already =
        !release.stable_taken() && release.share.configured.is_some_and(|share| !share.is_full());
    nobody_is_served || canary_is_down || stable_serves_already
}

/// Everything to stable, one call a rule. Nothing is asked before it, unless stable is known to be down, or was
/// redeployed for it: sending users to nobody would be an outage of its own.
fn traffic_back(
    release: &Release,
    stable: &Side,
    canary: &Side,
    redeployed: bool,
    context: &Context<'_>,
) -> Result<Vec<Step>, Refusal> {
    let mut steps = Vec::new();
    if stable.desired == 0 {
        steps.push(scale(stable, full(stable, canary), Vec::new(), context));
    }
    let down = stable.healthy.map_or(stable.running == 0, |healthy| healthy == 0);
    let at_least = if redeployed { stable.desired.max(1) } else { 1 };
    let before: Vec<_> = healthy(stable, at_least).filter(|_| redeployed || down).collect();
    steps.extend(set_share(release, Percent::ZERO, &before, Reread::Urgent, context)?);
    Ok(steps)
}
