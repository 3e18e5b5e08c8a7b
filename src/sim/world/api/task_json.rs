//! Tasks as DescribeTasks shows them.

use serde_json::{Value, json};

use super::json::{insert, insert_time, tags};
use crate::sim::scenario::IpAddressType;
use crate::sim::world::account::Account;
use crate::sim::world::clock::epoch;
use crate::sim::world::ecs::revision_settings::RevisionSettings;
use crate::sim::world::ecs::service::Service;
use crate::sim::world::ecs::task::{Task, TaskStatus};
use crate::sim::world::task_definitions::definition::{Container, PORT};

/// The end of runtimeId, which differs by zone and container.
const RUNTIME_ID: u64 = 527_074_092;

pub(super) fn task(account: &Account, service: &Service, task: &Task) -> Value {
    let arns = &account.arns;
    let definition = account.catalog.get(task.definition);
    let zone = if task.network.zone == 0 { "a" } else { "b" };
    let settings = service.revisions.get(task.revision).map(|r| &r.settings);
    let overrides: Vec<Value> = definition.containers.iter().map(|c| json!({"name": c.name})).collect();
    let mut out = json!({
        "attachments": if task.host_port.is_none() { json!([attachment(account, task, settings)]) } else { json!([]) },
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "availabilityZone": format!("{}{zone}", arns.region),
        "clusterArn": arns.cluster(&service.cluster),
        "containers": containers(account, service, task),
        "cpu": definition.cpu,
        "createdAt": epoch(task.times.created),
        "desiredStatus": if task.stop_requested { "STOPPED" } else { "RUNNING" },
        "enableExecuteCommand": settings.is_some_and(|s| s.execute_command),
        "group": format!("service:{}", service.name),
        "healthStatus": health(task),
        "lastStatus": task.status.as_ref(),
        "memory": definition.memory,
        "overrides": {"containerOverrides": overrides, "inferenceAcceleratorOverrides": []},
        "startedBy": format!("ecs-svc/{}", task.deployment),
        "tags": tags(&service.tags),
        "taskArn": arns.task(&service.cluster, &task.id),
        "taskDefinitionArn": definition.arn(arns),
        "version": task.status as u8 + 1,
    });
    match task.host_port {
        Some(host_port) => {
            insert(&mut out, "launchType", json!("EC2"));
            let instance = arns.container_instance(&service.cluster, host_port.container_instance());
            insert(&mut out, "containerInstanceArn", json!(instance));
        }
        None => insert_fargate(&mut out, settings),
    }
    insert_times_and_reason(&mut out, task);
    out
}

/// The members of a task on Fargate.
fn insert_fargate(out: &mut Value, settings: Option<&RevisionSettings>) {
    insert(out, "launchType", json!("FARGATE"));
    insert(out, "platformFamily", json!("Linux"));
    for storage in ["ephemeralStorage", "fargateEphemeralStorage"] {
        insert(out, storage, json!({"sizeInGiB": 20}));
    }
    if let Some(settings) = settings {
        if let Some(provider) = settings.provider() {
            insert(out, "capacityProviderName", json!(provider));
        }
        insert(out, "platformVersion", json!(settings.resolved_platform()));
    }
}

fn insert_times_and_reason(out: &mut Value, task: &Task) {
    let times = &task.times;
    if times.connected.is_some() {
        insert(out, "connectivity", json!("CONNECTED"));
    }
    insert_time(out, "connectivityAt", times.connected);
    insert_time(out, "pullStartedAt", times.pull_started);
    insert_time(out, "pullStoppedAt", times.pull_stopped);
    insert_time(out, "startedAt", times.started);
    insert_time(out, "stoppingAt", times.stopping);
    insert_time(out, "executionStoppedAt", times.execution_stopped);
    insert_time(out, "stoppedAt", times.stopped);
    if let Some(reason) = &task.stop_reason {
        insert(out, "stopCode", json!(reason.code.as_ref()));
        insert(out, "stoppedReason", json!(reason.text));
    }
}

/// Returns true if the task's network interface is attached.
fn has_network(task: &Task) -> bool {
    task.status != TaskStatus::Provisioning
}

/// Returns true if the task is in a subnet with IPv6 addresses: a target group knows it by one.
fn has_ipv6(account: &Account, task: &Task) -> bool {
    let group = task.group.and_then(|group| account.load_balancer.group(group));
    group.is_some_and(|group| group.ip_address_type == IpAddressType::Ipv6)
}

