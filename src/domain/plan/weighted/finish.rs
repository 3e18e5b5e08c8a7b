//! The canary's revision becomes the stable one, step by step.

use super::capacity::{fewer_tasks, kept_tasks};
use super::{Moving, moving};
use crate::domain::ecs::route::Stickiness;
use crate::domain::plan::steps::{
    a_step, alone, capacity, healthy, scale, set_share, sticky_again, still, unchanged, update, without_traffic,
};
use crate::domain::plan::{Call, Context, Expect, Intent, Plan, Refusal, Remedy, Reread, Step};
use crate::domain::release::Release;
use crate::domain::release::capacity::needed_for_all;
use crate::domain::release::share::Percent;

/// From the second step on there is no cheap way back. Ordered again after it was broken off, it goes on where it
/// was: what is done already is only checked.
pub(in crate::domain::plan) fn finish(release: &Release, context: &Context<'_>) -> Result<Plan, Refusal> {
    let moving = moving(release)?;
    // After a rollback nothing is left to finish but what it switched off.
    if moving.most.is_zero() && !release.stable_taken() && !release.stickiness_off.is_empty() {
        return Ok(only_sticky_again(release, context));
    }
    possible(release, &moving)?;
    let Moving { stable, canary, least, most } = moving;
    if most.is_zero() && canary.desired == 0 && release.stable_taken() && release.stickiness_off.is_empty() {
        let what = format!("is finished: both services run {}; nothing is sent", stable.task_definition.tag());
        return Ok(context.reached(release, Intent::Finish, what));
    }
    let mut steps = match most.is_zero() {
        true => sticky_again(release, context),
        false => {
            let mut steps = stable_takes_over(release, &moving, least.is_full(), context)?;
            steps.iter_mut().for_each(|step| sticky_too(release, step));
            steps
        }
    };
    steps.extend(fewer_tasks(release, canary, 0, without_traffic(release, canary), context));
    let mut warnings: Vec<_> = kept_tasks(release, canary).into_iter().collect();
    if stable.task_definition != canary.task_definition {
        let no_way_back = format!(
            "once {0} goes for {1} it is no longer the old version: going back then means deploying it again",
            stable.service.service,
            canary.task_definition.tag()
        );
        warnings.push(no_way_back.into());
    }
    let title = format!("finish: {} becomes stable", canary.task_definition.tag());
    Ok(context.plan(release, Intent::Finish, steps, Some(Percent::ZERO), warnings, title))
}

/// The write that gives stable everything puts the rule's stickiness back too: a write of its own would have to repeat
/// weights that this plan changes.
fn sticky_too(release: &Release, step: &mut Step) {
    let Some(Call::SetWeights { route, stickiness, .. }) = &mut step.call else { return };
    if let Some((route, seconds)) = release.stickiness_off.iter().find(|(id, _)| id == route) {
        *stickiness = Some(Stickiness::On { seconds: *seconds });
        step.after.push(Expect::Sticky { route: route.clone(), seconds: *seconds });
    }
}

fn only_sticky_again(release: &Release, context: &Context<'_>) -> Plan {
    let title = "gets back the stickiness that a rollback switched off".to_owned();
    context.plan(release, Intent::Finish, sticky_again(release, context), None, Vec::new(), title)
}

fn possible(release: &Release, moving: &Moving<'_>) -> Result<(), Refusal> {
    let Moving { stable, canary, least, most } = *moving;
    let begun = release.stable_taken();
    if !begun && !least.is_full() {
        return Err(Refusal::new(format!("The canary has {least} of the traffic."), Remedy::StepToFull));
    }
    if !begun && stable.rolling {
        return Err(Refusal::new(
            format!("{} is rolling out {}.", stable.service.service, stable.task_definition.tag()),
            Remedy::WaitOrRollback,
        ));
    }
    if !most.is_zero() && (canary.rolling || canary.failure_reason.is_some()) {
        return Err(Refusal::new(format!("{} is not complete.", canary.service.service), Remedy::WaitOrRollback));
    }
    Ok(())
}

/// Steps 1 to 5.
fn stable_takes_over(
    release: &Release,
    moving: &Moving<'_>,
    canary_has_all: bool,
    context: &Context<'_>,
) -> Result<Vec<Step>, Refusal> {
    let Moving { stable, canary, .. } = *moving;
    let (name, to) = (&stable.service.service, &canary.task_definition);
    // What the canary carries the traffic with, stable needs as well.
    let full = needed_for_all(stable, canary, Some(moving.most));
    let carrying = if canary_has_all { full.max(canary.desired) } else { full };
    let mut steps = Vec::new();
    if canary_has_all {
        let mut first = scale(canary, full.max(canary.desired), still(release, canary), context);
        first.title = format!("canary carries everything with {} tasks", full.max(canary.desired));
        if canary.desired >= full {
            (first.before, first.call) = (Vec::new(), None);
            first.after = std::iter::once(unchanged(canary)).chain(capacity(canary, full)).collect();
        }
        steps.push(first);
    }
    let new_revision = (stable.task_definition != *to).then_some(to);
    let more = (stable.desired < carrying).then_some(carrying);
    let call = (new_revision.is_some() || more.is_some()).then(|| update(stable, new_revision, more));
    let before = if call.is_some() { still(release, stable) } else { Vec::new() };
    let service = stable.service.clone();
    let mut after = vec![Expect::Primary { service: service.clone(), task_definition: to.clone() }];
    after.extend(more.map(|count| Expect::Desired { service: service.clone(), count }));
    steps.push(a_step(format!("{name} → {}", to.tag()), before, call, after, context));

    let mut complete = vec![alone(stable, to)];
    complete.extend(healthy(stable, carrying));
    let title = format!("wait for {name} to be complete and healthy");
    steps.push(a_step(title, Vec::new(), None, complete.clone(), context));

    let shift = set_share(release, Percent::ZERO, &complete, Reread::Strict, context)?;
    let mut holds: Vec<_> = shift.iter().flat_map(|step| step.after.clone()).collect();
    steps.extend(shift);
    holds.extend(healthy(stable, 1));
    let title = format!("watch for {} s", context.settings.finish_watch.as_secs());
    let watch = a_step(title, Vec::new(), None, holds, context);
    steps.push(Step { hold: context.settings.finish_watch, ..watch });
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::consoles::{Pair, open, planned};

    #[test]
    fn stickiness_comes_back_with_the_write_that_gives_stable_everything() {
        let mut release = open((120, 40), Pair::at(100, 1_200)).release("checkout").unwrap().clone();
        let route = release.rules[0].route.id.clone();
        release.state.stickiness_off = vec![(route.clone(), 300)];
        let plan = planned(&release, &Intent::Finish).unwrap();
        let writes = plan.calls().filter_map(|call| match call {
            Call::SetWeights { weights, stickiness, .. } => Some((release.rules[0].share_of(weights), *stickiness)),
            _ => None,
        });
        let again = Some(Stickiness::On { seconds: 300 });
        assert_eq!(writes.collect::<Vec<_>>(), [(Some(Percent::ZERO), again)]);
        let sticky = Expect::Sticky { route, seconds: 300 };
        assert!(plan.steps.iter().any(|step| step.after.contains(&sticky)), "{:?}", plan.steps);
    }
}
