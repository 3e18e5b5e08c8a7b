//! The cause of a failing release, as an operator finds it: named on the fleet, and in full one key away.

use tidegate::console::keymap::Key;
use tidegate::domain::health::rollout::RolloutHealth;
use tidegate::domain::health::stop_reason::Cause;
use tidegate::domain::release::Phase;

use crate::harness::Harness;

/// A console on a scenario, once the fleet knows the cause of a release's failure.
async fn named(scenario: &str, name: &str, cause: Cause) -> Harness {
    let mut stage = Harness::open(scenario).await;
    let known = |ailment: &RolloutHealth| matches!(ailment, RolloutHealth::CrashLoop { cause: Some(known), .. } if *known == cause);
    stage
        .until(&format!("{name} fails of {cause:?}"), |model| {
            model.release(name).is_some_and(|release| release.ailment.as_ref().is_some_and(known))
        })
        .await;
    stage
}

/// The screen of `t` for the release, which is marked on the fleet.
async fn tasks(stage: &mut Harness, name: &str) -> String {
    let line = stage
        .model
        .screen
        .fleet
        .lines(&stage.model.observed.releases)
        .iter()
        .position(|release| release.name == name)
        .unwrap();
    stage.hit(Key::Home);
    stage.press(&"j".repeat(line)).await;
    stage.press("t").await;
    stage.screen(120, 40)
}

fn says(screen: &str, words: &[&str]) {
    for word in words {
        assert!(screen.contains(word), "no {word:?} in\n{screen}");
    }
}

#[tokio::test]
async fn a_crash_loop_is_named_on_the_fleet_and_its_exit_code_is_a_key_away() {
    let mut stage = named("crash-loop", "payments", Cause::Exited(1)).await;
    says(&stage.screen(120, 40), &["exit 1 ×"]);
    says(&tasks(&mut stage, "payments").await, &[":18", "exit 1 (the application's own error)", "its last words"]);
}

#[tokio::test]
async fn an_image_that_is_not_there_is_named_and_so_is_the_image() {
    let mut stage = named("cannot-pull", "checkout", Cause::CannotPull).await;
    assert_eq!(
        stage.model.screen.fleet.lines(&stage.model.observed.releases)[0].name,
        "checkout",
        "what fails is on top"
    );
    says(&stage.screen(120, 40), &["CRASH LOOP", "cannot pull"]);
    says(
        &tasks(&mut stage, "checkout").await,
        &["cannot pull the image", "CannotPullContainerError", "checkout asks for", "1.9.O"],
    );
}

#[tokio::test]
async fn failed_health_checks_are_named_with_the_load_balancers_words() {
    let mut stage = named("failing-health-check", "orders", Cause::TargetUnhealthy).await;
    says(&stage.screen(120, 40), &["failed health checks ×"]);
    says(&tasks(&mut stage, "orders").await, &["failed the load balancer's health checks", "they lived"]);
    // The failing tasks come and go, so sooner or later a poll finds an unhealthy target.
    stage.press("g").await;
    stage
        .until("a target of orders is unhealthy", |model| {
            let health = model.observed.snapshot.health.values().filter_map(|reading| reading.get());
            health
                .flat_map(|health| &health.targets)
                .any(|target| target.description.as_ref().is_some_and(|said| said.contains("503")))
        })
        .await;
    stage.settle().await;
    says(&stage.screen(120, 40), &["✖ unhealthy", "503"]);
}

#[tokio::test]
async fn a_start_that_is_slower_than_its_grace_period_is_suggested_as_the_cause() {
    let mut stage = named("slow-start", "users", Cause::TargetUnhealthy).await;
    says(&tasks(&mut stage, "users").await, &["the grace period is 60 s: too short for their start?"]);
    assert_ne!(stage.release("users").phase, Phase::Steady);
}
