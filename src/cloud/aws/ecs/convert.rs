//! ECS's shapes as the domain's. Everything in them may be absent.

use std::collections::BTreeMap;

use aws_sdk_ecs::types as sdk;

use crate::cloud::aws::time::{maybe, timestamp};
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::service::{
    Container, Controller, LogDriver, Managed, Rollout, RolloutRole, RolloutState, Service, ServiceEvent, Task,
    TaskDefinition,
};

use super::configuration::configuration;
use super::text::non_empty;

/// `None` for a service without a name. `cluster` is the one that was asked for.
pub(super) fn service(raw: sdk::Service, cluster: &str) -> Option<Service> {
    let name =
        raw.service_name.clone().or_else(|| raw.service_arn.as_deref().map(|arn| Arn::new(arn).name().into()))?;
    let cluster_arn = Arn::new(raw.cluster_arn.clone().unwrap_or_else(|| cluster.to_owned()));
    let mut rollouts: Vec<Rollout> = raw.deployments().iter().map(rollout).collect();
    let task_sets = raw.task_sets().iter();
    rollouts.extend(task_sets.map(task_set));
    let primary = rollouts.iter().find(|rollout| rollout.role == RolloutRole::Primary);
    let task_definition = match raw.task_definition.clone() {
        Some(arn) => TaskDefinitionArn::new(arn),
        None => primary.map_or_else(|| TaskDefinitionArn::new(""), |primary| primary.task_definition.clone()),
    };
    Some(Service {
        key: ServiceKey::new(cluster_arn.name(), name),
        arn: Arn::new(raw.service_arn.clone().unwrap_or_default()),
        status: raw.status.clone().unwrap_or_default(),
        controller: controller(raw.deployment_controller.as_ref()),
        configuration: configuration(raw.deployment_configuration()),
        production_rule: production_rule(&raw),
        task_definition,
        desired: whole(raw.desired_count),
        running: whole(raw.running_count),
        pending: whole(raw.pending_count),
        rollouts,
        target_groups: target_groups(&raw),
        events: events(raw.events()),
        tags: tags(raw.tags()),
        current_deployment: non_empty(raw.current_service_deployment()).map(Arn::new),
        created_at: maybe(raw.created_at()),
        grace: raw.health_check_grace_period_seconds().and_then(|seconds| u32::try_from(seconds).ok()),
        execute_command: raw.enable_execute_command(),
        daemon: raw.scheduling_strategy == Some(sdk::SchedulingStrategy::Daemon),
        managed: managed(&raw),
        cluster_arn,
    })
}

/// A Gateway shows in the revisions alone.
fn managed(raw: &sdk::Service) -> Option<Managed> {
    let lattice = raw.deployments().iter().any(|deployment| !deployment.vpc_lattice_configurations().is_empty());
    match raw.resource_management_type {
        Some(sdk::ResourceManagementType::Ecs) => Some(Managed::Express),
        _ => lattice.then_some(Managed::Lattice),
    }
}

fn whole(count: i32) -> u32 {
    u32::try_from(count).unwrap_or(0)
}

fn controller(raw: Option<&sdk::DeploymentController>) -> Controller {
    match raw.map(sdk::DeploymentController::r#type) {
        None | Some(sdk::DeploymentControllerType::Ecs) => Controller::Ecs,
        Some(sdk::DeploymentControllerType::CodeDeploy) => Controller::CodeDeploy,
        Some(sdk::DeploymentControllerType::External) => Controller::External,
        Some(other) => Controller::Other(other.as_str().to_owned()),
    }
}

