//! Both sides of a service whose traffic ECS shifts.

use jiff::SignedDuration;

use super::side::{meter, side};
use crate::domain::ecs::deployment::{ServiceDeployment, ServiceRevision, Strategy};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::ecs::route::Route;
use crate::domain::ecs::service::{Rollout, RolloutRole, Service};
use crate::domain::metrics::source::CustomMetrics;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::Side;
use crate::domain::release::production_rule::share_in;
use crate::domain::release::share::Percent;

/// Both sides of a deployment under way: the replaced revision, and its replacement.
pub(super) fn sides(
    service: &Service,
    deployment: &ServiceDeployment,
    own: Option<&CustomMetrics>,
    snapshot: &Snapshot,
) -> Option<(Side, Side)> {
    let target = deployment.target.as_deref()?;
    let route = production_rule(service, Some(deployment), snapshot);
    let source = replaced(deployment, target, route)?;
    let (blue_group, green_group) = groups(service, source, target, deployment.requested, route);
    let one = |revision: &ServiceRevision, group: Option<&Arn>, other: &TaskDefinitionArn| {
        let of = |rollout: &&Rollout| rollout.task_definition == revision.task_definition;
        // Two revisions of one task definition: the primary is the new one, until ECS takes it back.
        let same = *other == revision.task_definition;
        let newer = std::ptr::eq(revision, target);
        let primary_is_new = !deployment.status.rolling_back();
        let of = |rollout: &&Rollout| {
            of(rollout) && (!same || (rollout.role == RolloutRole::Primary) == (newer == primary_is_new))
        };
        let sum = |count: fn(&Rollout) -> u32| service.rollouts.iter().filter(of).map(count).sum();
        let version = snapshot.task_definition(&revision.task_definition).and_then(|definition| definition.version());
        Side {
            task_definition: revision.task_definition.clone(),
            version: version.map(str::to_owned),
            target_group: group.cloned(),
            meter: meter(&service.key, &revision.task_definition, group, route, own),
            behind_network_balancer: route.is_some_and(Route::counts_no_requests),
            weight: group.and_then(|group| route?.weight(group)),
            desired: sum(|rollout| rollout.desired),
            running: sum(|rollout| rollout.running),
            pending: sum(|rollout| rollout.pending),
            healthy: group.and_then(|group| snapshot.health_of(group)).map(|health| health.healthy),
            revisions: Vec::new(),
            leaving: Vec::new(),
            settled: false,
            deployment: Some(deployment.arn.clone()),
            ..side(service, None, None, None, snapshot)
        }
    };
    let mut blue = one(source, blue_group.as_ref(), &target.task_definition);
    let mut green = one(target, green_group.as_ref(), &source.task_definition);
    // A failure belongs to the side whose tasks are being started.
    match deployment.status.rolling_back() {
        true => green.failure_reason = None,
        false => blue.failure_reason = None,
    }
    Some((blue, green))
}

/// The revision that ECS would roll back to: the one that ECS names; else the only replaced revision; else, of several,
/// the one that receives traffic. `None` if that is uncertain: a superseded deployment leaves its revision among the
/// sources.
fn replaced<'a>(
    deployment: &'a ServiceDeployment,
    target: &ServiceRevision,
    route: Option<&Route>,
) -> Option<&'a ServiceRevision> {
    if let Some(to) = deployment.rollback.as_ref().and_then(|rollback| rollback.to.as_deref()) {
        return Some(to).filter(|to| to.arn != target.arn);
    }
    if deployment.unresolved_sources > 0 {
        return None;
    }
    let sources: Vec<_> = deployment.sources.iter().map(|it| &**it).filter(|it| it.arn != target.arn).collect();
    let weight = |source: &&&ServiceRevision| {
        let elsewhere = source.target_groups.iter().filter(|group| !target.target_groups.contains(group));
        elsewhere.filter_map(|group| route?.weight(group)).max()
    };
    match sources.as_slice() {
        [only] => Some(only),
        several => several.iter().filter(|source| weight(source).is_some()).max_by_key(weight).copied(),
    }
}

