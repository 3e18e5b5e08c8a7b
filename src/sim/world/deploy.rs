//! Starting a deployment and turning one around, whatever its strategy.

use super::config::Config;
use super::native;
use super::scheduler::Ctx;
use super::service::{Deployment, Monitor, Rollback, Rollout, Service, ServiceDeployment, Status};
use super::task::Task;

/// Why a deployment whose alarm went off is rolled back.
pub(super) const ALARM: &str = "Service deployment rolled back because an alarm was triggered.";

/// The names of the alarms that are configured, enabled, in ALARM now and were not when it began.
pub(super) fn alarms_triggered(deployment: &ServiceDeployment, in_alarm: &[String]) -> Vec<String> {
    let config = &deployment.config;
    let counts =
        |name: &&String| config.alarms_enabled && in_alarm.contains(name) && !deployment.ignored.contains(name);
    config.alarms.iter().filter(counts).cloned().collect()
}

/// Turns the rolling deployment under way around: its source revision becomes PRIMARY again.
pub(super) fn roll_back(service: &mut Service, reason: &str, status: Status, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    let name = service.name.clone();
    let Some(source) = service.last().and_then(|d| service.source_of(d)) else {
        return;
    };
    let Some(deployment) = service.under_way() else {
        return;
    };
    deployment.status = status;
    deployment.updated = now;
    deployment.reason = Some(reason.into());
    deployment.rollback = Some(Rollback { reason: reason.into(), started: now, revision: source });
    if let Some(primary) = service.deployments.first_mut() {
        primary.rollout = Rollout::Failed;
        primary.updated = now;
    }
    let id = ctx.ids.number();
    let desired = service.desired;
    service.deployments.insert(0, Deployment::new(id, source, desired, now));
    // Tasks of the source that still run are taken over by the new PRIMARY, as ECS does not replace what already fits.
    let taken: Vec<u64> = service.deployments.iter().skip(1).filter(|d| d.revision == source).map(|d| d.id).collect();
    for task in service.tasks.iter_mut().filter(|t| t.live() && taken.contains(&t.deployment)) {
        task.deployment = id;
    }
    service.steady = false;
    service.say(now, ctx.ids, format!("(service {name}) rolling back to (deployment ecs-svc/{id})."));
}

/// Starts a new service deployment of a revision; one that is under way is superseded.
pub(super) fn deploy(service: &mut Service, revision: usize, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    // What was fully installed last comes first: that is what a rollback returns to.
    let mut sources: Vec<usize> = service.installed().into_iter().collect();
    for deployment in &service.deployments {
        let live = service.tasks_of(deployment.id).any(Task::live);
        if live && !sources.contains(&deployment.revision) {
            sources.push(deployment.revision);
        }
    }
    if let Some(old) = service.under_way() {
        old.status = if old.rollback.is_some() { Status::RollbackFailed } else { Status::Stopped };
        old.reason = Some("Service deployment was stopped because a newer service deployment started.".into());
        (old.stopped, old.finished, old.updated) = (Some(now), Some(now), now);
        native::let_go(old);
    }
    let config: Config = service.config.clone();
    let monitor = |on: bool| {
        if on { Monitor::Monitoring } else { Monitor::Disabled }
    };
    let ignored = config.alarms.iter().filter(|a| ctx.alarms.contains(a)).cloned().collect();
    service.history.push(ServiceDeployment {
        id: ctx.ids.alnum(21),
        target: revision,
        sources,
        status: Status::Pending,
        reason: None,
        created: now,
        started: None,
        finished: None,
        stopped: None,
        updated: now,
        rollback: None,
        breaker: monitor(config.breaker),
        failures: 0,
        threshold: config.failure_threshold(service.desired),
        alarms: monitor(config.alarms_enabled),
        triggered: Vec::new(),
        ignored,
        tasks: service.desired,
        native: None,
        config,
    });
    let id = ctx.ids.number();
    let desired = service.desired;
    service.deployments.insert(0, Deployment::new(id, revision, desired, now));
    service.steady = false;
}
