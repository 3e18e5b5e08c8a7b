//! The operations of ECS that change something.

use serde_json::json;

use super::ecs_definitions::deployable;
use super::ecs_read::{find_cluster, find_service};
use super::input::Input;
use super::{ecs_deployments, ecs_show, refuse};
use crate::sim::api::{Answer, ApiError};
use crate::sim::scenario::Strategy;
use crate::sim::world::World;
use crate::sim::world::definition::{PORT, TaskDef};
use crate::sim::world::deploy;
use crate::sim::world::native;
use crate::sim::world::scheduler::Ctx;
use crate::sim::world::service::Status;
use crate::sim::world::stages::HookAction;

/// Members that make UpdateService start a deployment, besides taskDefinition and forceNewDeployment.
const DEPLOYING: [&str; 9] = [
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

pub(super) fn update_service(world: &mut World, input: Input<'_>) -> Answer {
    let cluster = find_cluster(world, input)?;
    let at = find_service(world, &cluster, input, "service")?;
    let def = input.text("taskDefinition").map(|name| deployable(world, name)).transpose()?;
    let desired = match input.int("desiredCount") {
        None => None,
        Some(n) => Some(
            u32::try_from(n)
                .ok()
                .filter(|n| *n <= 5000)
                .ok_or_else(|| refuse("InvalidParameterException", "desiredCount must be between 0 and 5000."))?,
        ),
    };
    if desired.is_some() && input.text("schedulingStrategy") == Some("DAEMON") {
        return Err(refuse(
            "InvalidParameterException",
            "The daemon scheduling strategy does not support a desired count.",
        ));
    }
    let in_alarm = world.alarms_on();
    let Some(service) = world.services.get_mut(at) else {
        return Err(refuse("ServiceNotFoundException", "Service not found."));
    };
    let Some((current, mut settings)) = service.current_revision().map(|r| (r.def, r.settings.clone())) else {
        return Err(refuse("ServiceNotActiveException", "Service was not ACTIVE."));
    };
    settings.patch(input.whole()).map_err(|message| refuse("InvalidParameterException", message))?;
    if service.group.is_some() {
        fits_balancer(world.catalog.get(def.unwrap_or(current)), &service.container)?;
    }
    if let Some(changes) = input.get("deploymentConfiguration") {
        let mut config = service.config.clone();
        config.patch(changes).map_err(|message| refuse("InvalidParameterException", message))?;
        if config.strategy != Strategy::Rolling && (service.alternate.is_none() || service.rule.is_none()) {
            return Err(refuse(
                "InvalidParameterException",
                "advancedConfiguration is required in loadBalancers for the specified deployment strategy.",
            ));
        }
        service.config = config;
    }
    if let Some(seconds) = input.int("healthCheckGracePeriodSeconds") {
        service.grace = seconds.clamp(0, i64::from(i32::MAX)) * 1000;
    }
    if let Some(desired) = desired.filter(|d| *d != service.desired) {
        service.desired = desired;
        service.steady = false;
    }
    let forced =
        input.flag("forceNewDeployment") == Some(true) || DEPLOYING.iter().any(|name| input.get(name).is_some());
    let changed = def.is_some_and(|def| def != current);
    if forced || changed {
        let def = def.unwrap_or(current);
        let group = native::next_group(service);
        let revision = service.add_revision(def, group, settings, world.tick, &mut world.ids);
        let mut ctx = Ctx {
            now: world.tick,
            ids: &mut world.ids,
            catalog: &world.catalog,
            balancer: &mut world.balancer,
            alarms: &in_alarm,
        };
        deploy::deploy(service, revision, &mut ctx);
    }
    let service = world.services.get(at).map(|s| ecs_show::service(world, s, true));
    Ok(json!({"service": service}))
}

/// The container that the load balancer sends requests to has to be in the definition.
fn fits_balancer(def: &TaskDef, name: &str) -> Result<(), ApiError> {
    let invalid = |message: String| Err(refuse("InvalidParameterException", message));
    match def.containers.iter().find(|c| c.name == name) {
        None => invalid(format!("The container {name} does not exist in the task definition.")),
        Some(container) if !container.ports.contains(&i64::from(PORT)) => {
            invalid(format!("The container {name} did not have a container port {PORT} defined."))
        }
        Some(_) => Ok(()),
    }
}

fn deployment_not_found() -> ApiError {
    refuse("ServiceDeploymentNotFoundException", "Service deployment not found.")
}

/// The service deployment that an input names: indices of its service and of itself.
fn named_deployment<'a>(world: &World, input: Input<'a>) -> Result<(&'a str, usize, usize), ApiError> {
    let Some(arn) = input.text("serviceDeploymentArn") else {
        return Err(refuse("InvalidParameterException", "serviceDeploymentArn cannot be empty."));
    };
    let (service, deployment) = ecs_deployments::find(world, arn).ok_or_else(deployment_not_found)?;
    Ok((arn, service, deployment))
}

