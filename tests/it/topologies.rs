//! Load balancers as they really are: several rules, groups and listeners around one pair, and users who follow late.

mod managed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::console::dialogs::Dialog;
use tidegate::console::keymap::Key;
use tidegate::domain::analysis::VerdictStatus;
use tidegate::domain::release::Phase;
use tidegate::domain::settings::Settings;
use tidegate::sim::api::{Answer, Call, Service};
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::Backend;
use tidegate::sim::world::{Tally, World};

use crate::cli::Sim;
use crate::harness::Harness;

const SIDES: [&str; 2] = ["checkout-stable", "checkout-canary"];

pub(crate) fn elb(world: &mut World, operation: &str, input: Value) -> Value {
    let call = Call { service: Service::Elbv2, operation: operation.to_owned(), input, region: "us-east-1".to_owned() };
    world.call(&call).unwrap()
}

/// Every rule of every listener, as DescribeRules shows it, by its ARN.
fn rules(stage: &Harness) -> BTreeMap<String, Value> {
    let mut world = stage.world.lock().unwrap();
    let balancers = elb(&mut world, "DescribeLoadBalancers", json!({}));
    let of = json!({"LoadBalancerArn": balancers["LoadBalancers"][0]["LoadBalancerArn"]});
    let listeners = elb(&mut world, "DescribeListeners", of)["Listeners"].as_array().unwrap().clone();
    let listed = listeners.iter().flat_map(|listener| {
        let rules = elb(&mut world, "DescribeRules", json!({"ListenerArn": listener["ListenerArn"]}));
        rules["Rules"].as_array().unwrap().clone()
    });
    listed.map(|rule| (rule["RuleArn"].as_str().unwrap().to_owned(), rule)).collect()
}

