//! The Describe operations of the load balancer.

use serde_json::{Value, json};

use super::ecs_show::insert;
use super::input::Input;
use super::page::page;
use super::refuse;
use crate::sim::api::{Answer, ApiError};
use crate::sim::scenario::Network;
use crate::sim::world::World;
use crate::sim::world::balancer::{Balancer, GroupId, Listener, Rule};
use crate::sim::world::clock::{MINUTE, Ms, epoch};
use crate::sim::world::definition::PORT;
use crate::sim::world::task::{Health, Target};

const VPC: &str = "vpc-0d4e5f60718293a4b";

/// One page as an answer: `{NAME: […], "NextMarker": …}`.
fn paged(name: &str, listing: &str, all: Vec<Value>, input: Input<'_>) -> Answer {
    let size = match input.int("PageSize") {
        None => 400,
        Some(n @ 1..=400) => n as usize,
        Some(_) => {
            return Err(refuse("ValidationError", "PageSize must be between 1 and 400"));
        }
    };
    let Some((items, next)) = page(listing, all, input.text("Marker"), size) else {
        return Err(refuse("ValidationError", "Invalid marker"));
    };
    let mut out = json!({name: items});
    if let Some(next) = next {
        insert(&mut out, "NextMarker", json!(next));
    }
    Ok(out)
}

fn balancer_not_found() -> ApiError {
    refuse("LoadBalancerNotFound", "One or more load balancers not found")
}

pub(super) fn load_balancers(world: &World, input: Input<'_>) -> Answer {
    let balancer = &world.balancer;
    let (arns, names) = (input.texts("LoadBalancerArns"), input.texts("Names"));
    let here = |name: &&str| balancer.exists && (*name == balancer.arn || *name == balancer.name);
    if !arns.iter().chain(&names).all(here) {
        return Err(balancer_not_found());
    }
    if !balancer.exists {
        return Ok(json!({"LoadBalancers": []}));
    }
    let zones: Vec<_> = Network::default().subnets.into_iter().zip(["a", "b"]).map(|(subnet, zone)| {
        json!({"ZoneName": format!("{}{zone}", world.ids.place.region), "SubnetId": subnet, "LoadBalancerAddresses": []})
    }).collect();
    let shown = json!({
        "LoadBalancerArn": balancer.arn,
        "DNSName": balancer.dns,
        "CanonicalHostedZoneId": "Z35SXDOTRQ7X7K",
        "CreatedTime": epoch(world.started - 400 * 24 * 60 * MINUTE),
        "LoadBalancerName": balancer.name,
        "Scheme": "internet-facing",
        "VpcId": VPC,
        "State": {"Code": "active"},
        "Type": "application",
        "AvailabilityZones": zones,
        "SecurityGroups": ["sg-0e5f60718293a4b5c"],
        "IpAddressType": "ipv4",
        "EnablePrefixForIpv6SourceNat": "off",
    });
    paged("LoadBalancers", "balancers", vec![shown], input)
}

pub(super) fn show_listener(balancer: &Balancer, at: usize, listener: &Listener) -> Value {
    let default = balancer.rules.iter().find(|r| r.listener == at && r.priority.is_none());
    json!({
        "ListenerArn": listener.arn,
        "LoadBalancerArn": balancer.arn,
        "Port": listener.port,
        "Protocol": "HTTP",
        "DefaultActions": default.map(|r| r.actions.clone()).unwrap_or(json!([])),
    })
}

pub(super) fn listeners(world: &World, input: Input<'_>) -> Answer {
    let balancer = &world.balancer;
    let arns = input.texts("ListenerArns");
    match input.text("LoadBalancerArn") {
        Some(arn) if arn != balancer.arn || !balancer.exists => return Err(balancer_not_found()),
        None if arns.is_empty() => {
            return Err(refuse("ValidationError", "You must specify either listener ARNs or a load balancer ARN"));
        }
        _ => {}
    }
    if !arns.iter().all(|arn| balancer.listeners.iter().any(|l| l.arn == *arn)) {
        return Err(refuse("ListenerNotFound", "One or more listeners not found"));
    }
    let wanted =
        balancer.listeners.iter().enumerate().filter(|(_, l)| arns.is_empty() || arns.contains(&l.arn.as_str()));
    paged("Listeners", "listeners", wanted.map(|(at, l)| show_listener(balancer, at, l)).collect(), input)
}

