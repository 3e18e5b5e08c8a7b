//! The statistics against what SciPy and statsmodels say (`tests/stats`), and what must hold of them anywhere.

use proptest::prelude::*;
use serde::Deserialize;

use super::error_rate_test;
use super::error_rate_test::Count;
use super::latency_test;

#[derive(Deserialize)]
struct Cases {
    above_line: Vec<(f64, f64, f64, f64)>,
    bounds: Vec<(f64, f64, f64, f64, f64)>,
    counts: Vec<Pair>,
    ranks: Vec<Samples>,
}

#[derive(Deserialize)]
struct Pair {
    a: (f64, f64),
    b: (f64, f64),
    worse: f64,
    scores: Vec<(f64, f64, f64)>,
    difference: Vec<(f64, f64, f64)>,
}

#[derive(Deserialize)]
struct Samples {
    a: Vec<f64>,
    b: Vec<f64>,
    p_above: f64,
    p_below: f64,
    effect: f64,
}

fn cases() -> Cases {
    serde_json::from_str(include_str!("../../../tests/stats/cases.json")).unwrap()
}

fn count((errors, requests): (f64, f64)) -> Count {
    Count::new(requests, errors)
}

/// Within 1e-6, and of what is small within that part of it.
fn same(what: &str, ours: f64, theirs: f64) {
    let off = (ours - theirs).abs();
    assert!(off <= 1e-6 && off <= 1e-6 * theirs.abs() + 1e-12, "{what}: {ours} is {theirs} elsewhere");
}

#[test]
fn a_rate_above_a_line_is_what_scipy_says() {
    for (x, n, line, p) in cases().above_line {
        same(&format!("{x} of {n} above {line}"), error_rate_test::above_line(count((x, n)), line), p);
    }
}

#[test]
fn the_bounds_of_a_rate_are_what_scipy_says() {
    for (x, n, beyond, low, high) in cases().bounds {
        let (ours_low, ours_high) = error_rate_test::bounds(count((x, n)), beyond).unwrap();
        same(&format!("{x} of {n}, low"), ours_low, low);
        same(&format!("{x} of {n}, high"), ours_high, high);
    }
}

