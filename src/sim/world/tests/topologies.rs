//! Services in several target groups, rules that are defaults or sticky, and load balancers that follow late.

use serde_json::json;

use super::Sim;
use crate::sim::api::Service;
use crate::sim::scenario::Scenario;

fn of(base: &str, settings: &str) -> Sim {
    let text = format!("name = 'x'\nsummary = 'x'\nextends = '{base}'\nwarmup = '14m'\n{settings}");
    Sim::of(&Scenario::parse(&text).unwrap())
}

impl Sim {
    /// The requests to a target group in the next `seconds`, each second.
    fn rate(&mut self, group: &str, seconds: i64) -> f64 {
        let before = self.world.tally(group).requests;
        self.run(seconds);
        (self.world.tally(group).requests - before) as f64 / seconds as f64
    }
}

#[test]
fn a_task_is_in_every_target_group_of_its_service() {
    let mut sim = Sim::new("internal-rule");
    let canary = sim.service("checkout-canary");
    let groups: Vec<_> = canary["loadBalancers"].as_array().unwrap().iter().collect();
    assert_eq!(groups.len(), 2);
    assert!(groups[1]["targetGroupArn"].as_str().unwrap().contains(":targetgroup/checkout-internal-canary/"));
    for group in ["checkout-stable", "checkout-internal-stable"] {
        assert_eq!(sim.healthy(group), 18, "{group}");
    }
    assert_eq!((sim.healthy("checkout-canary"), sim.healthy("checkout-internal-canary")), (2, 2));
    sim.ecs("UpdateService", json!({"service": "checkout-canary", "desiredCount": 0}));
    sim.until(120, "none left", |sim| sim.service("checkout-canary")["runningCount"] == 0);
    assert_eq!((sim.healthy("checkout-canary"), sim.healthy("checkout-internal-canary")), (0, 0));
    // Two tasks carry some 48 requests a second, whichever rule they come by.
    let mut sim = of("internal-rule", "[[event]]\nat = '0s'\ntraffic = { rule = 'checkout-internal', rps = 6000 }\n");
    sim.run(60);
    let before = sim.world.tally("checkout-canary");
    sim.run(60);
    let after = sim.world.tally("checkout-canary");
    let (errors, all) = (after.errors - before.errors, after.requests - before.requests);
    assert!(errors * 10 > all, "{errors} of {all}: the tasks are overloaded by their other rule");
}

#[test]
fn sticky_clients_keep_their_side_until_their_cookies_lapse() {
    let mut sim = Sim::new("sticky");
    assert!((18.0..30.0).contains(&sim.rate("checkout-canary", 60)));
    sim.set_weights(100, 0).unwrap();
    let first = sim.rate("checkout-canary", 60);
    assert!((11.0..20.0).contains(&first), "{first}");
    sim.run(240);
    let half = sim.rate("checkout-canary", 60);
    assert!(half < 0.65 * first && half > 0.25 * first, "{half} of {first}");
    sim.run(240);
    assert_eq!(sim.rate("checkout-canary", 60), 0.0);
    // An empty target group fails them.
    let mut sim = Sim::new("sticky");
    sim.set_weights(100, 0).unwrap();
    sim.ecs("UpdateService", json!({"service": "checkout-canary", "desiredCount": 0}));
    let before = sim.world.tally("checkout-canary").unserved;
    sim.run(120);
    assert!(sim.world.tally("checkout-canary").unserved > before + 1_000);
}

#[test]
fn a_change_of_weights_is_followed_after_a_while() {
    let mut sim = of("good-release", "propagation_seconds = 45\n");
    sim.set_weights(100, 0).unwrap();
    let rule = sim.rule("/checkout*");
    assert_eq!(rule["Actions"][0]["ForwardConfig"]["TargetGroups"][1]["Weight"], 0, "it reads as it was written");
    assert!(sim.rate("checkout-canary", 44) > 1.0);
    sim.run(1);
    assert_eq!(sim.rate("checkout-canary", 60), 0.0);
    let error = Scenario::parse("name = 'x'\nsummary = 'x'\nextends = 'shop'\npropagation_seconds = 91\n").unwrap_err();
    assert!(error.to_string().contains("within 0–90"), "{error}");
}

#[test]
fn a_default_rule_can_be_the_production_rule() {
    let mut sim = Sim::new("default-rule");
    let service = sim.service("search");
    let named = &service["loadBalancers"][0]["advancedConfiguration"];
    let rule = sim.elb("DescribeRules", json!({"RuleArns": [named["productionListenerRule"]]}))["Rules"][0].clone();
    assert_eq!((&rule["IsDefault"], &rule["Priority"]), (&json!(true), &json!("default")));
    let weights = &rule["Actions"][0]["ForwardConfig"]["TargetGroups"];
    assert_eq!((&weights[0]["Weight"], &weights[1]["Weight"]), (&json!(90), &json!(10)));
    let input = json!({"RuleArn": rule["RuleArn"], "Actions": rule["Actions"]});
    let error = sim.call(Service::Elbv2, "ModifyRule", input).unwrap_err();
    assert_eq!(error.code, "OperationNotPermitted");
    assert_ne!(named["productionListenerRule"], named["testListenerRule"]);
}
