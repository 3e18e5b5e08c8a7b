//! The scenarios of native deployments.

use serde_json::{Value, json};

use super::Sim;
use super::revisions::digests;
use crate::sim::api::Service;

impl Sim {
    /// Status and task definition of every service deployment, newest first.
    fn history(&mut self, service: &str) -> Vec<(String, String)> {
        let list = self.ecs("ListServiceDeployments", json!({"service": service}));
        let briefs = list["serviceDeployments"].as_array().unwrap().clone();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        let of = |sim: &mut Self, brief: &Value| {
            let revision = sim.revision(&brief["targetServiceRevisionArn"]);
            (text(&brief["status"]), text(&revision["taskDefinition"]).rsplit('/').next().unwrap().to_owned())
        };
        briefs.iter().map(|brief| of(self, brief)).collect()
    }

    fn alarms(&mut self, input: Value) -> Value {
        self.call(Service::CloudWatch, "DescribeAlarms", input).unwrap()
    }

    fn test_weights(&mut self, service: &str) -> (Value, Value) {
        let deployment = self.deployment(service);
        let of = |v: &Value| v["requestedTestTrafficWeight"].clone();
        (of(&deployment["targetServiceRevision"]), of(&deployment["sourceServiceRevisions"][0]))
    }

    /// The weights of search's test rule: blue, green.
    fn test_rule(&mut self) -> Vec<i64> {
        let service = self.service("search");
        let arn = service["loadBalancers"][0]["advancedConfiguration"]["testListenerRule"].clone();
        let rules = self.elb("DescribeRules", json!({"RuleArns": [arn]}));
        let tuples = rules["Rules"][0]["Actions"][0]["ForwardConfig"]["TargetGroups"].as_array().unwrap().clone();
        tuples.iter().map(|t| t["Weight"].as_i64().unwrap()).collect()
    }

    /// Sets the weights of search's production rule, as another operator would.
    fn write_search(&mut self, blue: i64, green: i64) {
        let rule = self.rule("/search*");
        let mut actions = rule["Actions"].clone();
        for (at, weight) in [(0, blue), (1, green)] {
            actions[0]["ForwardConfig"]["TargetGroups"][at]["Weight"] = json!(weight);
        }
        self.elb("ModifyRule", json!({"RuleArn": rule["RuleArn"], "Actions": actions}));
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn finished_native_is_at_rest_with_past_deployments_of_every_kind() {
    let mut sim = Sim::new("finished-native");
    for service in ["payments", "search", "orders", "catalog", "cart", "users"] {
        let deployment = sim.deployment(service);
        assert_eq!(deployment["status"], "SUCCESSFUL", "{service}");
        let shown = sim.service(service);
        assert_eq!(shown["deployments"].as_array().unwrap().len(), 1, "{service}");
        assert_eq!(shown["runningCount"], shown["desiredCount"], "{service}");
    }
    assert_eq!(
        sim.history("payments"),
        pairs(&[
            ("SUCCESSFUL", "payments:18"),
            ("SUCCESSFUL", "payments:17"),
            ("STOPPED", "payments:17"),
            ("ROLLBACK_SUCCESSFUL", "payments:17"),
            ("SUCCESSFUL", "payments:16"),
            ("SUCCESSFUL", "payments:15"),
        ])
    );
    let list = sim.ecs("ListServiceDeployments", json!({"service": "payments"}));
    let arn = list["serviceDeployments"][3]["serviceDeploymentArn"].clone();
    let failed = sim.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]}));
    let failed = &failed["serviceDeployments"][0];
    assert_eq!(failed["alarms"]["status"], "TRIGGERED");
    assert_eq!(failed["alarms"]["triggeredAlarmNames"], json!(["payments-green-5xx"]));
    assert!(failed["rollback"]["reason"].as_str().unwrap().contains("alarm"));
    let now = sim.world.now().as_second() as f64;
    for (service, ago) in [("payments", 20.0 * 60.0), ("orders", 5.0 * 3600.0), ("search", 2.0 * 86_400.0)] {
        let finished = now - sim.deployment(service)["finishedAt"].as_f64().unwrap();
        assert!((finished / ago - 1.0).abs() < 0.06, "{service} finished {finished} s ago");
    }
}

