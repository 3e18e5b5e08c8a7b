//! `tidegate judge SERVICE`: the real binary on what the embedded AWS has counted.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::{Ran, Sim};

#[test]
fn a_pair_is_judged_by_its_minutes_and_these_can_be_kept() {
    let sim = Sim::start(&["--scenario", "good-release", "--seed", "7"]);
    let home = &sim.home;
    let judged = home.expect(5, &["judge", "checkout", "--since", "6m", "--json"]).json();
    assert_eq!((&judged["schema"], &judged["outcome"]), (&"tidegate.judgement/1".into(), &"not_yet".into()));
    assert_eq!((&judged["name"], &judged["source"]), (&"checkout".into(), &"CloudWatch".into()), "{judged}");
    assert!(judged["error_rate"]["canary"].is_number() && judged["needs"]["minutes"].is_number(), "{judged}");

    let kept = home.expect(0, &["judge", "checkout", "--since", "6m", "--minutes"]);
    let minutes = kept.json();
    let begins = minutes["canary"][0]["minute"].as_str().unwrap();
    assert_eq!(begins[..16], judged["from"].as_str().unwrap()[..16], "the canary's first minute with requests");
    assert!(minutes["canary"][0]["requests"].as_f64().unwrap() > 0.0, "{minutes}");
    let earlier = |minute: &&Value| minute["minute"].as_str().unwrap() < begins;
    assert!(minutes["stable"].as_array().unwrap().iter().filter(earlier).count() > 0, "stable's past is kept too");
    let file = home.path().join("incident.json");
    std::fs::write(&file, &kept.out).unwrap();
    let again = home.expect(5, &["judge", file.to_str().unwrap(), "--service", "checkout", "--json"]).json();
    // A minute may have settled meanwhile; what was kept is judged as it was.
    let minutes = |judged: &Value| judged["changes"][0]["minute"].clone();
    assert_eq!((minutes(&again), &again["outcome"]), (minutes(&judged), &judged["outcome"]));

    let text = home.expect(5, &["judge", "checkout", "--since", "6m"]).out;
    assert!(text.starts_with("NOT YET\n") && text.contains("checkout, by CloudWatch's minutes from "), "{text}");
}

#[test]
fn a_service_without_a_canary_is_told_what_is_needed() {
    let sim = Sim::start(&["--scenario", "good-release"]);
    let said = sim.home.expect(3, &["judge", "cart", "--since", "1h"]).err;
    assert!(said.contains("cart has no canary side") && said.contains("It takes a pair"), "{said}");
    let said = sim.home.expect(2, &["judge", "checkout", "--since", "400h"]).err;
    assert!(said.contains("CloudWatch keeps single minutes for 15 days"), "{said}");
    sim.home.expect(4, &["judge", "no-such", "--since", "1h"]);
}

#[test]
fn a_native_release_that_was_taken_back_is_judged_by_what_its_canary_had() {
    let sim = Sim::start(&["--scenario", "alarm-rollback", "--speed", "120"]);
    let began = Instant::now();
    let until = |what: &str, words: &[&str], so: fn(&Ran) -> bool| loop {
        let ran = sim.home.run(words);
        if so(&ran) {
            return ran;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "never {what}: {ran:?}");
    };
    let over = |ran: &Ran| {
        let release = &ran.json()["services"][0];
        release["canary"].is_null() && release["phase"] == "steady"
    };
    until("steady", &["status", "catalog", "--json"], over);
    let words = ["judge", "catalog", "--since", "6h", "--json"];
    let judged = until("settled", &words, |ran| ran.code == Some(6)).json();
    assert!(judged["error_rate"]["canary"].as_f64().unwrap() > 3.0, "{judged}");
    assert!(judged["error_rate"]["stable"].as_f64().unwrap() < 1.0, "{judged}");
}
