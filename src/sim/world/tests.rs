//! The world as a client sees it: calls in, JSON out, the clock moved by hand.

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::{Value, json};

use super::World;
use crate::sim::api::{Answer, Call, Service};
use crate::sim::scenario::Scenario;

pub(super) struct Sim {
    pub world: World,
}

impl Sim {
    pub fn new(scenario: &str) -> Self {
        Self::of(&Scenario::named(scenario).unwrap())
    }

    pub fn of(scenario: &Scenario) -> Self {
        let start: Timestamp = "2026-11-21T09:41:07Z".parse().unwrap();
        Self { world: World::new(scenario, 7, start) }
    }

    pub fn run(&mut self, seconds: i64) {
        let to = self.world.now() + SignedDuration::from_secs(seconds);
        self.world.advance(to);
    }

    /// Runs until something holds; fails after `limit` seconds.
    pub fn until(&mut self, limit: i64, what: &str, mut holds: impl FnMut(&mut Self) -> bool) -> i64 {
        for second in 0..limit {
            if holds(self) {
                return second;
            }
            self.run(1);
        }
        panic!("after {limit} s still not: {what}");
    }

    pub fn call(&mut self, service: Service, operation: &str, input: Value) -> Answer {
        self.world.call(&Call { service, operation: operation.into(), input, region: "us-east-1".into() })
    }

    pub fn ecs(&mut self, operation: &str, mut input: Value) -> Value {
        if let Some(map) = input.as_object_mut() {
            map.entry("cluster").or_insert(json!("prod"));
        }
        self.call(Service::Ecs, operation, input).unwrap()
    }

    pub fn elb(&mut self, operation: &str, input: Value) -> Value {
        self.call(Service::Elbv2, operation, input).unwrap()
    }

    pub fn service(&mut self, name: &str) -> Value {
        self.ecs("DescribeServices", json!({"services": [name]}))["services"][0].clone()
    }

