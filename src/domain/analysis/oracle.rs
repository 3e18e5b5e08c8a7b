//! The statistics against what SciPy, statsmodels, confseq and savvi say (`tests/stats`), and what must hold of them
//! anywhere.

use proptest::prelude::*;
use serde::Deserialize;

use super::counts::{Count, Pair};
use super::e_process::starts;
use super::{error_excess, error_line, error_ratio, latency_test};

#[derive(Deserialize)]
struct Cases {
    intervals: Vec<(f64, f64, f64, f64, f64)>,
    ratios: Vec<Ratio>,
    lines: Vec<Line>,
    excesses: Vec<Excess>,
    ranks: Vec<Samples>,
}

/// Minutes: the canary's errors and requests, then stable's.
type Minutes = Vec<(f64, f64, f64, f64)>;

#[derive(Deserialize)]
struct Ratio {
    minutes: Minutes,
    ratio: f64,
    starts: Vec<f64>,
    evidence: f64,
    beyond: f64,
    low: f64,
    /// `None`: no ratio is ruled out.
    high: Option<f64>,
}

#[derive(Deserialize)]
struct Line {
    counts: Vec<(f64, f64)>,
    line: f64,
    starts: Vec<f64>,
    evidence: f64,
}

#[derive(Deserialize)]
struct Excess {
    minutes: Minutes,
    excess: f64,
    evidence: f64,
    beyond: f64,
    low: f64,
    high: f64,
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

fn pairs(minutes: &Minutes) -> Vec<Pair> {
    let pair = |(x, n, y, m): &(f64, f64, f64, f64)| Pair { canary: Count::new(*n, *x), stable: Count::new(*m, *y) };
    minutes.iter().map(pair).collect()
}

/// Within 1e-6, and of what is small within that part of it.
fn same(what: &str, ours: f64, theirs: f64) {
    let off = (ours - theirs).abs();
    assert!(off <= 1e-6 && off <= 1e-6 * theirs.abs() + 1e-9, "{what}: {ours} is {theirs} elsewhere");
}

#[test]
fn the_interval_of_a_rate_is_what_statsmodels_says() {
    for (x, n, beyond, low, high) in cases().intervals {
        let (ours_low, ours_high) = Count::new(n, x).interval(beyond).unwrap();
        same(&format!("{x} of {n}, low"), ours_low, low);
        same(&format!("{x} of {n}, high"), ours_high, high);
    }
}

#[test]
fn evidence_of_a_ratio_and_its_bounds_are_what_was_computed_elsewhere() {
    for case in cases().ratios {
        let minutes = pairs(&case.minutes);
        let what = format!("{} minutes from {:?} on", minutes.len(), case.minutes.first());
        same(&what, error_ratio::worse_than(case.ratio, &minutes, &case.starts, 1e9).log, case.evidence);
        let (low, high) = error_ratio::interval(&minutes, case.beyond);
        same(&format!("{what}, low"), low, case.low);
        match case.high {
            Some(expected) => same(&format!("{what}, high"), high / expected, 1.0),
            None => assert!(high.is_infinite(), "{what}: {high}"),
        }
    }
}

#[test]
fn evidence_against_a_line_is_what_scipy_says() {
    for case in cases().lines {
        let counts: Vec<_> = case.counts.iter().map(|(x, n)| Count::new(*n, *x)).collect();
        let ours = error_line::above(case.line, &counts, &case.starts, 1e9).log;
        same(&format!("{:?} at {}", case.counts.first(), case.line), ours, case.evidence);
    }
}

#[test]
fn evidence_of_an_excess_and_its_bounds_are_what_scipy_says() {
    for case in cases().excesses {
        let minutes = pairs(&case.minutes);
        let what = format!("{} minutes from {:?} on", minutes.len(), case.minutes.first());
        same(&what, error_excess::less_than(case.excess, &minutes), case.evidence);
        let (low, high) = error_excess::interval(&minutes, case.beyond);
        same(&format!("{what}, low"), low, case.low);
        same(&format!("{what}, high"), high, case.high);
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
    let requests = prop_oneof![Just(0u32), 1u32..60, 1u32..5_000, 1u32..1_000_000_000];
    (requests, prop_oneof![Just(0.0), Just(1.0), 0.0f64..0.02, 0.0f64..1.0])
        .prop_map(|(n, part)| Count::new(f64::from(n), f64::from(n) * part))
}

fn release() -> impl Strategy<Value = Vec<Pair>> {
    prop::collection::vec((side(), side()).prop_map(|(canary, stable)| Pair { canary, stable }), 1..8)
}

fn sample() -> impl Strategy<Value = Vec<f64>> {
    // Whole numbers tie, others do not.
    prop_oneof![prop::collection::vec((1u32..30).prop_map(f64::from), 1..30), prop::collection::vec(0.0f64..1e6, 1..30)]
}

/// The same minutes with one more error of the canary in the last one.
fn one_more(release: &[Pair]) -> Option<Vec<Pair>> {
    let mut more = release.to_vec();
    let last = more.last_mut()?;
    last.canary.errors += 1.0;
    (last.canary.errors <= last.canary.requests).then_some(more)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn evidence_behaves(release in release(), line in 0.0001f64..0.9999, beyond in 1e-6f64..0.3) {
        let begins = starts(&release);
        prop_assert!(begins.iter().sum::<f64>() <= 1.0 + 1e-12, "{begins:?}");
        let counts = |release: &[Pair]| release.iter().map(|pair| pair.canary).collect::<Vec<_>>();
        let worse = |release: &[Pair]| error_ratio::worse_than(1.0, release, &begins, 250.0);
        let over = |release: &[Pair]| error_line::above(line, &counts(release), &begins, 250.0);
        let within = |release: &[Pair]| error_excess::less_than(0.005, release);
        prop_assert!(!worse(&release).log.is_nan() && !over(&release).log.is_nan() && within(&release).is_finite());
        // One more error never looks better.
        if let Some(more) = one_more(&release) {
            prop_assert!(worse(&more).log + 1e-6 >= worse(&release).log);
            prop_assert!(over(&more).log + 1e-6 >= over(&release).log);
            prop_assert!(within(&more) <= within(&release) + 1e-6);
        }
        let (low, high) = error_ratio::interval(&release, beyond);
        prop_assert!(0.0 <= low && low <= high, "{low} {high}");
        let (low, high) = error_excess::interval(&release, beyond);
        prop_assert!(-1.0 <= low && low <= high + 1e-9 && high <= 1.0, "{low} {high}");
        let first = release[0].canary;
        if let Some((low, high)) = first.interval(beyond) {
            prop_assert!(0.0 <= low && low <= first.rate() && first.rate() <= high && high <= 1.0);
        }
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
    for (canary, stable) in [(none, none), (none, some), (some, none)] {
        let minutes = [Pair { canary, stable }];
        let evidence = error_ratio::worse_than(1.0, &minutes, &starts(&minutes), 250.0);
        assert!(evidence.log.abs() < 1e-9 && evidence.decided_from.is_none(), "{evidence:?}");
        assert_eq!(error_excess::less_than(0.005, &minutes), 0.0);
        assert_eq!(error_ratio::interval(&minutes, 0.05), (0.0, f64::INFINITY));
        assert_eq!(error_excess::interval(&minutes, 0.05), (-1.0, 1.0));
    }
    assert_eq!(none.interval(0.025), None);
    assert!(error_line::above(0.05, &[none], &[1.0], 250.0).log.abs() < 1e-9);
    assert_eq!(latency_test::compare(&[], &[1.0]), None);
    assert_eq!(latency_test::compare(&[f64::NAN], &[1.0]), None);
    assert_eq!(Count::new(f64::NAN, 3.0), none);
    assert_eq!(Count::new(10.0, 30.0).rate(), 1.0);
}