fn rollout(raw: &sdk::Deployment) -> Rollout {
    use sdk::DeploymentRolloutState as State;
    let state = raw.rollout_state.as_ref().map(|state| match state {
        State::Completed => RolloutState::Completed,
        State::Failed => RolloutState::Failed,
        State::InProgress => RolloutState::InProgress,
        other => RolloutState::Other(other.as_str().to_owned()),
    });
    Rollout {
        id: raw.id.clone().unwrap_or_default(),
        role: raw.status.as_deref().unwrap_or_default().into(),
        task_definition: TaskDefinitionArn::new(raw.task_definition.clone().unwrap_or_default()),
        desired: whole(raw.desired_count),
        running: whole(raw.running_count),
        pending: whole(raw.pending_count),
        failed: whole(raw.failed_tasks),
        state,
        reason: non_empty(raw.rollout_state_reason()),
        created_at: maybe(raw.created_at()),
        updated_at: maybe(raw.updated_at()),
    }
}

/// CODE_DEPLOY and EXTERNAL services have task sets where others have deployments.
fn task_set(raw: &sdk::TaskSet) -> Rollout {
    let state = raw.stability_status.as_ref().map(|status| match status {
        sdk::StabilityStatus::SteadyState => RolloutState::Completed,
        sdk::StabilityStatus::Stabilizing => RolloutState::InProgress,
        other => RolloutState::Other(other.as_str().to_owned()),
    });
    Rollout {
        id: raw.id.clone().unwrap_or_default(),
        role: raw.status.as_deref().unwrap_or_default().into(),
        task_definition: TaskDefinitionArn::new(raw.task_definition.clone().unwrap_or_default()),
        desired: whole(raw.computed_desired_count),
        running: whole(raw.running_count),
        pending: whole(raw.pending_count),
        failed: 0,
        state,
        reason: None,
        created_at: maybe(raw.created_at()),
        updated_at: maybe(raw.updated_at()),
    }
}

fn target_groups(raw: &sdk::Service) -> Vec<Arn> {
    let of_sets = raw.task_sets().iter().flat_map(|set| set.load_balancers());
    let mut all = Vec::new();
    for balancer in raw.load_balancers().iter().chain(of_sets) {
        let advanced = balancer.advanced_configuration.as_ref();
        let alternate = advanced.and_then(|advanced| advanced.alternate_target_group_arn.as_ref());
        for arn in [balancer.target_group_arn.as_ref(), alternate].into_iter().flatten() {
            let arn = Arn::new(arn.as_str());
            if !all.contains(&arn) {
                all.push(arn);
            }
        }
    }
    all
}

/// The rule whose weights ECS writes; of a service with several load balancers, the first one's.
fn production_rule(raw: &sdk::Service) -> Option<Arn> {
    let mut advanced = raw.load_balancers().iter().filter_map(|balancer| balancer.advanced_configuration());
    advanced.find_map(|advanced| non_empty(advanced.production_listener_rule())).map(Arn::new)
}

fn events(raw: &[sdk::ServiceEvent]) -> Vec<ServiceEvent> {
    let event = |raw: &sdk::ServiceEvent| {
        let at = raw.created_at().and_then(timestamp)?;
        Some(ServiceEvent { id: raw.id.clone()?, at, message: raw.message.clone().unwrap_or_default() })
    };
    let mut events: Vec<ServiceEvent> = raw.iter().filter_map(event).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events
}

fn tags(raw: &[sdk::Tag]) -> BTreeMap<String, String> {
    raw.iter().filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()))).collect()
}

