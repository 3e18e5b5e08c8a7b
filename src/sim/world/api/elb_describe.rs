//! The Describe operations of the load balancers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::error::refuse;
use super::input::Input;
use super::json::insert;
use super::page::elb_page;
use crate::sim::api::{Answer, ApiError};
use crate::sim::scenario::{IpAddressType, Network};
use crate::sim::world::account::Account;
use crate::sim::world::clock::{DAY, Ms, epoch};
use crate::sim::world::ecs::target::{Health, Target};
use crate::sim::world::ecs::task::Task;
use crate::sim::world::elb::load_balancer::{Listener, LoadBalancer};
use crate::sim::world::elb::rule::Rule;
use crate::sim::world::elb::target_group::TargetGroup;
use crate::sim::world::task_definitions::definition::PORT;

const VPC: &str = "vpc-0d4e5f60718293a4b";

fn balancer_not_found() -> ApiError {
    refuse("LoadBalancerNotFound", "One or more load balancers not found")
}

pub(super) fn load_balancers(account: &Account, input: Input<'_>) -> Answer {
    let balancer = &account.load_balancer;
    let (arns, names) = (input.texts("LoadBalancerArns"), input.texts("Names"));
    let own = balancer.exists.then_some((&balancer.arn, &balancer.name, &balancer.dns));
    let others = balancer.others.iter().map(|other| (&other.arn, &other.name, &other.dns));
    let all: Vec<_> = own.into_iter().chain(others).collect();
    let exists = |wanted: &&str| all.iter().any(|(arn, name, _)| wanted == arn || wanted == name);
    if !arns.iter().chain(&names).all(exists) {
        return Err(balancer_not_found());
    }
    let wanted =
        |arn: &str, name: &str| arns.is_empty() && names.is_empty() || arns.contains(&arn) || names.contains(&name);
    let matching = all.into_iter().filter(|(arn, name, _)| wanted(arn, name));
    let described = matching.map(|(arn, name, dns)| {
        let network = balancer.network && *arn == balancer.arn;
        balancer_json(account, (arn, name, dns), network)
    });
    elb_page("LoadBalancers", "balancers", described.collect(), input)
}

fn balancer_json(account: &Account, (arn, name, dns): (&str, &str, &str), network: bool) -> Value {
    let zones: Vec<_> = Network::default().subnets.into_iter().zip(["a", "b"]).map(|(subnet, zone)| {
        json!({"ZoneName": format!("{}{zone}", account.arns.region), "SubnetId": subnet, "LoadBalancerAddresses": []})
    }).collect();
    json!({
        "LoadBalancerArn": arn,
        "DNSName": dns,
        "CanonicalHostedZoneId": "Z35SXDOTRQ7X7K",
        "CreatedTime": epoch(account.started - 400 * DAY),
        "LoadBalancerName": name,
        "Scheme": "internet-facing",
        "VpcId": VPC,
        "State": {"Code": "active"},
        "Type": if network { "network" } else { "application" },
        "AvailabilityZones": zones,
        "SecurityGroups": ["sg-0e5f60718293a4b5c"],
        "IpAddressType": "ipv4",
        "EnablePrefixForIpv6SourceNat": "off",
    })
}

pub(super) fn listener_json(balancer: &LoadBalancer, at: usize, listener: &Listener) -> Value {
    let default = balancer.rules.iter().find(|r| r.listener == at && r.priority.is_none());
    json!({
        "ListenerArn": listener.arn,
        "LoadBalancerArn": balancer.arn_of(listener),
        "Port": listener.port,
        "Protocol": if balancer.network && listener.other.is_none() { "TCP" } else { "HTTP" },
        "DefaultActions": default.map(|r| r.actions.clone()).unwrap_or(json!([])),
    })
}

pub(super) fn listeners(account: &Account, input: Input<'_>) -> Answer {
    let balancer = &account.load_balancer;
    let arns = input.texts("ListenerArns");
    let of_balancer = input.text("LoadBalancerArn");
    match of_balancer {
        Some(arn) if !balancer.has_balancer(arn) => return Err(balancer_not_found()),
        None if arns.is_empty() => {
            return Err(refuse("ValidationError", "You must specify either listener ARNs or a load balancer ARN"));
        }
        _ => {}
    }
    if !arns.iter().all(|arn| balancer.listeners.iter().any(|l| l.arn == *arn)) {
        return Err(refuse("ListenerNotFound", "One or more listeners not found"));
    }
    let matching = balancer.listeners.iter().enumerate().filter(|(_, listener)| {
        (arns.is_empty() || arns.contains(&listener.arn.as_str()))
            && of_balancer.is_none_or(|arn| balancer.arn_of(listener) == arn)
    });
    elb_page("Listeners", "listeners", matching.map(|(at, l)| listener_json(balancer, at, l)).collect(), input)
}

pub(super) fn rule_json(rule: &Rule) -> Value {
    json!({
        "RuleArn": rule.arn,
        "Priority": rule.priority.map_or("default".into(), |p| p.to_string()),
        "Conditions": rule.conditions,
        "Actions": rule.actions,
        "IsDefault": rule.priority.is_none(),
        "Transforms": [],
    })
}