#[test]
fn the_canary_of_finished_native_shifted_its_traffic() {
    let mut sim = Sim::new("finished-native");
    // The canary was simulated, so its traffic shifted and the target groups swapped.
    assert_eq!(sim.weights("/api/payments*"), [0, 100]);
    assert_eq!((sim.healthy("payments-blue"), sim.healthy("payments-green")), (0, 6));
    let share = |sim: &mut Sim, ago: i64| {
        let end = sim.world.now().as_second() - ago * 60;
        let sum =
            |sim: &mut Sim, group| sim.metric_between(group, "RequestCount", "Sum", end - 180..end).iter().sum::<f64>();
        let (blue, green) = (sum(sim, "payments-blue"), sum(sim, "payments-green"));
        100.0 * green / (blue + green)
    };
    for (ago, percent) in [(60, 0.0..0.1), (36, 8.0..12.0), (15, 99.9..100.1)] {
        let got = share(&mut sim, ago);
        assert!(percent.contains(&got), "{got} % {ago} minutes ago");
    }
}

#[test]
fn finished_native_has_rollback_targets_of_every_kind() {
    let mut sim = Sim::new("finished-native");
    let definition = |sim: &mut Sim, name: &str| {
        sim.ecs("DescribeTaskDefinition", json!({"taskDefinition": name}))["taskDefinition"]["status"].clone()
    };
    assert_eq!(sim.history("catalog")[1].1, "catalog:140");
    assert_eq!(
        (definition(&mut sim, "catalog:140"), definition(&mut sim, "catalog:139")),
        (json!("INACTIVE"), json!("ACTIVE"))
    );
    assert_eq!(sim.history("cart"), pairs(&[("SUCCESSFUL", "cart:1")]));
    assert_eq!(sim.deployment("cart")["sourceServiceRevisions"], json!([]));
    assert!(sim.service("users")["deploymentConfiguration"].get("lifecycleHooks").is_none());
    let statuses: Vec<_> = sim.history("orders").into_iter().map(|(status, _)| status).collect();
    assert_eq!(statuses, ["SUCCESSFUL", "SUCCESSFUL", "ROLLBACK_FAILED", "SUCCESSFUL"]);
    let list = sim.ecs("ListServiceDeployments", json!({"service": "orders"}));
    let before = sim.revision(&list["serviceDeployments"][1]["targetServiceRevisionArn"]);
    assert_ne!(before["networkConfiguration"], sim.service("orders")["networkConfiguration"]);
    // A finished native service rolls back by another full deployment between the same two target groups.
    sim.ecs("UpdateService", json!({"service": "search", "taskDefinition": "search:88"}));
    sim.until(120, "tested", |sim| !sim.waiting("search").is_empty());
    assert_eq!((sim.weights("/search*"), sim.test_rule()), (vec![0, 100], vec![100, 0]));
}

#[test]
fn held_waits_after_the_test_traffic_shift_with_users_on_blue() {
    let mut sim = Sim::new("held");
    let deployment = sim.deployment("search");
    assert_eq!(
        (&deployment["status"], &deployment["lifecycleStage"]),
        (&json!("IN_PROGRESS"), &json!("POST_TEST_TRAFFIC_SHIFT"))
    );
    let hook = &deployment["lifecycleHookDetails"][0];
    assert_eq!((&hook["targetType"], &hook["timeoutAction"]), (&json!("PAUSE"), &json!("ROLLBACK")));
    let left = hook["expiresAt"].as_f64().unwrap() - sim.world.now().as_second() as f64;
    assert!((3300.0..3600.0).contains(&left), "{left}");
    assert_eq!((sim.healthy("search-blue"), sim.healthy("search-green")), (8, 8));
    assert_eq!((sim.weights("/search*"), sim.test_rule()), (vec![100, 0], vec![0, 100]));
    assert_eq!(sim.production_weights("search"), (json!(0.0), json!(100.0)));
    assert_eq!(sim.test_weights("search"), (json!(100.0), json!(0.0)));
}