/// The target groups of both revisions, as ECS resolved them. If ECS names none, the new revision's group is the one
/// whose weight is closer to the share that ECS requested.
fn groups(
    service: &Service,
    source: &ServiceRevision,
    target: &ServiceRevision,
    requested: Option<Percent>,
    route: Option<&Route>,
) -> (Option<Arn>, Option<Arn>) {
    let known = |revision: &ServiceRevision| {
        revision.target_groups.iter().find(|group| service.target_groups.contains(group)).cloned()
    };
    let other = |one: &Arn| service.target_groups.iter().find(|group| *group != one).cloned();
    match (known(source), known(target)) {
        (Some(blue), Some(green)) if blue != green => (Some(blue), Some(green)),
        // If ECS names one group for both revisions, the new tasks are in that group.
        (_, Some(green)) => (other(&green), Some(green)),
        (Some(blue), None) => (Some(blue.clone()), other(&blue)),
        (None, None) => {
            let wanted = requested.map_or(0.0, Percent::value);
            let distance = |green: &&Arn| {
                let share = other(green).zip(route).and_then(|(blue, route)| share_in(&route.forwards, &blue, green));
                share.map_or(f64::INFINITY, |share| (share.value() - wanted).abs())
            };
            let green = service.target_groups.iter().rev().min_by(|a, b| distance(a).total_cmp(&distance(b)));
            (green.and_then(other), green.cloned())
        }
    }
}

/// The rule that ECS writes for this service. `None` if ECS names a rule that was not found. If ECS names no rule, the
/// only rule that has all of the service's target groups.
pub(crate) fn production_rule<'a>(
    service: &Service,
    under_way: Option<&ServiceDeployment>,
    snapshot: &'a Snapshot,
) -> Option<&'a Route> {
    let rules = || snapshot.routes.get().into_iter().flat_map(|routes| routes.values());
    let resolved = under_way.and_then(|deployment| deployment.target.as_ref()?.production_rule.as_ref());
    if let Some(named) = resolved.or(service.production_rule.as_ref()) {
        return rules().find(|rule| rule.is_named_by(named));
    }
    let [first, _, ..] = service.target_groups.as_slice() else { return None };
    let has_all = |route: &&Route| service.target_groups.iter().all(|group| route.weight(group).is_some());
    let mut all = snapshot.routes_to(first).filter(has_all);
    all.next().filter(|_| all.next().is_none())
}

/// The target group that serves users, while a strategy of ECS moves the traffic between the service's groups. The
/// weights of the production rule decide, if that rule is known.
pub(super) fn served_from<'a>(service: &'a Service, snapshot: &Snapshot) -> Option<&'a Arn> {
    let production = production_rule(service, None, snapshot);
    let served = |group: &&Arn| match production {
        Some(rule) => rule.weight(group),
        None => snapshot.routes_to(group).filter_map(|route| route.weight(group)).max(),
    };
    service.target_groups.iter().rev().max_by_key(served)
}

pub(super) fn route_to<'a>(group: Option<&Arn>, snapshot: &'a Snapshot) -> Option<&'a Route> {
    snapshot.routes_to(group?).next()
}

