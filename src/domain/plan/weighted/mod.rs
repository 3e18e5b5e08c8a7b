//! Plans for two services behind weighted target groups: what their steps have in common.

mod finish;
mod rollback;
mod step;

pub(super) use self::finish::finish;
pub(super) use self::rollback::rollback;
pub(super) use self::step::{start, step, weight};

use jiff::SignedDuration;

use super::{Call, Context, Expect, Refusal, Remedy, Reread, Seen, Step};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::route::{Forward, Route};
use crate::domain::release::share::{Percent, Weight, Weights};
use crate::domain::release::{Release, Side};

/// What can be moved: both sides, and the canary's share in the rules that give it least and most.
struct Moving<'a> {
    stable: &'a Side,
    canary: &'a Side,
    least: Percent,
    most: Percent,
}

impl Moving<'_> {
    /// Whether the rules of the pair disagree.
    fn uneven(&self) -> bool {
        (self.most.value() - self.least.value()).abs() > 1e-9
    }
}

/// Both sides and the present share; else why nothing can be moved.
fn moving(release: &Release) -> Result<Moving<'_>, Refusal> {
    let canary = release.canary.as_ref().ok_or_else(no_pair)?;
    let nobody = || Refusal::new("Both weights of the rule are 0.", Remedy::RollbackRestoresTraffic);
    let shares: Option<Vec<_>> = release.shares().into_iter().collect();
    let shares = shares.ok_or_else(nobody)?;
    let by_value = |a: &&Percent, b: &&Percent| a.value().total_cmp(&b.value());
    let least = *shares.iter().min_by(by_value).ok_or_else(nobody)?;
    let most = *shares.iter().max_by(by_value).ok_or_else(nobody)?;
    Ok(Moving { stable: &release.stable, canary, least, most })
}

fn no_pair() -> Refusal {
    Refusal::new("There is no canary here.", Remedy::NeedsPair)
}

/// Tasks that carry everything: as many as stable has, or the canary where stable was scaled away.
fn full(stable: &Side, canary: &Side) -> u32 {
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
fn still(release: &Release, side: &Side) -> Vec<Expect> {
    std::iter::once(unchanged(side)).chain(as_seen(release)).collect()
}

/// A service has the tasks to carry traffic: they run, and the load balancer finds as many healthy. A target group
/// alone is no proof of tasks: others can be registered in it.
fn capacity(side: &Side, at_least: u32) -> impl Iterator<Item = Expect> {
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
fn without_traffic(release: &Release, canary: &Side) -> Vec<Expect> {
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
        task_definition: task_definition.cloned(),
        desired,
        configuration: None,
    }
}

/// A step that takes no time of its own.
fn a_step(title: String, before: Vec<Expect>, call: Option<Call>, after: Vec<Expect>, context: &Context<'_>) -> Step {
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
fn scale(side: &Side, desired: u32, before: Vec<Expect>, context: &Context<'_>) -> Step {
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
