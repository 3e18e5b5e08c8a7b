//! A task from PROVISIONING to STOPPED, and its registration with a target group.

use super::balancer::{GroupId, TargetGroup};
use super::catalog::{Behaviour, DefId};
use super::clock::{Ms, SECOND};
use super::ids::Ids;
pub(super) use super::target::{Health, Target};
use crate::sim::scenario::{HealthCheckFailure, NoResponse};

/// lastStatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum State {
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
pub(super) enum StopCode {
    TaskFailedToStart,
    EssentialContainerExited,
    ServiceSchedulerInitiated,
    SpotInterruption,
}

impl StopCode {
    /// It went by itself; nobody told it to.
    fn crashed(self) -> bool {
        matches!(self, Self::TaskFailedToStart | Self::EssentialContainerExited)
    }
}

/// One task of a service.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub id: String,
    /// `ecs-svc/…` of the deployment that started it.
    pub deployment: u64,
    /// An index into the service's revisions.
    pub revision: usize,
    pub def: DefId,
    pub state: State,
    /// desiredStatus is STOPPED.
    pub leaving: bool,
    /// Where it registers once it runs.
    pub group: Option<GroupId>,
    pub target: Option<Target>,
    /// Container health: since when HEALTHY.
    pub healthy_since: Option<Ms>,
    /// Stopped for a reason that counts as a failure of the deployment, and not yet counted.
    pub failure: bool,
    /// What its health checks got, if it was stopped for them.
    pub complaint: Option<String>,
    /// Since when and until when the load balancer sends it requests.
    pub in_service: Option<Ms>,
    pub out_of_service: Option<Ms>,
    pub created: Ms,
    pub connected: Option<Ms>,
    pub pull_started: Option<Ms>,
    pub pull_stopped: Option<Ms>,
    /// What it pulled, in the order of its containers; empty until then.
    pub digests: Vec<String>,
    pub started: Option<Ms>,
    pub stopping: Option<Ms>,
    pub execution_stopped: Option<Ms>,
    pub stopped: Option<Ms>,
    pub stop_code: Option<StopCode>,
    pub stopped_reason: Option<String>,
    pub exit_code: Option<i64>,
    pub container_reason: Option<String>,
    pub ip: String,
    /// 0 or 1: us-east-1a, us-east-1b.
    pub zone: u8,
    pub eni: String,
    pub mac: String,
    pub attachment: String,
    pub container: String,
    plan: Plan,
}

/// The moments of a task's life that its logs tell of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    /// Start-up is over.
    pub ready: Ms,
    /// When it crashes, unless it ends before.
    pub crash: Option<Ms>,
    /// It was told to end.
    pub told: Option<Ms>,
    /// executionStoppedAt.
    pub end: Option<Ms>,
}

/// When it will do what, decided at its creation.
#[derive(Debug, Clone, Copy)]
struct Plan {
    pending: Ms,
    pull_start: Ms,
    pull_stop: Ms,
    start: Ms,
    ready: Ms,
    crash: Option<Ms>,
    /// That crash is the kernel's doing: it takes too much memory.
    oom: bool,
    /// Set when it stops: leaves Stopping, leaves Deprovisioning.
    stop: (Ms, Ms),
}

