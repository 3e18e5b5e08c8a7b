//! A task, from PROVISIONING to STOPPED.

use super::instance::HostPort;
use super::target::{Health, Target};
use super::task_plan::TaskPlan;
use crate::sim::scenario::{HealthCheckFailure, NoResponse};
use crate::sim::world::clock::{Ms, SECOND};
use crate::sim::world::elb::target_group::{GroupId, TargetGroups};
use crate::sim::world::ids::Ids;
use crate::sim::world::task_definitions::behaviour::Behaviour;
use crate::sim::world::task_definitions::catalog::DefinitionId;

/// lastStatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TaskStatus {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

/// stopCode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
pub(crate) enum StopCode {
    TaskFailedToStart,
    EssentialContainerExited,
    ServiceSchedulerInitiated,
    SpotInterruption,
}

impl StopCode {
    /// Returns true if the task ended by itself.
    fn is_crash(self) -> bool {
        matches!(self, Self::TaskFailedToStart | Self::EssentialContainerExited)
    }
}

/// stopCode and stoppedReason.
#[derive(Debug, Clone)]
pub(crate) struct StopReason {
    pub(crate) code: StopCode,
    pub(crate) text: String,
}

/// The definition, deployment and target group of a new task.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskSpec<'a> {
    pub(crate) definition: DefinitionId,
    /// `ecs-svc/…` of the deployment that starts the task.
    pub(crate) deployment: u64,
    /// An index into the service's revisions.
    pub(crate) revision: usize,
    /// The target group that the task registers with once it runs.
    pub(crate) group: Option<GroupId>,
    /// Further target groups that the task registers with.
    pub(crate) more_groups: &'a [GroupId],
    /// The task's place on an instance; `None`: it gets a network interface of its own.
    pub(crate) host_port: Option<HostPort>,
}

/// The times that DescribeTasks shows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TaskTimes {
    pub(crate) created: Ms,
    pub(crate) connected: Option<Ms>,
    pub(crate) pull_started: Option<Ms>,
    pub(crate) pull_stopped: Option<Ms>,
    pub(crate) started: Option<Ms>,
    pub(crate) stopping: Option<Ms>,
    pub(crate) execution_stopped: Option<Ms>,
    pub(crate) stopped: Option<Ms>,
}

/// A task's elastic network interface.
#[derive(Debug, Clone)]
pub(crate) struct NetworkInterface {
    pub(crate) ip: String,
    pub(crate) ipv6: String,
    /// 0 for us-east-1a, 1 for us-east-1b.
    pub(crate) zone: u8,
    pub(crate) id: String,
    pub(crate) mac: String,
    pub(crate) attachment: String,
}

/// A task of a service.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) deployment: u64,
    pub(crate) revision: usize,
    pub(crate) definition: DefinitionId,
    pub(crate) group: Option<GroupId>,
    more_groups: Vec<GroupId>,
    pub(crate) status: TaskStatus,
    /// True if desiredStatus is STOPPED.
    pub(crate) stop_requested: bool,
    /// Registrations: none, or one for each of the task's target groups.
    pub(crate) targets: Vec<Target>,
    /// Time of the first passed container health check.
    pub(crate) healthy_since: Option<Ms>,
    /// True if the task failed and its deployment has not counted the failure yet.
    pub(crate) uncounted_failure: bool,
    /// The cause of failed load balancer health checks, if they stopped the task.
    pub(crate) health_failure: Option<String>,
    /// Time of the first request from the load balancer.
    pub(crate) in_service: Option<Ms>,
    /// Time of the last request from the load balancer.
    pub(crate) out_of_service: Option<Ms>,
    pub(crate) times: TaskTimes,
    /// The pulled digests in the order of the containers; empty before the pull.
    pub(crate) digests: Vec<String>,
    pub(crate) stop_reason: Option<StopReason>,
    pub(crate) exit_code: Option<i64>,
    /// reason of the main container.
    pub(crate) container_reason: Option<String>,
    pub(crate) network: NetworkInterface,
    /// The place on an instance of a task without a network interface.
    pub(crate) host_port: Option<HostPort>,
    /// The id of the first container.
    pub(crate) container: String,
    plan: TaskPlan,
}

/// The moments of a task's life that its logs show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogMoments {
    /// End of the start-up.
    pub(crate) ready: Ms,
    /// Time of the crash, unless the task stops earlier.
    pub(crate) crash: Option<Ms>,
    pub(crate) sigterm: Option<Ms>,
    /// executionStoppedAt.
    pub(crate) end: Option<Ms>,
}

/// The inputs of a task's step.
pub(crate) struct TaskContext<'a> {
    pub(crate) behaviour: &'a Behaviour,
    pub(crate) groups: &'a TargetGroups,
    /// The service's health check grace period.
    pub(crate) grace: Ms,
    pub(crate) now: Ms,
    pub(crate) image: &'a str,
}

