//! Plans for two services behind weighted target groups.

use super::{Call, Context, Expect, Intent, Plan, Refusal, Reread, Seen, Step, redeploy};
use crate::domain::names::TaskDefinitionArn;
use crate::domain::release::{Release, Side};
use crate::domain::route::Forward;
use crate::domain::share::{Percent, Weight, Weights};

/// Up the ladder: to the next rung, or to a share above the present one.
pub(super) fn step(release: &Release, to: Option<Percent>, context: &Context<'_>) -> Result<Plan, Refusal> {
    let (_, _, at) = moving(release)?;
    let to = match to.or_else(|| release.ladder.next_after(at)) {
        None => {
            return Err(Refusal::new(
                "The canary has all of the traffic already.",
                "Finish the release, or roll it back.",
            ));
        }
        Some(to) if to.value() <= at.value() => {
            return Err(Refusal::new(
                format!("The canary has {at} already, and {to} is not above it."),
                "Set a lower weight, or roll back.",
            ));
        }
        Some(to) => to,
    };
    weight_as(release, to, Intent::Step { to: Some(to) }, context)
}

/// To any share, up or down.
pub(super) fn weight(release: &Release, to: Percent, context: &Context<'_>) -> Result<Plan, Refusal> {
    let (_, _, at) = moving(release)?;
    if (to.value() - at.value()).abs() < 1e-9 {
        return Err(Refusal::new(format!("The canary has {at} already."), "There is nothing to write."));
    }
    weight_as(release, to, Intent::Weight { to }, context)
}

fn weight_as(release: &Release, to: Percent, intent: Intent, context: &Context<'_>) -> Result<Plan, Refusal> {
    let (stable, canary, at) = moving(release)?;
    let weights = Weights::for_canary(to)
        .map_err(|error| Refusal::new(format!("{error}."), "Choose a share in tenths of a percent."))?;
    let up = to.value() > at.value();
    let mut warnings = Vec::new();
    if up {
        if canary.rolling || canary.trouble.is_some() {
            let why = canary.trouble.clone().unwrap_or_else(|| "its rollout is under way".to_owned());
            return Err(Refusal::new(
                format!("{} is not ready for more traffic: {why}.", canary.service.service),
                "Wait until it is complete, or roll back.",
            ));
        }
        if stable.task_definition == canary.task_definition && at.is_zero() {
            return Err(Refusal::new(
                format!("Both services run {}: there is nothing to try.", canary.task_definition),
                "Start a release first.",
            ));
        }
        warnings.extend(
            release
                .verdict
                .reasons
                .iter()
                .map(|reason| format!("verdict {}: {reason}", release.verdict.opinion.word())),
        );
        if let Some(bake) = release.bake.filter(|bake| !bake.done(context.now)) {
            let known = if bake.seen { "has been watched for less than" } else { "is not known to have been watched for" };
            warnings.push(format!("{at} {known} its bake time of {} min", bake.of.as_mins()));
        }
    }
    let needed = tasks_for(release, to);
    let mut steps = Vec::new();
    if canary.desired < needed {
        steps.push(scale(canary, needed, context));
    }
    // Traffic that comes back needs tasks to come back to.
    if !to.is_full() && stable.desired == 0 {
        steps.push(scale(stable, canary.desired.max(1), context));
    }
    let mut before = Vec::new();
    if !to.is_zero() {
        before.extend(healthy(canary, if up { needed.max(1) } else { 1 }));
    }
    if !to.is_full() {
        before.extend(healthy(stable, 1));
    }
    steps.extend(set_weights(release, weights, before, Reread::Strict, context)?);
    if !up && canary.desired > needed {
        steps.push(scale(canary, needed, context));
    }
    Ok(context.plan(
        release,
        intent,
        steps,
        Some(to),
        warnings,
        format!("{at} → {to} of traffic to {}", canary.task_definition.tag()),
    ))
}

/// A new revision onto the canary, without traffic.
pub(super) fn start(
    release: &Release,
    task_definition: &TaskDefinitionArn,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let (stable, canary, at) = moving(release)?;
    if !at.is_zero() {
        return Err(Refusal::new(
            format!("{} has {at} of the traffic.", canary.service.service),
            "Finish that release or roll it back first.",
        ));
    }
    if stable.task_definition == *task_definition {
        return Err(Refusal::new(format!("Stable runs {task_definition} already."), "Choose another revision."));
    }
    if canary.rolling {
        return Err(Refusal::new(format!("{} is rolling out already.", canary.service.service), "Wait, or roll back."));
    }
    let first = tasks_for(release, release.ladder.first()).max(1);
    let mut after = vec![Expect::Settled { service: canary.service.clone(), task_definition: task_definition.clone() }];
    after.extend(healthy(canary, first));
    let step = Step {
        title: format!("{} → {} with {first} tasks, without traffic", canary.service.service, task_definition.tag()),
        before: Vec::new(),
        call: Some(update(canary, Some(task_definition), Some(first))),
        after,
        hold: jiff::SignedDuration::ZERO,
        patience: context.settings.patience,
    };
    let intent = Intent::Start { task_definition: task_definition.clone() };
    let title = format!("start {} on the canary, at 0%", task_definition.tag());
    Ok(context.plan(release, intent, vec![step], Some(Percent::ZERO), Vec::new(), title))
}