pub(super) fn rules(account: &Account, input: Input<'_>) -> Answer {
    let balancer = &account.load_balancer;
    let arns = input.texts("RuleArns");
    let listener = input.text("ListenerArn").map(|arn| balancer.listeners.iter().position(|l| l.arn == arn));
    let matching: Vec<&Rule> = match listener {
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
    elb_page("Rules", &listing, matching.into_iter().map(rule_json).collect(), input)
}

pub(super) fn target_groups(account: &Account, input: Input<'_>) -> Answer {
    let balancer = &account.load_balancer;
    let (arns, names) = (input.texts("TargetGroupArns"), input.texts("Names"));
    let of_balancer = input.text("LoadBalancerArn");
    if of_balancer.is_some_and(|arn| !balancer.has_balancer(arn)) {
        return Err(balancer_not_found());
    }
    let exists = |name: &&str| balancer.groups.iter().any(|(_, g)| g.arn == *name || g.name == *name);
    if !arns.iter().chain(&names).all(exists) {
        return Err(group_not_found());
    }
    let behind = balancer.balancers_by_group();
    let matching = balancer.groups.iter().filter(|(id, group)| {
        (arns.is_empty() && names.is_empty()
            || arns.contains(&group.arn.as_str())
            || names.contains(&group.name.as_str()))
            && of_balancer.is_none_or(|arn| behind.get(id).is_some_and(|balancers| balancers.contains(arn)))
    });
    let groups = matching.map(|(id, group)| group_json(group, behind.get(&id))).collect();
    elb_page("TargetGroups", "groups", groups, input)
}

fn group_not_found() -> ApiError {
    refuse("TargetGroupNotFound", "One or more target groups not found")
}

fn group_json(group: &TargetGroup, balancers: Option<&BTreeSet<&str>>) -> Value {
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
        "LoadBalancerArns": balancers.into_iter().flatten().collect::<Vec<_>>(),
        "TargetType": group.target_type.as_ref(),
        "ProtocolVersion": "HTTP1",
        "IpAddressType": group.ip_address_type.as_ref(),
    })
}

pub(super) fn target_health(account: &Account, input: Input<'_>) -> Answer {
    let found = input.text("TargetGroupArn").and_then(|arn| account.load_balancer.groups.with_arn(arn));
    let group = found.ok_or_else(group_not_found)?;
    let in_use = account.load_balancer.in_use(group);
    let only: Vec<&str> = input.items("Targets").filter_map(|t| t.get("Id")?.as_str()).collect();
    let registered = account.services.iter().flat_map(|s| &s.tasks).filter_map(|task| {
        let target = task.targets.iter().find(|target| target.group == group)?;
        let (id, port) = target_of(account.load_balancer.group(group)?, task);
        let state = health(target, in_use, account.tick);
        let wanted = only.is_empty() || only.contains(&id);
        wanted.then(|| (id, target_json(account, task, (id, port), state)))
    });
    let (ids, mut targets): (Vec<&str>, Vec<Value>) = registered.unzip();
    for id in only.iter().filter(|id| !ids.contains(*id)) {
        targets.push(json!({
            "Target": {"Id": id, "Port": PORT},
            "TargetHealth": {"State": "unused", "Reason": "Target.NotRegistered", "Description": "Target is not registered to the target group"},
        }));
    }
    Ok(json!({"TargetHealthDescriptions": targets}))
}

/// Id and port by which a target group knows a task.
fn target_of<'a>(group: &TargetGroup, task: &'a Task) -> (&'a str, u16) {
    match (task.host_port, group.ip_address_type) {
        (Some(host_port), _) => (host_port.ec2_instance(), host_port.port),
        (None, IpAddressType::Ipv6) => (&task.network.ipv6, PORT),
        (None, IpAddressType::Ipv4) => (&task.network.ip, PORT),
    }
}

fn target_json(account: &Account, task: &Task, (id, port): (&str, u16), health: Value) -> Value {
    let mut target = json!({"Id": id, "Port": port});
    // An instance is in the zone of its own subnet, which DescribeTargetHealth does not show.
    if task.host_port.is_none() {
        let zone = if task.network.zone == 0 { "a" } else { "b" };
        insert(&mut target, "AvailabilityZone", json!(format!("{}{zone}", account.arns.region)));
    }
    json!({
        "Target": target,
        "HealthCheckPort": port.to_string(),
        "TargetHealth": health,
        "AdministrativeOverride": {
            "State": "no_override",
            "Reason": "AdministrativeOverride.NoOverride",
            "Description": "No override is currently active on target",
        },
    })
}

fn health(target: &Target, in_use: bool, now: Ms) -> Value {
    if !in_use && target.health != Health::Draining {
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

pub(super) fn target_group_attributes(account: &Account, input: Input<'_>) -> Answer {
    let found = input.text("TargetGroupArn").and_then(|arn| account.load_balancer.groups.with_arn(arn));
    let Some(group) = found.and_then(|id| account.load_balancer.group(id)) else {
        return Err(group_not_found());
    };
    let delay = group.drain_seconds.to_string();
    let attributes = [
        ("stickiness.enabled", if group.sticky { "true" } else { "false" }),
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

pub(super) fn tags(account: &Account, input: Input<'_>) -> Answer {
    let arns = input.texts("ResourceArns");
    if arns.len() > 20 {
        return Err(refuse("ValidationError", "ResourceArns cannot have more than 20 elements"));
    }
    let balancer = &account.load_balancer;
    let exists = |arn: &str| {
        balancer.has_balancer(arn)
            || balancer.listeners.iter().any(|l| l.arn == arn)
            || balancer.rules.iter().any(|r| r.arn == arn)
            || balancer.groups.with_arn(arn).is_some()
    };
    if let Some(unknown) = arns.iter().find(|arn| !exists(arn)) {
        let code = if unknown.contains(":targetgroup/") { "TargetGroupNotFound" } else { "LoadBalancerNotFound" };
        return Err(refuse(code, format!("One or more resources not found: {unknown}")));
    }
    let described: Vec<_> =
        arns.iter().map(|arn| json!({"ResourceArn": arn, "Tags": [{"Key": "project", "Value": "shop"}]})).collect();
    Ok(json!({"TagDescriptions": described}))
}
