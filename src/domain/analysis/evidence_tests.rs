//! Evidence over a whole release: carried from share to share, refuted, absurd, huge.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};

use super::*;
use crate::domain::metrics::{Histogram, Minute, Series};
use crate::domain::observe::snapshot::Since;
use crate::domain::release::share::Percent;
use crate::domain::settings::Thresholds;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_040 + minute * 60).unwrap()
}

/// One share: its length in minutes, the requests of canary and stable a minute, and the canary's error rate.
struct Share {
    minutes: i64,
    requests: (u64, u64),
    errors: f64,
}

const fn share(minutes: i64, requests: (u64, u64), errors: f64) -> Share {
    Share { minutes, requests, errors }
}

const AT_1: (u64, u64) = (30, 2970);
const AT_10: (u64, u64) = (300, 2700);
const AT_100: (u64, u64) = (3000, 0);

/// Stable's error rate.
const STABLE: f64 = 0.005;

/// Random minutes of a release with these shares. The verdict is about the last one.
fn verdict(seed: u64, shares: &[Share]) -> Verdict {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut side = |at: Timestamp, requests: u64, rate: f64| Minute {
        requests: Some(requests as f64).filter(|n| *n > 0.0),
        target_5xx: Some(Binomial::new(requests, rate).unwrap().sample(&mut random) as f64),
        p95: Some(100.0 + (at.as_second() / 60 % 11) as f64).filter(|_| requests > 0),
        ..Minute::at(at)
    };
    let (mut canary, mut stable, mut minute) = (Vec::new(), Vec::new(), 0);
    let mut begins = 0;
    for Share { minutes, requests, errors } in shares {
        begins = minute;
        for _ in 0..*minutes {
            canary.push(side(at(minute), requests.0, *errors));
            stable.push(side(at(minute), requests.1, STABLE));
            minute += 1;
        }
    }
    let (canary, stable) = (Series::from(canary), Series::from(stable));
    let last = shares.last().unwrap().requests;
    let step = Step {
        since: Some(Since { at: at(begins), seen: true }),
        began: Some(at(0)),
        bake: SignedDuration::from_mins(10),
        timed: true,
        share: Percent::of(last.0 as f64, (last.0 + last.1) as f64),
    };
    let now = at(minute) + canary.settles_after;
    of_canary(Some(&canary), Some(&stable), &step, now, &Thresholds::default())
}

/// Number of twenty seeds with a status.
fn of_twenty(status: VerdictStatus, shares: &[Share]) -> usize {
    (0..20).filter(|seed| verdict(*seed, shares).outcome == status).count()
}

#[test]
fn evidence_is_carried_from_share_to_share() {
    // Five minutes at 10 % are too few for a doubled error rate. After an hour at 1 % they suffice more often.
    let alone = of_twenty(VerdictStatus::Fail, &[share(5, AT_10, 0.01)]);
    let carried = of_twenty(VerdictStatus::Fail, &[share(60, AT_1, 0.01), share(5, AT_10, 0.01)]);
    assert!(alone <= 4 && carried >= alone + 6, "{alone} and {carried}");
}

#[test]
fn a_step_does_not_refute_a_fail() {
    let failed = share(40, AT_1, 0.03);
    assert!(of_twenty(VerdictStatus::Fail, &[share(40, AT_1, 0.03)]) >= 18);
    // The next share has one settled minute, in which nothing was worse; then none to compare with.
    assert!(of_twenty(VerdictStatus::Fail, &[failed, share(1, AT_10, STABLE)]) >= 16);
    assert!(of_twenty(VerdictStatus::Fail, &[share(40, AT_1, 0.03), share(12, AT_100, STABLE)]) >= 18);
}

#[test]
fn evidence_refutes_a_fail() {
    // Two bad minutes, as of a cold start, and then nothing worse for long.
    let cold = || share(2, AT_10, 0.05);
    assert!(of_twenty(VerdictStatus::Fail, &[cold(), share(3, AT_10, STABLE)]) >= 16);
    assert_eq!(of_twenty(VerdictStatus::Fail, &[cold(), share(170, AT_10, STABLE)]), 0);
}

#[test]
fn a_canary_that_becomes_bad_late_is_found() {
    let good = || share(60, AT_10, STABLE);
    let late = of_twenty(VerdictStatus::Fail, &[good(), share(8, AT_10, 0.03)]);
    assert!(late >= 18, "{late}");
    let bad_under_load = of_twenty(VerdictStatus::Fail, &[share(120, AT_1, STABLE), share(8, AT_10, 0.025)]);
    assert!(bad_under_load >= 18, "{bad_under_load}");
}

/// The requests of a minute do not make a verdict slow. In the debug build a verdict takes some milliseconds.
#[test]
fn the_time_of_a_verdict_does_not_depend_on_the_number_of_requests() {
    let minutes = |requests: f64, errors: f64| -> Vec<Observed> {
        let minute = |n: i64| Observed {
            at: at(n),
            requests: Some(requests),
            errors: Some(errors),
            p50: None,
            p95: Some(100.0),
            p99: None,
        };
        (0..180).map(minute).collect()
    };
    let lines = Thresholds::default();
    let timed = |scale: f64| {
        let (canary, stable) = (minutes(100.0 * scale, scale), minutes(900.0 * scale, 9.0 * scale));
        let began = Instant::now();
        let verdict = judge(&Case::recorded(&canary, &stable, SignedDuration::from_mins(10), &lines));
        assert_ne!(verdict.outcome, VerdictStatus::Fail);
        began.elapsed()
    };
    let few = (0..5).map(|_| timed(1.0)).min().unwrap();
    let many = (0..5).map(|_| timed(1e9)).min().unwrap();
    assert!(many < few * 8 + Duration::from_millis(5), "{few:?} and {many:?}");
}