impl Task {
    /// A task that has just been started by the scheduler.
    pub fn launch(
        def: DefId,
        behaviour: &Behaviour,
        (deployment, revision): (u64, usize),
        group: Option<GroupId>,
        now: Ms,
        ids: &mut Ids,
    ) -> Self {
        let pending = now + ids.around(5 * SECOND);
        let pull_start = pending + ids.around(3 * SECOND);
        let pull_stop = pull_start + ids.around(behaviour.pull);
        let start = pull_stop + ids.around(2 * SECOND);
        let ready = start + ids.around(behaviour.start);
        let crash = behaviour.crash_after.map(|after| start + ids.around(after));
        let killed = behaviour.oom_after.map(|after| start + ids.around(after));
        let oom = killed.is_some_and(|at| crash.is_none_or(|crash| at < crash));
        let crash = if oom { killed } else { crash };
        let number = ids.number();
        let octet = |shift: u32| (number >> shift) % 250 + 4;
        let zone = (number % 2) as u8;
        let id = ids.hex(32);
        Self {
            deployment,
            revision,
            def,
            state: State::Provisioning,
            leaving: false,
            group,
            target: None,
            healthy_since: None,
            failure: false,
            complaint: None,
            in_service: None,
            out_of_service: None,
            created: now,
            connected: None,
            pull_started: None,
            pull_stopped: None,
            digests: Vec::new(),
            started: None,
            stopping: None,
            execution_stopped: None,
            stopped: None,
            stop_code: None,
            stopped_reason: None,
            exit_code: None,
            container_reason: None,
            ip: format!("10.0.{}.{}", u64::from(zone) * 16 + octet(8) % 16, octet(20)),
            zone,
            eni: format!("eni-0{}", ids.hex(16)),
            mac: format!("0a:ff:{:02x}:{:02x}:{:02x}:{:02x}", octet(8), octet(16), octet(24), octet(32)),
            attachment: ids.uuid(),
            container: ids.uuid(),
            id,
            plan: Plan { pending, pull_start, pull_stop, start, ready, crash, oom, stop: (0, 0) },
        }
    }

    /// Makes it a task that has been running and healthy since long ago.
    pub fn settle(&mut self, groups: &[TargetGroup]) {
        let plan = self.plan;
        self.state = State::Running;
        self.connected = Some(plan.pending);
        self.pull_started = Some(plan.pull_start);
        self.pull_stopped = Some(plan.pull_stop);
        self.started = Some(plan.start);
        self.healthy_since = Some(plan.ready + 5 * SECOND);
        self.register(groups, plan.start);
        if let Some(target) = &mut self.target {
            target.health = Health::Healthy;
        }
        self.in_service = Some(plan.ready);
    }

    /// Counts towards desiredCount: running or on its way.
    pub fn live(&self) -> bool {
        !self.leaving
    }

    /// Takes its part of the work: running, and healthy wherever it is registered.
    pub fn serving(&self) -> bool {
        self.live()
            && self.state == State::Running
            && self.target.as_ref().map_or(self.healthy_since.is_some(), |t| t.health == Health::Healthy)
    }

    /// Begins to stop it; a task that is already leaving is left alone.
    pub fn stop(&mut self, code: StopCode, reason: String, groups: &[TargetGroup], now: Ms, ids: &mut Ids) {
        if self.leaving {
            return;
        }
        self.leaving = true;
        self.stop_code = Some(code);
        self.stopped_reason = Some(reason);
        self.stopping = Some(now);
        self.out_of_service.get_or_insert(now);
        let drain = match &mut self.target {
            Some(target) => target.drain(groups, now),
            None => now,
        };
        let crashed = code.crashed();
        let stopping = if crashed { now } else { drain };
        let stopped = stopping + ids.around(4 * SECOND);
        self.plan.stop = (stopped, stopped + ids.around(9 * SECOND));
        self.state = match (self.started, crashed, drain > now) {
            (None, ..) => State::Deprovisioning,
            (Some(_), true, _) => State::Stopping,
            (Some(_), false, true) => State::Deactivating,
            (Some(_), false, false) => State::Stopping,
        };
        if crashed && self.started.is_some() {
            self.execution_stopped = Some(now);
        }
    }

    /// One second of its life. `grace` is the service's health check grace period.
    pub fn step(
        &mut self,
        behaviour: &Behaviour,
        groups: &[TargetGroup],
        grace: Ms,
        now: Ms,
        ids: &mut Ids,
        image: &str,
    ) {
        let plan = self.plan;
        if !self.leaving {
            self.rise(behaviour, groups, now, ids, image);
        } else if self.state < State::Stopped {
            let (stopping_ends, gone) = plan.stop;
            let drained = self.target.as_ref().is_none_or(|t| now >= t.drained);
            if self.state == State::Deactivating && drained {
                self.state = State::Stopping;
            }
            if self.state == State::Stopping && now >= stopping_ends {
                self.state = State::Deprovisioning;
                self.execution_stopped.get_or_insert(stopping_ends);
                self.exit_code.get_or_insert(0);
            }
            if self.state == State::Deprovisioning && now >= gone {
                self.state = State::Stopped;
                self.stopped = Some(gone);
            }
        }
        self.check_health(behaviour, groups, grace, now, ids);
    }

