//! The List operations of ECS.

use serde_json::{Value, json};

use super::ecs_read::{find_cluster, find_service};
use super::input::{Input, last_part};
use super::page::page;
use super::refuse;
use crate::sim::api::{Answer, ApiError};
use crate::sim::world::World;
use crate::sim::world::task::{State, Task};

/// One page as an answer: `{NAME: […], "nextToken": …}`.
pub(super) fn paged(name: &str, listing: &str, all: Vec<Value>, input: Input<'_>, default: usize) -> Answer {
    let size = match input.int("maxResults") {
        None => default,
        Some(n @ 1..=100) => n as usize,
        Some(_) => {
            return Err(refuse("InvalidParameterException", "maxResults must be between 1 and 100."));
        }
    };
    let (items, next) = page(listing, all, input.text("nextToken"), size).ok_or_else(invalid_token)?;
    let mut out = json!({name: items});
    if let (Some(next), Some(map)) = (next, out.as_object_mut()) {
        map.insert("nextToken".into(), json!(next));
    }
    Ok(out)
}

fn invalid_token() -> ApiError {
    refuse("InvalidParameterException", "Invalid token.")
}

pub(super) fn list_clusters(world: &World, input: Input<'_>) -> Answer {
    let all = world.clusters.iter().map(|c| json!(world.ids.place.cluster(c))).collect();
    paged("clusterArns", "clusters", all, input, 100)
}

pub(super) fn list_services(world: &World, input: Input<'_>) -> Answer {
    let cluster = find_cluster(world, input)?;
    let wanted = |name: &str, value: &str| input.text(name).is_none_or(|w| w == value);
    let matches = wanted("launchType", "FARGATE")
        && wanted("schedulingStrategy", "REPLICA")
        && wanted("resourceManagementType", "CUSTOMER");
    let services = world.services.iter().filter(|s| matches && s.cluster == cluster);
    let all = services.map(|s| json!(world.ids.place.service(&s.cluster, &s.name))).collect();
    paged("serviceArns", &format!("services {cluster}"), all, input, 10)
}

pub(super) fn list_tasks(world: &World, input: Input<'_>) -> Answer {
    let cluster = find_cluster(world, input)?;
    let filters = ["serviceName", "family", "startedBy"].map(|name| input.text(name));
    if input.text("startedBy").is_some() && filters.iter().flatten().count() > 1 {
        return Err(refuse("InvalidParameterException", "If startedBy is specified, no other filter can be used."));
    }
    let only = input.text("serviceName").map(|_| find_service(world, &cluster, input, "serviceName")).transpose()?;
    let stopped = match input.text("desiredStatus") {
        None | Some("RUNNING") => false,
        Some("STOPPED") => true,
        Some("PENDING") => return paged("taskArns", "none", Vec::new(), input, 100),
        Some(_) => {
            return Err(refuse(
                "InvalidParameterException",
                "desiredStatus must be one of RUNNING, PENDING or STOPPED.",
            ));
        }
    };
    let fits = |task: &&Task| {
        let def = world.catalog.get(task.def);
        task.leaving == stopped
            && (stopped || task.state != State::Stopped)
            && input.text("family").is_none_or(|f| f == def.family)
            && input.text("startedBy").is_none_or(|by| by == format!("ecs-svc/{}", task.deployment))
            && input.text("launchType").is_none_or(|t| t == "FARGATE")
    };
    let services =
        world.services.iter().enumerate().filter(|(at, s)| s.cluster == cluster && only.is_none_or(|o| o == *at));
    let tasks = services.flat_map(|(_, s)| &s.tasks).filter(fits);
    let all = tasks.map(|t| json!(world.ids.place.task(&cluster, &t.id))).collect();
    let listing = format!("tasks {cluster} {filters:?} {stopped}");
    paged("taskArns", &listing, all, input, 100)
}

pub(super) fn list_task_definitions(world: &World, input: Input<'_>) -> Answer {
    let inactive = match input.text("status") {
        None | Some("ACTIVE") => false,
        Some("INACTIVE") => true,
        Some("DELETE_IN_PROGRESS") => {
            return paged("taskDefinitionArns", "none", Vec::new(), input, 100);
        }
        Some(_) => return Err(refuse("InvalidParameterException", "Invalid status.")),
    };
    let family = input.text("familyPrefix");
    let defs =
        world.catalog.all().filter(|d| d.deregistered.is_some() == inactive && family.is_none_or(|f| f == d.family));
    let mut all: Vec<Value> = defs.map(|d| json!(d.arn(&world.ids.place))).collect();
    if input.text("sort") == Some("DESC") {
        all.reverse();
    }
    let listing = format!("definitions {family:?} {inactive} {:?}", input.text("sort"));
    paged("taskDefinitionArns", &listing, all, input, 100)
}

pub(super) fn list_tags(world: &World, input: Input<'_>) -> Answer {
    let arn = input.text("resourceArn").unwrap_or_default();
    let place = &world.ids.place;
    let service = world.services.iter().find(|s| place.service(&s.cluster, &s.name) == arn);
    if let Some(service) = service {
        return Ok(json!({"tags": super::ecs_show::tags(&service.tags)}));
    }
    if let Some(def) = world.catalog.all().find(|d| d.arn(place) == arn) {
        return Ok(json!({"tags": def.tags}));
    }
    if world.clusters.iter().any(|c| place.cluster(c) == arn) {
        return Ok(json!({"tags": []}));
    }
    if arn.contains(":service/") {
        return Err(refuse("ServiceNotFoundException", "Service not found."));
    }
    Err(refuse("InvalidParameterException", format!("The specified resource could not be found: {}", last_part(arn))))
}
