//! Finds the ECS resources that an input names.

use serde_json::{Value, json};

use super::error::refuse;
use super::input::{Input, last_part};
use crate::sim::api::ApiError;
use crate::sim::world::account::Account;
use crate::sim::world::ecs::service::Service;
use crate::sim::world::ecs::service_deployment::ServiceDeployment;

/// The name of the input's cluster, which is `default` if it names none.
pub(super) fn find_cluster(account: &Account, input: Input<'_>) -> Result<String, ApiError> {
    let name = last_part(input.text("cluster").unwrap_or("default"));
    let found = account.clusters.iter().find(|c| *c == name);
    found.cloned().ok_or_else(|| refuse("ClusterNotFoundException", "Cluster not found."))
}

/// The index of the service that a member of the input names by name or ARN.
pub(super) fn find_service(
    account: &Account,
    cluster: &str,
    input: Input<'_>,
    member: &str,
) -> Result<usize, ApiError> {
    let Some(name) = input.text(member) else {
        return Err(refuse("InvalidParameterException", "Service cannot be empty."));
    };
    let found = account.services.iter().position(|s| s.cluster == cluster && is_named(account, s, name));
    found.ok_or_else(service_not_found)
}

pub(super) fn service_not_found() -> ApiError {
    refuse("ServiceNotFoundException", "Service not found.")
}

/// Returns true if `given` is the name or the ARN of a service.
pub(super) fn is_named(account: &Account, service: &Service, given: &str) -> bool {
    given == service.name || given == account.arns.service(&service.cluster, &service.name)
}

pub(super) fn deployment_arn(account: &Account, service: &Service, deployment: &ServiceDeployment) -> String {
    account.arns.service_deployment(&service.cluster, &service.name, &deployment.id)
}

/// The indices of a service deployment's service and of the deployment in its history.
pub(super) fn find_deployment(account: &Account, arn: &str) -> Option<(usize, usize)> {
    let at = |(s, service): (usize, &Service)| {
        Some((s, service.history.iter().position(|d| deployment_arn(account, service, d) == arn)?))
    };
    account.services.iter().enumerate().find_map(at)
}

/// An entry of `failures` for a resource that does not exist.
pub(super) fn missing(arn: &str) -> Value {
    json!({"arn": arn, "reason": "MISSING"})
}
