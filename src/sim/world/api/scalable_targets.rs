//! DescribeScalableTargets of Application Auto Scaling.

use serde_json::{Value, json};

use super::error::refuse;
use super::input::Input;
use super::json::insert;
use super::page::page;
use crate::sim::api::Answer;
use crate::sim::world::account::Account;
use crate::sim::world::clock::epoch;
use crate::sim::world::ecs::service::Service;

const DIMENSION: &str = "ecs:service:DesiredCount";

pub(super) fn describe(account: &Account, input: Input<'_>) -> Answer {
    let invalid = |message: &str| Err(refuse("ValidationException", message));
    let ids = input.texts("ResourceIds");
    if ids.len() > 50 {
        return invalid("ResourceIds must have at most 50 elements.");
    }
    let Some(namespace) = input.text("ServiceNamespace") else {
        return invalid("ServiceNamespace must not be null.");
    };
    let asked = namespace == "ecs" && input.text("ScalableDimension").is_none_or(|it| it == DIMENSION);
    let services = account.services.iter().filter(|_| asked);
    let all = services.map(|service| (resource_id(service), service));
    let all: Vec<_> = all.filter(|(id, _)| ids.is_empty() || ids.contains(&id.as_str())).collect();
    let targets: Vec<Value> = all.iter().filter_map(|(id, service)| target(account, id, service)).collect();
    let size = input.int("MaxResults").map_or(50, |n| n.clamp(1, 50) as usize);
    let Some((targets, next)) = page(&format!("targets {ids:?}"), targets, input.text("NextToken"), size) else {
        return Err(refuse("InvalidNextTokenException", "The next token specified is invalid."));
    };
    let mut out = json!({"ScalableTargets": targets});
    if let Some(next) = next {
        insert(&mut out, "NextToken", json!(next));
    }
    Ok(out)
}

fn resource_id(service: &Service) -> String {
    format!("service/{}/{}", service.cluster, service.name)
}

fn target(account: &Account, id: &str, service: &Service) -> Option<Value> {
    let scaling = service.scaling?;
    let role = "aws-service-role/ecs.application-autoscaling.amazonaws.com/\
                AWSServiceRoleForApplicationAutoScaling_ECSService";
    Some(json!({
        "ServiceNamespace": "ecs",
        "ResourceId": id,
        "ScalableDimension": DIMENSION,
        "MinCapacity": scaling.min,
        "MaxCapacity": scaling.max,
        "RoleARN": format!("arn:aws:iam::{}:role/{role}", account.arns.account),
        "CreationTime": epoch(service.created),
        "SuspendedState": {
            "DynamicScalingInSuspended": scaling.suspended,
            "DynamicScalingOutSuspended": scaling.suspended,
            "ScheduledScalingSuspended": scaling.suspended,
        },
    }))
}