/// The canary's revision becomes the stable one. From the second step on there is no cheap way back.
pub(super) fn finish(release: &Release, context: &Context<'_>) -> Result<Plan, Refusal> {
    let (stable, canary, at) = moving(release)?;
    let to = &canary.task_definition;
    if !at.is_full() {
        let done = at.is_zero() && stable.task_definition == *to && !stable.rolling;
        if !done {
            return Err(Refusal::new(
                format!("The canary has {at} of the traffic."),
                "Step it to 100% and watch it before finishing.",
            ));
        }
        if canary.desired == 0 {
            return Err(Refusal::new(
                "Nothing is under way: both services run the same revision.",
                "Start a release first.",
            ));
        }
    }
    if canary.rolling || canary.trouble.is_some() {
        return Err(Refusal::new(format!("{} is not complete.", canary.service.service), "Wait for it, or roll back."));
    }
    let full = stable.desired.max(1);
    let settled = Expect::Settled { service: stable.service.clone(), task_definition: to.clone() };
    let mut steps = Vec::new();
    if at.is_full() {
        steps.push(Step {
            title: format!("1 canary carries everything with {full} tasks"),
            before: Vec::new(),
            call: (canary.desired < full).then(|| update(canary, None, Some(full))),
            after: healthy(canary, full.min(canary.desired.max(full))).into_iter().collect(),
            hold: jiff::SignedDuration::ZERO,
            patience: context.settings.patience,
        });
        let deployed = stable.task_definition == *to;
        steps.push(Step {
            title: format!("2 {} → {}", stable.service.service, to.tag()),
            before: Vec::new(),
            call: (!deployed).then(|| update(stable, Some(to), (stable.desired == 0).then_some(full))),
            after: vec![Expect::Primary { service: stable.service.clone(), task_definition: to.clone() }],
            hold: jiff::SignedDuration::ZERO,
            patience: context.settings.patience,
        });
        let mut complete = vec![settled.clone()];
        complete.extend(healthy(stable, full));
        steps.push(Step {
            title: format!("3 wait for {} to be complete and healthy", stable.service.service),
            before: Vec::new(),
            call: None,
            after: complete,
            hold: jiff::SignedDuration::ZERO,
            patience: context.settings.patience,
        });
        let back = Weights::for_canary(Percent::ZERO).map_err(|error| Refusal::new(error.to_string(), ""))?;
        let mut shift =
            set_weights(release, back, healthy(stable, full).into_iter().collect(), Reread::Strict, context)?;
        for step in &mut shift {
            step.title = format!("4 {}", step.title);
        }
        let mut holds: Vec<_> = shift.iter().flat_map(|step| step.after.clone()).collect();
        steps.extend(shift);
        holds.extend(healthy(stable, 1));
        steps.push(Step {
            title: format!("5 watch for {} s", context.settings.finish_watch.as_secs()),
            before: Vec::new(),
            call: None,
            after: holds,
            hold: context.settings.finish_watch,
            patience: context.settings.patience,
        });
    }
    let mut last = scale(canary, 0, context);
    last.title = format!("6 {}", last.title);
    steps.push(last);
    let warnings = vec![format!(
        "from step 2 on {} is no longer the old version: going back then means deploying it again",
        stable.service.service
    )];
    Ok(context.plan(
        release,
        Intent::Finish,
        steps,
        Some(Percent::ZERO),
        warnings,
        format!("finish: {} becomes stable", to.tag()),
    ))
}

