//! Target groups: their settings, and each target of them.

use tidegate::cloud::Cloud;
use tidegate::domain::ecs::names::Arn;
use tidegate::domain::ecs::route::{TargetGroup, TargetState};
use tidegate::domain::observe::snapshot::{Answer, Query};

use super::*;

async fn settings(lanes: &ClientPools, groups: Vec<Arn>) -> Vec<TargetGroup> {
    match lanes.poll.read(&Query::TargetGroups(groups)).await.unwrap() {
        Answer::TargetGroups(groups) => groups,
        other => panic!("{other:?}"),
    }
}

/// Describes what it is asked for; the group called `gone` fails the whole call, and `forbidden`'s attributes are denied.
fn described(call: &Call) -> Option<tidegate::sim::api::Answer> {
    match call.operation.as_str() {
        "DescribeTargetGroups" => {
            let arns = texts(&call.input["TargetGroupArns"]);
            if arns.iter().any(|arn| arn.contains("/gone/")) {
                return refuse(400, "TargetGroupNotFound", "One or more target groups not found");
            }
            let group = |arn: &String| {
                json!({"TargetGroupArn": arn, "HealthCheckProtocol": "HTTP", "HealthCheckPath": "/health",
                    "HealthCheckPort": "traffic-port", "HealthCheckEnabled": true, "HealthCheckIntervalSeconds": 10,
                    "HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 3, "UnhealthyThresholdCount": 2,
                    "Matcher": {"HttpCode": "200"}})
            };
            Some(Ok(json!({"TargetGroups": arns.iter().map(group).collect::<Vec<_>>()})))
        }
        "DescribeTargetGroupAttributes" => {
            if call.input["TargetGroupArn"].as_str().unwrap().contains("/forbidden/") {
                return refuse(403, "AccessDenied", "not authorized");
            }
            let attribute = |key: &str, value: &str| json!({"Key": key, "Value": value});
            Some(Ok(json!({"Attributes": [attribute("stickiness.enabled", "false"),
                attribute("deregistration_delay.timeout_seconds", "120")]})))
        }
        _ => None,
    }
}

#[tokio::test]
async fn settings_come_in_batches_and_a_group_that_is_gone_costs_only_itself() {
    let stage = Stage::new(described).await;
    let arn = |name: &str| Arn::new(group(name));
    let many: Vec<_> = (0..45).map(|n| arn(&format!("g{n}"))).collect();
    let read = settings(&stage.lanes, many.clone()).await;
    assert_eq!(read.iter().map(|group| group.arn.clone()).collect::<Vec<_>>(), many);
    let sizes: Vec<_> =
        stage.inputs("DescribeTargetGroups").iter().map(|it| texts(&it["TargetGroupArns"]).len()).collect();
    assert_eq!(sizes.iter().copied().max(), Some(20));
    assert_eq!((sizes.len(), sizes.iter().sum::<usize>(), stage.count("DescribeTargetGroupAttributes")), (3, 45, 45));

    let read = settings(&stage.lanes, vec![arn("stable"), arn("gone"), arn("forbidden")]).await;
    let [stable, forbidden] = read.as_slice() else { panic!("{read:?}") };
    let whole = TargetGroup {
        arn: arn("stable"),
        check: "HTTP GET /health, 200 expected".into(),
        interval: Some(10),
        timeout: Some(5),
        healthy_after: Some(3),
        unhealthy_after: Some(2),
        deregistration_delay: Some(120),
    };
    assert_eq!(*stable, whole);
    assert_eq!(*forbidden, TargetGroup { arn: arn("forbidden"), deregistration_delay: None, ..whole });
}

#[tokio::test]
async fn a_failing_targets_own_words_come_from_the_embedded_aws() {
    let (server, clock, lanes) = embedded(&Scenario::named("failing-health-check").unwrap()).await;
    let health = async || {
        let Answer::Routes(routes) = lanes.poll.read(&Query::Routes).await.unwrap() else { panic!() };
        let groups: std::collections::BTreeSet<_> =
            routes.into_iter().flat_map(|route| route.forwards).map(|forward| forward.target_group).collect();
        match lanes.poll.read(&Query::Health(groups.into_iter().collect())).await.unwrap() {
            Answer::Health(health) => health,
            other => panic!("{other:?}"),
        }
    };
    let mut found = None;
    for _ in 0..60 {
        let all = health().await;
        found = all.into_iter().find(|(_, health)| health.unhealthy > 0);
        if found.is_some() {
            break;
        }
        clock.advance(std::time::Duration::from_secs(10));
    }
    let (group, health) = found.expect("somebody is unhealthy within ten minutes");
    let ill = health.targets.iter().find(|target| target.state == TargetState::Unhealthy).unwrap();
    assert!(ill.reason.as_deref().unwrap().starts_with("Target."), "{ill:?}");
    assert!(ill.description.is_some() && ill.port.is_some() && !ill.id.is_empty(), "{ill:?}");
    assert_eq!(health.targets.len() as u32, health.registered() + health.draining);
    let settings = settings(&lanes, vec![group]).await;
    assert!(settings[0].deregistration_delay.is_some() && settings[0].check.starts_with("HTTP GET /"), "{settings:?}");
    drop(server);
}
