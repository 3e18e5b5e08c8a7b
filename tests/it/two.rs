//! Two consoles on one account: the real program twice, on the same simulated AWS.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::tty::Tty;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");

/// payments shifts 20 % per step, pauses before each step, and was continued once: it waits at 20 %.
const SCENARIO: &str = r#"
name = "two"
summary = "A linear release that waits before each step"
extends = "paused-native"
warmup = "14m"

[service.payments]
task_definition = "payments:17"
desired = 6
deployed = "13d"
target_group = "payments-blue"
alternate_target_group = "payments-green"
production_rule = "payments"
deployment = { strategy = "LINEAR", step_percent = 20, step_bake_minutes = 0, pause = [{ stages = ["PRE_PRODUCTION_TRAFFIC_SHIFT"] }] }
past = [{ task_definition = "payments:16", ago = "32d" }]
"#;

/// `tidegate sim`, which runs until dropped.
struct Sim {
    process: Child,
    home: TempDir,
    variables: Vec<(String, String)>,
}

impl Sim {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let scenario = home.path().join("two.toml");
        std::fs::write(&scenario, SCENARIO).unwrap();
        let mut process = Command::new(PROGRAM)
            .args(["sim", "--scenario", scenario.to_str().unwrap()])
            .env_clear()
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().take(5);
        let variables = lines.map(|line| {
            let line = line.unwrap();
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        let variables = variables.collect();
        Self { process, home, variables }
    }

    /// A third party's view of payments: the share that its rule gives the new revision, and its pause.
    fn payments(&self) -> Value {
        let ran = Command::new(PROGRAM)
            .args(["status", "payments", "--json"])
            .env_clear()
            .env("HOME", self.home.path())
            .env("TIDEGATE_STATE_DIR", self.home.path().join("state"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let document: Value = serde_json::from_slice(&ran.stdout).unwrap();
        document["services"][0].clone()
    }

    /// Waits for the pause before the next step; returns the configured share.
    fn until_paused_with(&self, hook: &str) -> f64 {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let payments = self.payments();
            let waits = payments["phase"] == "waiting" && hook_of(&payments).is_some_and(|other| other != hook);
            if waits {
                return payments["share_percent"]["configured"].as_f64().unwrap();
            }
            assert!(Instant::now() < deadline, "it never waits again: {payments:#}");
        }
    }

    /// A console with payments on its screen and the question about its pause open.
    fn console_asking(&self) -> Tty {
        let mut tty = Tty::start_with(Path::new(PROGRAM), &[], &self.variables, 120, 40);
        tty.until("payments is marked and waits", |tty| {
            tty.text().lines().any(|line| line.starts_with('▸') && line.contains("payments") && line.contains("PAUSED"))
        });
        tty.send("\r");
        tty.until_shows("esc back");
        tty.until_shows("PRE_PRODUCTION_TRAFFIC_SHIFT");
        tty.send("P");
        tty.until_shows("y carry it out");
        tty
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn hook_of(payments: &Value) -> Option<&str> {
    payments["pauses"][0]["hook"].as_str()
}

#[test]
fn two_who_say_yes_at_the_same_moment_take_one_step() {
    let sim = Sim::start();
    let (mut one, mut other) = (sim.console_asking(), sim.console_asking());
    let before = sim.payments();
    let hook = hook_of(&before).unwrap_or_else(|| panic!("{before:#}"));
    assert_eq!(before["share_percent"]["configured"], 20.0);
    other.look_on(Duration::from_millis(400));
    one.send("y");
    other.send("y");
    let told = |tty: &Tty| tty.shows("done and read back") || too_late(tty);
    one.until("what came of it", told);
    other.until("what came of it", told);
    assert!(too_late(&one) != too_late(&other), "one of them was first\n{one:?}\n{other:?}");
    assert_eq!(sim.until_paused_with(hook), 40.0, "one step");
    assert_eq!(sent(&one) + sent(&other), 2, "both said yes, and each asked once");
    assert_eq!(taken(&one) + taken(&other), 1, "AWS took one answer");
    // Both consoles keep working.
    for mut tty in [one, other] {
        tty.send("r");
        tty.until_shows("40 % of users");
        assert_eq!(tty.quit(), 0);
        tty.assert_given_back();
    }
}

fn too_late(tty: &Tty) -> bool {
    tty.shows("Somebody answered it before")
}

/// The number of CONTINUE calls that a console sent …
fn sent(tty: &Tty) -> usize {
    let sent = |line: &&Value| line["event"] == "call" && line["call"]["answer"] == "CONTINUE";
    tty.audit().iter().filter(sent).count()
}

/// … and the number that AWS accepted.
fn taken(tty: &Tty) -> usize {
    tty.audit().iter().filter(|line| line["answer"] == "the pause is answered CONTINUE").count()
}

#[test]
fn the_same_keys_twice_take_one_step() {
    let sim = Sim::start();
    let mut tty = sim.console_asking();
    let before = sim.payments();
    let hook = hook_of(&before).unwrap();
    tty.confirm();
    tty.until("the question is closed", |tty| !tty.shows("y carry it out"));
    tty.send("P");
    tty.confirm();
    assert_eq!(sim.until_paused_with(hook), 40.0, "one step");
    assert_eq!((sent(&tty), taken(&tty)), (1, 1));
    assert_eq!(tty.quit(), 0);
}