    /// The newest service deployment.
    pub fn deployment(&mut self, service: &str) -> Value {
        let list = self.ecs("ListServiceDeployments", json!({"service": service}));
        let arn = list["serviceDeployments"][0]["serviceDeploymentArn"].clone();
        self.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]}))["serviceDeployments"][0].clone()
    }

    fn rule(&mut self, path: &str) -> Value {
        let arn = self.elb("DescribeLoadBalancers", json!({}))["LoadBalancers"][0]["LoadBalancerArn"].clone();
        let listeners = self.elb("DescribeListeners", json!({"LoadBalancerArn": arn}));
        let rules = self.elb("DescribeRules", json!({"ListenerArn": listeners["Listeners"][0]["ListenerArn"]}));
        let of_path = |r: &&Value| r["Conditions"][0]["Values"][0] == path;
        rules["Rules"].as_array().unwrap().iter().find(of_path).unwrap().clone()
    }

    /// The sum of a metric of a target group over the last `minutes` settled minutes.
    fn metric(&mut self, group: &str, name: &str, stat: &str, minutes: i64) -> Vec<f64> {
        let end = self.world.now().as_second() - 120;
        self.metric_between(group, name, stat, end - minutes * 60, end)
    }

    fn metric_between(&mut self, group: &str, name: &str, stat: &str, start: i64, end: i64) -> Vec<f64> {
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
        let input = json!({"MetricDataQueries": [query], "StartTime": start, "EndTime": end});
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

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

#[test]
fn the_demo_begins_in_time_and_in_the_middle_of_a_release() {
    let before = std::time::Instant::now();
    let mut sim = Sim::new("good-release");
    let building = before.elapsed();
    let orders = sim.service("orders");
    assert_eq!(orders["deployments"].as_array().unwrap().len(), 2, "{orders:#}");
    let before = std::time::Instant::now();
    sim.run(60);
    eprintln!("built in {building:?}, a minute takes {:?}", before.elapsed());
    let canary = sim.service("checkout-canary");
    assert_eq!((canary["desiredCount"].as_i64(), canary["runningCount"].as_i64()), (Some(2), Some(2)));
    assert!(canary["taskDefinition"].as_str().unwrap().ends_with("checkout:42"));
    assert_eq!(canary["deployments"][0]["rolloutState"], "COMPLETED");
    assert!(sim.metric("checkout-stable", "RequestCount", "Sum", 170).len() >= 169);
    let share = sum(&sim.metric("checkout-canary", "RequestCount", "Sum", 2))
        / sum(&sim.metric("checkout-stable", "RequestCount", "Sum", 2));
    assert!((0.006..0.015).contains(&share), "{share}");
}

#[test]
fn weights_split_the_traffic_and_nothing_else_of_the_rule_changes() {
    let mut sim = Sim::new("shop");
    sim.ecs("UpdateService", json!({"service": "checkout-canary", "taskDefinition": "checkout:42", "desiredCount": 6}));
    sim.until(400, "six healthy canaries", |sim| {
        let count = sim.metric("checkout-canary", "HealthyHostCount", "Minimum", 1);
        count.first() == Some(&6.0)
    });
    let before = sim.rule("/checkout*");
    for (stable, canary, share) in [(99, 1, 0.01), (90, 10, 0.1), (0, 100, 1.0), (100, 0, 0.0)] {
        sim.set_weights(stable, canary).unwrap();
        sim.run(60);
        let start = sim.world.now().as_second();
        sim.run(480);
        let counts = ["checkout-stable", "checkout-canary"]
            .map(|g| sum(&sim.metric_between(g, "RequestCount", "Sum", start, start + 300)));
        let got = counts[1] / (counts[0] + counts[1]);
        assert!((got - share).abs() < 0.004, "{stable}/{canary}: {got}");
    }
    assert_eq!(sim.rule("/checkout*"), before);
    // At weight 0 there is no point at all, rather than a 0.
    assert!(sim.metric("checkout-canary", "RequestCount", "Sum", 3).is_empty());
}

#[test]
fn weight_on_an_empty_target_group_is_answered_by_the_load_balancer() {
    let mut sim = Sim::new("shop");
    sim.set_weights(50, 50).unwrap();
    sim.run(300);
    assert!(sim.metric("checkout-canary", "RequestCount", "Sum", 2).is_empty());
    let arn = sim.elb("DescribeLoadBalancers", json!({}))["LoadBalancers"][0]["LoadBalancerArn"].clone();
    let name = arn.as_str().unwrap().split_once(":loadbalancer/").unwrap().1.to_owned();
    let end = sim.world.now().as_second() - 120;
    let input = json!({"StartTime": end - 120, "EndTime": end, "MetricDataQueries": [{"Id": "e", "MetricStat": {
        "Period": 60, "Stat": "Sum", "Metric": {"Namespace": "AWS/ApplicationELB", "MetricName": "HTTPCode_ELB_503_Count",
            "Dimensions": [{"Name": "LoadBalancer", "Value": name}]}}}]});
    let out = sim.call(Service::CloudWatch, "GetMetricData", input).unwrap();
    let errors = out["MetricDataResults"][0]["Values"][0].as_f64().unwrap();
    assert!(errors > 5000.0, "{errors}");
}

#[rstest]
#[case::fine_at_1(99, 1, 0.0..1.5, 0.1)]
#[case::bad_at_10(90, 10, 5.0..16.0, 0.4)]
fn a_bad_canary_fails_from_its_share_on(
    #[case] stable: i64,
    #[case] canary: i64,
    #[case] errors: std::ops::Range<f64>,
    #[case] latency: f64,
) {
    let mut sim = Sim::new("bad-canary");
    sim.set_weights(stable, canary).unwrap();
    sim.run(600);
    let (bad, all) = (
        sum(&sim.metric("checkout-canary", "HTTPCode_Target_5XX_Count", "Sum", 5)),
        sum(&sim.metric("checkout-canary", "RequestCount", "Sum", 5)),
    );
    let percent = 100.0 * bad / all;
    assert!(errors.contains(&percent), "{percent} % of {all}");
    let p50 = sim.metric("checkout-canary", "TargetResponseTime", "p50", 1)[0];
    assert_eq!(p50 > latency, canary == 10, "{p50}");
    let stable = sim.metric("checkout-stable", "TargetResponseTime", "p50", 1)[0];
    assert!((0.05..0.09).contains(&stable), "{stable}");
}

#[test]
fn too_few_tasks_for_the_traffic_are_slow_and_fail() {
    let mut sim = Sim::new("good-release");
    sim.set_weights(0, 100).unwrap();
    sim.run(400);
    let (bad, all) = (
        sum(&sim.metric("checkout-canary", "HTTPCode_Target_5XX_Count", "Sum", 2)),
        sum(&sim.metric("checkout-canary", "RequestCount", "Sum", 2)),
    );
    assert!(bad / all > 0.2, "{bad} of {all}");
    assert!(sim.metric("checkout-canary", "TargetResponseTime", "p95", 1)[0] > 1.0);
}

#[test]
fn a_rolling_deployment_replaces_tasks_within_its_percentages() {
    let mut sim = Sim::new("shop");
    let out = sim.ecs("UpdateService", json!({"service": "orders", "taskDefinition": "orders:24"}));
    assert_eq!(out["service"]["deployments"][0]["rolloutState"], "IN_PROGRESS");
    let mut both = false;
    sim.until(400, "completed", |sim| {
        let service = sim.service("orders");
        let (running, pending) = (service["runningCount"].as_i64().unwrap(), service["pendingCount"].as_i64().unwrap());
        let serving = sim.healthy("orders");
        assert!(serving >= 6, "{serving} healthy");
        assert!(running + pending <= 18, "{running} + {pending}, some of them draining");
        both |= service["deployments"].as_array().unwrap().len() == 2;
        service["deployments"][0]["rolloutState"] == "COMPLETED"
    });
    assert!(both);
    let deployment = sim.deployment("orders");
    assert_eq!(deployment["status"], "SUCCESSFUL");
    assert!(deployment.get("lifecycleStage").is_none());
    sim.until(120, "one deployment, steady", |sim| sim.service("orders")["deployments"].as_array().unwrap().len() == 1);
    let service = sim.service("orders");
    let events: Vec<_> = service["events"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap()).collect();
    assert!(events.iter().take(4).any(|e| e.contains("has reached a steady state.")), "{events:#?}");
}

#[test]
fn the_circuit_breaker_trips_and_rolls_back() {
    let mut sim = Sim::new("crash-loop");
    let trips = sim.until(600, "rolled back", |sim| sim.deployment("payments")["status"] == "ROLLBACK_SUCCESSFUL");
    let deployment = sim.deployment("payments");
    assert_eq!(deployment["deploymentCircuitBreaker"]["status"], "TRIGGERED");
    assert_eq!(deployment["deploymentCircuitBreaker"]["threshold"], 3);
    assert!(trips > 5, "{trips}");
    assert!(sim.service("payments")["taskDefinition"].as_str().unwrap().ends_with("payments:17"));
    assert_eq!(sim.healthy("payments"), 6);
    let stopped = sim.ecs("ListTasks", json!({"serviceName": "payments", "desiredStatus": "STOPPED"}));
    let tasks = sim.ecs("DescribeTasks", json!({"tasks": stopped["taskArns"]}));
    let crashed = tasks["tasks"].as_array().unwrap().iter().filter(|t| t["stopCode"] == "EssentialContainerExited");
    assert!(crashed.clone().count() >= 3);
    assert!(crashed.clone().all(|t| t["containers"][0]["exitCode"] == 1));
}

#[test]
fn desired_count_alone_starts_no_deployment() {
    let mut sim = Sim::new("shop");
    let before = sim.service("cart");
    for desired in [7, 2, 0, 3] {
        sim.ecs("UpdateService", json!({"service": "cart", "desiredCount": desired}));
        sim.until(200, "scaled", |sim| {
            let service = sim.service("cart");
            service["runningCount"] == desired && service["pendingCount"] == 0
        });
        let after = sim.service("cart");
        assert_eq!(after["currentServiceDeployment"], before["currentServiceDeployment"]);
        assert_eq!(after["deployments"][0]["id"], before["deployments"][0]["id"]);
    }
}

#[test]
fn a_rolling_deployment_that_is_stopped_rolls_back() {
    let mut sim = Sim::new("shop");
    sim.ecs("UpdateService", json!({"service": "orders", "taskDefinition": "orders:24"}));
    sim.run(40);
    let arn = sim.deployment("orders")["serviceDeploymentArn"].clone();
    sim.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}));
    assert_eq!(sim.deployment("orders")["status"], "ROLLBACK_REQUESTED");
    sim.until(300, "back", |sim| sim.deployment("orders")["status"] == "ROLLBACK_SUCCESSFUL");
    assert!(sim.service("orders")["taskDefinition"].as_str().unwrap().ends_with(":23"));
    let again = sim.call(Service::Ecs, "StopServiceDeployment", json!({"serviceDeploymentArn": arn}));
    assert_eq!(again.unwrap_err().code, "ConflictException");
}

