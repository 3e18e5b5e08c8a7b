//! Finds what mends a production rule that sends users to empty target groups while ECS deploys nothing.

use super::steadiness::at_rest;
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::Forward;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::ReleaseState;
use crate::domain::release::derive::production_rule;
use crate::domain::release::rule_repair::RuleRepair;
use crate::domain::release::share::Weight;

/// The repair of a release's production rule; `None`: none is needed, or it is not certain which group has the tasks.
///
/// Only the rule of a service that ECS shifts is mended: at rest ECS leaves it as a deployment left it, and refuses
/// every deployment while it is divided.
pub(crate) fn rule_repair(release: &ReleaseState, snapshot: &Snapshot) -> Option<RuleRepair> {
    let side = &release.stable;
    let service = snapshot.service(&side.service)?;
    // A rule that AWS owns is not ours to write.
    if service.managed.is_some() || !release.method.shifted_by_ecs() || !at_rest(release, side, service, snapshot) {
        return None;
    }
    let route = production_rule(service, None, snapshot)?;
    let ours = || route.forwards.iter().filter(|to| service.target_groups.contains(&to.target_group));
    let mut with_tasks = Vec::new();
    for group in ours().map(|to| &to.target_group) {
        if snapshot.health_of(group)?.healthy > 0 {
            with_tasks.push(group);
        }
    }
    let [to] = with_tasks.as_slice() else { return None };
    let strays = ours().any(|it| it.target_group != **to && it.weight != Weight::ZERO);
    let all: u64 = ours().map(|to| u64::from(to.weight.value())).sum();
    let all = Weight::new(if all == 0 { 100 } else { all.min(Weight::MAX.into()) }).ok()?;
    let weight = |group: &Arn| if group == *to { all } else { Weight::ZERO };
    let weights = ours().map(|it| Forward { target_group: it.target_group.clone(), weight: weight(&it.target_group) });
    let weights = weights.collect();
    let unserved = route.weight(to) == Some(Weight::ZERO);
    (strays || unserved).then(|| RuleRepair { route: route.clone(), to: (*to).clone(), weights })
}
