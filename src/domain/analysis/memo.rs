//! A memo of verdicts. The console derives its releases at every key, tick and answer, but a verdict changes only when
//! another minute has settled.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{Case, Numbers, Observed, RatioAt, Verdict, rules};
use crate::domain::settings::Thresholds;

/// A full memo is emptied. A verdict over ten minutes takes about 2 KB.
const CAPACITY: usize = 512;

thread_local! {
    static GIVEN: RefCell<HashMap<Key, Verdict>> = RefCell::default();
    /// The newest picture, with its inputs: one is on the screen at a time.
    static DRAWN: RefCell<(Vec<u64>, Vec<RatioAt>)> = RefCell::default();
}

/// All inputs of a verdict, in bits: `f64` has neither `Eq` nor `Hash`. The functions below destructure without `..`,
/// so that the compiler reports each new field.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Canary(Vec<u64>),
    /// The flag: there is a baseline without requests.
    Alone(bool, Vec<u64>),
}

/// The verdict of [`rules::judge`].
pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let Case { canary, stable, before, begins, look, planned, share, histograms, timed, thresholds } = *case;
    let mut bits = Vec::new();
    for minutes in [canary, stable, before] {
        push_minutes(&mut bits, minutes);
    }
    push_time(&mut bits, begins);
    bits.extend([u64::from(look), u64::from(planned), u64::from(timed)]);
    push_optional(&mut bits, [share]);
    for side in [histograms.canary, histograms.stable] {
        bits.push(side.len() as u64);
        for (at, histogram) in side {
            push_time(&mut bits, *at);
            bits.push(histogram.digest());
        }
    }
    push_thresholds(&mut bits, thresholds);
    verdict(Key::Canary(bits), || rules::judge(case))
}

/// The verdict of [`rules::alone`]; `baseline`: there is a baseline without requests.
pub(super) fn alone(minutes: &[Observed], baseline: bool, thresholds: &Thresholds) -> Verdict {
    let mut bits = Vec::new();
    push_minutes(&mut bits, minutes);
    push_thresholds(&mut bits, thresholds);
    verdict(Key::Alone(baseline, bits), || rules::alone(minutes, baseline.then(Numbers::default), thresholds))
}

/// The ratios that `of` computes from these minutes of both sides.
pub(super) fn ratios(sides: [&[Observed]; 2], beyond: f64, of: impl FnOnce() -> Vec<RatioAt>) -> Vec<RatioAt> {
    let mut bits = vec![beyond.to_bits()];
    sides.into_iter().for_each(|side| push_minutes(&mut bits, side));
    if let Some(drawn) = DRAWN.with_borrow(|(of, drawn)| (*of == bits).then(|| drawn.clone())) {
        return drawn;
    }
    let drawn = of();
    DRAWN.set((bits, drawn.clone()));
    drawn
}

fn verdict(key: Key, judge: impl FnOnce() -> Verdict) -> Verdict {
    if let Some(given) = GIVEN.with_borrow(|given| given.get(&key).cloned()) {
        return given;
    }
    let verdict = judge();
    GIVEN.with_borrow_mut(|given| {
        if given.len() >= CAPACITY {
            given.clear();
        }
        given.insert(key, verdict.clone());
    });
    verdict
}

fn push_minutes(bits: &mut Vec<u64>, minutes: &[Observed]) {
    bits.push(minutes.len() as u64);
    for minute in minutes {
        let Observed { at, requests, errors, p50, p95, p99 } = *minute;
        push_time(bits, at);
        push_optional(bits, [requests, errors, p50, p95, p99]);
    }
}

fn push_thresholds(bits: &mut Vec<u64>, thresholds: &Thresholds) {
    let Thresholds {
        error_percent,
        error_ratio,
        error_ratio_critical,
        p95_ms,
        p95_ratio,
        warn_error_percent,
        warn_p95_ms,
        allowance,
        min_requests,
        false_alarms,
        false_passes,
        window,
    } = *thresholds;
    let lines = [error_percent, error_ratio, error_ratio_critical, p95_ratio, warn_error_percent, warn_p95_ms];
    bits.extend(lines.map(f64::to_bits));
    bits.extend([allowance, false_alarms, false_passes].map(f64::to_bits));
    push_optional(bits, [p95_ms]);
    bits.push(min_requests.into());
    push_duration(bits, window);
}

/// A bit mask of the known numbers, then each number.
fn push_optional<const N: usize>(bits: &mut Vec<u64>, numbers: [Option<f64>; N]) {
    bits.push(numbers.iter().fold(0, |known, number| known << 1 | u64::from(number.is_some())));
    bits.extend(numbers.map(|number| number.unwrap_or_default().to_bits()));
}

fn push_time(bits: &mut Vec<u64>, at: Timestamp) {
    push_duration(bits, at.as_duration());
}

fn push_duration(bits: &mut Vec<u64>, span: SignedDuration) {
    bits.extend([span.as_secs().cast_unsigned(), i64::from(span.subsec_nanos()).cast_unsigned()]);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::analysis::Histograms;
    use crate::domain::metrics::Histogram;

    fn minutes(requests: f64) -> Vec<Observed> {
        let minute = |n: i64| Observed {
            at: Timestamp::from_second(60 * n).unwrap(),
            requests: Some(requests),
            errors: Some(1.0),
            p50: None,
            p95: Some(120.0),
            p99: None,
        };
        (0..10).map(minute).collect()
    }

    /// Every input of a case is in its key: two cases that differ in one input get separate verdicts.
    #[test]
    fn a_verdict_is_given_again_for_the_same_numbers_alone() {
        let (canary, stable, before) = (minutes(300.0), minutes(30_000.0), minutes(20_000.0));
        let lines = Thresholds::default();
        let whole = Case {
            canary: &canary,
            stable: &stable,
            before: &before,
            begins: Timestamp::from_second(0).unwrap(),
            look: 10,
            planned: 10,
            share: Some(0.01),
            histograms: Histograms::default(),
            timed: true,
            thresholds: &lines,
        };
        let (fewer, strict) = (minutes(20.0), Thresholds { allowance: 0.01, min_requests: 9_999, ..lines });
        let histograms = |fast: f64| {
            let histogram = Histogram::cumulative(vec![(100.0, fast), (f64::INFINITY, 300.0)]).unwrap();
            canary.iter().map(|minute| (minute.at, histogram.clone())).collect::<BTreeMap<_, _>>()
        };
        let (timed, slower) = (histograms(200.0), histograms(100.0));
        let cases = [
            whole,
            Case { canary: &fewer, ..whole },
            Case { stable: &fewer, ..whole },
            Case { before: &fewer, ..whole },
            Case { canary: &canary[1..], ..whole },
            Case { look: 3, ..whole },
            Case { planned: 60, ..whole },
            Case { share: None, ..whole },
            Case { histograms: Histograms { canary: &timed, stable: &timed }, ..whole },
            Case { histograms: Histograms { canary: &slower, stable: &timed }, ..whole },
            Case { timed: false, ..whole },
            Case { thresholds: &strict, ..whole },
        ];
        for _ in 0..2 {
            for case in &cases {
                assert_eq!(judge(case), rules::judge(case), "{case:?}");
                for baseline in [false, true] {
                    let expected = rules::alone(case.canary, baseline.then(Numbers::default), case.thresholds);
                    assert_eq!(alone(case.canary, baseline, case.thresholds), expected);
                }
            }
        }
        GIVEN.with_borrow(|given| {
            let canaries = given.keys().filter(|key| matches!(key, Key::Canary(_)));
            assert_eq!(canaries.count(), cases.len(), "each has a key of its own");
        });
    }
}
