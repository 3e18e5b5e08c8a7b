//! Traffic up and down the ladder, and a new revision onto the canary.

use super::capacity::{fewer_tasks, kept_tasks};
use super::{Moving, moving};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::plan::steps::{
    a_step, alone, capacity, healthy, scale, set_share, still, tasks_for, unchanged, update,
};
use crate::domain::plan::{Context, Expect, Intent, Plan, Refusal, Remedy, Reread, gate};
use crate::domain::release::Release;
use crate::domain::release::capacity::needed_for_all;
use crate::domain::release::share::Percent;

/// Up the ladder: to the next rung, or to a share above the present one.
pub(in crate::domain::plan) fn step(
    release: &Release,
    to: Option<Percent>,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let moving = moving(release)?;
    if moving.uneven() {
        return Err(Refusal::new(
            format!("The rules of this pair disagree: the canary has {} to {}.", moving.least, moving.most),
            Remedy::SetOneWeight,
        ));
    }
    let at = moving.most;
    let to = match to.or_else(|| release.ladder.next_after(at)) {
        None => {
            return Err(Refusal::new("The canary has all of the traffic already.", Remedy::FinishOrRollback));
        }
        Some(to) if (to.value() - at.value()).abs() < 1e-9 => {
            let what = format!("has {at} of its traffic on the canary already: nothing is sent");
            return Ok(context.reached(release, Intent::Step { to: Some(to) }, what));
        }
        Some(to) if to.value() < at.value() => {
            return Err(Refusal::new(
                format!("The canary has {at} of the traffic already, which is more than {to}. Nothing was sent."),
                Remedy::LowerWeight,
            ));
        }
        Some(to) => to,
    };
    weight_as(release, &moving, to, Intent::Step { to: Some(to) }, context)
}

/// To any share, up or down.
pub(in crate::domain::plan) fn weight(release: &Release, to: Percent, context: &Context<'_>) -> Result<Plan, Refusal> {
    let moving = moving(release)?;
    if !moving.uneven() && (to.value() - moving.most.value()).abs() < 1e-9 {
        let what = format!("has {to} of its traffic on the canary already: nothing is sent");
        return Ok(context.reached(release, Intent::Weight { to }, what));
    }
    weight_as(release, &moving, to, Intent::Weight { to }, context)
}

fn weight_as(
    release: &Release,
    moving: &Moving<'_>,
    to: Percent,
    intent: Intent,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let Moving { stable, canary, least, most } = moving;
    // With rules that disagree one share can be more for the one and less for the other.
    let up = to.value() > least.value();
    let mut warnings = Vec::new();
    if up {
        ready_for_more(release, moving)?;
        warnings.extend(gate::remarks(release));
        if let Some(bake) = release.bake.filter(|bake| !bake.done(context.now)) {
            let known =
                if bake.seen { "has been watched for less than" } else { "is not known to have been watched for" };
            warnings.push(format!("{most} {known} its bake time of {} min", bake.of.as_mins()).into());
        }
    } else if !to.is_zero() && canary.healthy == Some(0) {
        return Err(Refusal::new(
            format!("{} has no healthy target: {to} of the users would get errors.", canary.service.service),
            Remedy::RollbackOrZero,
        ));
    }
    if stable.rolling {
        let meanwhile = format!("{} is rolling out {} meanwhile", stable.service.service, stable.task_definition.tag());
        warnings.push(meanwhile.into());
    }
    let full = needed_for_all(stable, canary, Some(*most));
    let needed = tasks_for(full, to);
    let mut steps = Vec::new();
    if canary.desired < needed {
        steps.push(scale(canary, needed, still(release, canary), context));
    }
    // Traffic that comes back needs tasks to come back to.
    let back = tasks_for(full, to.rest());
    if stable.desired < back && (!up || stable.desired == 0) {
        steps.push(scale(stable, back, still(release, stable), context));
    }
    let mut before = Vec::new();
    if !to.is_zero() {
        before.push(unchanged(canary));
        if up {
            before.extend(capacity(canary, needed));
        } else {
            before.extend(healthy(canary, 1));
        }
    }
    if !to.is_full() {
        let needed_back = if up { 1 } else { back };
        before.extend(healthy(stable, needed_back.min(stable.healthy.unwrap_or(u32::MAX)).max(1)));
    }
    let shift = set_share(release, to, &before, Reread::Strict, context)?;
    let written: Vec<_> = shift.iter().flat_map(|step| step.after.clone()).collect();
    steps.extend(shift);
    if !up {
        steps.extend(fewer_tasks(release, canary, needed, written, context));
        warnings.extend(kept_tasks(release, canary));
    }
    let title = format!("{most} → {to} of traffic to {}", canary.task_definition.tag());
    Ok(context.plan(release, intent, steps, Some(to), warnings, title))
}

