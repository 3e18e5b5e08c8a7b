//! One service of a release, as ECS and the load balancer describe it.

use crate::domain::ecs::deployment::{DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::Route;
use crate::domain::ecs::service::{Rollout, RolloutRole, RolloutState, Service};
use crate::domain::health::revision_tasks;
use crate::domain::health::rollout_health::LOOP;
use crate::domain::metrics::Series;
use crate::domain::metrics::source::{CustomMetrics, MetricSource};
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::Side;
use crate::domain::release::condition::{Condition, FailureReason};

pub(super) fn side(
    service: &Service,
    target_group: Option<&Arn>,
    route: Option<&Route>,
    own: Option<&CustomMetrics>,
    snapshot: &Snapshot,
) -> Side {
    let task_definition = service.primary().map_or(&service.task_definition, |primary| &primary.task_definition);
    let version = snapshot.task_definition(task_definition).and_then(|definition| definition.version());
    let left = service.rollouts.iter().filter(|rollout| rollout.role != RolloutRole::Primary && rollout.running > 0);
    Side {
        service: service.key.clone(),
        arn: service.arn.clone(),
        cluster_arn: service.cluster_arn.clone(),
        settled: service.desired > 0 && service.settled_on(task_definition),
        leaving: left.map(|rollout| rollout.task_definition.clone()).collect(),
        is_rolling_back: is_rolling_back(service, snapshot),
        task_definition: task_definition.clone(),
        version: version.map(str::to_owned),
        target_group: target_group.cloned(),
        more_target_groups: Vec::new(),
        behind_network_balancer: route.is_some_and(Route::counts_no_requests),
        meter: meter(&service.key, task_definition, target_group, route, own),
        weight: target_group.and_then(|group| route?.weight(group)),
        desired: service.desired,
        running: service.running,
        pending: service.pending,
        healthy: target_group.and_then(|group| snapshot.health_of(group)).map(|health| health.healthy),
        // What failed on its way back goes on nowhere, whatever is left of it.
        revisions: revision_tasks::by_rollout(service, target_group, snapshot),
        rolling: service.rolling()
            && failed_rollback(service, snapshot).is_none()
            && !succeeded_early(service, snapshot),
        failure_reason: failure_reason(service, snapshot),
        active: service.active(),
        daemon: service.daemon,
        defers_cleanup: service.configuration.defers_cleanup(),
        deployment: service.current_deployment.clone(),
        began: service.primary().and_then(|primary| primary.created_at),
    }
}

/// The same side where further production rules have other target groups for it: it is as healthy as in the worst.
pub(super) fn with_groups<'a>(side: Side, groups: impl Iterator<Item = &'a Arn>, snapshot: &Snapshot) -> Side {
    let mut side = side;
    for group in groups {
        if side.groups().any(|had| had == group) {
            continue;
        }
        let healthy = snapshot.health_of(group).map(|health| health.healthy);
        side.healthy = side.healthy.zip(healthy).map(|(one, other)| one.min(other));
        side.more_target_groups.push(group.clone());
    }
    side
}

/// Drops the canary's custom metrics when one of them resolves to the same query as stable's, and returns a condition.
/// Otherwise the canary would be compared with itself, or its errors diluted by stable's traffic.
pub(super) fn drop_shared_metrics(stable: &Side, canary: &mut Side) -> Option<Condition> {
    let (Some(MetricSource::Custom(theirs)), Some(MetricSource::Custom(own))) = (&stable.meter, &canary.meter) else {
        return None;
    };
    let same = own.same_as(theirs);
    if same.is_empty() {
        return None;
    }
    canary.meter = None;
    let revisions = [stable.task_definition.tag(), canary.task_definition.tag()];
    Some(Condition::SharedMetrics { metrics: same.into_iter().map(str::to_owned).collect(), revisions })
}

/// Where a revision's requests are counted: by the team itself where it says so, else by the load balancer.
pub(super) fn meter(
    service: &ServiceKey,
    task_definition: &TaskDefinitionArn,
    target_group: Option<&Arn>,
    route: Option<&Route>,
    own: Option<&CustomMetrics>,
) -> Option<MetricSource> {
    if let Some(own) = own {
        return Some(MetricSource::Custom(own.of(service, task_definition)));
    }
    let route = route.filter(|route| !route.counts_no_requests())?;
    let (group, balancer) = (target_group?.clone(), route.load_balancer.clone());
    Some(MetricSource::TargetGroup { group, balancer })
}

