//! Deployments that ECS shifts the traffic of: BLUE_GREEN, CANARY and LINEAR, stage by stage.

use super::balancer::{Balancer, GroupId};
use super::clock::{MINUTE, Ms, SECOND};
use super::deploy;
use super::scheduler;
use super::scheduler::Ctx;
use super::service::{Rollout, Service, ServiceDeployment, Status};
use super::stages::{Native, Stage};
use super::task::{State, Task};
use crate::sim::scenario::Strategy;

/// How long a stage takes that only has to be passed through.
const PASSING: Ms = 3 * SECOND;
/// How long the load balancer takes to follow new weights.
const SHIFTING: Ms = 6 * SECOND;
/// How long ECS waits for a stage.
const STAGE_LIMIT: Ms = 24 * 60 * MINUTE;
/// Where the tasks of the next revision will register: the target group that does not serve now.
pub(super) fn next_group(service: &Service) -> Option<GroupId> {
    let current = service.installed().and_then(|r| service.revisions.get(r)).and_then(|r| r.group);
    match (service.config.strategy, service.alternate) {
        (Strategy::Rolling, _) | (_, None) => current.or(service.group),
        (_, Some(alternate)) if current == Some(alternate) => service.group,
        (_, Some(alternate)) => Some(alternate),
    }
}

/// A newer deployment takes over: its hooks can no longer be answered.
pub(super) fn let_go(deployment: &mut ServiceDeployment) {
    if let Some(native) = &mut deployment.native {
        native.forget_hooks();
    }
}

/// Turns the deployment under way around; traffic goes back first, then the new tasks go.
pub(super) fn roll_back(service: &mut Service, reason: &str, status: Status, ctx: &mut Ctx<'_>) {
    deploy::roll_back(service, reason, status, ctx);
    if let Some(deployment) = service.under_way() {
        let_go(deployment);
    }
}

/// One second of it.
pub(super) fn step(service: &mut Service, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    let facts = Facts::of(service);
    keep_tasks(service, &facts, ctx);
    let (in_alarm, rule, test_rule) = (ctx.alarms, service.rule, service.test_rule);
    let Some(deployment) = service.under_way() else {
        return;
    };
    if deployment.status == Status::Pending {
        if now >= deployment.created + 2 * SECOND {
            begin(service, &facts, ctx);
        }
        return;
    }
    if deployment.rollback.is_some() {
        return step_back(service, &facts, ctx);
    }
    let triggered = deploy::alarms_triggered(deployment, in_alarm);
    if !triggered.is_empty() {
        deployment.trip(triggered);
        if deployment.config.alarms_rollback {
            return roll_back(service, deploy::ALARM, Status::RollbackInProgress, ctx);
        }
    }
    let config = deployment.config.clone();
    let Some(native) = &mut deployment.native else {
        return;
    };
    let (answered, failure) = native.run_hooks(now);
    if let Some(reason) = failure {
        return roll_back(service, &reason, Status::RollbackInProgress, ctx);
    }
    let age = now - native.entered;
    if !answered {
        return;
    }
    let last = native.percent >= 100.0;
    let bake = |minutes: u32| Ms::from(minutes) * MINUTE;
    let done = match native.stage {
        Stage::ReconcileService => facts.others == 0 && age >= PASSING,
        Stage::ScaleUp => facts.green_serving >= facts.desired,
        Stage::ProductionTrafficShift => age >= SHIFTING + if last { 0 } else { bake(config.step_bake_minutes) },
        Stage::BakeTime => age >= bake(config.bake_minutes),
        Stage::CleanUp => facts.blue_left == 0 && facts.others == 0,
        _ => age >= PASSING,
    };
    if !done {
        if age > STAGE_LIMIT {
            let reason = format!(
                "Service deployment rolled back because the {} lifecycle stage timed out.",
                native.stage.as_ref()
            );
            roll_back(service, &reason, Status::RollbackInProgress, ctx);
        }
        return;
    }
    let next = match native.stage {
        Stage::ReconcileService => Stage::PreScaleUp,
        Stage::PreScaleUp => Stage::ScaleUp,
        Stage::ScaleUp => Stage::PostScaleUp,
        Stage::PostScaleUp => Stage::TestTrafficShift,
        Stage::TestTrafficShift => Stage::PostTestTrafficShift,
        Stage::PostTestTrafficShift => Stage::PreProductionTrafficShift,
        Stage::PreProductionTrafficShift => Stage::ProductionTrafficShift,
        Stage::ProductionTrafficShift if !last => Stage::PreProductionTrafficShift,
        Stage::ProductionTrafficShift => Stage::PostProductionTrafficShift,
        Stage::PostProductionTrafficShift => Stage::BakeTime,
        Stage::BakeTime => Stage::CleanUp,
        Stage::CleanUp => return finish(service, Status::Successful, ctx),
    };
    deployment.updated = now;
    native.enter(next, &config, now, ctx.ids);
    if next == Stage::TestTrafficShift && test_rule.is_some() {
        native.test_percent = Some(100.0);
        shift(ctx.balancer, test_rule, facts.blue_group, facts.green_group, 100.0);
    }
    if next == Stage::ProductionTrafficShift {
        native.percent = if native.steps.is_empty() { 100.0 } else { native.steps.remove(0) };
        shift(ctx.balancer, rule, facts.blue_group, facts.green_group, native.percent);
    }
}

