//! Error rate, latency and resource usage of tasks under load.

use crate::sim::world::task_definitions::behaviour::Behaviour;

/// The load (demand over capacity) from which tasks slow down.
const COMFORTABLE_LOAD: f64 = 0.75;

/// The probabilities and the latency of a request.
pub(super) struct ResponseModel {
    /// The probability of a 5xx.
    pub(super) error: f64,
    /// The probability of a timeout.
    pub(super) timeout: f64,
    /// Natural logarithm of the median latency in seconds.
    pub(super) log_latency: f64,
}

impl ResponseModel {
    /// `load` is demand over capacity, `share` (0–1) the revision's part of its rule's requests, and `degraded` (0–1)
    /// how far the revision has degraded.
    pub(super) fn new(behaviour: &Behaviour, load: f64, share: f64, degraded: f64) -> Self {
        let (mut error, mut log_latency) = (behaviour.error, behaviour.log_latency);
        if let Some(degradation) = behaviour.degradation.filter(|_| degraded > 0.001) {
            error += degradation.error_percent / 100.0 * (0.5 + 0.5 * share.sqrt()) * degraded;
            log_latency += ((degradation.latency_ms / 1000.0).ln() - log_latency) * degraded;
        }
        let excess = if load > 1.0 { 1.0 - 1.0 / load } else { 0.0 };
        Self {
            error: 1.0 - (1.0 - error.min(1.0)) * (1.0 - excess / 2.0),
            timeout: excess / 2.0,
            log_latency: log_latency + slowdown(load).ln(),
        }
    }
}

/// The factor on the latency at a load.
fn slowdown(load: f64) -> f64 {
    if load <= COMFORTABLE_LOAD {
        1.0
    } else if load <= 1.0 {
        1.0 + 1.5 * ((load - COMFORTABLE_LOAD) / (1.0 - COMFORTABLE_LOAD)).powi(2)
    } else {
        (2.5 + 10.0 * (load - 1.0)).min(20.0)
    }
}

/// The CPU and memory that a task uses at a load, in percent of its reservation.
pub(super) fn resource_usage(load: f64, noise: f64) -> (f64, f64) {
    let cpu = (6.0 + 72.0 * load.min(1.25) + 2.5 * noise).clamp(0.5, 100.0);
    (cpu, (38.0 + 9.0 * load.min(2.0) + 0.6 * noise).clamp(5.0, 99.0))
}
