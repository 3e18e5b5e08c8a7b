//! ECS resources as the API shows them.

use serde_json::{Value, json};

use crate::sim::scenario::Strategy;
use crate::sim::world::World;
use crate::sim::world::balancer::GroupId;
use crate::sim::world::clock::epoch;
use crate::sim::world::definition::PORT;
use crate::sim::world::service::{Deployment, Rollout, Service, counts};

pub(super) fn tags(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

pub(super) fn insert(out: &mut Value, name: &str, value: Value) {
    if let Some(map) = out.as_object_mut() {
        map.insert(name.into(), value);
    }
}

/// `loadBalancers` of a service or of a revision whose tasks register with `group`.
pub(super) fn load_balancers(world: &World, service: &Service, group: Option<GroupId>) -> Value {
    let arn = |id: Option<GroupId>| id.and_then(|g| world.balancer.group(g)).map(|g| g.arn.clone());
    let Some(group) = arn(group) else {
        return json!([]);
    };
    let mut binding = json!({"targetGroupArn": group, "containerName": service.container, "containerPort": PORT});
    let rule = service.rule.and_then(|r| world.balancer.rules.get(r));
    if let (Some(alternate), Some(rule)) = (arn(service.alternate), rule) {
        let advanced = json!({
            "alternateTargetGroupArn": alternate,
            "productionListenerRule": rule.arn,
            "roleArn": world.ids.place.role("ecsInfrastructureRole"),
        });
        let mut advanced = advanced;
        if let Some(test) = service.test_rule.and_then(|r| world.balancer.rules.get(r)) {
            insert(&mut advanced, "testListenerRule", json!(test.arn));
        }
        insert(&mut binding, "advancedConfiguration", advanced);
    }
    json!([binding])
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
        "healthCheckGracePeriodSeconds": service.grace / 1000,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "createdBy": place.role("deployer"),
        "enableECSManagedTags": true,
        "propagateTags": "SERVICE",
        "enableExecuteCommand": service.current_revision().is_some_and(|r| r.settings.execute_command),
        "availabilityZoneRebalancing": "ENABLED",
        "resourceManagementType": "CUSTOMER",
    });
    if let Some(current) = service.current_revision() {
        current.settings.show(&mut out);
        insert(&mut out, "platformVersion", json!(current.settings.platform));
    }
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
    let revision = service.revisions.get(deployment.revision);
    let def = revision.map(|r| world.catalog.get(r.def).arn(&world.ids.place));
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
        "platformFamily": "Linux",
    });
    if let Some(settings) = revision.map(|r| &r.settings) {
        settings.show(&mut out);
        insert(&mut out, "platformVersion", json!(settings.resolved_platform()));
    }
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
