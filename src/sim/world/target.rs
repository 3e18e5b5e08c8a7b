//! A task's registration with a target group: health checks, and why they fail.

use super::balancer::{GroupId, TargetGroup};
use super::clock::{Ms, SECOND};
use crate::sim::scenario::{HealthCheckFailure, NoResponse};

/// How long the load balancer takes to begin with a new target.
const REGISTRATION: Ms = 3 * SECOND;

/// TargetHealth.State.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Health {
    Initial,
    Healthy,
    Unhealthy,
    Draining,
}

/// A target, from registration until it has drained.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub group: GroupId,
    pub health: Health,
    registered: Ms,
    passed: u32,
    failed: u32,
    next_check: Ms,
    pub drained: Ms,
    /// What the last check that failed got.
    answer: HealthCheckFailure,
}

impl Target {
    pub fn new(group: GroupId, groups: &[TargetGroup], now: Ms) -> Self {
        let interval = groups.get(group.index()).map_or(10, |g| g.interval_seconds);
        Self {
            group,
            health: Health::Initial,
            registered: now,
            passed: 0,
            failed: 0,
            next_check: now + Ms::from(interval) * SECOND / 2,
            drained: Ms::MAX,
            answer: HealthCheckFailure::NoResponse(NoResponse::Refused),
        }
    }

    /// Begins to drain; when that will be over.
    pub fn drain(&mut self, groups: &[TargetGroup], now: Ms) -> Ms {
        self.health = Health::Draining;
        self.drained = now + groups.get(self.group.index()).map_or(0, |g| Ms::from(g.drain_seconds) * SECOND);
        self.drained
    }

    /// The next health check, if it is due: `None` when it passes, otherwise what it gets. Whether one was due.
    pub fn check(&mut self, group: &TargetGroup, grace: Ms, now: Ms, fails: Option<HealthCheckFailure>) -> bool {
        if now < self.next_check {
            return false;
        }
        self.next_check += Ms::from(group.interval_seconds) * SECOND;
        let Some(answer) = fails else {
            (self.passed, self.failed) = (self.passed + 1, 0);
            if self.passed >= group.healthy_after {
                self.health = Health::Healthy;
            }
            return true;
        };
        (self.passed, self.failed, self.answer) = (0, self.failed + 1, answer);
        // A target that has never been healthy stays `initial` until the checks have failed often enough.
        if self.failed >= group.unhealthy_after
            && (self.health == Health::Healthy || now >= self.registered + grace / 2)
        {
            self.health = Health::Unhealthy;
        }
        true
    }

    /// TargetHealth.Reason and Description; a healthy target has none.
    pub fn reason(&self, now: Ms) -> Option<(&'static str, String)> {
        Some(match self.health {
            Health::Healthy => return None,
            Health::Draining => ("Target.DeregistrationInProgress", "Target deregistration is in progress".into()),
            Health::Initial if now < self.registered + REGISTRATION => {
                ("Elb.RegistrationInProgress", "Target registration is in progress".into())
            }
            Health::Initial => ("Elb.InitialHealthChecking", "Initial health checks in progress".into()),
            Health::Unhealthy => self.failure(),
        })
    }

    fn failure(&self) -> (&'static str, String) {
        match self.answer {
            HealthCheckFailure::Status(code) => {
                ("Target.ResponseCodeMismatch", format!("Health checks failed with these codes: [{code}]"))
            }
            HealthCheckFailure::NoResponse(NoResponse::Timeout) => ("Target.Timeout", "Request timed out".into()),
            HealthCheckFailure::NoResponse(NoResponse::Refused) => {
                ("Target.FailedHealthChecks", "Health checks failed".into())
            }
        }
    }

    /// Why the checks fail, as a service event says it.
    pub fn complaint(&self) -> String {
        self.failure().1
    }
}