/// How many tasks of which side there are.
struct Facts {
    desired: usize,
    /// The revision that served when it began, and its target group.
    blue: Option<usize>,
    blue_group: Option<GroupId>,
    green: usize,
    green_group: Option<GroupId>,
    green_serving: usize,
    blue_serving: usize,
    /// Tasks that are not yet stopped.
    green_left: usize,
    blue_left: usize,
    /// Of neither: what a superseded deployment left behind.
    others: usize,
}

impl Facts {
    fn of(service: &Service) -> Self {
        let (blue, green) = service.last().map_or((None, 0), |d| (service.source_of(d), d.target));
        let group = |revision: usize| service.revisions.get(revision).and_then(|r| r.group);
        let count = |revision: Option<usize>, which: fn(&Task) -> bool| {
            revision.map_or(0, |r| service.tasks_of_revision(r).filter(|t| which(t)).count())
        };
        let left = |t: &Task| t.state != State::Stopped;
        let (blue_left, green_left) = (count(blue, left), count(Some(green), left));
        let all = service.tasks.iter().filter(|t| left(t)).count();
        Self {
            desired: service.desired as usize,
            blue,
            blue_group: blue.and_then(group),
            green,
            green_group: group(green),
            green_serving: count(Some(green), Task::serving),
            blue_serving: count(blue, Task::serving),
            green_left,
            blue_left,
            others: all.saturating_sub(blue_left + green_left),
        }
    }
}

/// Writes the rule's weights so that green gets `percent`.
fn shift(balancer: &mut Balancer, rule: Option<usize>, blue: Option<GroupId>, green: Option<GroupId>, percent: f64) {
    let (Some(rule), Some(blue), Some(green)) = (rule, blue, green) else {
        return;
    };
    // Whole percents stay readable; finer ones need the whole range of weights.
    let whole = if percent.fract() == 0.0 { 100.0 } else { 999.0 };
    let weight = (percent / 100.0 * whole).round();
    balancer.set_weights(rule, &[(blue, (whole - weight) as u32), (green, weight as u32)]);
}

/// Users and testers all go to blue.
fn shift_back(balancer: &mut Balancer, rules: [Option<usize>; 2], facts: &Facts) {
    for rule in rules {
        shift(balancer, rule, facts.blue_group, facts.green_group, 0.0);
    }
}

/// From PENDING to the first stage, if the rule is as ECS wants it.
fn begin(service: &mut Service, facts: &Facts, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    let (rule, test_rule) = (service.rule, service.test_rule);
    let stage = if facts.others > 0 { Stage::ReconcileService } else { Stage::PreScaleUp };
    let Some(deployment) = service.under_way() else {
        return;
    };
    (deployment.status, deployment.started, deployment.updated) = (Status::InProgress, Some(now), now);
    deployment.native = Some(Native::begin(&deployment.config, stage, test_rule.is_some(), now, ctx.ids));
    if stage == Stage::ReconcileService {
        return shift_back(ctx.balancer, [rule, test_rule], facts);
    }
    let rule = rule.and_then(|r| ctx.balancer.rules.get(r));
    let weighted = rule.map_or(0, |r| r.split.iter().filter(|(_, w)| *w > 0).count());
    if weighted != 1 {
        let arn = rule.map_or("", |r| r.arn.as_str());
        let reason = format!(
            "Service deployment rolled back because the listener rule {arn} should have exactly one target group serving traffic but found {weighted} target groups which are serving traffic."
        );
        roll_back(service, &reason, Status::RollbackInProgress, ctx);
    }
}