/// The ARNs of the rules that are not byte for byte what they were.
fn changed(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> BTreeSet<String> {
    assert!(before.keys().eq(after.keys()));
    let changed = before.iter().filter(|(arn, rule)| after[*arn] != **rule);
    changed.map(|(arn, _)| arn.clone()).collect()
}

/// The ARNs of the production rules.
fn production(stage: &Harness, name: &str) -> BTreeSet<String> {
    stage.release(name).rules.iter().map(|rule| rule.route.id.arn().to_string()).collect()
}

fn configured(stage: &Harness, name: &str) -> String {
    stage.release(name).share.configured.unwrap().to_string()
}

fn healthy(world: &mut World, group: &str) -> usize {
    let groups = elb(world, "DescribeTargetGroups", json!({"Names": [group]}));
    let health =
        elb(world, "DescribeTargetHealth", json!({"TargetGroupArn": groups["TargetGroups"][0]["TargetGroupArn"]}));
    let targets = health["TargetHealthDescriptions"].as_array().unwrap();
    targets.iter().filter(|target| target["TargetHealth"]["State"] == "healthy").count()
}

fn tallies(stage: &Harness, groups: &[&str]) -> Vec<Tally> {
    let world = stage.world.lock().unwrap();
    groups.iter().map(|group| world.tally(group)).collect()
}

/// Errors over requests since then, percent, and the requests that met a group without healthy tasks.
fn users_saw(before: &[Tally], after: &[Tally]) -> (f64, u64) {
    let sum = |of: fn(&Tally) -> u64| after.iter().map(of).sum::<u64>() - before.iter().map(of).sum::<u64>();
    let (requests, errors) = (sum(|tally| tally.requests), sum(|tally| tally.errors));
    assert!(requests > 1_000, "{requests} requests say nothing");
    (errors as f64 * 100.0 / requests as f64, sum(|tally| tally.unserved))
}

fn changed_to_nothing(told: &[String]) -> Option<usize> {
    told.iter().position(|line| line == "UpdateService service=checkout-canary desiredCount=0")
}

/// What the notes of the newest plan say.
async fn warnings(stage: &Harness) -> String {
    let audit = stage.audit().await;
    let ordered = audit.iter().rfind(|line| line["event"] == "ordered").unwrap();
    ordered["plan"]["warnings"].to_string()
}

#[tokio::test]
async fn each_production_rule_is_written_with_its_own_target_groups() {
    let groups = ["checkout-stable", "checkout-canary", "checkout-internal-stable", "checkout-internal-canary"];
    let mut stage = Harness::open("internal-rule").await;
    let (before, users) = (rules(&stage), tallies(&stage, &groups));
    assert_eq!((configured(&stage, "checkout").as_str(), production(&stage, "checkout").len()), ("1%", 2));
    stage.go("checkout").await;
    stage.press("Py").await;
    let mut told = stage.told();
    told.sort();
    assert_eq!(
        told,
        [
            "ModifyRule checkout-internal-stable=90 checkout-internal-canary=10",
            "ModifyRule checkout-stable=90 checkout-canary=10"
        ]
    );
    stage.press("R").await;
    let mut told = stage.told().split_off(2);
    assert_eq!(changed_to_nothing(&told), Some(2), "{told:?}");
    told.sort();
    assert_eq!(
        told[..2],
        [
            "ModifyRule checkout-internal-stable=100 checkout-internal-canary=0",
            "ModifyRule checkout-stable=100 checkout-canary=0"
        ]
    );
    assert_eq!(changed(&before, &rules(&stage)), production(&stage, "checkout"));
    stage.pass(120).await;
    let (errors, unserved) = users_saw(&users, &tallies(&stage, &groups));
    assert!(errors < 1.0 && unserved == 0, "{errors} %, {unserved} unserved");
}

#[tokio::test]
async fn a_test_listener_is_neither_counted_nor_written() {
    let mut stage = Harness::open("test-listener").await;
    let before = rules(&stage);
    assert_eq!((configured(&stage, "checkout").as_str(), production(&stage, "checkout").len()), ("1%", 1));
    stage.go("checkout").await;
    stage.press("PyR").await;
    // Testers are still sent to the canary: it keeps its tasks.
    assert_eq!(
        stage.told(),
        ["ModifyRule checkout-stable=90 checkout-canary=10", "ModifyRule checkout-stable=100 checkout-canary=0"]
    );
    let notes = warnings(&stage).await;
    assert!(notes.contains("checkout-canary keeps its tasks") && notes.contains("on port 8443"), "{notes}");
    assert_eq!(changed(&before, &rules(&stage)), production(&stage, "checkout"));
    assert_eq!(configured(&stage, "checkout"), "0%");
    assert_eq!(stage.release("checkout").canary.as_ref().unwrap().desired, 2);
}

#[tokio::test]
async fn a_third_target_group_keeps_its_weight() {
    let groups = ["checkout-stable", "checkout-canary", "checkout-legacy"];
    let mut stage = Harness::open("third-group").await;
    let (before, users) = (rules(&stage), tallies(&stage, &groups));
    assert_eq!(configured(&stage, "checkout"), "1%");
    stage.go("checkout").await;
    let screen = stage.screen(120, 40);
    assert!(screen.contains("1 % ●") && screen.contains("others: checkout-legacy 10 %"), "{screen}");
    stage.press("PyR").await;
    assert_eq!(
        stage.told(),
        [
            "ModifyRule checkout-stable=810 checkout-canary=90 checkout-legacy=100",
            "ModifyRule checkout-stable=900 checkout-canary=0 checkout-legacy=100",
            "UpdateService service=checkout-canary desiredCount=0"
        ]
    );
    assert_eq!(changed(&before, &rules(&stage)), production(&stage, "checkout"));
    let (errors, unserved) = users_saw(&users, &tallies(&stage, &groups));
    assert!(errors < 1.0 && unserved == 0, "{errors} %, {unserved} unserved");
}

#[tokio::test]
async fn the_canary_keeps_the_tasks_that_another_rule_sends_a_host_to() {
    let mut stage = Harness::open("host-rule").await;
    let before = rules(&stage);
    assert_eq!(configured(&stage, "checkout"), "10%");
    stage.go("checkout").await;
    let users = tallies(&stage, &SIDES);
    stage.press("R").await;
    assert_eq!(stage.told(), ["ModifyRule checkout-stable=100 checkout-canary=0"]);
    let notes = warnings(&stage).await;
    assert!(notes.contains("keeps its tasks") && notes.contains("preview.shop.example"), "{notes}");
    assert_eq!(changed(&before, &rules(&stage)), production(&stage, "checkout"));
    stage.pass(300).await;
    let canary = tallies(&stage, &SIDES)[1];
    assert!(canary.requests > users[1].requests + 500, "the host's requests go on");
    assert_eq!(canary.unserved, users[1].unserved, "the host is served on");
    // Ordered again it is done: no task goes, however often it is said.
    stage.press("RR").await;
    assert_eq!(stage.told().len(), 1, "{:?}", stage.told());
}

/// A world that notes how many healthy tasks each side has when the canary is told to go to 0.
struct Watched {
    world: Arc<Mutex<World>>,
    at_zero: Arc<Mutex<Vec<[usize; 2]>>>,
}

impl Backend for Watched {
    fn advance(&mut self, to: Timestamp) {
        self.world.lock().unwrap_or_else(PoisonError::into_inner).advance(to);
    }

    fn call(&mut self, call: &Call) -> Answer {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        if call.operation == "UpdateService" && call.input["desiredCount"] == 0 {
            self.at_zero.lock().unwrap().push(SIDES.map(|group| healthy(&mut world, group)));
        }
        world.call(call)
    }
}

async fn small_stable() -> (Harness, Arc<Mutex<Vec<[usize; 2]>>>) {
    let at_zero = Arc::<Mutex<Vec<[usize; 2]>>>::default();
    let watched = |world| Watched { world, at_zero: at_zero.clone() };
    let scenario = Scenario::named("small-stable").unwrap();
    let mut stage = Harness::behind(&scenario, Settings::default(), watched).await;
    assert_eq!(configured(&stage, "checkout"), "100%");
    let stable = &stage.release("checkout").stable;
    assert_eq!((stable.desired, stable.healthy), (2, Some(2)));
    stage.go("checkout").await;
    (stage, at_zero)
}

#[tokio::test]
async fn a_stable_service_that_was_scaled_in_gets_its_tasks_before_its_users() {
    let (mut stage, at_zero) = small_stable().await;
    let users = tallies(&stage, &SIDES);
    stage.press("R").await;
    assert!(matches!(stage.model.screen.dialog, Some(Dialog::Confirm(_))), "two ways: R asks");
    assert!(stage.writes().is_empty());
    let asked = stage.screen(120, 40);
    assert!(asked.contains("2 healthy tasks") && asked.contains("needs 18"), "{asked}");
    // The question stays for as long as nothing changes.
    stage.pass(30).await;
    assert!(matches!(stage.model.screen.dialog, Some(Dialog::Confirm(_))), "{}", stage.screen(120, 40));
    stage.press("y").await;
    let told = stage.told();
    assert_eq!(told[0], "UpdateService service=checkout-stable desiredCount=18", "{told:?}");
    assert_eq!(told[told.len() - 2], "ModifyRule checkout-stable=100 checkout-canary=0", "{told:?}");
    assert_eq!(changed_to_nothing(&told), Some(told.len() - 1), "{told:?}");
    assert_eq!(*at_zero.lock().unwrap(), [[18, 18]]);
    stage.pass(120).await;
    let (errors, unserved) = users_saw(&users, &tallies(&stage, &SIDES));
    assert!(errors < 1.0 && unserved == 0, "{errors} %, {unserved} unserved");
    assert_eq!(configured(&stage, "checkout"), "0%");
}

#[tokio::test]
async fn at_once_the_users_go_first() {
    let (mut stage, at_zero) = small_stable().await;
    stage.press("R").await;
    stage.hit(Key::Tab);
    let asked = stage.screen(120, 40);
    assert!(asked.contains("users may get errors until they run"), "{asked}");
    stage.press("y").await;
    assert_eq!(
        stage.told(),
        [
            "ModifyRule checkout-stable=100 checkout-canary=0",
            "UpdateService service=checkout-stable desiredCount=18",
            "UpdateService service=checkout-canary desiredCount=0"
        ]
    );
    assert_eq!(*at_zero.lock().unwrap(), [[18, 18]], "the canary's tasks stay until stable has its own");
}

/// What R and F write where a rule is sticky, and the seconds that R took.
async fn back_and_finished(text: &str) -> (Harness, Vec<String>, i64) {
    let mut stage = Harness::on(&Scenario::parse(text).unwrap(), Settings::default()).await;
    assert_eq!(configured(&stage, "checkout"), "10%");
    stage.go("checkout").await;
    let (users, pressed) = (tallies(&stage, &SIDES), stage.clock.now());
    stage.press("R").await;
    let took = stage.clock.now().duration_since(pressed).as_secs();
    stage.pass(300).await;
    let (errors, unserved) = users_saw(&users, &tallies(&stage, &SIDES));
    assert!(errors < 1.0 && unserved == 0, "{errors} %, {unserved} unserved");
    let told = stage.told();
    (stage, told, took)
}

/// What the audit remembers of stickiness that was switched off.
fn remembered(stage: &Harness) -> Vec<u32> {
    let off = stage.recalled().stickiness.into_values().flatten();
    off.map(|(_, seconds)| seconds).collect()
}

const STICKY: &str = include_str!("../../assets/scenarios/sticky.toml");

#[tokio::test]
async fn clients_with_a_cookie_go_back_with_the_weights_and_stickiness_is_put_back_by_a_finish() {
    let (mut stage, told, took) = back_and_finished(STICKY).await;
    assert_eq!(
        told,
        [
            "ModifyRule checkout-stable=100 checkout-canary=0 stickiness=off/600",
            "UpdateService service=checkout-canary desiredCount=0"
        ]
    );
    assert!(took < 480, "{took} s: nobody waits for cookies");
    let notes = warnings(&stage).await;
    assert!(notes.contains("stickiness (600 s) is switched off in the same call"), "{notes}");
    let said: Vec<_> = stage.release("checkout").conditions.iter().map(|it| it.reason()).collect();
    assert!(said.contains(&"stickiness_off"), "{said:?}");
    assert_eq!(remembered(&stage), [600]);
    stage.press("Fy").await;
    assert_eq!(stage.told()[2..], ["ModifyRule checkout-stable=100 checkout-canary=0 stickiness=on/600"]);
    let checkout = stage.release("checkout");
    assert_eq!((checkout.rules[0].route.stickiness, checkout.stickiness_off.len()), (Some(600), 0));
    assert_eq!(remembered(&stage), [] as [u32; 0]);
}

#[tokio::test]
async fn where_aws_keeps_a_rule_sticky_the_weights_go_back_all_the_same() {
    let sticky = "[target_group.checkout-stable]\nsticky = true\n[target_group.checkout-canary]\nsticky = true\n";
    let (stage, told, took) =
        back_and_finished(&STICKY.replacen("[[event]]", &format!("{sticky}\n[[event]]"), 1)).await;
    assert_eq!(
        told,
        [
            "ModifyRule checkout-stable=100 checkout-canary=0 stickiness=off/600",
            "ModifyRule checkout-stable=100 checkout-canary=0 stickiness=on/600",
            "UpdateService service=checkout-canary desiredCount=0"
        ]
    );
    assert!((600..=600 + 5 * 60 + 120).contains(&took), "{took} s");
    assert!(stage.release("checkout").stickiness_off.is_empty());
}

#[tokio::test]
async fn no_task_is_taken_before_the_load_balancer_has_followed() {
    for seconds in [0, 30, 90] {
        let text = format!(
            "name = 'late'\nsummary = 'late'\nextends = 'good-release'\nwarmup = '8m'\npropagation_seconds = {seconds}\n"
        );
        let mut stage = Harness::on(&Scenario::parse(&text).unwrap(), Settings::default()).await;
        stage.go("checkout").await;
        stage.press("Py").await;
        stage.clock.advance(Duration::from_secs(120));
        let users = tallies(&stage, &SIDES);
        stage.press("R").await;
        assert_eq!(changed_to_nothing(&stage.told()), Some(2), "{seconds} s: {:?}", stage.told());
        stage.pass(120).await;
        let (errors, unserved) = users_saw(&users, &tallies(&stage, &SIDES));
        assert!(errors < 1.0 && unserved == 0, "{seconds} s: {errors} %, {unserved} unserved");
    }
}

#[tokio::test]
async fn behind_a_network_load_balancer_nothing_is_judged_and_a_rollback_goes_by_the_propagation_time() {
    let mut stage = Harness::open("network-balancer").await;
    stage.pass(30).await;
    let checkout = stage.release("checkout");
    assert_eq!(
        (configured(&stage, "checkout").as_str(), checkout.rules[0].route.id.operation()),
        ("10%", "ModifyListener")
    );
    assert_eq!(checkout.verdict.outcome, VerdictStatus::Inconclusive);
    let why = "a network load balancer counts no requests: checkout-stable needs metrics of its own";
    assert!(checkout.verdict.reasons.iter().any(|reason| reason.as_str() == why), "{:?}", checkout.verdict.reasons);
    assert_eq!(checkout.share.observed, None);
    let users = tallies(&stage, &SIDES);
    stage.go("checkout").await;
    stage.press("R").await;
    assert_eq!(
        stage.told(),
        [
            "ModifyListener checkout-stable=100 checkout-canary=0",
            "UpdateService service=checkout-canary desiredCount=0"
        ]
    );
    stage.pass(60).await;
    let (errors, unserved) = users_saw(&users, &tallies(&stage, &SIDES));
    assert!(errors < 1.0 && unserved == 0, "{errors} %, {unserved} unserved");
}

#[tokio::test]
async fn a_default_rule_is_the_production_rule_where_ecs_names_it() {
    let stage = Harness::open("default-rule").await;
    let search = stage.release("search");
    assert_eq!(configured(&stage, "search"), "10%");
    assert_eq!(search.rules.len(), 1);
    let route = &search.rules[0].route;
    assert_eq!((route.id.operation(), route.port), ("ModifyListener", Some(8090)));
    let others: Vec<_> = search.other_rules.iter().map(|route| route.port).collect();
    assert_eq!(others, [Some(8091)]);
}

#[tokio::test]
async fn a_rollback_behind_default_rules_is_left_to_ecs() {
    let mut stage = Harness::open("default-rule").await;
    let before = rules(&stage);
    let production = stage.release("search").rules[0].route.default_rule.clone().unwrap().to_string();
    stage.go("search").await;
    stage.press("R").await;
    let told = stage.told();
    assert!(told.len() == 1 && told[0].starts_with("StopServiceDeployment"), "{told:?}");
    stage.until("back", |model| model.release("search").unwrap().phase == Phase::Steady).await;
    let after = rules(&stage);
    assert!(changed(&before, &after).contains(&production));
    let weights = &after[&production]["Actions"][0]["ForwardConfig"]["TargetGroups"];
    assert_eq!((&weights[0]["Weight"], &weights[1]["Weight"]), (&json!(100), &json!(0)));
}

fn one(document: &Value, name: &str) -> Value {
    let services = document["services"].as_array().unwrap();
    services.iter().find(|service| service["name"] == name).cloned().unwrap_or_else(|| panic!("{document}"))
}

fn calls(plan: &Value) -> Vec<String> {
    plan["calls"].as_array().unwrap().iter().map(|call| call.as_str().unwrap().to_owned()).collect()
}

#[test]
fn commands_read_and_plan_a_pair_with_two_production_rules() {
    let sim = Sim::start(&["--scenario", "internal-rule"]);
    let checkout = one(&sim.home.expect(0, &["status", "--json"]).json(), "checkout");
    assert_eq!((&checkout["method"], &checkout["share_percent"]["configured"]), (&"weighted".into(), &1.0.into()));
    let plan = sim.home.expect(0, &["rollback", "checkout", "--dry-run", "--json"]).json();
    let calls = calls(&plan);
    assert_eq!(calls.iter().filter(|call| call.starts_with("ModifyRule")).count(), 2, "{plan}");
    for group in ["checkout-stable", "checkout-internal-stable"] {
        assert!(calls[..2].iter().any(|call| call.contains(&format!("{group}=100"))), "{group}: {calls:?}");
    }
}

#[test]
fn commands_say_which_rule_keeps_the_canarys_tasks() {
    let sim = Sim::start(&["--scenario", "host-rule"]);
    let checkout = one(&sim.home.expect(0, &["status", "--json"]).json(), "checkout");
    assert_eq!(checkout["share_percent"]["configured"], 10.0);
    let plan = sim.home.expect(0, &["rollback", "checkout", "--dry-run", "--json"]).json();
    let calls = calls(&plan);
    assert_eq!(calls.len(), 1, "{plan}");
    assert!(plan["plan"]["warnings"].to_string().contains("preview.shop.example"), "{plan}");
    let text = sim.home.expect(0, &["rollback", "checkout", "--dry-run"]).out;
    assert!(text.contains("keeps its tasks") && text.contains("preview.shop.example"), "{text}");
}
