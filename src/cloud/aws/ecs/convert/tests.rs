use aws_sdk_ecs::primitives::DateTime;

use crate::domain::ecs::deployment::Configuration;

use super::*;

const CLUSTER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/prod";

#[test]
fn a_service_with_everything() {
    let deployment = sdk::Deployment::builder()
        .id("ecs-svc/1")
        .status("PRIMARY")
        .task_definition("arn:aws:ecs:us-east-1:123456789012:task-definition/checkout:42")
        .desired_count(9)
        .running_count(7)
        .failed_tasks(2)
        .rollout_state(sdk::DeploymentRolloutState::InProgress)
        .rollout_state_reason("")
        .build();
    let advanced = sdk::AdvancedConfiguration::builder().alternate_target_group_arn("tg/green");
    let advanced = advanced.production_listener_rule("rule/1").test_listener_rule("rule/2").build();
    let balancer =
        |arn: &str| sdk::LoadBalancer::builder().target_group_arn(arn).advanced_configuration(advanced.clone()).build();
    let event = |id: &str, at: i64| {
        sdk::ServiceEvent::builder().id(id).created_at(DateTime::from_secs(at)).message("steady state").build()
    };
    let raw = sdk::Service::builder()
        .service_name("checkout")
        .service_arn("arn:aws:ecs:us-east-1:123456789012:service/prod/checkout")
        .cluster_arn(CLUSTER)
        .status("ACTIVE")
        .desired_count(9)
        .running_count(-1)
        .deployments(deployment)
        .load_balancers(balancer("tg/blue"))
        .load_balancers(balancer("tg/green"))
        .events(event("old", 10))
        .events(event("new", 20))
        .tags(sdk::Tag::builder().key("app").build())
        .build();
    let service = service(raw, "prod").unwrap();
    assert_eq!(service.key, ServiceKey::new("prod", "checkout"));
    assert_eq!((service.desired, service.running), (9, 0));
    assert_eq!(service.task_definition.short(), "checkout:42", "the primary's, where the service names none");
    assert_eq!(service.target_groups, [Arn::new("tg/blue"), Arn::new("tg/green")]);
    assert_eq!(service.production_rule, Some(Arn::new("rule/1")));
    assert_eq!(service.events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["new", "old"]);
    assert_eq!(service.tags.get("app").map(String::as_str), Some(""));
    let primary = service.primary().unwrap();
    assert_eq!(
        (primary.state.clone(), primary.failed, primary.reason.clone()),
        (Some(RolloutState::InProgress), 2, None)
    );
}

#[test]
fn a_service_with_next_to_nothing() {
    let bare = service(sdk::Service::builder().service_name("x").build(), CLUSTER).unwrap();
    assert_eq!(bare.key, ServiceKey::new("prod", "x"));
    assert_eq!((bare.controller, bare.configuration), (Controller::Ecs, Configuration::rolling()));
    assert_eq!(bare.production_rule, None);
    assert_eq!(service(sdk::Service::builder().build(), CLUSTER), None);
}

#[test]
fn controllers() {
    let of = |kind: &str| {
        let raw = sdk::DeploymentController::builder().r#type(kind.into()).build().unwrap();
        controller(Some(&raw))
    };
    assert_eq!(of("ECS"), Controller::Ecs);
    assert_eq!(of("CODE_DEPLOY"), Controller::CodeDeploy);
    assert_eq!(of("EXTERNAL"), Controller::External);
    assert_eq!(of("TEA_LEAVES"), Controller::Other("TEA_LEAVES".to_owned()));
}

#[test]
fn task_sets_stand_in_for_deployments() {
    let set = sdk::TaskSet::builder()
        .id("ecs-svc/9")
        .status("PRIMARY")
        .task_definition("arn:aws:ecs:us-east-1:123456789012:task-definition/checkout:7")
        .stability_status(sdk::StabilityStatus::SteadyState)
        .load_balancers(sdk::LoadBalancer::builder().target_group_arn("tg/a").build())
        .build();
    let service = service(sdk::Service::builder().service_name("x").task_sets(set).build(), CLUSTER).unwrap();
    assert_eq!(service.task_definition.short(), "checkout:7");
    assert_eq!(service.primary().unwrap().state, Some(RolloutState::Completed));
    assert_eq!(service.target_groups, [Arn::new("tg/a")]);
}

#[test]
fn why_a_task_stopped() {
    let task_of = |reason: &str, containers: &[(Option<i32>, &str)]| {
        let containers = containers
            .iter()
            .map(|(code, reason)| sdk::Container::builder().set_exit_code(*code).reason(*reason).build());
        let raw = sdk::Task::builder().task_arn("t").stopped_reason(reason).set_containers(Some(containers.collect()));
        let task = task(raw.build()).unwrap();
        (task.stopped_reason, task.exit_code)
    };
    let killed = "OutOfMemoryError: Container killed due to memory usage";
    let exited = "Essential container in task exited";
    assert_eq!(task_of(exited, &[(Some(0), ""), (Some(137), killed)]), (Some(killed.to_owned()), Some(137)));
    assert_eq!(task_of(exited, &[(Some(1), "")]), (Some(exited.to_owned()), Some(1)));
    assert_eq!(
        task_of("CannotPull: no such tag", &[(None, "no such tag")]).0.as_deref(),
        Some("CannotPull: no such tag")
    );
    assert_eq!(task_of("", &[]), (None, None));
    assert_eq!(task(sdk::Task::builder().build()), None);
}

#[test]
fn a_task_definition_keeps_no_environment() {
    let secret = sdk::KeyValuePair::builder().name("PASSWORD").value("hunter2").build();
    let container = sdk::ContainerDefinition::builder().name("app").image("shop/app:1.9.0").environment(secret).build();
    let raw =
        sdk::TaskDefinition::builder().container_definitions(container).status(sdk::TaskDefinitionStatus::Inactive);
    let asked = TaskDefinitionArn::new("arn:aws:ecs:us-east-1:123456789012:task-definition/checkout:42");
    let definition = task_definition(raw.build(), &asked);
    assert_eq!((definition.arn.clone(), definition.active, definition.version()), (asked, false, Some("1.9.0")));
    assert!(!format!("{definition:?}").contains("hunter2"));
}

#[test]
fn a_target_group_knows_a_task_by_its_addresses_and_its_host_ports() {
    let detail = |name: &str, value: &str| sdk::KeyValuePair::builder().name(name).value(value).build();
    let attachment = sdk::Attachment::builder()
        .details(detail("privateIPv4Address", "10.0.0.7"))
        .details(detail("ipv6Address", "2001:db8::7"))
        .build();
    let binding = |port: i32| sdk::NetworkBinding::builder().container_port(80).host_port(port).build();
    let container = sdk::Container::builder().network_bindings(binding(32_768)).network_bindings(binding(-1)).build();
    let raw = sdk::Task::builder().task_arn("t").attachments(attachment).containers(container).build();
    let task = task(raw).unwrap();
    assert_eq!((task.address.as_deref(), task.ipv6.as_deref()), (Some("10.0.0.7"), Some("2001:db8::7")));
    assert_eq!(task.host_ports, [32_768]);
}

#[test]
fn a_daemon_service_is_one() {
    let of = |strategy| {
        let raw = sdk::Service::builder().service_name("agent").set_scheduling_strategy(strategy);
        service(raw.build(), CLUSTER).unwrap().daemon
    };
    assert!(of(Some(sdk::SchedulingStrategy::Daemon)));
    assert!(!of(Some(sdk::SchedulingStrategy::Replica)) && !of(None));
}
