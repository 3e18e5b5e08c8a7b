//! Native deployments.

use serde_json::{Value, json};

use super::Sim;
use crate::sim::api::{Answer, Service};

impl Sim {
    pub(super) fn weights(&mut self, path: &str) -> Vec<i64> {
        let rule = self.rule(path);
        let tuples = rule["Actions"][0]["ForwardConfig"]["TargetGroups"].as_array().unwrap();
        tuples.iter().map(|t| t["Weight"].as_i64().unwrap()).collect()
    }

    pub(super) fn waiting(&mut self, service: &str) -> Vec<String> {
        let deployment = self.deployment(service);
        let hooks = deployment["lifecycleHookDetails"].as_array().cloned().unwrap_or_default();
        let waiting = hooks.iter().filter(|h| h["status"] == "AWAITING_ACTION");
        waiting.map(|h| h["hookId"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) fn answer(&mut self, service: &str, hook: &str, action: &str) -> Answer {
        let arn = self.deployment(service)["serviceDeploymentArn"].clone();
        let input = json!({"serviceDeploymentArn": arn, "hookId": hook, "action": action});
        self.call(Service::Ecs, "ContinueServiceDeployment", input)
    }

    pub(super) fn production_weights(&mut self, service: &str) -> (Value, Value) {
        let deployment = self.deployment(service);
        let of = |v: &Value| v["requestedProductionTrafficWeight"].clone();
        (of(&deployment["targetServiceRevision"]), of(&deployment["sourceServiceRevisions"][0]))
    }
}

#[test]
fn a_paused_canary_continues_and_its_target_groups_swap_roles() {
    let mut sim = Sim::new("paused-native");
    let before = sim.deployment("payments");
    assert_eq!(
        (&before["status"], &before["lifecycleStage"]),
        (&json!("IN_PROGRESS"), &json!("PRE_PRODUCTION_TRAFFIC_SHIFT"))
    );
    assert_eq!(sim.weights("/api/payments*"), [90, 10]);
    assert_eq!(sim.production_weights("payments"), (json!(10.0), json!(90.0)));
    let hooks = sim.waiting("payments");
    assert_eq!(hooks.len(), 1);
    assert!(hooks[0].starts_with("ecs-pause-"));
    sim.answer("payments", &hooks[0], "CONTINUE").unwrap();
    let again = sim.answer("payments", &hooks[0], "CONTINUE").unwrap_err();
    assert!(again.message.starts_with("Provided hookId is either completed"), "{again:?}");
    sim.until(10, "shifted", |sim| sim.weights("/api/payments*") == [0, 100]);
    sim.until(60, "baking", |sim| sim.deployment("payments")["lifecycleStage"] == "BAKE_TIME");
    assert_eq!(sim.service("payments")["deployments"].as_array().unwrap().len(), 2);
    sim.until(400, "done", |sim| sim.deployment("payments")["status"] == "SUCCESSFUL");
    assert_eq!(sim.production_weights("payments"), (json!(100.0), json!(0.0)));
    assert_eq!((sim.healthy("payments-blue"), sim.healthy("payments-green")), (0, 6));
    let late = sim.answer("payments", &hooks[0], "CONTINUE").unwrap_err();
    assert!(late.message.contains("in terminal states"), "{late:?}");
    // The next deployment uses the groups the other way round.
    sim.ecs("UpdateService", json!({"service": "payments", "taskDefinition": "payments:17"}));
    sim.until(120, "green is the first group again", |sim| sim.healthy("payments-blue") == 6);
    sim.until(60, "waiting", |sim| !sim.waiting("payments").is_empty());
    let hook = sim.waiting("payments").remove(0);
    assert_ne!(hook, hooks[0]);
    sim.answer("payments", &hook, "CONTINUE").unwrap();
    sim.until(10, "shifted", |sim| sim.weights("/api/payments*") == [10, 90]);
}

#[test]
fn a_paused_canary_is_rolled_back() {
    for by_hook in [true, false] {
        let mut sim = Sim::new("paused-native");
        let hook = sim.waiting("payments").remove(0);
        if by_hook {
            sim.answer("payments", &hook, "ROLLBACK").unwrap();
        } else {
            let arn = sim.deployment("payments")["serviceDeploymentArn"].clone();
            sim.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}));
        }
        assert_eq!(sim.deployment("payments")["status"], "ROLLBACK_REQUESTED");
        assert!(sim.answer("payments", &hook, "CONTINUE").is_err());
        sim.until(10, "traffic is back", |sim| sim.weights("/api/payments*") == [100, 0]);
        assert_eq!(sim.deployment("payments")["status"], "ROLLBACK_IN_PROGRESS");
        sim.until(120, "over", |sim| sim.deployment("payments")["status"] == "ROLLBACK_SUCCESSFUL");
        let deployment = sim.deployment("payments");
        assert_eq!(deployment["rollback"]["serviceRevisionArn"], deployment["sourceServiceRevisions"][0]["arn"]);
        assert!(sim.service("payments")["taskDefinition"].as_str().unwrap().ends_with(":17"));
        assert_eq!((sim.healthy("payments-blue"), sim.healthy("payments-green")), (6, 0));
    }
}