#[test]
fn test_traffic_shifts_with_the_stages_and_rolls_back_too() {
    let mut sim = Sim::new("held");
    let arn = sim.deployment("search")["serviceDeploymentArn"].clone();
    sim.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn}));
    sim.until(20, "testers are back", |sim| sim.test_rule() == [100, 0]);
    sim.until(120, "rolled back", |sim| sim.deployment("search")["status"] == "ROLLBACK_SUCCESSFUL");
    assert_eq!(sim.test_weights("search"), (json!(0.0), json!(100.0)));
    sim.ecs("UpdateService", json!({"service": "search", "taskDefinition": "search:89"}));
    let mut stages = vec![];
    sim.until(120, "tested again", |sim| {
        let (stage, test) = (sim.deployment("search")["lifecycleStage"].clone(), sim.test_rule());
        if let Some(stage) = stage.as_str() {
            let begun = ["TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT"].contains(&stage);
            assert_eq!(test, if begun { [0, 100] } else { [100, 0] }, "{stage}");
            assert_eq!(sim.test_weights("search").0, json!(if begun { 100.0 } else { 0.0 }), "{stage}");
            stages.push(stage.to_owned());
        }
        !sim.waiting("search").is_empty()
    });
    assert!(stages.iter().any(|s| s == "SCALE_UP") && stages.iter().any(|s| s == "TEST_TRAFFIC_SHIFT"));
    // Without a test rule there is no test traffic.
    let mut sim = Sim::new("paused-native");
    assert_eq!(sim.test_weights("search"), (json!(0.0), json!(0.0)));
    assert!(sim.service("search")["loadBalancers"][0]["advancedConfiguration"].get("testListenerRule").is_none());
}

#[test]
fn manual_weights_move_users_and_continuing_at_100_percent_keeps_them_there() {
    let mut sim = Sim::new("held");
    for (blue, green, share) in [(99, 1, 0.01), (90, 10, 0.1), (0, 100, 1.0)] {
        sim.write_search(blue, green);
        let start = sim.world.now().as_second() / 60 * 60 + 60;
        sim.run(420);
        let sum = |sim: &mut Sim, group| {
            sim.metric_between(group, "RequestCount", "Sum", start..start + 240).iter().sum::<f64>()
        };
        let (on_blue, on_green) = (sum(&mut sim, "search-blue"), sum(&mut sim, "search-green"));
        let got = on_green / (on_blue + on_green);
        assert!((got - share).abs() < 0.006, "{blue}/{green}: {got}");
        // ECS does not read the rule.
        assert_eq!(sim.production_weights("search"), (json!(0.0), json!(100.0)));
    }
    let hook = sim.waiting("search").remove(0);
    sim.answer("search", &hook, "CONTINUE").unwrap();
    sim.until(700, "baked", |sim| {
        assert_eq!(sim.weights("/search*"), [0, 100]);
        sim.deployment("search")["lifecycleStage"] == "BAKE_TIME"
    });
    assert_eq!(sim.production_weights("search"), (json!(100.0), json!(0.0)));
    sim.until(900, "done", |sim| {
        assert_eq!(sim.weights("/search*"), [0, 100]);
        sim.deployment("search")["status"] == "SUCCESSFUL"
    });
}

#[test]
fn every_rollback_from_manual_weights_ends_on_blue() {
    for way in ["hook", "stop", "time"] {
        let mut sim = Sim::new("held");
        sim.write_search(40, 60);
        match way {
            "hook" => {
                let hook = sim.waiting("search").remove(0);
                sim.answer("search", &hook, "ROLLBACK").unwrap();
            }
            "stop" => {
                let arn = sim.deployment("search")["serviceDeploymentArn"].clone();
                sim.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn}));
            }
            _ => sim.run(3400),
        }
        sim.until(200, "users are on blue", |sim| sim.weights("/search*") == [100, 0]);
        sim.until(200, "rolled back", |sim| sim.deployment("search")["status"] == "ROLLBACK_SUCCESSFUL");
        assert_eq!((sim.weights("/search*"), sim.healthy("search-blue")), (vec![100, 0], 8), "{way}");
    }
    // The rollback works even if another operator removed blue from the rule.
    let mut sim = Sim::new("held");
    let rule = sim.rule("/search*");
    let green = rule["Actions"][0]["ForwardConfig"]["TargetGroups"][1]["TargetGroupArn"].clone();
    let actions = json!([{"Type": "forward", "TargetGroupArn": green}]);
    sim.elb("ModifyRule", json!({"RuleArn": rule["RuleArn"], "Actions": actions}));
    let hook = sim.waiting("search").remove(0);
    sim.answer("search", &hook, "ROLLBACK").unwrap();
    sim.until(200, "users are on blue", |sim| sim.weights("/search*") == [0, 100]);
}

