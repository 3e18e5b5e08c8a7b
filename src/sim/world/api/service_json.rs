//! Services as DescribeServices shows them.

use serde_json::{Value, json};

use super::json::{insert, tags};
use super::lookup::deployment_arn;
use crate::sim::scenario::{Managed, Strategy};
use crate::sim::world::account::Account;
use crate::sim::world::clock::epoch;
use crate::sim::world::ecs::service::{Deployment, Revision, RolloutState, Service, task_counts};
use crate::sim::world::elb::target_group::GroupId;
use crate::sim::world::task_definitions::definition::PORT;

pub(super) fn service(account: &Account, service: &Service, with_tags: bool) -> Value {
    let arns = &account.arns;
    let (running, pending) = task_counts(service.tasks.iter());
    let entries = service.deployments.iter().enumerate();
    let deployments: Vec<Value> = entries.map(|(at, d)| deployment_entry(account, service, at, d)).collect();
    let mut out = json!({
        "serviceArn": arns.service(&service.cluster, &service.name),
        "serviceName": service.name,
        "clusterArn": arns.cluster(&service.cluster),
        "loadBalancers": load_balancers(account, service),
        "serviceRegistries": [],
        "status": service.status.as_ref(),
        "desiredCount": service.desired,
        "runningCount": running,
        "pendingCount": pending,
        "taskDefinition": service.task_definition(&account.catalog, arns),
        "deploymentConfiguration": service.config.json(),
        "deployments": deployments,
        "roleArn": format!("arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", arns.account),
        "events": events(service),
        "createdAt": epoch(service.created),
        "currentServiceRevisions": current_revisions(account, service),
        "placementConstraints": [],
        "placementStrategy": [],
        "healthCheckGracePeriodSeconds": service.grace / 1000,
        "schedulingStrategy": service.scheduling_strategy(),
        "deploymentController": {"type": "ECS"},
        "createdBy": arns.role("deployer"),
        "enableECSManagedTags": true,
        "propagateTags": "SERVICE",
        "enableExecuteCommand": service.current_revision().is_some_and(|r| r.settings.execute_command),
        "availabilityZoneRebalancing": "ENABLED",
        "resourceManagementType": if service.managed == Some(Managed::Express) { "ECS" } else { "CUSTOMER" },
    });
    // An Express service has no taskDefinition of its own: its PRIMARY deployment has.
    if service.managed == Some(Managed::Express)
        && let Some(members) = out.as_object_mut()
    {
        members.remove("taskDefinition");
    }
    if let Some(current) = service.current_revision() {
        let on_instances = account.catalog.get(current.definition).on_instances;
        current.settings.add_to(on_instances, &current.settings.platform, &mut out);
    }
    if let Some(latest) = service.latest_deployment() {
        insert(&mut out, "currentServiceDeployment", json!(deployment_arn(account, service, latest)));
    }
    if with_tags {
        insert(&mut out, "tags", tags(&service.tags));
    }
    out
}

/// Adds vpcLatticeConfigurations to a deployment or a revision of a service behind VPC Lattice.
pub(super) fn add_lattice(account: &Account, service: &Service, out: &mut Value) {
    if service.managed != Some(Managed::Lattice) {
        return;
    }
    let lattice = |kind: &str, name: &str| account.arns.lattice(&format!("{kind}/{name}"));
    let role = account.arns.role("ecsInfrastructureRole");
    let mut binding = json!({
        "roleArn": role,
        "targetGroupArn": lattice("targetgroup", &format!("tg-{}", service.name)),
        "portName": service.container,
    });
    if service.config.strategy != Strategy::Rolling {
        let advanced = json!({
            "alternateTargetGroupArn": lattice("targetgroup", &format!("tg-{}-alternate", service.name)),
            "productionListenerRule": lattice("service", &format!("svc-{}/listener/listener-1/rule/rule-1", service.name)),
        });
        insert(&mut binding, "advancedConfiguration", advanced);
    }
    insert(out, "vpcLatticeConfigurations", json!([binding]));
}