#[test]
fn two_rates_compare_as_scipy_and_statsmodels_say() {
    let mut compared = 0;
    for case in cases().counts {
        let (a, b) = (count(case.a), count(case.b));
        same(&format!("{a:?} worse than {b:?}"), error_rate_test::worse(a, b), case.worse);
        for (delta, score, within) in case.scores {
            same(&format!("{a:?} {b:?} at {delta}"), error_rate_test::score(a, b, delta), score);
            same(&format!("{a:?} {b:?} within {delta}"), error_rate_test::within(a, b, delta), within);
        }
        for (beyond, low, high) in case.difference {
            let (ours_low, ours_high) = error_rate_test::difference(a, b, beyond).unwrap();
            let what = format!("{a:?} {b:?} beyond {beyond}");
            assert!((ours_low - low).abs() < 1e-6, "{what}: low {ours_low} is {low}");
            assert!((ours_high - high).abs() < 1e-6, "{what}: high {ours_high} is {high}");
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared}");
}

#[test]
fn differences_have_the_bounds_that_were_published() {
    // R. G. Newcombe, Statistics in Medicine 17 (1998), table II, method 6 with N/(N−1) (Miettinen–Nurminen), 95 %.
    for (a, b, low, high) in [((56.0, 70.0), (48.0, 80.0), 0.0528, 0.3382), ((9.0, 10.0), (3.0, 10.0), 0.1700, 0.8406)]
    {
        let (ours_low, ours_high) = error_rate_test::difference(count(a), count(b), 0.025).unwrap();
        assert!(
            (ours_low - low).abs() < 5e-5 && (ours_high - high).abs() < 5e-5,
            "{a:?} {b:?}: {ours_low} {ours_high}"
        );
    }
}

#[test]
fn samples_compare_as_scipy_says() {
    for case in cases().ranks {
        let what = format!("{} against {}, {:?}…", case.a.len(), case.b.len(), case.a.first());
        let ours = latency_test::compare(&case.a, &case.b).unwrap();
        same(&format!("{what} above"), ours.p_above, case.p_above);
        same(&format!("{what} below"), ours.p_below, case.p_below);
        same(&format!("{what} effect"), ours.effect, case.effect);
    }
}

fn side() -> impl Strategy<Value = Count> {
    let requests = prop_oneof![1u32..60, 1u32..5_000, 1u32..1_000_000];
    (requests, prop_oneof![Just(0.0), Just(1.0), 0.0f64..0.02, 0.0f64..1.0])
        .prop_map(|(n, part)| Count::new(f64::from(n), f64::from(n) * part))
}

fn sample() -> impl Strategy<Value = Vec<f64>> {
    // Whole numbers tie, others do not.
    prop_oneof![prop::collection::vec((1u32..30).prop_map(f64::from), 1..30), prop::collection::vec(0.0f64..1e6, 1..30)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rates_behave(a in side(), b in side(), line in 0.0001f64..0.9999, beyond in 1e-6f64..0.3) {
        let p = |value: f64| value.is_finite() && (0.0..=1.0).contains(&value);
        prop_assert!(p(error_rate_test::worse(a, b)) && p(error_rate_test::above_line(a, line)) && p(error_rate_test::within(a, b, 0.005)));
        prop_assert!(error_rate_test::score(a, b, 0.0).is_finite());
        // One more error never looks better.
        if a.errors < a.requests {
            let more = Count { errors: a.errors + 1.0, ..a };
            prop_assert!(error_rate_test::worse(more, b) <= error_rate_test::worse(a, b) + 1e-12);
            prop_assert!(error_rate_test::above_line(more, line) <= error_rate_test::above_line(a, line) + 1e-12);
            prop_assert!(error_rate_test::within(more, b, 0.005) + 1e-9 >= error_rate_test::within(a, b, 0.005));
        }
        // So many or more, and fewer: one of the two.
        if b.errors > 0.0 && a.errors < a.requests {
            let (more, fewer) = (Count { errors: a.errors + 1.0, ..a }, Count { errors: b.errors - 1.0, ..b });
            let both = error_rate_test::worse(more, fewer) + error_rate_test::worse(b, a);
            prop_assert!((both - 1.0).abs() < 1e-9, "{both}");
        }
        let (low, high) = error_rate_test::bounds(a, beyond).unwrap();
        prop_assert!(0.0 <= low && low <= a.rate() + 1e-12 && a.rate() <= high + 1e-12 && high <= 1.0);
        let (low, high) = error_rate_test::difference(a, b, beyond).unwrap();
        let observed = a.rate() - b.rate();
        prop_assert!(-1.0 <= low && low <= observed + 1e-9 && observed <= high + 1e-9 && high <= 1.0, "{low} {high}");
        // The other way round is the other way round.
        let (other_low, other_high) = error_rate_test::difference(b, a, beyond).unwrap();
        prop_assert!((low + other_high).abs() < 1e-9 && (high + other_low).abs() < 1e-9, "{low} {other_high}");
    }

    #[test]
    fn ranks_behave(a in sample(), b in sample()) {
        let (one, other) = (latency_test::compare(&a, &b).unwrap(), latency_test::compare(&b, &a).unwrap());
        for p in [one.p_above, one.p_below, one.effect] {
            prop_assert!((0.0..=1.0).contains(&p), "{p}");
        }
        prop_assert!((one.p_above - other.p_below).abs() < 1e-9);
        prop_assert!((one.effect + other.effect - 1.0).abs() < 1e-9);
        let slower: Vec<_> = a.iter().map(|value| value * 1.2 + 1.0).collect();
        let slower = latency_test::compare(&slower, &b).unwrap();
        prop_assert!(slower.effect + 1e-12 >= one.effect);
        if a.len() <= 12 && b.len() <= 12 {
            // Ties change the exact distribution, so only its own middle is fixed.
            prop_assert!(one.p_above + one.p_below >= 1.0 - 1e-9);
        }
    }
}

#[test]
fn nothing_says_nothing() {
    let (none, some) = (Count::default(), Count::new(100.0, 1.0));
    for (a, b) in [(none, none), (none, some), (some, none)] {
        assert_eq!((error_rate_test::worse(a, b), error_rate_test::within(a, b, 0.005)), (1.0, 1.0));
        assert_eq!(error_rate_test::difference(a, b, 0.025), None);
    }
    assert_eq!((error_rate_test::above_line(none, 0.05), error_rate_test::bounds(none, 0.025)), (1.0, None));
    assert_eq!(latency_test::compare(&[], &[1.0]), None);
    assert_eq!(latency_test::compare(&[f64::NAN], &[1.0]), None);
    assert_eq!(Count::new(f64::NAN, 3.0), none);
    assert_eq!(Count::new(10.0, 30.0).rate(), 1.0);
}
