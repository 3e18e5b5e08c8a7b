//! Deployments that ECS shifts by itself and that wait for a person, as an operator drives them.

use jiff::SignedDuration;
use serde_json::json;
use tidegate::console::dialogs::Dialog;
use tidegate::console::keymap::Key;
use tidegate::console::state::Model;
use tidegate::domain::ecs::deployment::DeploymentStatus;
use tidegate::domain::release::{Method, Phase, Release};
use tidegate::domain::settings::{ServiceSettings, Settings};
use tidegate::sim::api::Service;

use crate::cells::{self, At, By};
use crate::harness::Harness;

async fn paused(name: &str) -> Harness {
    let mut stage = Harness::open("paused-native").await;
    stage.until("paused", |model| model.release(name).is_some_and(|release| !release.pauses.is_empty())).await;
    stage.settle().await;
    stage.go(name).await;
    stage
}

fn hooks(stage: &Harness, name: &str) -> Vec<String> {
    stage.release(name).pauses.iter().map(|pause| pause.hook.clone()).collect()
}

async fn until_steady_on(stage: &mut Harness, name: &str, revision: &str) {
    let back = |release: &Release| release.phase == Phase::Steady && release.stable.task_definition.short() == revision;
    stage.until("back", |model| model.release(name).is_some_and(back)).await;
}

/// The answers to pauses that reached AWS; anything else fails.
fn answers(stage: &Harness) -> Vec<String> {
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
    assert!(screen.contains("PAUSED") && screen.contains("else ECS rolls back"), "{screen}");
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
    let answer = json!({ "serviceDeploymentArn": deployment.as_str(), "hookId": hook, "action": "CONTINUE" });
    stage.aws(Service::Ecs, "ContinueServiceDeployment", answer);
    // Nobody has told this console yet.
    stage.hit(Key::Char('y'));
    stage.settle().await;
    let notice = stage.model.screen.notice.clone().unwrap();
    assert!(notice.wrong && notice.text.contains("Somebody answered it before"), "{notice:?}");
}

#[tokio::test]
async fn a_question_about_a_pause_closes_when_its_time_runs_out() {
    let mut stage = paused("search").await;
    stage.press("P").await;
    assert!(matches!(stage.model.screen.dialog, Some(Dialog::Confirm(_))));
    let hook = hooks(&stage, "search").remove(0);
    stage
        .until("the time ran out", |model| {
            model.release("search").unwrap().pauses.iter().all(|pause| pause.hook != hook)
        })
        .await;
    assert!(stage.model.screen.dialog.is_none());
    assert!(stage.model.screen.notice.as_ref().unwrap().wrong);
    stage.press("y").await;
    assert!(stage.writes().is_empty(), "{:?}", stage.told());
    until_steady_on(&mut stage, "search", "search:88").await;
}

/// `P y` at every pause until the service runs this revision alone; how often that was.
async fn answer_all(stage: &mut Harness, name: &str, revision: &str) -> usize {
    let mut answered: Vec<String> = Vec::new();
    loop {
        let done =
            |release: &Release| release.phase == Phase::Steady && release.stable.task_definition.short() == revision;
        let fresh = |release: &Release| release.pauses.iter().any(|pause| !answered.contains(&pause.hook));
        let next = |model: &Model| done(model.release(name).unwrap()) || fresh(model.release(name).unwrap());
        stage.until("the next pause, or the end", next).await;
        stage.settle().await;
        if done(stage.release(name)) {
            return answered.len();
        }
        let waiting = hooks(stage, name);
        assert!(waiting.iter().all(|hook| !answered.contains(hook)), "a hook takes one answer");
        stage.press("Py").await;
        answered.extend(waiting);
    }
}

fn ended(stage: &Harness, name: &str) -> (DeploymentStatus, Option<String>) {
    let newest = stage.release(name).deployment.as_ref().unwrap();
    (newest.status.clone(), newest.task_definition().map(|revision| revision.short().to_owned()))
}

async fn finished(name: &str) -> Harness {
    // Its releases ended days ago: R goes back from them all the same.
    let settings = Settings { rollback_within: SignedDuration::from_hours(24 * 60), ..Settings::default() };
    let mut stage = Harness::with("finished-native", settings).await;
    stage.go(name).await;
    stage
}