pub(super) fn show_rule(rule: &Rule) -> Value {
    json!({
        "RuleArn": rule.arn,
        "Priority": rule.priority.map_or("default".into(), |p| p.to_string()),
        "Conditions": rule.conditions,
        "Actions": rule.actions,
        "IsDefault": rule.priority.is_none(),
        "Transforms": [],
    })
}

pub(super) fn rules(world: &World, input: Input<'_>) -> Answer {
    let balancer = &world.balancer;
    let arns = input.texts("RuleArns");
    let listener = input.text("ListenerArn").map(|arn| balancer.listeners.iter().position(|l| l.arn == arn));
    let wanted: Vec<&Rule> = match listener {
        Some(None) => {
            return Err(refuse("ListenerNotFound", "One or more listeners not found"));
        }
        Some(at) => balancer.rules.iter().filter(|r| Some(r.listener) == at).collect(),
        None if arns.is_empty() => {
            return Err(refuse("ValidationError", "You must specify either listener rule ARNs or a listener ARN"));
        }
        None => {
            let found = arns.iter().map(|arn| balancer.rules.iter().find(|r| r.arn == *arn));
            found.collect::<Option<Vec<_>>>().ok_or_else(|| refuse("RuleNotFound", "One or more rules not found"))?
        }
    };
    let listing = format!("rules {:?}", input.text("ListenerArn"));
    paged("Rules", &listing, wanted.into_iter().map(show_rule).collect(), input)
}

pub(super) fn target_groups(world: &World, input: Input<'_>) -> Answer {
    let balancer = &world.balancer;
    let (arns, names) = (input.texts("TargetGroupArns"), input.texts("Names"));
    let of_balancer = input.text("LoadBalancerArn");
    if of_balancer.is_some_and(|arn| arn != balancer.arn) {
        return Err(balancer_not_found());
    }
    let known = |name: &&str| balancer.groups.iter().any(|g| g.arn == *name || g.name == *name);
    if !arns.iter().chain(&names).all(known) {
        return Err(refuse("TargetGroupNotFound", "One or more target groups not found"));
    }
    let wanted = balancer.groups.iter().zip(balancer.group_ids()).filter(|(group, id)| {
        (arns.is_empty() && names.is_empty()
            || arns.contains(&group.arn.as_str())
            || names.contains(&group.name.as_str()))
            && (of_balancer.is_none() || balancer.in_use(*id))
    });
    let show = |(group, id): (&crate::sim::world::balancer::TargetGroup, GroupId)| {
        json!({
            "TargetGroupArn": group.arn,
            "TargetGroupName": group.name,
            "Protocol": "HTTP",
            "Port": PORT,
            "VpcId": VPC,
            "HealthCheckProtocol": "HTTP",
            "HealthCheckPort": "traffic-port",
            "HealthCheckEnabled": true,
            "HealthCheckIntervalSeconds": group.interval_seconds,
            "HealthCheckTimeoutSeconds": 5,
            "HealthyThresholdCount": group.healthy_after,
            "UnhealthyThresholdCount": group.unhealthy_after,
            "HealthCheckPath": group.health_path,
            "Matcher": {"HttpCode": "200"},
            "LoadBalancerArns": if balancer.in_use(id) { json!([balancer.arn]) } else { json!([]) },
            "TargetType": "ip",
            "ProtocolVersion": "HTTP1",
            "IpAddressType": "ipv4",
        })
    };
    paged("TargetGroups", "groups", wanted.map(show).collect(), input)
}

