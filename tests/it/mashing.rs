//! Keys pressed again and again by tired hands: the outcome is that of one press.

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate::console::keymap::Key;
use tidegate::console::message::Msg;
use tidegate::domain::confirm;
use tidegate::domain::confirm::{Confirmation, Surface};
use tidegate::domain::plan::{Intent, Plan};
use tidegate::domain::release::Release;
use tidegate::sim::scenario::Scenario;

use crate::harness::Harness;

/// Number of presses, milliseconds between two of them, and milliseconds between two of AWS's answers.
type Mash = (u32, u64, u64);

async fn press_again_and_again(stage: &mut Harness, keys: &str, (presses, apart, call): Mash) {
    let mut unheard = 0;
    for key in keys.repeat(presses as usize).chars() {
        stage.clock.advance(Duration::from_millis(apart));
        stage.feed(Msg::Key(Key::Char(key)));
        unheard += apart;
        if unheard >= call {
            stage.settle().await;
            unheard = 0;
        }
    }
    stage.settle().await;
}

/// Opens a release and presses the keys again and again. Returns the writes, and whether a question is open.
async fn mashed(scenario: &str, name: &str, keys: &str, mash: Mash) -> (Vec<String>, bool) {
    let mut stage = Harness::open(scenario).await;
    stage.go(name).await;
    press_again_and_again(&mut stage, keys, mash).await;
    stage.stride(15).await;
    (stage.told(), stage.model.screen.dialog.is_some())
}

#[tokio::test]
async fn r_again_and_again_is_one_rollback() {
    // One that acts at once, one that ECS takes back, one that asks which way, one where nothing is in flight.
    for (scenario, name) in [
        ("bad-canary", "checkout"),
        ("paused-native", "payments"),
        ("small-stable", "checkout"),
        ("good-release", "search"),
    ] {
        let once = mashed(scenario, name, "R", (1, 1_000, 0)).await;
        for (presses, apart, call) in [(10, 20, 2_000), (4, 500, 0), (3, 5_000, 250)] {
            let again = mashed(scenario, name, "R", (presses, apart, call)).await;
            assert_eq!(again, once, "{scenario}: {presses} times, {apart} ms apart, {call} ms a call");
        }
    }
}

#[tokio::test]
async fn a_step_again_and_again_is_one_step() {
    // Weights that are read back at once; tasks that come first; a pause that ECS goes on from.
    for (scenario, name) in [("good-release", "checkout"), ("daemon", "checkout"), ("paused-native", "payments")] {
        let once = mashed(scenario, name, "Py", (1, 1_000, 0)).await;
        assert_eq!((once.0.len(), once.1), (1, false), "{scenario}");
        for mash in [(10, 20, 2_000), (10, 100, 0), (4, 500, 0), (6, 1_000, 2_000), (5, 5_000, 250)] {
            let again = mashed(scenario, name, "Py", mash).await;
            assert_eq!(again, once, "{scenario}: {mash:?}");
        }
    }
}

#[tokio::test]
async fn two_deliberate_steps_are_two() {
    let mut stage = Harness::open("good-release").await;
    stage.go("checkout").await;
    stage.press("PyP").await;
    let screen = stage.screen(80, 24);
    assert!(screen.contains("P ignored: the last step, or P, was 1 s ago."), "{screen}");
    stage.pass(11).await;
    stage.press("Py").await;
    let shifts = stage.told().iter().filter(|call| call.starts_with("ModifyRule")).count();
    assert_eq!(shifts, 2, "{:?}", stage.told());
}

/// Ways to mash `R`; each release of each scenario gets one of them.
const MASHES: [Mash; 5] = [(10, 20, 2_000), (6, 100, 250), (4, 500, 0), (3, 2_000, 2_000), (2, 5_000, 250)];

