//! The interval of the ratio of both error rates as it was after each minute: the verdict as a picture.

use jiff::{SignedDuration, Timestamp};

use super::case::pairs;
use super::counts::total;
use super::window::settled;
use super::{Observed, error_ratio, memo};
use crate::domain::metrics::Series;
use crate::domain::settings::Thresholds;

/// The ratio of the canary's error rate to stable's, as the minutes up to a time show it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioAt {
    /// The start of the newest minute that counts.
    pub at: Timestamp,
    /// Start of the first minute after the previous value's.
    pub from: Timestamp,
    /// The ratio of all errors over all requests; `None`: stable has no errors yet.
    pub ratio: Option<f64>,
    /// The lower bound. Each bound holds over all looks, with the confidence that `false_passes` leaves.
    pub low: f64,
    /// The upper bound; infinite where no ratio is ruled out.
    pub high: f64,
}

/// Number of values; more would not be told apart on a screen.
const MOST: usize = 60;
const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// The ratio after each minute from `began` on, at most sixty of them, oldest first.
pub fn ratio_over_time(
    [canary, stable]: [&Series; 2],
    began: Timestamp,
    now: Timestamp,
    thresholds: &Thresholds,
) -> Vec<RatioAt> {
    let sides = [canary, stable].map(|side| settled(Some(side), began, now, now));
    let beyond = thresholds.false_passes / 100.0;
    memo::ratios([&sides[0], &sides[1]], beyond, || of(&sides, beyond))
}

fn of([canary, stable]: &[Vec<Observed>; 2], beyond: f64) -> Vec<RatioAt> {
    let both = pairs(canary, stable).into_iter().filter(|(_, pair)| pair.share().is_some());
    let (times, minutes): (Vec<_>, Vec<_>) = both.unzip();
    let every = minutes.len().div_ceil(MOST).max(1);
    // The newest minute always has a value.
    let ends = (1..=minutes.len()).rev().step_by(every);
    let mut found: Vec<_> = ends
        .filter_map(|end| {
            let so_far = minutes.get(..end)?;
            let (low, high) = error_ratio::interval(so_far, beyond);
            let canary = total(so_far.iter().map(|pair| pair.canary));
            let stable = total(so_far.iter().map(|pair| pair.stable));
            let ratio = (stable.errors > 0.0).then(|| canary.rate() / stable.rate());
            let at = *times.get(end - 1)?;
            let from = end.checked_sub(every + 1).and_then(|before| times.get(before)).map(|before| *before + MINUTE);
            Some(RatioAt { at, from: from.or(times.first().copied())?, ratio, low, high })
        })
        .collect();
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metrics::Minute;
    use crate::testkit::worlds::now;

    fn series(minutes: i64, requests: f64, errors: f64) -> Series {
        let minute = |ago: i64| Minute {
            requests: Some(requests),
            target_5xx: Some(errors),
            ..Minute::at(now() - SignedDuration::from_mins(ago))
        };
        Series::from((3..3 + minutes).rev().map(minute).collect::<Vec<_>>())
    }

    #[test]
    fn the_interval_narrows_around_the_ratio_and_covers_each_minute_once() {
        for minutes in [1, 12, 60, 170] {
            let (canary, stable) = (series(minutes, 300.0, 6.0), series(minutes, 2_700.0, 27.0));
            let began = now() - SignedDuration::from_mins(200);
            let found = ratio_over_time([&canary, &stable], began, now(), &Thresholds::default());
            assert!(!found.is_empty() && found.len() <= MOST, "{minutes}: {}", found.len());
            assert_eq!(found.last().map(|last| last.at), canary.minutes.last().map(|last| last.at));
            assert_eq!(found.first().map(|first| first.from), canary.minutes.first().map(|first| first.at));
            assert!(found.windows(2).all(|pair| pair[0].at + MINUTE == pair[1].from), "{minutes}: {found:?}");
            assert!(found.iter().all(|it| it.ratio == Some(2.0) && it.low < 2.0 && it.high > 2.0), "{found:?}");
            assert!(found.windows(2).all(|pair| pair[1].low >= pair[0].low && pair[1].high <= pair[0].high));
        }
        let nothing = ratio_over_time([&Series::default(), &Series::default()], now(), now(), &Thresholds::default());
        assert_eq!(nothing, []);
    }
}
