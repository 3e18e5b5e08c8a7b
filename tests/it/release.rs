//! Releases as an operator drives them, key by key, with every write that reached AWS.

use std::time::Duration;

use serde_json::Value;
use tidegate::console::dialogs::Dialog;
use tidegate::console::keymap::Key;
use tidegate::console::message::Msg;
use tidegate::domain::release::Phase;
use tidegate::domain::settings::Settings;

use crate::harness::Harness;

#[tokio::test]
async fn a_canary_goes_from_1_to_10_to_100_and_becomes_stable() {
    let mut stage = Harness::open("good-release").await;
    let before = stage.rule("checkout");
    assert_eq!(stage.release("checkout").share.configured.unwrap().to_string(), "1%");
    stage.go("checkout").await;

    stage.press("Py").await;
    assert_eq!(stage.told(), ["ModifyRule checkout-stable=90 checkout-canary=10"]);
    stage.step().await;
    assert_eq!(
        stage.told()[1..],
        ["UpdateService service=checkout-canary desiredCount=18", "ModifyRule checkout-stable=0 checkout-canary=100"],
        "capacity before traffic"
    );
    assert_eq!(stage.release("checkout").share.configured.unwrap().to_string(), "100%");

    stage.press("Fy").await;
    assert_eq!(
        stage.told()[3..],
        [
            "UpdateService service=checkout-stable taskDefinition=checkout:42",
            "ModifyRule checkout-stable=100 checkout-canary=0",
            "UpdateService service=checkout-canary desiredCount=0",
        ],
        "traffic goes back before the canary's capacity goes"
    );
    stage
        .until("steady, the canary's tasks gone", |model| {
            let release = model.release("checkout").unwrap();
            release.phase == Phase::Steady && release.canary.as_ref().unwrap().running == 0
        })
        .await;
    let after = stage.release("checkout");
    assert_eq!(after.stable.task_definition.short(), "checkout:42");
    assert_eq!((after.stable.running, after.canary.as_ref().unwrap().running), (18, 0));
    assert_eq!(without_weights(before), without_weights(stage.rule("checkout")), "only weights were written");
}

#[tokio::test]
async fn r_at_10_percent_gives_stable_everything_with_its_first_call() {
    let mut stage = Harness::failing_at_10_percent().await;
    assert!(stage.screen(80, 24).contains("FAIL"), "{}", stage.screen(80, 24));
    let sent = stage.writes().len();
    stage.press("R").await;
    assert_eq!(
        stage.told()[sent..],
        ["ModifyRule checkout-stable=100 checkout-canary=0", "UpdateService service=checkout-canary desiredCount=0"],
        "one key, users first"
    );
    let screen = stage.screen(120, 40);
    assert!(screen.contains("key → read back"), "{screen}");
    assert_eq!(stage.release("checkout").share.configured.unwrap().to_string(), "0%");
}

#[tokio::test]
async fn r_works_while_every_read_hangs() {
    let mut stage = Harness::open("bad-canary").await;
    stage.go("checkout").await;
    stage.server.faults().add(tidegate::sim::wire::FaultRule::reads(tidegate::sim::wire::Fault::Hang));
    stage.clock.advance(Duration::from_secs(10));
    stage.feed(Msg::Tick);
    stage.hit(Key::Char('R'));
    let log = stage.server.log().clone();
    let record =
        tokio::time::timeout(Duration::from_secs(20), log.wait_for(|record| record.operation == "ModifyRule")).await;
    let record = record.expect("R is on the wire though nothing can be read");
    assert_eq!(
        crate::harness::tell(&record.operation, &record.input),
        "ModifyRule checkout-stable=100 checkout-canary=0"
    );
}

#[tokio::test]
async fn a_rule_that_somebody_else_changed_stops_a_step_but_not_a_rollback() {
    let mut stage = Harness::open("good-release").await;
    stage.go("checkout").await;
    stage.press("P").await;
    assert!(matches!(stage.model.screen.dialog, Some(Dialog::Confirm(_))));
    // Nobody has told the console yet: the write itself must notice.
    assert!(
        stage.world.lock().unwrap().edit_rule_weights("checkout", &[("checkout-stable", 50), ("checkout-canary", 50)])
    );
    stage.press("y").await;
    assert!(stage.writes().is_empty(), "{:?}", stage.told());
    let notice = stage.model.screen.notice.clone().unwrap();
    assert!(notice.wrong && notice.text.contains("50/50"), "{notice:?}");

    assert!(
        stage.world.lock().unwrap().edit_rule_weights("checkout", &[("checkout-stable", 60), ("checkout-canary", 40)])
    );
    stage.press("R").await;
    assert_eq!(stage.told()[0], "ModifyRule checkout-stable=100 checkout-canary=0");
}

