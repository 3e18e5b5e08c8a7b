//! deploymentConfiguration is shown as it was written.

use serde_json::{Value, json};

use super::Sim;

fn written(sim: &mut Sim, service: &str, config: &Value) -> Value {
    sim.ecs("UpdateService", json!({"service": service, "deploymentConfiguration": config}));
    sim.service(service)["deploymentConfiguration"].clone()
}

fn assert_holds(got: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&got[name], value, "{name} of {got:#}");
    }
}

fn hooks() -> Value {
    json!([
        {"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT"],
            "timeoutConfiguration": {"timeoutInMinutes": 90, "action": "CONTINUE"}},
        {"targetType": "AWS_LAMBDA", "hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:check",
            "roleArn": "arn:aws:iam::123456789012:role/hooks", "lifecycleStages": ["POST_SCALE_UP"],
            "hookDetails": {"suite": "smoke", "limits": [1, 2.5, null], "deep": {"er": true}}},
        {"lifecycleStages": ["PRE_SCALE_UP"], "hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:warn",
            "roleArn": "arn:aws:iam::123456789012:role/hooks"},
    ])
}

#[test]
fn every_member_is_shown_as_it_was_written() {
    let mut sim = Sim::new("finished-native");
    let before = sim.service("payments");
    let (first, second) = (
        json!({
            "strategy": "CANARY", "bakeTimeInMinutes": 7, "maximumPercent": 150, "minimumHealthyPercent": 50,
            "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 3},
            "lifecycleHooks": hooks(),
            "alarms": {"alarmNames": ["payments-green-5xx"], "rollback": false, "enable": true},
            "deploymentCircuitBreaker": {"enable": true, "rollback": false, "resetOnHealthyTask": true,
                "thresholdConfiguration": {"type": "COUNT", "value": 9}},
        }),
        json!({
            "strategy": "LINEAR", "bakeTimeInMinutes": 0,
            "linearConfiguration": {"stepPercent": 12.5, "stepBakeTimeInMinutes": 0},
            "alarms": {"alarmNames": [], "rollback": false, "enable": false},
        }),
    );
    assert_holds(&written(&mut sim, "payments", &first), &first);
    // Missing members stay as they are.
    let got = written(&mut sim, "payments", &second);
    assert_holds(&got, &second);
    assert_holds(
        &got,
        &json!({"lifecycleHooks": hooks(), "deploymentCircuitBreaker": first["deploymentCircuitBreaker"]}),
    );
    assert!(got.get("canaryConfiguration").is_none());
    let blue_green = json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": []});
    let got = written(&mut sim, "payments", &blue_green);
    assert!(got.get("lifecycleHooks").is_none() && got.get("linearConfiguration").is_none(), "{got:#}");
    // None of these changes starts a deployment.
    sim.run(5);
    let after = sim.service("payments");
    assert_eq!(after["currentServiceDeployment"], before["currentServiceDeployment"]);
    assert_eq!(after["deployments"], before["deployments"]);
    // Writing the original configuration back restores it.
    let original = before["deploymentConfiguration"].clone();
    assert_eq!(written(&mut sim, "payments", &original), original);
}

#[test]
fn a_deployment_keeps_the_configuration_that_it_started_with() {
    let mut sim = Sim::new("finished-native");
    let original = sim.service("payments")["deploymentConfiguration"].clone();
    let fast = json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": []});
    sim.ecs(
        "UpdateService",
        json!({"service": "payments", "taskDefinition": "payments:17", "deploymentConfiguration": fast}),
    );
    sim.run(5);
    let started = sim.deployment("payments");
    assert_eq!(started["deploymentConfiguration"]["strategy"], "BLUE_GREEN");
    assert_eq!(written(&mut sim, "payments", &original), original);
    let now = sim.deployment("payments");
    assert_eq!(now["serviceDeploymentArn"], started["serviceDeploymentArn"]);
    assert_eq!(now["deploymentConfiguration"], started["deploymentConfiguration"]);
    let took = sim.until(180, "all at once", |sim| sim.deployment("payments")["status"] == "SUCCESSFUL");
    assert!(took > 30, "{took} s");
    assert_eq!(sim.deployment("payments")["deploymentConfiguration"]["strategy"], "BLUE_GREEN");
    // The next deployment uses the canary configuration again.
    sim.ecs("UpdateService", json!({"service": "payments", "taskDefinition": "payments:18"}));
    assert_eq!(sim.deployment("payments")["deploymentConfiguration"], original);
}

#[test]
fn invalid_configurations_are_refused_and_change_nothing() {
    let mut sim = Sim::new("finished-native");
    let before = sim.service("users")["deploymentConfiguration"].clone();
    let pause = |stage: &str, minutes: i64| {
        json!({"targetType": "PAUSE", "lifecycleStages": [stage],
            "timeoutConfiguration": {"timeoutInMinutes": minutes, "action": "ROLLBACK"}})
    };
    let many: Vec<_> = (0..11).map(|_| pause("PRE_SCALE_UP", 5)).collect();
    for config in [
        json!({"strategy": "RED_BLACK"}),
        json!({"strategy": "BLUE_GREEN", "canaryConfiguration": {"canaryPercent": 5.0}}),
        json!({"canaryConfiguration": {"canaryPercent": 0.05}}),
        json!({"bakeTimeInMinutes": 1441}),
        json!({"lifecycleHooks": [pause("PRODUCTION_TRAFFIC_SHIFT", 5)]}),
        json!({"lifecycleHooks": [pause("LUNCH", 5)]}),
        json!({"lifecycleHooks": [pause("PRE_SCALE_UP", 0)]}),
        json!({"lifecycleHooks": [{"lifecycleStages": ["PRE_SCALE_UP"]}]}),
        json!({"lifecycleHooks": many}),
    ] {
        let (code, _) = sim.refused("UpdateService", json!({"service": "users", "deploymentConfiguration": config}));
        assert_eq!(code, "InvalidParameterException", "{config}");
    }
    assert_eq!(sim.service("users")["deploymentConfiguration"], before);
}
