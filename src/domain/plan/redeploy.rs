//! Plans that deploy a revision onto one service: a start, and a rollback of a finished release.

use jiff::SignedDuration;

use super::steps::{complete, order, unchanged};
use super::{Call, Context, Expect, Intent, Plan, Refusal, Remedy, Step, Warning};
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::release::{Release, Side};
use crate::domain::rollback::target::{Evidence, KnownGood, best};

/// A new revision onto a rolling service.
pub(super) fn start(
    release: &Release,
    task_definition: &TaskDefinitionArn,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let side = &release.stable;
    let intent = Intent::Start { task_definition: task_definition.clone(), pauses: false };
    let ours = side.task_definition == *task_definition;
    if ours && side.settled {
        return Ok(context.reached(
            release,
            intent,
            format!("runs {} already: nothing is sent", task_definition.tag()),
        ));
    }
    if ours && side.rolling {
        let title = format!("is rolling out {} already", task_definition.tag());
        let wait = completion(side, task_definition, side.defers_cleanup, context).into_iter().collect();
        return Ok(context.plan(release, intent, wait, None, Vec::new(), title));
    }
    if side.rolling {
        return Err(Refusal::new(format!("{} is rolling out already.", side.service.service), Remedy::WaitOrRollback));
    }
    let warnings = another_revision(release, task_definition)?.into_iter().chain(none_wanted(side)).collect();
    let mut steps = order(release, task_definition, None, vec![unchanged(side)], context);
    steps.extend(completion(side, task_definition, side.defers_cleanup, context));
    let title = format!("{} → {}, tasks replaced in place", side.task_definition.tag(), task_definition.tag());
    Ok(context.plan(release, intent, steps, None, warnings, title))
}

/// A release needs a revision that does not run yet; a revision of another family is worth a warning.
pub(super) fn another_revision(
    release: &Release,
    task_definition: &TaskDefinitionArn,
) -> Result<Option<Warning>, Refusal> {
    let runs = &release.stable.task_definition;
    if runs == task_definition {
        return Err(Refusal::new(format!("{} runs {task_definition} already.", release.name), Remedy::ChooseRevision));
    }
    let other = runs.family() != task_definition.family();
    Ok(other.then(|| format!("{task_definition} is of another family than {runs}").into()))
}

/// A rollback of a service whose weights are not ours to write.
pub(super) fn rollback(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let steps = back(release, to, context)?;
    let target = to.or(again(release)).or_else(|| best(&release.previous).map(|good| &good.task_definition));
    let title = match target {
        Some(target) if *target == release.stable.task_definition => format!("deploys {} again", target.tag()),
        Some(target) => format!("{} → back to {}", release.stable.task_definition.tag(), target.tag()),
        None => format!("ECS takes {} back to what it replaced", release.name),
    };
    let warnings = none_wanted(&release.stable).into_iter().collect();
    Ok(context.plan(release, Intent::Rollback { to: to.cloned(), at_once: false }, steps, None, warnings, title))
}

/// Waits for a revision to be complete; `None` where no tasks are wanted, so that it never is.
fn completion(side: &Side, target: &TaskDefinitionArn, older_may_run: bool, context: &Context<'_>) -> Option<Step> {
    side.wants_tasks().then(|| complete(side, target, older_may_run, context))
}

/// The warning that a deployment starts no task.
fn none_wanted(side: &Side) -> Option<Warning> {
    let what = format!("{} wants no tasks (desiredCount 0): none is started", side.service.service);
    (!side.wants_tasks()).then(|| what.into())
}

/// A deployment that brings back an earlier revision is a rollback itself: rolling it back would go forward.
pub(super) fn on_its_way_back(release: &Release) -> Refusal {
    let to = release.newest().task_definition.tag();
    Refusal::new(
        format!("{} is on its way back to {to} already: the deployment under way brings that back.", release.name),
        Remedy::WatchOrKeepReplaced,
    )
}

/// Whether the rollout under way replaces this revision.
pub(super) fn replaced(release: &Release, revision: &TaskDefinitionArn) -> bool {
    let replaced = |good: &&KnownGood| good.evidence == Evidence::Replaced;
    release.previous.iter().filter(replaced).any(|good| good.task_definition == *revision)
}

/// The steps that bring a good revision back onto the stable service.
pub(super) fn back(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    context: &Context<'_>,
) -> Result<Vec<Step>, Refusal> {
    let side = &release.stable;
    if side.is_rolling_back && to.is_none() && release.canary.is_none() {
        return Err(Refusal::new(format!("{} is rolling back already.", side.service.service), Remedy::Watch));
    }
    if release.is_rollback_deployment && to.is_none() && release.canary.is_none() {
        return Err(on_its_way_back(release));
    }
    let replaced = release.previous.iter().find(|good| good.evidence == Evidence::Replaced);
    let replaced = replaced.map(|good| &good.task_definition).or_else(|| side.replaces_itself());
    if side.rolling
        && let Some(deployment) = &side.deployment
        && to.is_none_or(|to| replaced == Some(to))
    {
        let target = replaced.or(best(&release.previous).map(|good| &good.task_definition));
        return Ok(stop(side, deployment, target, context));
    }
    let target = match to {
        Some(to)
            if *to == side.task_definition
                && side.rolling
                && (release.is_rollback_deployment || side.is_rolling_back) =>
        {
            return Ok(completion(side, to, false, context).into_iter().collect());
        }
        // Waiting for a failing rollout would delay the rollback.
        Some(to) if *to == side.task_definition && side.rolling => {
            return Err(Refusal::new(
                format!("{to} is the revision being rolled out; it cannot be a rollback target."),
                Remedy::Rollback,
            ));
        }
        to => target(release, to)?,
    };
    let mut steps = order(release, target, None, Vec::new(), context);
    steps.extend(completion(side, target, false, context));
    Ok(steps)
}

