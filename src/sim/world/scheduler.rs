//! The service scheduler: tasks live and die, and are started and stopped as the deployments ask.

use super::balancer::Balancer;
use super::catalog::Catalog;
use super::clock::{MINUTE, Ms, SECOND};
use super::definition::PORT;
use super::ids::Ids;
use super::native;
use super::rolling;
use super::service::Service;
use super::task::{Health, State, StopCode, Task};
use crate::sim::scenario::Strategy;

/// How long a stopped task can still be described.
const STOPPED_TASKS_KEPT: Ms = 60 * MINUTE;
/// The most tasks of a service that are started at once.
const LAUNCH_BATCH: usize = 10;

/// What a service's second needs of the rest of the world.
pub(super) struct Ctx<'a> {
    pub now: Ms,
    pub ids: &'a mut Ids,
    pub catalog: &'a Catalog,
    pub balancer: &'a mut Balancer,
    /// The names of the alarms that are in ALARM.
    pub alarms: &'a [String],
}

/// One second of a service.
pub(super) fn step(service: &mut Service, ctx: &mut Ctx<'_>) {
    step_tasks(service, ctx);
    count_failures(service, ctx);
    if service.under_way().is_some_and(|d| d.config.strategy != Strategy::Rolling) {
        native::step(service, ctx);
    } else {
        rolling::step(service, ctx);
    }
    service.tasks.retain(|t| t.stopped.is_none_or(|at| ctx.now < at + STOPPED_TASKS_KEPT));
    forget_old_deployments(service);
}

fn step_tasks(service: &mut Service, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    let (mut registered, mut deregistered) = (0, 0);
    let mut group = None;
    for task in service.tasks.iter_mut().filter(|t| t.state != State::Stopped) {
        let def = ctx.catalog.get(task.def);
        let image = def.main().map_or("", |c| c.image.as_str());
        let before = task.target.as_ref().map(|t| t.health);
        task.step(&def.behaviour, &ctx.balancer.groups, service.grace, now, ctx.ids, image);
        if let Some(revision) = service.revisions.get_mut(task.revision)
            && task.digests.is_empty()
            && task.pull_stopped.is_some()
        {
            task.digests = revision.pull(ctx.catalog, now);
        }
        let after = task.target.as_ref().map(|t| t.health);
        if before.is_none() && after.is_some() {
            registered += 1;
            group = task.group;
        }
        if before.is_some_and(|h| h != Health::Draining) && after.is_none_or(|h| h == Health::Draining) {
            deregistered += 1;
            group = task.group;
        }
    }
    let Some(arn) = group.and_then(|g| ctx.balancer.group(g)).map(|g| g.arn.clone()) else {
        return;
    };
    let name = service.name.clone();
    if registered > 0 {
        service.say(now, ctx.ids, format!("(service {name}) registered {registered} targets in (target-group {arn})"));
    }
    if deregistered > 0 {
        service.say(
            now,
            ctx.ids,
            format!("(service {name}) deregistered {deregistered} targets in (target-group {arn})"),
        );
    }
}

/// failedTasks, and the pause before the next try.
fn count_failures(service: &mut Service, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    let mut messages = Vec::new();
    for task in service.tasks.iter_mut().filter(|t| t.failure) {
        task.failure = false;
        let Some(deployment) = service.deployments.iter_mut().find(|d| d.id == task.deployment) else {
            continue;
        };
        deployment.failed += 1;
        deployment.updated = now;
        deployment.retry = deployment.retry.max(now + Ms::from(deployment.failed.min(30)) * 3 * SECOND);
        if task.stop_code == Some(StopCode::ServiceSchedulerInitiated) {
            let (name, id) = (&service.name, &task.id);
            let group = task.group.and_then(|g| ctx.balancer.group(g)).map_or("", |g| g.arn.as_str());
            let why = task.complaint.as_deref().unwrap_or("Health checks failed");
            messages.push(format!(
                "(service {name}) (port {PORT}) is unhealthy in (target-group {group}) due to (reason {why})."
            ));
            messages.push(format!("(service {name}) (task {id}) failed ELB health checks in (target-group {group})."));
        }
        if deployment.failed == 3 {
            messages.push(format!("(service {}) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.", service.name));
        }
    }
    for message in messages {
        service.steady = false;
        service.say(now, ctx.ids, message);
    }
    let Some(primary) = service.deployments.first() else {
        return;
    };
    let (failed, target, id) = (primary.failed, primary.revision, primary.id);
    let healthy = service.tasks_of(id).any(Task::serving);
    if let Some(deployment) = service.under_way().filter(|d| d.target == target && d.rollback.is_none()) {
        if healthy && deployment.config.reset_on_healthy {
            deployment.failures = 0;
        }
        deployment.failures = deployment.failures.max(failed);
    }
}

