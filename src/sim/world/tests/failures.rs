//! The failing scenarios fail when they open, and keep failing.

use serde_json::{Value, json};

use super::Sim;
use crate::sim::api::Service;

/// Scenario, service, failing revision, and the beginning of its tasks' stoppedReason.
const FAILING: [(&str, &str, &str, &str); 5] = [
    ("crash-loop", "payments", "payments:18", "Essential container in task exited"),
    ("cannot-pull", "checkout-canary", "checkout:42", "CannotPullContainerError: pull image manifest has been retried"),
    ("failing-health-check", "orders", "orders:24", "Task failed ELB health checks in (target-group arn:"),
    ("slow-start", "users", "users:54", "Task failed ELB health checks in (target-group arn:"),
    ("hostile", "orders", "orders:24", "Task failed ELB"),
];

impl Sim {
    /// The stopped tasks of a revision.
    fn failed(&mut self, service: &str, revision: &str) -> Vec<Value> {
        let mut stopped = self.tasks_in(service, "STOPPED");
        stopped.retain(|task| task["taskDefinitionArn"].as_str().unwrap().ends_with(revision));
        stopped
    }
}

#[test]
fn each_scenario_fails_when_it_opens() {
    for (scenario, service, revision, reason) in FAILING {
        let mut sim = Sim::new(scenario);
        assert_eq!(sim.deployment(service)["status"], "IN_PROGRESS", "{scenario}");
        assert!(sim.service(service)["taskDefinition"].as_str().unwrap().ends_with(revision), "{scenario}");
        let failed = sim.failed(service, revision);
        assert!(!failed.is_empty(), "{scenario}");
        let begins_alike = |task: &Value| task["stoppedReason"].as_str().unwrap().starts_with(&reason[..8]);
        assert!(failed.iter().all(begins_alike), "{scenario}: {failed:#?}");
        if scenario != "hostile" {
            let matches = |task: &Value| task["stoppedReason"].as_str().unwrap().starts_with(reason);
            assert!(failed.iter().all(matches), "{scenario}: {failed:#?}");
        }
    }
}

#[test]
fn without_a_circuit_breaker_the_deployments_keep_failing() {
    for (scenario, service, revision, _) in FAILING {
        let mut sim = Sim::new(scenario);
        let mut before = 0;
        for _ in 0..5 {
            sim.run(180);
            assert_eq!(sim.deployment(service)["status"], "IN_PROGRESS", "{scenario}");
            let failed = sim.service(service)["deployments"][0]["failedTasks"].as_i64().unwrap();
            assert!(failed > before, "{scenario}: {failed} failed, as many as three minutes ago");
            before = failed;
        }
        assert!(!sim.failed(service, revision).is_empty());
        // The previous revision serves all users.
        let group = if service == "checkout-canary" { "checkout-stable" } else { service };
        assert!(sim.healthy(group) >= 4, "{scenario}");
    }
}

#[test]
fn unhealthy_host_alarms_turn_on_and_off() {
    for (scenario, alarm) in
        [("failing-health-check", "orders-unhealthy-hosts"), ("slow-start", "users-unhealthy-hosts")]
    {
        let mut sim = Sim::new(scenario);
        let state = |sim: &mut Sim| {
            let found = sim.call(Service::CloudWatch, "DescribeAlarms", json!({"AlarmNames": [alarm]})).unwrap();
            found["MetricAlarms"][0]["StateValue"].clone()
        };
        sim.until(600, "ALARM", |sim| state(sim) == "ALARM");
        sim.until(3600, "OK", |sim| state(sim) == "OK");
    }
}

#[test]
fn a_release_changes_more_than_its_image() {
    let mut sim = Sim::new("good-release");
    let mut container = |name: &str| {
        let found = sim.ecs("DescribeTaskDefinition", json!({"taskDefinition": name}));
        found["taskDefinition"]["containerDefinitions"][0].clone()
    };
    let (old, new) = (container("checkout:41"), container("checkout:42"));
    let value = |container: &Value, list: &str, name: &str, member: &str| {
        let items = container[list].as_array().unwrap();
        items.iter().find(|item| item["name"] == name).map(|item| item[member].as_str().unwrap().to_owned())
    };
    let environment = |container: &Value, name: &str| value(container, "environment", name, "value");
    assert_ne!(old["image"], new["image"]);
    assert_eq!(environment(&old, "PAYMENT_TIMEOUT_MS").unwrap(), "3000");
    assert_eq!(environment(&new, "PAYMENT_TIMEOUT_MS").unwrap(), "1500");
    assert_eq!(environment(&old, "EXPRESS_CHECKOUT"), None);
    assert_eq!(environment(&new, "EXPRESS_CHECKOUT").unwrap(), "on");
    assert_eq!(environment(&new, "SESSION_SALT").unwrap(), "hunter2-not-real");
    let secret = |container: &Value| value(container, "secrets", "PAYMENT_API_KEY", "valueFrom").unwrap();
    assert_ne!(secret(&old), secret(&new));

    let mut sim = Sim::new("crash-loop");
    let found = sim.ecs("DescribeTaskDefinition", json!({"taskDefinition": "payments:18"}));
    let container = &found["taskDefinition"]["containerDefinitions"][0];
    assert_eq!(environment(container, "PROVIDER_URL"), None);
    assert_eq!(value(container, "secrets", "PROVIDER_KEY", "valueFrom"), None);
    assert!(value(container, "secrets", "PROVIDER_API_KEY", "valueFrom").is_some());
}

#[test]
fn services_at_rest_that_are_not_steady() {
    let mut sim = Sim::new("unsteady");
    let payments = sim.service("payments");
    assert_eq!((&payments["desiredCount"], &payments["runningCount"]), (&json!(6), &json!(4)));
    assert_eq!(payments["deployments"][0]["rolloutState"], "COMPLETED");
    let said = payments["events"][0]["message"].as_str().unwrap().to_owned();
    assert!(said.contains("was unable to place a task. Reason: Capacity is unavailable"), "{said}");
    sim.run(300);
    let again = sim.service("payments")["events"].as_array().unwrap().len();
    assert!(again > payments["events"].as_array().unwrap().len(), "ECS repeats what goes on being so");
    let users = sim.service("users");
    assert_eq!(
        (&users["status"], &users["desiredCount"], &users["runningCount"]),
        (&json!("DRAINING"), &json!(0), &json!(4))
    );
    let refused = sim.refused("UpdateService", json!({"service": "users", "desiredCount": 4}));
    assert_eq!(refused.0, "ServiceNotActiveException");
    assert_eq!(sim.deployment("orders")["status"], "ROLLBACK_FAILED");
}

#[test]
fn a_daemon_service_takes_a_revision_and_no_count() {
    let mut sim = Sim::new("daemon");
    assert_eq!(sim.service("checkout-canary")["schedulingStrategy"], "DAEMON");
    let refused = sim.refused("UpdateService", json!({"service": "checkout-canary", "desiredCount": 0}));
    assert_eq!(refused.0, "InvalidParameterException");
    let taken = sim.ecs("UpdateService", json!({"service": "checkout-canary", "taskDefinition": "checkout:41"}));
    assert_eq!(taken["service"]["desiredCount"], 3);
    let daemons = sim.ecs("ListServices", json!({"schedulingStrategy": "DAEMON"}));
    assert_eq!(daemons["serviceArns"].as_array().unwrap().len(), 1);
}
