//! The behaviour of a revision's tasks.

use crate::sim::scenario::{Degradation, HealthCheckFailure, Traits};
use crate::sim::world::clock::{Ms, secs};

/// A revision's [`Traits`] with all defaults filled in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Behaviour {
    /// The fraction of requests that are answered with a 5xx.
    pub(crate) error: f64,
    /// The fraction of requests that are answered with a 4xx.
    pub(crate) client_error: f64,
    /// Natural logarithm of the median latency in seconds.
    pub(crate) log_latency: f64,
    /// Sigma of the latency's log-normal distribution.
    pub(crate) log_spread: f64,
    /// Requests per second that a task can handle.
    pub(crate) capacity: f64,
    pub(crate) pull: Ms,
    pub(crate) start: Ms,
    pub(crate) crash_after: Option<Ms>,
    pub(crate) exit_code: i64,
    pub(crate) oom_after: Option<Ms>,
    pub(crate) unpullable: bool,
    pub(crate) unhealthy: bool,
    /// The failure of health checks once an unhealthy task is ready.
    pub(crate) health_failure: HealthCheckFailure,
    pub(crate) degradation: Option<Degradation>,
}

impl Behaviour {
    pub(crate) fn new(own: &Traits, family: &Traits) -> Self {
        let percent = |own: Option<f64>, family: Option<f64>, default: f64| own.or(family).unwrap_or(default) / 100.0;
        Self {
            error: percent(own.error_percent, family.error_percent, 0.02),
            client_error: percent(own.client_error_percent, family.client_error_percent, 0.6),
            log_latency: (own.latency_ms.or(family.latency_ms).unwrap_or(45.0) / 1000.0).ln(),
            log_spread: own.latency_spread.or(family.latency_spread).unwrap_or(0.45),
            capacity: own.capacity_rps.or(family.capacity_rps).unwrap_or(60.0).max(0.1),
            pull: secs(own.pull_seconds.or(family.pull_seconds).unwrap_or(9.0)),
            start: secs(own.start_seconds.or(family.start_seconds).unwrap_or(6.0)),
            crash_after: own.crash_after_seconds.or(family.crash_after_seconds).map(secs),
            exit_code: own.exit_code.or(family.exit_code).unwrap_or(1),
            oom_after: own.oom_after_seconds.or(family.oom_after_seconds).map(secs),
            unpullable: own.unpullable.or(family.unpullable).unwrap_or(false),
            unhealthy: own.unhealthy.or(family.unhealthy).unwrap_or(false),
            health_failure: own.health_answer.or(family.health_answer).unwrap_or(HealthCheckFailure::Status(503)),
            degradation: own.degrade.or(family.degrade),
        }
    }
}
