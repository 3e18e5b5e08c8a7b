//! The service scheduler: tasks live and die, rolling deployments replace them within minimum and maximum
//! percent, the circuit breaker gives up and rolls back.

use super::balancer::Balancer;
use super::catalog::Catalog;
use super::clock::{MINUTE, Ms, SECOND};
use super::config::Config;
use super::ids::Ids;
use super::native;
use super::service::{Deployment, Monitor, Rollback, Rollout, Service, ServiceDeployment, Status};
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
        replace_tasks(service, ctx);
        watch_alarms(service, ctx);
        trip_breaker(service, ctx);
        finish_rolling(service, ctx);
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
        let before = task.target.as_ref().map(|t| t.health);
        task.step(&def.behaviour, &ctx.balancer.groups, service.grace, now, ctx.ids, &def.image);
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
            let id = &task.id;
            messages.push(format!("(service {}) (task {id}) failed ELB health checks.", service.name));
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
        service.tasks.push(Task::launch(def, &behaviour, id, group, ctx.now, ctx.ids));
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

/// Brings the tasks nearer to what the PRIMARY deployment wants, within the two percentages.
fn replace_tasks(service: &mut Service, ctx: &mut Ctx<'_>) {
    let desired = service.desired as usize;
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    if primary.desired != service.desired {
        (primary.desired, primary.updated) = (service.desired, ctx.now);
    }
    let (id, retry) = (primary.id, primary.retry);
    for other in service.deployments.iter_mut().skip(1) {
        other.desired = 0;
    }
    let most = (desired * service.config.max_percent as usize / 100).max(desired);
    let least = (desired * service.config.min_healthy as usize).div_ceil(100);
    let live = service.tasks.iter().filter(|t| t.live()).count();
    let new = service.tasks_of(id).filter(|t| t.live()).count();
    let old = live - new;
    let serving = service.tasks.iter().filter(|t| t.serving()).count();

    if new > desired {
        stop(service, new - desired, |t| t.deployment == id, &scaling(id), ctx);
    } else if new < desired && live < most && ctx.now >= retry {
        launch(service, 0, (desired - new).min(most - live), ctx);
    }
    if old > 0 {
        // Old tasks that do not serve can go at any time; of those that do, only as many as are not needed.
        let idle = service.tasks.iter().filter(|t| t.live() && t.deployment != id && !t.serving()).count();
        let spare = serving.saturating_sub(least).min(old - idle);
        let crowded = (old + new).saturating_sub(most.max(desired));
        let go = if new == 0 && desired > 0 && spare == 0 { idle.min(crowded) } else { idle + spare };
        // As many old ones stay as the new ones cannot yet replace.
        let ready = service.tasks_of(id).filter(|t| t.serving()).count();
        let go = go.min((old + ready).saturating_sub(least.min(desired)));
        stop(service, go, |t| t.deployment != id, &scaling(id), ctx);
    }
}

/// stoppedReason of a task that the scheduler stops.
pub(super) fn scaling(deployment: u64) -> String {
    format!("Scaling activity initiated by (deployment ecs-svc/{deployment})")
}

/// The names of the alarms that are configured, enabled, in ALARM now and were not when it began.
pub(super) fn alarms_triggered(deployment: &ServiceDeployment, in_alarm: &[String]) -> Vec<String> {
    let config = &deployment.config;
    let counts =
        |name: &&String| config.alarms_enabled && in_alarm.contains(name) && !deployment.ignored.contains(name);
    config.alarms.iter().filter(counts).cloned().collect()
}

fn watch_alarms(service: &mut Service, ctx: &mut Ctx<'_>) {
    let in_alarm = ctx.alarms;
    let Some(deployment) = service.under_way().filter(|d| d.rollback.is_none()) else {
        return;
    };
    let triggered = alarms_triggered(deployment, in_alarm);
    if triggered.is_empty() {
        return;
    }
    deployment.alarms = Monitor::Triggered;
    deployment.triggered = triggered;
    if deployment.config.alarms_rollback {
        roll_back(
            service,
            "Service deployment rolled back because an alarm was triggered.",
            Status::RollbackInProgress,
            ctx,
        );
    }
}

fn trip_breaker(service: &mut Service, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    let name = service.name.clone();
    let Some(primary) = service.primary().map(|p| p.id) else {
        return;
    };
    let Some(deployment) = service.under_way().filter(|d| d.config.breaker && d.breaker == Monitor::Monitoring) else {
        return;
    };
    if deployment.failures < deployment.threshold {
        return;
    }
    deployment.breaker = Monitor::Triggered;
    deployment.updated = now;
    let back = deployment.config.breaker_rollback && deployment.rollback.is_none();
    if !back {
        let ended = if deployment.rollback.is_some() { Status::RollbackFailed } else { Status::Stopped };
        (deployment.status, deployment.finished, deployment.stopped) = (ended, Some(now), Some(now));
        deployment.reason = Some("The circuit breaker threshold was exceeded.".into());
    }
    if let Some(primary) = service.deployments.first_mut() {
        primary.rollout = Rollout::Failed;
    }
    service.say(
        now,
        ctx.ids,
        format!("(service {name}) (deployment ecs-svc/{primary}) deployment failed: tasks failed to start."),
    );
    if back {
        roll_back(
            service,
            "Service deployment rolled back because the circuit breaker threshold was exceeded.",
            Status::RollbackInProgress,
            ctx,
        );
    }
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
    let mut sources: Vec<usize> = Vec::new();
    for deployment in &service.deployments {
        if service.tasks_of(deployment.id).any(Task::live) && !sources.contains(&deployment.revision) {
            sources.push(deployment.revision);
        }
    }
    if sources.is_empty() {
        sources.extend(service.primary().map(|p| p.revision));
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

fn finish_rolling(service: &mut Service, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    let name = service.name.clone();
    let Some((id, rollout)) = service.primary().map(|p| (p.id, p.rollout)) else {
        return;
    };
    if let Some(deployment) = service.under_way().filter(|d| now >= d.created + 2 * SECOND) {
        match deployment.status {
            Status::Pending => {
                (deployment.status, deployment.started, deployment.updated) = (Status::InProgress, Some(now), now)
            }
            Status::RollbackRequested | Status::StopRequested => {
                (deployment.status, deployment.updated) = (Status::RollbackInProgress, now)
            }
            _ => {}
        }
    }
    let desired = service.desired as usize;
    let ready = service.tasks_of(id).filter(|t| t.serving()).count();
    let live = service.tasks.iter().filter(|t| t.live()).count();
    if ready != desired || live != desired {
        return;
    }
    let started =
        service.last().is_none_or(|d| d.status.terminal() || d.started.is_some_and(|at| now > at + 3 * SECOND));
    if rollout == Rollout::InProgress && started {
        if let Some(primary) = service.deployments.first_mut() {
            (primary.rollout, primary.updated) = (Rollout::Completed, now);
        }
        if let Some(deployment) = service.under_way() {
            deployment.status =
                if deployment.rollback.is_some() { Status::RollbackSuccessful } else { Status::Successful };
            (deployment.finished, deployment.updated) = (Some(now), now);
            for monitor in [&mut deployment.breaker, &mut deployment.alarms] {
                if *monitor == Monitor::Monitoring {
                    *monitor = Monitor::MonitoringComplete;
                }
            }
        }
        service.say(now, ctx.ids, format!("(service {name}) (deployment ecs-svc/{id}) deployment completed."));
    }
    if !service.steady && service.primary().is_some_and(|p| p.rollout == Rollout::Completed) {
        service.steady = true;
        service.say(now, ctx.ids, format!("(service {name}) has reached a steady state."));
    }
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
