//! Starting and rolling back deployments, whatever their strategy.

use super::context::Context;
use super::service::{Deployment, RolloutState, Service};
use super::service_deployment::{DeploymentStatus, RevisionChange, Rollback, ServiceDeployment};
use super::task::Task;
use crate::sim::scenario::Strategy;
use crate::sim::world::elb::target_group::GroupId;

/// The reason of a rollback that an alarm causes.
pub(crate) const ALARM_TRIGGERED: &str = "Service deployment rolled back because an alarm was triggered.";
/// The reason of a rollback that an operator requests.
pub(crate) const ROLLED_BACK_BY_USER: &str = "Service deployment rolled back by user request.";
/// statusReason of a deployment that a newer one replaced.
pub(crate) const SUPERSEDED: &str = "Service deployment was stopped because a newer service deployment started.";

/// The configured alarms that are in ALARM now and were not when the deployment began.
pub(super) fn triggered_alarms(deployment: &ServiceDeployment, in_alarm: &[String]) -> Vec<String> {
    let config = &deployment.config;
    let triggered =
        |name: &&String| config.alarms_enabled && in_alarm.contains(name) && !deployment.ignored_alarms.contains(name);
    config.alarms.iter().filter(triggered).cloned().collect()
}

/// The target group that the tasks of the next revision register with. A native deployment uses the group that does not
/// serve now.
pub(crate) fn next_group(service: &Service) -> Option<GroupId> {
    let current = service.installed().and_then(|r| service.revisions.get(r)).and_then(|r| r.group);
    match (service.config.strategy, service.alternate) {
        (Strategy::Rolling, _) | (_, None) => current.or(service.group),
        (_, Some(alternate)) if current == Some(alternate) => service.group,
        (_, Some(alternate)) => Some(alternate),
    }
}

/// Rolls the deployment in progress back: its source revision becomes PRIMARY again.
pub(crate) fn roll_back(service: &mut Service, reason: &str, status: DeploymentStatus, ctx: &mut Context<'_>) {
    let now = ctx.now;
    let name = service.name.clone();
    let Some(source) = service.latest_deployment().and_then(|d| service.source_of(d)) else {
        return;
    };
    let Some(deployment) = service.deployment_in_progress() else {
        return;
    };
    deployment.status = status;
    deployment.updated = now;
    deployment.reason = Some(reason.into());
    deployment.rollback = Some(Rollback { reason: reason.into(), started: now, revision: source });
    deployment.drop_hooks();
    if let Some(primary) = service.deployments.first_mut() {
        primary.rollout = RolloutState::Failed;
        primary.updated = now;
    }
    let id = ctx.ids.number();
    let desired = service.desired;
    service.deployments.insert(0, Deployment::new(id, source, desired, now));
    // The new PRIMARY takes over the running tasks of the source: ECS does not replace tasks that already match.
    let kept: Vec<u64> = service.deployments.iter().skip(1).filter(|d| d.revision == source).map(|d| d.id).collect();
    for task in service.tasks.iter_mut().filter(|t| t.is_live() && kept.contains(&t.deployment)) {
        task.deployment = id;
    }
    service.steady = false;
    service.add_event(now, ctx.ids, format!("(service {name}) rolling back to (deployment ecs-svc/{id})."));
}

/// Starts a service deployment of a revision. A deployment in progress is superseded.
pub(crate) fn deploy(service: &mut Service, revision: usize, ctx: &mut Context<'_>) {
    let now = ctx.now;
    // The installed revision comes first: a rollback returns to it.
    let mut sources: Vec<usize> = service.installed().into_iter().collect();
    for deployment in &service.deployments {
        let live = service.tasks_of(deployment.id).any(Task::is_live);
        if live && !sources.contains(&deployment.revision) {
            sources.push(deployment.revision);
        }
    }
    if let Some(old) = service.deployment_in_progress() {
        let rolled_back = old.rollback.is_some();
        old.status = if rolled_back { DeploymentStatus::RollbackFailed } else { DeploymentStatus::Stopped };
        old.reason = Some(SUPERSEDED.into());
        (old.stopped, old.finished, old.updated) = (Some(now), Some(now), now);
        old.drop_hooks();
    }
    let config = service.config.clone();
    let ignored = config.alarms.iter().filter(|a| ctx.in_alarm.contains(a)).cloned().collect();
    let change = RevisionChange { target: revision, sources };
    let mut deployment = ServiceDeployment::new(ctx.ids.alnum(21), change, config, service.desired, now);
    deployment.ignored_alarms = ignored;
    service.history.push(deployment);
    let id = ctx.ids.number();
    let desired = service.desired;
    service.deployments.insert(0, Deployment::new(id, revision, desired, now));
    service.steady = false;
}