#[tokio::test]
async fn a_question_is_closed_when_what_it_asks_about_changes() {
    let mut stage = Harness::open("good-release").await;
    stage.go("checkout").await;
    stage.press("P").await;
    assert!(
        stage.world.lock().unwrap().edit_rule_weights("checkout", &[("checkout-stable", 50), ("checkout-canary", 50)])
    );
    stage.pass(10).await;
    assert!(stage.model.screen.dialog.is_none());
    let notice = stage.model.screen.notice.as_ref().unwrap();
    assert!(notice.wrong && notice.text.contains("has 50% of the traffic already"), "{notice:?}");
    stage.press("y").await;
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn what_is_pasted_repeated_or_typed_in_a_burst_does_nothing() {
    let mut stage = Harness::open("good-release").await;
    stage.go("checkout").await;
    stage.feed(Msg::Paste("R\nPy\nW100\n".to_owned()));
    stage.settle().await;
    assert!(stage.writes().is_empty());
    // The same without bracketed paste: keys, all at once.
    for c in "bPyR".chars() {
        stage.feed(Msg::Key(Key::Char(c)));
    }
    stage.settle().await;
    assert!(stage.writes().is_empty(), "{:?}", stage.told());
    assert!(stage.model.screen.dialog.is_none());
    // R held down: one rollback, and no second one when it is done.
    for _ in 0..40 {
        stage.clock.advance(Duration::from_millis(33));
        stage.feed(Msg::Key(Key::Char('R')));
    }
    stage.settle().await;
    for _ in 0..40 {
        stage.clock.advance(Duration::from_millis(33));
        stage.feed(Msg::Key(Key::Char('R')));
    }
    stage.settle().await;
    assert_eq!(
        stage.told(),
        ["ModifyRule checkout-stable=100 checkout-canary=0", "UpdateService service=checkout-canary desiredCount=0"]
    );
}

#[tokio::test]
async fn r_several_times_in_two_seconds_is_one_rollback() {
    let mut stage = Harness::failing_at_10_percent().await;
    let sent = stage.writes().len();
    for settles in [false, true] {
        for _ in 0..4 {
            stage.clock.advance(Duration::from_millis(500));
            stage.feed(Msg::Key(Key::Char('R')));
            if settles {
                stage.settle().await;
            }
            assert!(stage.model.screen.dialog.is_none(), "{:?}", stage.model.screen.dialog);
            let notice = stage.model.screen.notice.clone();
            assert!(notice.is_none_or(|notice| !notice.wrong), "{:?}", stage.model.screen.notice);
        }
        stage.settle().await;
    }
    assert_eq!(
        stage.told()[sent..],
        ["ModifyRule checkout-stable=100 checkout-canary=0", "UpdateService service=checkout-canary desiredCount=0"]
    );
    assert!(stage.model.screen.notice.as_ref().unwrap().text.contains("nothing is sent"));
}

#[tokio::test]
async fn a_screen_that_is_too_small_says_what_r_did_and_that_a_second_one_does_nothing() {
    let mut stage = Harness::failing_at_10_percent().await;
    let sent = stage.writes().len();
    stage.feed(Msg::Resized(50, 12));
    stage.press("R").await;
    let said = stage.screen(50, 12).replace('"', "").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("done and read back") && said.contains("checkout"), "{said}");
    stage.press("R").await;
    assert_eq!(stage.writes().len(), sent + 2);
    let said = stage.screen(50, 12).replace('"', "").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("nothing is sent"), "{said}");
    assert!(stage.model.screen.dialog.is_none());
}

/// Text reaches the console as the bytes of a terminal; what waits is let go by tokio's timer.
#[tokio::test]
async fn text_without_brackets_is_heard_as_a_paste_and_one_key_as_itself() {
    use futures::{StreamExt, stream};
    use tidegate::console::terminal::typed;
    use tokio::time::{Instant, sleep};

    let heard = async |reads: Vec<(u64, &'static str)>| {
        let reads = stream::iter(reads).then(|(gap, text)| async move {
            sleep(Duration::from_millis(gap)).await;
            Ok((Instant::now(), text.as_bytes().to_vec()))
        });
        // The terminal stays, and says nothing more.
        let forever = stream::once(async {
            sleep(Duration::from_millis(100)).await;
            Err(std::io::ErrorKind::UnexpectedEof.into())
        });
        let mut msgs = Box::pin(typed(Box::pin(reads.chain(forever))));
        let mut heard = Vec::new();
        while let Some(Ok(msg)) = msgs.next().await {
            heard.push((Instant::now(), msg));
        }
        heard
    };
    let began = Instant::now();
    let alone = heard(vec![(100, "R")]).await;
    assert!(matches!(alone[..], [(_, Msg::Key(Key::Char('R')))]), "{alone:?}");
    let waited = alone[0].0 - began - Duration::from_millis(100);
    // 25 ms, and what a busy machine adds.
    assert!((25..500).contains(&waited.as_millis()), "{waited:?}");
    for reads in [
        vec![(100, "Rollback please")],
        vec![(100, "R"), (20, "ollback")],
        vec![(100, "Please roll back"), (90, "yes"), (90, "y")],
        vec![(100, "\u{1b}"), (20, "O"), (20, "R")],
        vec![(100, "\u{1b}]11;rgb:R"), (40, "R/R\u{7}")],
    ] {
        let heard = heard(reads.clone()).await;
        assert!(heard.iter().all(|(_, msg)| matches!(msg, Msg::Paste(_) | Msg::Key(Key::Esc))), "{reads:?} {heard:?}");
    }
}

