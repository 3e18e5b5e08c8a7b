//! Rolling deployments: replaces tasks within the minimum and maximum percent, with a circuit breaker.

use super::context::Context;
use super::deploy::{ALARM_TRIGGERED, roll_back, triggered_alarms};
use super::placement::{launch, stop};
use super::service::{RolloutState, Service};
use super::service_deployment::{DeploymentStatus, MonitorStatus};
use super::task::Task;
use crate::sim::world::clock::{MINUTE, Ms, SECOND};

/// The time between two reports of tasks that cannot be placed or stopped.
const REPORT_INTERVAL: Ms = 5 * MINUTE;

/// Simulates one second of a service whose strategy is ROLLING, or that has no deployment in progress.
pub(super) fn step(service: &mut Service, ctx: &mut Context<'_>) {
    replace_tasks(service, ctx);
    check_alarms(service, ctx);
    check_circuit_breaker(service, ctx);
    advance_status(service, ctx);
}

/// Starts and stops tasks towards the PRIMARY deployment, within the minimum and maximum percent.
fn replace_tasks(service: &mut Service, ctx: &mut Context<'_>) {
    let desired = service.desired as usize;
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    if primary.desired != service.desired {
        (primary.desired, primary.updated) = (service.desired, ctx.now);
        service.scaled_at = Some(ctx.now);
    }
    let (id, retry_at) = (primary.id, primary.retry_at);
    for other in service.deployments.iter_mut().skip(1) {
        other.desired = 0;
    }
    let most = (desired * service.config.max_percent as usize / 100).max(desired);
    let least = (desired * service.config.min_healthy_percent as usize).div_ceil(100);
    let live = service.tasks.iter().filter(|t| t.is_live()).count();
    let new = service.tasks_of(id).filter(|t| t.is_live()).count();
    let old = live - new;
    let serving = service.tasks.iter().filter(|t| t.is_serving()).count();

    if new > desired {
        stop_unprotected(service, new - desired, id, ctx);
    } else if new < desired && live < most && ctx.now >= retry_at {
        let wanted = (desired - new).min(most - live);
        let room = (service.room as usize).saturating_sub(live);
        launch(service, 0, wanted.min(room), ctx);
        if wanted > room {
            report_unplaced(service, ctx);
        }
    }
    if old > 0 {
        // Old tasks that do not serve can stop at any time. Of the others, only the spare ones can.
        let idle = service.tasks.iter().filter(|t| t.is_live() && t.deployment != id && !t.is_serving()).count();
        let spare = serving.saturating_sub(least).min(old - idle);
        let excess = (old + new).saturating_sub(most.max(desired));
        let stoppable = if new == 0 && desired > 0 && spare == 0 { idle.min(excess) } else { idle + spare };
        // Old tasks keep running until the new ones can replace them.
        let ready = service.tasks_of(id).filter(|t| t.is_serving()).count();
        let stoppable = stoppable.min((old + ready).saturating_sub(least.min(desired)));
        let replaced =
            service.deployments.iter().skip(1).map(|d| d.id).find(|d| service.tasks_of(*d).any(Task::is_live));
        match replaced.filter(|replaced| service.protected_until(*replaced, ctx.now).is_some()) {
            Some(replaced) => report_protected(service, replaced, ctx),
            None => stop(service, stoppable, |t| t.deployment != id, id, ctx),
        }
    }
}

/// Stops up to `n` tasks of a deployment, unless they are protected.
pub(super) fn stop_unprotected(service: &mut Service, n: usize, deployment: u64, ctx: &mut Context<'_>) {
    match service.protected_until(deployment, ctx.now) {
        Some(_) => report_protected(service, deployment, ctx),
        None => stop(service, n, |t| t.deployment == deployment, deployment, ctx),
    }
}

/// Reports tasks that protection keeps from being stopped, from time to time.
fn report_protected(service: &mut Service, deployment: u64, ctx: &mut Context<'_>) {
    let tasks = service.tasks_of(deployment).filter(|t| t.is_live()).count();
    let message = format!(
        "(service {}, taskSet ecs-svc/{deployment}) was unable to scale in due to (reason {tasks} tasks under protection)",
        service.name
    );
    report(service, message, ctx);
}

/// Reports a task that no capacity is left for, from time to time.
fn report_unplaced(service: &mut Service, ctx: &mut Context<'_>) {
    let message = format!(
        "(service {}) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
        service.name
    );
    report(service, message, ctx);
}

