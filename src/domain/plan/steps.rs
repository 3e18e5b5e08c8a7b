//! The steps that plans are made of, for every method.

use jiff::SignedDuration;

use super::call::{Call, HookAction, Reread, Seen};
use super::expect::Expect;
use super::refusal::{Refusal, Remedy};
use super::{Context, Step};
use crate::domain::ecs::deployment::{Configuration, Pause};
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, Route};
use crate::domain::release::share::{Percent, Weight, Weights};
use crate::domain::release::{Release, Side};

/// Tasks for all traffic: stable's desired count, or the canary's where stable was scaled to 0.
pub(super) fn full(stable: &Side, canary: &Side) -> u32 {
    if stable.desired == 0 { canary.desired.max(1) } else { stable.desired }
}

/// Tasks that the canary needs for a share: as many as stable would need for it, at least one.
pub(super) fn tasks_for(stable: &Side, canary: &Side, share: Percent) -> u32 {
    if share.is_zero() {
        return 0;
    }
    let full = full(stable, canary);
    // At most `full`, which is a u32 of at least 1.
    ((f64::from(full) * share.value() / 100.0 - 1e-9).ceil() as u32).clamp(1, full)
}

pub(super) fn healthy(side: &Side, at_least: u32) -> Option<Expect> {
    let target_group = side.target_group.clone()?;
    Some(Expect::Healthy { target_group, at_least })
}

/// Nothing that the operator saw has changed: neither the service's revision nor the rules.
pub(super) fn still(release: &Release, side: &Side) -> Vec<Expect> {
    std::iter::once(unchanged(side)).chain(as_seen(release)).collect()
}

/// A service has the tasks to carry traffic: they run, and the load balancer finds as many healthy. A target group
/// alone is no proof of tasks: others can be registered in it.
pub(super) fn capacity(side: &Side, at_least: u32) -> impl Iterator<Item = Expect> {
    let running = Expect::Running { service: side.service.clone(), at_least };
    std::iter::once(running).chain(healthy(side, at_least))
}

/// A service still goes for the revision that the operator saw.
pub(super) fn unchanged(side: &Side) -> Expect {
    Expect::Primary { service: side.service.clone(), task_definition: side.task_definition.clone() }
}

/// The rules still read as the operator saw them.
fn as_seen(release: &Release) -> Vec<Expect> {
    let as_seen = |route: &Route| Expect::Weights { route: route.id.clone(), weights: route.forwards.clone() };
    release.routes.iter().map(as_seen).collect()
}

/// No rule of the pair sends the canary anything.
pub(super) fn without_traffic(release: &Release, canary: &Side) -> Vec<Expect> {
    let Some(target_group) = &canary.target_group else { return Vec::new() };
    let nothing = vec![Forward { target_group: target_group.clone(), weight: Weight::ZERO }];
    release.routes.iter().map(|route| Expect::Weights { route: route.id.clone(), weights: nothing.clone() }).collect()
}

pub(super) fn everything_to_stable() -> Weights {
    // 100 and 0 are weights.
    Weights { stable: Weight::new(100).unwrap_or(Weight::ZERO), canary: Weight::ZERO }
}

pub(super) fn update(side: &Side, task_definition: Option<&TaskDefinitionArn>, desired: Option<u32>) -> Call {
    Call::UpdateService {
        service: side.service.clone(),
        arn: side.arn.clone(),
        cluster_arn: side.cluster_arn.clone(),
        // What runs already is deployed again only where AWS is told to.
        force: task_definition == Some(&side.task_definition),
        task_definition: task_definition.cloned(),
        desired,
        configuration: None,
    }
}

/// A step without a hold time.
pub(super) fn a_step(
    title: String,
    before: Vec<Expect>,
    call: Option<Call>,
    after: Vec<Expect>,
    context: &Context<'_>,
) -> Step {
    Step {
        title,
        before,
        call,
        after,
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    }
}

/// More tasks, or fewer. More are waited for until they are healthy.
pub(super) fn scale(side: &Side, desired: u32, before: Vec<Expect>, context: &Context<'_>) -> Step {
    let mut after = vec![Expect::Desired { service: side.service.clone(), count: desired }];
    if desired > side.desired {
        after.extend(capacity(side, desired));
    }
    let title = format!("{} {} → {desired} tasks", side.service.service, side.desired);
    a_step(title, before, Some(update(side, None, Some(desired))), after, context)
}

/// One step for each rule of the pair.
pub(super) fn set_weights(
    release: &Release,
    weights: Weights,
    before: &[Expect],
    reread: Reread,
    context: &Context<'_>,
) -> Result<Vec<Step>, Refusal> {
    let to = forwards(release, weights)?;
    let step = |(index, route): (usize, &Route)| {
        let title = format!("{} → stable {} canary {}", route.id, weights.stable, weights.canary);
        let mut before = before.to_vec();
        // Each rule is compared as it is written; of several none is written unless all are as they were seen.
        if index == 0 && release.routes.len() > 1 && reread == Reread::Strict {
            before.extend(as_seen(release));
        }
        let call = Call::SetWeights { route: route.id.clone(), seen: Seen::from(route), weights: to.clone(), reread };
        let after = vec![Expect::Weights { route: route.id.clone(), weights: to.clone() }];
        a_step(title, before, Some(call), after, context)
    };
    Ok(release.routes.iter().enumerate().map(step).collect())
}

