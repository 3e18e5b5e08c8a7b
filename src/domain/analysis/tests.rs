//! The rules, on synthetic minutes.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::domain::metrics::{Minute, Series};
use crate::domain::observe::snapshot::Since;
use crate::domain::release::share::Percent;
use crate::domain::settings::Thresholds;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_040 + minute * 60).unwrap()
}

/// Synthetic minutes with the same number of requests and errors, and a varying p95.
fn minutes(from: i64, many: i64, requests: f64, errors: f64, p95: f64) -> Vec<Observed> {
    let minute = |n: i64| Observed {
        at: at(from + n),
        requests: Some(requests),
        // Whole numbers of errors whose mean is `errors`.
        errors: Some(((n + 1) as f64 * errors).floor() - (n as f64 * errors).floor()),
        p50: None,
        p95: Some(p95 * (1.0 + 0.01 * ((n * 7) % 11) as f64)),
        p99: None,
    };
    (0..many).map(minute).collect()
}

const BAKE: SignedDuration = SignedDuration::from_mins(10);

fn judged(canary: &[Observed], stable: &[Observed]) -> Verdict {
    judge(&Case::recorded(canary, stable, BAKE, &Thresholds::default()))
}

fn says(verdict: &Verdict, part: &str) -> bool {
    verdict.reasons.iter().any(|reason| reason.contains(part))
}

#[test]
fn each_answer_has_its_reasons() {
    let stable = minutes(0, 60, 2700.0, 5.4, 100.0);
    let table: [(&str, Vec<Observed>, VerdictStatus, bool, &[&str]); 12] = [
        ("as good as stable", minutes(0, 12, 300.0, 0.6, 101.0), VerdictStatus::Pass, false, &[]),
        (
            "before its bake is over",
            minutes(0, 6, 300.0, 0.6, 101.0),
            VerdictStatus::Inconclusive,
            false,
            &["bake's 10 minutes"],
        ),
        (
            "too few requests for the allowance",
            minutes(0, 12, 30.0, 0.25, 101.0),
            VerdictStatus::Inconclusive,
            false,
            &["may be", "1 are allowed", "at the present rate"],
        ),
        (
            "too few to say anything",
            minutes(0, 2, 20.0, 0.0, 101.0),
            VerdictStatus::Inconclusive,
            false,
            &["40 requests; 100"],
        ),
        ("failing, critically", minutes(0, 3, 300.0, 30.0, 101.0), VerdictStatus::Fail, true, &["over the line", "5%"]),
        (
            "five times as bad",
            minutes(0, 8, 300.0, 3.6, 101.0),
            VerdictStatus::Fail,
            true,
            &["× stable's", "not by chance"],
        ),
        ("three times as bad", minutes(0, 10, 300.0, 2.1, 101.0), VerdictStatus::Fail, false, &["3.5× stable's"]),
        ("a little worse, beyond doubt", minutes(0, 50, 30_000.0, 90.0, 101.0), VerdictStatus::Pass, false, &["1.5×"]),
        ("few, yet beyond doubt", minutes(0, 1, 20.0, 12.0, 101.0), VerdictStatus::Fail, true, &["60.00% errors"]),
        ("half as slow again", minutes(0, 9, 300.0, 0.6, 160.0), VerdictStatus::Fail, false, &["1.6× stable's"]),
        (
            "slow, as yet maybe by chance",
            minutes(0, 4, 300.0, 0.6, 160.0),
            VerdictStatus::Inconclusive,
            false,
            &["could be chance"],
        ),
        (
            "without traffic",
            minutes(0, 12, 0.0, 0.0, 0.0),
            VerdictStatus::Inconclusive,
            false,
            &["no settled data", "no requests to the canary in 12"],
        ),
    ];
    for (name, canary, outcome, critical, parts) in table {
        let verdict = judged(&canary, &stable);
        assert_eq!((verdict.outcome, verdict.critical), (outcome, critical), "{name}: {verdict:#?}");
        for part in parts {
            assert!(says(&verdict, part), "{name}: no {part:?} in {:#?}", verdict.reasons);
        }
        assert_eq!(verdict.grounds.is_empty(), outcome != VerdictStatus::Pass, "{name}: {:?}", verdict.grounds);
        assert_eq!(verdict.needs.is_some(), outcome == VerdictStatus::Inconclusive, "{name}");
    }
}

