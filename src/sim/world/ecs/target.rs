//! A task's registration with a target group, and its health checks.

use crate::sim::scenario::{HealthCheckFailure, NoResponse};
use crate::sim::world::clock::{Ms, SECOND};
use crate::sim::world::elb::target_group::{GroupId, TargetGroup, TargetGroups};

/// Time until the load balancer has registered a target.
const REGISTRATION: Ms = 3 * SECOND;

/// TargetHealth.State.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Health {
    Initial,
    Healthy,
    Unhealthy,
    Draining,
}

/// A target between its registration and the end of its deregistration delay.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) group: GroupId,
    pub(crate) health: Health,
    registered: Ms,
    passed: u32,
    failed: u32,
    next_check: Ms,
    /// End of the deregistration delay.
    pub(crate) drained: Ms,
    last_failure: HealthCheckFailure,
}

impl Target {
    pub(crate) fn new(group: GroupId, groups: &TargetGroups, now: Ms) -> Self {
        let interval = groups.get(group).map_or(10, |g| g.interval_seconds);
        Self {
            group,
            health: Health::Initial,
            registered: now,
            passed: 0,
            failed: 0,
            next_check: now + Ms::from(interval) * SECOND / 2,
            drained: Ms::MAX,
            last_failure: HealthCheckFailure::NoResponse(NoResponse::Refused),
        }
    }

    /// Begins the deregistration delay and returns when it ends.
    pub(crate) fn drain(&mut self, groups: &TargetGroups, now: Ms) -> Ms {
        self.health = Health::Draining;
        self.drained = now + groups.get(self.group).map_or(0, |g| Ms::from(g.drain_seconds) * SECOND);
        self.drained
    }

    /// Runs the next health check if it is due, and returns whether it was. `failure` is how the check fails, `None` if
    /// it passes.
    pub(crate) fn check(
        &mut self,
        group: &TargetGroup,
        grace: Ms,
        now: Ms,
        failure: Option<HealthCheckFailure>,
    ) -> bool {
        if now < self.next_check {
            return false;
        }
        self.next_check += Ms::from(group.interval_seconds) * SECOND;
        let Some(failure) = failure else {
            (self.passed, self.failed) = (self.passed + 1, 0);
            if self.passed >= group.healthy_after {
                self.health = Health::Healthy;
            }
            return true;
        };
        (self.passed, self.failed, self.last_failure) = (0, self.failed + 1, failure);
        // A target that has never been healthy stays `initial` until enough checks have failed.
        if self.failed >= group.unhealthy_after
            && (self.health == Health::Healthy || now >= self.registered + grace / 2)
        {
            self.health = Health::Unhealthy;
        }
        true
    }

    /// TargetHealth.Reason and Description; `None` for a healthy target.
    pub(crate) fn reason(&self, now: Ms) -> Option<(&'static str, String)> {
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
        match self.last_failure {
            HealthCheckFailure::Status(code) => {
                ("Target.ResponseCodeMismatch", format!("Health checks failed with these codes: [{code}]"))
            }
            HealthCheckFailure::NoResponse(NoResponse::Timeout) => ("Target.Timeout", "Request timed out".into()),
            HealthCheckFailure::NoResponse(NoResponse::Refused) => {
                ("Target.FailedHealthChecks", "Health checks failed".into())
            }
        }
    }

    /// The cause of failing health checks, as service events word it.
    pub(crate) fn failure_description(&self) -> String {
        self.failure().1
    }
}
