//! A rollback that did not happen: it is on every screen until it is done or waived, and goes out once AWS answers.

use serde_json::json;
use tidegate::console::dialogs::Dialog;
use tidegate::console::keymap::Key;
use tidegate::console::message::Msg;
use tidegate::console::state::Model;
use tidegate::sim::api::Service;
use tidegate::sim::wire::{Fault, FaultRule};

use crate::harness::Harness;

const BANNER: &str = "ROLLBACK NOT DONE";
const BACK: &str = "ModifyRule checkout-stable=100 checkout-canary=0";

/// The writes that AWS took, in a line each.
fn taken(stage: &Harness) -> Vec<String> {
    let records = stage.server.log().select(|record| {
        let write = ["Modify", "Update", "Stop", "Continue"].iter().any(|verb| record.operation.starts_with(verb));
        write && record.error.is_none() && record.status == Some(200)
    });
    records.iter().map(|record| crate::harness::tell(&record.operation, &record.input)).collect()
}

/// A console on a canary at 1 % whose rollback met credentials that had expired.
async fn expired() -> Harness {
    let mut stage = Harness::open("bad-canary").await;
    stage.go("checkout").await;
    stage.server.faults().add(FaultRule::new(Fault::Expire));
    stage.press("R").await;
    assert!(taken(&stage).is_empty());
    stage
}

fn is_pending(stage: &Harness) -> bool {
    stage.screen(80, 24).contains(BANNER)
}

#[tokio::test]
async fn it_is_on_every_screen_and_goes_out_once_when_aws_answers() {
    let mut stage = expired().await;
    for view in ["", "t", "l", "e", "d", "g", "a", "h", "?"] {
        stage.press(view).await;
        for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
            let screen = stage.screen(columns, rows);
            assert!(screen.contains(BANNER) && screen.contains("w waive"), "{view}\n{screen}");
            assert!(screen.contains("Sent again as soon as AWS answers"), "{view}\n{screen}");
        }
        if !view.is_empty() {
            stage.hit(Key::Esc);
        }
    }
    let small = stage.screen(50, 12);
    assert!(small.lines().next().unwrap().contains("NOT DONE checkout: waits for AWS; w waive, c copy"), "{small}");
    stage.hit(Key::Esc);
    assert!(stage.screen(120, 40).contains(BANNER), "on the fleet too");
    stage.pass(60).await;
    assert!(is_pending(&stage) && taken(&stage).is_empty());

    stage.server.faults().clear();
    stage.pass(15).await;
    let notice = stage.model.screen.notice.clone().unwrap();
    assert!(!notice.wrong, "{notice:?}");
    stage.pass(60).await;
    let back: Vec<_> = taken(&stage).into_iter().filter(|line| line.starts_with("ModifyRule")).collect();
    assert_eq!(back, [BACK], "exactly once");
    assert!(!is_pending(&stage), "{}", stage.screen(120, 40));
    assert_eq!(stage.release("checkout").share.configured.unwrap().to_string(), "0%");
    let audit = stage.audit().await;
    let again = audit.iter().rfind(|line| line["event"] == "ordered").unwrap();
    assert!(again["why"].as_str().unwrap().contains("AWS did not answer"), "{again}");
}

#[tokio::test]
async fn a_waived_rollback_is_never_sent() {
    let mut stage = expired().await;
    stage.press("P").await;
    let notice = stage.model.screen.notice.clone().unwrap();
    assert!(notice.text.contains("w waives it") && stage.model.screen.dialog.is_none(), "{notice:?}");
    stage.hit(Key::Char('q'));
    assert!(!stage.quit, "leaving would end it");
    stage.press("w").await;
    assert!(!is_pending(&stage));
    let audit = stage.audit().await;
    let waived = audit.last().unwrap();
    assert_eq!(
        (&waived["event"], &waived["release"], &waived["intent"]),
        (&json!("waived"), &json!("checkout"), &json!("rollback"))
    );
    let note = waived["note"].as_str().unwrap();
    assert!(note.starts_with("ordered at 2026-11-21 09:00:") && note.contains("expired"), "{note}");
    assert!(waived["who"]["arn"].as_str().unwrap().contains("oncall"), "{waived}");
    stage.server.faults().clear();
    stage.pass(60).await;
    assert!(taken(&stage).is_empty(), "{:?}", taken(&stage));
    stage.press("P").await;
    assert!(matches!(stage.model.screen.dialog, Some(Dialog::Confirm(_))), "forward keys are free again");
}