fn forwards(release: &Release, weights: Weights) -> Result<Vec<Forward>, Refusal> {
    let stable = release.stable.target_group.as_ref();
    let canary = release.canary.as_ref().and_then(|canary| canary.target_group.as_ref());
    let (Some(stable), Some(canary)) = (stable, canary) else {
        return Err(Refusal::new("The target groups of this pair are not known.", Remedy::WaitForRead));
    };
    Ok(vec![
        Forward { target_group: stable.clone(), weight: weights.stable },
        Forward { target_group: canary.clone(), weight: weights.canary },
    ])
}

/// The same UpdateService with a configuration in it.
pub(super) fn configure(call: Call, to: &Configuration) -> Call {
    match call {
        Call::UpdateService { service, arn, cluster_arn, task_definition, desired, force, .. } => Call::UpdateService {
            service,
            arn,
            cluster_arn,
            task_definition,
            desired,
            configuration: Some(Box::new(to.clone())),
            force,
        },
        other => other,
    }
}

pub(super) fn answer(
    release: &Release,
    deployment: &Arn,
    pause: &Pause,
    answer: HookAction,
    context: &Context<'_>,
) -> Step {
    let service = release.stable.service.clone();
    let (title, after) = match answer {
        HookAction::Continue => (
            "answer the pause: go on",
            Expect::Answered { service: service.clone(), deployment: deployment.clone(), hook: pause.hook.clone() },
        ),
        HookAction::Rollback => (
            "answer the pause: go back",
            Expect::GoingBack { service: service.clone(), deployment: deployment.clone() },
        ),
    };
    Step {
        title: title.to_owned(),
        before: Vec::new(),
        call: Some(Call::AnswerPause { service, deployment: deployment.clone(), hook: pause.hook.clone(), answer }),
        after: vec![after],
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    }
}

pub(super) fn complete(side: &Side, target: &TaskDefinitionArn, context: &Context<'_>) -> Step {
    Step {
        title: format!("wait until {} is complete", target.tag()),
        before: Vec::new(),
        call: None,
        after: vec![Expect::Settled { service: side.service.clone(), task_definition: target.clone() }],
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    }
}

/// Orders a deployment of a revision, with another configuration if given, and waits until ECS shows it where ECS keeps
/// deployments.
pub(super) fn order(
    release: &Release,
    target: &TaskDefinitionArn,
    configuration: Option<Configuration>,
    before: Vec<Expect>,
    context: &Context<'_>,
) -> Vec<Step> {
    let side = &release.stable;
    let service = side.service.clone();
    let call = update(side, Some(target), None);
    let mut after = vec![Expect::Primary { service: service.clone(), task_definition: target.clone() }];
    let call = match configuration {
        Some(configuration) => {
            let call = configure(call, &configuration);
            after.push(Expect::Configured { service: service.clone(), configuration: Box::new(configuration) });
            call
        }
        None => call,
    };
    let again = *target == side.task_definition;
    let order = Step {
        title: format!("{} → {}{}", side.service.service, target.tag(), if again { " again" } else { "" }),
        before,
        call: Some(call),
        after,
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    };
    // ECS may show a deployment that it has only just taken a moment later.
    let seen = (release.method.shifted_by_ecs() || again).then(|| Step {
        title: "wait until ECS shows the deployment".to_owned(),
        before: Vec::new(),
        call: None,
        after: vec![Expect::Deployed {
            service,
            task_definition: target.clone(),
            after: release.deployment.as_ref().map(|newest| newest.arn.clone()),
        }],
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    });
    std::iter::once(order).chain(seen).collect()
}

/// How long a rollback waits to read the rule back before it tells ECS.
const RULE_PATIENCE: SignedDuration = SignedDuration::from_secs(15);

/// Gives blue all traffic before ECS is told to roll back; no steps if blue has it already.
pub(super) fn blue_first(release: &Release, context: &Context<'_>) -> Result<Vec<Step>, Refusal> {
    let moved = release.shares().iter().any(|share| share.is_none_or(|share| !share.is_zero()));
    let blue = &release.stable;
    // Without tasks blue is brought back by ECS before it shifts; until then users are better off where they are.
    let down = blue.healthy.map_or(blue.running == 0, |healthy| healthy == 0);
    if !moved || down {
        return Ok(Vec::new());
    }
    let steps = set_weights(release, everything_to_stable(), &[], Reread::Urgent, context)?;
    // Whether the rule can be written or not, ECS must be told to go back.
    Ok(steps.into_iter().map(|step| Step { optional: true, patience: RULE_PATIENCE, ..step }).collect())
}
