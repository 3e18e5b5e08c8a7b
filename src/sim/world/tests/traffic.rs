//! Requests and their CloudWatch metrics.

use serde_json::json;

use super::Sim;
use crate::sim::api::Service;

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

#[test]
fn the_demo_starts_quickly_in_the_middle_of_a_release() {
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
fn weights_split_traffic_and_leave_the_rest_of_the_rule_unchanged() {
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
            .map(|g| sum(&sim.metric_between(g, "RequestCount", "Sum", start..start + 300)));
        let got = counts[1] / (counts[0] + counts[1]);
        assert!((got - share).abs() < 0.004, "{stable}/{canary}: {got}");
    }
    assert_eq!(sim.rule("/checkout*"), before);
    // At weight 0 there are no data points, rather than zeros.
    assert!(sim.metric("checkout-canary", "RequestCount", "Sum", 3).is_empty());
}

#[test]
fn weight_on_an_empty_target_group_causes_load_balancer_errors() {
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

#[test]
fn a_bad_canary_has_few_errors_below_10_percent_and_many_from_there() {
    for (stable, canary, errors, slow) in [(99, 1, 0.8..3.6, false), (90, 10, 5.0..18.0, true)] {
        let mut sim = Sim::new("bad-canary");
        sim.set_weights(stable, canary).unwrap();
        sim.run(600);
        let bad = sum(&sim.metric("checkout-canary", "HTTPCode_Target_5XX_Count", "Sum", 5));
        let all = sum(&sim.metric("checkout-canary", "RequestCount", "Sum", 5));
        let percent = 100.0 * bad / all;
        assert!(errors.contains(&percent), "{percent} % of {all}");
        let p50 = sim.metric("checkout-canary", "TargetResponseTime", "p50", 1)[0];
        assert_eq!(p50 > 0.4, slow, "{p50}");
        let p50 = sim.metric("checkout-stable", "TargetResponseTime", "p50", 1)[0];
        assert!((0.05..0.09).contains(&p50), "{p50}");
    }
}

#[test]
fn a_slow_canary_is_slow_at_any_share_without_errors() {
    for (stable, canary) in [(99, 1), (90, 10)] {
        let mut sim = Sim::new("latency-regression");
        sim.set_weights(stable, canary).unwrap();
        sim.run(600);
        let errors = sum(&sim.metric("checkout-canary", "HTTPCode_Target_5XX_Count", "Sum", 5));
        let requests = sum(&sim.metric("checkout-canary", "RequestCount", "Sum", 5));
        assert!(requests > 500.0 && errors / requests < 0.005, "{errors} of {requests}");
        // The newest minute may be published for one side only.
        let mut p95 = |group| {
            let minutes = sim.metric(group, "TargetResponseTime", "p95", 5);
            sum(&minutes) / minutes.len() as f64
        };
        let times = p95("checkout-canary") / p95("checkout-stable");
        assert!((1.5..2.1).contains(&times), "{times}");
    }
}

#[test]
fn a_canary_without_traffic_has_no_data_points() {
    let mut sim = Sim::new("no-traffic");
    sim.run(600);
    assert!(sim.metric("checkout-canary", "RequestCount", "Sum", 10).is_empty());
    assert!(sim.metric("checkout-stable", "RequestCount", "Sum", 10).is_empty());
}

#[test]
fn overloaded_tasks_are_slow_and_fail() {
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
fn a_minute_is_published_late_and_incomplete_at_first() {
    let mut sim = Sim::new("shop");
    let minute = sim.world.now().as_second() / 60 * 60 + 60;
    sim.until(61, "the minute begins", |sim| sim.world.now().as_second() == minute);
    let mut values = Vec::new();
    for age in 0..200 {
        let value = sim.metric_between("checkout-stable", "RequestCount", "Sum", minute..minute + 60);
        match value.first() {
            None => assert!(age <= 150, "not yet published {age} s after it began"),
            Some(value) => {
                assert!(age >= 120, "published {age} s after it began");
                values.push(*value);
            }
        }
        sim.run(1);
    }
    values.dedup();
    assert_eq!(values.len(), 2, "{values:?}");
    assert!(values[0] < 0.8 * values[1]);
}

#[test]
fn another_operator_edits_the_rule() {
    let mut sim = Sim::new("rule-edited");
    sim.run(59);
    let weight =
        |sim: &mut Sim| sim.rule("/checkout*")["Actions"][0]["ForwardConfig"]["TargetGroups"][1]["Weight"].clone();
    assert_eq!(weight(&mut sim), 1);
    sim.run(1);
    assert_eq!(weight(&mut sim), 20);
}
