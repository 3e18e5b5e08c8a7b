//! The free text of every answer is hostile in a hostile world.

use serde_json::{Value, json};

use super::Sim;
use crate::sim::api::Service;
use crate::sim::fuzz_text;

/// The free text of an answer, and the rest of the answer.
fn texts(answer: &Value) -> (Vec<String>, String) {
    let (mut rest, mut free) = (answer.clone(), Vec::new());
    fuzz_text::for_each(&mut rest, &mut |text| free.push(std::mem::take(text)));
    (free, rest.to_string())
}

#[test]
fn all_free_text_is_hostile_and_nothing_else_is() {
    let mut sim = Sim::new("hostile");
    let balancers = sim.elb("DescribeLoadBalancers", json!({}))["LoadBalancers"][0]["LoadBalancerArn"].clone();
    let listeners = sim.elb("DescribeListeners", json!({"LoadBalancerArn": balancers}));
    let group = sim.elb("DescribeTargetGroups", json!({"Names": ["orders"]}))["TargetGroups"][0].clone();
    let now = sim.world.now().as_millisecond();
    let tasks = sim.ecs("ListTasks", json!({"serviceName": "orders", "desiredStatus": "STOPPED"}));
    for (service, operation, input) in [
        (Service::Ecs, "DescribeServices", json!({"cluster": "prod", "services": ["orders"], "include": ["TAGS"]})),
        (Service::Ecs, "DescribeTasks", json!({"cluster": "prod", "tasks": tasks["taskArns"]})),
        (Service::Ecs, "DescribeTaskDefinition", json!({"taskDefinition": "orders:24"})),
        (Service::Elbv2, "DescribeRules", json!({"ListenerArn": listeners["Listeners"][0]["ListenerArn"]})),
        (Service::Elbv2, "DescribeTargetHealth", json!({"TargetGroupArn": group["TargetGroupArn"]})),
        (Service::CloudWatch, "DescribeAlarms", json!({"AlarmNames": ["catalog-p99"]})),
        (Service::Logs, "FilterLogEvents", json!({"logGroupName": "/ecs/orders", "startTime": now - 20_000})),
    ] {
        let mut answer = sim.call(service, operation, input.clone()).unwrap();
        if answer["events"] == json!([]) {
            // The first page may be empty.
            let mut input = input.clone();
            input["nextToken"] = answer["nextToken"].clone();
            answer = sim.call(service, operation, input).unwrap();
        }
        let (free, rest) = texts(&answer);
        assert!(!free.is_empty(), "{operation}");
        let innocent: Vec<_> = free.iter().filter(|text| !fuzz_text::is_hostile(text)).collect();
        assert!(innocent.is_empty(), "{operation}: {innocent:?}");
        assert!(!fuzz_text::is_hostile(&rest) && !rest.contains("\\u00"), "{operation}: {rest}");
    }
    let error = sim.call(Service::Logs, "FilterLogEvents", json!({"logGroupName": "x"})).unwrap_err();
    assert!(error.code == "ResourceNotFoundException" && fuzz_text::is_hostile(&error.message), "{error:?}");
}

#[test]
fn hostile_names_can_be_used_in_later_calls() {
    let mut sim = Sim::new("hostile");
    let all = sim.call(Service::CloudWatch, "DescribeAlarms", json!({})).unwrap();
    let names: Vec<Value> = all["MetricAlarms"].as_array().unwrap().iter().map(|a| a["AlarmName"].clone()).collect();
    let hostile: Vec<_> = names.into_iter().filter(|name| fuzz_text::is_hostile(name.as_str().unwrap())).collect();
    assert_eq!(hostile.len(), 2);
    let found = sim.call(Service::CloudWatch, "DescribeAlarms", json!({"AlarmNames": hostile})).unwrap();
    assert_eq!(found["MetricAlarms"].as_array().unwrap().len(), 2);
}

#[test]
fn registrations_in_a_hostile_world_are_described_unchanged() {
    let mut sim = Sim::new("hostile");
    let containers =
        json!([{"name": "orders", "image": "example.test/orders:1", "environment": [{"name": "A", "value": "b"}]}]);
    let made = sim.ecs("RegisterTaskDefinition", json!({"family": "orders", "containerDefinitions": containers}));
    let read = sim.ecs("DescribeTaskDefinition", json!({"taskDefinition": "orders:25"}));
    assert_eq!(read["taskDefinition"], made["taskDefinition"]);
    assert_eq!(read["taskDefinition"]["containerDefinitions"][0]["environment"], containers[0]["environment"]);
}