/// Starts `n` tasks of a deployment.
pub(super) fn launch(service: &mut Service, deployment: usize, n: usize, ctx: &mut Ctx<'_>) {
    let Some((id, revision)) = service.deployments.get(deployment).map(|d| (d.id, d.revision)) else {
        return;
    };
    let Some((def, group)) = service.revisions.get(revision).map(|r| (r.def, r.group)) else {
        return;
    };
    let n = n.min(LAUNCH_BATCH);
    if n == 0 {
        return;
    }
    let behaviour = ctx.catalog.get(def).behaviour;
    let first = service.tasks.len();
    for _ in 0..n {
        service.tasks.push(Task::launch(def, &behaviour, (id, revision), group, ctx.now, ctx.ids));
    }
    let ids: Vec<_> = service.tasks.iter().skip(first).map(|t| format!("(task {})", t.id)).collect();
    let message = format!("(service {}) has started {n} tasks: {}.", service.name, ids.join(" "));
    service.steady = false;
    service.say(ctx.now, ctx.ids, message);
}

/// Stops the first `n` live tasks that `which` picks, those that do not serve before those that do.
pub(super) fn stop(service: &mut Service, n: usize, which: impl Fn(&Task) -> bool, reason: &str, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    let mut picked: Vec<&mut Task> = service.tasks.iter_mut().filter(|t| t.live() && which(t)).collect();
    picked.sort_by_key(|t| t.serving());
    picked.truncate(n);
    let (mut ids, mut drained) = (Vec::new(), 0);
    for task in picked {
        drained += usize::from(task.target.is_some());
        task.stop(StopCode::ServiceSchedulerInitiated, reason.to_owned(), &ctx.balancer.groups, now, ctx.ids);
        ids.push(format!("(task {})", task.id));
    }
    if ids.is_empty() {
        return;
    }
    service.steady = false;
    let name = service.name.clone();
    if drained > 0 {
        service.say(now, ctx.ids, format!("(service {name}) has begun draining connections on {drained} tasks."));
    }
    service.say(now, ctx.ids, format!("(service {name}) has stopped {} running tasks: {}.", ids.len(), ids.join(" ")));
}

/// AWS takes the capacity of the first `n` live tasks back. The scheduler replaces them as it does others; that it
/// finds no capacity at once is all that the deployment hears of it.
pub(super) fn interrupt(service: &mut Service, n: usize, balancer: &Balancer, now: Ms, ids: &mut Ids) {
    for task in service.tasks.iter_mut().filter(|t| t.live() && t.state == State::Running).take(n) {
        task.stop(StopCode::SpotInterruption, "Your Spot Task was interrupted.".into(), &balancer.groups, now, ids);
    }
    let name = service.name.clone();
    service.steady = false;
    service.say(now, ids, format!("(service {name}) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."));
}

/// stoppedReason of a task that the scheduler stops.
pub(super) fn scaling(deployment: u64) -> String {
    format!("Scaling activity initiated by (deployment ecs-svc/{deployment})")
}

/// An old deployment leaves `deployments[]` once none of its tasks is left.
fn forget_old_deployments(service: &mut Service) {
    if service.deployments.len() < 2 {
        return;
    }
    let busy: Vec<u64> = service.tasks.iter().filter(|t| t.state != State::Stopped).map(|t| t.deployment).collect();
    let primary = service.primary().map(|p| p.id);
    service.deployments.retain(|d| Some(d.id) == primary || busy.contains(&d.id));
}