#[test]
fn preflight_has_every_problem_that_can_be_seen_in_advance() {
    let mut sim = Sim::new("preflight");
    let deployment = sim.deployment("payments");
    assert_eq!(deployment["status"], "IN_PROGRESS");
    assert_eq!((sim.weights("/api/payments*"), sim.waiting("payments").len()), (vec![90, 10], 1));
    let target = sim.target("payments");
    let source = sim.revision(&deployment["sourceServiceRevisions"][0]["arn"]);
    assert!(source["taskDefinition"].as_str().unwrap().ends_with(":17"));
    // The target has another network and another capacity provider.
    assert_ne!(target["networkConfiguration"], source["networkConfiguration"]);
    assert_eq!(target["capacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT");
    assert_eq!(source["launchType"], "FARGATE");
    // The tag has moved: a later attempt with the same definition pulled another image.
    let list = sim.ecs("ListServiceDeployments", json!({"service": "payments"}));
    assert_eq!(list["serviceDeployments"][1]["status"], "ROLLBACK_SUCCESSFUL");
    let later = sim.revision(&list["serviceDeployments"][1]["targetServiceRevisionArn"]);
    assert_eq!(later["taskDefinition"], source["taskDefinition"]);
    let digest = |revision: &Value| revision["containerImages"][0]["imageDigest"].as_str().unwrap().to_owned();
    assert_ne!(digest(&later), digest(&source));
    let tasks = sim.tasks("payments");
    assert!(digests(&tasks).contains(&digest(&later).as_str()), "one of blue's tasks has been replaced since");
    // ECS ignores an alarm that was on before the deployment, but CloudWatch shows it.
    let begun = deployment["startedAt"].as_f64().unwrap();
    let monitor = &deployment["alarms"];
    assert_eq!((&monitor["status"], &monitor["triggeredAlarmNames"]), (&json!("MONITORING"), &json!([])));
    let names = monitor["alarmNames"].clone();
    assert_eq!(names, deployment["deploymentConfiguration"]["alarms"]["alarmNames"]);
    let alarms = sim.alarms(json!({"AlarmNames": names, "StateValue": "ALARM"}));
    assert_eq!(alarms["MetricAlarms"].as_array().unwrap().len(), 1);
    let alarm = &alarms["MetricAlarms"][0];
    assert_eq!(alarm["AlarmName"], "payments-slow");
    assert!(alarm["StateReason"].as_str().unwrap().starts_with("Threshold Crossed: 2 datapoints [0.25, 0.25]"));
    for name in ["StateUpdatedTimestamp", "StateTransitionedTimestamp"] {
        let hours = (begun - alarm[name].as_f64().unwrap()) / 3600.0;
        assert!((8.0..9.0).contains(&hours), "{name}: {hours}");
    }
    sim.run(600);
    assert_eq!(sim.deployment("payments")["status"], "IN_PROGRESS");
}

#[test]
fn composite_alarms_are_returned_on_request() {
    let mut sim = Sim::new("preflight");
    let count = |out: &Value, kind: &str| out[kind].as_array().unwrap().len();
    let both = json!(["CompositeAlarm", "MetricAlarm"]);
    for (types, input, metric, composite) in [
        (json!(null), json!({}), 3, 0),
        (json!(["MetricAlarm"]), json!({}), 3, 0),
        (json!(["CompositeAlarm"]), json!({}), 0, 1),
        (both.clone(), json!({}), 3, 1),
        (both.clone(), json!({"StateValue": "ALARM"}), 1, 1),
        (both.clone(), json!({"StateValue": "OK"}), 2, 0),
        (both.clone(), json!({"AlarmNamePrefix": "payments-"}), 3, 0),
        (both.clone(), json!({"AlarmNamePrefix": null, "AlarmNames": ["payments", "payments-slow"]}), 1, 1),
        (json!(null), json!({"AlarmNamePrefix": null, "AlarmNames": ["payments"]}), 0, 0),
    ] {
        let mut full = json!({"AlarmTypes": types, "AlarmNamePrefix": "payments"});
        full.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        let out = sim.alarms(full.clone());
        assert_eq!((count(&out, "MetricAlarms"), count(&out, "CompositeAlarms")), (metric, composite), "{full}");
    }
    let page = json!({"AlarmTypes": both, "AlarmNamePrefix": "payments", "MaxRecords": 3});
    let first = sim.alarms(page.clone());
    assert_eq!((count(&first, "MetricAlarms"), count(&first, "CompositeAlarms")), (2, 1));
    let alarm = &first["CompositeAlarms"][0];
    assert_eq!(
        alarm["AlarmRule"],
        "ALARM(\"payments-blue-5xx\") OR ALARM(\"payments-green-5xx\") OR ALARM(\"payments-slow\")"
    );
    assert!(alarm["StateReason"].as_str().unwrap().contains("alarm:payments-slow transitioned to ALARM"));
    let mut page = page;
    page["NextToken"] = first["NextToken"].clone();
    let rest = sim.alarms(page);
    assert_eq!((count(&rest, "MetricAlarms"), count(&rest, "CompositeAlarms")), (1, 0));
}

#[test]
fn every_terminal_status_can_be_reached() {
    let base = "name = 'x'\nsummary = 'x'\nextends = 'held'\nwarmup = '6m'\n";
    let update = |at: &str| {
        format!(
            "[[event]]\nat = '{at}'\nupdate_service = {{ service = 'search', task_definition = 'search:89', force = true }}\n"
        )
    };
    let stop = "[[event]]\nat = '10s'\nstop_deployment = { service = 'search' }\n";
    let proceed = "[[event]]\nat = '10s'\ncontinue_deployment = { service = 'search', action = 'CONTINUE' }\n";
    for (events, status) in [
        (proceed.to_owned(), "SUCCESSFUL"),
        (update("12s"), "STOPPED"),
        (stop.to_owned(), "ROLLBACK_SUCCESSFUL"),
        (format!("{stop}{}", update("14s")), "ROLLBACK_FAILED"),
    ] {
        let scenario = crate::sim::scenario::Scenario::parse(&format!("{base}{events}")).unwrap();
        let mut sim = Sim::of(&scenario);
        let arn = sim.deployment("search")["serviceDeploymentArn"].clone();
        let now = |sim: &mut Sim| {
            sim.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]}))["serviceDeployments"][0]
                .clone()
        };
        sim.until(900, status, |sim| now(sim).get("finishedAt").is_some());
        let over = now(&mut sim);
        assert_eq!(over["status"], status);
        assert_eq!(over.get("statusReason").is_some(), status != "SUCCESSFUL");
    }
}

#[test]
fn a_rule_without_exactly_one_serving_group_ends_a_deployment_at_once() {
    for (blue, green, found) in [(50, 50, 2), (0, 0, 0)] {
        let edit = format!(
            "[[event]]\nat = '-330s'\nset_weights = {{ rule = 'search', weights = {{ search-blue = {blue}, search-green = {green} }} }}\n"
        );
        let text = format!("name = 'x'\nsummary = 'x'\nextends = 'held'\nwarmup = '6m'\n{edit}");
        let mut sim = Sim::of(&crate::sim::scenario::Scenario::parse(&text).unwrap());
        let deployment = sim.deployment("search");
        assert_eq!(deployment["status"], "ROLLBACK_SUCCESSFUL");
        let reason = deployment["statusReason"].as_str().unwrap();
        assert!(reason.contains(&format!("serving traffic but found {found}")), "{reason}");
        assert_eq!((sim.weights("/search*"), sim.test_rule()), (vec![100, 0], vec![100, 0]));
        assert!(sim.service("search")["taskDefinition"].as_str().unwrap().ends_with(":88"));
    }
}
