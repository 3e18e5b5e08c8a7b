//! ECS resources as the API shows them.

use serde_json::{Map, Value, json};

use crate::sim::scenario::Strategy;
use crate::sim::world::World;
use crate::sim::world::balancer::GroupId;
use crate::sim::world::catalog::TaskDef;
use crate::sim::world::clock::{Ms, epoch};
use crate::sim::world::service::{Deployment, Rollout, Service, counts};
use crate::sim::world::task::{State, Task};

/// The port that every container listens on.
pub(super) const PORT: u16 = 8080;
/// The newest Fargate platform.
const PLATFORM: &str = "1.4.0";

pub(super) fn subnets() -> Value {
    json!(["subnet-0a1b2c3d4e5f60718", "subnet-0b2c3d4e5f6071829"])
}

pub(super) fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": subnets(), "securityGroups": ["sg-0c3d4e5f607182930"], "assignPublicIp": "DISABLED"}})
}

pub(super) fn tags(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

pub(super) fn insert(out: &mut Value, name: &str, value: Value) {
    if let Some(map) = out.as_object_mut() {
        map.insert(name.into(), value);
    }
}

fn insert_time(map: &mut Map<String, Value>, name: &str, at: Option<Ms>) {
    if let Some(at) = at {
        map.insert(name.into(), epoch(at));
    }
}

/// `loadBalancers` of a service or of a revision whose tasks register with `group`.
pub(super) fn load_balancers(world: &World, service: &Service, group: Option<GroupId>) -> Value {
    let arn = |id: Option<GroupId>| id.and_then(|g| world.balancer.group(g)).map(|g| g.arn.clone());
    let Some(group) = arn(group) else {
        return json!([]);
    };
    let mut binding =
        json!({"targetGroupArn": group, "containerName": container_name(world, service), "containerPort": PORT});
    let rule = service.rule.and_then(|r| world.balancer.rules.get(r));
    if let (Some(alternate), Some(rule)) = (arn(service.alternate), rule) {
        let advanced = json!({
            "alternateTargetGroupArn": alternate,
            "productionListenerRule": rule.arn,
            "roleArn": world.ids.place.role("ecsInfrastructureRole"),
        });
        insert(&mut binding, "advancedConfiguration", advanced);
    }
    json!([binding])
}

pub(super) fn container_name(world: &World, service: &Service) -> String {
    service.current_revision().map(|r| world.catalog.get(r.def).family.clone()).unwrap_or_default()
}

pub(super) fn service(world: &World, service: &Service, with_tags: bool) -> Value {
    let place = &world.ids.place;
    let (running, pending) = counts(service.tasks.iter());
    let events: Vec<_> = service
        .events
        .iter()
        .rev()
        .map(|e| json!({"id": e.id, "createdAt": epoch(e.created), "message": e.message}))
        .collect();
    let mut current: Vec<Value> = Vec::new();
    for (at, deployment) in service.deployments.iter().enumerate() {
        // A revision that two deployments install, as after a rollback, is one revision.
        if service.deployments.iter().take(at).any(|d| d.revision == deployment.revision) {
            continue;
        }
        let Some(revision) = service.revisions.get(deployment.revision) else {
            continue;
        };
        let (running, pending) = counts(service.tasks_of_revision(deployment.revision));
        let requested = deployment_desired(service, deployment);
        current.push(json!({
            "arn": place.service_revision(&service.cluster, &service.name, revision.id),
            "requestedTaskCount": requested, "runningTaskCount": running, "pendingTaskCount": pending,
        }));
    }
    let mut out = json!({
        "serviceArn": place.service(&service.cluster, &service.name),
        "serviceName": service.name,
        "clusterArn": place.cluster(&service.cluster),
        "loadBalancers": load_balancers(world, service, service.group),
        "serviceRegistries": [],
        "status": "ACTIVE",
        "desiredCount": service.desired,
        "runningCount": running,
        "pendingCount": pending,
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "taskDefinition": service.task_definition(&world.catalog, &world.ids),
        "deploymentConfiguration": service.config.json(),
        "deployments": service.deployments.iter().enumerate().map(|(at, d)| deployment_entry(world, service, at, d)).collect::<Vec<_>>(),
        "roleArn": format!("arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", place.account),
        "events": events,
        "createdAt": epoch(service.created),
        "currentServiceRevisions": current,
        "placementConstraints": [],
        "placementStrategy": [],
        "networkConfiguration": network(),
        "healthCheckGracePeriodSeconds": service.grace / 1000,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "createdBy": place.role("deployer"),
        "enableECSManagedTags": true,
        "propagateTags": "SERVICE",
        "enableExecuteCommand": false,
        "availabilityZoneRebalancing": "ENABLED",
        "resourceManagementType": "CUSTOMER",
    });
    if let Some(last) = service.last() {
        insert(
            &mut out,
            "currentServiceDeployment",
            json!(place.service_deployment(&service.cluster, &service.name, &last.id)),
        );
    }
    if with_tags {
        insert(&mut out, "tags", tags(&service.tags));
    }
    out
}

/// desiredCount of an entry of `deployments[]`: what an old one still has to keep.
fn deployment_desired(service: &Service, deployment: &Deployment) -> u32 {
    if service.primary().is_some_and(|p| p.id == deployment.id) {
        return deployment.desired;
    }
    let live = service.tasks_of(deployment.id).filter(|t| t.live()).count();
    u32::try_from(live).unwrap_or(u32::MAX)
}

fn deployment_entry(world: &World, service: &Service, at: usize, deployment: &Deployment) -> Value {
    let (running, pending) = counts(service.tasks_of(deployment.id));
    let def = service.revisions.get(deployment.revision).map(|r| world.catalog.get(r.def).arn(&world.ids.place));
    let mut out = json!({
        "id": format!("ecs-svc/{}", deployment.id),
        "status": if at == 0 { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": def,
        "desiredCount": deployment_desired(service, deployment),
        "pendingCount": pending,
        "runningCount": running,
        "failedTasks": deployment.failed,
        "createdAt": epoch(deployment.created),
        "updatedAt": epoch(deployment.updated),
        "launchType": "FARGATE",
        "platformVersion": PLATFORM,
        "platformFamily": "Linux",
        "networkConfiguration": network(),
    });
    if service.config.strategy == Strategy::Rolling {
        let reason = match deployment.rollout {
            Rollout::Completed => format!("ECS deployment ecs-svc/{} completed.", deployment.id),
            Rollout::Failed => "ECS deployment circuit breaker: tasks failed to start.".into(),
            Rollout::InProgress => format!("ECS deployment ecs-svc/{} in progress.", deployment.id),
        };
        insert(&mut out, "rolloutState", json!(deployment.rollout.as_ref()));
        insert(&mut out, "rolloutStateReason", json!(reason));
    }
    out
}

pub(super) fn task(world: &World, service: &Service, task: &Task) -> Value {
    let place = &world.ids.place;
    let def = world.catalog.get(task.def);
    let arn = place.task(&service.cluster, &task.id);
    let up = task.state != State::Provisioning;
    let (zone, subnet) = if task.zone == 0 { ("a", 0) } else { ("b", 1) };
    let detail = |name: &str, value: Value| json!({"name": name, "value": value});
    let mut details = vec![detail("subnetId", subnets().get(subnet).cloned().unwrap_or_default())];
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
    let mut container = json!({
        "containerArn": place.container(&service.cluster, &task.id, &task.container),
        "taskArn": arn,
        "name": def.family,
        "image": def.image,
        "lastStatus": container_status,
        "networkBindings": [],
        "networkInterfaces": if up { json!([{"attachmentId": task.attachment, "privateIpv4Address": task.ip}]) } else { json!([]) },
        "healthStatus": health,
        "managedAgents": [],
        "cpu": "0",
    });
    if task.pull_stopped.is_some() {
        insert(&mut container, "imageDigest", json!(def.digest));
        insert(&mut container, "runtimeId", json!(format!("{}-{}", task.id, u64::from(task.zone) + 527_074_092)));
    }
    if let Some(code) = task.exit_code {
        insert(&mut container, "exitCode", json!(code));
    }
    if let Some(reason) = &task.container_reason {
        insert(&mut container, "reason", json!(reason));
    }
    let mut out = json!({
        "attachments": [{"id": task.attachment, "type": "ElasticNetworkInterface", "status": attached, "details": details}],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "availabilityZone": format!("{}{zone}", place.region),
        "clusterArn": place.cluster(&service.cluster),
        "containers": [container],
        "cpu": def.cpu.to_string(),
        "createdAt": epoch(task.created),
        "desiredStatus": if task.leaving { "STOPPED" } else { "RUNNING" },
        "enableExecuteCommand": false,
        "group": format!("service:{}", service.name),
        "healthStatus": health,
        "lastStatus": task.state.as_ref(),
        "launchType": "FARGATE",
        "memory": def.memory.to_string(),
        "overrides": {"containerOverrides": [{"name": def.family}], "inferenceAcceleratorOverrides": []},
        "platformVersion": PLATFORM,
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

pub(super) fn task_definition(world: &World, def: &TaskDef) -> Value {
    let place = &world.ids.place;
    let (family, tag) = (&def.family, def.image.rsplit_once(':').map_or("", |(_, tag)| tag));
    let attribute = |name: &str| json!({"name": format!("com.amazonaws.ecs.capability.{name}")});
    let mut out = json!({
        "taskDefinitionArn": def.arn(place),
        "containerDefinitions": [{
            "name": family,
            "image": def.image,
            "cpu": 0,
            "portMappings": [{"containerPort": PORT, "hostPort": PORT, "protocol": "tcp", "name": "http", "appProtocol": "http"}],
            "essential": true,
            "environment": [{"name": "RELEASE", "value": tag}, {"name": "LOG_LEVEL", "value": "info"}],
            "mountPoints": [],
            "volumesFrom": [],
            "secrets": [{"name": "DATABASE_URL", "valueFrom": place.secret(&format!("shop/{family}/database-AbCdEf"))}],
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": format!("/ecs/{family}"), "awslogs-region": place.region, "awslogs-stream-prefix": family,
            }},
            "healthCheck": {"command": ["CMD-SHELL", format!("curl -fsS http://localhost:{PORT}/health || exit 1")],
                "interval": 5, "timeout": 3, "retries": 3, "startPeriod": 10},
            "systemControls": [],
        }],
        "family": family,
        "taskRoleArn": place.role(&format!("{family}-task")),
        "executionRoleArn": place.role("ecsTaskExecutionRole"),
        "networkMode": "awsvpc",
        "revision": def.revision,
        "volumes": [],
        "status": if def.deregistered.is_some() { "INACTIVE" } else { "ACTIVE" },
        "requiresAttributes": [attribute("logging-driver.awslogs"), attribute("docker-remote-api.1.19"), attribute("task-iam-role")],
        "placementConstraints": [],
        "compatibilities": ["EC2", "FARGATE"],
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "requiresCompatibilities": ["FARGATE"],
        "cpu": def.cpu.to_string(),
        "memory": def.memory.to_string(),
        "registeredAt": epoch(def.registered),
        "registeredBy": format!("arn:aws:sts::{}:assumed-role/deployer/pipeline", place.account),
        "enableFaultInjection": false,
    });
    if let Some(at) = def.deregistered {
        insert(&mut out, "deregisteredAt", epoch(at));
    }
    out
}