#[test]
fn a_pause_takes_its_action_after_the_timeout() {
    let mut sim = Sim::new("paused-native");
    let expires = sim.deployment("search")["lifecycleHookDetails"][0]["expiresAt"].as_f64().unwrap();
    let left = expires - sim.world.now().as_second() as f64;
    assert!((1200.0..1800.0).contains(&left), "{left}");
    sim.run(left as i64 - 1);
    assert_eq!(sim.deployment("search")["status"], "IN_PROGRESS");
    sim.run(4);
    let deployment = sim.deployment("search");
    assert_eq!(deployment["status"], "ROLLBACK_IN_PROGRESS");
    assert!(deployment["rollback"]["reason"].as_str().unwrap().contains("timed out"));
}

#[test]
fn a_linear_deployment_takes_equal_steps_by_itself() {
    let mut sim = Sim::new("linear");
    let mut weights = vec![];
    sim.until(1200, "successful", |sim| {
        weights.push(sim.weights("/search*")[1]);
        weights.dedup();
        sim.deployment("search")["status"] == "SUCCESSFUL"
    });
    assert_eq!(weights.iter().rev().take(4).collect::<Vec<_>>(), [&100, &80, &60, &40]);
}

#[test]
fn an_alarm_rolls_back_unless_it_was_on_before_the_deployment() {
    let mut sim = Sim::new("alarm-rollback");
    sim.until(900, "rolled back", |sim| sim.deployment("catalog")["status"] == "ROLLBACK_SUCCESSFUL");
    let deployment = sim.deployment("catalog");
    assert_eq!(deployment["alarms"]["status"], "TRIGGERED");
    assert_eq!(deployment["alarms"]["triggeredAlarmNames"], json!(["catalog-green-5xx"]));
    assert_eq!(sim.weights("/p/*"), [100, 0]);
    sim.ecs("UpdateService", json!({"service": "search", "taskDefinition": "search:87"}));
    sim.until(300, "successful in spite of it", |sim| sim.deployment("search")["status"] == "SUCCESSFUL");
}

#[test]
fn a_newer_deployment_supersedes_and_starts_from_the_first_stage() {
    let mut sim = Sim::new("superseded");
    let old = sim.deployment("orders");
    assert_eq!(sim.weights("/api/orders*"), [80, 20]);
    let hook = sim.waiting("orders").remove(0);
    sim.run(66);
    let new = sim.deployment("orders");
    assert_ne!(new["serviceDeploymentArn"], old["serviceDeploymentArn"]);
    assert_eq!(new["lifecycleStage"], "RECONCILE_SERVICE");
    assert_eq!(sim.weights("/api/orders*"), [100, 0]);
    let arn = old["serviceDeploymentArn"].clone();
    let stopped = sim.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]}));
    assert_eq!(stopped["serviceDeployments"][0]["status"], "STOPPED");
    assert!(sim.answer("orders", &hook, "CONTINUE").is_err());
    sim.until(240, "waiting again", |sim| !sim.waiting("orders").is_empty());
    assert_eq!(sim.healthy("orders-green"), 6);
    let hook = sim.waiting("orders").remove(0);
    sim.answer("orders", &hook, "ROLLBACK").unwrap();
    sim.until(200, "rolled back", |sim| sim.deployment("orders")["status"] == "ROLLBACK_SUCCESSFUL");
    assert!(sim.service("orders")["taskDefinition"].as_str().unwrap().ends_with(":23"));
}

#[test]
fn a_deployment_is_refused_if_two_target_groups_have_weight() {
    let mut sim = Sim::new("linear");
    sim.until(1200, "successful", |sim| sim.deployment("search")["status"] == "SUCCESSFUL");
    assert!(sim.world.edit_rule_weights("search", &[("search-blue", 50), ("search-green", 50)]));
    sim.ecs("UpdateService", json!({"service": "search", "taskDefinition": "search:88"}));
    sim.until(120, "refused", |sim| sim.deployment("search")["status"] == "ROLLBACK_SUCCESSFUL");
    let reason = sim.deployment("search")["rollback"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("should have exactly one target group serving traffic but found 2"), "{reason}");
}
