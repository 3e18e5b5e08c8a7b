//! The world behind the wire, used as an operator's tools use it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_sdk_ecs::types::{
    CanaryConfiguration, DeploymentConfiguration, DeploymentLifecycleHook, DeploymentLifecycleHookTimeoutConfiguration,
};
use aws_sdk_elasticloadbalancingv2::types::{Action, ForwardActionConfig, Rule, TargetGroupTuple};
use aws_smithy_types::Document;
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

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one answer, read member by member")]
async fn a_definition_and_a_configuration_that_the_client_writes_are_read_back_as_they_were() {
    let clock = SimClock::manual(start());
    let world = World::new(&Scenario::named("finished-native").unwrap(), 7, start());
    let server = Server::start(Arc::new(Mutex::new(world)), clock.clone(), None).unwrap();
    let ecs = client!(aws_sdk_ecs, server, "us-east-1");

    let found = ecs.describe_task_definition().task_definition("search:89").send().await.unwrap();
    let found = found.task_definition().unwrap();
    let mut containers = found.container_definitions().to_vec();
    containers[0].image = Some("example.test/search:3".into());
    let registered = ecs
        .register_task_definition()
        .family("search")
        .set_container_definitions(Some(containers.clone()))
        .set_requires_compatibilities(found.requires_compatibilities.clone())
        .set_network_mode(found.network_mode.clone())
        .set_cpu(found.cpu.clone())
        .set_memory(found.memory.clone())
        .set_runtime_platform(found.runtime_platform.clone())
        .set_task_role_arn(found.task_role_arn.clone())
        .set_execution_role_arn(found.execution_role_arn.clone())
        .send()
        .await
        .unwrap();
    let made = registered.task_definition().unwrap();
    assert_eq!((made.family(), made.revision()), (Some("search"), 90));
    assert_eq!(made.container_definitions(), containers);
    assert_eq!(made.runtime_platform(), found.runtime_platform());

    let details = [("suite".to_owned(), Document::String("smoke".into())), ("limit".to_owned(), Document::from(2.5))];
    let lambda = DeploymentLifecycleHook::builder()
        .target_type("AWS_LAMBDA".into())
        .hook_target_arn("arn:aws:lambda:us-east-1:123456789012:function:check")
        .role_arn("arn:aws:iam::123456789012:role/hooks")
        .lifecycle_stages("POST_SCALE_UP".into())
        .hook_details(Document::Object(details.into()))
        .build();
    let timeout =
        DeploymentLifecycleHookTimeoutConfiguration::builder().timeout_in_minutes(90).action("CONTINUE".into());
    let pause = DeploymentLifecycleHook::builder()
        .target_type("PAUSE".into())
        .lifecycle_stages("POST_TEST_TRAFFIC_SHIFT".into())
        .timeout_configuration(timeout.build())
        .build();
    let config = DeploymentConfiguration::builder()
        .strategy("CANARY".into())
        .bake_time_in_minutes(3)
        .canary_configuration(CanaryConfiguration::builder().canary_percent(2.5).canary_bake_time_in_minutes(0).build())
        .lifecycle_hooks(lambda.clone())
        .lifecycle_hooks(pause.clone());
    let update = || ecs.update_service().cluster("prod").service("search");
    update()
        .deployment_configuration(config.build())
        .task_definition(made.task_definition_arn().unwrap())
        .send()
        .await
        .unwrap();
    clock.advance(Duration::from_secs(5));
    // An empty list takes the hooks away from the service; what is under way keeps them.
    let none = DeploymentConfiguration::builder().set_lifecycle_hooks(Some(vec![]));
    let service = update().deployment_configuration(none.build()).send().await.unwrap();
    let service = service.service().unwrap();
    let left = service.deployment_configuration().unwrap();
    assert!(left.lifecycle_hooks().is_empty());
    assert_eq!(left.canary_configuration().unwrap().canary_percent(), Some(2.5));
    let arn = service.current_service_deployment().unwrap();
    let deployment = ecs.describe_service_deployments().service_deployment_arns(arn).send().await.unwrap();
    let deployment = &deployment.service_deployments()[0];
    assert_eq!(deployment.deployment_configuration().unwrap().lifecycle_hooks(), [lambda, pause]);
    let target = deployment.target_service_revision().unwrap().arn().unwrap();
    let digest = || async {
        let revisions = ecs.describe_service_revisions().service_revision_arns(target).send().await.unwrap();
        revisions.service_revisions()[0].container_images()[0].image_digest().map(str::to_owned)
    };
    assert_eq!(digest().await, None);
    clock.advance(Duration::from_secs(60));
    assert!(digest().await.unwrap().starts_with("sha256:"));

    let gone = ecs.deregister_task_definition().task_definition("search:90").send().await.unwrap();
    assert_eq!(gone.task_definition().unwrap().status().unwrap().as_str(), "INACTIVE");
    let refused = update().task_definition("search:90").send().await.unwrap_err();
    assert!(refused.as_service_error().unwrap().is_client_exception(), "{refused:?}");
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
