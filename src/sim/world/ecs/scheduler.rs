//! The service scheduler: runs tasks and deployments second by second.

use super::context::Context;
use super::service::Service;
use super::target::Health;
use super::task::{StopCode, Task, TaskContext, TaskStatus};
use super::{native, rolling};
use crate::sim::scenario::{ServiceStatus, Strategy};
use crate::sim::world::clock::{MINUTE, Ms, SECOND};
use crate::sim::world::task_definitions::definition::PORT;

/// Time for which a stopped task can be described.
const STOPPED_TASK_RETENTION: Ms = 60 * MINUTE;
/// Time after which auto scaling acts on a desired count outside its range.
const SCALING_DELAY: Ms = 20 * SECOND;
/// The number of failed tasks after which ECS reports that tasks cannot start consistently.
const REPORTED_FAILURES: u32 = 3;

/// Simulates one second of a service.
pub(crate) fn step(service: &mut Service, ctx: &mut Context<'_>) {
    keep_within_scaling(service, ctx.now);
    step_tasks(service, ctx);
    record_failures(service, ctx);
    count_towards_breaker(service);
    if service.status != ServiceStatus::Active {
        // Its tasks take their time to stop.
    } else if service.deployment_in_progress().is_some_and(|d| d.config.strategy != Strategy::Rolling) {
        native::step(service, ctx);
    } else {
        rolling::step(service, ctx);
    }
    service.tasks.retain(|t| t.times.stopped.is_none_or(|at| ctx.now < at + STOPPED_TASK_RETENTION));
    remove_empty_deployments(service);
}

/// Puts desiredCount back between the minimum and the maximum of the scalable target, a while after it was written.
fn keep_within_scaling(service: &mut Service, now: Ms) {
    let Some(scaling) = service.scaling.filter(|scaling| !scaling.suspended) else { return };
    let settled = service.scaled_at.is_none_or(|at| now >= at + SCALING_DELAY);
    if settled && service.status == ServiceStatus::Active {
        service.desired = service.desired.clamp(scaling.min, scaling.max.max(scaling.min));
    }
}

fn step_tasks(service: &mut Service, ctx: &mut Context<'_>) {
    let now = ctx.now;
    let (mut registered, mut deregistered) = (0, 0);
    let mut group = None;
    for task in service.tasks.iter_mut().filter(|t| t.status != TaskStatus::Stopped) {
        let definition = ctx.catalog.get(task.definition);
        let before = task.target_health();
        let task_ctx = TaskContext {
            behaviour: &definition.behaviour,
            groups: &ctx.load_balancer.groups,
            grace: service.grace,
            now,
            image: definition.main_container().map_or("", |c| c.image.as_str()),
        };
        task.step(&task_ctx, ctx.ids);
        if let Some(revision) = service.revisions.get_mut(task.revision)
            && task.digests.is_empty()
            && task.times.pull_stopped.is_some()
        {
            task.digests = revision.pull(ctx.catalog, now);
        }
        let after = task.target_health();
        if before.is_none() && after.is_some() {
            registered += 1;
            group = task.group;
        }
        if before.is_some_and(|h| h != Health::Draining) && after.is_none_or(|h| h == Health::Draining) {
            deregistered += 1;
            group = task.group;
        }
    }
    let Some(arn) = group.and_then(|g| ctx.load_balancer.group(g)).map(|g| g.arn.clone()) else {
        return;
    };
    let name = service.name.clone();
    for (verb, targets) in [("registered", registered), ("deregistered", deregistered)] {
        if targets > 0 {
            let message = format!("(service {name}) {verb} {targets} targets in (target-group {arn})");
            service.add_event(now, ctx.ids, message);
        }
    }
}

/// Counts failed tasks in failedTasks, delays the next start, and reports the failures as events.
fn record_failures(service: &mut Service, ctx: &mut Context<'_>) {
    let now = ctx.now;
    let mut messages = Vec::new();
    for task in service.tasks.iter_mut().filter(|t| t.uncounted_failure) {
        task.uncounted_failure = false;
        let Some(deployment) = service.deployments.iter_mut().find(|d| d.id == task.deployment) else {
            continue;
        };
        deployment.failed += 1;
        deployment.updated = now;
        deployment.retry_at = deployment.retry_at.max(now + Ms::from(deployment.failed.min(30)) * 3 * SECOND);
        if task.stop_reason.as_ref().is_some_and(|reason| reason.code == StopCode::ServiceSchedulerInitiated) {
            let (name, id) = (&service.name, &task.id);
            let group = task.group.and_then(|g| ctx.load_balancer.group(g)).map_or("", |g| g.arn.as_str());
            let why = task.health_failure.as_deref().unwrap_or("Health checks failed");
            messages.push(format!(
                "(service {name}) (port {PORT}) is unhealthy in (target-group {group}) due to (reason {why})."
            ));
            messages.push(format!("(service {name}) (task {id}) failed ELB health checks in (target-group {group})."));
        }
        if deployment.failed == REPORTED_FAILURES {
            messages.push(format!("(service {}) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.", service.name));
        }
    }
    for message in messages {
        service.steady = false;
        service.add_event(now, ctx.ids, message);
    }
}

/// Updates the failureCount of the deployment in progress.
fn count_towards_breaker(service: &mut Service) {
    let Some(primary) = service.deployments.first() else {
        return;
    };
    let (failed, target, id) = (primary.failed, primary.revision, primary.id);
    let healthy = service.tasks_of(id).any(Task::is_serving);
    let in_progress = service.deployment_in_progress();
    if let Some(deployment) = in_progress.filter(|d| d.target == target && d.rollback.is_none()) {
        if healthy && deployment.config.reset_on_healthy {
            deployment.failures = 0;
        }
        deployment.failures = deployment.failures.max(failed);
    }
}

/// Removes old entries of `deployments[]` that have no tasks left.
fn remove_empty_deployments(service: &mut Service) {
    if service.deployments.len() < 2 {
        return;
    }
    let running = service.tasks.iter().filter(|t| t.status != TaskStatus::Stopped);
    let in_use: Vec<u64> = running.map(|t| t.deployment).collect();
    let primary = service.primary().map(|p| p.id);
    service.deployments.retain(|d| Some(d.id) == primary || in_use.contains(&d.id));
}
