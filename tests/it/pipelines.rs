//! Pipelines: scripts without polling and parsing, verdicts on a machine that remembers nothing, and commands that run
//! twice.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use serde_json::Value;

use crate::cli::{Home, Ran, Sim};

/// Runs one of the scripts in tests/pipelines to its end.
fn pipeline(home: &Home, script: &str, words: [&str; 2]) -> Ran {
    let binary = Path::new(env!("CARGO_BIN_EXE_tidegate")).parent().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pipelines").join(script);
    let path = std::env::join_paths([binary, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let tidegate = home.command(&[]);
    let mut sh = Command::new("sh");
    sh.arg(script).args(words).env_clear().stdin(Stdio::null());
    sh.envs(tidegate.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", path);
    Ran::from(sh.output().unwrap())
}

/// The lines that say how commands ended, for a failing test.
fn ends_with(ran: &Ran, code: i32, part: &str) {
    let all = format!("{}\n{}", ran.out, ran.err);
    let last: Vec<_> = all.lines().rev().take(40).collect();
    assert_eq!(ran.code, Some(code), "{last:#?}");
    assert!(all.contains(part), "{part}: {last:#?}");
}

fn release(home: &Home, name: &str) -> Value {
    home.expect(0, &["status", name, "--json"]).json()["services"][0].clone()
}

/// A scenario of the assets without what happens in it.
fn calm(dir: &Path, scenario: &str) -> PathBuf {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/scenarios").join(scenario);
    let text = std::fs::read_to_string(assets).unwrap();
    let calm = dir.join(scenario);
    std::fs::write(&calm, text.split("[[event]]").next().unwrap()).unwrap();
    calm
}

#[test]
fn a_pair_goes_up_by_a_pass_at_each_step_and_is_finished() {
    let sim = Sim::start(&["--scenario", "shop", "--speed", "600"]);
    let ran = pipeline(&sim.home, "weighted.sh", ["checkout", ":42"]);
    ends_with(&ran, 0, "finish: :42 becomes stable");
    assert_eq!(ran.out.matches("reached: the verdict is PASS").count(), 3, "{}", ran.out);
    let checkout = release(&sim.home, "checkout");
    assert!(checkout["stable"]["task_definition"].as_str().unwrap().ends_with(":42"), "{checkout}");
    assert_eq!((&checkout["stable"]["weight"], &checkout["canary"]["desired"]), (&100.into(), &0.into()));
    // What is done is done: nothing goes up again.
    for again in [&["start", "checkout", "--task-definition", ":42", "--yes"][..], &["finish", "checkout", "--yes"]] {
        assert!(sim.home.expect(0, again).out.contains("nothing is sent"), "{again:?}");
    }
}

#[test]
fn a_pair_that_fails_is_rolled_back_by_its_pipeline() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = calm(dir.path(), "bad-canary.toml");
    let sim = Sim::start(&["--scenario", scenario.to_str().unwrap(), "--speed", "600"]);
    let ran = pipeline(&sim.home, "weighted.sh", ["checkout", ":42"]);
    ends_with(&ran, 6, "not reached: the verdict is FAIL");
    let checkout = release(&sim.home, "checkout");
    assert_eq!((&checkout["stable"]["weight"], &checkout["canary"]["weight"]), (&100.into(), &0.into()));
    assert_eq!(checkout["verdict"]["outcome"], "not_yet", "{}", checkout["verdict"]);
}

#[test]
fn a_rolling_release_ends_with_0_and_one_that_the_breaker_takes_back_with_6() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = calm(dir.path(), "breaker.toml");
    let sim = Sim::start(&["--scenario", scenario.to_str().unwrap(), "--speed", "300"]);
    let good = pipeline(&sim.home, "rolling.sh", ["orders", ":24"]);
    ends_with(&good, 0, "done:");
    let back = pipeline(&sim.home, "rolling.sh", ["payments", ":18"]);
    for part in ["ECS rolled :18 back to :17: ", "circuit breaker"] {
        ends_with(&back, 6, part);
    }
    let again = pipeline(&sim.home, "rolling.sh", ["payments", ":18"]);
    ends_with(&again, 3, "ECS rolled it back");
}

#[test]
fn a_native_release_goes_on_when_its_pauses_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = calm(dir.path(), "paused-native.toml");
    let sim = Sim::start(&["--scenario", scenario.to_str().unwrap(), "--speed", "600"]);
    let ran = pipeline(&sim.home, "native.sh", ["payments", ":18"]);
    ends_with(&ran, 0, "SUCCEEDED: the deployment of :18");
    assert_eq!(ran.out.matches("reached: ECS waits for an answer").count(), 2, "{}", ran.out);
    assert!(ran.out.contains("reached: the verdict is PASS"), "{}", ran.out);
}

/// A machine without any memory, on the same account.
fn elsewhere(sim: &Sim) -> Home {
    sim.home.elsewhere()
}

#[test]
fn a_verdict_is_of_one_share_on_a_machine_that_did_not_see_it_begin() {
    let sim = Sim::start(&["--speed", "120"]);
    let (here, there) = (&sim.home, elsewhere(&sim));
    let config = there.path().join("config/tidegate");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.toml"), "bake = \"2m\"\n").unwrap();
    here.expect(0, &["step", "checkout", "--to", "10", "--yes", "--reason", "test"]);
    let since = |home: &Home| {
        let checkout = release(home, "checkout");
        let since: Timestamp = checkout["bake"]["since"].as_str().unwrap().parse().unwrap();
        (checkout, since)
    };
    let ((first, _), (_, stepped)) = (since(&there), since(here));
    assert_eq!((&first["verdict"]["outcome"], &first["bake"]["seen"]), (&"not_yet".into(), &false.into()), "{first}");
    let reason = first["verdict"]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("since when the canary has had 10% is not known"), "{reason}");
    let ran = there.expect(0, &["watch", "checkout", "--until", "pass", "--timeout", "1h"]);
    assert!(ran.out.contains("reached: the verdict is PASS"), "{ran:?}");
    let (passed, at) = since(&there);
    assert_eq!(passed["bake"]["seen"], true);
    assert!(at >= stepped, "{at} is before the step at {stepped}");

    here.expect(0, &["rollback", "checkout", "--yes"]);
    let back = release(&there, "checkout");
    let reason = back["verdict"]["reasons"][0].as_str().unwrap();
    assert!(back["verdict"]["outcome"] == "not_yet" && reason.contains("rolled back at"), "{}", back["verdict"]);
    let step = there.expect(3, &["step", "checkout", "--yes"]);
    assert!(step.err.contains("it was rolled back on"), "{step:?}");
}

#[test]
fn the_guide_shows_the_scripts_that_are_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("assets/guide/ci.md")).unwrap();
    let mut scripts = 0;
    for entry in std::fs::read_dir(root.join("tests/pipelines")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let shown: Vec<_> = text.lines().filter(|line| !line.starts_with("# ")).collect();
        assert!(page.contains(&shown.join("\n")), "{} is not on the page ci", path.display());
        scripts += 1;
    }
    assert_eq!(scripts, 3);
}
