//! `deploymentConfiguration` over the wire: read whole, written whole.

use serde_json::{Value, json};
use tidegate::cloud::Cloud;
use tidegate::domain::ecs::deployment::{Configuration, Strategy};
use tidegate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use tidegate::domain::ecs::service::Service;
use tidegate::domain::observe::snapshot::{Answer, Query};
use tidegate::domain::plan::Call;

use super::*;

/// Every member that AWS's model has for a strategy that moves traffic.
fn canary() -> Value {
    json!({
        "strategy": "CANARY",
        "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 0},
        "bakeTimeInMinutes": 15,
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "alarms": {"alarmNames": ["errors", "any"], "enable": true, "rollback": true},
        "deploymentCircuitBreaker": {
            "enable": true,
            "rollback": false,
            "resetOnHealthyTask": false,
            "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 40},
        },
        "lifecycleHooks": [
            {
                "targetType": "PAUSE",
                "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"],
                "timeoutConfiguration": {"timeoutInMinutes": 60, "action": "CONTINUE"},
            },
            {
                "targetType": "AWS_LAMBDA",
                "hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:smoke",
                "roleArn": "arn:aws:iam::123456789012:role/hooks",
                "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT", "POST_SCALE_UP"],
                "hookDetails": {"deep": [1, -2, 2.5, null, true, {"text": "ü \"quoted\""}], "empty": {}},
            },
            {"lifecycleStages": ["PRE_SCALE_UP"]},
        ],
    })
}

/// A service that goes by `configuration` until another one is written.
async fn of(configuration: Value) -> Stage {
    let mut now = configuration;
    Stage::new(move |call| {
        if call.operation == "UpdateService" && !call.input["deploymentConfiguration"].is_null() {
            now = call.input["deploymentConfiguration"].clone();
        }
        let service = json!({"serviceName": "checkout", "status": "ACTIVE", "desiredCount": 9, "runningCount": 9,
            "deploymentConfiguration": now,
            "deployments": [{"id": "ecs-svc/42", "status": "PRIMARY", "rolloutState": "IN_PROGRESS"}]});
        Some(Ok(match call.operation.as_str() {
            "DescribeServices" => json!({"services": [service]}),
            _ => json!({"service": service}),
        }))
    })
    .await
}

impl Stage {
    async fn service(&self) -> Service {
        match self.lanes.poll.read(&Query::Service(ServiceKey::new("prod", "checkout"))).await.unwrap() {
            Answer::Service(service) => *service,
            other => panic!("{other:?}"),
        }
    }
}

fn update(task_definition: Option<&str>, configuration: &Configuration) -> Call {
    Call::UpdateService {
        service: ServiceKey::new("prod", "checkout"),
        arn: Arn::new("checkout"),
        cluster_arn: Arn::new("prod"),
        task_definition: task_definition.map(TaskDefinitionArn::new),
        desired: None,
        configuration: Some(Box::new(configuration.clone())),
        force: false,
    }
}

#[tokio::test]
async fn what_is_read_is_what_is_written() {
    let stage = of(canary()).await;
    let known = stage.service().await.configuration;
    assert_eq!(known.describe(), "CANARY 2.5%, bake 0 min, old tasks kept 15 min, 1 pause, 2 other hooks");
    assert_eq!(known.pauses().count(), 1);
    let receipt = stage.lanes.act.act(&update(None, &known)).await.unwrap();
    assert_eq!(receipt.answer, "CANARY 2.5%, bake 0 min, old tasks kept 15 min, 1 pause, 2 other hooks");
    let sent = stage.inputs("UpdateService").remove(0);
    assert_eq!(sent, json!({"cluster": "prod", "service": "checkout", "deploymentConfiguration": canary()}));
    assert_eq!(stage.service().await.configuration, known);
}

#[tokio::test]
async fn where_there_are_no_hooks_an_empty_list_is_written() {
    let stage = of(canary()).await;
    let mut wanted = stage.service().await.configuration;
    wanted.hooks.clear();
    wanted.strategy = Strategy::BlueGreen;
    let receipt = stage.lanes.act.act(&update(Some("checkout:42"), &wanted)).await.unwrap();
    assert_eq!(receipt.answer, "deployment ecs-svc/42 IN_PROGRESS, BLUE_GREEN, old tasks kept 15 min, no hooks");
    let sent = stage.inputs("UpdateService").remove(0);
    let mut expected = canary();
    expected["lifecycleHooks"] = json!([]);
    expected["strategy"] = json!("BLUE_GREEN");
    expected.as_object_mut().unwrap().remove("canaryConfiguration");
    let all = json!({"cluster": "prod", "service": "checkout", "taskDefinition": "checkout:42",
        "deploymentConfiguration": expected});
    assert_eq!(sent, all);
    assert_eq!(stage.service().await.configuration, wanted);
}

#[tokio::test]
async fn other_strategies_with_their_own_numbers() {
    for raw in [
        json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 12.5, "stepBakeTimeInMinutes": 3},
            "lifecycleHooks": []}),
        json!({"strategy": "ROLLING", "maximumPercent": 150, "lifecycleHooks": []}),
        json!({"strategy": "SPIRAL", "lifecycleHooks": []}),
    ] {
        let stage = of(raw.clone()).await;
        let known = stage.service().await.configuration;
        stage.lanes.act.act(&update(None, &known)).await.unwrap();
        assert_eq!(stage.inputs("UpdateService")[0]["deploymentConfiguration"], raw);
    }
}