fn report(service: &mut Service, message: String, ctx: &mut Context<'_>) {
    if ctx.now < service.report_at {
        return;
    }
    service.report_at = ctx.now + REPORT_INTERVAL;
    service.steady = false;
    service.add_event(ctx.now, ctx.ids, message);
}

fn check_alarms(service: &mut Service, ctx: &mut Context<'_>) {
    let in_alarm = ctx.in_alarm;
    let Some(deployment) = service.deployment_in_progress().filter(|d| d.rollback.is_none()) else {
        return;
    };
    let triggered = triggered_alarms(deployment, in_alarm);
    if triggered.is_empty() {
        return;
    }
    deployment.trigger_alarms(triggered);
    if deployment.config.alarms_rollback {
        roll_back(service, ALARM_TRIGGERED, DeploymentStatus::RollbackInProgress, ctx);
    }
}

fn check_circuit_breaker(service: &mut Service, ctx: &mut Context<'_>) {
    let now = ctx.now;
    let name = service.name.clone();
    let Some(primary) = service.primary().map(|p| p.id) else {
        return;
    };
    let Some(deployment) = service
        .deployment_in_progress()
        .filter(|d| d.config.breaker && d.breaker == MonitorStatus::Monitoring && d.failures >= d.threshold)
    else {
        return;
    };
    deployment.breaker = MonitorStatus::Triggered;
    deployment.updated = now;
    let rolls_back = deployment.config.breaker_rollback && deployment.rollback.is_none();
    if !rolls_back {
        let rolled_back = deployment.rollback.is_some();
        deployment.status = if rolled_back { DeploymentStatus::RollbackFailed } else { DeploymentStatus::Stopped };
        (deployment.finished, deployment.stopped) = (Some(now), Some(now));
        deployment.reason = Some("The circuit breaker threshold was exceeded.".into());
    }
    if let Some(primary) = service.deployments.first_mut() {
        primary.rollout = RolloutState::Failed;
    }
    let message = format!("(service {name}) (deployment ecs-svc/{primary}) deployment failed: tasks failed to start.");
    service.add_event(now, ctx.ids, message);
    if rolls_back {
        let reason = "Service deployment rolled back because the circuit breaker threshold was exceeded.";
        roll_back(service, reason, DeploymentStatus::RollbackInProgress, ctx);
    }
}

/// Moves the deployment to its next status, completes it, and reports a steady state.
fn advance_status(service: &mut Service, ctx: &mut Context<'_>) {
    let now = ctx.now;
    let name = service.name.clone();
    let Some((id, rollout)) = service.primary().map(|p| (p.id, p.rollout)) else {
        return;
    };
    if let Some(deployment) = service.deployment_in_progress().filter(|d| now >= d.created + 2 * SECOND) {
        match deployment.status {
            DeploymentStatus::Pending => {
                deployment.status = DeploymentStatus::InProgress;
                (deployment.started, deployment.updated) = (Some(now), now);
            }
            DeploymentStatus::RollbackRequested => {
                (deployment.status, deployment.updated) = (DeploymentStatus::RollbackInProgress, now);
            }
            _ => {}
        }
    }
    let desired = service.desired as usize;
    let ready = service.tasks_of(id).filter(|t| t.is_serving()).count();
    let live = service.tasks.iter().filter(|t| t.is_live()).count();
    let stable = ready == desired && live == desired;
    let old = live > service.tasks_of(id).filter(|t| t.is_live()).count();
    let early = service.config.early_success(desired).filter(|_| rollout == RolloutState::InProgress);
    if !stable && !early.is_some_and(|(needed, deferred)| ready >= needed && (deferred || !old)) {
        return;
    }
    let started = service
        .latest_deployment()
        .is_none_or(|d| d.status.is_terminal() || d.started.is_some_and(|at| now > at + 3 * SECOND));
    if rollout == RolloutState::InProgress && started {
        if let Some(primary) = service.deployments.first_mut() {
            (primary.rollout, primary.updated) = (RolloutState::Completed, now);
        }
        if let Some(deployment) = service.deployment_in_progress() {
            let rolled_back = deployment.rollback.is_some();
            let status = if rolled_back { DeploymentStatus::RollbackSuccessful } else { DeploymentStatus::Successful };
            deployment.finish(status, now);
        }
        service.add_event(now, ctx.ids, format!("(service {name}) (deployment ecs-svc/{id}) deployment completed."));
    }
    if stable && !service.steady && service.primary().is_some_and(|p| p.rollout == RolloutState::Completed) {
        service.steady = true;
        service.add_event(now, ctx.ids, format!("(service {name}) has reached a steady state."));
    }
}
