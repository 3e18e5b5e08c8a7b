//! Service deployments and service revisions.

use serde_json::{Value, json};

use super::error::refuse;
use super::input::Input;
use super::json::{insert, insert_time};
use super::lookup::{deployment_arn, find_cluster, find_deployment, find_service, missing};
use super::page::ecs_page;
use super::service_json::{add_lattice, load_balancers};
use crate::sim::api::{Answer, ApiError};
use crate::sim::scenario::Managed;
use crate::sim::world::account::Account;
use crate::sim::world::clock::{Ms, epoch};
use crate::sim::world::ecs::service::{Revision, Service, task_counts};
use crate::sim::world::ecs::service_deployment::{MonitorStatus, ServiceDeployment};
use crate::sim::world::elb::target_group::GroupId;
use crate::sim::world::task_definitions::definition::Container;

pub(super) fn list(account: &Account, input: Input<'_>) -> Answer {
    let cluster = find_cluster(account, input)?;
    let at = find_service(account, &cluster, input, "service")?;
    let Some(service) = account.services.get(at) else {
        return Ok(json!({"serviceDeployments": []}));
    };
    let statuses = input.texts("status");
    let created = input.get("createdAt").map(Input::new);
    let bound = |name: &str| created.and_then(|b| b.float(name)).map(|s| (s * 1000.0) as Ms);
    let matches = |d: &&ServiceDeployment| {
        (statuses.is_empty() || statuses.contains(&d.status.as_ref()))
            && bound("after").is_none_or(|after| d.created > after)
            && bound("before").is_none_or(|before| d.created < before)
    };
    let brief = |deployment: &ServiceDeployment| {
        let mut out = json!({
            "serviceDeploymentArn": deployment_arn(account, service, deployment),
            "serviceArn": account.arns.service(&service.cluster, &service.name),
            "clusterArn": account.arns.cluster(&service.cluster),
            "createdAt": epoch(deployment.created),
            "targetServiceRevisionArn": revision_arn(account, service, deployment.target),
            "status": deployment.status.as_ref(),
        });
        insert_time(&mut out, "startedAt", deployment.started);
        insert_time(&mut out, "finishedAt", deployment.finished);
        if let Some(reason) = &deployment.reason {
            insert(&mut out, "statusReason", json!(reason));
        }
        out
    };
    let all = service.history.iter().rev().filter(matches).map(brief).collect();
    ecs_page("serviceDeployments", &format!("deployments {at} {statuses:?}"), all, input, 20)
}

fn revision_arn(account: &Account, service: &Service, revision: usize) -> Option<String> {
    service.revisions.get(revision).map(|r| account.arns.service_revision(&service.cluster, &service.name, r.id))
}

pub(super) fn describe(account: &Account, input: Input<'_>) -> Answer {
    let (mut deployments, mut failures) = (Vec::new(), Vec::new());
    for arn in given_arns(input, "serviceDeploymentArns", "Service deployment ARNs")? {
        let found = find_deployment(account, arn)
            .and_then(|(s, d)| account.services.get(s).and_then(|s| s.history.get(d).map(|d| (s, d))));
        match found {
            Some((service, deployment)) => deployments.push(deployment_json(account, service, deployment)),
            None => failures.push(missing(arn)),
        }
    }
    Ok(json!({"serviceDeployments": deployments, "failures": failures}))
}

/// The ARNs of a list that must have between 1 and 20 items. `what` names the items in an error.
fn given_arns<'a>(input: Input<'a>, member: &str, what: &str) -> Result<Vec<&'a str>, ApiError> {
    let arns = input.texts(member);
    match arns.len() {
        0 => Err(refuse("InvalidParameterException", format!("{what} cannot be empty."))),
        1..=20 => Ok(arns),
        _ => Err(refuse("InvalidParameterException", format!("{what} cannot have more than 20 elements."))),
    }
}

fn deployment_json(account: &Account, service: &Service, deployment: &ServiceDeployment) -> Value {
    let (target, sources) = revision_summaries(account, service, deployment);
    let mut out = json!({
        "serviceDeploymentArn": deployment_arn(account, service, deployment),
        "serviceArn": account.arns.service(&service.cluster, &service.name),
        "clusterArn": account.arns.cluster(&service.cluster),
        "createdAt": epoch(deployment.created),
        "updatedAt": epoch(deployment.updated),
        "sourceServiceRevisions": sources,
        "targetServiceRevision": target,
        "status": deployment.status.as_ref(),
        "deploymentConfiguration": deployment.config.json(),
        "deploymentCircuitBreaker": circuit_breaker(deployment),
        "alarms": {
            "status": deployment.alarms.as_ref(),
            "alarmNames": deployment.config.alarms,
            "triggeredAlarmNames": deployment.triggered_alarms,
        },
    });
    insert_time(&mut out, "startedAt", deployment.started);
    insert_time(&mut out, "finishedAt", deployment.finished);
    insert_time(&mut out, "stoppedAt", deployment.stopped);
    if let Some(reason) = &deployment.reason {
        insert(&mut out, "statusReason", json!(reason));
    }
    if let Some(rollback) = &deployment.rollback {
        let revision = revision_arn(account, service, rollback.revision);
        insert(
            &mut out,
            "rollback",
            json!({"reason": rollback.reason, "startedAt": epoch(rollback.started), "serviceRevisionArn": revision}),
        );
    }
    if let Some(lifecycle) = &deployment.lifecycle {
        lifecycle.add_to(&mut out);
    }
    out
}

