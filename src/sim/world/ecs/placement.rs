//! Starting and stopping the tasks of a service.

use super::context::Context;
use super::service::Service;
use super::task::{StopCode, StopReason, Task, TaskSpec, TaskStatus};
use crate::sim::world::clock::Ms;
use crate::sim::world::elb::target_group::TargetGroups;
use crate::sim::world::ids::Ids;

/// The number of tasks that a service starts at once.
const LAUNCH_BATCH: usize = 10;

/// Starts up to `n` tasks of a deployment, given by its index.
pub(super) fn launch(service: &mut Service, deployment: usize, n: usize, ctx: &mut Context<'_>) {
    let Some((id, index)) = service.deployments.get(deployment).map(|d| (d.id, d.revision)) else {
        return;
    };
    let Some((definition, group)) = service.revisions.get(index).map(|r| (r.definition, r.group)) else {
        return;
    };
    let on_instances = ctx.catalog.get(definition).on_instances;
    let n = n.min(LAUNCH_BATCH);
    if n == 0 {
        return;
    }
    let behaviour = ctx.catalog.get(definition).behaviour;
    let more_groups = &service.more_groups;
    let spec = TaskSpec { definition, deployment: id, revision: index, group, more_groups, host_port: None };
    let first = service.tasks.len();
    for _ in 0..n {
        let host_port = on_instances.then(|| service.free_host_port());
        service.tasks.push(Task::launch(TaskSpec { host_port, ..spec }, &behaviour, ctx.now, ctx.ids));
    }
    let ids: Vec<_> = service.tasks.iter().skip(first).map(|t| format!("(task {})", t.id)).collect();
    let message = format!("(service {}) has started {n} tasks: {}.", service.name, ids.join(" "));
    service.steady = false;
    service.add_event(ctx.now, ctx.ids, message);
}

/// Stops up to `n` live tasks that `filter` selects, those that do not serve first. `deployment` is the one whose
/// scaling activity stops them.
pub(super) fn stop(
    service: &mut Service,
    n: usize,
    filter: impl Fn(&Task) -> bool,
    deployment: u64,
    ctx: &mut Context<'_>,
) {
    let now = ctx.now;
    let mut selected: Vec<&mut Task> = service.tasks.iter_mut().filter(|t| t.is_live() && filter(t)).collect();
    selected.sort_by_key(|t| t.is_serving());
    selected.truncate(n);
    let (mut ids, mut draining) = (Vec::new(), 0);
    for task in selected {
        draining += usize::from(!task.targets.is_empty());
        let text = format!("Scaling activity initiated by (deployment ecs-svc/{deployment})");
        let reason = StopReason { code: StopCode::ServiceSchedulerInitiated, text };
        task.stop(reason, &ctx.load_balancer.groups, now, ctx.ids);
        ids.push(format!("(task {})", task.id));
    }
    if ids.is_empty() {
        return;
    }
    service.steady = false;
    let name = service.name.clone();
    if draining > 0 {
        service.add_event(
            now,
            ctx.ids,
            format!("(service {name}) has begun draining connections on {draining} tasks."),
        );
    }
    let message = format!("(service {name}) has stopped {} running tasks: {}.", ids.len(), ids.join(" "));
    service.add_event(now, ctx.ids, message);
}

/// Interrupts the first `n` running tasks, as Fargate Spot does. The scheduler replaces them; the deployment only
/// learns that there is no capacity at the moment.
pub(crate) fn interrupt(service: &mut Service, n: usize, groups: &TargetGroups, now: Ms, ids: &mut Ids) {
    for task in service.tasks.iter_mut().filter(|t| t.is_live() && t.status == TaskStatus::Running).take(n) {
        let text = "Your Spot Task was interrupted.".into();
        task.stop(StopReason { code: StopCode::SpotInterruption, text }, groups, now, ids);
    }
    let name = service.name.clone();
    service.steady = false;
    service.add_event(now, ids, format!("(service {name}) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."));
}
