//! Plans for a BLUE_GREEN deployment that waits at a pause while the console writes the rule's weights. ECS knows nothing
//! of it: the pause is answered only when the new side has everything, and blue gets everything back before a rollback.

use super::steps::{as_seen, healthy, set_share, tasks_for};
use super::{Context, Intent, Plan, Refusal, Remedy, Reread, Warning, gate, native};
use crate::domain::release::share::Percent;
use crate::domain::release::{Release, Side, WEIGHT_PAUSE_STAGE};

/// The new side and its present share, or why its weights cannot be written.
fn moving(release: &Release) -> Result<(&Side, Percent), Refusal> {
    if !release.paused_for_weights() {
        return Err(Refusal::new(
            format!(
                "{} does not wait at {WEIGHT_PAUSE_STAGE}: only there its weights are for us to write.",
                release.name
            ),
            Remedy::WaitOrRollback,
        ));
    }
    let unread = || Refusal::new("The production rule is not known.", Remedy::WaitForRead);
    let green = release.canary.as_ref().ok_or_else(unread)?;
    let share = release.shares().into_iter().next().ok_or_else(unread)?;
    let nobody = || Refusal::new("Both weights of the rule are 0.", Remedy::RollbackRestoresTraffic);
    Ok((green, share.ok_or_else(nobody)?))
}

/// Up the ladder; at the top, the pauses are answered.
pub(super) fn step(release: &Release, to: Option<Percent>, context: &Context<'_>) -> Result<Plan, Refusal> {
    if !release.paused_for_weights() {
        return elsewhere(release, to, context);
    }
    let (green, at) = moving(release)?;
    if at.is_full() {
        if let Some(to) = to.filter(|to| !to.is_full()) {
            return Err(Refusal::new(
                format!(
                    "{} has {at} of the traffic already, which is more than {to}. Nothing was sent.",
                    green.task_definition.tag()
                ),
                Remedy::LowerWeight,
            ));
        }
        let mut plan = native::step(release, context)?;
        // Not unless users are where ECS believes that it will bring them.
        if let Some(first) = plan.steps.first_mut() {
            first.before = as_seen(release);
        }
        return Ok(plan);
    }
    match to.or_else(|| release.ladder.next_after(at)) {
        Some(to) if to.value() > at.value() => write(release, (green, at), to, Intent::Step { to: Some(to) }, context),
        _ => Err(Refusal::new(format!("{} has {at} already.", green.task_definition.tag()), Remedy::NameShare)),
    }
}

/// At any other pause ECS decides, but never while users are split between the two sides.
fn elsewhere(release: &Release, to: Option<Percent>, context: &Context<'_>) -> Result<Plan, Refusal> {
    if !release.pauses.is_empty() && release.share.configured.is_none() {
        return Err(Refusal::new(
            "The production rule is not known, or both of its weights are 0.",
            Remedy::WaitForReadOrRollback,
        ));
    }
    let split = release.share.configured.filter(|share| !share.is_zero() && !share.is_full());
    if let Some(share) = split.filter(|_| !release.pauses.is_empty()) {
        return Err(Refusal::new(
            format!(
                "The rule gives {share} to {}: ECS must find one side only.",
                release.newest().task_definition.tag()
            ),
            Remedy::RollbackOrRepairRule,
        ));
    }
    if to.is_some() {
        return Err(moving(release)
            .map(|_| ())
            .err()
            .unwrap_or_else(|| Refusal::new("It cannot be stepped now.", Remedy::WatchOrRollback)));
    }
    native::step(release, context)
}

/// Any share, up or down, while the deployment is paused for weights.
pub(super) fn weight(release: &Release, to: Percent, context: &Context<'_>) -> Result<Plan, Refusal> {
    let (green, at) = moving(release)?;
    if (to.value() - at.value()).abs() < 1e-9 {
        return Err(Refusal::new(format!("It has {to} already."), Remedy::NothingToWrite));
    }
    write(release, (green, at), to, Intent::Weight { to }, context)
}

fn write(
    release: &Release,
    (green, at): (&Side, Percent),
    to: Percent,
    intent: Intent,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let blue = &release.stable;
    let mut before = Vec::new();
    if !to.is_zero() {
        before.extend(healthy(green, tasks_for(if blue.desired == 0 { green.desired } else { blue.desired }, to)));
    }
    if !to.is_full() {
        before.extend(healthy(blue, 1));
    }
    let steps = set_share(release, to, &before, Reread::Strict, context)?;
    let mut warnings =
        vec![Warning::Note("off-contract: ECS does not know of these weights and asks for 0% meanwhile".to_owned())];
    if to.value() > at.value() {
        warnings.extend(gate::remarks(release));
        if let Some(bake) = release.bake.filter(|bake| !bake.done(context.now)) {
            let least = format!("{at} has been watched for less than its bake time of {} min", bake.of.as_mins());
            warnings.push(least.into());
        }
    }
    let title = format!("{at} → {to} of traffic to {}", green.task_definition.tag());
    Ok(context.plan(release, intent, steps, Some(to), warnings, title))
}
