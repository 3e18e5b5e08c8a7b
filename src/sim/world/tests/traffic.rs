//! Requests and what CloudWatch says about them.

use serde_json::json;

use super::Sim;
use crate::sim::api::Service;

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

#[test]
fn a_bad_canary_fails_a_little_at_any_share_and_breaks_from_10_percent_on() {
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
fn a_slow_canary_is_slow_at_any_share_and_makes_no_errors() {
    for (stable, canary) in [(99, 1), (90, 10)] {
        let mut sim = Sim::new("latency-regression");
        sim.set_weights(stable, canary).unwrap();
        sim.run(600);
        let errors = sum(&sim.metric("checkout-canary", "HTTPCode_Target_5XX_Count", "Sum", 5));
        let requests = sum(&sim.metric("checkout-canary", "RequestCount", "Sum", 5));
        assert!(requests > 500.0 && errors / requests < 0.005, "{errors} of {requests}");
        // Of the newest minutes one may be published for one side only.
        let mut p95 = |group| {
            let minutes = sim.metric(group, "TargetResponseTime", "p95", 5);
            sum(&minutes) / minutes.len() as f64
        };
        let times = p95("checkout-canary") / p95("checkout-stable");
        assert!((1.5..2.1).contains(&times), "{times}");
    }
}

#[test]
fn a_canary_without_traffic_has_no_minutes() {
    let mut sim = Sim::new("no-traffic");
    sim.run(600);
    assert!(sim.metric("checkout-canary", "RequestCount", "Sum", 10).is_empty());
    assert!(sim.metric("checkout-stable", "RequestCount", "Sum", 10).is_empty());
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
fn somebody_edits_the_rule() {
    let mut sim = Sim::new("rule-edited");
    sim.run(59);
    let weight =
        |sim: &mut Sim| sim.rule("/checkout*")["Actions"][0]["ForwardConfig"]["TargetGroups"][1]["Weight"].clone();
    assert_eq!(weight(&mut sim), 1);
    sim.run(1);
    assert_eq!(weight(&mut sim), 20);
}
