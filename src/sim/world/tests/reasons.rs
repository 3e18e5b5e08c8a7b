//! The reasons that AWS gives for failing tasks and targets.

use serde_json::{Value, json};

use super::Sim;
use crate::sim::api::Service;
use crate::sim::scenario::Scenario;

impl Sim {
    /// The reason and the description of each target of a target group.
    fn reasons(&mut self, group: &str) -> Vec<(String, String)> {
        let found = self.elb("DescribeTargetGroups", json!({"Names": [group]}));
        let health =
            self.elb("DescribeTargetHealth", json!({"TargetGroupArn": found["TargetGroups"][0]["TargetGroupArn"]}));
        let targets = health["TargetHealthDescriptions"].as_array().unwrap().clone();
        let text = |t: &Value, name: &str| t["TargetHealth"][name].as_str().unwrap_or_default().to_owned();
        targets.iter().map(|t| (text(t, "Reason"), text(t, "Description"))).collect()
    }

    fn messages(&mut self, service: &str) -> Vec<String> {
        let events = self.service(service)["events"].as_array().unwrap().clone();
        events.iter().map(|e| e["message"].as_str().unwrap().to_owned()).collect()
    }
}

/// The shop scenario with a new revision of search that has these traits.
fn search_with(traits: &str, more: &str) -> Sim {
    let text = format!(
        "name = 'x'\nsummary = 'x'\nextends = 'shop'\n\
         [family.search]\ntraits = {{ latency_ms = 24, capacity_rps = 40 }}\nrevision = [\n\
         {{ number = 86, tag = '1', age = '30d' }}, {{ number = 87, tag = '2', age = '12d' }},\n\
         {{ number = 88, tag = '3', age = '3d' }}, {{ number = 89, tag = '4', age = '1d', traits = {{ {traits} }} }} ]\n\
         {more}"
    );
    Sim::of(&Scenario::parse(&text).unwrap())
}

const UPDATE: &str = "[[event]]\nat = '-10s'\nupdate_service = { service = 'search', task_definition = 'search:89' }";

#[test]
fn a_target_shows_how_its_health_checks_fail() {
    for (answer, reason, description) in [
        ("503", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"),
        ("'timeout'", "Target.Timeout", "Request timed out"),
        ("'refused'", "Target.FailedHealthChecks", "Health checks failed"),
    ] {
        let mut sim = search_with(&format!("unhealthy = true, health_answer = {answer}"), UPDATE);
        let expected = (reason.to_owned(), description.to_owned());
        sim.until(120, reason, |sim| sim.reasons("search").contains(&expected));
    }
}

#[test]
fn a_new_target_refuses_connections_until_it_is_ready() {
    let mut sim = search_with("start_seconds = 200", UPDATE);
    for reason in ["Elb.RegistrationInProgress", "Elb.InitialHealthChecking", "Target.FailedHealthChecks"] {
        sim.until(120, reason, |sim| sim.reasons("search").iter().any(|(found, _)| found == reason));
    }
}

#[test]
fn a_task_with_failing_health_checks_is_replaced_and_events_name_the_cause() {
    let mut sim = Sim::new("failing-health-check");
    let stopped = sim.tasks_in("orders", "STOPPED");
    let failed: Vec<_> = stopped.iter().filter(|t| t["taskDefinitionArn"].as_str().unwrap().ends_with(":24")).collect();
    assert!(!failed.is_empty());
    for task in failed {
        let reason = task["stoppedReason"].as_str().unwrap();
        assert!(reason.starts_with("Task failed ELB health checks in (target-group arn:"), "{reason}");
        assert_eq!(task["stopCode"], "ServiceSchedulerInitiated");
    }
    let messages = sim.messages("orders");
    let has_message = |start: &str, end: &str| messages.iter().any(|m| m.starts_with(start) && m.ends_with(end));
    assert!(
        has_message(
            "(service orders) (port 8080) is unhealthy in (target-group arn:",
            "due to (reason Health checks failed with these codes: [503])."
        ),
        "{messages:#?}"
    );
    assert!(messages.iter().any(|m| m.contains("is unable to consistently start tasks successfully")), "{messages:#?}");
}

#[test]
fn a_container_that_runs_out_of_memory_is_killed() {
    let mut sim = search_with("oom_after_seconds = 5", UPDATE);
    sim.until(120, "stopped", |sim| !sim.tasks_in("search", "STOPPED").is_empty());
    let task = &sim.tasks_in("search", "STOPPED")[0];
    assert_eq!(task["stopCode"], "EssentialContainerExited");
    let container = &task["containers"][0];
    assert_eq!(container["exitCode"], 137);
    assert_eq!(container["reason"], "OutOfMemoryError: Container killed due to memory usage");
}

#[test]
fn a_spot_interruption_does_not_count_as_a_failure() {
    let mut sim = search_with("", "[[event]]\nat = '10s'\ninterrupt = { service = 'search', tasks = 2 }");
    sim.run(12);
    assert!(sim.messages("search").iter().any(|m| m.contains("was unable to place a task. Reason: Capacity")));
    sim.until(200, "replaced", |sim| sim.healthy("search") == 8);
    let stopped = sim.tasks_in("search", "STOPPED");
    assert_eq!(stopped.len(), 2);
    assert!(stopped.iter().all(|t| t["stopCode"] == "SpotInterruption"), "{stopped:#?}");
    assert_eq!(stopped[0]["stoppedReason"], "Your Spot Task was interrupted.");
    assert_eq!(sim.service("search")["deployments"][0]["failedTasks"], 0);
}

#[test]
fn only_checkout_has_ecs_exec_enabled() {
    let mut sim = Sim::new("shop");
    for (name, open) in [("checkout-stable", true), ("search", false)] {
        assert_eq!(sim.service(name)["enableExecuteCommand"], open);
        let task = sim.tasks_in(name, "RUNNING")[0].clone();
        assert_eq!(task["enableExecuteCommand"], open);
        let agents = &task["containers"][0]["managedAgents"];
        assert_eq!(agents[0]["lastStatus"] == "RUNNING" && agents[0]["name"] == "ExecuteCommandAgent", open);
    }
}

#[test]
fn a_target_group_shows_its_deregistration_delay() {
    let mut sim = Sim::new("shop");
    let groups = sim.elb("DescribeTargetGroups", json!({"Names": ["search"]}));
    let arn = groups["TargetGroups"][0]["TargetGroupArn"].clone();
    let attributes = sim.elb("DescribeTargetGroupAttributes", json!({"TargetGroupArn": arn}))["Attributes"].clone();
    assert!(
        attributes.as_array().unwrap().contains(&json!({"Key": "deregistration_delay.timeout_seconds", "Value": "30"})),
        "{attributes:#}"
    );
    let refused =
        sim.call(Service::Elbv2, "DescribeTargetGroupAttributes", json!({"TargetGroupArn": "x"})).unwrap_err();
    assert_eq!(refused.code, "TargetGroupNotFound");
}
