//! Plans for a service whose traffic ECS shifts: answer its pauses, roll back its deployment, and after a finished
//! release deploy the old revision again.

use jiff::SignedDuration;

use super::call::HookAction;
use super::gate;
use super::redeploy;
use super::steps::{answer, blue_first, complete, configure, order, unchanged, update};
use super::{Call, Context, Expect, Intent, Plan, Refusal, Remedy, Step, Warning};
use crate::domain::ecs::deployment::{Configuration, HookConfiguration, Strategy};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::service::Managed;
use crate::domain::release::share::Percent;
use crate::domain::release::{Method, Release, WEIGHT_PAUSE_STAGE};
use crate::domain::wording::Wording;

/// Every pause that is on the screen is answered: ECS goes on when all of a stage's are.
pub(super) fn step(release: &Release, context: &Context<'_>) -> Result<Plan, Refusal> {
    let (Some(deployment), false) = (&release.newest().deployment, release.pauses.is_empty()) else {
        return Err(nobody_is_waited_for(release));
    };
    let steps = release.pauses.iter().map(|pause| answer(release, deployment, pause, HookAction::Continue, context));
    let at = release.stage.as_ref().map_or("its pause", LifecycleStage::as_str);
    let title = format!("goes on after {at} with {}", release.newest().task_definition.tag());
    let mut warnings = gate::remarks(release);
    if release.pauses.len() > 1 {
        let all = format!("{} pauses wait at this stage: ECS goes on when all are answered", release.pauses.len());
        warnings.push(all.into());
    }
    Ok(context.plan(release, Intent::Step { to: None }, steps.collect(), None, warnings, title))
}

fn nobody_is_waited_for(release: &Release) -> Refusal {
    if release.newest().is_rolling_back {
        return Refusal::new(format!("{} is rolling back.", release.name), Remedy::Watch);
    }
    if !under_way(release) {
        return Refusal::new(format!("{} has no deployment under way.", release.name), Remedy::Start);
    }
    Refusal::new(
        format!("{} does not wait for anybody: ECS shifts its traffic by itself.", release.name),
        Remedy::WatchOrRollback,
    )
}

/// Whether a deployment is under way.
pub(super) fn under_way(release: &Release) -> bool {
    release.under_way().is_some() || release.newest().rolling
}

/// A rollback in any state. While the old tasks run, ECS rolls the deployment back: through the pause that it waits at,
/// else when it is stopped.
pub(super) fn rollback(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    at_once: bool,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    if !under_way(release) {
        return redeployed(release, to, at_once, context);
    }
    let newest = release.newest();
    if newest.is_rolling_back {
        return while_rolling_back(release, to, at_once, context);
    }
    if let Some(refusal) = no_way_back(release, to) {
        return Err(refusal);
    }
    let Some(deployment) = &newest.deployment else {
        return Err(Refusal::new(format!("ECS names no deployment of {}.", release.name), Remedy::WaitForDeployment));
    };
    let back = match release.pauses.first() {
        // One answer to go back is enough, whatever else waits.
        Some(pause) => answer(release, deployment, pause, HookAction::Rollback, context),
        None => Step {
            title: "stop the deployment and roll it back".to_owned(),
            before: Vec::new(),
            call: Some(Call::StopDeployment { service: newest.service.clone(), deployment: deployment.clone() }),
            after: vec![Expect::GoingBack { service: newest.service.clone(), deployment: deployment.clone() }],
            hold: SignedDuration::ZERO,
            optional: false,
            patience: context.settings.patience,
        },
    };
    let mut steps = weights_to_blue(release, context);
    let share = (!steps.is_empty()).then_some(Percent::ZERO);
    let mut warnings = Vec::new();
    if release.method == Method::NativeWeighted && release.canary.is_none() {
        let unknown = "which target group is which is not known: the rule is left as it is, look at it".to_owned();
        warnings.push(Warning::Note(unknown));
    }
    steps.push(back);
    let title = match release.canary {
        Some(_) => {
            format!("ECS takes {} back to {}", newest.task_definition.tag(), release.stable.task_definition.tag())
        }
        None => format!("ECS takes {} back to what it replaced", newest.task_definition.tag()),
    };
    let intent = Intent::Rollback { to: to.cloned(), at_once };
    Ok(context.plan(release, intent, steps, share, warnings, title))
}

/// The calls that give blue all of the traffic, where the weights are ours to write.
fn weights_to_blue(release: &Release, context: &Context<'_>) -> Vec<Step> {
    match release.method {
        Method::NativeWeighted => blue_first(release, context),
        _ => Vec::new(),
    }
}

/// While ECS goes back: whether ECS undoes weights that it does not know of is not certain.
fn while_rolling_back(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    at_once: bool,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let steps = weights_to_blue(release, context);
    if steps.is_empty() {
        return Err(Refusal::new(format!("{} is rolling back already.", release.name), Remedy::Watch));
    }
    let title =
        format!("gives {} all of the traffic back; ECS is going back already", release.stable.task_definition.tag());
    let intent = Intent::Rollback { to: to.cloned(), at_once };
    Ok(context.plan(release, intent, steps, Some(Percent::ZERO), Vec::new(), title))
}

