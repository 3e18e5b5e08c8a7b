//! The time since which the requests show the canary's present share. AWS keeps no times of a rule's changes, but
//! CloudWatch keeps the requests of each minute. So a machine that did not see the change can still date it.
//!
//! Minutes are added up into blocks, newest first, until a block has enough requests to decide: it *shows* the present
//! share, or it shows *another* one. The share stands since the oldest block of an unbroken run. That block itself is
//! left out, because the change may be in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::domain::metrics::Series;
use crate::domain::release::ladder::Ladder;
use crate::domain::release::share::Percent;

/// Half width of the confidence interval of a counted share, in standard deviations: one block in ten thousand is
/// misread.
const DEVIATIONS: f64 = 3.9;
/// Odds that differ from the present odds by more than this factor never count as the present share.
const FARTHEST: f64 = 3.0;
/// Odds within this factor never count as another share: weights are whole numbers, and metrics are inexact too.
const NEAREST: f64 = 1.25;
/// Maximum gap between two minutes with requests, and maximum age of the newest one beyond the settling time.
const GAP: SignedDuration = SignedDuration::from_mins(6);
const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// The result of reading the share from the requests of each minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownShare {
    /// The time since which the requests show the present share; `None`: they do not show it.
    pub since: Option<Timestamp>,
    /// The end of the newest minutes that show another share.
    pub other_until: Option<Timestamp>,
}

/// The requests of one minute.
#[derive(Debug, Clone, Copy)]
struct Requests {
    at: Timestamp,
    canary: f64,
    both: f64,
}

/// The result of reading one block of minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Present,
    Other,
    /// Too few requests to tell.
    Unclear,
}

/// The range of odds that count as the present share, and the range of odds that do not count as another share.
struct Bands {
    present: (f64, f64),
    not_other: (f64, f64),
}

impl ShownShare {
    /// Reads the settled minutes from `began` on, for a canary that has `share` on `ladder`.
    pub fn of(
        [canary, stable]: [&Series; 2],
        (share, ladder): (Percent, &Ladder),
        began: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let mut shown = Self { since: None, other_until: None };
        let bands = Bands::of(share, ladder);
        let mut newer = now - canary.settles_after.max(stable.settles_after);
        let (mut part, mut all, mut end, mut shown_before) = (0.0, 0.0, None, false);
        for minute in newest_first(canary, stable, began, now) {
            if newer.duration_since(minute.at) > GAP {
                return shown;
            }
            newer = minute.at;
            (part, all) = (part + minute.canary, all + minute.both);
            let block_end = *end.get_or_insert(minute.at + MINUTE);
            match bands.read(part, all) {
                Shown::Unclear => continue,
                Shown::Other => {
                    shown.other_until = Some(block_end);
                    return shown;
                }
                Shown::Present => {
                    shown.since = shown_before.then_some(block_end);
                    shown_before = true;
                }
            }
            (part, all, end) = (0.0, 0.0, None);
        }
        shown
    }
}

/// The settled minutes with requests, newest first. A side that has no value for a minute of the other side counts as a
/// side without requests.
fn newest_first(
    canary: &Series,
    stable: &Series,
    began: Option<Timestamp>,
    now: Timestamp,
) -> impl Iterator<Item = Requests> {
    let known = !canary.miscounted() && !stable.miscounted();
    let within = move |at: Timestamp| began.is_none_or(|began| began <= at) && known;
    let counted = |series: &Series| -> BTreeMap<Timestamp, f64> {
        let settled = series.minutes.iter().filter(|minute| within(minute.at) && series.settled(minute.at, now));
        let requests = settled.filter_map(|minute| Some((minute.at, minute.requests?)));
        requests.filter(|(_, requests)| requests.is_finite() && *requests > 0.0).collect()
    };
    let (canary, stable) = (counted(canary), counted(stable));
    let all: BTreeSet<_> = canary.keys().chain(stable.keys()).copied().collect();
    all.into_iter().rev().map(move |at| {
        let requests = |side: &BTreeMap<Timestamp, f64>| side.get(&at).copied().unwrap_or(0.0);
        Requests { at, canary: requests(&canary), both: requests(&canary) + requests(&stable) }
    })
}

fn odds(share: Percent) -> f64 {
    if share.is_full() { f64::INFINITY } else { share.value() / share.rest().value() }
}

impl Bands {
    /// The bands around a share: no wider than halfway to the previous and the next step.
    fn of(share: Percent, ladder: &Ladder) -> Self {
        if share.is_full() {
            return Self { present: (9.0, f64::INFINITY), not_other: (49.0, f64::INFINITY) };
        }
        let at = odds(share);
        let steps = || ladder.steps().iter().map(|step| odds(*step)).filter(|odds| odds.is_finite());
        let below = steps().filter(|step| *step < at).fold(0.0, f64::max);
        let above = steps().filter(|step| *step > at).fold(f64::INFINITY, f64::min);
        let present = ((at * below).sqrt().max(at / FARTHEST), (at * above).sqrt().min(at * FARTHEST));
        Self { present, not_other: (at / NEAREST, at * NEAREST) }
    }

    fn read(&self, part: f64, all: f64) -> Shown {
        let (low, high) = odds_between(part, all);
        if high < self.not_other.0 || low > self.not_other.1 {
            Shown::Other
        } else if low >= self.present.0 && high <= self.present.1 {
            Shown::Present
        } else {
            Shown::Unclear
        }
    }
}

