//! A rollback that the screen calls READY is carried out on random topologies: the simulated AWS, which has rules of its
//! own, never refuses it.

mod accounts;

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tidegate::console::dialogs::Dialog;
use tidegate::console::keymap::Key;
use tidegate::console::screen::Screen;
use tidegate::console::state::Model;
use tidegate::domain::operation::OperationOutcome;
use tidegate::domain::plan::Intent;
use tidegate::domain::settings::Settings;
use tidegate::sim::scenario::Scenario;

use crate::harness::Harness;

/// Random accounts of a run.
const ACCOUNTS: u32 = 24;

impl Harness {
    /// Opens a release's own screen, from the fleet, also where its line moves while the cursor does.
    pub(crate) async fn open_release(&mut self, name: &str) {
        (self.model.screen.fleet.selected, self.model.screen.fleet.moved) = (Some(name.to_owned()), true);
        self.hit(Key::Enter);
        self.settle().await;
        assert_eq!(self.model.screen.current, Screen::Release(name.to_owned()));
    }

    /// Back to the fleet, from any screen and dialog.
    pub(crate) async fn back_to_fleet(&mut self) {
        while self.model.screen.current != Screen::Fleet {
            self.hit(Key::Esc);
            self.settle().await;
        }
    }
}

/// A rule over target groups that are sticky themselves stays sticky: the write is repeated with stickiness.
const STAYS_STICKY: &str = "InvalidConfigurationRequest";

/// The writes that AWS refused, with its error code.
fn refused(stage: &Harness) -> Vec<String> {
    let write = |operation: &str| {
        ["Modify", "Update", "Stop", "Continue", "Register"].iter().any(|verb| operation.starts_with(verb))
    };
    let refused = stage.server.log().select(|call| {
        let error = call.error.as_deref().filter(|error| *error != STAYS_STICKY);
        write(&call.operation) && error.is_some()
    });
    refused.iter().map(|call| format!("{} {}: {:?}", call.operation, call.input, call.error)).collect()
}

fn outcome<'a>(model: &'a Model, name: &str) -> Option<&'a OperationOutcome> {
    model.operations.latest.get(name)?.outcome.as_ref().map(|(_, outcome)| outcome)
}

/// Returns true if ECS went on between the last read and the key: the same key has another plan once that is read.
async fn is_overtaken(stage: &mut Harness, name: &str, ended: Option<&OperationOutcome>) -> bool {
    let Some(OperationOutcome::Refused { fault, .. }) = ended else { return false };
    let sent = fault.operation.clone();
    stage.pass(10).await;
    let intent = Intent::Rollback { to: None, at_once: false };
    let plan = stage.model.observed.plan(stage.release(name), &intent);
    plan.map_or(true, |plan| plan.calls().all(|call| call.operation() != sent))
}

/// Rolls a release back if its screen says READY. Returns whether it did.
async fn roll_back(stage: &mut Harness, name: &str) -> Result<bool, TestCaseError> {
    stage.open_release(name).await;
    let screen = stage.screen(160, 45);
    let ready = screen.contains("ROLLBACK READY");
    if ready {
        let before = refused(stage).len();
        stage.press("R").await;
        if matches!(stage.model.screen.dialog, Some(Dialog::Confirm(_))) {
            stage.press("y").await;
        }
        let told = stage.told();
        let ended = outcome(&stage.model, name).cloned();
        if is_overtaken(stage, name, ended.as_ref()).await {
            stage.back_to_fleet().await;
            return Ok(false);
        }
        prop_assert_eq!(refused(stage).split_off(before), Vec::<String>::new(), "{}\n{:?}\n{}", name, told, screen);
        // A revision that never ran, which the screen says, may not come up at all.
        if !screen.contains("ever ran on") {
            prop_assert_eq!(ended, Some(OperationOutcome::Done), "{}\n{:?}\n{}", name, told, screen);
        }
    }
    stage.back_to_fleet().await;
    Ok(ready)
}

#[test]
fn a_rollback_that_is_ready_is_never_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // A failing account may take half an hour of its own time: smaller ones of its kind are not looked for.
    let config = Config { cases: ACCOUNTS, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    // The same accounts each time: CI fails for what was changed. `ACCOUNTS` is raised by hand to look for more.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (ready, all) = (Cell::new(0), Cell::new(0));
    let ran = runner.run(&accounts::account(), |text| {
        runtime.block_on(async {
            let scenario = Scenario::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let mut stage = Harness::on(&scenario, Settings::default()).await;
            let names: Vec<_> = stage.model.observed.releases.iter().map(|release| release.name.clone()).collect();
            for name in names {
                let rolled_back = roll_back(&mut stage, &name).await?;
                ready.set(ready.get() + u32::from(rolled_back));
                all.set(all.get() + 1);
            }
            Ok(())
        })
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
    let (ready, all) = (ready.get(), all.get());
    assert!(ready * 4 > all, "{ready} of {all} releases were READY: that shows little");
}