#[test]
fn a_minute_is_published_late_and_at_first_too_low() {
    let mut sim = Sim::new("shop");
    let minute = sim.world.now().as_second() / 60 * 60 + 60;
    sim.until(61, "the minute begins", |sim| sim.world.now().as_second() == minute);
    let mut seen = Vec::new();
    for age in 0..200 {
        let value = sim.metric_between("checkout-stable", "RequestCount", "Sum", minute, minute + 60);
        match value.first() {
            None => assert!(age <= 150, "not yet published {age} s after it began"),
            Some(value) => {
                assert!(age >= 120, "published {age} s after it began");
                seen.push(*value);
            }
        }
        sim.run(1);
    }
    seen.dedup();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[0] < 0.8 * seen[1]);
}

#[test]
fn lists_come_in_pages_and_describes_have_limits() {
    let mut sim = Sim::new("shop");
    let first = sim.ecs("ListServices", json!({}));
    assert_eq!(first["serviceArns"].as_array().unwrap().len(), 10);
    assert!(first.get("nextToken").is_none(), "ten services fit in one page");
    let page = sim.ecs("ListServices", json!({"maxResults": 4}));
    let next = sim.ecs("ListServices", json!({"maxResults": 4, "nextToken": page["nextToken"]}));
    assert_eq!(next["serviceArns"][0], first["serviceArns"][4]);
    let names: Vec<_> = (0..11).map(|n| format!("s{n}")).collect();
    let error = sim.call(Service::Ecs, "DescribeServices", json!({"cluster": "prod", "services": names})).unwrap_err();
    assert_eq!(error.code, "InvalidParameterException");
    let missing = sim.ecs("DescribeServices", json!({"services": ["nothing"]}));
    assert_eq!(missing["failures"][0]["reason"], "MISSING");
}

