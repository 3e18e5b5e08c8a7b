//! A rollback that the screen calls READY is carried out on random topologies: the simulated AWS, which has rules of its
//! own, never refuses it.
//!
//! CI tries the same accounts each time, so it fails for what was changed. Two variables look for more:
//! `TIDEGATE_READY_SEED` (0 to 255) chooses other accounts, and `TIDEGATE_READY_ACCOUNTS` their number:
//! `TIDEGATE_READY_SEED=3 TIDEGATE_READY_ACCOUNTS=100 cargo test --test it ready`.

mod accounts;

use std::cell::Cell;
use std::future::poll_fn;
use std::str::FromStr;
use std::task::Poll;
use std::time::Duration;

use jiff::SignedDuration;
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
use tidegate::sim::wire::SimClock;

use crate::harness::Harness;

/// Random accounts of a run, unless `TIDEGATE_READY_ACCOUNTS` says otherwise.
const ACCOUNTS: u32 = 24;

/// The longest that an account may take of its own time: a release may wait 30 minutes for each of its steps.
const ACCOUNT_TAKES: SignedDuration = SignedDuration::from_hours(12);

/// The longest that an account may take of the machine's time.
const MACHINE_TAKES: Duration = Duration::from_secs(300);

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

/// A number from the environment.
fn number<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

fn source_of_accounts() -> TestRng {
    match number::<u8>("TIDEGATE_READY_SEED") {
        Some(seed) => TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]),
        None => TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    }
}

/// Ends when the account's own time is over. The clock moves only with the work beside it, which wakes this future too.
async fn time_is_over(clock: SimClock) {
    let start = clock.now();
    poll_fn(|_| match clock.now().duration_since(start) < ACCOUNT_TAKES {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}

/// Rolls every release of an account back that is READY. Returns how many were, and how many there are.
async fn roll_all_back(account: &str) -> Result<(u32, u32), TestCaseError> {
    let scenario = Scenario::parse(account).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let mut stage = Harness::on(&scenario, Settings::default()).await;
    let clock = stage.clock.clone();
    let all = async {
        let names: Vec<_> = stage.model.observed.releases.iter().map(|release| release.name.clone()).collect();
        let (mut ready, mut all) = (0, 0);
        for name in names {
            ready += u32::from(roll_back(&mut stage, &name).await?);
            all += 1;
        }
        Ok((ready, all))
    };
    tokio::select! {
        ended = tokio::time::timeout(MACHINE_TAKES, all) => {
            ended.unwrap_or_else(|_| Err(TestCaseError::fail("the machine's time was over")))
        }
        () = time_is_over(clock) => Err(TestCaseError::fail("the account's own time was over")),
    }
}

#[test]
fn a_rollback_that_is_ready_is_never_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // A failing account may take half an hour of its own time: smaller ones of its kind are not looked for.
    let cases = number("TIDEGATE_READY_ACCOUNTS").unwrap_or(ACCOUNTS);
    let config = Config { cases, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, source_of_accounts());
    let (ready, all) = (Cell::new(0), Cell::new(0));
    let ran = runner.run(&accounts::account(), |account| {
        let (were_ready, releases) = runtime.block_on(roll_all_back(&account))?;
        ready.set(ready.get() + were_ready);
        all.set(all.get() + releases);
        Ok(())
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
    let (ready, all) = (ready.get(), all.get());
    assert!(ready * 4 > all, "{ready} of {all} releases were READY: that shows little");
}
