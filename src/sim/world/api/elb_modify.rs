//! ModifyRule and ModifyListener.

use serde_json::{Value, json};

use super::elb_describe::{listener_json, rule_json};
use super::error::refuse;
use super::input::Input;
use super::json::insert;
use crate::sim::api::{Answer, ApiError};
use crate::sim::scenario::Managed;
use crate::sim::world::account::Account;
use crate::sim::world::ecs::service::Service;
use crate::sim::world::elb::load_balancer::LoadBalancer;

pub(super) fn rule(account: &mut Account, input: Input<'_>) -> Answer {
    let arn = input.text("RuleArn").unwrap_or_default();
    let Some(at) = account.load_balancer.rules.iter().position(|r| r.arn == arn) else {
        return Err(refuse("RuleNotFound", "One or more rules not found"));
    };
    if account.load_balancer.rules.get(at).is_none_or(|r| r.priority.is_none()) {
        return Err(refuse("OperationNotPermitted", "Default rules cannot be modified"));
    }
    let managed = |service: &&Service| service.managed == Some(Managed::Gateway) && service.rule == Some(at);
    if account.services.iter().any(|service| managed(&service)) {
        return Err(refuse("OperationNotPermitted", "The rule is managed by Amazon ECS and cannot be modified"));
    }
    if let Some(actions) = input.get("Actions") {
        let actions = check_actions(&account.load_balancer, actions)?;
        account.load_balancer.set_actions(at, actions);
    }
    let rule = account.load_balancer.rules.get_mut(at);
    let rule = rule.map(|rule| {
        if let Some(conditions) = input.get("Conditions") {
            rule.conditions = conditions.clone();
        }
        rule_json(rule)
    });
    Ok(json!({"Rules": rule.into_iter().collect::<Vec<_>>()}))
}

pub(super) fn listener(account: &mut Account, input: Input<'_>) -> Answer {
    let arn = input.text("ListenerArn").unwrap_or_default();
    let Some(at) = account.load_balancer.listeners.iter().position(|l| l.arn == arn) else {
        return Err(refuse("ListenerNotFound", "One or more listeners not found"));
    };
    if let Some(actions) = input.get("DefaultActions") {
        let actions = check_actions(&account.load_balancer, actions)?;
        if let Some(rule) = account.load_balancer.rules.iter().position(|r| r.listener == at && r.priority.is_none()) {
            account.load_balancer.set_actions(rule, actions);
        }
    }
    let port = input.int("Port").and_then(|p| u16::try_from(p).ok());
    if let (Some(port), Some(listener)) = (port, account.load_balancer.listeners.get_mut(at)) {
        listener.port = port;
    }
    let balancer = &account.load_balancer;
    let listener = balancer.listeners.get(at).map(|l| listener_json(balancer, at, l));
    Ok(json!({"Listeners": listener.into_iter().collect::<Vec<_>>()}))
}

/// The actions as the load balancer stores and shows them, or the error if it does not accept them.
fn check_actions(balancer: &LoadBalancer, actions: &Value) -> Result<Value, ApiError> {
    let mut actions = actions.as_array().cloned().unwrap_or_default();
    let invalid = |message: &str| refuse("ValidationError", message);
    let is_final = |a: &Value| matches!(action_type(a), "forward" | "redirect" | "fixed-response");
    if actions.iter().filter(|a| is_final(a)).count() != 1 {
        return Err(invalid("A rule must have exactly one of a forward, redirect or fixed-response action"));
    }
    if actions.len() > 1 && actions.iter().any(|a| a.get("Order").is_none()) {
        return Err(refuse(
            "InvalidLoadBalancerAction",
            "You must specify an order for each action when there is more than one",
        ));
    }
    actions.sort_by_key(|a| a.get("Order").and_then(Value::as_i64).unwrap_or(1));
    if !actions.last().is_some_and(is_final) {
        return Err(refuse(
            "InvalidLoadBalancerAction",
            "The last action must be a forward, redirect or fixed-response action",
        ));
    }
    for action in actions.iter_mut().filter(|a| action_type(a) == "forward") {
        check_forward(balancer, action)?;
    }
    for action in &mut actions {
        if action.get("Order").is_none() {
            insert(action, "Order", json!(1));
        }
    }
    Ok(Value::Array(actions))
}