/// Whether the canary can be given more: its tasks are there, and it is another revision than stable's.
fn ready_for_more(release: &Release, moving: &Moving<'_>) -> Result<(), Refusal> {
    let canary = moving.canary;
    if canary.rolling || canary.failure_reason.is_some() {
        let failure = canary.failure_reason.as_ref().map(ToString::to_string);
        let why = failure.unwrap_or_else(|| "its rollout is under way".to_owned());
        return Err(Refusal::new(
            format!("{} is not ready for more traffic: {why}.", canary.service.service),
            Remedy::WaitOrRollback,
        ));
    }
    if release.stable_taken() {
        return Err(Refusal::new(
            format!("Both services run {}: there is nothing to try.", canary.task_definition),
            if moving.most.is_zero() { Remedy::Start } else { Remedy::FinishOrRollback },
        ));
    }
    Ok(())
}

/// A new revision onto the canary, without traffic.
pub(in crate::domain::plan) fn start(
    release: &Release,
    task_definition: &TaskDefinitionArn,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let moving = moving(release)?;
    let Moving { stable, canary, most, .. } = moving;
    let intent = Intent::Start { task_definition: task_definition.clone(), pauses: false };
    let tag = task_definition.tag();
    if !most.is_zero() && canary.task_definition == *task_definition {
        let what = format!("has {tag} on the canary already, with {most} of the traffic: nothing is sent");
        return Ok(context.reached(release, intent, what));
    }
    if !most.is_zero() {
        return Err(Refusal::new(
            format!("{} has {most} of the traffic.", canary.service.service),
            Remedy::FinishOrRollback,
        ));
    }
    if stable.task_definition == *task_definition {
        return Ok(context.reached(release, intent, format!("runs {tag} on stable already: nothing is sent")));
    }
    let under_way = canary.rolling && canary.task_definition == *task_definition;
    for side in [stable, canary] {
        if side.rolling && !(under_way && std::ptr::eq(side, canary)) {
            return Err(Refusal::new(
                format!("{} is rolling out {} already.", side.service.service, side.task_definition.tag()),
                Remedy::WaitOrRollback,
            ));
        }
    }
    let first = tasks_for(needed_for_all(stable, canary, None), release.ladder.first());
    // Whoever another rule sends to the canary is served on.
    let served_otherwise = kept_tasks(release, canary);
    let first = if served_otherwise.is_some() { first.max(canary.desired) } else { first };
    if canary.settled && canary.task_definition == *task_definition && canary.desired >= first {
        let what = format!("has {tag} on the canary already, without traffic: nothing is sent");
        return Ok(context.reached(release, intent, what));
    }
    let name = &canary.service.service;
    // Somebody may have given it users in the meantime: they would get an unknown revision.
    let before = still(release, canary);
    let service = canary.service.clone();
    let mut complete = vec![alone(canary, task_definition)];
    complete.extend(healthy(canary, first));
    let tasks = if canary.daemon { String::new() } else { format!(" with {first} tasks") };
    let order = a_step(
        format!("{name} → {tag}{tasks}, without traffic"),
        before,
        Some(update(canary, Some(task_definition), Some(first))),
        vec![
            Expect::Primary { service: service.clone(), task_definition: task_definition.clone() },
            Expect::Desired { service, count: first },
        ],
        context,
    );
    let wait = a_step(format!("wait for {name} to be complete and healthy"), Vec::new(), None, complete, context);
    // Ordered already, by this machine or another: there is only the wait left.
    let ordered = under_way && canary.desired >= first;
    let steps = (!ordered).then_some(order).into_iter().chain([wait]).collect();
    let mut warnings: Vec<_> = served_otherwise.into_iter().collect();
    if stable.task_definition.family() != task_definition.family() {
        warnings.push(format!("{task_definition} is of another family than {}", stable.task_definition).into());
    }
    let title = format!("start {tag} on the canary, at 0%");
    Ok(context.plan(release, intent, steps, Some(Percent::ZERO), warnings, title))
}
