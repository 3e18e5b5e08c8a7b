//! Deployments that ECS shifts by itself and that wait for a person, as an operator drives them.

use serde_json::json;
use tidegate::app::dialog::Dialog;
use tidegate::app::keys::Key;
use tidegate::domain::release::{Phase, Release};
use tidegate::sim::api::{Call, Service};

use crate::stage::Stage;

async fn paused(name: &str) -> Stage {
    let mut stage = Stage::open("paused-native").await;
    stage.until("paused", |model| model.release(name).is_some_and(|release| !release.pauses.is_empty())).await;
    stage.settle().await;
    stage.go(name).await;
    stage
}

fn hooks(stage: &Stage, name: &str) -> Vec<String> {
    stage.release(name).pauses.iter().map(|pause| pause.hook.clone()).collect()
}

async fn until_steady_on(stage: &mut Stage, name: &str, revision: &str) {
    let back = |release: &Release| release.phase == Phase::Steady && release.stable.task_definition.short() == revision;
    stage.until("back", |model| model.release(name).is_some_and(back)).await;
}

/// The answers to pauses that reached AWS; anything else fails.
fn answers(stage: &Stage) -> Vec<String> {
    let answer = |(operation, input): (String, serde_json::Value)| {
        assert_eq!(operation, "ContinueServiceDeployment");
        input["action"].as_str().unwrap().to_owned()
    };
    stage.writes().into_iter().map(answer).collect()
}

#[tokio::test]
async fn a_pause_says_how_long_and_what_then_and_p_answers_it() {
    let mut stage = paused("payments").await;
    assert_eq!(stage.release("payments").phase, Phase::Waiting);
    let screen = stage.screen(120, 40);
    assert!(screen.contains("waiting for you, ") && screen.contains("left, then ROLLBACK"), "{screen}");
    assert!(screen.contains("PRE_PRODUCTION_TRAFFIC_SHIFT"), "the stage that the SDK does not know\n{screen}");
    let mut answered = Vec::new();
    // Every step of the canary waits at a hook of its own.
    while stage.release("payments").phase != Phase::Steady {
        let waiting = hooks(&stage, "payments");
        assert!(waiting.iter().all(|hook| !answered.contains(hook)), "a hook takes one answer");
        let sent = answers(&stage).len();
        stage.press("Py").await;
        assert_eq!(answers(&stage)[sent..], ["CONTINUE"]);
        answered.extend(waiting);
        stage
            .until("the next pause, or the end", |model| {
                let release = model.release("payments").unwrap();
                release.phase == Phase::Steady || release.pauses.iter().any(|pause| !answered.contains(&pause.hook))
            })
            .await;
        stage.settle().await;
    }
    assert_eq!(stage.release("payments").stable.task_definition.short(), "payments:18");
}

#[tokio::test]
async fn r_at_a_pause_answers_it_with_rollback() {
    let mut stage = paused("payments").await;
    stage.press("R").await;
    assert_eq!(answers(&stage), ["ROLLBACK"], "one key");
    until_steady_on(&mut stage, "payments", "payments:17").await;
}

#[tokio::test]
async fn r_between_pauses_stops_the_deployment() {
    let mut stage = paused("payments").await;
    stage.press("Py").await;
    stage.until("under way", |model| model.release("payments").unwrap().phase == Phase::Shifting).await;
    let sent = stage.writes().len();
    stage.press("R").await;
    let told = stage.told()[sent..].to_vec();
    assert!(told.len() == 1 && told[0].ends_with("stopType=ROLLBACK"), "{told:?}");
    until_steady_on(&mut stage, "payments", "payments:17").await;
}

#[tokio::test]
async fn a_pause_that_somebody_else_answered_is_not_answered_twice() {
    let mut stage = paused("payments").await;
    stage.press("P").await;
    let hook = hooks(&stage, "payments").remove(0);
    let deployment = stage.release("payments").stable.deployment.clone().unwrap();
    let other = Call {
        service: Service::Ecs,
        operation: "ContinueServiceDeployment".to_owned(),
        input: json!({ "serviceDeploymentArn": deployment.as_str(), "hookId": hook, "action": "CONTINUE" }),
        region: "us-east-1".to_owned(),
    };
    stage.world.lock().unwrap().call(&other).unwrap();
    // Nobody has told this console yet.
    stage.hit(Key::Char('y'));
    stage.settle().await;
    let notice = stage.model.notice.clone().unwrap();
    assert!(notice.wrong && notice.text.contains("Somebody answered it before"), "{notice:?}");
}

#[tokio::test]
async fn a_question_about_a_pause_closes_when_its_time_runs_out() {
    let mut stage = paused("search").await;
    stage.press("P").await;
    assert!(matches!(stage.model.dialog, Some(Dialog::Confirm(_))));
    let hook = hooks(&stage, "search").remove(0);
    stage
        .until("the time ran out", |model| {
            model.release("search").unwrap().pauses.iter().all(|pause| pause.hook != hook)
        })
        .await;
    assert!(stage.model.dialog.is_none());
    assert!(stage.model.notice.as_ref().unwrap().wrong);
    stage.press("y").await;
    assert!(stage.writes().is_empty(), "{:?}", stage.told());
    until_steady_on(&mut stage, "search", "search:88").await;
}