pub(super) fn target_health(world: &World, input: Input<'_>) -> Answer {
    let found = input.text("TargetGroupArn").and_then(|arn| world.balancer.group_with_arn(arn));
    let Some(group) = found else {
        return Err(refuse("TargetGroupNotFound", "One or more target groups not found"));
    };
    let used = world.balancer.in_use(group);
    let only: Vec<&str> = input.items("Targets").filter_map(|t| t.get("Id")?.as_str()).collect();
    let mut shown = Vec::new();
    for task in world.services.iter().flat_map(|s| &s.tasks) {
        let Some(target) = task.target.as_ref().filter(|t| t.group == group) else {
            continue;
        };
        if !only.is_empty() && !only.contains(&task.ip.as_str()) {
            continue;
        }
        let zone = if task.zone == 0 { "a" } else { "b" };
        shown.push(json!({
            "Target": {"Id": task.ip, "Port": PORT, "AvailabilityZone": format!("{}{zone}", world.ids.place.region)},
            "HealthCheckPort": PORT.to_string(),
            "TargetHealth": health(target, used, world.tick),
            "AdministrativeOverride": {
                "State": "no_override",
                "Reason": "AdministrativeOverride.NoOverride",
                "Description": "No override is currently active on target",
            },
        }));
    }
    let is = |shown: &Value, id: &str| shown.pointer("/Target/Id").and_then(Value::as_str) == Some(id);
    let absent: Vec<_> = only.iter().filter(|id| !shown.iter().any(|s| is(s, id))).collect();
    for id in absent {
        shown.push(json!({
            "Target": {"Id": id, "Port": PORT},
            "TargetHealth": {"State": "unused", "Reason": "Target.NotRegistered", "Description": "Target is not registered to the target group"},
        }));
    }
    Ok(json!({"TargetHealthDescriptions": shown}))
}

fn health(target: &Target, used: bool, now: Ms) -> Value {
    if !used && target.health != Health::Draining {
        let description = "Target group is not configured to receive traffic from the load balancer";
        return json!({"State": "unused", "Reason": "Target.NotInUse", "Description": description});
    }
    match target.reason(now) {
        None => json!({"State": "healthy"}),
        Some((reason, description)) => {
            json!({"State": target.health.as_ref(), "Reason": reason, "Description": description})
        }
    }
}

pub(super) fn target_group_attributes(world: &World, input: Input<'_>) -> Answer {
    let found = input.text("TargetGroupArn").and_then(|arn| world.balancer.group_with_arn(arn));
    let Some(group) = found.and_then(|id| world.balancer.group(id)) else {
        return Err(refuse("TargetGroupNotFound", "One or more target groups not found"));
    };
    let delay = group.drain_seconds.to_string();
    let attributes = [
        ("stickiness.enabled", "false"),
        ("deregistration_delay.timeout_seconds", delay.as_str()),
        ("stickiness.type", "lb_cookie"),
        ("stickiness.lb_cookie.duration_seconds", "86400"),
        ("slow_start.duration_seconds", "0"),
        ("load_balancing.algorithm.type", "round_robin"),
        ("load_balancing.algorithm.anomaly_mitigation", "off"),
        ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
        ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
        ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
    ];
    Ok(json!({"Attributes": attributes.map(|(key, value)| json!({"Key": key, "Value": value}))}))
}

pub(super) fn tags(world: &World, input: Input<'_>) -> Answer {
    let arns = input.texts("ResourceArns");
    if arns.len() > 20 {
        return Err(refuse("ValidationError", "ResourceArns cannot have more than 20 elements"));
    }
    let balancer = &world.balancer;
    let known = |arn: &str| {
        let listed = balancer.listeners.iter().map(|l| &l.arn).chain(balancer.rules.iter().map(|r| &r.arn));
        balancer.arn == arn || listed.chain(balancer.groups.iter().map(|g| &g.arn)).any(|a| a == arn)
    };
    if let Some(unknown) = arns.iter().find(|arn| !known(arn)) {
        let code = if unknown.contains(":targetgroup/") { "TargetGroupNotFound" } else { "LoadBalancerNotFound" };
        return Err(refuse(code, format!("One or more resources not found: {unknown}")));
    }
    let shown: Vec<_> =
        arns.iter().map(|arn| json!({"ResourceArn": arn, "Tags": [{"Key": "project", "Value": "shop"}]})).collect();
    Ok(json!({"TagDescriptions": shown}))
}
