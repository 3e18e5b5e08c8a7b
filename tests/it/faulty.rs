//! Whole releases while a third of all calls fail, as a stubborn operator drives them. However often a key has to be
//! pressed, AWS ends where one press without a fault would have led, and the console tells no more than AWS has.
//!
//! `TIDEGATE_FAULT_SEEDS=20 cargo test --test it faulty` tries more seeds.

use serde_json::json;
use tidegate::console::keymap::Key;
use tidegate::console::screen::Screen;
use tidegate::domain::release::{Phase, Release};
use tidegate::sim::api::Service;
use tidegate::sim::wire::FaultRule;

use crate::harness::Harness;

/// Three calls in ten fail, with each kind of fault. An answer is lost after a write alone: each takes as long as a
/// client waits.
const FAULTS: [&str; 8] = [
    "Modify*=0.05:lost-answer",
    "Update*=0.05:lost-answer",
    "*=0.05:throttle",
    "*=0.05:500",
    "*=0.05:reset",
    "*=0.05:garbage",
    "*=0.05:denied",
    "*=0.05:expired",
];

/// Presses of one key until an operator would call somebody.
const PRESSES: usize = 80;

fn seeds() -> u64 {
    std::env::var("TIDEGATE_FAULT_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1)
}

async fn faulty(scenario: &str, name: &str, seed: u64) -> Harness {
    let mut stage = Harness::open(scenario).await;
    stage.until("the release", |model| model.release(name).is_some()).await;
    stage.go(name).await;
    stage.server.faults().seed(seed);
    FAULTS.iter().for_each(|fault| stage.server.faults().add(fault.parse::<FaultRule>().unwrap()));
    stage
}

/// Presses `keys` until the console says that the release is as described.
async fn persist(stage: &mut Harness, (name, keys): (&str, &str), described: impl Fn(&Release) -> bool) {
    for _ in 0..PRESSES {
        if stage.model.release(name).is_some_and(&described) {
            return;
        }
        enter(stage, name).await;
        stage.press(keys).await;
        stage.pass(30).await;
    }
    panic!("{name}, {keys} for {PRESSES} times\n{}\n{}", stage.told().join("\n"), stage.screen(120, 40));
}

/// To the release's screen, wherever the console is.
async fn enter(stage: &mut Harness, name: &str) {
    while stage.model.screen.current != Screen::Fleet {
        stage.hit(Key::Esc);
        stage.settle().await;
    }
    stage.go(name).await;
}

/// The weights of checkout's rule, stable's first, as AWS has them.
fn weights(stage: &Harness) -> (i64, i64) {
    let rule = stage.rule("checkout");
    let groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"].as_array().unwrap();
    let weight = |name: &str| {
        let group = groups.iter().find(|group| group["TargetGroupArn"].as_str().unwrap().contains(name)).unwrap();
        group["Weight"].as_i64().unwrap()
    };
    (weight("checkout-stable"), weight("checkout-canary"))
}

/// A service as AWS has it: task definition and desired count.
fn service(stage: &Harness, name: &str) -> (String, i64) {
    let asked = json!({ "cluster": "prod", "services": [name] });
    let service = &stage.aws(Service::Ecs, "DescribeServices", asked)["services"][0];
    let revision = service["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    (revision, service["desiredCount"].as_i64().unwrap())
}

fn share(of: &Release) -> String {
    of.share.configured.map(|share| share.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn a_release_goes_to_100_percent_and_is_finished_while_a_third_of_all_calls_fail() {
    for seed in 0..seeds() {
        let mut stage = faulty("good-release", "checkout", seed).await;
        persist(&mut stage, ("checkout", "Py"), |it| share(it) == "10%").await;
        assert_eq!(weights(&stage), (90, 10), "seed {seed}: the console says 10 %");
        stage.stride(15).await;
        persist(&mut stage, ("checkout", "Py"), |it| share(it) == "100%").await;
        assert_eq!(weights(&stage), (0, 100), "seed {seed}: the console says 100 %");
        assert_eq!(service(&stage, "checkout-canary").1, 18, "seed {seed}: capacity came first");
        stage.stride(15).await;
        persist(&mut stage, ("checkout", "Fy"), |it| {
            it.phase == Phase::Steady && it.canary.as_ref().is_some_and(|canary| canary.running == 0)
        })
        .await;
        assert_eq!(weights(&stage), (100, 0), "seed {seed}");
        assert_eq!(service(&stage, "checkout-stable"), ("checkout:42".to_owned(), 18), "seed {seed}");
        assert_eq!(service(&stage, "checkout-canary").1, 0, "seed {seed}");
    }
}

#[tokio::test]
async fn a_rollback_reaches_all_users_while_a_third_of_all_calls_fail() {
    for seed in 0..seeds() {
        let mut stage = faulty("bad-canary", "checkout", seed).await;
        persist(&mut stage, ("checkout", "Py"), |it| share(it) == "10%").await;
        stage.stride(15).await;
        persist(&mut stage, ("checkout", "R"), |it| {
            share(it) == "0%" && it.canary.as_ref().is_some_and(|canary| canary.desired == 0)
        })
        .await;
        assert_eq!((weights(&stage), service(&stage, "checkout-canary").1), ((100, 0), 0), "seed {seed}");
        assert_eq!(service(&stage, "checkout-stable"), ("checkout:41".to_owned(), 18), "seed {seed}");
    }
}

#[tokio::test]
async fn a_native_canary_is_answered_to_its_end_while_a_third_of_all_calls_fail() {
    for seed in 0..seeds() {
        let mut stage = faulty("paused-native", "payments", seed).await;
        persist(&mut stage, ("payments", "Py"), |it| {
            it.phase == Phase::Steady && it.stable.task_definition.short() == "payments:18"
        })
        .await;
        assert_eq!(service(&stage, "payments").0, "payments:18", "seed {seed}");
    }
}
