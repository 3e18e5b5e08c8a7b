//! The List operations of ECS.

use serde_json::{Value, json};

use super::error::refuse;
use super::input::{Input, last_part};
use super::json::tags as tags_json;
use super::lookup::{find_cluster, find_service};
use super::page::ecs_page;
use crate::sim::api::Answer;
use crate::sim::world::account::Account;
use crate::sim::world::ecs::service::Service;
use crate::sim::world::ecs::task::{Task, TaskStatus};
use crate::sim::world::task_definitions::definition::TaskDefinition;

pub(super) fn clusters(account: &Account, input: Input<'_>) -> Answer {
    let all = account.clusters.iter().map(|c| json!(account.arns.cluster(c))).collect();
    ecs_page("clusterArns", "clusters", all, input, 100)
}

pub(super) fn services(account: &Account, input: Input<'_>) -> Answer {
    let cluster = find_cluster(account, input)?;
    let allows = |name: &str, value: &str| input.text(name).is_none_or(|filter| filter == value);
    let matches = allows("launchType", "FARGATE") && allows("resourceManagementType", "CUSTOMER");
    let scheduled = |s: &&Service| allows("schedulingStrategy", s.scheduling_strategy());
    let services = account.services.iter().filter(scheduled).filter(|s| matches && s.cluster == cluster);
    let all = services.map(|s| json!(account.arns.service(&s.cluster, &s.name))).collect();
    ecs_page("serviceArns", &format!("services {cluster}"), all, input, 10)
}

pub(super) fn tasks(account: &Account, input: Input<'_>) -> Answer {
    let cluster = find_cluster(account, input)?;
    let filters = ["serviceName", "family", "startedBy"].map(|name| input.text(name));
    if input.text("startedBy").is_some() && filters.iter().flatten().count() > 1 {
        return Err(refuse("InvalidParameterException", "If startedBy is specified, no other filter can be used."));
    }
    let only = input.text("serviceName").map(|_| find_service(account, &cluster, input, "serviceName")).transpose()?;
    let stopped = match input.text("desiredStatus") {
        None | Some("RUNNING") => false,
        Some("STOPPED") => true,
        Some("PENDING") => return ecs_page("taskArns", "none", Vec::new(), input, 100),
        Some(_) => {
            return Err(refuse(
                "InvalidParameterException",
                "desiredStatus must be one of RUNNING, PENDING or STOPPED.",
            ));
        }
    };
    let matches = |task: &&Task| {
        let definition = account.catalog.get(task.definition);
        task.stop_requested == stopped
            && (stopped || task.status != TaskStatus::Stopped)
            && input.text("family").is_none_or(|f| f == definition.family)
            && input.text("startedBy").is_none_or(|by| by == format!("ecs-svc/{}", task.deployment))
            && input.text("launchType").is_none_or(|t| t == "FARGATE")
    };
    let services =
        account.services.iter().enumerate().filter(|(at, s)| s.cluster == cluster && only.is_none_or(|o| o == *at));
    let tasks = services.flat_map(|(_, s)| &s.tasks).filter(matches);
    let all = tasks.map(|t| json!(account.arns.task(&cluster, &t.id))).collect();
    let listing = format!("tasks {cluster} {filters:?} {stopped}");
    ecs_page("taskArns", &listing, all, input, 100)
}

pub(super) fn task_definitions(account: &Account, input: Input<'_>) -> Answer {
    let inactive = match input.text("status") {
        None | Some("ACTIVE") => false,
        Some("INACTIVE") => true,
        Some("DELETE_IN_PROGRESS") => {
            return ecs_page("taskDefinitionArns", "none", Vec::new(), input, 100);
        }
        Some(_) => return Err(refuse("InvalidParameterException", "Invalid status.")),
    };
    let family = input.text("familyPrefix");
    let matches = |d: &&TaskDefinition| d.deregistered.is_some() == inactive && family.is_none_or(|f| f == d.family);
    let mut all: Vec<Value> = account.catalog.all().filter(matches).map(|d| json!(d.arn(&account.arns))).collect();
    if input.text("sort") == Some("DESC") {
        all.reverse();
    }
    let listing = format!("definitions {family:?} {inactive} {:?}", input.text("sort"));
    ecs_page("taskDefinitionArns", &listing, all, input, 100)
}

pub(super) fn tags(account: &Account, input: Input<'_>) -> Answer {
    let arn = input.text("resourceArn").unwrap_or_default();
    let arns = &account.arns;
    let service = account.services.iter().find(|s| arns.service(&s.cluster, &s.name) == arn);
    if let Some(service) = service {
        return Ok(json!({"tags": tags_json(&service.tags)}));
    }
    if let Some(definition) = account.catalog.all().find(|d| d.arn(arns) == arn) {
        return Ok(json!({"tags": definition.tags}));
    }
    if account.clusters.iter().any(|c| arns.cluster(c) == arn) {
        return Ok(json!({"tags": []}));
    }
    if arn.contains(":service/") {
        return Err(refuse("ServiceNotFoundException", "Service not found."));
    }
    Err(refuse("InvalidParameterException", format!("The specified resource could not be found: {}", last_part(arn))))
}