/// `None` for a task without an ARN. Which EC2 instance it runs on is in another answer.
pub(super) fn task(raw: sdk::Task) -> Option<Task> {
    let containers = raw.containers();
    // Which container is essential, a task does not say: the first that failed, else the first that ended.
    let codes: Vec<i32> = containers.iter().filter_map(|container| container.exit_code).collect();
    let exit_code = codes.iter().copied().find(|code| *code != 0).or_else(|| codes.first().copied());
    Some(Task {
        arn: Arn::new(raw.task_arn.clone()?),
        task_definition: TaskDefinitionArn::new(raw.task_definition_arn.clone().unwrap_or_default()),
        started_by: non_empty(raw.started_by()),
        status: raw.last_status.clone().unwrap_or_default(),
        desired_status: raw.desired_status.clone().unwrap_or_default(),
        health: non_empty(raw.health_status().map(sdk::HealthStatus::as_str)),
        created_at: maybe(raw.created_at()),
        pulled: (maybe(raw.pull_started_at()), maybe(raw.pull_stopped_at())),
        started_at: maybe(raw.started_at()),
        stopped_at: maybe(raw.stopped_at()),
        stop_code: non_empty(raw.stop_code().map(sdk::TaskStopCode::as_str)),
        stopped_reason: stopped_reason(&raw),
        exit_code,
        stopping_at: maybe(raw.stopping_at()),
        zone: non_empty(raw.availability_zone()),
        address: address(&raw, "privateIPv4Address"),
        ipv6: address(&raw, "ipv6Address"),
        instance: None,
        host_ports: host_ports(containers),
        execute_command: raw.enable_execute_command(),
        protected_until: None,
        containers: containers.iter().map(container).collect(),
        image_digests: containers.iter().filter_map(|container| non_empty(container.image_digest())).collect(),
    })
}

/// Of the task's own network interface, where it has one.
fn address(raw: &sdk::Task, kind: &str) -> Option<String> {
    let mut details = raw.attachments().iter().flat_map(|attachment| attachment.details());
    let address = details.find(|detail| detail.name() == Some(kind))?;
    non_empty(address.value())
}

fn host_ports(containers: &[sdk::Container]) -> Vec<u16> {
    let bindings = containers.iter().flat_map(|container| container.network_bindings());
    bindings.filter_map(|binding| binding.host_port().and_then(|port| u16::try_from(port).ok())).collect()
}

fn container(raw: &sdk::Container) -> Container {
    Container {
        name: raw.name.clone().unwrap_or_default(),
        status: raw.last_status.clone().unwrap_or_default(),
        health: non_empty(raw.health_status().map(sdk::HealthStatus::as_str)),
        exit_code: raw.exit_code,
        reason: non_empty(raw.reason()),
    }
}

/// "Essential container in task exited" says less than the container's own reason, where it has one.
fn stopped_reason(raw: &sdk::Task) -> Option<String> {
    let reason = non_empty(raw.stopped_reason());
    let own = raw.containers().iter().find_map(|container| non_empty(container.reason()));
    match (reason, own) {
        (Some(reason), Some(own)) if reason.contains(&own) => Some(reason),
        (reason, own) => own.or(reason),
    }
}

/// Names, images and sizes; the environment and the secrets stay behind.
pub(super) fn task_definition(raw: sdk::TaskDefinition, asked: &TaskDefinitionArn) -> TaskDefinition {
    let images = raw.container_definitions().iter();
    let images = images.map(|it| (it.name.clone().unwrap_or_default(), it.image.clone().unwrap_or_default()));
    TaskDefinition {
        arn: raw.task_definition_arn.clone().map_or_else(|| asked.clone(), TaskDefinitionArn::new),
        active: raw.status == Some(sdk::TaskDefinitionStatus::Active),
        registered_at: maybe(raw.registered_at()),
        images: images.collect(),
        cpu: non_empty(raw.cpu()),
        memory: non_empty(raw.memory()),
        logs: raw.container_definitions().iter().map(log).collect(),
    }
}

/// Where a container's log goes, by its name.
fn log(raw: &sdk::ContainerDefinition) -> (String, LogDriver) {
    let driver = match raw.log_configuration() {
        None => LogDriver::None,
        Some(log) => {
            let option = |name: &str| non_empty(log.options()?.get(name).map(String::as_str));
            match (log.log_driver(), option("awslogs-group")) {
                (sdk::LogDriver::Awslogs, Some(group)) => LogDriver::Awslogs {
                    group,
                    region: option("awslogs-region"),
                    prefix: option("awslogs-stream-prefix"),
                },
                (other, _) => LogDriver::Other(other.as_str().to_owned()),
            }
        }
    };
    (raw.name.clone().unwrap_or_default(), driver)
}

#[cfg(test)]
mod tests;
