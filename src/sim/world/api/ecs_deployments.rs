//! Service deployments and service revisions: ECS's own record of releases.

use serde_json::{Value, json};

use super::ecs_list::paged;
use super::ecs_read::{find_cluster, find_service, missing};
use super::ecs_show::{insert, load_balancers};
use super::input::Input;
use super::refuse;
use crate::sim::api::Answer;
use crate::sim::world::World;
use crate::sim::world::clock::{Ms, epoch};
use crate::sim::world::definition::Container;
use crate::sim::world::service::{Monitor, Service, ServiceDeployment, counts};

fn insert_time(out: &mut Value, name: &str, at: Option<Ms>) {
    if let Some(at) = at {
        insert(out, name, epoch(at));
    }
}

pub(super) fn list(world: &World, input: Input<'_>) -> Answer {
    let cluster = find_cluster(world, input)?;
    let at = find_service(world, &cluster, input, "service")?;
    let Some(service) = world.services.get(at) else {
        return Ok(json!({"serviceDeployments": []}));
    };
    let statuses = input.texts("status");
    let between = input.get("createdAt").map(Input::new);
    let bound = |name: &str| between.and_then(|b| b.float(name)).map(|s| (s * 1000.0) as Ms);
    let fits = |d: &&ServiceDeployment| {
        (statuses.is_empty() || statuses.contains(&d.status.as_ref()))
            && bound("after").is_none_or(|after| d.created > after)
            && bound("before").is_none_or(|before| d.created < before)
    };
    let brief = |deployment: &ServiceDeployment| {
        let mut out = json!({
            "serviceDeploymentArn": arn(world, service, deployment),
            "serviceArn": world.ids.place.service(&service.cluster, &service.name),
            "clusterArn": world.ids.place.cluster(&service.cluster),
            "createdAt": epoch(deployment.created),
            "targetServiceRevisionArn": revision_arn(world, service, deployment.target),
            "status": deployment.status.as_ref(),
        });
        insert_time(&mut out, "startedAt", deployment.started);
        insert_time(&mut out, "finishedAt", deployment.finished);
        if let Some(reason) = &deployment.reason {
            insert(&mut out, "statusReason", json!(reason));
        }
        out
    };
    let all = service.history.iter().rev().filter(fits).map(brief).collect();
    paged("serviceDeployments", &format!("deployments {at} {statuses:?}"), all, input, 20)
}

pub(super) fn arn(world: &World, service: &Service, deployment: &ServiceDeployment) -> String {
    world.ids.place.service_deployment(&service.cluster, &service.name, &deployment.id)
}

fn revision_arn(world: &World, service: &Service, revision: usize) -> Option<String> {
    service.revisions.get(revision).map(|r| world.ids.place.service_revision(&service.cluster, &service.name, r.id))
}

/// Where a service deployment is: indices of its service and of itself.
pub(super) fn find(world: &World, wanted: &str) -> Option<(usize, usize)> {
    let at = |(s, service): (usize, &Service)| {
        Some((s, service.history.iter().position(|d| arn(world, service, d) == wanted)?))
    };
    world.services.iter().enumerate().find_map(at)
}

pub(super) fn describe(world: &World, input: Input<'_>) -> Answer {
    let wanted = batch(input, "serviceDeploymentArns", "Service deployment ARNs")?;
    let (mut deployments, mut failures) = (Vec::new(), Vec::new());
    for wanted in wanted {
        let found =
            find(world, wanted).and_then(|(s, d)| world.services.get(s).and_then(|s| s.history.get(d).map(|d| (s, d))));
        match found {
            Some((service, deployment)) => deployments.push(show(world, service, deployment)),
            None => failures.push(missing(wanted)),
        }
    }
    Ok(json!({"serviceDeployments": deployments, "failures": failures}))
}

fn batch<'a>(input: Input<'a>, member: &str, words: &str) -> Result<Vec<&'a str>, crate::sim::api::ApiError> {
    let wanted = input.texts(member);
    match wanted.len() {
        0 => Err(refuse("InvalidParameterException", format!("{words} cannot be empty."))),
        1..=20 => Ok(wanted),
        _ => Err(refuse("InvalidParameterException", format!("{words} cannot have more than 20 elements."))),
    }
}

