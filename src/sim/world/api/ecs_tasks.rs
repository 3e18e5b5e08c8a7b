//! Tasks as the API shows them.

use serde_json::{Map, Value, json};

use super::ecs_show::{insert, tags};
use crate::sim::world::World;
use crate::sim::world::clock::{Ms, epoch};
use crate::sim::world::service::Service;
use crate::sim::world::settings::Settings;
use crate::sim::world::task::{State, Task};

fn insert_time(map: &mut Map<String, Value>, name: &str, at: Option<Ms>) {
    if let Some(at) = at {
        map.insert(name.into(), epoch(at));
    }
}

pub(super) fn show(world: &World, service: &Service, task: &Task) -> Value {
    let place = &world.ids.place;
    let def = world.catalog.get(task.def);
    let arn = place.task(&service.cluster, &task.id);
    let up = task.state != State::Provisioning;
    let zone = if task.zone == 0 { "a" } else { "b" };
    let settings = service.revisions.get(task.revision).map(|r| &r.settings);
    let subnets = settings.map(Settings::subnets).unwrap_or_default();
    let subnet = subnets.get(usize::from(task.zone)).or(subnets.first()).copied().unwrap_or_default();
    let detail = |name: &str, value: Value| json!({"name": name, "value": value});
    let mut details = vec![detail("subnetId", json!(subnet))];
    if up {
        details.push(detail("networkInterfaceId", json!(task.eni)));
        details.push(detail("macAddress", json!(task.mac)));
        details.push(detail("privateDnsName", json!(format!("ip-{}.ec2.internal", task.ip.replace('.', "-")))));
        details.push(detail("privateIPv4Address", json!(task.ip)));
    }
    let attached = match task.state {
        State::Provisioning => "PRECREATED",
        State::Stopped => "DELETED",
        _ => "ATTACHED",
    };
    let health = if task.state == State::Running && task.healthy_since.is_some() { "HEALTHY" } else { "UNKNOWN" };
    let container_status = match task.state {
        State::Provisioning | State::Pending | State::Activating => "PENDING",
        State::Running | State::Deactivating | State::Stopping => "RUNNING",
        State::Deprovisioning | State::Stopped => "STOPPED",
    };
    let network =
        if up { json!([{"attachmentId": task.attachment, "privateIpv4Address": task.ip}]) } else { json!([]) };
    let main = def.main().map(|c| c.name.as_str());
    let agent = settings.is_some_and(|s| s.execute_command);
    let agents = match (agent, task.started) {
        (false, _) => json!([]),
        (true, None) => json!([{"name": "ExecuteCommandAgent", "lastStatus": "PENDING"}]),
        (true, Some(at)) => {
            let status = if task.state < State::Deprovisioning { "RUNNING" } else { "STOPPED" };
            json!([{"name": "ExecuteCommandAgent", "lastStatus": status, "lastStartedAt": epoch(at)}])
        }
    };
    let containers = def.containers.iter().enumerate().map(|(at, from)| {
        let mut container = json!({
            "containerArn": place.container(&service.cluster, &task.id, &numbered(&task.container, at)),
            "taskArn": arn,
            "name": from.name,
            "image": from.image,
            "lastStatus": container_status,
            "networkBindings": [],
            "networkInterfaces": network,
            "healthStatus": if from.checked { health } else { "UNKNOWN" },
            "managedAgents": agents,
            "cpu": from.cpu.to_string(),
        });
        if let Some(digest) = task.digests.get(at) {
            let runtime = u64::from(task.zone) + at as u64 + 527_074_092;
            insert(&mut container, "imageDigest", json!(digest));
            insert(&mut container, "runtimeId", json!(format!("{}-{runtime}", task.id)));
        }
        // What went wrong went wrong in the main container; the others were told to stop.
        if main == Some(from.name.as_str()) {
            if let Some(code) = task.exit_code {
                insert(&mut container, "exitCode", json!(code));
            }
            if let Some(reason) = &task.container_reason {
                insert(&mut container, "reason", json!(reason));
            }
        } else if task.exit_code.is_some() {
            insert(&mut container, "exitCode", json!(0));
        }
        container
    });
    let containers: Vec<Value> = containers.collect();
    let overrides: Vec<Value> = def.containers.iter().map(|c| json!({"name": c.name})).collect();
    let mut out = json!({
        "attachments": [{"id": task.attachment, "type": "ElasticNetworkInterface", "status": attached, "details": details}],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "availabilityZone": format!("{}{zone}", place.region),
        "clusterArn": place.cluster(&service.cluster),
        "containers": containers,
        "cpu": def.cpu,
        "createdAt": epoch(task.created),
        "desiredStatus": if task.leaving { "STOPPED" } else { "RUNNING" },
        "enableExecuteCommand": agent,
        "group": format!("service:{}", service.name),
        "healthStatus": health,
        "lastStatus": task.state.as_ref(),
        "memory": def.memory,
        "overrides": {"containerOverrides": overrides, "inferenceAcceleratorOverrides": []},
        "platformFamily": "Linux",
        "startedBy": format!("ecs-svc/{}", task.deployment),
        "tags": tags(&service.tags),
        "taskArn": arn,
        "taskDefinitionArn": def.arn(place),
        "version": task.state as u8 + 1,
        "ephemeralStorage": {"sizeInGiB": 20},
        "fargateEphemeralStorage": {"sizeInGiB": 20},
    });
    if let Some(map) = out.as_object_mut() {
        map.insert("launchType".into(), json!("FARGATE"));
        if let Some(provider) = settings.and_then(Settings::provider) {
            map.insert("capacityProviderName".into(), json!(provider));
        }
        if let Some(settings) = settings {
            map.insert("platformVersion".into(), json!(settings.resolved_platform()));
        }
        if task.connected.is_some() {
            map.insert("connectivity".into(), json!("CONNECTED"));
        }
        insert_time(map, "connectivityAt", task.connected);
        insert_time(map, "pullStartedAt", task.pull_started);
        insert_time(map, "pullStoppedAt", task.pull_stopped);
        insert_time(map, "startedAt", task.started);
        insert_time(map, "stoppingAt", task.stopping);
        insert_time(map, "executionStoppedAt", task.execution_stopped);
        insert_time(map, "stoppedAt", task.stopped);
        if let Some(code) = task.stop_code {
            map.insert("stopCode".into(), json!(code.as_ref()));
        }
        if let Some(reason) = &task.stopped_reason {
            map.insert("stoppedReason".into(), json!(reason));
        }
    }
    out
}

/// The id of a task's container: the first one's, with the number of the container as its last digit.
fn numbered(id: &str, at: usize) -> String {
    if at == 0 { id.to_owned() } else { format!("{}{:x}", id.get(..id.len().saturating_sub(1)).unwrap_or(id), at % 16) }
}
