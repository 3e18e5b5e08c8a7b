//! The API operations: input in, answer out, with the member names, limits and error codes of AWS.

mod alarms;
mod cloudwatch;
mod ecs_definitions;
mod ecs_deployments;
mod ecs_list;
mod ecs_read;
mod ecs_show;
mod ecs_tasks;
mod ecs_write;
mod elb_read;
mod elb_write;
mod input;
mod log_filter;
mod logs;
mod page;

use serde_json::json;

use self::input::Input;
use super::World;
use crate::sim::api::{Answer, ApiError, Call, Service};

/// An error with HTTP status 400.
fn refuse(code: &str, message: impl Into<String>) -> ApiError {
    ApiError { status: 400, code: code.into(), message: message.into() }
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Answer {
    let input = Input::new(&call.input);
    match call.service {
        Service::Ecs => ecs(world, &call.operation, input),
        Service::Elbv2 => elb(world, &call.operation, input),
        Service::CloudWatch => match call.operation.as_str() {
            "GetMetricData" => cloudwatch::get_metric_data(world, input),
            "DescribeAlarms" => alarms::describe(world, input),
            other => Err(refuse("InvalidAction", format!("Could not find operation {other} for version 2010-08-01"))),
        },
        Service::Logs => match call.operation.as_str() {
            "FilterLogEvents" => logs::filter_events(world, input),
            "GetLogEvents" => logs::get_events(world, input),
            "DescribeLogGroups" => logs::describe_groups(world, input),
            "DescribeLogStreams" => logs::describe_streams(world, input),
            _ => Err(refuse("UnknownOperationException", "")),
        },
        Service::Sts => match call.operation.as_str() {
            "GetCallerIdentity" => {
                let account = &world.ids.place.account;
                let arn = format!("arn:aws:sts::{account}:assumed-role/oncall/operator");
                Ok(json!({"UserId": "AROAEXAMPLEROLEID1234:operator", "Account": account, "Arn": arn}))
            }
            other => Err(refuse("InvalidAction", format!("Could not find operation {other} for version 2011-06-15"))),
        },
    }
}

fn ecs(world: &mut World, operation: &str, input: Input<'_>) -> Answer {
    match operation {
        "ListClusters" => ecs_list::list_clusters(world, input),
        "ListServices" => ecs_list::list_services(world, input),
        "ListTasks" => ecs_list::list_tasks(world, input),
        "ListTaskDefinitions" => ecs_list::list_task_definitions(world, input),
        "ListTagsForResource" => ecs_list::list_tags(world, input),
        "DescribeClusters" => ecs_read::describe_clusters(world, input),
        "DescribeServices" => ecs_read::describe_services(world, input),
        "DescribeTasks" => ecs_read::describe_tasks(world, input),
        "DescribeTaskDefinition" => ecs_definitions::describe(world, input),
        "RegisterTaskDefinition" => ecs_definitions::register(world, input),
        "DeregisterTaskDefinition" => ecs_definitions::deregister(world, input),
        "ListServiceDeployments" => ecs_deployments::list(world, input),
        "DescribeServiceDeployments" => ecs_deployments::describe(world, input),
        "DescribeServiceRevisions" => ecs_deployments::revisions(world, input),
        "UpdateService" => ecs_write::update_service(world, input),
        "StopServiceDeployment" => ecs_write::stop_service_deployment(world, input),
        "ContinueServiceDeployment" => ecs_write::continue_service_deployment(world, input),
        _ => Err(refuse(
            "InvalidAction",
            "The action or operation requested is invalid. Verify that the action is typed correctly.",
        )),
    }
}

fn elb(world: &mut World, operation: &str, input: Input<'_>) -> Answer {
    match operation {
        "DescribeLoadBalancers" => elb_read::load_balancers(world, input),
        "DescribeListeners" => elb_read::listeners(world, input),
        "DescribeRules" => elb_read::rules(world, input),
        "DescribeTargetGroups" => elb_read::target_groups(world, input),
        "DescribeTargetGroupAttributes" => elb_read::target_group_attributes(world, input),
        "DescribeTargetHealth" => elb_read::target_health(world, input),
        "DescribeTags" => elb_read::tags(world, input),
        "ModifyRule" => elb_write::modify_rule(world, input),
        "ModifyListener" => elb_write::modify_listener(world, input),
        other => Err(refuse("InvalidAction", format!("Could not find operation {other} for version 2015-12-01"))),
    }
}
