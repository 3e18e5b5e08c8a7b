//! The Describe operations of ECS.

use serde_json::{Value, json};

use super::input::{Input, last_part};
use super::{ecs_show, ecs_tasks, refuse};
use crate::sim::api::{Answer, ApiError};
use crate::sim::world::World;
use crate::sim::world::service::counts;

/// The cluster that an input names, `default` if it names none.
pub(super) fn find_cluster(world: &World, input: Input<'_>) -> Result<String, ApiError> {
    let name = last_part(input.text("cluster").unwrap_or("default"));
    let found = world.clusters.iter().find(|c| *c == name);
    found.cloned().ok_or_else(|| refuse("ClusterNotFoundException", "Cluster not found."))
}

/// The index of the service that an input's member names, by name or ARN.
pub(super) fn find_service(world: &World, cluster: &str, input: Input<'_>, member: &str) -> Result<usize, ApiError> {
    let Some(name) = input.text(member) else {
        return Err(refuse("InvalidParameterException", "Service cannot be empty."));
    };
    let found = world.services.iter().position(|s| s.cluster == cluster && named(world, &s.cluster, &s.name, name));
    found.ok_or_else(|| refuse("ServiceNotFoundException", "Service not found."))
}

fn named(world: &World, cluster: &str, service: &str, given: &str) -> bool {
    given == service || given == world.ids.place.service(cluster, service)
}

pub(super) fn describe_clusters(world: &World, input: Input<'_>) -> Answer {
    let mut wanted = input.texts("clusters");
    if wanted.is_empty() {
        wanted.push("default");
    }
    if wanted.len() > 100 {
        return Err(refuse("InvalidParameterException", "Clusters cannot have more than 100 elements."));
    }
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for given in wanted {
        let name = last_part(given);
        if !world.clusters.iter().any(|c| c == name) {
            failures.push(missing(&world.ids.place.cluster(name)));
            continue;
        }
        let services: Vec<_> = world.services.iter().filter(|s| s.cluster == name).collect();
        let (running, pending) = counts(services.iter().flat_map(|s| &s.tasks));
        let settings = json!([{"name": "containerInsights", "value": "disabled"}]);
        let include = |word: &str, value: Value| {
            if input.includes("include", word) { value } else { json!([]) }
        };
        clusters.push(json!({
            "clusterArn": world.ids.place.cluster(name),
            "clusterName": name,
            "status": "ACTIVE",
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": running,
            "pendingTasksCount": pending,
            "activeServicesCount": services.len(),
            "statistics": [],
            "tags": [],
            "settings": include("SETTINGS", settings),
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy": [],
        }));
    }
    Ok(json!({"clusters": clusters, "failures": failures}))
}

/// A failure as Describe operations give it.
pub(super) fn missing(arn: &str) -> Value {
    json!({"arn": arn, "reason": "MISSING"})
}

pub(super) fn describe_services(world: &World, input: Input<'_>) -> Answer {
    let cluster = find_cluster(world, input)?;
    let wanted = input.texts("services");
    if wanted.is_empty() {
        return Err(refuse("InvalidParameterException", "Services cannot be empty."));
    }
    if wanted.len() > 10 {
        return Err(refuse("InvalidParameterException", "Services cannot have more than 10 elements."));
    }
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for given in wanted {
        match world.services.iter().find(|s| s.cluster == cluster && named(world, &s.cluster, &s.name, given)) {
            Some(service) => services.push(ecs_show::service(world, service, input.includes("include", "TAGS"))),
            None => failures.push(missing(&world.ids.place.service(&cluster, last_part(given)))),
        }
    }
    Ok(json!({"services": services, "failures": failures}))
}

pub(super) fn describe_tasks(world: &World, input: Input<'_>) -> Answer {
    let cluster = find_cluster(world, input)?;
    let wanted = input.texts("tasks");
    if wanted.is_empty() {
        return Err(refuse("InvalidParameterException", "Tasks cannot be empty."));
    }
    if wanted.len() > 100 {
        return Err(refuse("InvalidParameterException", "Tasks cannot have more than 100 elements."));
    }
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for given in wanted {
        let id = last_part(given);
        let mut here = world.services.iter().filter(|s| s.cluster == cluster);
        match here.find_map(|s| s.tasks.iter().find(|t| t.id == id).map(|t| (s, t))) {
            Some((service, task)) => tasks.push(ecs_tasks::show(world, service, task)),
            None => failures.push(missing(&world.ids.place.task(&cluster, id))),
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}
