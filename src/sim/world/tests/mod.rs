//! Tests of the world through its API, with a manual clock.

mod answers;
mod availability;
mod configuration;
mod definitions;
mod failures;
mod hostile;
mod logs;
mod native;
mod reasons;
mod revisions;
mod rolling;
mod scenarios;
mod topologies;
mod traffic;

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::World;
use crate::sim::api::{Answer, Call, Service};
use crate::sim::scenario::Scenario;

struct Sim {
    world: World,
}

impl Sim {
    fn new(scenario: &str) -> Self {
        Self::of(&Scenario::named(scenario).unwrap())
    }

    fn of(scenario: &Scenario) -> Self {
        let start: Timestamp = "2026-11-21T09:41:07Z".parse().unwrap();
        Self { world: World::new(scenario, 7, start) }
    }

    fn run(&mut self, seconds: i64) {
        let to = self.world.now() + SignedDuration::from_secs(seconds);
        self.world.advance(to);
    }

    /// Runs until a condition holds and returns after how many seconds it does. Panics after `limit` seconds.
    fn until(&mut self, limit: i64, what: &str, mut holds: impl FnMut(&mut Self) -> bool) -> i64 {
        for second in 0..limit {
            if holds(self) {
                return second;
            }
            self.run(1);
        }
        panic!("not within {limit} s: {what}");
    }

    fn call(&mut self, service: Service, operation: &str, input: Value) -> Answer {
        self.world.call(&Call { service, operation: operation.into(), input, region: "us-east-1".into() })
    }

    fn ecs(&mut self, operation: &str, mut input: Value) -> Value {
        if let Some(map) = input.as_object_mut() {
            map.entry("cluster").or_insert(json!("prod"));
        }
        self.call(Service::Ecs, operation, input).unwrap()
    }

    fn elb(&mut self, operation: &str, input: Value) -> Value {
        self.call(Service::Elbv2, operation, input).unwrap()
    }

    fn service(&mut self, name: &str) -> Value {
        self.ecs("DescribeServices", json!({"services": [name]}))["services"][0].clone()
    }

    /// The newest service deployment.
    fn deployment(&mut self, service: &str) -> Value {
        let list = self.ecs("ListServiceDeployments", json!({"service": service}));
        let arn = list["serviceDeployments"][0]["serviceDeploymentArn"].clone();
        self.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]}))["serviceDeployments"][0].clone()
    }

    /// A service revision by its ARN.
    fn revision(&mut self, arn: &Value) -> Value {
        self.ecs("DescribeServiceRevisions", json!({"serviceRevisionArns": [arn]}))["serviceRevisions"][0].clone()
    }

    /// The code and the message of a refused call.
    fn refused(&mut self, operation: &str, mut input: Value) -> (String, String) {
        if let Some(map) = input.as_object_mut() {
            map.entry("cluster").or_insert(json!("prod"));
        }
        let error = self.call(Service::Ecs, operation, input).unwrap_err();
        (error.code, error.message)
    }

    fn rule(&mut self, path: &str) -> Value {
        let arn = self.elb("DescribeLoadBalancers", json!({}))["LoadBalancers"][0]["LoadBalancerArn"].clone();
        let listeners = self.elb("DescribeListeners", json!({"LoadBalancerArn": arn}));
        let rules = self.elb("DescribeRules", json!({"ListenerArn": listeners["Listeners"][0]["ListenerArn"]}));
        let of_path = |r: &&Value| r["Conditions"][0]["Values"][0] == path;
        rules["Rules"].as_array().unwrap().iter().find(of_path).unwrap().clone()
    }

    /// The values of a target group's metric in the last `minutes` complete minutes.
    fn metric(&mut self, group: &str, name: &str, stat: &str, minutes: i64) -> Vec<f64> {
        let end = self.world.now().as_second() - 120;
        self.metric_between(group, name, stat, end - minutes * 60..end)
    }

    fn metric_between(&mut self, group: &str, name: &str, stat: &str, seconds: Range<i64>) -> Vec<f64> {
        let groups = self.elb("DescribeTargetGroups", json!({"Names": [group]}));
        let group = &groups["TargetGroups"][0];
        let suffix = |arn: &Value, cut: &str| arn.as_str().unwrap().split_once(cut).unwrap().1.to_owned();
        let query = json!({"Id": "q", "MetricStat": {"Period": 60, "Stat": stat, "Metric": {
            "Namespace": "AWS/ApplicationELB", "MetricName": name,
            "Dimensions": [
                {"Name": "TargetGroup", "Value": format!("targetgroup{}", suffix(&group["TargetGroupArn"], ":targetgroup"))},
                {"Name": "LoadBalancer", "Value": suffix(&group["LoadBalancerArns"][0], ":loadbalancer/")},
            ],
        }}});
        let input = json!({"MetricDataQueries": [query], "StartTime": seconds.start, "EndTime": seconds.end});
        let out = self.call(Service::CloudWatch, "GetMetricData", input).unwrap();
        out["MetricDataResults"][0]["Values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    fn healthy(&mut self, group: &str) -> usize {
        let arn =
            self.elb("DescribeTargetGroups", json!({"Names": [group]}))["TargetGroups"][0]["TargetGroupArn"].clone();
        let health = self.elb("DescribeTargetHealth", json!({"TargetGroupArn": arn}));
        let all = health["TargetHealthDescriptions"].as_array().unwrap();
        all.iter().filter(|t| t["TargetHealth"]["State"] == "healthy").count()
    }

    fn set_weights(&mut self, stable: i64, canary: i64) -> Answer {
        let rule = self.rule("/checkout*");
        let mut actions = rule["Actions"].clone();
        for (at, weight) in [(0, stable), (1, canary)] {
            actions[0]["ForwardConfig"]["TargetGroups"][at]["Weight"] = json!(weight);
        }
        self.call(Service::Elbv2, "ModifyRule", json!({"RuleArn": rule["RuleArn"], "Actions": actions}))
    }
}
