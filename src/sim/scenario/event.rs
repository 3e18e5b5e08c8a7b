//! What happens in a scenario, and when.

use indexmap::IndexMap;
use serde::Deserialize;

use super::{Dur, Setting};

/// Something that happens: `at`, and exactly one of the others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Counted from the start; negative: already happened, no earlier than the warm-up.
    pub at: Dur,
    /// Somebody calls UpdateService.
    #[serde(default)]
    pub update_service: Option<UpdateService>,
    /// Somebody edits a rule's weights.
    #[serde(default)]
    pub set_weights: Option<SetWeights>,
    /// The traffic of a rule changes.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// Somebody answers the hooks that wait.
    #[serde(default)]
    pub continue_deployment: Option<ContinueDeployment>,
    /// Somebody rolls the deployment under way back.
    #[serde(default)]
    pub stop_deployment: Option<StopDeployment>,
    /// Somebody pushes another image under a tag that is in use.
    #[serde(default)]
    pub retag: Option<Retag>,
    /// AWS takes the capacity of some tasks back.
    #[serde(default)]
    pub interrupt: Option<Interrupt>,
}

/// UpdateService, as a timeline event.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateService {
    /// The service.
    pub service: String,
    /// A new `family:revision`.
    #[serde(default)]
    pub task_definition: Option<String>,
    /// A new desiredCount.
    #[serde(default)]
    pub desired: Option<u32>,
    /// forceNewDeployment.
    #[serde(default)]
    pub force: bool,
    /// Where its tasks shall run from now on, as far as it changes.
    #[serde(default)]
    pub setting: Setting,
}

/// An edit of a rule's weights, as a timeline event.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetWeights {
    /// The rule's name.
    pub rule: String,
    /// Target group name → weight.
    pub weights: IndexMap<String, u32>,
}

/// A change of a rule's traffic.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// The rule's name.
    pub rule: String,
    /// Requests a second from then on.
    pub rps: f64,
}

/// ContinueServiceDeployment for whatever waits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContinueDeployment {
    /// The service.
    pub service: String,
    /// `CONTINUE` or `ROLLBACK`.
    pub action: String,
}

/// StopServiceDeployment for what is under way.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopDeployment {
    /// The service.
    pub service: String,
}

/// Another image under the tag of a task definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retag {
    /// `family:revision`
    pub task_definition: String,
}

/// An interruption of Fargate Spot.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interrupt {
    /// The service.
    pub service: String,
    /// How many of its tasks.
    pub tasks: u32,
}
