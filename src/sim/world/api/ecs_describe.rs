//! DescribeClusters, DescribeServices, DescribeTasks, GetTaskProtection and DescribeContainerInstances.

use serde_json::{Value, json};

use super::error::refuse;
use super::input::{Input, last_part};
use super::lookup::{find_cluster, is_named, missing};
use super::{service_json, task_json};
use crate::sim::api::{Answer, ApiError};
use crate::sim::world::account::Account;
use crate::sim::world::clock::epoch;
use crate::sim::world::ecs::instance::INSTANCES;
use crate::sim::world::ecs::service::task_counts;

/// The names of a list that must have between 1 and `most` items. `what` names the items in an error.
fn names<'a>(input: Input<'a>, member: &str, what: &str, most: usize) -> Result<Vec<&'a str>, ApiError> {
    let names = input.texts(member);
    if names.is_empty() {
        return Err(refuse("InvalidParameterException", format!("{what} cannot be empty.")));
    }
    if names.len() > most {
        return Err(refuse("InvalidParameterException", format!("{what} cannot have more than {most} elements.")));
    }
    Ok(names)
}

pub(super) fn clusters(account: &Account, input: Input<'_>) -> Answer {
    let mut given = input.texts("clusters");
    if given.is_empty() {
        given.push("default");
    }
    if given.len() > 100 {
        return Err(refuse("InvalidParameterException", "Clusters cannot have more than 100 elements."));
    }
    let with_settings = input.includes("include", "SETTINGS");
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for name in given.into_iter().map(last_part) {
        if account.clusters.iter().any(|c| c == name) {
            clusters.push(cluster_json(account, name, with_settings));
        } else {
            failures.push(missing(&account.arns.cluster(name)));
        }
    }
    Ok(json!({"clusters": clusters, "failures": failures}))
}

fn cluster_json(account: &Account, name: &str, with_settings: bool) -> Value {
    let services: Vec<_> = account.services.iter().filter(|s| s.cluster == name).collect();
    let (running, pending) = task_counts(services.iter().flat_map(|s| &s.tasks));
    let settings = json!([{"name": "containerInsights", "value": "disabled"}]);
    json!({
        "clusterArn": account.arns.cluster(name),
        "clusterName": name,
        "status": "ACTIVE",
        "registeredContainerInstancesCount": if has_instances(account, name) { INSTANCES.len() } else { 0 },
        "runningTasksCount": running,
        "pendingTasksCount": pending,
        "activeServicesCount": services.len(),
        "statistics": [],
        "tags": [],
        "settings": if with_settings { settings } else { json!([]) },
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [],
    })
}

/// Returns true if tasks of the cluster run on instances.
fn has_instances(account: &Account, cluster: &str) -> bool {
    let mut services = account.services.iter().filter(|service| service.cluster == cluster);
    services.any(|service| service.tasks.iter().any(|task| task.host_port.is_some()))
}

pub(super) fn services(account: &Account, input: Input<'_>) -> Answer {
    let cluster = find_cluster(account, input)?;
    let with_tags = input.includes("include", "TAGS");
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for given in names(input, "services", "Services", 10)? {
        match account.services.iter().find(|s| s.cluster == cluster && is_named(account, s, given)) {
            Some(service) => services.push(service_json::service(account, service, with_tags)),
            None => failures.push(missing(&account.arns.service(&cluster, last_part(given)))),
        }
    }
    Ok(json!({"services": services, "failures": failures}))
}

pub(super) fn tasks(account: &Account, input: Input<'_>) -> Answer {
    let cluster = find_cluster(account, input)?;
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for id in names(input, "tasks", "Tasks", 100)?.into_iter().map(last_part) {
        let mut services = account.services.iter().filter(|s| s.cluster == cluster);
        match services.find_map(|s| s.tasks.iter().find(|t| t.id == id).map(|t| (s, t))) {
            Some((service, task)) => tasks.push(task_json::task(account, service, task)),
            None => failures.push(missing(&account.arns.task(&cluster, id))),
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

pub(super) fn task_protection(account: &Account, input: Input<'_>) -> Answer {
    let cluster = find_cluster(account, input)?;
    let now = account.now.as_millisecond();
    let (mut protected, mut failures) = (Vec::new(), Vec::new());
    for id in names(input, "tasks", "Tasks", 100)?.into_iter().map(last_part) {
        let arn = account.arns.task(&cluster, id);
        let mut services = account.services.iter().filter(|s| s.cluster == cluster);
        let found = services.find_map(|s| s.tasks.iter().find(|t| t.id == id && t.is_live()).map(|t| (s, t)));
        match found.map(|(service, task)| service.protected_until(task.deployment, now)) {
            Some(Some(until)) => protected.push(json!({
                "taskArn": arn,
                "protectionEnabled": true,
                "expirationDate": epoch(until),
            })),
            Some(None) => protected.push(json!({"taskArn": arn, "protectionEnabled": false})),
            None => failures.push(json!({"arn": arn, "reason": "TASK_NOT_VALID"})),
        }
    }
    Ok(json!({"protectedTasks": protected, "failures": failures}))
}

pub(super) fn container_instances(account: &Account, input: Input<'_>) -> Answer {
    let cluster = find_cluster(account, input)?;
    let (mut instances, mut failures) = (Vec::new(), Vec::new());
    for given in names(input, "containerInstances", "Container instances", 100)?.into_iter().map(last_part) {
        let arn = account.arns.container_instance(&cluster, given);
        match INSTANCES.iter().find(|(id, _)| *id == given && has_instances(account, &cluster)) {
            Some((_, ec2)) => instances.push(json!({
                "containerInstanceArn": arn,
                "ec2InstanceId": ec2,
                "status": "ACTIVE",
                "agentConnected": true,
                "version": 1,
            })),
            None => failures.push(missing(&arn)),
        }
    }
    Ok(json!({"containerInstances": instances, "failures": failures}))
}