#[test]
fn nothing_passes_against_nothing() {
    let canary = minutes(0, 30, 300.0, 0.0, 100.0);
    let unknown = |minutes: Vec<Observed>, forget: fn(&mut Observed)| {
        let mut minutes = minutes;
        minutes.iter_mut().for_each(forget);
        minutes
    };
    let stable = minutes(0, 30, 2700.0, 0.0, 100.0);
    assert_eq!(judged(&canary, &stable).outcome, VerdictStatus::Pass);
    for (name, canary, stable) in [
        ("no stable", canary.clone(), Vec::new()),
        ("no canary", Vec::new(), stable.clone()),
        ("stable in other minutes", canary.clone(), minutes(40, 30, 2700.0, 0.0, 100.0)),
        ("no requests known", unknown(canary.clone(), |minute| minute.requests = None), stable.clone()),
        ("no errors known", unknown(canary.clone(), |minute| minute.errors = None), stable.clone()),
        ("no latency known", unknown(canary.clone(), |minute| minute.p95 = None), stable.clone()),
        ("not a number", unknown(canary.clone(), |minute| minute.errors = Some(f64::NAN)), stable.clone()),
        ("stable's latency is not known", canary.clone(), unknown(stable.clone(), |minute| minute.p95 = None)),
        ("stable's past is no present", canary.clone(), minutes(-60, 60, 2700.0, 0.0, 100.0)),
    ] {
        let verdict = judged(&canary, &stable);
        assert_eq!(verdict.outcome, VerdictStatus::Inconclusive, "{name}: {verdict:#?}");
        assert!(!verdict.reasons.is_empty(), "{name}");
    }
}

#[test]
fn where_latency_is_not_counted_errors_alone_decide_and_it_is_said() {
    let lines = Thresholds::default();
    let untimed = |mut minutes: Vec<Observed>| {
        minutes.iter_mut().for_each(|minute| minute.p95 = None);
        series(&minutes)
    };
    let stable = untimed(minutes(-60, 75, 2700.0, 5.4, 100.0));
    let judge = |errors: f64, until: i64, timed: bool| {
        let canary = untimed(minutes(0, 15, 300.0, errors, 100.0));
        let since = Some(Since { at: at(0), seen: true });
        let step = Step { since, began: None, bake: BAKE, timed, share: Percent::new(10.0).ok() };
        of_canary(Some(&canary), Some(&stable), &step, at(until), &lines)
    };
    let good = judge(0.6, 15, false);
    assert_eq!(good.outcome, VerdictStatus::Pass, "{good:#?}");
    assert!(good.grounds.iter().any(|ground| ground.contains("latency is not counted")), "{:?}", good.grounds);
    assert_eq!(judge(30.0, 15, false).outcome, VerdictStatus::Fail);
    let early = judge(0.6, 7, false);
    assert_eq!(
        (early.outcome, early.needs.and_then(|needs| needs.minutes)),
        (VerdictStatus::Inconclusive, Some(5)),
        "{early:#?}"
    );
    // If a source measures latency, missing latency is no proof of a fast canary.
    assert_eq!(judge(0.6, 15, true).outcome, VerdictStatus::Inconclusive);
}

#[test]
fn an_estimate_comes_true() {
    let stable = minutes(0, 200, 2970.0, 5.94, 100.0);
    for many in [3, 6, 9] {
        let verdict = judged(&minutes(0, many, 30.0, 0.06, 100.0), &stable);
        let needs = verdict.needs.unwrap();
        let (requests, more) = (needs.requests.unwrap(), i64::from(needs.minutes.unwrap()));
        assert_eq!(requests, more as u64 * 30, "{needs:?}");
        let passed =
            |minute: &i64| judged(&minutes(0, *minute, 30.0, 0.06, 100.0), &stable).outcome == VerdictStatus::Pass;
        let passed = (1..100).find(passed).unwrap();
        assert!((passed - (many + more)).abs() <= 4, "after {many}: {needs:?}, but it passed at {passed}");
    }
}

/// Realistic good canaries: 30 requests a minute beside stable's 2,970, with random errors. Half-way to its PASS, each
/// canary's verdict estimates the time left. Some canaries are lucky and some are not, but the median one takes the
/// estimated time.
#[test]
fn half_way_to_a_pass_the_estimate_is_neither_too_hopeful_nor_too_gloomy() {
    let mut off: Vec<i64> = (0..41).map(missed_by).collect();
    off.sort_unstable();
    let middle = off[off.len() / 2];
    assert!(middle.abs() <= 4, "minutes that it took longer than was said: {off:?}");
}

