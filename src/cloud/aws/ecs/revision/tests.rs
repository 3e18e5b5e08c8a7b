use super::*;

const ARN: &str = "arn:aws:ecs:us-east-1:123456789012:service-revision/prod/checkout/7";
const DEFINITION: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/checkout:42";

fn elb(resource: &str) -> String {
    format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:{resource}")
}

fn bare() -> aws_sdk_ecs::types::builders::ServiceRevisionBuilder {
    sdk::ServiceRevision::builder().service_revision_arn(ARN).task_definition(DEFINITION)
}

fn vpc(subnets: &[&str], groups: &[&str]) -> sdk::NetworkConfiguration {
    let strings = |list: &[&str]| Some(list.iter().map(|it| (*it).to_owned()).collect());
    let vpc = sdk::AwsVpcConfiguration::builder().set_subnets(strings(subnets)).set_security_groups(strings(groups));
    let vpc = vpc.assign_public_ip(sdk::AssignPublicIp::Disabled).build().unwrap();
    sdk::NetworkConfiguration::builder().awsvpc_configuration(vpc).build()
}

fn provider(name: &str, weight: i32, base: i32) -> sdk::CapacityProviderStrategyItem {
    let item = sdk::CapacityProviderStrategyItem::builder().capacity_provider(name).weight(weight).base(base);
    item.build().unwrap()
}

fn balancer_of(group: &str, alternate: Option<&str>) -> sdk::LoadBalancer {
    let advanced = alternate.map(|alternate| {
        sdk::AdvancedConfiguration::builder()
            .alternate_target_group_arn(elb(alternate))
            .production_listener_rule(elb("listener-rule/app/shop/01/02/03"))
            .build()
    });
    sdk::LoadBalancer::builder()
        .container_name("web")
        .container_port(8080)
        .target_group_arn(elb(group))
        .set_advanced_configuration(advanced)
        .build()
}

fn surroundings_of(raw: aws_sdk_ecs::types::builders::ServiceRevisionBuilder) -> BTreeMap<String, String> {
    revision(&raw.build()).unwrap().surroundings
}

#[test]
fn what_a_task_definition_does_not_carry_in_lines() {
    let alias = sdk::ServiceConnectClientAlias::builder().port(80).dns_name("checkout").build().unwrap();
    let service = sdk::ServiceConnectService::builder().port_name("http").discovery_name("checkout");
    let connect = sdk::ServiceConnectConfiguration::builder()
        .enabled(true)
        .namespace("shop")
        .services(service.client_aliases(alias).build().unwrap())
        .build();
    let disk = sdk::ServiceManagedEbsVolumeConfiguration::builder().size_in_gib(20).volume_type("gp3");
    let disk = disk.encrypted(true).role_arn("role").build().unwrap();
    let registry = sdk::ServiceRegistry::builder().registry_arn(format!("{}/srv-1", ARN)).container_name("web");
    let raw = bare()
        .network_configuration(vpc(&["subnet-b", "subnet-a"], &["sg-2", "sg-1"]))
        .launch_type(sdk::LaunchType::Fargate)
        .capacity_provider_strategy(provider("FARGATE_SPOT", 4, 0))
        .capacity_provider_strategy(provider("FARGATE", 1, 2))
        .platform_family("Linux")
        .platform_version("1.4.0")
        .load_balancers(balancer_of("targetgroup/blue/01", Some("targetgroup/green/02")))
        .service_registries(registry.container_port(8080).build())
        .service_connect_configuration(connect)
        .volume_configurations(
            sdk::ServiceVolumeConfiguration::builder().name("data").managed_ebs_volume(disk).build().unwrap(),
        );
    let lines: Vec<String> = surroundings_of(raw).into_iter().map(|(name, line)| format!("{name}: {line}")).collect();
    assert_eq!(
        lines,
        [
            "Service Connect: on namespace shop http=checkout as checkout:80",
            "capacity: FARGATE weight 1 base 2, FARGATE_SPOT weight 4",
            "launch type: FARGATE",
            "load balancer: web:8080 rule listener-rule/app/shop/01/02/03",
            "platform: Linux 1.4.0",
            "public IP: DISABLED",
            "security groups: sg-1, sg-2",
            "service registries: service-revision/prod/checkout/7/srv-1 web:8080",
            "subnets: subnet-a, subnet-b",
            "volumes: data 20 GiB gp3 encrypted",
        ]
    );
}

#[test]
fn order_and_the_roles_of_the_target_groups_make_no_difference_and_all_else_does() {
    let of = |subnets: &[&str], providers: [(&str, i32); 2], group: &str, alternate: &str| {
        let [one, other] = providers.map(|(name, weight)| provider(name, weight, 0));
        surroundings_of(
            bare()
                .network_configuration(vpc(subnets, &["sg-1"]))
                .capacity_provider_strategy(one)
                .capacity_provider_strategy(other)
                .load_balancers(balancer_of(group, Some(alternate))),
        )
    };
    let (blue, green) = ("targetgroup/blue/01", "targetgroup/green/02");
    let first = of(&["a", "b"], [("X", 1), ("Y", 2)], blue, green);
    assert_eq!(of(&["b", "a"], [("Y", 2), ("X", 1)], green, blue), first);
    assert_ne!(of(&["a", "c"], [("X", 1), ("Y", 2)], blue, green), first);
    assert_ne!(of(&["a", "b"], [("X", 1), ("Y", 3)], blue, green), first);
    let plain = |group| surroundings_of(bare().load_balancers(balancer_of(group, None)));
    assert_ne!(plain(blue), plain(green), "where ECS swaps nothing, another target group is another place");
}

#[test]
fn digests_and_where_its_tasks_register() {
    let balancer = |group: &str| {
        let resolved = sdk::ServiceRevisionLoadBalancer::builder().target_group_arn(group);
        resolved.production_listener_rule("rule/1").build()
    };
    let resolved =
        sdk::ResolvedConfiguration::builder().load_balancers(balancer("tg/b")).load_balancers(balancer("tg/a"));
    let image = |name: &str, digest: &str| {
        sdk::ContainerImage::builder().container_name(name).image(format!("shop/{name}:1")).image_digest(digest).build()
    };
    let raw = bare().container_images(image("web", "sha256:1")).container_images(image("proxy", ""));
    let raw = raw.created_at(aws_sdk_ecs::primitives::DateTime::from_secs(10)).resolved_configuration(resolved.build());
    let known = revision(&raw.build()).unwrap();
    assert_eq!((known.arn.as_str(), known.task_definition.short()), (ARN, "checkout:42"));
    let images: Vec<_> = known.images.iter().map(|it| (it.container.as_str(), it.digest.as_deref())).collect();
    assert_eq!(images, [("proxy", None), ("web", Some("sha256:1"))]);
    assert_eq!(known.target_groups, [Arn::new("tg/a"), Arn::new("tg/b")]);
    assert_eq!(known.production_rule, Some(Arn::new("rule/1")));
    assert_eq!(known.created_at, jiff::Timestamp::from_second(10).ok());
}

#[test]
fn a_revision_of_which_next_to_nothing_is_said() {
    let known = revision(&bare().build()).unwrap();
    assert_eq!(known, ServiceRevision::bare(Arn::new(ARN), TaskDefinitionArn::new(DEFINITION)));
    assert_eq!(revision(&sdk::ServiceRevision::builder().service_revision_arn(ARN).build()), None);
}