#[tokio::test]
async fn a_rolling_service_is_released_and_rolled_back() {
    let mut stage = Harness::open("good-release").await;
    stage.go("search").await;
    let was = stage.release("search").stable.task_definition.clone();
    stage.press("S").await;
    let Some(Dialog::Revisions(revisions)) = stage.model.screen.dialog.clone() else {
        panic!("{:?}", stage.model.screen.dialog)
    };
    let choices = revisions.choices(&stage.model.observed);
    let other = choices.iter().position(|choice| choice.task_definition != was).unwrap();
    let to = choices[other].task_definition.clone();
    // ECS rolled it back some days ago: it is marked, and another one is preselected.
    assert!(choices[other].known_bad.is_some() && revisions.marked(&choices) != other);
    stage.hit(Key::Home);
    stage.press(&"j".repeat(other)).await;
    stage.press("\n").await;
    stage.hit(Key::Char('y'));
    stage.until("under way", |model| model.release("search").unwrap().phase == Phase::Shifting).await;
    stage.settle().await;
    assert_eq!(stage.told(), [format!("UpdateService service=search taskDefinition={}", to.short())]);
    stage.until("complete", |model| model.release("search").unwrap().phase == Phase::Steady).await;
    assert_eq!(stage.release("search").stable.task_definition, to);

    stage.press("R").await;
    assert_eq!(stage.writes().len(), 1, "nothing is in flight: R asks");
    stage.press("RRR").await;
    assert_eq!(stage.writes().len(), 1, "R never answers the question that it opened");
    assert!(matches!(stage.model.screen.dialog, Some(Dialog::Confirm(_))));
    stage.press("y").await;
    assert_eq!(stage.told()[1], format!("UpdateService service=search taskDefinition={}", was.short()));
    stage.until("back", |model| model.release("search").unwrap().stable.task_definition == was).await;
}

#[tokio::test]
async fn a_protected_environment_asks_for_the_name_and_read_only_for_nothing() {
    let mut stage = Harness::with("good-release", Settings { protected: true, ..Settings::default() }).await;
    stage.go("checkout").await;
    stage.press("Py\n").await;
    assert!(stage.writes().is_empty(), "y is not the name");
    assert!(stage.screen(80, 24).contains("the verdict is NOT YET"), "{}", stage.screen(80, 24));
    stage.hit(Key::Ctrl('u'));
    stage.press("checkout\n").await;
    assert!(stage.writes().is_empty(), "NOT YET is not gone on with for no reason");
    stage.press(" \n").await;
    assert!(stage.writes().is_empty(), "nor for one that cannot be read");
    assert!(stage.screen(80, 24).contains("NOT YET: why all the same?"), "{}", stage.screen(80, 24));
    stage.hit(Key::Esc);
    stage.press("\n").await;
    stage.feed(Msg::Paste("it is a\nhotfix".to_owned()));
    stage.press("\n").await;
    assert_eq!(stage.told(), ["ModifyRule checkout-stable=90 checkout-canary=10"]);
    let ordered = stage.audit().await[0].clone();
    assert_eq!((&ordered["via"], &ordered["why"]), (&"key".into(), &" it is ahotfix".trim().into()));
    assert_eq!(ordered["plan"]["gate"]["outcome"], "not_yet");
    stage.press("R").await;
    assert_eq!(stage.told()[1], "ModifyRule checkout-stable=100 checkout-canary=0", "the way back is one key");

    let mut stage = Harness::with("good-release", Settings { read_only: true, ..Settings::default() }).await;
    stage.go("checkout").await;
    for keys in ["Py", "\u{1b}", "R", "R", "F", "W50\n"] {
        stage.press(keys).await;
    }
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn every_act_is_in_the_audit() {
    let mut stage = Harness::open("good-release").await;
    stage.go("checkout").await;
    stage.press("Py").await;
    let audit = stage.audit().await;
    let events: Vec<_> = audit.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["ordered", "call", "answer", "verified", "ended"]);
    assert_eq!(stage.audit_mode(), 0o600);
    let ordered = &audit[0];
    assert_eq!(ordered["schema"], "tidegate.audit/1");
    assert_eq!(ordered["plan"]["steps"].as_array().unwrap().len(), 1);
    assert!(ordered["who"]["arn"].as_str().unwrap().contains("123456789012"));
    assert!(audit[2]["request_id"].is_string());
}

fn without_weights(mut rule: Value) -> Value {
    let actions = rule["Actions"].as_array_mut().unwrap();
    for to in actions.iter_mut().filter_map(|action| action["ForwardConfig"]["TargetGroups"].as_array_mut()).flatten() {
        to["Weight"] = Value::Null;
    }
    rule
}
