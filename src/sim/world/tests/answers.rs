//! The form of answers: limits, pages, errors, regions.

use serde_json::json;

use super::Sim;
use crate::sim::api::{Call, Service};

#[test]
fn list_operations_are_paged_and_describe_operations_have_limits() {
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

#[test]
fn errors_have_the_codes_of_aws() {
    let cases = [
        (Service::Ecs, "DescribeServices", json!({"cluster": "x", "services": ["a"]}), "ClusterNotFoundException"),
        (Service::Ecs, "UpdateService", json!({"cluster": "prod", "service": "x"}), "ServiceNotFoundException"),
        (
            Service::Ecs,
            "UpdateService",
            json!({"cluster": "prod", "service": "cart", "taskDefinition": "checkout:36"}),
            "ClientException",
        ),
        (Service::Ecs, "ListServices", json!({"cluster": "prod", "nextToken": "x"}), "InvalidParameterException"),
        (
            Service::Ecs,
            "StopServiceDeployment",
            json!({"serviceDeploymentArn": "x"}),
            "ServiceDeploymentNotFoundException",
        ),
        (Service::Ecs, "MakeCoffee", json!({}), "InvalidAction"),
        (Service::Elbv2, "DescribeRules", json!({"RuleArns": ["x"]}), "RuleNotFound"),
        (Service::Elbv2, "ModifyRule", json!({"RuleArn": "x"}), "RuleNotFound"),
        (Service::Elbv2, "DescribeTargetHealth", json!({"TargetGroupArn": "x"}), "TargetGroupNotFound"),
        (Service::CloudWatch, "GetMetricData", json!({"MetricDataQueries": []}), "ValidationError"),
    ];
    let mut sim = Sim::new("shop");
    for (service, operation, input, code) in cases {
        let error = sim.call(service, operation, input).unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (400, code), "{operation}");
    }
}

#[test]
fn invalid_weights_and_unknown_groups_are_refused_but_all_zero_is_allowed() {
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
fn a_seed_determines_the_world_and_other_regions_are_empty() {
    let (mut a, mut b) = (Sim::new("good-release"), Sim::new("good-release"));
    a.run(90);
    (0..90).for_each(|_| b.run(1));
    assert_eq!(a.service("orders"), b.service("orders"));
    assert_eq!(a.metric("search", "TargetResponseTime", "p99", 5), b.metric("search", "TargetResponseTime", "p99", 5));
    let call =
        Call { service: Service::Ecs, operation: "ListClusters".into(), input: json!({}), region: "eu-west-1".into() };
    assert_eq!(a.world.call(&call).unwrap(), json!({"clusterArns": []}));
}
