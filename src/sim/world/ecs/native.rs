//! Native deployments: BLUE_GREEN, CANARY and LINEAR, whose traffic ECS shifts stage by stage.
//!
//! Blue is the revision that serves when the deployment begins, green the one that it installs.

use super::context::Context;
use super::deploy::{ALARM_TRIGGERED, roll_back, triggered_alarms};
use super::deployment_config::DeploymentConfig;
use super::lifecycle::{Lifecycle, Stage};
use super::placement;
use super::rolling::stop_unprotected;
use super::service::{RolloutState, Service};
use super::service_deployment::DeploymentStatus;
use super::task::{Task, TaskStatus};
use crate::sim::world::clock::{MINUTE, Ms, SECOND};
use crate::sim::world::elb::load_balancer::LoadBalancer;
use crate::sim::world::elb::target_group::GroupId;

/// Duration of a stage that has nothing to do.
const EMPTY_STAGE: Ms = 3 * SECOND;
/// Time until the load balancer has applied new weights.
const SHIFT_DURATION: Ms = 6 * SECOND;
/// Time after which ECS gives up on a stage and rolls back.
const STAGE_TIMEOUT: Ms = 24 * 60 * MINUTE;

/// Simulates one second of a service with a native deployment in progress.
pub(super) fn step(service: &mut Service, ctx: &mut Context<'_>) {
    let now = ctx.now;
    let counts = TaskCounts::of(service);
    scale_tasks(service, &counts, ctx);
    let in_alarm = ctx.in_alarm;
    let Some(deployment) = service.deployment_in_progress() else {
        return;
    };
    if deployment.status == DeploymentStatus::Pending {
        if now >= deployment.created + 2 * SECOND {
            begin(service, &counts, ctx);
        }
        return;
    }
    if deployment.rollback.is_some() {
        return step_rollback(service, &counts, ctx);
    }
    let triggered = triggered_alarms(deployment, in_alarm);
    if !triggered.is_empty() {
        deployment.trigger_alarms(triggered);
        if deployment.config.alarms_rollback {
            return roll_back(service, ALARM_TRIGGERED, DeploymentStatus::RollbackInProgress, ctx);
        }
    }
    let Some(lifecycle) = &mut deployment.lifecycle else {
        return;
    };
    let (hooks_done, failure) = lifecycle.run_hooks(now);
    if let Some(reason) = failure {
        return roll_back(service, &reason, DeploymentStatus::RollbackInProgress, ctx);
    }
    if !hooks_done {
        return;
    }
    if is_stage_done(lifecycle, &deployment.config, &counts, now) {
        enter_next_stage(service, &counts, ctx);
    } else if now - lifecycle.entered > STAGE_TIMEOUT {
        let stage = lifecycle.stage.as_ref();
        let reason = format!("Service deployment rolled back because the {stage} lifecycle stage timed out.");
        roll_back(service, &reason, DeploymentStatus::RollbackInProgress, ctx);
    }
}

fn is_stage_done(lifecycle: &Lifecycle, config: &DeploymentConfig, counts: &TaskCounts, now: Ms) -> bool {
    let age = now - lifecycle.entered;
    let bake = |minutes: u32| Ms::from(minutes) * MINUTE;
    match lifecycle.stage {
        Stage::ReconcileService => counts.others == 0 && age >= EMPTY_STAGE,
        Stage::ScaleUp => counts.green_serving >= counts.desired,
        Stage::ProductionTrafficShift if lifecycle.percent >= 100.0 => age >= SHIFT_DURATION,
        Stage::ProductionTrafficShift => age >= SHIFT_DURATION + bake(config.step_bake_minutes),
        Stage::BakeTime => age >= bake(config.bake_minutes),
        Stage::CleanUp => counts.blue_left == 0 && counts.others == 0,
        _ => age >= EMPTY_STAGE,
    }
}

/// The stage after the current one; `None` after the last one. A traffic shift below 100 % is followed by another one.
fn next_stage(lifecycle: &Lifecycle) -> Option<Stage> {
    Some(match lifecycle.stage {
        Stage::ReconcileService => Stage::PreScaleUp,
        Stage::PreScaleUp => Stage::ScaleUp,
        Stage::ScaleUp => Stage::PostScaleUp,
        Stage::PostScaleUp => Stage::TestTrafficShift,
        Stage::TestTrafficShift => Stage::PostTestTrafficShift,
        Stage::PostTestTrafficShift => Stage::PreProductionTrafficShift,
        Stage::PreProductionTrafficShift => Stage::ProductionTrafficShift,
        Stage::ProductionTrafficShift if lifecycle.percent < 100.0 => Stage::PreProductionTrafficShift,
        Stage::ProductionTrafficShift => Stage::PostProductionTrafficShift,
        Stage::PostProductionTrafficShift => Stage::BakeTime,
        Stage::BakeTime => Stage::CleanUp,
        Stage::CleanUp => return None,
    })
}