impl Task {
    /// A task that the scheduler starts now.
    pub(crate) fn launch(spec: TaskSpec<'_>, behaviour: &Behaviour, now: Ms, ids: &mut Ids) -> Self {
        let plan = TaskPlan::draw(behaviour, now, ids);
        let number = ids.number();
        let id = ids.hex(32);
        Self {
            id,
            deployment: spec.deployment,
            revision: spec.revision,
            definition: spec.definition,
            group: spec.group,
            more_groups: spec.more_groups.to_vec(),
            status: TaskStatus::Provisioning,
            stop_requested: false,
            targets: Vec::new(),
            healthy_since: None,
            uncounted_failure: false,
            health_failure: None,
            in_service: None,
            out_of_service: None,
            times: TaskTimes { created: now, ..TaskTimes::default() },
            digests: Vec::new(),
            stop_reason: None,
            exit_code: None,
            container_reason: None,
            network: NetworkInterface::new(number, ids),
            host_port: spec.host_port,
            container: ids.uuid(),
            plan,
        }
    }

    /// Turns a new task into a task that has been running and healthy for a long time.
    pub(crate) fn make_steady(&mut self, groups: &TargetGroups) {
        let plan = self.plan;
        self.status = TaskStatus::Running;
        self.times.connected = Some(plan.pending);
        self.times.pull_started = Some(plan.pull_start);
        self.times.pull_stopped = Some(plan.pull_stop);
        self.times.started = Some(plan.start);
        self.healthy_since = Some(plan.ready + 5 * SECOND);
        self.register(groups, plan.start);
        for target in &mut self.targets {
            target.health = Health::Healthy;
        }
        self.in_service = Some(plan.ready);
    }

    /// Returns true if the task counts towards desiredCount: it runs or starts.
    pub(crate) fn is_live(&self) -> bool {
        !self.stop_requested
    }

    /// The health of the task's first registration; `None` without a registration.
    pub(crate) fn target_health(&self) -> Option<Health> {
        self.targets.first().map(|target| target.health)
    }

    /// Returns true if the task runs and is healthy in every target group with which it is registered.
    pub(crate) fn is_serving(&self) -> bool {
        self.is_live()
            && self.status == TaskStatus::Running
            && match self.targets.as_slice() {
                [] => self.healthy_since.is_some(),
                targets => targets.iter().all(|target| target.health == Health::Healthy),
            }
    }

    /// Begins to stop the task, unless a stop is already under way.
    pub(crate) fn stop(&mut self, reason: StopReason, groups: &TargetGroups, now: Ms, ids: &mut Ids) {
        if self.stop_requested {
            return;
        }
        let crashed = reason.code.is_crash();
        self.stop_requested = true;
        self.stop_reason = Some(reason);
        self.times.stopping = Some(now);
        self.out_of_service.get_or_insert(now);
        let drained = self.targets.iter_mut().map(|target| target.drain(groups, now)).max().unwrap_or(now);
        let stopping = if crashed { now } else { drained };
        self.plan.stopping_ends = stopping + ids.jitter(4 * SECOND);
        self.plan.deprovisioning_ends = self.plan.stopping_ends + ids.jitter(9 * SECOND);
        self.status = match (self.times.started, crashed, drained > now) {
            (None, ..) => TaskStatus::Deprovisioning,
            (Some(_), true, _) => TaskStatus::Stopping,
            (Some(_), false, true) => TaskStatus::Deactivating,
            (Some(_), false, false) => TaskStatus::Stopping,
        };
        if crashed && self.times.started.is_some() {
            self.times.execution_stopped = Some(now);
        }
    }

    /// Simulates one second of the task.
    pub(crate) fn step(&mut self, ctx: &TaskContext<'_>, ids: &mut Ids) {
        if !self.stop_requested {
            self.start_up(ctx, ids);
        } else if self.status < TaskStatus::Stopped {
            self.shut_down(ctx.now);
        }
        self.check_health(ctx, ids);
    }

    fn start_up(&mut self, ctx: &TaskContext<'_>, ids: &mut Ids) {
        let (plan, now) = (self.plan, ctx.now);
        if self.status == TaskStatus::Provisioning && now >= plan.pending {
            self.status = TaskStatus::Pending;
            self.times.connected = Some(plan.pending);
        }
        if self.status == TaskStatus::Pending && now >= plan.pull_start {
            self.times.pull_started = Some(plan.pull_start);
            if ctx.behaviour.unpullable && now >= plan.pull_start + 3 * SECOND {
                self.fail_pull(ctx, ids);
                return;
            }
        }
        if self.status == TaskStatus::Pending && now >= plan.pull_stop {
            self.times.pull_stopped = Some(plan.pull_stop);
            self.status = TaskStatus::Activating;
        }
        if self.status == TaskStatus::Activating && now >= plan.start {
            self.times.started = Some(plan.start);
            self.status = TaskStatus::Running;
            self.register(ctx.groups, now);
        }
        if self.status == TaskStatus::Running {
            if plan.crash.is_some_and(|at| now >= at) {
                self.crash(ctx, ids);
            } else if self.healthy_since.is_none() && !ctx.behaviour.unhealthy && now >= plan.ready + 5 * SECOND {
                self.healthy_since = Some(now);
            }
        }
    }

