//! Rolling deployments: tasks are replaced within minimum and maximum percent, the circuit breaker gives up.

use super::clock::SECOND;
use super::deploy::{ALARM, alarms_triggered, roll_back};
use super::scheduler::{Ctx, launch, scaling, stop};
use super::service::{Monitor, Rollout, Service, Status};

/// One second of a service that deploys so, or that does not deploy at all.
pub(super) fn step(service: &mut Service, ctx: &mut Ctx<'_>) {
    replace_tasks(service, ctx);
    watch_alarms(service, ctx);
    trip_breaker(service, ctx);
    finish(service, ctx);
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

fn watch_alarms(service: &mut Service, ctx: &mut Ctx<'_>) {
    let in_alarm = ctx.alarms;
    let Some(deployment) = service.under_way().filter(|d| d.rollback.is_none()) else {
        return;
    };
    let triggered = alarms_triggered(deployment, in_alarm);
    if triggered.is_empty() {
        return;
    }
    deployment.trip(triggered);
    if deployment.config.alarms_rollback {
        roll_back(service, ALARM, Status::RollbackInProgress, ctx);
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

fn finish(service: &mut Service, ctx: &mut Ctx<'_>) {
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
            Status::RollbackRequested => (deployment.status, deployment.updated) = (Status::RollbackInProgress, now),
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
            let back = deployment.rollback.is_some();
            deployment.end(if back { Status::RollbackSuccessful } else { Status::Successful }, now);
        }
        service.say(now, ctx.ids, format!("(service {name}) (deployment ecs-svc/{id}) deployment completed."));
    }
    if !service.steady && service.primary().is_some_and(|p| p.rollout == Rollout::Completed) {
        service.steady = true;
        service.say(now, ctx.ids, format!("(service {name}) has reached a steady state."));
    }
}