fn enter_next_stage(service: &mut Service, counts: &TaskCounts, ctx: &mut Context<'_>) {
    let (rule, test_rule) = (service.rule, service.test_rule);
    let Some(deployment) = service.deployment_in_progress() else {
        return;
    };
    let Some(lifecycle) = &mut deployment.lifecycle else {
        return;
    };
    let Some(next) = next_stage(lifecycle) else {
        return finish(service, DeploymentStatus::Successful, ctx);
    };
    deployment.updated = ctx.now;
    lifecycle.enter(next, &deployment.config, ctx.now, ctx.ids);
    if next == Stage::TestTrafficShift && test_rule.is_some() {
        lifecycle.test_percent = Some(100.0);
        counts.shift(ctx.load_balancer, test_rule, 100.0);
    }
    if next == Stage::ProductionTrafficShift {
        lifecycle.percent = if lifecycle.steps.is_empty() { 100.0 } else { lifecycle.steps.remove(0) };
        counts.shift(ctx.load_balancer, rule, lifecycle.percent);
    }
}

/// The two revisions of a deployment and their numbers of tasks.
struct TaskCounts {
    desired: usize,
    /// `None` if no revision served when the deployment began.
    blue: Option<usize>,
    blue_group: Option<GroupId>,
    green: usize,
    green_group: Option<GroupId>,
    green_serving: usize,
    blue_serving: usize,
    /// Green tasks that are not STOPPED.
    green_left: usize,
    /// Blue tasks that are not STOPPED.
    blue_left: usize,
    /// Tasks of other revisions, left over from a superseded deployment.
    others: usize,
}

impl TaskCounts {
    fn of(service: &Service) -> Self {
        let (blue, green) = service.latest_deployment().map_or((None, 0), |d| (service.source_of(d), d.target));
        let group = |revision: usize| service.revisions.get(revision).and_then(|r| r.group);
        let count = |revision: Option<usize>, filter: fn(&Task) -> bool| {
            revision.map_or(0, |r| service.tasks_of_revision(r).filter(|t| filter(t)).count())
        };
        let left = |t: &Task| t.status != TaskStatus::Stopped;
        let (blue_left, green_left) = (count(blue, left), count(Some(green), left));
        let all = service.tasks.iter().filter(|t| left(t)).count();
        Self {
            desired: service.desired as usize,
            blue,
            blue_group: blue.and_then(group),
            green,
            green_group: group(green),
            green_serving: count(Some(green), Task::is_serving),
            blue_serving: count(blue, Task::is_serving),
            green_left,
            blue_left,
            others: all.saturating_sub(blue_left + green_left),
        }
    }

    /// Sets the weights of a rule so that green gets `percent` of its traffic.
    fn shift(&self, load_balancer: &mut LoadBalancer, rule: Option<usize>, percent: f64) {
        let (Some(rule), Some(blue), Some(green)) = (rule, self.blue_group, self.green_group) else {
            return;
        };
        // Whole percentages stay readable; fractions need the whole range of weights.
        let total = if percent.fract() == 0.0 { 100.0 } else { 999.0 };
        let weight = (percent / 100.0 * total).round();
        load_balancer.set_weights(rule, &[(blue, (total - weight) as u32), (green, weight as u32)]);
    }

    /// Sends all traffic of both rules to blue.
    fn shift_back(&self, load_balancer: &mut LoadBalancer, rules: [Option<usize>; 2]) {
        for rule in rules {
            self.shift(load_balancer, rule, 0.0);
        }
    }
}

/// Moves a PENDING deployment to its first stage. Rolls back if the production rule does not have exactly one target
/// group with weight.
fn begin(service: &mut Service, counts: &TaskCounts, ctx: &mut Context<'_>) {
    let now = ctx.now;
    let (rule, test_rule) = (service.rule, service.test_rule);
    let stage = if counts.others > 0 { Stage::ReconcileService } else { Stage::PreScaleUp };
    let Some(deployment) = service.deployment_in_progress() else {
        return;
    };
    deployment.status = DeploymentStatus::InProgress;
    (deployment.started, deployment.updated) = (Some(now), now);
    deployment.lifecycle = Some(Lifecycle::begin(&deployment.config, stage, test_rule.is_some(), now, ctx.ids));
    if stage == Stage::ReconcileService {
        return counts.shift_back(ctx.load_balancer, [rule, test_rule]);
    }
    let rule = rule.and_then(|r| ctx.load_balancer.rules.get(r));
    let weighted = rule.map_or(0, |r| r.weights.iter().filter(|(_, w)| *w > 0).count());
    if weighted != 1 {
        let arn = rule.map_or("", |r| r.arn.as_str());
        let reason = format!(
            "Service deployment rolled back because the listener rule {arn} should have exactly one target group serving traffic but found {weighted} target groups which are serving traffic."
        );
        roll_back(service, &reason, DeploymentStatus::RollbackInProgress, ctx);
    }
}

