//! The API operations. Each takes the account and the input of a call, and returns the answer with the member names,
//! limits and error codes of AWS.

mod cloudwatch_alarms;
mod cloudwatch_metrics;
mod ecs_deployments;
mod ecs_describe;
mod ecs_list;
mod ecs_task_definitions;
mod ecs_write;
mod elb_describe;
mod elb_modify;
mod error;
mod input;
mod json;
mod log_events;
mod log_filter;
mod log_groups;
mod lookup;
mod page;
mod scalable_targets;
mod service_json;
mod task_json;

use serde_json::json;

use super::account::Account;
use crate::sim::api::{Answer, Call, Service};
use error::refuse;
use input::Input;

/// Answers a call.
pub(super) fn answer(account: &mut Account, call: &Call) -> Answer {
    let input = Input::new(&call.input);
    let operation = call.operation.as_str();
    match call.service {
        Service::Ecs => ecs(account, operation, input),
        Service::Elbv2 => elb(account, operation, input),
        Service::CloudWatch => match operation {
            "GetMetricData" => cloudwatch_metrics::get_metric_data(account, input),
            "DescribeAlarms" => cloudwatch_alarms::describe(account, input),
            other => Err(refuse("InvalidAction", format!("Could not find operation {other} for version 2010-08-01"))),
        },
        Service::Logs => match operation {
            "FilterLogEvents" => log_events::filter(account, input),
            "GetLogEvents" => log_events::get(account, input),
            "DescribeLogGroups" => log_groups::describe_groups(account, input),
            "DescribeLogStreams" => log_groups::describe_streams(account, input),
            _ => Err(refuse("UnknownOperationException", "")),
        },
        Service::Scaling => match operation {
            "DescribeScalableTargets" => scalable_targets::describe(account, input),
            _ => Err(refuse("UnknownOperationException", "")),
        },
        Service::Sts => match operation {
            "GetCallerIdentity" => {
                let id = &account.arns.account;
                let arn = format!("arn:aws:sts::{id}:assumed-role/oncall/operator");
                Ok(json!({"UserId": "AROAEXAMPLEROLEID1234:operator", "Account": id, "Arn": arn}))
            }
            other => Err(refuse("InvalidAction", format!("Could not find operation {other} for version 2011-06-15"))),
        },
    }
}

fn ecs(account: &mut Account, operation: &str, input: Input<'_>) -> Answer {
    match operation {
        "ListClusters" => ecs_list::clusters(account, input),
        "ListServices" => ecs_list::services(account, input),
        "ListTasks" => ecs_list::tasks(account, input),
        "ListTaskDefinitions" => ecs_list::task_definitions(account, input),
        "ListTagsForResource" => ecs_list::tags(account, input),
        "DescribeClusters" => ecs_describe::clusters(account, input),
        "DescribeServices" => ecs_describe::services(account, input),
        "DescribeTasks" => ecs_describe::tasks(account, input),
        "GetTaskProtection" => ecs_describe::task_protection(account, input),
        "DescribeContainerInstances" => ecs_describe::container_instances(account, input),
        "DescribeTaskDefinition" => ecs_task_definitions::describe(account, input),
        "RegisterTaskDefinition" => ecs_task_definitions::register(account, input),
        "DeregisterTaskDefinition" => ecs_task_definitions::deregister(account, input),
        "ListServiceDeployments" => ecs_deployments::list(account, input),
        "DescribeServiceDeployments" => ecs_deployments::describe(account, input),
        "DescribeServiceRevisions" => ecs_deployments::describe_revisions(account, input),
        "UpdateService" => ecs_write::update_service(account, input),
        "StopServiceDeployment" => ecs_write::stop_service_deployment(account, input),
        "ContinueServiceDeployment" => ecs_write::continue_service_deployment(account, input),
        _ => Err(refuse(
            "InvalidAction",
            "The action or operation requested is invalid. Verify that the action is typed correctly.",
        )),
    }
}

fn elb(account: &mut Account, operation: &str, input: Input<'_>) -> Answer {
    match operation {
        "DescribeLoadBalancers" => elb_describe::load_balancers(account, input),
        "DescribeListeners" => elb_describe::listeners(account, input),
        "DescribeRules" => elb_describe::rules(account, input),
        "DescribeTargetGroups" => elb_describe::target_groups(account, input),
        "DescribeTargetGroupAttributes" => elb_describe::target_group_attributes(account, input),
        "DescribeTargetHealth" => elb_describe::target_health(account, input),
        "DescribeTags" => elb_describe::tags(account, input),
        "ModifyRule" => elb_modify::rule(account, input),
        "ModifyListener" => elb_modify::listener(account, input),
        other => Err(refuse("InvalidAction", format!("Could not find operation {other} for version 2015-12-01"))),
    }
}
