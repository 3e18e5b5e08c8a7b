//! An AWS that may say anything in any text: names, states, reasons, tags, log lines, tokens, even its own identifiers.
//! The console goes on, and every cell of every view is text.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use tidegate::domain::settings::Settings;
use tidegate::domain::text;
use tidegate::sim::api::{Answer as ApiAnswer, Call};
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::{Backend, Fault, FaultRule};
use tidegate::sim::world::World;

use crate::harness::Harness;

/// A world whose answers are spoiled on their way out: each text in so many of a thousand.
struct Spoiled {
    world: Arc<Mutex<World>>,
    texts: Vec<String>,
    thousandths: u64,
    state: u64,
}

impl Spoiled {
    /// The next of a row of numbers that looks like chance (xorshift), so that a case can be had again.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn spoil(&mut self, value: &mut Value) {
        match value {
            Value::String(text) if self.next() % 1000 < self.thousandths => {
                let at = usize::try_from(self.next()).unwrap_or(0) % self.texts.len();
                match self.next() % 3 {
                    0 => text.clone_from(&self.texts[at]),
                    1 => text.push_str(&self.texts[at]),
                    _ => text.insert_str(0, &self.texts[at]),
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.spoil(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.spoil(member)),
            _ => {}
        }
    }
}

impl Backend for Spoiled {
    fn advance(&mut self, to: Timestamp) {
        Backend::advance(&mut self.world, to);
    }

    fn call(&mut self, call: &Call) -> ApiAnswer {
        let mut answer = Backend::call(&mut self.world, call)?;
        // Who is nobody sees nothing: the account alone is left as it is.
        if call.operation != "GetCallerIdentity" {
            self.spoil(&mut answer);
        }
        Ok(answer)
    }
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "(?s).{0,40}",
        "[\\x00-\\x1f\\x7f-\\u{9f}]{1,12}",
        "\\x1b[\\[\\]P_^X7c]?[0-9;?]{0,8}[a-zA-Z\\x07\\\\]{0,3}",
        "[\\u{200b}-\\u{200f}\\u{202a}-\\u{202e}\\u{2060}-\\u{206f}\\u{feff}\\u{e0000}-\\u{e007f}]{1,9}",
        "a\\u{301}{1,80}",
        "[A-Z]{4096}",
        Just("\u{0}hidden:0123456789abcdef".to_owned()),
        Just(String::new()),
    ]
}

#[test]
fn whatever_any_text_says_every_view_is_text() {
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let scenario = Scenario::named("bad-canary").unwrap();
    let cases = (prop::collection::vec(hostile(), 8), prop::sample::select(vec![3_u64, 30, 300]), 1..u64::MAX);
    runner
        .run(&cases, |(texts, thousandths, state)| {
            runtime.block_on(async {
                let spoiled = |world| Spoiled { world, texts, thousandths, state };
                let mut stage = Harness::behind(&scenario, Settings::default(), spoiled).await;
                for key in ["t", "g", "e", "l", "d", "y", "a", "h", "\n", "z"] {
                    stage.press(key).await;
                    stage.pass(5).await;
                    for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
                        let screen = stage.screen(columns, rows);
                        let unsafe_ones: Vec<_> =
                            screen.chars().filter(|c| !(text::is_safe(*c) || *c == '\n')).collect();
                        prop_assert!(unsafe_ones.is_empty(), "{key} {columns}×{rows}: {unsafe_ones:?}");
                    }
                }
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test]
async fn what_is_no_utf_8_is_a_failure_that_is_told_and_nothing_that_is_drawn() {
    let mut stage = Harness::open("bad-canary").await;
    stage.go("checkout").await;
    stage.server.faults().add(FaultRule::new(Fault::InvalidUtf8));
    for key in ["t", "g", "e", "l", "d", "a", "h"] {
        stage.press(key).await;
        stage.press("r").await;
        stage.pass(15).await;
        for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
            let screen = stage.screen(columns, rows);
            assert!(screen.chars().all(|c| text::is_safe(c) || c == '\n'), "{key}\n{screen}");
        }
    }
    // What was read before stays, marked; the way back is offered all the same.
    assert!(stage.model.observed.snapshot.services.failing().is_some());
    let screen = stage.screen(120, 40);
    assert!(screen.contains("ROLLBACK READY") && screen.contains("✖"), "{screen}");
    stage.server.faults().clear();
    stage.press("r").await;
    stage.pass(60).await;
    assert!(stage.model.observed.snapshot.services.failing().is_none());
}