#[rstest]
#[case(Service::Ecs, "DescribeServices", json!({"cluster": "x", "services": ["a"]}), "ClusterNotFoundException")]
#[case(Service::Ecs, "UpdateService", json!({"cluster": "prod", "service": "x"}), "ServiceNotFoundException")]
#[case(Service::Ecs, "UpdateService", json!({"cluster": "prod", "service": "cart", "taskDefinition": "checkout:36"}), "ClientException")]
#[case(Service::Ecs, "ListServices", json!({"cluster": "prod", "nextToken": "x"}), "InvalidParameterException")]
#[case(Service::Ecs, "StopServiceDeployment", json!({"serviceDeploymentArn": "x"}), "ServiceDeploymentNotFoundException")]
#[case(Service::Ecs, "MakeCoffee", json!({}), "InvalidAction")]
#[case(Service::Elbv2, "DescribeRules", json!({"RuleArns": ["x"]}), "RuleNotFound")]
#[case(Service::Elbv2, "ModifyRule", json!({"RuleArn": "x"}), "RuleNotFound")]
#[case(Service::Elbv2, "DescribeTargetHealth", json!({"TargetGroupArn": "x"}), "TargetGroupNotFound")]
#[case(Service::CloudWatch, "GetMetricData", json!({"MetricDataQueries": []}), "ValidationError")]
fn errors_have_the_real_codes(
    #[case] service: Service,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] code: &str,
) {
    let error = Sim::new("shop").call(service, operation, input).unwrap_err();
    assert_eq!((error.status, error.code.as_str()), (400, code));
}

#[test]
fn weights_out_of_range_or_on_strangers_are_refused_and_both_zero_is_not() {
    let mut sim = Sim::new("shop");
    assert_eq!(sim.set_weights(1000, 0).unwrap_err().code, "ValidationError");
    let rule = sim.rule("/checkout*");
    let mut actions = rule["Actions"].clone();
    actions[0]["ForwardConfig"]["TargetGroups"][1]["TargetGroupArn"] = json!("arn:aws:elasticloadbalancing:x");
    let error =
        sim.call(Service::Elbv2, "ModifyRule", json!({"RuleArn": rule["RuleArn"], "Actions": actions})).unwrap_err();
    assert_eq!(error.code, "TargetGroupNotFound");
    assert_eq!(sim.rule("/checkout*"), rule);
    sim.set_weights(0, 0).unwrap();
}

#[test]
fn the_same_seed_gives_the_same_world_and_other_regions_are_empty() {
    let (mut a, mut b) = (Sim::new("good-release"), Sim::new("good-release"));
    a.run(90);
    (0..90).for_each(|_| b.run(1));
    assert_eq!(a.service("orders"), b.service("orders"));
    assert_eq!(a.metric("search", "TargetResponseTime", "p99", 5), b.metric("search", "TargetResponseTime", "p99", 5));
    let call =
        Call { service: Service::Ecs, operation: "ListClusters".into(), input: json!({}), region: "eu-west-1".into() };
    assert_eq!(a.world.call(&call).unwrap(), json!({"clusterArns": []}));
}

#[test]
fn somebody_edits_the_rule() {
    let mut sim = Sim::new("rule-edited");
    sim.run(59);
    let weight =
        |sim: &mut Sim| sim.rule("/checkout*")["Actions"][0]["ForwardConfig"]["TargetGroups"][1]["Weight"].clone();
    assert_eq!(weight(&mut sim), 1);
    sim.run(1);
    assert_eq!(weight(&mut sim), 20);
}