/// The reason why ECS cannot take the deployment under way back to that revision.
fn no_way_back(release: &Release, to: Option<&TaskDefinitionArn>) -> Option<Refusal> {
    if release.is_rollback_deployment && to.is_none() {
        return Some(redeploy::on_its_way_back(release));
    }
    let replaced = &release.stable.task_definition;
    if let Some(to) = to.filter(|to| release.canary.is_none() && !redeploy::replaced(release, to)) {
        return Some(Refusal::new(
            format!("Only ECS knows what the deployment under way goes back to: not certainly {}.", to.tag()),
            Remedy::RollbackUnnamed,
        ));
    }
    if let Some(to) = to.filter(|to| release.canary.is_some() && *to != replaced) {
        return Some(Refusal::new(
            format!("ECS takes a deployment under way back to {}, not to {}.", replaced.tag(), to.tag()),
            Remedy::RollbackFirst,
        ));
    }
    first_ever(release).then(|| {
        Refusal::new(
            format!("This is the first deployment of {}: there is nothing to go back to.", release.name),
            Remedy::StartWhenEnded,
        )
    })
}

/// Whether nothing ran before the deployment under way.
fn first_ever(release: &Release) -> bool {
    release.canary.is_none()
        && release.previous.is_empty()
        && release.stable.leaving.is_empty()
        && release.under_way().is_some_and(|only| only.target.is_some() && only.sources.is_empty())
}

/// The old tasks are gone: another deployment brings the old revision back, by the service's own strategy or at once.
fn redeployed(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    at_once: bool,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let side = &release.stable;
    let target = redeploy::target(release, to)?;
    let intent = Intent::Rollback { to: to.cloned(), at_once };
    let from = side.task_definition.tag();
    let own = &release.configuration;
    if !at_once {
        let replays = (!own.is_at_once()).then(|| format!("going back replays its whole strategy: {}", replay(own)));
        let warnings = divided(release).into_iter().chain(replays.map(Warning::Note)).collect();
        let steps = order(release, target, None, Vec::new(), context);
        let title = match *target == side.task_definition {
            true => format!("deploys {from} again by its own strategy, {}", own.strategy),
            false => format!("begins {from} → back to {} by its own strategy, {}", target.tag(), own.strategy),
        };
        return Ok(context.plan(release, intent, steps, None, warnings, title));
    }
    if own.is_at_once() {
        return Err(Refusal::new(
            format!("{} goes back at once by its own strategy.", release.name),
            Remedy::RollbackByStrategy,
        ));
    }
    ours_to_set(release, Remedy::RollbackByStrategy)?;
    restorable(release, own)?;
    let mut steps = order(release, target, Some(own.at_once()), Vec::new(), context);
    steps.push(complete(side, target, false, context));
    let off_contract = "AWS documents the calls but not this use of them; neither a bake nor a pause stops it";
    let set_aside = Warning::StrategySetAside { strategy: own.describe() };
    let warnings = divided(release).into_iter().chain([set_aside, Warning::Note(off_contract.to_owned())]).collect();
    let title = format!("{from} → back to {} at once, its strategy set aside", target.tag());
    Ok(context.plan(release, intent, steps, None, warnings, title))
}

/// That ECS will fail the deployment at its start.
fn divided(release: &Release) -> Option<Warning> {
    release.divided_at_rest().map(|condition| Warning::Note(condition.message(Wording::PLAIN)))
}

/// The minimum that replaying a strategy takes, in words.
fn replay(own: &Configuration) -> String {
    let (percent, step_bake) = match own.strategy {
        Strategy::Canary { percent, bake_minutes } | Strategy::Linear { percent, bake_minutes } => {
            (Some(percent), bake_minutes)
        }
        _ => (None, 0),
    };
    let steps = match own.strategy {
        // A whole number of steps of at least 3 % below 100.
        Strategy::Linear { percent, .. } if percent > 0.0 => (100.0 / percent).ceil() as i32 - 1,
        Strategy::Canary { .. } => 1,
        _ => 0,
    };
    let minutes = steps * step_bake + own.bake_minutes.unwrap_or(0);
    let first = percent.map(|percent| format!(", {percent}% of the users first")).unwrap_or_default();
    let pauses = match own.pauses().count() {
        0 => String::new(),
        1 => ", and it waits at a pause".to_owned(),
        many => format!(", and it waits at {many} pauses"),
    };
    format!("{}{first}, {minutes} min of bakes at the least{pauses}", own.strategy)
}

/// Returns true if AWS takes another deploymentConfiguration for the service.
pub(super) fn sets_strategy(release: &Release) -> bool {
    release.managed != Some(Managed::Express)
}

/// The same, or why not.
fn ours_to_set(release: &Release, remedy: Remedy) -> Result<(), Refusal> {
    if sets_strategy(release) {
        return Ok(());
    }
    let name = &release.name;
    Err(Refusal::new(format!("ECS Express Mode sets the strategy of {name}: AWS refuses another one."), remedy))
}