#[test]
fn absurd_numbers_are_no_data() {
    let minute = |requests: f64, errors: f64| Observed {
        at: at(0),
        requests: Some(requests),
        errors: Some(errors),
        p50: None,
        p95: None,
        p99: None,
    };
    for (requests, errors) in [
        (1e18, 1.0),
        (f64::MAX, f64::MAX),
        (f64::INFINITY, 0.0),
        (f64::NAN, 0.0),
        (-5.0, 0.0),
        (100.0, -1.0),
        (100.0, f64::NAN),
        (100.0, 1e300),
    ] {
        assert_eq!(minute(requests, errors).count(), None, "{requests} {errors}");
    }
    // Connection errors are counted apart from requests.
    assert_eq!(minute(100.0, 130.0).count().map(|count| count.errors), Some(100.0));
}

#[test]
fn evidence_is_told_with_what_is_needed() {
    let verdict = verdict(3, &[share(4, AT_10, 0.01)]);
    let rate = verdict.error_rate.unwrap();
    assert_eq!(rate.evidence_needed.round(), 200.0);
    assert!(rate.ratio_low < rate.canary / rate.stable && rate.ratio_high.unwrap() > rate.canary / rate.stable);
    assert!(rate.difference_low < 0.5 && 0.5 < rate.difference_high, "{rate:?}");
}

/// Twenty minutes of both sides, with 300 and 2,700 requests, and histograms with these edges. `slower`: the factor
/// between the sides' latencies, which are exponential around 60 ms.
fn timed(slower: f64, edges: &[f64], judged: impl FnOnce(&Case<'_>)) {
    let histogram = |requests: f64, mean: f64| {
        let faster = |edge: &f64| (*edge, (requests * (1.0 - (-edge / mean).exp())).round());
        let total = (f64::INFINITY, requests);
        Histogram::cumulative(edges.iter().map(faster).chain([total]).collect()).unwrap()
    };
    let side = |requests: f64, mean: f64| {
        let p95 = Some(mean * 20f64.ln());
        let minutes: Vec<_> = (0..20)
            .map(|n| Observed { at: at(n), requests: Some(requests), errors: Some(0.0), p50: None, p95, p99: None })
            .collect();
        let histograms: BTreeMap<_, _> = (0..20).map(|n| (at(n), histogram(requests, mean))).collect();
        (minutes, histograms)
    };
    let (canary, stable) = (side(300.0, 60.0 * slower), side(2_700.0, 60.0));
    let lines = Thresholds::default();
    let case = Case::recorded(&canary.0, &stable.0, SignedDuration::from_mins(10), &lines);
    judged(&Case { histograms: Histograms { canary: &canary.1, stable: &stable.1 }, ..case });
}

const EDGES: [f64; 6] = [50.0, 75.0, 100.0, 150.0, 200.0, 400.0];

#[test]
fn a_slower_canary_fails_by_its_slow_requests_and_the_sentence_counts_them() {
    timed(1.6, &EDGES, |case| {
        let verdict = judge(case);
        assert_eq!(verdict.outcome, VerdictStatus::Fail, "{:?}", verdict.reasons);
        let said = &verdict.reasons.first().unwrap().text;
        assert!(said.contains("of requests take longer than ") && said.contains("(evidence 1 : "), "{said}");
        let slow = verdict.latency.unwrap().slow_requests.unwrap();
        assert!(slow.canary > 1.5 * slow.stable && slow.evidence >= slow.evidence_needed, "{slow:?}");
        assert!(EDGES.contains(&slow.edge_ms));
    });
}

#[test]
fn a_canary_as_fast_as_stable_passes_and_a_little_slower_one_does_not_fail() {
    for slower in [0.8, 1.0, 1.1] {
        timed(slower, &EDGES, |case| assert_eq!(judge(case).outcome, VerdictStatus::Pass, "{:?}", judge(case)));
    }
}

#[test]
fn hundreds_of_buckets_are_thinned_and_judged_alike() {
    let edges: Vec<f64> = (1..=500).map(|edge| f64::from(edge) * 2.0).collect();
    let began = Instant::now();
    timed(1.6, &edges, |case| assert_eq!(judge(case).outcome, VerdictStatus::Fail));
    timed(1.0, &edges, |case| assert_eq!(judge(case).outcome, VerdictStatus::Pass));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn buckets_that_are_too_wide_to_tell_withhold_a_pass_and_are_named() {
    timed(1.0, &[5_000.0], |case| {
        let verdict = judge(case);
        assert_eq!(verdict.outcome, VerdictStatus::Inconclusive);
        assert!(verdict.reasons.iter().any(|reason| reason.text.contains("too wide buckets")), "{:?}", verdict.reasons);
    });
}

#[test]
fn histograms_of_one_side_or_of_few_minutes_leave_latency_to_the_order_of_the_minutes() {
    timed(1.6, &EDGES, |case| {
        let few: BTreeMap<_, _> = case.histograms.canary.iter().take(9).map(|(at, it)| (*at, it.clone())).collect();
        let none = BTreeMap::new();
        for canary in [&few, &none] {
            let histograms = Histograms { canary, ..case.histograms };
            assert_eq!(judge(&Case { histograms, ..*case }).latency.unwrap().slow_requests, None);
        }
        // Other edges on each side are nothing to compare by.
        let other = |_| Histogram::cumulative(vec![(60.0, 10.0), (f64::INFINITY, 300.0)]).unwrap();
        let other: BTreeMap<_, _> = case.histograms.canary.keys().map(|at| (*at, other(at))).collect();
        let histograms = Histograms { canary: &other, ..case.histograms };
        assert_eq!(judge(&Case { histograms, ..*case }).latency.unwrap().slow_requests, None);
    });
}