/// The revision that a rollback deploys: the one that is named, else the newest good one.
pub(super) fn target<'a>(
    release: &'a Release,
    to: Option<&'a TaskDefinitionArn>,
) -> Result<&'a TaskDefinitionArn, Refusal> {
    let side = &release.stable;
    let again = again(release);
    match to {
        Some(to) if *to == side.task_definition && again != Some(to) => {
            Err(Refusal::new(format!("{} runs {to} already.", side.service.service), Remedy::ChooseRevision))
        }
        Some(to) => Ok(to),
        None => again.map_or_else(|| Ok(&good(release)?.task_definition), Ok),
    }
}

/// The revision that a rollback did not bring back although ECS goes for it: it must be deployed again.
fn again(release: &Release) -> Option<&TaskDefinitionArn> {
    let good = release.failed_rollback()?.rolled_back_to()?;
    (*good == release.stable.task_definition).then_some(&release.stable.task_definition)
}

/// The newest revision that is known to have worked and can still be deployed.
fn good(release: &Release) -> Result<&KnownGood, Refusal> {
    if let Some(best) = best(&release.previous) {
        return Ok(best);
    }
    match release.previous.first() {
        None => Err(Refusal::new(
            format!(
                "No revision of {} other than {} is known to have worked.",
                release.name,
                release.stable.task_definition.tag()
            ),
            Remedy::NameRevision,
        )),
        Some(good) if good.evidence == Evidence::NeverRan => Err(Refusal::new(
            format!("No task of {} ever ran: it is not known to work.", good.task_definition.tag()),
            Remedy::NameRevision,
        )),
        Some(good) if good.rolled_back_from => Err(Refusal::new(
            format!("{} is all that is known to have run, and it was rolled back itself.", good.task_definition.tag()),
            Remedy::NameRevision,
        )),
        Some(good) => Err(Refusal::new(
            format!("{}, the last that worked, was deregistered and cannot be deployed.", good.task_definition),
            Remedy::RegisterCopy,
        )),
    }
}

/// ECS rolls back to the revision that the deployment under way replaces.
fn stop(side: &Side, deployment: &Arn, target: Option<&TaskDefinitionArn>, context: &Context<'_>) -> Vec<Step> {
    let service = side.service.clone();
    let after = match target {
        Some(target) => Expect::Primary { service: service.clone(), task_definition: target.clone() },
        // Only ECS knows what it goes back to.
        None => Expect::Left { service: service.clone(), task_definition: side.task_definition.clone() },
    };
    let call = Call::StopDeployment { service, deployment: deployment.clone() };
    let order = Step {
        title: "stop the deployment and roll it back".to_owned(),
        before: Vec::new(),
        // On its way back by itself it needs no order, and a second one could only disturb it.
        call: (!side.is_rolling_back).then_some(call),
        after: vec![after],
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    };
    std::iter::once(order).chain(target.and_then(|target| completion(side, target, false, context))).collect()
}

/// Registers a copy of a deregistered revision, so that a good revision can be deployed again under a new number.
pub(super) fn register(release: &Release, copy_of: &TaskDefinitionArn, context: &Context<'_>) -> Result<Plan, Refusal> {
    let Some(newest) = &release.registered else {
        return Err(Refusal::new(
            format!("The revisions of {} have not been read.", copy_of.family()),
            Remedy::WaitForRead,
        ));
    };
    let known = release.previous.iter().find(|good| good.task_definition == *copy_of);
    if known.is_none_or(|good| good.active != Some(false)) {
        return Err(Refusal::new(
            format!("{} is not known to have been deregistered.", copy_of.tag()),
            Remedy::DeployAsIs,
        ));
    }
    let step = Step {
        title: format!("register a copy of {}", copy_of.tag()),
        before: Vec::new(),
        call: Some(Call::RegisterCopy { service: release.stable.service.clone(), of: copy_of.clone() }),
        after: vec![Expect::Registered { family: copy_of.family().to_owned(), newer_than: newest.clone() }],
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    };
    let warnings = vec![Warning::CopyDeploysNothing];
    let title = format!("gets a copy of {}, which was deregistered", copy_of.tag());
    let intent = Intent::Register { copy_of: copy_of.clone() };
    Ok(context.plan(release, intent, vec![step], None, warnings, title))
}

#[cfg(test)]
mod tests;
