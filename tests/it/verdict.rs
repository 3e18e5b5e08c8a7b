//! The verdict over time, as an operator sees it, through the simulator, the SDK and the console.

use tidegate::domain::analysis::{Verdict, VerdictStatus};
use tidegate::domain::settings::{ServiceSettings, Settings};
use tidegate::sim::scenario::Scenario;

use crate::harness::Harness;

/// A scenario with `rps` requests per second and no traffic on the canary yet.
fn at(rps: f64, base: &str) -> Scenario {
    let text = format!(
        "name = 'own'\nsummary = 'own'\nextends = '{base}'\nwarmup = '8m'\n\
         [rule.checkout]\npriority = 10\npath = ['/checkout*']\nrps = {rps:?}\n\
         action = {{ forward = {{ checkout-stable = 100, checkout-canary = 0 }} }}\n\
         [[event]]\nat = '-4m'\n\
         set_weights = {{ rule = 'checkout', weights = {{ checkout-stable = 100, checkout-canary = 0 }} }}\n"
    );
    Scenario::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The verdict at a minute.
struct Seen {
    minute: u64,
    verdict: Verdict,
}

/// Gives the canary 1 %, then records the verdict every `every` seconds, until it is `last` or for `minutes` minutes.
async fn watch(scenario: &Scenario, every: u64, minutes: u64, last: Option<VerdictStatus>) -> Vec<Seen> {
    let mut stage = Harness::on(scenario, Settings::default()).await;
    stage.go("checkout").await;
    stage.press("Py").await;
    assert_eq!(stage.release("checkout").share.configured.unwrap().to_string(), "1%");
    let mut seen = Vec::new();
    for look in 1..=minutes * 60 / every {
        stage.stride(every).await;
        let verdict = stage.release("checkout").verdict.clone();
        let over = Some(verdict.outcome) == last;
        seen.push(Seen { minute: (look * every).div_ceil(60), verdict });
        if over {
            break;
        }
    }
    seen
}

/// The sequence of outcomes without repetitions, each with its first minute.
fn course(seen: &[Seen]) -> Vec<(VerdictStatus, u64)> {
    let mut course: Vec<_> = seen.iter().map(|seen| (seen.verdict.outcome, seen.minute)).collect();
    course.dedup_by_key(|(outcome, _)| *outcome);
    course
}

fn reasons(seen: &[Seen]) -> String {
    let line = |seen: &Seen| {
        let Seen { minute, verdict } = seen;
        format!("{minute} {:?} {:?} {:?}\n", verdict.outcome, verdict.needs, verdict.reasons)
    };
    seen.iter().map(line).collect()
}

/// Asserts NOT YET, partly with an estimate, then FAIL until the watch ends.
fn not_yet_then_fail(seen: &[Seen], part: &str) {
    let course = course(seen);
    let [(VerdictStatus::Inconclusive, 1), (VerdictStatus::Fail, failed)] = course.as_slice() else {
        panic!("{course:?}\n{}", reasons(seen))
    };
    let estimated = |seen: &&Seen| seen.verdict.needs.is_some_and(|needs| needs.minutes.is_some());
    let estimates = seen.iter().filter(estimated).count();
    assert!(estimates > 0, "FAIL after {failed} min\n{}", reasons(seen));
    let verdict = &seen.last().unwrap().verdict;
    assert!(verdict.reasons[0].contains(part), "FAIL after {failed} min\n{}", reasons(seen));
}

#[tokio::test]
async fn a_bad_canary_at_1_percent_is_not_yet_with_an_estimate_and_then_fails() {
    let seen = watch(&at(50.0, "bad-canary"), 20, 30, Some(VerdictStatus::Fail)).await;
    not_yet_then_fail(&seen, "stable's");
}

#[tokio::test]
async fn a_slow_canary_at_1_percent_is_not_yet_with_an_estimate_and_then_fails() {
    let seen = watch(&at(50.0, "latency-regression"), 20, 60, Some(VerdictStatus::Fail)).await;
    not_yet_then_fail(&seen, "p95");
}

#[tokio::test]
async fn a_good_canary_passes_without_a_fail_before() {
    let seen = watch(&at(50.0, "good-release"), 60, 240, Some(VerdictStatus::Pass)).await;
    let course = course(&seen);
    let [(VerdictStatus::Inconclusive, 1), (VerdictStatus::Pass, passed)] = course.as_slice() else {
        panic!("{course:?}\n{}", reasons(&seen))
    };
    assert!(*passed >= 12, "PASS after {passed} min: sooner than the bake and the delay");
}

#[tokio::test]
async fn a_canary_that_nobody_comes_to_never_passes() {
    for (rps, minutes) in [(0.0, 120), (0.5, 40)] {
        let seen = watch(&at(rps, "good-release"), 60, minutes, None).await;
        assert_eq!(course(&seen), [(VerdictStatus::Inconclusive, 1)], "{}", reasons(&seen));
        let words = &seen.last().unwrap().verdict.reasons;
        assert!(!words.is_empty(), "why not is said");
    }
}

#[tokio::test]
async fn an_alarm_of_the_settings_fails_a_canary_whose_numbers_are_well() {
    let mut settings = Settings::default();
    let own = ServiceSettings { alarms: vec!["search-p99".to_owned()], ..ServiceSettings::default() };
    settings.services.insert("checkout".to_owned(), own);
    let text = "name = 'own'\nsummary = 'own'\nextends = 'good-release'\nwarmup = '8m'\n[alarm.search-p99]\n\
                metric = 'TargetResponseTime'\ntarget_group = 'search'\nstatistic = 'p99'\nthreshold = 0.02\nstuck = true";
    let mut stage = Harness::on(&Scenario::parse(text).unwrap(), settings.clone()).await;
    stage.pass(90).await;
    let verdict = stage.release("checkout").verdict.clone();
    assert_eq!(verdict.outcome, VerdictStatus::Fail, "{verdict:?}");
    assert!(verdict.reasons[0].starts_with("alarm search-p99 is in ALARM since "), "{verdict:?}");
    // A missing alarm does not count as OK.
    settings.services.get_mut("checkout").unwrap().alarms = vec!["serch-p99".to_owned()];
    let mut stage = Harness::on(&Scenario::parse(text).unwrap(), settings).await;
    stage.pass(90).await;
    let verdict = stage.release("checkout").verdict.clone();
    assert_eq!(verdict.outcome, VerdictStatus::Inconclusive, "{verdict:?}");
    assert!(verdict.reasons.iter().any(|reason| reason.contains("serch-p99") && reason.contains("does not exist")));
}
