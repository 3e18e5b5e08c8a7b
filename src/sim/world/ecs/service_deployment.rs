//! Service deployments: the record of a change to a service and of its outcome.

use super::deployment_config::DeploymentConfig;
use super::lifecycle::Lifecycle;
use crate::sim::world::clock::Ms;

/// serviceDeployments[].status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum DeploymentStatus {
    Pending,
    Successful,
    Stopped,
    InProgress,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl DeploymentStatus {
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed)
    }

    pub(crate) fn is_rolling_back(self) -> bool {
        matches!(self, Self::RollbackRequested | Self::RollbackInProgress)
    }
}

/// The status of a deployment's circuit breaker or alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum MonitorStatus {
    Disabled,
    Monitoring,
    MonitoringComplete,
    Triggered,
}

impl MonitorStatus {
    fn of(enabled: bool) -> Self {
        if enabled { Self::Monitoring } else { Self::Disabled }
    }
}

/// `rollback` of a service deployment.
#[derive(Debug, Clone)]
pub(crate) struct Rollback {
    pub(crate) reason: String,
    pub(crate) started: Ms,
    /// An index into the service's revisions.
    pub(crate) revision: usize,
}

/// The revisions of a deployment, as indices into the service's revisions.
#[derive(Debug)]
pub(crate) struct RevisionChange {
    pub(crate) target: usize,
    /// The revisions that run when the deployment begins; the first one is installed.
    pub(crate) sources: Vec<usize>,
}

/// A service deployment.
#[derive(Debug, Clone)]
pub(crate) struct ServiceDeployment {
    pub(crate) id: String,
    pub(crate) target: usize,
    pub(crate) sources: Vec<usize>,
    pub(crate) status: DeploymentStatus,
    /// statusReason.
    pub(crate) reason: Option<String>,
    pub(crate) created: Ms,
    pub(crate) started: Option<Ms>,
    pub(crate) finished: Option<Ms>,
    pub(crate) stopped: Option<Ms>,
    pub(crate) updated: Ms,
    /// The configuration when the deployment began.
    pub(crate) config: DeploymentConfig,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) breaker: MonitorStatus,
    /// failureCount of the circuit breaker.
    pub(crate) failures: u32,
    /// threshold of the circuit breaker.
    pub(crate) threshold: u32,
    pub(crate) alarms: MonitorStatus,
    pub(crate) triggered_alarms: Vec<String>,
    /// The alarms that were in ALARM when the deployment began: ECS ignores them.
    pub(crate) ignored_alarms: Vec<String>,
    /// desiredCount when the deployment began.
    pub(crate) desired: u32,
    /// The lifecycle of a native deployment; `None` before it begins and for rolling deployments.
    pub(crate) lifecycle: Option<Lifecycle>,
}

impl ServiceDeployment {
    /// A PENDING deployment that begins now.
    pub(crate) fn new(id: String, change: RevisionChange, config: DeploymentConfig, desired: u32, now: Ms) -> Self {
        Self {
            id,
            target: change.target,
            sources: change.sources,
            status: DeploymentStatus::Pending,
            reason: None,
            created: now,
            started: None,
            finished: None,
            stopped: None,
            updated: now,
            rollback: None,
            breaker: MonitorStatus::of(config.breaker),
            failures: 0,
            threshold: config.failure_threshold(desired),
            alarms: MonitorStatus::of(config.alarms_enabled),
            triggered_alarms: Vec::new(),
            ignored_alarms: Vec::new(),
            desired,
            lifecycle: None,
            config,
        }
    }

    /// Ends the deployment in a terminal state that it reaches by itself.
    pub(crate) fn finish(&mut self, status: DeploymentStatus, now: Ms) {
        (self.status, self.finished, self.updated) = (status, Some(now), now);
        for monitor in [&mut self.breaker, &mut self.alarms] {
            if *monitor == MonitorStatus::Monitoring {
                *monitor = MonitorStatus::MonitoringComplete;
            }
        }
    }

    pub(crate) fn trigger_alarms(&mut self, alarms: Vec<String>) {
        (self.alarms, self.triggered_alarms) = (MonitorStatus::Triggered, alarms);
    }

    /// Drops the lifecycle hooks: a deployment that ends or is rolled back no longer accepts answers.
    pub(crate) fn drop_hooks(&mut self) {
        if let Some(lifecycle) = &mut self.lifecycle {
            lifecycle.drop_hooks();
        }
    }
}