#[tokio::test]
async fn a_canary_with_pauses_for_this_release_only_from_s_to_the_end() {
    let mut stage = finished("users").await;
    let was = stage.release("users").configuration.clone();
    assert!(was.hooks.is_empty());
    stage.press("Sj\n").await;
    stage.hit(Key::Tab);
    stage.press("y").await;
    assert_eq!(
        stage.told(),
        ["UpdateService service=users taskDefinition=users:52 deploymentConfiguration=CANARY 25%/10min bake=10 \
          hooks=[PAUSE PRE_PRODUCTION_TRAFFIC_SHIFT 1440 ROLLBACK]"]
    );
    assert_eq!(answer_all(&mut stage, "users", "users:52").await, 2, "before each step");
    assert_eq!(ended(&stage, "users"), (DeploymentStatus::Successful, Some("users:52".to_owned())));
    assert_eq!(stage.writes().len(), 3, "{:?}", stage.told());
    stage.press("F").await;
    stage.press("y").await;
    assert_eq!(
        stage.told()[3..],
        ["UpdateService service=users deploymentConfiguration=CANARY 25%/10min bake=10 hooks=[]"]
    );
    stage.pass(60).await;
    assert_eq!(stage.release("users").configuration, was);
    assert_eq!(stage.release("users").phase, Phase::Steady, "it starts no deployment");
    // The next one goes as it always did: by the strategy, without pauses.
    stage.press("S\ny").await;
    assert_eq!(stage.told()[4..], ["UpdateService service=users taskDefinition=users:53"]);
    assert_eq!(answer_all(&mut stage, "users", "users:53").await, 0);
}

#[tokio::test]
async fn a_linear_release_without_pauses_takes_one_yes() {
    let mut stage = Harness::on(&cells::world(By::Linear, At::Finished), Settings::default()).await;
    stage.go("search").await;
    stage.press("S\ny").await;
    assert_eq!(stage.told(), ["UpdateService service=search taskDefinition=search:90"]);
    assert_eq!(answer_all(&mut stage, "search", "search:90").await, 0);
    assert_eq!(ended(&stage, "search"), (DeploymentStatus::Successful, Some("search:90".to_owned())));
    assert_eq!(stage.writes().len(), 1);
    assert_eq!(weights(&stage), [0, 100]);
}

/// Blue's and green's weight in the production rule.
fn weights(stage: &Harness) -> [u16; 2] {
    let rules = stage.model.observed.snapshot.routes.get().unwrap();
    let rule = rules.values().find(|rule| rule.forwards.len() == 2).unwrap();
    ["search-blue", "search-green"]
        .map(|name| rule.forwards.iter().find(|to| to.target_group.as_str().contains(name)).unwrap().weight.value())
}

/// R, and where it leads: the old revision has everything again.
async fn taken_back(by: By, at: At) {
    let mut stage = cells::reach(by, at).await;
    stage.press("R").await;
    let over = |model: &Model| model.release("search").unwrap().phase == Phase::Steady;
    stage.until(&format!("{by:?} {at:?} is taken back"), over).await;
    stage.settle().await;
    stage.press("r").await;
    let release = stage.release("search");
    assert_eq!(release.stable.task_definition.short(), "search:88", "{by:?} {at:?}");
    assert_eq!(release.deployment.as_ref().unwrap().status, DeploymentStatus::RollbackSuccessful, "{by:?} {at:?}");
    assert_eq!(weights(&stage), [100, 0], "{by:?} {at:?}");
    assert!(release.stable.settled, "{by:?} {at:?}");
}

#[tokio::test]
async fn it_is_taken_back_at_every_pause() {
    for at in [
        At::Paused("PRE_SCALE_UP"),
        At::Paused("POST_SCALE_UP"),
        At::Paused("POST_TEST_TRAFFIC_SHIFT"),
        At::Paused("PRE_PRODUCTION_TRAFFIC_SHIFT"),
        At::PausedAgain,
        At::Paused("POST_PRODUCTION_TRAFFIC_SHIFT"),
        At::TwoPauses,
    ] {
        taken_back(By::Canary, at).await;
    }
}

/// R in every stage that lasts.
async fn taken_back_everywhere(by: By) {
    let stages = ["SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"].map(At::Stage);
    for at in [At::Pending].into_iter().chain(stages) {
        taken_back(by, at).await;
    }
}

#[tokio::test]
async fn a_canary_is_taken_back_in_every_stage() {
    taken_back_everywhere(By::Canary).await;
}

#[tokio::test]
async fn a_linear_release_is_taken_back_in_every_stage() {
    taken_back_everywhere(By::Linear).await;
}

#[tokio::test]
async fn a_blue_green_release_is_taken_back_in_every_stage() {
    taken_back_everywhere(By::BlueGreen).await;
}

#[tokio::test]
async fn weights_of_our_own_are_taken_back_in_every_stage_and_at_every_share() {
    taken_back_everywhere(By::Weighted).await;
    for at in [0, 1, 10, 100].map(At::Held) {
        taken_back(By::Weighted, at).await;
    }
}