/// The bake of the present share, before ECS goes on.
pub(super) fn bake_of(deployment: &ServiceDeployment, share: Option<Percent>) -> SignedDuration {
    let step = match deployment.configuration.strategy {
        Strategy::Canary { bake_minutes, .. } | Strategy::Linear { bake_minutes, .. } => bake_minutes,
        _ => 0,
    };
    match (&deployment.stage, share) {
        (Some(LifecycleStage::BakeTime), _) => deployment.configuration.bake(),
        (Some(LifecycleStage::ProductionTrafficShift), Some(share)) if !share.is_full() => {
            SignedDuration::from_mins(step.max(0).into())
        }
        _ => SignedDuration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ecs::deployment::{DeploymentStatus, Rollback};
    use crate::domain::ecs::names::Arn;
    use crate::domain::ecs::route::RouteId;
    use crate::domain::release::derive::history::is_rollback_deployment;

    fn group(name: &str) -> Arn {
        Arn::new(format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/1"))
    }

    fn revision(number: u32, groups: &[&str]) -> Arc<ServiceRevision> {
        let arn = Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:service-revision/prod/shop/{number}"));
        let definition =
            TaskDefinitionArn::new(format!("arn:aws:ecs:us-east-1:123456789012:task-definition/shop:{number}"));
        let groups = groups.iter().map(|name| group(name)).collect();
        Arc::new(ServiceRevision { target_groups: groups, ..ServiceRevision::bare(arn, definition) })
    }

    fn deployment(target: u32, status: DeploymentStatus) -> ServiceDeployment {
        let arn = format!("arn:aws:ecs:us-east-1:123456789012:service-deployment/prod/shop/{target}{status:?}");
        ServiceDeployment { target: Some(revision(target, &[])), ..ServiceDeployment::new(Arn::new(arn), status) }
    }

    fn route(blue: u64, green: u64) -> Route {
        let to = |name: &str, weight: u64| crate::domain::ecs::route::Forward {
            target_group: group(name),
            weight: crate::domain::release::share::Weight::new(weight).unwrap(),
        };
        Route {
            id: RouteId::Rule(Arn::new("rule")),
            load_balancer: Arn::new("lb"),
            port: None,
            priority: "1".into(),
            conditions: Vec::new(),
            forwards: vec![to("blue", blue), to("green", green)],
            stickiness: None,
            former_stickiness: None,
            unknown_action: None,
            other_actions: false,
            default_rule: None,
            shape: 0,
        }
    }

    #[test]
    fn of_several_sources_the_one_that_serves_is_replaced() {
        // :42 was superseded by :43, which took over its target group; users are with :41.
        let target = revision(43, &["green"]);
        let mut under_way = deployment(43, DeploymentStatus::InProgress);
        under_way.sources = vec![revision(42, &["green"]), revision(41, &["blue"])];
        let of = |deployment: &ServiceDeployment| {
            replaced(deployment, &target, Some(&route(100, 0))).map(|it| it.task_definition.tag())
        };
        assert_eq!(of(&under_way).as_deref(), Some(":41"));
        // An ambiguous source is not guessed.
        under_way.unresolved_sources = 1;
        assert_eq!(of(&under_way), None);
    }

    #[test]
    fn a_deployment_of_what_ran_before_is_a_way_back() {
        use DeploymentStatus::{InProgress, Stopped, Successful};
        let mut back = deployment(41, InProgress);
        back.sources = vec![revision(42, &[])];
        let older = |status| vec![back.clone(), deployment(42, Successful), deployment(41, status)];
        assert!(is_rollback_deployment(&back, &older(Successful)));
        assert!(!is_rollback_deployment(&back, &older(Stopped)), "it never ran");
        let mut forward = deployment(43, InProgress);
        forward.sources = vec![revision(42, &[])];
        assert!(!is_rollback_deployment(&forward, &[forward.clone(), deployment(42, Successful)]));
    }

    #[test]
    fn a_deployment_that_makes_a_failed_rollback_good_is_a_way_back() {
        use DeploymentStatus::{InProgress, RollbackFailed, Successful};
        // ECS went for :41 before too: the deployment has no other source.
        let mut again = deployment(41, InProgress);
        again.sources = vec![revision(41, &[])];
        let failed = |to: u32| ServiceDeployment {
            rollback: Some(Rollback { to: Some(revision(to, &[])), reason: None, started_at: None }),
            ..deployment(42, RollbackFailed)
        };
        let history = |to| vec![again.clone(), failed(to), deployment(41, Successful)];
        assert!(is_rollback_deployment(&again, &history(41)));
        assert!(!is_rollback_deployment(&again, &history(40)));
    }
}