/// The confidence interval of the true odds (Wilson's score interval).
fn odds_between(part: f64, all: f64) -> (f64, f64) {
    let (rate, spread) = (part / all, DEVIATIONS * DEVIATIONS / all);
    let middle = rate + spread / 2.0;
    let half = (spread * (rate * (1.0 - rate) + spread / 4.0)).max(0.0).sqrt();
    let bound = |value: f64| (value / (1.0 + spread)).clamp(0.0, 1.0);
    let odds = |rate: f64| if rate >= 1.0 - 1e-12 { f64::INFINITY } else { rate / (1.0 - rate) };
    (odds(bound(middle - half)), odds(bound(middle + half)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::metrics::Minute;

    const NOW: i64 = 100 * 60 + 30;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Both sides' minutes up to now, oldest first: the requests of each minute, divided by the share of that minute.
    fn sides(requests: f64, shares: &[f64]) -> [Series; 2] {
        let first = NOW / 60 - i64::try_from(shares.len()).unwrap() + 1;
        let side = |canary: bool| {
            let minutes = (first..).zip(shares).filter_map(|(minute, share)| {
                let part = if canary { *share } else { 100.0 - share };
                let requests = (requests * part / 100.0).round();
                (requests > 0.0).then(|| Minute { requests: Some(requests), ..Minute::at(at(minute * 60)) })
            });
            Series::from(minutes.collect::<Vec<_>>())
        };
        [side(true), side(false)]
    }

    fn shown(requests: f64, shares: &[f64], share: f64, began: Option<Timestamp>) -> ShownShare {
        let [canary, stable] = sides(requests, shares);
        ShownShare::of([&canary, &stable], (Percent::new(share).unwrap(), &Ladder::default()), began, at(NOW))
    }

    fn minutes(parts: &[(f64, usize)]) -> Vec<f64> {
        parts.iter().flat_map(|(share, count)| std::iter::repeat_n(*share, *count)).collect()
    }

    /// The newest two and a half minutes are not settled: minutes 98 to 100.
    #[test]
    fn a_share_stands_since_the_minutes_that_show_it() {
        type Case = (&'static str, f64, &'static [(f64, usize)], f64, Option<i64>, Option<i64>);
        let table: [Case; 13] = [
            ("seven seconds after a step", 6_000.0, &[(1.0, 30)], 10.0, None, Some(98)),
            ("unsettled minutes show nothing", 6_000.0, &[(1.0, 28), (10.0, 3)], 10.0, None, Some(98)),
            ("one minute may have the change in it", 6_000.0, &[(1.0, 27), (10.0, 4)], 10.0, None, Some(97)),
            ("two: since the second", 6_000.0, &[(1.0, 26), (10.0, 5)], 10.0, Some(97), Some(96)),
            ("a changed minute is between both", 6_000.0, &[(1.0, 20), (5.5, 1), (10.0, 10)], 10.0, Some(92), Some(91)),
            ("a share as old as the numbers", 6_000.0, &[(10.0, 30)], 10.0, Some(72), None),
            ("from nothing to all", 600.0, &[(0.0, 20), (100.0, 11)], 100.0, Some(91), Some(90)),
            ("down again", 6_000.0, &[(10.0, 20), (1.0, 11)], 1.0, Some(91), Some(90)),
            ("there and back", 6_000.0, &[(10.0, 10), (1.0, 5), (10.0, 16)], 10.0, Some(86), Some(85)),
            ("no step of the ladder", 60_000.0, &[(5.0, 20), (10.0, 11)], 10.0, Some(91), Some(90)),
            ("too few requests to tell 1 % from 0 %", 100.0, &[(0.0, 5), (1.0, 11)], 1.0, None, None),
            ("few: several minutes make a block", 60.0, &[(10.0, 60)], 10.0, Some(44), None),
            ("nobody", 0.0, &[(10.0, 30)], 10.0, None, None),
        ];
        for (name, requests, parts, share, since, other) in table {
            let shown = shown(requests, &minutes(parts), share, None);
            let expected = ShownShare {
                since: since.map(|minute| at(minute * 60)),
                other_until: other.map(|minute| at(minute * 60)),
            };
            assert_eq!(shown, expected, "{name}");
        }
    }

    #[test]
    fn minutes_before_the_revision_and_counts_that_could_not_be_read_show_nothing() {
        let all = minutes(&[(10.0, 30)]);
        assert_eq!(shown(6_000.0, &all, 10.0, Some(at(90 * 60))).since, Some(at(91 * 60)));
        let [mut canary, stable] = sides(6_000.0, &all);
        canary.unread = [crate::domain::metrics::Member::Requests].into();
        let share = (Percent::new(10.0).unwrap(), &Ladder::default());
        assert_eq!(ShownShare::of([&canary, &stable], share, None, at(NOW)).since, None);
        let late = ShownShare::of([&stable, &stable], share, None, at(NOW + 3_600));
        assert_eq!((late.since, late.other_until), (None, None), "an hour without minutes");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        /// A verdict is about one share: minutes before the change must never count for the new share.
        #[test]
        fn a_share_never_stands_from_before_its_change(
            requests in 5.0..200_000.0_f64,
            steps in prop::sample::select(vec![(1.0, 10.0), (10.0, 100.0), (0.0, 1.0), (10.0, 1.0), (100.0, 10.0), (0.0, 100.0)]),
            before in 0_usize..40,
            after in 0_usize..40,
            mixed in 0.0..1.0_f64,
        ) {
            let (old, new) = steps;
            let share = old + (new - old) * mixed;
            let parts = minutes(&[(old, before), (share, 1), (new, after)]);
            if let Some(since) = shown(requests, &parts, new, None).since {
                let changed = NOW / 60 - i64::try_from(after).unwrap();
                prop_assert!(since >= at((changed + 1) * 60), "{since} is before the change in minute {changed}");
            }
        }
    }
}