    fn rise(&mut self, behaviour: &Behaviour, groups: &[TargetGroup], now: Ms, ids: &mut Ids, image: &str) {
        let plan = self.plan;
        if self.state == State::Provisioning && now >= plan.pending {
            self.state = State::Pending;
            self.connected = Some(plan.pending);
        }
        if self.state == State::Pending && now >= plan.pull_start {
            self.pull_started = Some(plan.pull_start);
            if behaviour.unpullable && now >= plan.pull_start + 3 * SECOND {
                let reason = format!(
                    "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: not found"
                );
                self.container_reason = Some(reason.clone());
                self.failure = true;
                self.stop(StopCode::TaskFailedToStart, reason, groups, now, ids);
                return;
            }
        }
        if self.state == State::Pending && now >= plan.pull_stop {
            self.pull_stopped = Some(plan.pull_stop);
            self.state = State::Activating;
        }
        if self.state == State::Activating && now >= plan.start {
            self.started = Some(plan.start);
            self.state = State::Running;
            self.register(groups, now);
        }
        if self.state == State::Running {
            if plan.crash.is_some_and(|at| now >= at) {
                self.exit_code = Some(if plan.oom { 137 } else { behaviour.exit_code });
                self.container_reason =
                    plan.oom.then(|| "OutOfMemoryError: Container killed due to memory usage".into());
                self.failure = true;
                self.stop(
                    StopCode::EssentialContainerExited,
                    "Essential container in task exited".into(),
                    groups,
                    now,
                    ids,
                );
            } else if self.healthy_since.is_none() && !behaviour.unhealthy && now >= plan.ready + 5 * SECOND {
                self.healthy_since = Some(now);
            }
        }
    }

    fn register(&mut self, groups: &[TargetGroup], now: Ms) {
        self.target = self.group.map(|group| Target::new(group, groups, now));
    }

    fn check_health(&mut self, behaviour: &Behaviour, groups: &[TargetGroup], grace: Ms, now: Ms, ids: &mut Ids) {
        let ready = self.plan.ready;
        let Some(target) = &mut self.target else {
            return;
        };
        if target.health == Health::Draining {
            if now >= target.drained {
                self.target = None;
            }
            return;
        }
        let Some(group) = groups.get(target.group.index()) else {
            return;
        };
        let fails = match (now >= ready, behaviour.unhealthy) {
            // Nobody listens yet.
            (false, _) => Some(HealthCheckFailure::NoResponse(NoResponse::Refused)),
            (true, true) => Some(behaviour.health_answer),
            (true, false) => None,
        };
        if !target.check(group, grace, now, fails) {
            return;
        }
        match target.health {
            Health::Healthy => drop(self.in_service.get_or_insert(now)),
            _ if self.in_service.is_some() => drop(self.out_of_service.get_or_insert(now)),
            _ => {}
        }
        if target.health == Health::Unhealthy && self.started.is_some_and(|at| now >= at + grace) {
            let reason = format!("Task failed ELB health checks in (target-group {})", group.arn);
            (self.failure, self.complaint) = (true, Some(target.complaint()));
            self.stop(StopCode::ServiceSchedulerInitiated, reason, groups, now, ids);
        }
    }

    /// What it does and when, as far as that shows in its logs.
    pub fn moments(&self) -> Moments {
        let Plan { ready, crash, stop, .. } = self.plan;
        let end = self.execution_stopped;
        let told = self.leaving && self.stop_code.is_some_and(|code| !code.crashed());
        Moments { ready, crash, told: told.then_some(stop.0 - 3 * SECOND).filter(|at| *at > 0), end }
    }
}