pub(super) fn stop_service_deployment(world: &mut World, input: Input<'_>) -> Answer {
    match input.text("stopType").unwrap_or("ROLLBACK") {
        "ROLLBACK" => {}
        "ABORT" => {
            return Err(refuse("UnsupportedFeatureException", "The ABORT stop type is not supported."));
        }
        other => {
            return Err(refuse("InvalidParameterException", format!("{other} is not a valid stop type.")));
        }
    }
    let (arn, s, d) = named_deployment(world, input)?;
    let in_alarm = world.alarms_on();
    let Some(service) = world.services.get_mut(s) else {
        return Err(deployment_not_found());
    };
    let deployment = service.history.get(d).cloned().ok_or_else(deployment_not_found)?;
    if deployment.status.terminal() {
        let status = deployment.status.as_ref();
        return Err(refuse(
            "ConflictException",
            format!(
                "Stopping a service deployment is not allowed for service deployment in terminal states. Current status: {status}."
            ),
        ));
    }
    if !deployment.status.rolling_back() {
        let first = service.source_of(&deployment).is_none_or(|s| s == deployment.target);
        if first {
            return Err(refuse(
                "InvalidParameterException",
                "The service deployment cannot be rolled back because there is no service revision to roll back to.",
            ));
        }
        let mut ctx = Ctx {
            now: world.tick,
            ids: &mut world.ids,
            catalog: &world.catalog,
            balancer: &mut world.balancer,
            alarms: &in_alarm,
        };
        let reason = "Service deployment rolled back by user request.";
        if deployment.config.strategy == Strategy::Rolling {
            deploy::roll_back(service, reason, Status::RollbackRequested, &mut ctx);
        } else {
            native::roll_back(service, reason, Status::RollbackRequested, &mut ctx);
        }
    }
    Ok(json!({"serviceDeploymentArn": arn}))
}

pub(super) fn continue_service_deployment(world: &mut World, input: Input<'_>) -> Answer {
    let action = match input.text("action").unwrap_or("CONTINUE") {
        "CONTINUE" => HookAction::Continue,
        "ROLLBACK" => HookAction::Rollback,
        other => {
            return Err(refuse("InvalidParameterException", format!("{other} is not a valid action.")));
        }
    };
    let Some(hook) = input.text("hookId") else {
        return Err(refuse("InvalidParameterException", "hookId cannot be empty."));
    };
    let (arn, s, d) = named_deployment(world, input)?;
    let in_alarm = world.alarms_on();
    let Some(service) = world.services.get_mut(s) else {
        return Err(deployment_not_found());
    };
    let deployment = service.history.get_mut(d).ok_or_else(deployment_not_found)?;
    if deployment.status.terminal() {
        return Err(refuse(
            "InvalidParameterException",
            "Continuing a service deployment is not allowed for service deployment in terminal states.",
        ));
    }
    if !deployment.native.as_mut().is_some_and(|native| native.answer(hook, action)) {
        return Err(refuse(
            "InvalidParameterException",
            "Provided hookId is either completed, unavailable, or not associated with the given Resource ARN.",
        ));
    }
    if action == HookAction::Rollback {
        let mut ctx = Ctx {
            now: world.tick,
            ids: &mut world.ids,
            catalog: &world.catalog,
            balancer: &mut world.balancer,
            alarms: &in_alarm,
        };
        native::roll_back(
            service,
            "Service deployment rolled back by user request.",
            Status::RollbackRequested,
            &mut ctx,
        );
    }
    Ok(json!({"serviceDeploymentArn": arn}))
}