fn show(world: &World, service: &Service, deployment: &ServiceDeployment) -> Value {
    let finished = deployment.status.terminal();
    // A deployment that is over no longer says how many tasks run.
    let summary = |revision: usize, requested: Option<u32>| {
        let (running, pending) = if finished { (0, 0) } else { counts(service.tasks_of_revision(revision)) };
        let requested = requested.filter(|_| !finished || revision == deployment.target).unwrap_or(0);
        let running = if finished && requested > 0 { requested } else { running };
        json!({
            "arn": revision_arn(world, service, revision),
            "requestedTaskCount": requested,
            "runningTaskCount": running,
            "pendingTaskCount": pending,
        })
    };
    let live = |revision: usize| {
        let live = service.tasks_of_revision(revision).filter(|t| t.live()).count();
        u32::try_from(live).unwrap_or(u32::MAX)
    };
    let back = deployment.rollback.is_some();
    let target = summary(
        deployment.target,
        Some(if back { live(deployment.target).min(deployment.tasks) } else { deployment.tasks }),
    );
    let mut sources: Vec<Value> = deployment.sources.iter().map(|s| summary(*s, Some(live(*s)))).collect();
    let mut target = target;
    if let Some(native) = &deployment.native {
        native.show_weights(&mut target, &mut sources);
    }
    let mut out = json!({
        "serviceDeploymentArn": arn(world, service, deployment),
        "serviceArn": world.ids.place.service(&service.cluster, &service.name),
        "clusterArn": world.ids.place.cluster(&service.cluster),
        "createdAt": epoch(deployment.created),
        "updatedAt": epoch(deployment.updated),
        "sourceServiceRevisions": sources,
        "targetServiceRevision": target,
        "status": deployment.status.as_ref(),
        "deploymentConfiguration": deployment.config.json(),
        "deploymentCircuitBreaker": {
            "status": deployment.breaker.as_ref(),
            "failureCount": deployment.failures,
            "threshold": deployment.threshold,
        },
        "alarms": {
            "status": deployment.alarms.as_ref(),
            "alarmNames": deployment.config.alarms,
            "triggeredAlarmNames": deployment.triggered,
        },
    });
    insert_time(&mut out, "startedAt", deployment.started);
    insert_time(&mut out, "finishedAt", deployment.finished);
    insert_time(&mut out, "stoppedAt", deployment.stopped);
    if let Some(reason) = &deployment.reason {
        insert(&mut out, "statusReason", json!(reason));
    }
    if let Some(rollback) = &deployment.rollback {
        let revision = revision_arn(world, service, rollback.revision);
        insert(
            &mut out,
            "rollback",
            json!({"reason": rollback.reason, "startedAt": epoch(rollback.started), "serviceRevisionArn": revision}),
        );
    }
    if deployment.breaker == Monitor::Disabled {
        insert(&mut out, "deploymentCircuitBreaker", json!({"status": "DISABLED", "failureCount": 0, "threshold": 0}));
    }
    if let Some(native) = &deployment.native {
        native.show(&mut out);
    }
    out
}

pub(super) fn revisions(world: &World, input: Input<'_>) -> Answer {
    let wanted = batch(input, "serviceRevisionArns", "Service revision ARNs")?;
    let (mut revisions, mut failures) = (Vec::new(), Vec::new());
    for wanted in wanted {
        let in_service = |service: &Service| {
            (0..service.revisions.len()).find(|at| revision_arn(world, service, *at).as_deref() == Some(wanted))
        };
        match world.services.iter().find_map(|s| in_service(s).map(|at| (s, at))) {
            Some((service, at)) => revisions.extend(show_revision(world, service, at)),
            None => failures.push(missing(wanted)),
        }
    }
    Ok(json!({"serviceRevisions": revisions, "failures": failures}))
}

fn show_revision(world: &World, service: &Service, at: usize) -> Option<Value> {
    let revision = service.revisions.get(at)?;
    let def = world.catalog.get(revision.def);
    let place = &world.ids.place;
    let image = |(at, container): (usize, &Container)| {
        let mut out = json!({"containerName": container.name, "image": container.image});
        // Nobody knows what the tag means before the first task has pulled it.
        if let Some(digest) = revision.digests.as_ref().and_then(|d| d.get(at)) {
            insert(&mut out, "imageDigest", json!(digest));
        }
        out
    };
    let images: Vec<Value> = def.containers.iter().enumerate().map(image).collect();
    let mut out = json!({
        "serviceRevisionArn": place.service_revision(&service.cluster, &service.name, revision.id),
        "serviceArn": place.service(&service.cluster, &service.name),
        "clusterArn": place.cluster(&service.cluster),
        "taskDefinition": def.arn(place),
        "platformVersion": revision.settings.resolved_platform(),
        "platformFamily": "Linux",
        "loadBalancers": load_balancers(world, service, service.group),
        "containerImages": images,
        "guardDutyEnabled": false,
        "createdAt": epoch(revision.created),
    });
    revision.settings.show(&mut out);
    // Only revisions that are installed now have a resolved configuration.
    let group = revision
        .group
        .and_then(|g| world.balancer.group(g))
        .filter(|_| service.deployments.iter().any(|d| d.revision == at));
    if let Some(group) = group {
        let mut binding = json!({"targetGroupArn": group.arn});
        if let Some(rule) = service.rule.and_then(|r| world.balancer.rules.get(r)) {
            insert(&mut binding, "productionListenerRule", json!(rule.arn));
        }
        insert(&mut out, "resolvedConfiguration", json!({"loadBalancers": [binding]}));
    }
    Some(out)
}
