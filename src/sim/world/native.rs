//! Deployments that ECS shifts the traffic of.

use serde_json::Value;

use super::balancer::{Balancer, GroupId};
use super::scheduler::Ctx;
use super::service::{Service, ServiceDeployment, Status};

/// Where such a deployment is.
#[derive(Debug, Clone)]
pub(super) struct Native {}

impl Native {
    /// One that is long over.
    pub fn over() -> Self {
        Self {}
    }
}

/// One second of it.
pub(super) fn step(_service: &mut Service, _ctx: &mut Ctx<'_>) {}

/// A newer deployment takes over.
pub(super) fn let_go(_deployment: &mut ServiceDeployment) {}

impl Native {
    /// Adds requestedProductionTrafficWeight and requestedTestTrafficWeight.
    pub fn show_weights(&self, _target: &mut Value, _sources: &mut [Value]) {}

    /// Adds lifecycleStage and lifecycleHookDetails.
    pub fn show(&self, _out: &mut Value) {}
}

/// Where the tasks of the next revision will register.
pub(super) fn next_group(service: &Service, _balancer: &Balancer) -> Option<GroupId> {
    service.group
}

/// Turns the deployment under way around.
pub(super) fn roll_back(_service: &mut Service, _reason: &str, _status: Status, _ctx: &mut Ctx<'_>) {}
