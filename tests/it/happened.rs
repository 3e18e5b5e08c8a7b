//! The timeline against an AWS of our own: who did what, in which order.

use tidegate::console::screen::{Screen, View};
use tidegate::console::screens::events;
use tidegate::domain::settings::Settings;
use tidegate::domain::timeline::{Entry, Kind, Origin};

use crate::harness::Harness;

fn timeline(stage: &Harness, release: &str) -> Vec<Entry> {
    events::state::all(&stage.model.observed, &stage.model.operations.acts, stage.release(release))
}

fn told(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.text.as_str()).collect()
}

#[tokio::test]
async fn somebody_elses_edit_of_the_rule_is_told_as_such_and_ours_as_ours() {
    let mut stage = Harness::open("rule-edited").await;
    stage.go("checkout").await;
    stage.press("Py").await;
    stage
        .until("the edit is seen", |model| {
            model
                .release("checkout")
                .is_some_and(|release| release.share.configured.is_some_and(|share| share.to_string() == "20%"))
        })
        .await;
    let entries = timeline(&stage, "checkout");
    let traffic: Vec<_> = entries.iter().filter(|entry| entry.kind == Kind::Traffic).collect();
    let hands: Vec<_> = traffic.iter().map(|entry| entry.hand).collect();
    assert_eq!(hands, [Some(Origin::Others), Some(Origin::Ours)], "{:?}", told(&entries));
    assert!(traffic[0].text.ends_with("→ 80/20, not from here"), "{}", traffic[0].text);
    assert!(traffic[1].text.ends_with("written from here"), "{}", traffic[1].text);
    stage.press("e").await;
    assert_eq!(stage.model.screen.current, Screen::View(View::Events, "checkout".to_owned()));
    let screen = stage.screen(120, 40);
    assert!(screen.contains("▲ 1 not from here") && screen.contains("80/20, not from here"), "{screen}");
    assert!(screen.contains("ordered with a key: checkout"), "{screen}");
}

#[tokio::test]
async fn who_was_refused_did_not_write_what_another_console_wrote() {
    let mut stage = Harness::open("good-release").await;
    stage.go("checkout").await;
    stage.press("P").await;
    // The other console says yes to the same step a moment earlier.
    let step = [("checkout-stable", 90), ("checkout-canary", 10)];
    assert!(stage.world.lock().unwrap().edit_rule_weights("checkout", &step));
    stage.press("y").await;
    stage.pass(10).await;
    assert!(stage.writes().is_empty(), "{:?}", stage.told());
    let entries = timeline(&stage, "checkout");
    let traffic: Vec<_> = entries.iter().filter(|entry| entry.kind == Kind::Traffic).collect();
    let hands: Vec<_> = traffic.iter().map(|entry| (entry.hand, entry.text.as_str())).collect();
    assert!(hands[0].0 == Some(Origin::Others) && hands[0].1.ends_with("→ 90/10, not from here"), "{hands:?}");
    // Nor does another console recall from the audit that it was written from here.
    stage.audit().await;
    let recalled = stage.recalled();
    assert!(recalled.acts["checkout"].iter().all(|act| act.touches.is_empty()), "{:#?}", recalled.acts);
}

#[tokio::test]
async fn after_a_rollback_the_timeline_tells_it_in_order() {
    let mut stage = Harness::failing_at_10_percent().await;
    stage.press("R").await;
    let entries = timeline(&stage, "checkout");
    let ours: Vec<_> = entries.iter().filter(|entry| entry.hand == Some(Origin::Ours)).collect();
    let lines: Vec<_> = ours.iter().rev().map(|entry| entry.text.as_str()).collect();
    let begins = [
        "ordered with a key: ",
        "weights ",
        "done and read back: ",
        "ordered with a key: ",
        "weights ",
        "done and read back: ",
    ];
    assert_eq!(lines.len(), begins.len(), "{lines:#?}");
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{lines:#?}");
    }
    assert!(lines[4].ends_with("→ 100/0, written from here"), "{lines:#?}");
    assert!(entries.iter().all(|entry| entry.hand != Some(Origin::Others)), "{:#?}", told(&entries));
    // Another console on this machine remembers it from the audit, and claims none of it for others.
    stage.audit().await;
    let recalled = stage.recalled();
    let acts = &recalled.acts["checkout"];
    assert_eq!(acts.iter().filter(|act| act.ended.is_some()).count(), 2, "{acts:#?}");
    assert!(acts.iter().all(|act| act.touches.iter().all(|touch| touch.verified.is_some())), "{acts:#?}");
    assert!(recalled.complete_since.is_some_and(|at| at <= acts[0].at));
}

#[tokio::test]
async fn tasks_that_fail_one_after_the_other_are_one_entry() {
    let mut stage = Harness::with("crash-loop", Settings::default()).await;
    let looping = |entry: &Entry| entry.kind == Kind::Tasks && entry.count >= 3;
    let name = stage.model.screen.fleet.lines(&stage.model.observed.releases).first().unwrap().name.clone();
    stage.go(&name).await;
    stage
        .until("three failures", |model| {
            model.release(&name).is_some_and(|release| {
                events::state::all(&model.observed, &model.operations.acts, release).iter().any(looping)
            })
        })
        .await;
    let entries = timeline(&stage, &name);
    let failures: Vec<_> = entries.iter().filter(|entry| entry.kind == Kind::Tasks).collect();
    let failed: usize = failures.iter().map(|entry| entry.count).sum();
    assert!(failures.len() * 3 <= failed, "{:#?}", told(&entries));
    assert!(failures.iter().all(|entry| entry.wrong && entry.first < entry.at || entry.count == 1));
    stage.press("e").await;
    let screen = stage.screen(120, 40);
    assert!(screen.contains(&format!("{} tasks of :18", failures[0].count)), "{screen}");
}