#[tokio::test]
async fn c_copies_the_commands_and_r_tries_at_once_on_any_screen_size() {
    let mut stage = expired().await;
    stage.press("c").await;
    let copied = stage.copied.last().unwrap().clone();
    assert!(copied.starts_with("aws elbv2 modify-rule --rule-arn arn:aws:elasticloadbalancing:"), "{copied}");
    assert!(copied.contains("\"Weight\":100") && copied.contains("--region us-east-1"), "{copied}");
    stage.feed(Msg::Resized(50, 12));
    stage.press("c").await;
    assert_eq!(stage.copied.last(), Some(&copied));
    stage.server.faults().clear();
    stage.press("R").await;
    assert_eq!(taken(&stage)[0], BACK);
    assert!(stage.model.operations.pending.is_empty());
}

#[tokio::test]
async fn a_second_outage_only_delays_it() {
    let mut stage = expired().await;
    stage.server.faults().clear();
    stage.server.faults().add(FaultRule::new(Fault::Expire).operations(&["ModifyRule"]));
    stage.pass(30).await;
    assert!(is_pending(&stage) && taken(&stage).is_empty());
    let tried = stage.writes().len();
    assert!((2..10).contains(&tried), "attempts have pauses between them: {tried}");
    stage.server.faults().clear();
    stage.server.faults().add(FaultRule::new(Fault::Expire));
    stage.pass(30).await;
    stage.server.faults().clear();
    stage.pass(60).await;
    let back: Vec<_> = taken(&stage).into_iter().filter(|line| line.starts_with("ModifyRule")).collect();
    assert_eq!(back, [BACK]);
    assert!(!is_pending(&stage));
}

/// A rollback whose weights AWS has taken, while its answer and every read were lost until the operation gave up.
async fn unanswered() -> Harness {
    let mut stage = Harness::open("bad-canary").await;
    stage.go("checkout").await;
    stage.server.faults().add(FaultRule::new(Fault::InvalidUtf8).operations(&["ModifyRule"]));
    stage.server.faults().add(FaultRule::reads(Fault::Expire));
    stage.press("R").await;
    stage
}

#[tokio::test]
async fn an_unknown_outcome_that_was_applied_is_read_back_and_not_sent_again() {
    let mut stage = unanswered().await;
    assert!(is_pending(&stage), "{}", stage.screen(120, 40));
    stage.server.faults().clear();
    stage.pass(60).await;
    let sent: Vec<_> = stage.told().into_iter().filter(|line| line.starts_with("ModifyRule")).collect();
    assert_eq!(sent, [BACK]);
    assert!(!is_pending(&stage));
}

#[tokio::test]
async fn a_release_that_changed_meanwhile_is_asked_about() {
    let mut stage = expired().await;
    let update = json!({ "cluster": "prod", "service": "checkout-canary", "taskDefinition": "checkout:40" });
    stage.aws(Service::Ecs, "UpdateService", update);
    stage.server.faults().clear();
    stage.pass(60).await;
    assert!(taken(&stage).is_empty(), "nobody confirmed a rollback of that release");
    assert!(stage.screen(120, 40).contains("The release changed"), "{}", stage.screen(120, 40));
    stage.press("R").await;
    assert!(matches!(stage.model.screen.dialog, Some(Dialog::Confirm(_))));
    stage.press("y").await;
    assert_eq!(taken(&stage)[0], BACK);
    assert!(stage.model.operations.pending.is_empty());
}

#[tokio::test]
async fn what_aws_refuses_is_not_repeated() {
    let mut stage = Harness::open("bad-canary").await;
    stage.go("checkout").await;
    stage.server.faults().add(FaultRule::new(Fault::Deny).operations(&["ModifyRule"]));
    stage.press("R").await;
    let screen = stage.screen(120, 40);
    assert!(screen.contains(BANNER) && screen.contains("ModifyRule: denied"), "{screen}");
    stage.server.faults().clear();
    stage.pass(60).await;
    assert!(is_pending(&stage) && taken(&stage).is_empty());
    // A colleague who may writes it: that is seen, and what is left is small.
    stage.press("R").await;
    assert_eq!(taken(&stage)[0], BACK);
    assert!(!is_pending(&stage));
}

#[tokio::test]
async fn what_is_left_after_the_users_is_not_called_unsent() {
    let mut stage = unanswered().await;
    assert!(stage.screen(120, 40).contains("Sent again as soon as AWS answers."), "{}", stage.screen(120, 40));
    stage.server.faults().clear();
    let again = |model: &Model| model.operations.pending.get("checkout").is_none_or(|pending| pending.is_sending());
    stage.until("it is sent again", again).await;
    let screen = stage.screen(120, 40);
    assert!(
        screen.contains("The users are back. What is left are tasks.") && !screen.contains("no answer"),
        "{screen}"
    );
}