/// Starts and stops tasks so that each revision has the number that the stage needs.
fn scale_tasks(service: &mut Service, counts: &TaskCounts, ctx: &mut Context<'_>) {
    let Some(deployment) = service.latest_deployment() else {
        return;
    };
    // Tasks of a superseded deployment may still have weight until the new deployment begins.
    if deployment.status == DeploymentStatus::Pending {
        return;
    }
    let back = deployment.rollback.is_some();
    let stage = deployment.lifecycle.as_ref().map(|l| l.stage);
    let rolling_back = deployment.lifecycle.as_ref().is_some_and(|l| l.rolling_back);
    let green = match (back, stage) {
        (false, Some(stage)) if stage >= Stage::ScaleUp => counts.desired,
        (true, Some(stage)) if !rolling_back || stage != Stage::CleanUp => counts.green_left,
        _ => 0,
    };
    let blue = if !back && stage == Some(Stage::CleanUp) { 0 } else { counts.desired };
    let deployments: Vec<_> = service.deployments.iter().map(|d| (d.id, d.revision, d.retry_at)).collect();
    let mut blue_assigned = false;
    for (at, (id, revision, retry_at)) in deployments.into_iter().enumerate() {
        let target = if revision == counts.green {
            green
        } else if Some(revision) == counts.blue && !blue_assigned {
            blue_assigned = true;
            blue
        } else {
            0
        };
        if let Some(deployment) = service.deployments.get_mut(at) {
            deployment.desired = u32::try_from(target).unwrap_or(u32::MAX);
        }
        let live = service.tasks_of(id).filter(|t| t.is_live()).count();
        if live > target {
            stop_unprotected(service, live - target, id, ctx);
        } else if live < target && ctx.now >= retry_at && !(back && revision == counts.green) {
            placement::launch(service, at, target - live, ctx);
        }
    }
}

/// Simulates one second of a rollback: blue scales up, then the traffic shifts back, then green stops.
fn step_rollback(service: &mut Service, counts: &TaskCounts, ctx: &mut Context<'_>) {
    let now = ctx.now;
    let rules = [service.rule, service.test_rule];
    let Some(deployment) = service.deployment_in_progress() else {
        return;
    };
    let begun = deployment.rollback.as_ref().map_or(now, |r| r.started);
    if deployment.status != DeploymentStatus::RollbackInProgress {
        if now >= begun + 2 * SECOND {
            (deployment.status, deployment.updated) = (DeploymentStatus::RollbackInProgress, now);
        }
        return;
    }
    let config = deployment.config.without_hooks();
    let Some(lifecycle) = &mut deployment.lifecycle else {
        return finish(service, DeploymentStatus::RollbackSuccessful, ctx);
    };
    let rolling_back = std::mem::replace(&mut lifecycle.rolling_back, true);
    match lifecycle.stage {
        Stage::CleanUp if rolling_back => {
            if counts.green_left == 0 && counts.others == 0 {
                finish(service, DeploymentStatus::RollbackSuccessful, ctx);
            }
        }
        Stage::ProductionTrafficShift if rolling_back && lifecycle.percent <= 0.0 => {
            if now >= lifecycle.entered + SHIFT_DURATION {
                lifecycle.enter(Stage::CleanUp, &config, now, ctx.ids);
            }
        }
        _ if counts.blue_serving < counts.desired => {
            if lifecycle.stage != Stage::ScaleUp || !rolling_back {
                lifecycle.enter(Stage::ScaleUp, &config, now, ctx.ids);
            }
        }
        _ => {
            lifecycle.percent = 0.0;
            lifecycle.test_percent = lifecycle.test_percent.map(|_| 0.0);
            lifecycle.enter(Stage::ProductionTrafficShift, &config, now, ctx.ids);
            deployment.updated = now;
            counts.shift_back(ctx.load_balancer, rules);
        }
    }
}

/// Ends the deployment in a terminal state.
fn finish(service: &mut Service, status: DeploymentStatus, ctx: &mut Context<'_>) {
    let now = ctx.now;
    let name = service.name.clone();
    if let Some(deployment) = service.deployment_in_progress() {
        deployment.finish(status, now);
        deployment.drop_hooks();
    }
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    (primary.rollout, primary.updated) = (RolloutState::Completed, now);
    let id = primary.id;
    service.add_event(now, ctx.ids, format!("(service {name}) (deployment ecs-svc/{id}) deployment completed."));
}