fn action_type(action: &Value) -> &str {
    action.get("Type").and_then(Value::as_str).unwrap_or_default()
}

/// Checks a forward action and normalises it to the form that DescribeRules shows.
fn check_forward(balancer: &LoadBalancer, action: &mut Value) -> Result<(), ApiError> {
    let single = action.get("TargetGroupArn").and_then(Value::as_str).map(str::to_owned);
    let mut config = action.get("ForwardConfig").cloned().unwrap_or_else(|| json!({}));
    let mut tuples = config.get("TargetGroups").and_then(Value::as_array).cloned().unwrap_or_default();
    if tuples.is_empty() {
        let Some(arn) = &single else {
            return Err(refuse("ValidationError", "A forward action must name a target group"));
        };
        tuples.push(json!({"TargetGroupArn": arn, "Weight": 1}));
    }
    if single.is_some() && tuples.len() > 1 {
        return Err(refuse(
            "InvalidLoadBalancerAction",
            "You cannot specify both a target group ARN and more than one target group in the forward configuration",
        ));
    }
    if tuples.len() > 5 {
        return Err(refuse("TooManyTargetGroups", "A forward action can have at most 5 target groups"));
    }
    for tuple in &mut tuples {
        check_tuple(balancer, tuple)?;
    }
    check_stickiness(config.get("TargetGroupStickinessConfig"))?;
    check_sticky_groups(balancer, &config, &tuples)?;
    let only = tuples.first().filter(|_| tuples.len() == 1).and_then(|t| t.get("TargetGroupArn")).cloned();
    if let Some(map) = config.as_object_mut() {
        map.insert("TargetGroups".into(), Value::Array(tuples));
        map.entry("TargetGroupStickinessConfig").or_insert_with(|| json!({"Enabled": false}));
    }
    insert(action, "ForwardConfig", config);
    // A single target group is shown in both places.
    match only {
        Some(arn) => insert(action, "TargetGroupArn", arn),
        None => {
            if let Some(map) = action.as_object_mut() {
                map.remove("TargetGroupArn");
            }
        }
    }
    Ok(())
}

/// Checks a target group and its weight. A missing weight is 1.
fn check_tuple(balancer: &LoadBalancer, tuple: &mut Value) -> Result<(), ApiError> {
    let arn = tuple.get("TargetGroupArn").and_then(Value::as_str).unwrap_or_default();
    if balancer.groups.with_arn(arn).is_none() {
        return Err(refuse("TargetGroupNotFound", format!("Target groups '{arn}' not found")));
    }
    let weight = match tuple.get("Weight") {
        None => Some(1),
        Some(weight) => weight.as_i64().or_else(|| weight.as_str()?.parse().ok()),
    };
    let Some(weight @ 0..=999) = weight else {
        return Err(refuse("ValidationError", "The weight of a target group must be between 0 and 999"));
    };
    insert(tuple, "Weight", json!(weight));
    Ok(())
}

/// A rule that forwards to several groups has to be sticky if one of them is.
fn check_sticky_groups(balancer: &LoadBalancer, config: &Value, tuples: &[Value]) -> Result<(), ApiError> {
    let named = tuples.iter().filter_map(|tuple| tuple.get("TargetGroupArn")?.as_str());
    let mut groups = named.filter_map(|arn| balancer.group(balancer.groups.with_arn(arn)?));
    let is_sticky = config.pointer("/TargetGroupStickinessConfig/Enabled").and_then(Value::as_bool) == Some(true);
    if tuples.len() > 1 && !is_sticky && groups.any(|group| group.sticky) {
        return Err(refuse(
            "InvalidConfigurationRequest",
            "You must enable group stickiness on a rule if you enabled target stickiness on one of its target groups",
        ));
    }
    Ok(())
}

fn check_stickiness(sticky: Option<&Value>) -> Result<(), ApiError> {
    if let Some(seconds) = sticky.and_then(|s| s.get("DurationSeconds")).and_then(Value::as_i64) {
        if !(1..=604_800).contains(&seconds) {
            return Err(refuse("ValidationError", "The stickiness duration must be between 1 and 604800 seconds"));
        }
    } else if sticky.and_then(|s| s.get("Enabled")?.as_bool()) == Some(true) {
        return Err(refuse("ValidationError", "A duration must be given when target group stickiness is enabled"));
    }
    Ok(())
}