/// Minutes from the estimated PASS, made half-way, to the real PASS of a seed's canary.
fn missed_by(seed: u64) -> i64 {
    use rand::SeedableRng;
    use rand_distr::{Binomial, Distribution, Normal};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut side = |requests: u64| -> Vec<Observed> {
        let minute = |n: i64| Observed {
            at: at(n),
            requests: Some(requests as f64),
            errors: Some(Binomial::new(requests, 0.002).unwrap().sample(&mut random) as f64),
            p50: None,
            p95: Some(Normal::new(100.0, 8.0).unwrap().sample(&mut random)),
            p99: None,
        };
        (0..400).map(minute).collect()
    };
    let (canary, stable) = (side(30), side(2970));
    let look = |minutes: usize| judged(&canary[..minutes], &stable);
    let passed = (10..400).find(|minutes| look(*minutes).outcome == VerdictStatus::Pass).unwrap();
    let said = look(passed / 2).needs.unwrap().minutes.unwrap();
    passed as i64 - (passed as i64 / 2 + i64::from(said))
}

/// 50 requests a second, 1 % of them to the canary: 30 a minute, watched minute by minute.
#[test]
fn a_bad_canary_at_1_percent_is_not_yet_and_then_fails() {
    let stable = minutes(0, 90, 2970.0, 5.94, 100.0);
    let watch = |canary: Vec<Observed>| -> Vec<Verdict> {
        (1..=canary.len()).map(|seen| judged(&canary[..seen], &stable)).collect()
    };
    let faults = [
        ("errors", minutes(0, 90, 30.0, 1.2, 100.0), "not by chance", 12),
        ("a few errors", minutes(0, 90, 30.0, 0.35, 100.0), "not by chance", 40),
        ("latency", minutes(0, 90, 30.0, 0.06, 170.0), "× stable's 10", 10),
    ];
    for (name, canary, part, by) in faults {
        let watched = watch(canary);
        let failed = watched.iter().position(|verdict| verdict.outcome == VerdictStatus::Fail).unwrap();
        assert!((1..by).contains(&failed), "{name}: in minute {}", failed + 1);
        assert!(says(&watched[failed], part), "{name}: {:#?}", watched[failed].reasons);
        let before = &watched[..failed];
        assert!(before.iter().all(|verdict| verdict.outcome == VerdictStatus::Inconclusive), "{name}");
        assert!(before.iter().all(|verdict| verdict.needs.is_some_and(|needs| needs.requests.is_some())), "{name}");
    }
    // A good canary passes, at this rate after some ten minutes; a canary without traffic never does.
    let good = watch(minutes(0, 90, 30.0, 0.06, 100.0));
    let passed = good.iter().position(|verdict| verdict.outcome == VerdictStatus::Pass).unwrap();
    assert!((9..30).contains(&passed) && good.iter().all(|verdict| verdict.outcome != VerdictStatus::Fail), "{passed}");
    let idle = watch(minutes(0, 90, 0.0, 0.0, 0.0));
    assert!(idle.iter().all(|verdict| verdict.outcome == VerdictStatus::Inconclusive && !verdict.reasons.is_empty()));
}

#[test]
fn a_stable_that_got_worse_itself_is_said_and_passes_nothing() {
    let canary = minutes(0, 20, 900.0, 18.0, 250.0);
    let mut stable = minutes(-60, 60, 2700.0, 2.7, 100.0);
    assert_eq!(judged(&canary, &minutes(-60, 80, 2700.0, 54.0, 250.0)).outcome, VerdictStatus::Pass);
    stable.extend(minutes(0, 20, 2700.0, 54.0, 250.0));
    let verdict = judged(&canary, &stable);
    assert_eq!(verdict.outcome, VerdictStatus::Inconclusive);
    assert!(says(&verdict, "stable itself got worse: 2.00% errors"), "{:#?}", verdict.reasons);
    assert!(says(&verdict, "stable itself got slower: p95 2"), "{:#?}", verdict.reasons);
}

#[test]
fn a_warning_does_not_keep_from_passing() {
    let verdict = judged(&minutes(0, 20, 3000.0, 36.0, 600.0), &minutes(0, 20, 27_000.0, 324.0, 600.0));
    assert_eq!((verdict.outcome, verdict.reasons.len()), (VerdictStatus::Pass, 2), "{:#?}", verdict.reasons);
    assert!(says(&verdict, "above 1%") && says(&verdict, "above 500 ms"), "{:#?}", verdict.reasons);
}

#[test]
fn a_ceiling_is_held_where_there_is_one() {
    let lines = Thresholds { p95_ms: Some(150.0), ..Thresholds::default() };
    let judged = |many: i64, p95: f64| {
        let (canary, stable) = (minutes(0, many, 300.0, 0.0, p95), minutes(0, many, 2700.0, 0.0, p95));
        judge(&Case::recorded(&canary, &stable, BAKE, &lines))
    };
    assert_eq!(judged(20, 100.0).outcome, VerdictStatus::Pass);
    assert_eq!(judged(9, 200.0).outcome, VerdictStatus::Inconclusive);
    let verdict = judged(16, 200.0);
    assert_eq!(verdict.outcome, VerdictStatus::Fail);
    assert!(says(&verdict, "over the ceiling of 150 ms"), "{:#?}", verdict.reasons);
}

