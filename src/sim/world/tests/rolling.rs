//! Rolling deployments.

use serde_json::json;

use super::Sim;
use crate::sim::api::Service;

#[test]
fn a_rolling_deployment_stays_within_its_percentages() {
    let mut sim = Sim::new("shop");
    let out = sim.ecs("UpdateService", json!({"service": "orders", "taskDefinition": "orders:24"}));
    assert_eq!(out["service"]["deployments"][0]["rolloutState"], "IN_PROGRESS");
    let mut both = false;
    sim.until(400, "completed", |sim| {
        let service = sim.service("orders");
        let (running, pending) = (service["runningCount"].as_i64().unwrap(), service["pendingCount"].as_i64().unwrap());
        let serving = sim.healthy("orders");
        assert!(serving >= 6, "{serving} healthy");
        assert!(running + pending <= 18, "{running} + {pending}, some of them draining");
        both |= service["deployments"].as_array().unwrap().len() == 2;
        service["deployments"][0]["rolloutState"] == "COMPLETED"
    });
    assert!(both);
    let deployment = sim.deployment("orders");
    assert_eq!(deployment["status"], "SUCCESSFUL");
    assert!(deployment.get("lifecycleStage").is_none());
    sim.until(120, "one deployment, steady", |sim| sim.service("orders")["deployments"].as_array().unwrap().len() == 1);
    let service = sim.service("orders");
    let events: Vec<_> = service["events"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap()).collect();
    assert!(events.iter().take(4).any(|e| e.contains("has reached a steady state.")), "{events:#?}");
}

#[test]
fn the_circuit_breaker_trips_and_rolls_back() {
    let mut sim = Sim::new("breaker");
    let trips = sim.until(600, "rolled back", |sim| sim.deployment("payments")["status"] == "ROLLBACK_SUCCESSFUL");
    let deployment = sim.deployment("payments");
    assert_eq!(deployment["deploymentCircuitBreaker"]["status"], "TRIGGERED");
    assert_eq!(deployment["deploymentCircuitBreaker"]["threshold"], 3);
    assert!(trips > 5, "{trips}");
    assert!(sim.service("payments")["taskDefinition"].as_str().unwrap().ends_with("payments:17"));
    assert_eq!(sim.healthy("payments"), 6);
    let stopped = sim.ecs("ListTasks", json!({"serviceName": "payments", "desiredStatus": "STOPPED"}));
    let tasks = sim.ecs("DescribeTasks", json!({"tasks": stopped["taskArns"]}));
    let crashed = tasks["tasks"].as_array().unwrap().iter().filter(|t| t["stopCode"] == "EssentialContainerExited");
    assert!(crashed.clone().count() >= 3);
    assert!(crashed.clone().all(|t| t["containers"][0]["exitCode"] == 1));
}

#[test]
fn a_change_of_desired_count_starts_no_deployment() {
    let mut sim = Sim::new("shop");
    let before = sim.service("cart");
    for desired in [7, 2, 0, 3] {
        sim.ecs("UpdateService", json!({"service": "cart", "desiredCount": desired}));
        sim.until(200, "scaled", |sim| {
            let service = sim.service("cart");
            service["runningCount"] == desired && service["pendingCount"] == 0
        });
        let after = sim.service("cart");
        assert_eq!(after["currentServiceDeployment"], before["currentServiceDeployment"]);
        assert_eq!(after["deployments"][0]["id"], before["deployments"][0]["id"]);
    }
}

#[test]
fn a_stopped_rolling_deployment_rolls_back() {
    let mut sim = Sim::new("shop");
    sim.ecs("UpdateService", json!({"service": "orders", "taskDefinition": "orders:24"}));
    sim.run(40);
    let arn = sim.deployment("orders")["serviceDeploymentArn"].clone();
    sim.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}));
    assert_eq!(sim.deployment("orders")["status"], "ROLLBACK_REQUESTED");
    sim.until(300, "back", |sim| sim.deployment("orders")["status"] == "ROLLBACK_SUCCESSFUL");
    assert!(sim.service("orders")["taskDefinition"].as_str().unwrap().ends_with(":23"));
    let again = sim.call(Service::Ecs, "StopServiceDeployment", json!({"serviceDeploymentArn": arn}));
    assert_eq!(again.unwrap_err().code, "ConflictException");
}