/// The writes that one `R` sends for a release now: those of its plan, or none where the key asks or has nothing to do.
fn of_one_press(stage: &Harness, name: &str) -> Vec<String> {
    let (model, release) = (&stage.model, stage.release(name));
    let intent = Intent::Rollback { to: None, at_once: false };
    let plan = model.operations.plan(&model.observed, release, &intent).ok();
    let plan = plan.filter(|plan| {
        confirm::required(&model.observed.settings, release, plan, Surface::ReleaseKey) == Confirmation::None
    });
    plan.iter().flat_map(Plan::calls).map(|call| call.operation().to_owned()).collect()
}

/// The writes that one `P` and its `y` send for a release now; none where a `y` does not confirm the step.
fn of_one_step(stage: &Harness, name: &str) -> Vec<String> {
    let (model, release) = (&stage.model, stage.release(name));
    let plan = model.operations.plan(&model.observed, release, &Intent::Step { to: None }).ok();
    let plan = plan.filter(|plan| {
        confirm::required(&model.observed.settings, release, plan, Surface::ReleaseKey) == Confirmation::Yes
    });
    plan.iter().flat_map(Plan::calls).map(|call| call.operation().to_owned()).collect()
}

/// The facts that an act on a release depends on.
fn standing(release: &Release) -> String {
    let sides: Vec<_> = release.sides().map(|side| (side.task_definition.short(), side.desired, side.weight)).collect();
    let conditions: Vec<_> = release.conditions.iter().map(|it| it.reason()).collect();
    let previous: Vec<_> = release.previous.iter().map(|good| good.task_definition.short()).collect();
    format!("{} {} {sides:?} {conditions:?} {previous:?} {:?}", release.name, release.phase, release.managed)
}

/// Mashes `keys` on every release of some scenarios, each release one of the mashes. Asserts that the writes are those of
/// `one_press`, and returns the number of releases that had any.
async fn mash_every_release(
    keys: &str,
    mashes: &[Mash],
    scenarios: impl Iterator<Item = &'static str>,
    one_press: impl Fn(&Harness, &str) -> Vec<String>,
) -> usize {
    let (mut mashes, mut sent, mut seen) = (mashes.iter().cycle(), 0, BTreeSet::new());
    for scenario in scenarios {
        let mut stage = Harness::open(scenario).await;
        // Most scenarios have the shop's idle services too.
        let new = stage.model.observed.releases.iter().filter(|release| seen.insert(standing(release)));
        let names: Vec<_> = new.map(|release| release.name.clone()).collect();
        for name in names {
            stage.open_release(&name).await;
            let (before, expected) = (stage.writes().len(), one_press(&stage, &name));
            let mash = mashes.next().unwrap();
            press_again_and_again(&mut stage, keys, *mash).await;
            let writes: Vec<_> = stage.writes().into_iter().skip(before).map(|(operation, _)| operation).collect();
            assert_eq!(writes, expected, "{scenario}, {name}: {mash:?}\n{}", stage.screen(160, 45));
            sent += usize::from(!expected.is_empty());
            stage.back_to_fleet().await;
        }
    }
    sent
}

#[tokio::test]
async fn r_again_and_again_is_one_rollback_of_every_release_of_every_scenario() {
    // In this one somebody else writes the rule while the first rollback still waits: another R is another rollback.
    let scenarios = Scenario::names().filter(|name| *name != "rule-edited");
    let sent = mash_every_release("R", &MASHES, scenarios, of_one_press).await;
    assert!(sent > 20, "{sent} releases were rolled back");
}

/// Ways to mash `P` and `y`, all within the time in which a second step is one press too many.
const STEP_MASHES: [Mash; 4] = [(10, 20, 2_000), (6, 100, 2_000), (4, 250, 2_500), (3, 500, 4_000)];

#[tokio::test]
async fn a_step_again_and_again_is_one_step_of_every_release_of_every_scenario() {
    let sent = mash_every_release("Py", &STEP_MASHES, Scenario::names(), of_one_step).await;
    assert!(sent > 8, "{sent} releases made a step");
}