/// Users first: all traffic to what worked, then the rest.
pub(super) fn rollback(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let canary = release.canary.as_ref().ok_or_else(no_pair)?;
    let stable = &release.stable;
    let has_traffic = canary.weight != Some(Weight::ZERO) || stable.weight == Some(Weight::ZERO);
    let intent = Intent::Rollback { to: to.cloned() };
    let everything = Weights::for_canary(Percent::ZERO).map_err(|error| Refusal::new(error.to_string(), ""))?;

    // Stable still is what worked, or nothing else was asked for: traffic moves with the first call.
    let elsewhere = to.filter(|to| **to != stable.task_definition);
    if !release.stable_taken() && (has_traffic || canary.desired > 0) && elsewhere.is_none() {
        let mut steps = Vec::new();
        if has_traffic {
            steps.extend(capacity_back(stable, canary, context));
            // Known to be without a healthy target: sending users there would be an outage of its own.
            let before = if stable.healthy == Some(0) { healthy(stable, 1).into_iter().collect() } else { Vec::new() };
            steps.extend(set_weights(release, everything, before, Reread::Urgent, context)?);
        }
        if canary.desired > 0 {
            steps.push(scale(canary, 0, context));
        }
        let title = format!("all traffic back to {}", stable.task_definition.tag());
        return Ok(context.plan(release, intent, steps, Some(Percent::ZERO), Vec::new(), title));
    }

    // Stable is, or becomes, another version: bring the good one back first, then move the traffic to it.
    let mut steps = redeploy::back(release, to, context)?;
    let title = match steps.iter().find_map(|step| step.call.as_ref()) {
        Some(_) => "stable is redeployed first, then takes the traffic".to_owned(),
        None => "traffic back to stable".to_owned(),
    };
    if has_traffic {
        let before = healthy(stable, stable.desired.max(1)).into_iter().collect();
        steps.extend(set_weights(release, everything, before, Reread::Urgent, context)?);
    }
    if canary.desired > 0 {
        steps.push(scale(canary, 0, context));
    }
    Ok(context.plan(release, intent, steps, Some(Percent::ZERO), Vec::new(), title))
}

fn capacity_back(stable: &Side, canary: &Side, context: &Context<'_>) -> Option<Step> {
    (stable.desired == 0).then(|| scale(stable, canary.desired.max(1), context))
}

/// Both sides and the present share; else why nothing can be moved.
fn moving(release: &Release) -> Result<(&Side, &Side, Percent), Refusal> {
    let canary = release.canary.as_ref().ok_or_else(no_pair)?;
    let at = release
        .share
        .configured
        .ok_or_else(|| Refusal::new("Both weights of the rule are 0.", "Roll back: that gives stable everything."))?;
    Ok((&release.stable, canary, at))
}

fn no_pair() -> Refusal {
    Refusal::new("There is no canary here.", "Weights need two services behind one rule.")
}

/// Tasks that the canary needs for a share: as many as stable would need for it, at least one.
fn tasks_for(release: &Release, share: Percent) -> u32 {
    if share.is_zero() {
        return 0;
    }
    let full = match (release.stable.desired, &release.canary) {
        (0, Some(canary)) => canary.desired.max(1),
        (desired, _) => desired,
    };
    // At most `full`, which is a u32.
    ((f64::from(full) * share.value() / 100.0 - 1e-9).ceil() as u32).clamp(1, full)
}

fn healthy(side: &Side, at_least: u32) -> Option<Expect> {
    let target_group = side.target_group.clone()?;
    Some(Expect::Healthy { target_group, at_least })
}

pub(super) fn update(side: &Side, task_definition: Option<&TaskDefinitionArn>, desired: Option<u32>) -> Call {
    Call::UpdateService {
        service: side.service.clone(),
        arn: side.arn.clone(),
        cluster_arn: side.cluster_arn.clone(),
        task_definition: task_definition.cloned(),
        desired,
    }
}

fn scale(side: &Side, desired: u32, context: &Context<'_>) -> Step {
    let mut after = vec![Expect::Desired { service: side.service.clone(), count: desired }];
    if desired > side.desired {
        after.extend(healthy(side, desired));
    }
    Step {
        title: format!("{} {} → {desired} tasks", side.service.service, side.desired),
        before: Vec::new(),
        call: Some(update(side, None, Some(desired))),
        after,
        hold: jiff::SignedDuration::ZERO,
        patience: context.settings.patience,
    }
}

/// One step for each rule of the pair.
fn set_weights(
    release: &Release,
    weights: Weights,
    before: Vec<Expect>,
    reread: Reread,
    context: &Context<'_>,
) -> Result<Vec<Step>, Refusal> {
    let groups = release
        .stable
        .target_group
        .as_ref()
        .zip(release.canary.as_ref().and_then(|canary| canary.target_group.as_ref()));
    let Some((stable, canary)) = groups else {
        return Err(Refusal::new(
            "The target groups of this pair are not known.",
            "Wait until the rule has been read.",
        ));
    };
    let to = vec![
        Forward { target_group: stable.clone(), weight: weights.stable },
        Forward { target_group: canary.clone(), weight: weights.canary },
    ];
    let step = |route: &crate::domain::route::Route| Step {
        title: format!("{} → stable {} canary {}", route.id, weights.stable, weights.canary),
        before: before.clone(),
        call: Some(Call::SetWeights { route: route.id.clone(), seen: Seen::from(route), weights: to.clone(), reread }),
        after: vec![Expect::Weights { route: route.id.clone(), weights: to.clone() }],
        hold: jiff::SignedDuration::ZERO,
        patience: context.settings.patience,
    };
    Ok(release.routes.iter().map(step).collect())
}