/// Whether latency is among what is counted of a side.
pub(super) fn timed(side: &Side) -> bool {
    side.meter.as_ref().is_none_or(MetricSource::timed)
}

/// The minutes of a side, where they were read.
pub(super) fn series<'a>(side: &Side, snapshot: &'a Snapshot) -> Option<&'a Series> {
    snapshot.metrics.get(side.meter.as_ref()?)?.get()
}

fn failure_reason(service: &Service, snapshot: &Snapshot) -> Option<FailureReason> {
    if let Some(failed) = failed_rollback(service, snapshot) {
        let asked_for = failed.rollback.as_ref().and_then(|rollback| rollback.reason.clone());
        return Some(FailureReason::RollbackFailed(failed.reason.clone().or(asked_for)));
    }
    let primary = service.primary()?;
    match primary.state {
        Some(RolloutState::Failed) => {
            let reason = primary.reason.clone().unwrap_or_else(|| "the rollout failed".to_owned());
            Some(FailureReason::Failed(reason))
        }
        _ if primary.failed >= LOOP => Some(FailureReason::TasksFailing(primary.failed)),
        _ => None,
    }
}

/// Whether ECS is rolling a deployment back. Its deployments say so; where they are not known, the
/// primary rollout does, or that it brings back what worked in place of what failed.
pub(super) fn is_rolling_back(service: &Service, snapshot: &Snapshot) -> bool {
    if failed_rollback(service, snapshot).is_some() {
        return false;
    }
    if let Some(deployment) = deployment_under_way(service, snapshot) {
        return deployment.status.rolling_back();
    }
    let Some(primary) = service.primary().filter(|_| service.rolling()) else { return false };
    let failed =
        |rollout: &Rollout| rollout.role != RolloutRole::Primary && rollout.state == Some(RolloutState::Failed);
    let worked = || {
        let witnesses = snapshot.witnessed.get(&service.key);
        witnesses.into_iter().flatten().any(|witness| witness.task_definition == primary.task_definition)
    };
    primary.reason.as_deref().is_some_and(|reason| reason.contains("rolling back"))
        || (service.rollouts.iter().any(failed) && worked())
}

fn failed_rollback<'a>(service: &Service, snapshot: &'a Snapshot) -> Option<&'a ServiceDeployment> {
    service.failed_rollback(snapshot.deployments.get(&service.key)?.get()?)
}

/// Whether the newest deployment ended SUCCESSFUL before it was complete: ECS goes on outside of it, and nobody can stop
/// that.
fn succeeded_early(service: &Service, snapshot: &Snapshot) -> bool {
    let newest = snapshot.deployments.get(&service.key).and_then(|reading| reading.get()?.first());
    newest.is_some_and(|newest| {
        newest.status == DeploymentStatus::Successful
            && newest.configuration.early_success.as_ref().is_some_and(|early| early.enable)
            && service.current_deployment.as_ref().is_none_or(|named| *named == newest.arn)
            && newest.task_definition() == service.primary().map(|primary| &primary.task_definition)
    })
}

/// The deployment under way, else the newest.
pub(super) fn newest_deployment(service: &Service, snapshot: &Snapshot) -> Option<Box<ServiceDeployment>> {
    let newest = || snapshot.deployments.get(&service.key)?.get()?.first();
    deployment_under_way(service, snapshot).or_else(newest).cloned().map(Box::new)
}

/// The service deployment that has not ended, where ECS keeps them.
///
/// The service's own answer is asked for more often than that list: where it names a deployment that the list does not
/// have, the list is behind, and says nothing of what is under way.
pub(super) fn deployment_under_way<'a>(service: &Service, snapshot: &'a Snapshot) -> Option<&'a ServiceDeployment> {
    let deployments = snapshot.deployments.get(&service.key)?.get()?;
    if let Some(named) = &service.current_deployment
        && !deployments.iter().any(|deployment| deployment.arn == *named)
    {
        return None;
    }
    deployments.iter().find(|deployment| !deployment.status.ended())
}
