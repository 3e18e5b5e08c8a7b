//! Plans that deploy a revision onto one service: start, and the way back once it is out.

use jiff::SignedDuration;

use super::weighted::{unchanged, update};
use super::{Call, Context, Expect, Intent, Plan, Refusal, Step};
use crate::domain::names::{Arn, TaskDefinitionArn};
use crate::domain::previous::{Evidence, Good};
use crate::domain::release::{Method, Release, Side};

/// A new revision onto a rolling service.
pub(super) fn start(
    release: &Release,
    task_definition: &TaskDefinitionArn,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let side = &release.stable;
    if release.method != Method::Rolling {
        return Err(Refusal::new(
            format!("{} is released by its own {} strategy.", release.name, release.method),
            "Start it with the tool that owns it; it can be watched here.",
        ));
    }
    if side.rolling {
        return Err(Refusal::new(
            format!("{} is rolling out already.", side.service.service),
            "Wait for it, or roll back.",
        ));
    }
    if side.task_definition == *task_definition {
        return Err(Refusal::new(
            format!("{} runs {task_definition} already.", release.name),
            "Choose another revision.",
        ));
    }
    let mut warnings = Vec::new();
    if side.task_definition.family() != task_definition.family() {
        warnings.push(format!("{task_definition} is of another family than {}", side.task_definition));
    }
    let steps = deploy(release, task_definition, vec![unchanged(side)], context);
    let intent = Intent::Start { task_definition: task_definition.clone(), pauses: false };
    let title = format!("{} → {}, tasks replaced in place", side.task_definition.tag(), task_definition.tag());
    Ok(context.plan(release, intent, steps, None, warnings, title))
}

/// Back to a good revision, for a service without weights of ours.
pub(super) fn rollback(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let steps = back(release, to, context)?;
    let target = to.or_else(|| release.previous.first().map(|good| &good.task_definition));
    let title = match target {
        Some(target) => format!("{} → back to {}", release.stable.task_definition.tag(), target.tag()),
        None => format!("ECS takes {} back to what it replaced", release.name),
    };
    Ok(context.plan(release, Intent::Rollback { to: to.cloned(), at_once: false }, steps, None, Vec::new(), title))
}

/// The steps that bring a good revision back onto the stable service.
pub(super) fn back(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    context: &Context<'_>,
) -> Result<Vec<Step>, Refusal> {
    let side = &release.stable;
    if side.going_back && to.is_none() && release.canary.is_none() {
        return Err(Refusal::new(
            format!("{} is rolling back already.", side.service.service),
            "Watch it; nothing needs to be sent.",
        ));
    }
    let replaced = release.previous.iter().find(|good| good.evidence == Evidence::Replaced);
    if side.rolling
        && let Some(deployment) = &side.deployment
        && to.is_none_or(|to| replaced.is_some_and(|good| good.task_definition == *to))
    {
        let target = replaced.or(release.previous.first()).map(|good| &good.task_definition);
        return Ok(stop(side, deployment, target, context));
    }
    if release.method == Method::Native {
        return Err(Refusal::new(
            format!("{} has finished: a redeployment would replay its whole strategy.", release.name),
            "Roll back with the tool that owns it; this version only stops a deployment under way.",
        ));
    }
    let target = match to {
        Some(to) if *to == side.task_definition && side.rolling => return Ok(vec![complete(side, to, context)]),
        Some(to) if *to == side.task_definition => {
            return Err(Refusal::new(
                format!("{} runs {to} already.", side.service.service),
                "Choose another revision.",
            ));
        }
        Some(to) => to,
        None => &good(release)?.task_definition,
    };
    Ok(deploy(release, target, Vec::new(), context))
}

/// The newest revision that is known to have worked and can still be deployed.
fn good(release: &Release) -> Result<&Good, Refusal> {
    match release.previous.first() {
        None => Err(Refusal::new(
            format!(
                "No revision of {} other than {} is known to have worked.",
                release.name,
                release.stable.task_definition.tag()
            ),
            "Name one that you trust: rollback --to, or start it with S.",
        )),
        Some(good) if good.active == Some(false) => Err(Refusal::new(
            format!("{}, the last that worked, was deregistered and cannot be deployed.", good.task_definition),
            "Register it again, or name another: rollback --to.",
        )),
        Some(good) => Ok(good),
    }
}

/// ECS goes back by itself, to what the deployment under way replaces.
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
        call: (!side.going_back).then_some(call),
        after: vec![after],
        hold: SignedDuration::ZERO,
        patience: context.settings.patience,
    };
    std::iter::once(order).chain(target.map(|target| complete(side, target, context))).collect()
}

fn complete(side: &Side, target: &TaskDefinitionArn, context: &Context<'_>) -> Step {
    Step {
        title: format!("wait until {} is complete", target.tag()),
        before: Vec::new(),
        call: None,
        after: vec![Expect::Settled { service: side.service.clone(), task_definition: target.clone() }],
        hold: SignedDuration::ZERO,
        patience: context.settings.patience,
    }
}

fn deploy(release: &Release, target: &TaskDefinitionArn, before: Vec<Expect>, context: &Context<'_>) -> Vec<Step> {
    let side = &release.stable;
    let order = Step {
        title: format!("{} → {}", side.service.service, target.tag()),
        before,
        call: Some(update(side, Some(target), None)),
        after: vec![Expect::Primary { service: side.service.clone(), task_definition: target.clone() }],
        hold: SignedDuration::ZERO,
        patience: context.settings.patience,
    };
    vec![order, complete(side, target, context)]
}
