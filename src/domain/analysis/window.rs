//! The minutes that a verdict is about.

use jiff::{SignedDuration, Timestamp};

use super::{Case, Histograms, Observed, Verdict, VerdictStatus, memo};
use crate::domain::metrics::{SETTLES_AFTER, Series};
use crate::domain::observe::snapshot::Since;
use crate::domain::release::share::Percent;
use crate::domain::settings::Thresholds;

/// A share of traffic that is being watched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The time since which the canary has the share; `None`: not known.
    pub since: Option<Since>,
    /// The start of the canary's revision; `None`: not known.
    pub began: Option<Timestamp>,
    /// The bake: time for which the share should be watched.
    pub bake: SignedDuration,
    /// True if a source measures latency.
    pub timed: bool,
    /// The canary's share; at 100 % there may be no stable traffic to compare with.
    pub share: Option<Percent>,
}

/// Length of stable's own past that is read.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);

/// The settled minutes that began at or after `from` and before `to`.
pub(super) fn settled(series: Option<&Series>, from: Timestamp, to: Timestamp, now: Timestamp) -> Vec<Observed> {
    let minutes = series.map(|series| series.minutes.as_slice()).unwrap_or_default();
    let within = |at: Timestamp| from <= at && at < to && series.is_some_and(|series| series.settled(at, now));
    minutes.iter().filter(|minute| within(minute.at)).map(Observed::from).collect()
}

fn back(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// The start of a window whose start is not known: the window has as many settled minutes as its length.
fn window(now: Timestamp, settles: SignedDuration, length: SignedDuration) -> Timestamp {
    back(now, length + settles + SignedDuration::from_secs(59))
}

/// The time until a minute of both sides is settled: the longer time of the two.
fn settling(series: [Option<&Series>; 2]) -> SignedDuration {
    series.into_iter().flatten().map(|series| series.settles_after).max().unwrap_or(SETTLES_AFTER)
}

/// The whole minutes of a span.
fn minutes(span: SignedDuration) -> u32 {
    u32::try_from(span.as_secs().max(0) / 60).unwrap_or(u32::MAX)
}

/// Judges a canary, as far as its minutes have settled.
pub fn of_canary(
    canary: Option<&Series>,
    stable: Option<&Series>,
    step: &Step,
    now: Timestamp,
    thresholds: &Thresholds,
) -> Verdict {
    let settles = settling([canary, stable]);
    // Without this, a bake that is longer than the window could never be over.
    let window = |end| window(end, settles, thresholds.window.max(step.bake));
    // A minute that began before the weights changed mixes two shares. If the change was not seen, the window begins at
    // most its own length before the first look. It never includes the time of another revision behind the same target
    // group.
    let from = match step.since {
        Some(since) if since.seen => since.at,
        since => {
            let window = window(since.map_or(now, |since| since.at.min(now)));
            step.began.map_or(window, |began| began.max(window))
        }
    };
    let read = canary.is_some();
    let none = Histograms::default();
    let histograms = Histograms {
        canary: canary.map_or(none.canary, |series| &series.histograms),
        stable: stable.map_or(none.stable, |series| &series.histograms),
    };
    // The evidence of the release's earlier shares counts, where it is known since when the revision runs.
    let carried = step.began.map_or(from, |began| began.min(from));
    let release = (settled(canary, carried, now, now), settled(stable, carried, now, now));
    let present = |side: &[Observed]| side.iter().skip_while(|minute| minute.at < from).copied().collect::<Vec<_>>();
    let (canary, same) = (present(&release.0), present(&release.1));
    let first = canary.iter().find(|minute| minute.count().is_some()).map(|minute| minute.at);
    let unseen = step.since.is_none_or(|since| !since.seen);
    let begins = first.filter(|_| unseen).unwrap_or_else(|| whole_minute(from));
    // Each minute that settles is a look, with or without data. If nothing was read, there was no look.
    let watched = if read { now.duration_since(begins) - settles } else { SignedDuration::ZERO };
    let verdict = memo::judge(&Case {
        canary: &release.0,
        stable: &release.1,
        before: &settled(stable, back(carried, BEFORE), carried, now),
        begins,
        look: minutes(watched),
        planned: planned(step.bake),
        share: step.share.map(|share| share.value() / 100.0),
        histograms,
        timed: step.timed,
        thresholds,
    });
    let uncompared = step.share.is_some_and(Percent::is_full) && same.iter().all(|minute| minute.count().is_none());
    // With all of the traffic there is nothing to compare with. A FAIL of an earlier share stays.
    if uncompared && verdict.outcome != VerdictStatus::Fail {
        return memo::alone(&canary, true, thresholds);
    }
    verdict
}

/// The first whole minute from `at` on.
fn whole_minute(at: Timestamp) -> Timestamp {
    let seconds = at.as_second() + i64::from(at.subsec_nanosecond() > 0) + 59;
    Timestamp::from_second(seconds.div_euclid(60) * 60).unwrap_or(at)
}

/// Judges a service without a canary over the window that ends now.
pub fn of_service(series: Option<&Series>, now: Timestamp, thresholds: &Thresholds) -> Verdict {
    let from = window(now, settling([series, None]), thresholds.window);
    memo::alone(&settled(series, from, now, now), false, thresholds)
}

/// The minutes of a bake, rounded up.
pub(super) fn planned(bake: SignedDuration) -> u32 {
    minutes(bake.saturating_add(SignedDuration::from_secs(59))).max(1)
}

impl<'a> Case<'a> {
    /// A case from recorded minutes with latency. All of them are settled. The canary's first minute begins the step,
    /// and stable's earlier minutes are its past. Both sides are sorted by time.
    pub fn recorded(
        canary: &'a [Observed],
        stable: &'a [Observed],
        bake: SignedDuration,
        thresholds: &'a Thresholds,
    ) -> Self {
        let first = canary.first().map(|minute| minute.at);
        let split = stable.partition_point(|minute| first.is_none_or(|first| minute.at < first));
        let (past, same) = stable.split_at_checked(split).unwrap_or((stable, &[]));
        let hour = past.partition_point(|minute| first.is_some_and(|first| minute.at < back(first, BEFORE)));
        let last = canary.last().map(|minute| minute.at);
        let look = first.zip(last).map_or(0, |(first, last)| minutes(last.duration_since(first)).saturating_add(1));
        Case {
            canary,
            stable: same,
            before: past.get(hour..).unwrap_or_default(),
            begins: first.unwrap_or(Timestamp::MIN),
            look,
            planned: planned(bake),
            share: None,
            histograms: Histograms::default(),
            timed: true,
            thresholds,
        }
    }
}