fn series(minutes: &[Observed]) -> Series {
    let minute = |minute: &Observed| Minute {
        requests: minute.requests,
        target_5xx: minute.errors.filter(|errors| *errors > 0.0),
        p95: minute.p95,
        ..Minute::at(minute.at)
    };
    Series::from(minutes.iter().map(minute).collect::<Vec<_>>())
}

#[test]
fn what_was_before_the_share_was_set_is_not_the_canarys() {
    let lines = Thresholds::default();
    // A canary that is bad for a quarter of an hour at another share, and good since.
    let mut canary = minutes(-15, 15, 300.0, 30.0, 100.0);
    canary.extend(minutes(0, 15, 300.0, 0.6, 100.0));
    let (canary, stable) = (series(&canary), series(&minutes(-60, 75, 2700.0, 5.4, 100.0)));
    let now = at(15);
    let judge = |seen: bool, since: i64, share: f64| {
        let step = Step {
            began: None,
            since: Some(Since { at: at(since), seen }),
            bake: BAKE,
            timed: true,
            share: Percent::new(share).ok(),
        };
        of_canary(Some(&canary), Some(&stable), &step, now, &lines)
    };
    let verdict = judge(true, 0, 10.0);
    // The last two minutes are not settled yet.
    assert_eq!((verdict.outcome, verdict.judged.minutes), (VerdictStatus::Pass, 13), "{verdict:#?}");
    assert_eq!(judge(true, 10, 10.0).judged.minutes, 3);
    assert_eq!(judge(true, 10, 10.0).outcome, VerdictStatus::Inconclusive);
    assert_eq!(judge(true, -15, 10.0).outcome, VerdictStatus::Fail);
    // If the time of the change is not known, the window begins at most its own length before the first look. A minute
    // that was judged once is judged at each later look.
    assert_eq!(judge(false, 15, 10.0).judged.minutes, 10);
    let step =
        Step { since: Some(Since { at: at(3), seen: false }), began: None, bake: BAKE, timed: true, share: None };
    let looks = (180..900).step_by(20).map(|second| at(0) + SignedDuration::from_secs(second));
    let minutes: Vec<_> =
        looks.map(|now| of_canary(Some(&canary), Some(&stable), &step, now, &lines).judged.minutes).collect();
    assert!(minutes.is_sorted() && minutes.last() > Some(&18), "{minutes:?}");
    let step = Step { since: None, began: None, bake: BAKE, timed: true, share: Some(Percent::FULL) };
    let nothing = of_canary(Some(&canary), None, &step, now, &lines);
    assert_eq!((nothing.outcome, nothing.baseline), (VerdictStatus::Pass, Some(Numbers::default())));
    assert_eq!(
        of_canary(Some(&canary), None, &Step { share: None, ..step }, now, &lines).outcome,
        VerdictStatus::Inconclusive
    );
    assert_eq!(of_canary(None, Some(&stable), &step, now, &lines).outcome, VerdictStatus::Inconclusive);
}

#[test]
fn a_service_alone_is_held_against_the_lines() {
    let lines = Thresholds { p95_ms: Some(500.0), ..Thresholds::default() };
    let alone = |requests: f64, errors: f64, p95: f64| {
        of_service(Some(&series(&minutes(0, 20, requests, errors, p95))), at(20), &lines).outcome
    };
    assert_eq!(alone(300.0, 0.3, 100.0), VerdictStatus::Pass);
    assert_eq!(alone(300.0, 24.0, 100.0), VerdictStatus::Fail);
    assert_eq!(alone(300.0, 0.3, 700.0), VerdictStatus::Fail);
    assert_eq!(alone(5.0, 0.0, 100.0), VerdictStatus::Inconclusive);
    assert_eq!(of_service(None, at(20), &lines).outcome, VerdictStatus::Inconclusive);
}