/// `loadBalancers` of a service and of its revisions. Those of a Gateway are not the service's.
pub(super) fn load_balancers(account: &Account, service: &Service) -> Value {
    if matches!(service.managed, Some(Managed::Gateway | Managed::Lattice)) {
        return json!([]);
    }
    let balancer = &account.load_balancer;
    let group_arn = |id: Option<GroupId>| id.and_then(|g| balancer.group(g)).map(|g| g.arn.clone());
    let rule_arn = |rule: Option<usize>| rule.and_then(|r| balancer.rules.get(r)).map(|r| &r.arn);
    let Some(group) = group_arn(service.group) else {
        return json!([]);
    };
    let mut binding = json!({"targetGroupArn": group, "containerName": service.container, "containerPort": PORT});
    if let (Some(alternate), Some(rule)) = (group_arn(service.alternate), rule_arn(service.rule)) {
        let mut advanced = json!({
            "alternateTargetGroupArn": alternate,
            "productionListenerRule": rule,
            "roleArn": account.arns.role("ecsInfrastructureRole"),
        });
        if let Some(test) = rule_arn(service.test_rule) {
            insert(&mut advanced, "testListenerRule", json!(test));
        }
        insert(&mut binding, "advancedConfiguration", advanced);
    }
    let more = service.more_groups.iter().map(|group| {
        json!({"targetGroupArn": group_arn(Some(*group)), "containerName": service.container, "containerPort": PORT})
    });
    std::iter::once(binding).chain(more).collect()
}

/// `events`, newest first.
fn events(service: &Service) -> Vec<Value> {
    let newest_first = service.events.iter().rev();
    newest_first.map(|e| json!({"id": e.id, "createdAt": epoch(e.created), "message": e.message})).collect()
}

fn current_revisions(account: &Account, service: &Service) -> Vec<Value> {
    let mut current = Vec::new();
    for (at, deployment) in service.deployments.iter().enumerate() {
        // After a rollback two deployments may install the same revision.
        if service.deployments.iter().take(at).any(|d| d.revision == deployment.revision) {
            continue;
        }
        let Some(revision) = service.revisions.get(deployment.revision) else {
            continue;
        };
        let (running, pending) = task_counts(service.tasks_of_revision(deployment.revision));
        current.push(json!({
            "arn": account.arns.service_revision(&service.cluster, &service.name, revision.id),
            "requestedTaskCount": desired_count(service, deployment),
            "runningTaskCount": running,
            "pendingTaskCount": pending,
        }));
    }
    current
}

/// desiredCount of an entry of `deployments[]`. An old deployment desires the live tasks that it has left.
fn desired_count(service: &Service, deployment: &Deployment) -> u32 {
    if service.primary().is_some_and(|p| p.id == deployment.id) {
        return deployment.desired;
    }
    let live = service.tasks_of(deployment.id).filter(|t| t.is_live()).count();
    u32::try_from(live).unwrap_or(u32::MAX)
}

fn deployment_entry(account: &Account, service: &Service, at: usize, deployment: &Deployment) -> Value {
    let (running, pending) = task_counts(service.tasks_of(deployment.id));
    let revision = service.revisions.get(deployment.revision);
    let mut out = json!({
        "id": format!("ecs-svc/{}", deployment.id),
        "status": if at == 0 { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": revision.map(|r| account.catalog.get(r.definition).arn(&account.arns)),
        "desiredCount": desired_count(service, deployment),
        "pendingCount": pending,
        "runningCount": running,
        "failedTasks": deployment.failed,
        "createdAt": epoch(deployment.created),
        "updatedAt": epoch(deployment.updated),
    });
    if let Some(Revision { definition, settings, .. }) = revision {
        let on_instances = account.catalog.get(*definition).on_instances;
        settings.add_to(on_instances, settings.resolved_platform(), &mut out);
    }
    add_lattice(account, service, &mut out);
    if service.config.strategy == Strategy::Rolling {
        let reason = match deployment.rollout {
            RolloutState::Completed => format!("ECS deployment ecs-svc/{} completed.", deployment.id),
            RolloutState::Failed => "ECS deployment circuit breaker: tasks failed to start.".into(),
            RolloutState::InProgress => format!("ECS deployment ecs-svc/{} in progress.", deployment.id),
        };
        insert(&mut out, "rolloutState", json!(deployment.rollout.as_ref()));
        insert(&mut out, "rolloutStateReason", json!(reason));
    }
    out
}