/// The attachment of the task's network interface.
fn attachment(account: &Account, task: &Task, settings: Option<&RevisionSettings>) -> Value {
    let network = &task.network;
    let subnets = settings.map(RevisionSettings::subnets).unwrap_or_default();
    let subnet = subnets.get(usize::from(network.zone)).or(subnets.first()).copied().unwrap_or_default();
    let detail = |name: &str, value: &str| json!({"name": name, "value": value});
    let mut details = vec![detail("subnetId", subnet)];
    if has_network(task) {
        details.push(detail("networkInterfaceId", &network.id));
        details.push(detail("macAddress", &network.mac));
        details.push(detail("privateDnsName", &format!("ip-{}.ec2.internal", network.ip.replace('.', "-"))));
        details.push(detail("privateIPv4Address", &network.ip));
        if has_ipv6(account, task) {
            details.push(detail("ipv6Address", &network.ipv6));
        }
    }
    let status = match task.status {
        TaskStatus::Provisioning => "PRECREATED",
        TaskStatus::Stopped => "DELETED",
        _ => "ATTACHED",
    };
    json!({"id": network.attachment, "type": "ElasticNetworkInterface", "status": status, "details": details})
}

fn health(task: &Task) -> &'static str {
    if task.status == TaskStatus::Running && task.healthy_since.is_some() { "HEALTHY" } else { "UNKNOWN" }
}

fn containers(account: &Account, service: &Service, task: &Task) -> Vec<Value> {
    let definition = account.catalog.get(task.definition);
    let main = definition.main_container().map(|c| c.name.as_str());
    let status = match task.status {
        TaskStatus::Provisioning | TaskStatus::Pending | TaskStatus::Activating => "PENDING",
        TaskStatus::Running | TaskStatus::Deactivating | TaskStatus::Stopping => "RUNNING",
        TaskStatus::Deprovisioning | TaskStatus::Stopped => "STOPPED",
    };
    let mut network = json!({"attachmentId": task.network.attachment, "privateIpv4Address": task.network.ip});
    if has_ipv6(account, task) {
        insert(&mut network, "ipv6Address", json!(task.network.ipv6));
    }
    let interfaces = if has_network(task) && task.host_port.is_none() { json!([network]) } else { json!([]) };
    let agents = managed_agents(service, task);
    let container = |(at, from): (usize, &Container)| {
        let id = container_id(&task.container, at);
        let mut container = json!({
            "containerArn": account.arns.container(&service.cluster, &task.id, &id),
            "taskArn": account.arns.task(&service.cluster, &task.id),
            "name": from.name,
            "image": from.image,
            "lastStatus": status,
            "networkBindings": network_bindings(task, main == Some(from.name.as_str())),
            "networkInterfaces": interfaces,
            "healthStatus": if from.has_health_check { health(task) } else { "UNKNOWN" },
            "managedAgents": agents,
            "cpu": from.cpu.to_string(),
        });
        if let Some(digest) = task.digests.get(at) {
            let runtime = u64::from(task.network.zone) + at as u64 + RUNTIME_ID;
            insert(&mut container, "imageDigest", json!(digest));
            insert(&mut container, "runtimeId", json!(format!("{}-{runtime}", task.id)));
        }
        insert_exit(&mut container, task, main == Some(from.name.as_str()));
        container
    };
    definition.containers.iter().enumerate().map(container).collect()
}

/// networkBindings of a container: the main one has the task's host port, from its start on.
fn network_bindings(task: &Task, is_main: bool) -> Value {
    match task.host_port.filter(|_| is_main && task.times.started.is_some()) {
        Some(place) => json!([
            {"bindIP": "0.0.0.0", "containerPort": PORT, "hostPort": place.port, "protocol": "tcp"},
        ]),
        None => json!([]),
    }
}

/// Adds exitCode and reason. Only the main container fails; the others exit with 0.
fn insert_exit(container: &mut Value, task: &Task, is_main: bool) {
    if let Some(code) = task.exit_code {
        insert(container, "exitCode", json!(if is_main { code } else { 0 }));
    }
    if let Some(reason) = task.container_reason.as_ref().filter(|_| is_main) {
        insert(container, "reason", json!(reason));
    }
}

/// The agent of ECS Exec, if it is enabled.
fn managed_agents(service: &Service, task: &Task) -> Value {
    let revision = service.revisions.get(task.revision);
    if !revision.is_some_and(|r| r.settings.execute_command) {
        return json!([]);
    }
    let Some(started) = task.times.started else {
        return json!([{"name": "ExecuteCommandAgent", "lastStatus": "PENDING"}]);
    };
    let status = if task.status < TaskStatus::Deprovisioning { "RUNNING" } else { "STOPPED" };
    json!([{"name": "ExecuteCommandAgent", "lastStatus": status, "lastStartedAt": epoch(started)}])
}

/// The id of a task's container: the first container's id with another last digit.
fn container_id(first: &str, at: usize) -> String {
    if at == 0 {
        return first.to_owned();
    }
    format!("{}{:x}", first.get(..first.len().saturating_sub(1)).unwrap_or(first), at % 16)
}