#[test]
fn before_anything_has_settled_stables_own_hour_says_how_long_it_takes() {
    let lines = Thresholds::default();
    let stable = series(&minutes(-60, 61, 3000.0, 6.0, 100.0));
    let judge = |stable: &Series, share: f64| {
        let step = Step {
            began: None,
            since: Some(Since { at: at(0), seen: true }),
            bake: BAKE,
            timed: true,
            share: Percent::new(share).ok(),
        };
        of_canary(None, Some(stable), &step, at(1), &lines)
    };
    let verdict = judge(&stable, 1.0);
    let needs = verdict.needs.unwrap();
    // At 30 requests a minute, a good canary took 23 or 35 minutes in separate runs.
    assert!(matches!(needs.minutes, Some(15..=40)), "{needs:?}");
    assert_eq!(needs.requests, needs.minutes.map(|minutes| u64::from(minutes) * 30));
    assert!(says(&verdict, "if it gets its share"), "{:?}", verdict.reasons);
    // A larger share takes no less than the bake; without traffic there is no estimate.
    assert_eq!(judge(&stable, 10.0).needs.unwrap().minutes, Some(10));
    assert_eq!(judge(&Series::default(), 1.0).needs, Some(Needs { requests: Some(100), minutes: None }));
}

#[test]
fn requests_whose_errors_are_not_known_are_not_no_requests() {
    let stable = minutes(0, 12, 2700.0, 5.4, 100.0);
    let mut canary = minutes(0, 12, 300.0, 0.6, 101.0);
    canary.iter_mut().for_each(|minute| minute.errors = None);
    let verdict = judged(&canary, &stable);
    assert_eq!(verdict.outcome, VerdictStatus::Inconclusive);
    assert!(says(&verdict, "errors could not be read") && !says(&verdict, "no requests"), "{:?}", verdict.reasons);
}

#[test]
fn what_is_not_known_withholds_a_pass_and_nothing_else() {
    let stable = minutes(0, 60, 2700.0, 5.4, 100.0);
    let passed = judged(&minutes(0, 12, 300.0, 0.6, 101.0), &stable);
    assert_eq!(passed.outcome, VerdictStatus::Pass);
    let downgrade_to_inconclusive =
        passed.downgrade_to_inconclusive(ReasonCode::NumbersUnread.because("CPU could not be read"));
    assert_eq!(downgrade_to_inconclusive.outcome, VerdictStatus::Inconclusive);
    assert_eq!(
        (downgrade_to_inconclusive.reasons.as_slice(), downgrade_to_inconclusive.grounds.len()),
        (&[ReasonCode::NumbersUnread.because("CPU could not be read")][..], 0)
    );
    let failed = judged(&minutes(0, 3, 300.0, 30.0, 101.0), &stable)
        .downgrade_to_inconclusive(ReasonCode::NumbersUnread.because("CPU could not be read"));
    assert_eq!((failed.outcome, failed.critical), (VerdictStatus::Fail, true));
    assert!(failed.reasons[0].contains("5%") && says(&failed, "CPU"), "{:?}", failed.reasons);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// For any input: no panic, only NOT YET without data, and reasons or grounds with every verdict.
    #[test]
    fn no_data_is_never_good(
        canary in prop::collection::vec((0i64..30, prop::option::of(0.0f64..400.0), prop::option::of(0.0f64..20.0), prop::option::of(0.0f64..900.0)), 0..30),
        stable in prop::collection::vec((-70i64..30, prop::option::of(0.0f64..4000.0), prop::option::of(0.0f64..90.0), prop::option::of(0.0f64..900.0)), 0..60),
    ) {
        let side = |minutes: &[(i64, Option<f64>, Option<f64>, Option<f64>)]| {
            let mut side: Vec<_> = minutes.iter().map(|(minute, requests, errors, p95)| Observed {
                at: at(*minute), requests: *requests, errors: *errors, p50: None, p95: *p95, p99: None,
            }).collect();
            side.sort_by_key(|minute| minute.at);
            side.dedup_by_key(|minute| minute.at);
            side
        };
        let (canary, stable) = (side(&canary), side(&stable));
        let lines = Thresholds { p95_ms: Some(300.0), ..Thresholds::default() };
        let verdict = judge(&Case::recorded(&canary, &stable, BAKE, &lines));
        let known = canary.iter().filter(|minute| minute.count().is_some()).count();
        prop_assert!(known >= 10 || verdict.outcome != VerdictStatus::Pass);
        let case = Case::recorded(&canary, &stable, BAKE, &lines);
        prop_assert_eq!(status(&case), verdict.outcome);
        prop_assert!(known > 0 || verdict.outcome == VerdictStatus::Inconclusive);
        prop_assert_eq!(verdict.outcome == VerdictStatus::Pass, !verdict.grounds.is_empty());
        prop_assert!(verdict.outcome == VerdictStatus::Pass || !verdict.reasons.is_empty());
        let text = serde_json::to_string(&verdict).unwrap();
        prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}