/// Each side has the tasks that the stage asks for.
fn keep_tasks(service: &mut Service, facts: &Facts, ctx: &mut Ctx<'_>) {
    let Some(deployment) = service.last() else {
        return;
    };
    // What a superseded deployment left behind may still have weight until this one begins.
    if deployment.status == Status::Pending {
        return;
    }
    let back = deployment.rollback.is_some();
    let stage = deployment.native.as_ref().map(|n| n.stage);
    let returning = deployment.native.as_ref().is_some_and(|n| n.returning);
    let green = match (back, stage) {
        (false, Some(stage)) if stage >= Stage::ScaleUp => facts.desired,
        (true, Some(stage)) if !returning || stage != Stage::CleanUp => facts.green_left,
        _ => 0,
    };
    let blue = if !back && stage == Some(Stage::CleanUp) { 0 } else { facts.desired };
    let deployments: Vec<_> = service.deployments.iter().map(|d| (d.id, d.revision, d.retry)).collect();
    let mut blue_kept = false;
    for (at, (id, revision, retry)) in deployments.into_iter().enumerate() {
        let want = if revision == facts.green {
            green
        } else if Some(revision) == facts.blue && !blue_kept {
            blue_kept = true;
            blue
        } else {
            0
        };
        if let Some(deployment) = service.deployments.get_mut(at) {
            deployment.desired = u32::try_from(want).unwrap_or(u32::MAX);
        }
        let have = service.tasks_of(id).filter(|t| t.live()).count();
        if have > want {
            scheduler::stop(service, have - want, |t| t.deployment == id, &scheduler::scaling(id), ctx);
        } else if have < want && ctx.now >= retry && !(back && revision == facts.green) {
            scheduler::launch(service, at, want - have, ctx);
        }
    }
}

/// One second of going back: blue at full strength, then the weights, then green goes.
fn step_back(service: &mut Service, facts: &Facts, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    let rules = [service.rule, service.test_rule];
    let Some(deployment) = service.under_way() else {
        return;
    };
    let begun = deployment.rollback.as_ref().map_or(now, |r| r.started);
    if deployment.status != Status::RollbackInProgress {
        if now >= begun + 2 * SECOND {
            (deployment.status, deployment.updated) = (Status::RollbackInProgress, now);
        }
        return;
    }
    let config = deployment.config.without_hooks();
    let Some(native) = &mut deployment.native else {
        return finish(service, Status::RollbackSuccessful, ctx);
    };
    let returning = std::mem::replace(&mut native.returning, true);
    match native.stage {
        Stage::CleanUp if returning => {
            if facts.green_left == 0 && facts.others == 0 {
                finish(service, Status::RollbackSuccessful, ctx);
            }
        }
        Stage::ProductionTrafficShift if returning && native.percent <= 0.0 => {
            if now >= native.entered + SHIFTING {
                native.enter(Stage::CleanUp, &config, now, ctx.ids);
            }
        }
        _ if facts.blue_serving < facts.desired => {
            if native.stage != Stage::ScaleUp || !returning {
                native.enter(Stage::ScaleUp, &config, now, ctx.ids);
            }
        }
        _ => {
            native.percent = 0.0;
            native.test_percent = native.test_percent.map(|_| 0.0);
            native.enter(Stage::ProductionTrafficShift, &config, now, ctx.ids);
            deployment.updated = now;
            shift_back(ctx.balancer, rules, facts);
        }
    }
}

/// Into a terminal state.
fn finish(service: &mut Service, status: Status, ctx: &mut Ctx<'_>) {
    let now = ctx.now;
    let name = service.name.clone();
    if let Some(deployment) = service.under_way() {
        deployment.end(status, now);
        let_go(deployment);
    }
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    (primary.rollout, primary.updated) = (Rollout::Completed, now);
    let id = primary.id;
    service.say(now, ctx.ids, format!("(service {name}) (deployment ecs-svc/{id}) deployment completed."));
}