#[tokio::test]
async fn weights_of_our_own_while_ecs_holds_the_deployment() {
    let own = ServiceSettings { native_weighted: true, ..ServiceSettings::default() };
    let settings = Settings { services: [("search".to_owned(), own)].into(), ..Settings::default() };
    let mut stage = Harness::with("held", settings).await;
    stage.go("search").await;
    stage.until("held", |model| !model.release("search").unwrap().pauses.is_empty()).await;
    stage.settle().await;
    assert_eq!(stage.release("search").method, Method::NativeWeighted);
    for _ in 0..4 {
        stage.step().await;
    }
    let told = stage.told();
    assert_eq!(
        told[..3],
        [
            "ModifyRule search-blue=99 search-green=1",
            "ModifyRule search-blue=90 search-green=10",
            "ModifyRule search-blue=0 search-green=100",
        ]
    );
    assert!(
        told.len() == 4 && told[3].starts_with("ContinueServiceDeployment") && told[3].ends_with("action=CONTINUE")
    );
    until_steady_on(&mut stage, "search", "search:89").await;
    assert_eq!((stage.writes().len(), weights(&stage)), (4, [0, 100]));
}

#[tokio::test]
async fn back_at_once_and_then_the_strategy_is_put_back() {
    for (name, target, strategy) in [
        ("payments", "payments:17", "CANARY 10%/5min bake=10 hooks=[PAUSE PRE_PRODUCTION_TRAFFIC_SHIFT 1440 ROLLBACK]"),
        ("search", "search:88", "BLUE_GREEN bake=10 hooks=[PAUSE POST_TEST_TRAFFIC_SHIFT 60 ROLLBACK]"),
        ("orders", "orders:23", "LINEAR 20%/2min bake=5 hooks=[PAUSE POST_SCALE_UP 120 CONTINUE]"),
    ] {
        let mut stage = finished(name).await;
        let was = stage.release(name).configuration.clone();
        stage.press("R").await;
        stage.hit(Key::Tab);
        stage.press("y").await;
        let at_once = format!(
            "UpdateService service={name} taskDefinition={target} deploymentConfiguration=BLUE_GREEN bake=0 hooks=[]"
        );
        assert_eq!(stage.told(), std::slice::from_ref(&at_once));
        until_steady_on(&mut stage, name, target).await;
        let deployment = stage.release(name).deployment.clone().unwrap();
        assert_eq!(deployment.status, DeploymentStatus::Successful);
        // Neither a deployment by an empty strategy nor another rollback: F first.
        stage.press("Fy").await;
        let put_back = format!("UpdateService service={name} deploymentConfiguration={strategy}");
        assert_eq!(stage.told(), [at_once, put_back]);
        stage.pass(120).await;
        assert_eq!(stage.release(name).configuration, was, "as it was, in every member");
        assert_eq!(stage.release(name).deployment.as_ref().unwrap().arn, deployment.arn, "no deployment came of it");
        assert!(stage.release(name).overridden_config.is_none());
        stage.press("F").await;
        assert!(stage.model.screen.dialog.is_none() && stage.told().len() == 2, "there is nothing left to put back");
    }
}

#[tokio::test]
async fn a_copy_of_what_was_deregistered_is_registered_and_gone_back_to() {
    let mut stage = Harness::on(&cells::world(By::Canary, At::Deregistered), Settings::default()).await;
    stage.go("search").await;
    stage.until("revisions", |model| model.release("search").unwrap().registered.is_some()).await;
    stage.settle().await;
    stage.press("R").await;
    assert!(stage.screen(120, 40).contains("register a copy of"), "{}", stage.screen(120, 40));
    stage.press("y").await;
    assert_eq!(stage.told(), ["RegisterTaskDefinition"]);
    stage
        .until("the copy", |model| model.release("search").unwrap().registered.as_ref().unwrap().short() == "search:91")
        .await;
    stage.settle().await;
    // It is the newest of those that can be chosen.
    stage.press("Rc\n").await;
    stage.press("y").await;
    assert_eq!(stage.told()[1..], ["UpdateService service=search taskDefinition=search:91"]);
    until_steady_on(&mut stage, "search", "search:91").await;
}

#[tokio::test]
async fn r_once_too_often_does_not_bring_back_what_was_fled_from() {
    let mut stage = finished("payments").await;
    stage.press("Ry").await;
    assert_eq!(stage.told(), ["UpdateService service=payments taskDefinition=payments:17"]);
    stage
        .until("under way", |model| model.release("payments").is_some_and(|release| release.is_rollback_deployment))
        .await;
    stage.press("R").await;
    assert_eq!(stage.writes().len(), 1, "{:?}", stage.told());
    let screen = stage.screen(120, 40);
    assert!(screen.contains("is on its way back to :17 already"), "{screen}");
}