fn circuit_breaker(deployment: &ServiceDeployment) -> Value {
    if deployment.breaker == MonitorStatus::Disabled {
        return json!({"status": "DISABLED", "failureCount": 0, "threshold": 0});
    }
    json!({
        "status": deployment.breaker.as_ref(),
        "failureCount": deployment.failures,
        "threshold": deployment.threshold,
    })
}

/// targetServiceRevision and sourceServiceRevisions. They show no running tasks once the deployment has ended, except
/// for the requested ones of the target.
fn revision_summaries(account: &Account, service: &Service, deployment: &ServiceDeployment) -> (Value, Vec<Value>) {
    let ended = deployment.status.is_terminal();
    let summary = |revision: usize, requested: u32| {
        let (running, pending) = if ended { (0, 0) } else { task_counts(service.tasks_of_revision(revision)) };
        let requested = if ended && revision != deployment.target { 0 } else { requested };
        let running = if ended && requested > 0 { requested } else { running };
        json!({
            "arn": revision_arn(account, service, revision),
            "requestedTaskCount": requested,
            "runningTaskCount": running,
            "pendingTaskCount": pending,
        })
    };
    let live = |revision: usize| {
        let live = service.tasks_of_revision(revision).filter(|t| t.is_live()).count();
        u32::try_from(live).unwrap_or(u32::MAX)
    };
    let desired = deployment.desired;
    let rolled_back = deployment.rollback.is_some();
    let requested = if rolled_back { live(deployment.target).min(desired) } else { desired };
    let mut target = summary(deployment.target, requested);
    let mut sources: Vec<Value> = deployment.sources.iter().map(|s| summary(*s, live(*s))).collect();
    if let Some(lifecycle) = &deployment.lifecycle {
        lifecycle.add_weights(&mut target, &mut sources);
    }
    (target, sources)
}

pub(super) fn describe_revisions(account: &Account, input: Input<'_>) -> Answer {
    let (mut revisions, mut failures) = (Vec::new(), Vec::new());
    for arn in given_arns(input, "serviceRevisionArns", "Service revision ARNs")? {
        let in_service = |service: &Service| {
            (0..service.revisions.len()).find(|at| revision_arn(account, service, *at).as_deref() == Some(arn))
        };
        match account.services.iter().find_map(|s| in_service(s).map(|at| (s, at))) {
            Some((service, at)) => revisions.extend(revision_json(account, service, at)),
            None => failures.push(missing(arn)),
        }
    }
    Ok(json!({"serviceRevisions": revisions, "failures": failures}))
}

fn revision_json(account: &Account, service: &Service, at: usize) -> Option<Value> {
    let revision = service.revisions.get(at)?;
    let arns = &account.arns;
    let mut out = json!({
        "serviceRevisionArn": arns.service_revision(&service.cluster, &service.name, revision.id),
        "serviceArn": arns.service(&service.cluster, &service.name),
        "clusterArn": arns.cluster(&service.cluster),
        "taskDefinition": account.catalog.get(revision.definition).arn(arns),
        "loadBalancers": load_balancers(account, service),
        "containerImages": container_images(account, revision),
        "guardDutyEnabled": false,
        "createdAt": epoch(revision.created),
    });
    let on_instances = account.catalog.get(revision.definition).on_instances;
    revision.settings.add_to(on_instances, revision.settings.resolved_platform(), &mut out);
    if service.managed == Some(Managed::Gateway) {
        insert(&mut out, "gatewayConnectors", json!([{"portName": service.container}]));
        insert(&mut out, "ecsManagedResources", gateway_resources(account, service));
        return Some(out);
    }
    if service.managed == Some(Managed::Lattice) {
        add_lattice(account, service, &mut out);
        return Some(out);
    }
    // Only installed revisions have a resolved configuration.
    let installed = service.deployments.iter().any(|d| d.revision == at);
    let group = revision.group.and_then(|g| account.load_balancer.group(g)).filter(|_| installed);
    if let Some(group) = group {
        let mut binding = json!({"targetGroupArn": group.arn});
        if let Some(rule) = service.rule.and_then(|r| account.load_balancer.rules.get(r)) {
            insert(&mut binding, "productionListenerRule", json!(rule.arn));
        }
        insert(&mut out, "resolvedConfiguration", json!({"loadBalancers": [binding]}));
    }
    Some(out)
}

/// ecsManagedResources of a revision behind a Gateway.
fn gateway_resources(account: &Account, service: &Service) -> Value {
    let balancer = &account.load_balancer;
    let group = |id: Option<GroupId>| id.and_then(|id| balancer.group(id)).map(|group| &group.arn);
    let rule = |at: Option<usize>| at.and_then(|at| balancer.rules.get(at)).map(|rule| &rule.arn);
    let resources = json!({
        "loadBalancerArn": balancer.arn,
        "listenerRuleArn": rule(service.rule),
        "testListenerRuleArn": rule(service.test_rule),
        "targetGroupArn": group(service.group),
        "alternateTargetGroupArn": group(service.alternate),
    });
    json!({"gatewayConnections": [{
        "portName": service.container,
        "accessType": "PUBLIC",
        "status": "ACTIVE",
        "resources": {"hostSharedAlb": [resources]},
    }]})
}

/// containerImages. Digests are unknown until the revision's first task has pulled its images.
fn container_images(account: &Account, revision: &Revision) -> Vec<Value> {
    let image = |(at, container): (usize, &Container)| {
        let mut out = json!({"containerName": container.name, "image": container.image});
        if let Some(digest) = revision.digests.as_ref().and_then(|d| d.get(at)) {
            insert(&mut out, "imageDigest", json!(digest));
        }
        out
    };
    account.catalog.get(revision.definition).containers.iter().enumerate().map(image).collect()
}
