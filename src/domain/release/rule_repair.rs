//! The repair of a production rule that sends users to empty target groups while ECS deploys nothing.

use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Forward, Route};

/// Weights that bring the users back to the target group that has the tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRepair {
    /// The rule as it was read.
    pub route: Route,
    /// The one target group of the service with healthy targets.
    pub to: Arn,
    /// The repaired weights of the service's target groups. Groups of other services keep their weights.
    pub weights: Vec<Forward>,
}
