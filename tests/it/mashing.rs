//! Keys pressed again and again by tired hands: the outcome is that of one press.

use std::time::Duration;

use tidegate::console::keymap::Key;
use tidegate::console::message::Msg;

use crate::harness::Harness;

/// Presses `R` so many times, so many milliseconds apart. What AWS answers reaches the console only every `call`
/// milliseconds. Returns the writes, and whether a question is open.
async fn mashed(scenario: &str, name: &str, (presses, apart, call): (u32, u64, u64)) -> (Vec<String>, bool) {
    let mut stage = Harness::open(scenario).await;
    stage.go(name).await;
    let mut unheard = 0;
    for _ in 0..presses {
        stage.clock.advance(Duration::from_millis(apart));
        stage.feed(Msg::Key(Key::Char('R')));
        unheard += apart;
        if unheard >= call {
            stage.settle().await;
            unheard = 0;
        }
    }
    stage.settle().await;
    stage.pass(30).await;
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
        let once = mashed(scenario, name, (1, 1_000, 0)).await;
        for (presses, apart, call) in
            [(10, 20, 0), (10, 20, 250), (10, 20, 2_000), (4, 500, 0), (4, 500, 2_000), (3, 5_000, 250)]
        {
            let again = mashed(scenario, name, (presses, apart, call)).await;
            assert_eq!(again, once, "{scenario}: {presses} times, {apart} ms apart, {call} ms a call");
        }
    }
}
