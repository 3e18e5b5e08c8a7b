//! UpdateService, StopServiceDeployment and ContinueServiceDeployment.

use serde_json::json;

use super::ecs_task_definitions::find_deployable;
use super::error::refuse;
use super::input::Input;
use super::lookup::{find_cluster, find_deployment, find_service, service_not_found};
use super::service_json;
use crate::sim::api::{Answer, ApiError};
use crate::sim::scenario::{Managed, ServiceStatus, Strategy};
use crate::sim::world::account::Account;
use crate::sim::world::ecs::deploy::{self, ROLLED_BACK_BY_USER};
use crate::sim::world::ecs::lifecycle::HookAction;
use crate::sim::world::ecs::service::{Revision, Service};
use crate::sim::world::ecs::service_deployment::DeploymentStatus;
use crate::sim::world::task_definitions::definition::{PORT, TaskDefinition};

/// Members of UpdateService that start a deployment, besides taskDefinition and forceNewDeployment.
const DEPLOYING_MEMBERS: [&str; 9] = [
    "networkConfiguration",
    "capacityProviderStrategy",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "enableExecuteCommand",
    "vpcLatticeConfigurations",
];

fn invalid(message: impl Into<String>) -> ApiError {
    refuse("InvalidParameterException", message)
}

pub(super) fn update_service(account: &mut Account, input: Input<'_>) -> Answer {
    let cluster = find_cluster(account, input)?;
    let at = find_service(account, &cluster, input, "service")?;
    let definition = input.text("taskDefinition").map(|name| find_deployable(account, name)).transpose()?;
    let desired = desired_count(input)?;
    let in_alarm = account.alarms.in_alarm();
    let (services, mut ctx) = account.services_and_context(&in_alarm);
    let service = services.get_mut(at).ok_or_else(service_not_found)?;
    let Some((current, mut settings)) = service.current_revision().map(|r| (r.definition, r.settings.clone())) else {
        return Err(refuse("ServiceNotActiveException", "Service was not ACTIVE."));
    };
    if service.status != ServiceStatus::Active {
        return Err(refuse("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    if service.daemon && desired.is_some() {
        return Err(invalid(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again.",
        ));
    }
    if service.managed == Some(Managed::Express) {
        refuse_express(input)?;
    }
    if input.get("networkConfiguration").is_some() && ctx.catalog.get(definition.unwrap_or(current)).on_instances {
        return Err(invalid("Network Configuration is not valid for the given networkMode of this task definition."));
    }
    settings.patch(input.value()).map_err(invalid)?;
    if service.group.is_some() {
        check_container(ctx.catalog.get(definition.unwrap_or(current)), &service.container)?;
    }
    update_configuration(service, input)?;
    if let Some(desired) = desired.filter(|d| *d != service.desired) {
        service.desired = desired;
        service.steady = false;
    }
    let forced = input.flag("forceNewDeployment") == Some(true)
        || DEPLOYING_MEMBERS.iter().any(|name| input.get(name).is_some());
    if forced || definition.is_some_and(|definition| definition != current) {
        let definition = definition.unwrap_or(current);
        let group = deploy::next_group(service);
        let (id, created) = (ctx.ids.number(), ctx.now);
        let revision = Revision { id, definition, created, group, settings, digests: None };
        let revision = service.add_revision(revision);
        deploy::deploy(service, revision, &mut ctx);
    }
    let service = account.services.get(at).map(|s| service_json::service(account, s, true));
    Ok(json!({"service": service}))
}

/// Members that ECS sets itself for an Express service.
fn refuse_express(input: Input<'_>) -> Result<(), ApiError> {
    let owned = ["deploymentConfiguration", "loadBalancers", "networkConfiguration"];
    match owned.into_iter().find(|name| input.get(name).is_some()) {
        Some(name) => Err(invalid(format!("{name} cannot be updated for a service that is managed by ECS."))),
        None => Ok(()),
    }
}

fn desired_count(input: Input<'_>) -> Result<Option<u32>, ApiError> {
    let Some(n) = input.int("desiredCount") else {
        return Ok(None);
    };
    let desired = u32::try_from(n).ok().filter(|n| *n <= 5000);
    let desired = desired.ok_or_else(|| invalid("desiredCount must be between 0 and 5000."))?;
    Ok(Some(desired))
}

/// Applies deploymentConfiguration and healthCheckGracePeriodSeconds.
fn update_configuration(service: &mut Service, input: Input<'_>) -> Result<(), ApiError> {
    if let Some(changes) = input.get("deploymentConfiguration") {
        let mut config = service.config.clone();
        config.patch(changes).map_err(invalid)?;
        if config.strategy != Strategy::Rolling && (service.alternate.is_none() || service.rule.is_none()) {
            return Err(invalid(
                "advancedConfiguration is required in loadBalancers for the specified deployment strategy.",
            ));
        }
        service.config = config;
    }
    if let Some(seconds) = input.int("healthCheckGracePeriodSeconds") {
        service.grace = seconds.clamp(0, i64::from(i32::MAX)) * 1000;
    }
    Ok(())
}

/// Checks that a definition has the container and the port that the load balancer sends requests to.
fn check_container(definition: &TaskDefinition, name: &str) -> Result<(), ApiError> {
    match definition.containers.iter().find(|c| c.name == name) {
        None => Err(invalid(format!("The container {name} does not exist in the task definition."))),
        Some(container) if !container.ports.contains(&i64::from(PORT)) => {
            Err(invalid(format!("The container {name} did not have a container port {PORT} defined.")))
        }
        Some(_) => Ok(()),
    }
}

fn deployment_not_found() -> ApiError {
    refuse("ServiceDeploymentNotFoundException", "Service deployment not found.")
}

/// The ARN of the input's service deployment, and the indices of its service and of itself.
fn given_deployment<'a>(account: &Account, input: Input<'a>) -> Result<(&'a str, usize, usize), ApiError> {
    let Some(arn) = input.text("serviceDeploymentArn") else {
        return Err(invalid("serviceDeploymentArn cannot be empty."));
    };
    let (service, deployment) = find_deployment(account, arn).ok_or_else(deployment_not_found)?;
    Ok((arn, service, deployment))
}

pub(super) fn stop_service_deployment(account: &mut Account, input: Input<'_>) -> Answer {
    match input.text("stopType").unwrap_or("ROLLBACK") {
        "ROLLBACK" => {}
        "ABORT" => {
            return Err(refuse("UnsupportedFeatureException", "The ABORT stop type is not supported."));
        }
        other => return Err(invalid(format!("{other} is not a valid stop type."))),
    }
    let (arn, s, d) = given_deployment(account, input)?;
    let in_alarm = account.alarms.in_alarm();
    let (services, mut ctx) = account.services_and_context(&in_alarm);
    let service = services.get_mut(s).ok_or_else(deployment_not_found)?;
    let deployment = service.history.get(d).ok_or_else(deployment_not_found)?;
    if deployment.status.is_terminal() {
        let status = deployment.status.as_ref();
        return Err(refuse(
            "ConflictException",
            format!(
                "Stopping a service deployment is not allowed for service deployment in terminal states. Current status: {status}."
            ),
        ));
    }
    if !deployment.status.is_rolling_back() {
        if service.source_of(deployment).is_none_or(|s| s == deployment.target) {
            return Err(invalid(
                "The service deployment cannot be rolled back because there is no service revision to roll back to.",
            ));
        }
        deploy::roll_back(service, ROLLED_BACK_BY_USER, DeploymentStatus::RollbackRequested, &mut ctx);
    }
    Ok(json!({"serviceDeploymentArn": arn}))
}

pub(super) fn continue_service_deployment(account: &mut Account, input: Input<'_>) -> Answer {
    let action = match input.text("action").unwrap_or("CONTINUE") {
        "CONTINUE" => HookAction::Continue,
        "ROLLBACK" => HookAction::Rollback,
        other => return Err(invalid(format!("{other} is not a valid action."))),
    };
    let Some(hook) = input.text("hookId") else {
        return Err(invalid("hookId cannot be empty."));
    };
    let (arn, s, d) = given_deployment(account, input)?;
    let in_alarm = account.alarms.in_alarm();
    let (services, mut ctx) = account.services_and_context(&in_alarm);
    let service = services.get_mut(s).ok_or_else(deployment_not_found)?;
    let deployment = service.history.get_mut(d).ok_or_else(deployment_not_found)?;
    if deployment.status.is_terminal() {
        return Err(invalid(
            "Continuing a service deployment is not allowed for service deployment in terminal states.",
        ));
    }
    if !deployment.lifecycle.as_mut().is_some_and(|lifecycle| lifecycle.answer(hook, action)) {
        return Err(invalid(
            "Provided hookId is either completed, unavailable, or not associated with the given Resource ARN.",
        ));
    }
    if action == HookAction::Rollback {
        deploy::roll_back(service, ROLLED_BACK_BY_USER, DeploymentStatus::RollbackRequested, &mut ctx);
    }
    Ok(json!({"serviceDeploymentArn": arn}))
}