/// Whether a configuration could be written back as it is.
fn restorable(release: &Release, own: &Configuration) -> Result<(), Refusal> {
    if own.hooks.iter().all(HookConfiguration::is_whole) && !matches!(own.strategy, Strategy::Other { .. }) {
        return Ok(());
    }
    Err(Refusal::new(
        format!("AWS does not show the hooks of {} whole: they could not be put back as they were.", release.name),
        Remedy::ChangeStrategyElsewhere,
    ))
}

/// A new revision, by the service's own strategy; with `pauses`, ECS asks a person before each of its steps.
pub(super) fn start(
    release: &Release,
    task_definition: &TaskDefinitionArn,
    pauses: bool,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let side = &release.stable;
    let own = &release.configuration;
    let newest = release.newest();
    if newest.task_definition == *task_definition && !newest.is_rolling_back && !release.is_rollback_deployment {
        let tag = task_definition.tag();
        let intent = Intent::Start { task_definition: task_definition.clone(), pauses };
        if under_way(release) {
            return Ok(context.reached(release, intent, format!("is deploying {tag} already: nothing is sent")));
        }
        if newest.settled {
            return Ok(context.reached(release, intent, format!("runs {tag} already: nothing is sent")));
        }
    }
    if under_way(release) {
        return Err(Refusal::new(
            format!("A deployment of {} is under way: another one would supersede it.", release.name),
            Remedy::WaitOrRollback,
        ));
    }
    let of_another_family = redeploy::another_revision(release, task_definition)?;
    let mut warnings: Vec<_> = divided(release).into_iter().collect();
    if let Some(before) = release.overridden_config.as_ref().filter(|_| own.is_at_once()) {
        warnings.push(Warning::StrategyStillSetAside { strategy: before.describe() });
    }
    warnings.extend(of_another_family);
    let with_pauses = pauses.then(|| paused(release, own)).transpose()?;
    if with_pauses.is_some() {
        warnings.push(Warning::PausesStay);
    } else if release.method == Method::NativeWeighted && !own.pauses().any(holds_for_weights) {
        let none = format!("it has no pause at {WEIGHT_PAUSE_STAGE}: its weights could not be written from here");
        warnings.push(none.into());
    }
    let steps = order(release, task_definition, with_pauses, vec![unchanged(side)], context);
    let intent = Intent::Start { task_definition: task_definition.clone(), pauses };
    let asked = if pauses { ", pausing before each step" } else { "" };
    let title = format!(
        "begins {} → {} by its own strategy, {}{asked}",
        side.task_definition.tag(),
        task_definition.tag(),
        own.strategy
    );
    Ok(context.plan(release, intent, steps, None, warnings, title))
}

fn holds_for_weights(hook: &HookConfiguration) -> bool {
    hook.stages.contains(&WEIGHT_PAUSE_STAGE)
}

/// A configuration with a pause before the first and before every later shift.
fn paused(release: &Release, own: &Configuration) -> Result<Configuration, Refusal> {
    if own.pauses().next().is_some() {
        return Err(Refusal::new(format!("{} has pauses of its own.", release.name), Remedy::StartWithoutPauses));
    }
    ours_to_set(release, Remedy::StartWithoutPauses)?;
    restorable(release, own)?;
    let stage = match release.method {
        Method::NativeWeighted => WEIGHT_PAUSE_STAGE,
        _ => LifecycleStage::PreProductionTrafficShift,
    };
    let pause = HookConfiguration::added_pause(stage);
    let hooks = own.hooks.iter().cloned().chain([pause]).collect();
    Ok(Configuration { hooks, ..own.clone() })
}

/// ECS finishes by itself; a finish restores the configuration that was overridden for one release.
pub(super) fn finish(release: &Release, context: &Context<'_>) -> Result<Plan, Refusal> {
    if under_way(release) {
        return Err(Refusal::new(
            format!("A deployment of {} is under way, and ECS finishes it by itself.", release.name),
            Remedy::AnswerPausesOrWait,
        ));
    }
    let Some(before) = &release.overridden_config else {
        let what = "has nothing to finish: nothing of it was changed for one release only, and nothing is sent";
        return Ok(context.reached(release, Intent::Finish, what.to_owned()));
    };
    ours_to_set(release, Remedy::EcsFinishes)?;
    restorable(release, before)?;
    let side = &release.stable;
    let service = side.service.clone();
    let steps = vec![Step {
        title: format!("put its strategy back: {}", before.describe()),
        before: vec![
            unchanged(side),
            Expect::Configured { service: service.clone(), configuration: Box::new(release.configuration.clone()) },
        ],
        call: Some(configure(update(side, None, None), before)),
        after: vec![Expect::Configured { service, configuration: before.clone() }],
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    }];
    let title = format!("gets its strategy back: {}", before.describe());
    Ok(context.plan(release, Intent::Finish, steps, None, Vec::new(), title))
}