    fn fail_pull(&mut self, ctx: &TaskContext<'_>, ids: &mut Ids) {
        let image = ctx.image;
        let text = format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: not found"
        );
        self.container_reason = Some(text.clone());
        self.uncounted_failure = true;
        self.stop(StopReason { code: StopCode::TaskFailedToStart, text }, ctx.groups, ctx.now, ids);
    }

    fn crash(&mut self, ctx: &TaskContext<'_>, ids: &mut Ids) {
        let out_of_memory = self.plan.out_of_memory;
        self.exit_code = Some(if out_of_memory { 137 } else { ctx.behaviour.exit_code });
        self.container_reason = out_of_memory.then(|| "OutOfMemoryError: Container killed due to memory usage".into());
        self.uncounted_failure = true;
        let text = "Essential container in task exited".into();
        self.stop(StopReason { code: StopCode::EssentialContainerExited, text }, ctx.groups, ctx.now, ids);
    }

    fn shut_down(&mut self, now: Ms) {
        let plan = self.plan;
        let drained = self.targets.iter().all(|target| now >= target.drained);
        if self.status == TaskStatus::Deactivating && drained {
            self.status = TaskStatus::Stopping;
        }
        if self.status == TaskStatus::Stopping && now >= plan.stopping_ends {
            self.status = TaskStatus::Deprovisioning;
            self.times.execution_stopped.get_or_insert(plan.stopping_ends);
            self.exit_code.get_or_insert(0);
        }
        if self.status == TaskStatus::Deprovisioning && now >= plan.deprovisioning_ends {
            self.status = TaskStatus::Stopped;
            self.times.stopped = Some(plan.deprovisioning_ends);
        }
    }

    fn register(&mut self, groups: &TargetGroups, now: Ms) {
        let all = self.group.iter().chain(&self.more_groups);
        self.targets = all.map(|group| Target::new(*group, groups, now)).collect();
    }

    fn check_health(&mut self, ctx: &TaskContext<'_>, ids: &mut Ids) {
        let (now, ready) = (ctx.now, self.plan.ready);
        self.targets.retain(|target| target.health != Health::Draining || now < target.drained);
        let failure = match (now >= ready, ctx.behaviour.unhealthy) {
            // Nothing listens before the start-up ends.
            (false, _) => Some(HealthCheckFailure::NoResponse(NoResponse::Refused)),
            (true, true) => Some(ctx.behaviour.health_failure),
            (true, false) => None,
        };
        let mut unhealthy = None;
        for target in self.targets.iter_mut().filter(|target| target.health != Health::Draining) {
            let Some(group) = ctx.groups.get(target.group) else { continue };
            if !target.check(group, ctx.grace, now, failure) {
                continue;
            }
            match target.health {
                Health::Healthy => drop(self.in_service.get_or_insert(now)),
                _ if self.in_service.is_some() => drop(self.out_of_service.get_or_insert(now)),
                _ => {}
            }
            if target.health == Health::Unhealthy {
                unhealthy = Some((&group.arn, target.failure_description()));
            }
        }
        if let Some((group, failure)) = unhealthy
            && self.times.started.is_some_and(|at| now >= at + ctx.grace)
        {
            let text = format!("Task failed ELB health checks in (target-group {group})");
            (self.uncounted_failure, self.health_failure) = (true, Some(failure));
            self.stop(StopReason { code: StopCode::ServiceSchedulerInitiated, text }, ctx.groups, now, ids);
        }
    }

    /// The moments of the task's life that its logs show.
    pub(crate) fn log_moments(&self) -> LogMoments {
        let TaskPlan { ready, crash, stopping_ends, .. } = self.plan;
        let terminated = self.stop_reason.as_ref().is_some_and(|reason| !reason.code.is_crash());
        LogMoments {
            ready,
            crash,
            sigterm: terminated.then_some(stopping_ends - 3 * SECOND).filter(|at| *at > 0),
            end: self.times.execution_stopped,
        }
    }
}

impl NetworkInterface {
    fn new(number: u64, ids: &mut Ids) -> Self {
        let octet = |shift: u32| (number >> shift) % 250 + 4;
        let zone = (number % 2) as u8;
        Self {
            ip: format!("10.0.{}.{}", u64::from(zone) * 16 + octet(8) % 16, octet(20)),
            ipv6: format!("2001:db8:{:x}:{zone}::{:x}", octet(8), octet(20)),
            zone,
            id: format!("eni-0{}", ids.hex(16)),
            mac: format!("0a:ff:{:02x}:{:02x}:{:02x}:{:02x}", octet(8), octet(16), octet(24), octet(32)),
            attachment: ids.uuid(),
        }
    }
}
