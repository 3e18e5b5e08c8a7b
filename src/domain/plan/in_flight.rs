//! A release as it is if every call that may have been sent took effect. A rollback of an operation in flight is planned
//! for that: what AWS shows may be from before.

use super::Call;
use crate::domain::ecs::names::{ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, RouteId};
use crate::domain::release::share::Percent;
use crate::domain::release::{Phase, Release, ReleaseState, Side};
use crate::domain::rollback::target::{Evidence, KnownGood};

/// The release after these calls of a forward operation. Where the release is worse without a call than with it, it
/// stays as it is.
pub fn after_calls<'a>(release: &Release, calls: impl IntoIterator<Item = &'a Call>) -> Release {
    let mut release = release.clone();
    for call in calls {
        match call {
            Call::SetWeights { route, weights, .. } => more_traffic(&mut release.state, route, weights),
            Call::UpdateService { service, task_definition, desired, .. } => {
                if let Some(desired) = desired {
                    more_tasks(&mut release.state, service, *desired);
                }
                if let Some(task_definition) = task_definition {
                    another_revision(&mut release.state, service, task_definition);
                }
            }
            Call::StopDeployment { .. } | Call::AnswerPause { .. } | Call::RegisterCopy { .. } => {}
        }
    }
    release
}

fn more_traffic(state: &mut ReleaseState, route: &RouteId, weights: &[Forward]) {
    for rule in state.rules.iter_mut().filter(|rule| rule.route.id == *route) {
        let mut written = rule.clone();
        for forward in &mut written.route.forwards {
            let to = weights.iter().find(|to| to.target_group == forward.target_group);
            forward.weight = to.map_or(forward.weight, |to| to.weight);
        }
        // A canary that has a part already is taken out of the rule in any case.
        let idle = rule.share().is_some_and(Percent::is_zero);
        if idle && written.share().is_none_or(|share| !share.is_zero()) {
            *rule = written;
        }
    }
    let shares: Vec<_> = state.shares();
    if let Some(first) = shares.first() {
        state.share.configured = *first;
    }
}

fn more_tasks(state: &mut ReleaseState, service: &ServiceKey, desired: u32) {
    if !state.one_service()
        && let Some(side) = side_of(state, service)
    {
        side.desired = side.desired.max(desired);
    }
}

/// The service goes for another revision, and no deployment of it is known by its name yet.
fn another_revision(state: &mut ReleaseState, service: &ServiceKey, to: &TaskDefinitionArn) {
    let stable = state.stable.service == *service;
    let Some(side) = side_of(state, service).filter(|side| side.task_definition != *to) else { return };
    let replaced = std::mem::replace(&mut side.task_definition, to.clone());
    let good = side.settled;
    (side.rolling, side.settled, side.deployment) = (true, false, None);
    side.leaving.push(replaced.clone());
    if state.phase == Phase::Steady {
        state.phase = Phase::Starting;
    }
    // A rollback target is what the stable service ran.
    if stable && good {
        state.previous.retain(|known| known.task_definition != replaced);
        let (evidence, rolled_back_from) = (Evidence::Replaced, false);
        let good =
            KnownGood { task_definition: replaced, evidence, at: None, good_for: None, active: None, rolled_back_from };
        state.previous.insert(0, good);
    }
}

/// The side of a service; of both sides of one service, the newer.
fn side_of<'a>(state: &'a mut ReleaseState, service: &ServiceKey) -> Option<&'a mut Side> {
    let ReleaseState { stable, canary, .. } = state;
    canary.iter_mut().chain([stable]).find(|side| side.service == *service)
}
