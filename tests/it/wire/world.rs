//! The world behind the wire, used as an operator's tools use it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_sdk_elasticloadbalancingv2::types::{Action, ForwardActionConfig, Rule, TargetGroupTuple};
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::{Server, SimClock};
use tidegate::sim::world::World;

use super::{client, start};

#[tokio::test]
async fn traffic_follows_the_weights_that_a_client_writes() {
    let clock = SimClock::manual(start());
    let world = World::new(&Scenario::named("good-release").unwrap(), 7, start());
    let server = Server::start(Arc::new(Mutex::new(world)), clock.clone(), None).unwrap();
    let ecs = client!(aws_sdk_ecs, server, "us-east-1");
    let elb = client!(aws_sdk_elasticloadbalancingv2, server, "us-east-1");
    let services = ecs.list_services().cluster("prod").max_results(100).send().await.unwrap();
    assert!(services.service_arns().iter().any(|arn| arn.ends_with("/checkout-canary")));

    let rule = pair_rule(&elb).await;
    let (stable, canary) = (group(&rule, "checkout-stable"), group(&rule, "checkout-canary"));
    assert_eq!((stable.weight(), canary.weight()), (Some(99), Some(1)));
    let requests = || requests_of(&server, canary.target_group_arn().unwrap(), &clock);
    let before = requests().await;

    let even = |group: &TargetGroupTuple| {
        TargetGroupTuple::builder().target_group_arn(group.target_group_arn().unwrap()).weight(50).build()
    };
    let forward = ForwardActionConfig::builder().target_groups(even(&stable)).target_groups(even(&canary)).build();
    let action = Action::builder().r#type("forward".into()).forward_config(forward).build();
    elb.modify_rule().rule_arn(rule.rule_arn().unwrap()).actions(action).send().await.unwrap();
    assert_eq!(group(&pair_rule(&elb).await, "checkout-canary").weight(), Some(50));

    clock.advance(Duration::from_secs(600));
    let after = requests().await;
    assert!(before > 0.0 && after > 20.0 * before, "{before} requests a minute at 1 %, {after} at 50 %");
}

async fn pair_rule(elb: &aws_sdk_elasticloadbalancingv2::Client) -> Rule {
    let balancers = elb.describe_load_balancers().names("shop-alb").send().await.unwrap();
    let balancer = balancers.load_balancers()[0].load_balancer_arn().unwrap();
    let listeners = elb.describe_listeners().load_balancer_arn(balancer).send().await.unwrap();
    let listener = listeners.listeners()[0].listener_arn().unwrap();
    let rules = elb.describe_rules().listener_arn(listener).send().await.unwrap();
    rules.rules().iter().find(|rule| rule.priority() == Some("10")).unwrap().clone()
}

fn group(rule: &Rule, name: &str) -> TargetGroupTuple {
    let groups = rule.actions().last().unwrap().forward_config().unwrap().target_groups();
    groups.iter().find(|group| group.target_group_arn().unwrap().contains(name)).unwrap().clone()
}

/// The target group's requests in its newest minute that is settled.
async fn requests_of(server: &Server, group: &str, clock: &SimClock) -> f64 {
    let elb = client!(aws_sdk_elasticloadbalancingv2, server, "us-east-1");
    let groups = elb.describe_target_groups().target_group_arns(group).send().await.unwrap();
    let balancer = groups.target_groups()[0].load_balancer_arns()[0].split_once("loadbalancer/").unwrap().1.to_owned();
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let metric = Metric::builder()
        .namespace("AWS/ApplicationELB")
        .metric_name("RequestCount")
        .dimensions(dimension("TargetGroup", group.rsplit(':').next().unwrap()))
        .dimensions(dimension("LoadBalancer", &balancer))
        .build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("Sum").build();
    let time = |seconds_ago| aws_smithy_types::DateTime::from_secs(clock.now().as_second() - seconds_ago);
    let answer = client!(aws_sdk_cloudwatch, server, "us-east-1")
        .get_metric_data()
        .metric_data_queries(MetricDataQuery::builder().id("q").metric_stat(stat).build())
        .start_time(time(600))
        .end_time(time(180))
        .send()
        .await
        .unwrap();
    answer.metric_data_results()[0].values()[0]
}
