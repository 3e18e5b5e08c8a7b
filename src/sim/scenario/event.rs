//! The timeline of a scenario.

use indexmap::IndexMap;
use serde::Deserialize;

use super::duration::Duration;
use super::service::TaskSettings;

/// An event of the timeline: a time and exactly one action.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    /// Time since the start. Negative times are before the start, but within the warm-up.
    pub(crate) at: Duration,
    /// Another operator calls UpdateService.
    #[serde(default)]
    pub(crate) update_service: Option<UpdateService>,
    /// Another operator changes a rule's weights.
    #[serde(default)]
    pub(crate) set_weights: Option<SetWeights>,
    /// The traffic of a rule changes.
    #[serde(default)]
    pub(crate) traffic: Option<Traffic>,
    /// Another operator answers the hooks that wait.
    #[serde(default)]
    pub(crate) continue_deployment: Option<ContinueDeployment>,
    /// Another operator rolls back the deployment in progress.
    #[serde(default)]
    pub(crate) stop_deployment: Option<StopDeployment>,
    /// Another image is pushed under a tag that is in use.
    #[serde(default)]
    pub(crate) retag: Option<Retag>,
    /// AWS reclaims the capacity of some tasks.
    #[serde(default)]
    pub(crate) interrupt: Option<Interrupt>,
}

/// A call of UpdateService.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateService {
    pub(crate) service: String,
    /// The new `family:revision`.
    #[serde(default)]
    pub(crate) task_definition: Option<String>,
    /// The new desiredCount.
    #[serde(default)]
    pub(crate) desired: Option<u32>,
    /// forceNewDeployment.
    #[serde(default)]
    pub(crate) force: bool,
    /// Settings that change.
    #[serde(default)]
    pub(crate) setting: TaskSettings,
}

/// A change of a rule's weights.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetWeights {
    pub(crate) rule: String,
    /// Weights by target group name.
    pub(crate) weights: IndexMap<String, u32>,
}

/// A change of a rule's traffic.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traffic {
    pub(crate) rule: String,
    /// The new requests per second.
    pub(crate) rps: f64,
}

/// A call of ContinueServiceDeployment for every hook that waits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContinueDeployment {
    pub(crate) service: String,
    /// `CONTINUE` or `ROLLBACK`.
    pub(crate) action: String,
}

/// A call of StopServiceDeployment for the deployment in progress.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopDeployment {
    pub(crate) service: String,
}

/// A push of another image under the tag of a task definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retag {
    /// `family:revision`
    pub(crate) task_definition: String,
}

/// An interruption of Fargate Spot.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Interrupt {
    pub(crate) service: String,
    /// The number of tasks that are interrupted.
    pub(crate) tasks: u32,
}
