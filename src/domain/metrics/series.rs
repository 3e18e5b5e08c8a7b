//! The minutes of a metric source: newer readings merged over older ones, and settled minutes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Gauge, Histogram, Member, Minute, Trouble};

/// The minutes of a metric source, oldest first, without duplicates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The minutes for which the source had data.
    pub minutes: Vec<Minute>,
    /// Minutes that end every few seconds, where the source's resolution is finer than a minute. For display only,
    /// never judged.
    pub live: Vec<Minute>,
    /// Metrics that are shown and never judged, by minute.
    pub gauges: BTreeMap<Gauge, BTreeMap<Timestamp, f64>>,
    /// The response times of each minute, where the source has histograms.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub histograms: BTreeMap<Timestamp, Histogram>,
    /// Failures of the newest attempt to read the source.
    pub troubles: Vec<Trouble>,
    /// Metrics missing from this answer, because the query left them out or because they failed. The absence of a
    /// value then proves nothing.
    pub unread: BTreeSet<Member>,
    /// Time of the last reading of the counts without a failure; `None`: now.
    pub as_of: Option<Timestamp>,
    /// Time after the end of a minute during which the source still corrects it.
    pub settles_after: SignedDuration,
}

/// Approximate time after the end of a minute during which CloudWatch still corrects it.
pub const SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(120);

const MINUTE: SignedDuration = SignedDuration::from_secs(60);

impl Default for Series {
    fn default() -> Self {
        Self {
            minutes: Vec::new(),
            live: Vec::new(),
            gauges: BTreeMap::new(),
            histograms: BTreeMap::new(),
            troubles: Vec::new(),
            unread: BTreeSet::new(),
            as_of: None,
            settles_after: SETTLES_AFTER,
        }
    }
}

impl From<Vec<Minute>> for Series {
    fn from(minutes: Vec<Minute>) -> Self {
        Self { minutes, ..Self::default() }
    }
}

impl Series {
    /// Returns true if the minute that began at `at` no longer changes and was read since then. Until then the minute
    /// is drawn differently and never judged: the passage of time does not settle a minute that was read too early.
    pub fn settled(&self, at: Timestamp, now: Timestamp) -> bool {
        let read = self.as_of.map_or(now, |as_of| as_of.min(now));
        read.duration_since(at) >= self.settles_after + MINUTE
    }

    /// Returns true if requests or errors could not be read at the newest attempt: the known values are older.
    pub fn miscounted(&self) -> bool {
        self.unread.iter().any(|member| member.counts())
    }

    /// Merges newer readings over older ones, minute by minute, and drops minutes older than `keep`. `now` is the time
    /// of the newer query.
    ///
    /// A window that was read again replaces the old one, so a corrected minute is not a duplicate. Metrics missing
    /// from the newer answer keep their earlier values.
    pub fn merge(&mut self, newer: &Self, now: Timestamp, keep: SignedDuration) {
        let mut minutes: BTreeMap<_, _> = self.minutes.drain(..).map(|minute| (minute.at, minute)).collect();
        let window = newer.minutes.first().and_then(|first| minutes.range(first.at..).next()).map(|(at, _)| *at);
        let older = window.map(|from| minutes.split_off(&from)).unwrap_or_default();
        minutes.extend(newer.minutes.iter().map(|minute| (minute.at, *minute)));
        for (at, mut old) in older {
            let minute = match minutes.get_mut(&at) {
                Some(minute) => {
                    // An earlier count stays valid only if this answer failed to read the counts.
                    minute.uncounted &= old.uncounted || !newer.miscounted();
                    minute
                }
                // Earlier requests, which are missing from this answer.
                None if newer.unread.contains(&Member::Requests) && old.requests.is_some() => {
                    minutes.entry(at).or_insert(Minute { uncounted: old.uncounted, ..Minute::at(at) })
                }
                None => continue,
            };
            for member in &newer.unread {
                let known = *member.of(&mut old);
                let number = member.of(minute);
                *number = number.or(known);
            }
        }
        minutes.retain(|at, _| now.duration_since(*at) <= keep);
        self.minutes = minutes.into_values().collect();
        for (gauge, points) in &newer.gauges {
            let had = self.gauges.entry(*gauge).or_default();
            had.extend(points);
        }
        for points in self.gauges.values_mut() {
            points.retain(|at, _| now.duration_since(*at) <= keep);
        }
        self.histograms.extend(newer.histograms.clone());
        self.histograms.retain(|at, _| now.duration_since(*at) <= keep);
        // Only counts from this answer can be settled.
        if !newer.miscounted() {
            self.as_of = Some(now);
        }
        self.live.clone_from(&newer.live);
        self.troubles.clone_from(&newer.troubles);
        self.unread.clone_from(&newer.unread);
        self.settles_after = newer.settles_after;
    }

    /// The newest settled minute.
    pub fn latest(&self, now: Timestamp) -> Option<&Minute> {
        self.minutes.iter().rev().find(|minute| self.settled(minute.at, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(second: i64, requests: Option<f64>, errors: Option<f64>) -> Minute {
        Minute { requests, target_5xx: errors, ..Minute::at(Timestamp::from_second(second).unwrap()) }
    }

    #[test]
    fn a_reread_window_overwrites_and_the_old_is_forgotten() {
        let now = Timestamp::from_second(1_000).unwrap();
        let mut series =
            Series::from(vec![minute(0, Some(1.0), None), minute(600, Some(2.0), None), minute(660, Some(3.0), None)]);
        let newer = Series::from(vec![minute(660, Some(9.0), None), minute(720, Some(4.0), None)]);
        series.merge(&newer, now, SignedDuration::from_secs(900));
        let requests: Vec<_> = series.minutes.iter().map(|m| m.requests.unwrap()).collect();
        assert_eq!(requests, [2.0, 9.0, 4.0]);
    }

    /// A reading without values for `unread`.
    fn silent(minutes: Vec<Minute>, unread: &[Member]) -> Series {
        Series { unread: unread.iter().copied().collect(), ..Series::from(minutes) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Ten good minutes, read when the last minute had settled.
    fn ten() -> Series {
        let mut series = Series::default();
        let minutes =
            (0..10).map(|i| Minute { p50: Some(9.0), p95: Some(50.0), ..minute(i * 60, Some(100.0), Some(2.0)) });
        series.merge(&Series::from(minutes.collect::<Vec<_>>()), at(780), SignedDuration::from_hours(3));
        series
    }

    #[test]
    fn requests_that_cannot_be_read_again_do_not_erase_those_that_were() {
        let mut series = ten();
        let latency = |second| Minute { p95: Some(60.0), ..Minute::at(at(second)) };
        // 5xx came for one minute only; latency for all but the last; one minute is new.
        let mut newer: Vec<_> = (1..9).chain([10]).map(|i| latency(i * 60)).collect();
        newer[0].target_5xx = Some(3.0);
        series.merge(&silent(newer, &[Member::Requests]), at(840), SignedDuration::from_hours(3));
        let rates: Vec<_> = series.minutes.iter().map(Minute::error_percent).collect();
        let (kept, read, new) = (Some(2.0), Some(3.0), None);
        let none = Some(0.0);
        assert_eq!(rates, [kept, read, none, none, none, none, none, none, none, none, new]);
        assert_eq!(series.minutes[5].p95, Some(60.0));
        assert_eq!((series.minutes[9].requests, series.minutes[9].p95), (Some(100.0), None));
        assert!(series.miscounted());
    }

    #[test]
    fn errors_that_cannot_be_read_again_stay_as_they_were_and_new_ones_are_unknown() {
        let mut series = ten();
        let newer = (5..11).map(|i| Minute { uncounted: true, ..minute(i * 60, Some(100.0), None) }).collect();
        series.merge(&silent(newer, &[Member::Errors]), at(840), SignedDuration::from_hours(3));
        let rates: Vec<_> = series.minutes.iter().skip(4).map(Minute::error_percent).collect();
        assert_eq!(rates, [Some(2.0), Some(2.0), Some(2.0), Some(2.0), Some(2.0), Some(2.0), None]);
        // The errors of that minute are unknown until they are read.
        let again = vec![Minute { uncounted: true, ..minute(600, Some(100.0), None) }];
        series.merge(&silent(again, &[Member::Errors]), at(900), SignedDuration::from_hours(3));
        assert_eq!(series.minutes[10].errors(), None);
        series.merge(&Series::from(vec![minute(600, Some(100.0), None)]), at(960), SignedDuration::from_hours(3));
        assert_eq!(series.minutes[10].errors(), Some(0.0));
    }

    #[test]
    fn a_minute_whose_errors_are_no_count_any_more_is_not_one_without_errors() {
        let mut series = ten();
        let odd = vec![Minute { uncounted: true, ..minute(540, Some(100.0), None) }];
        series.merge(&Series::from(odd), at(840), SignedDuration::from_hours(3));
        assert_eq!(series.minutes[9].errors(), None);
    }

    #[test]
    fn an_answer_without_any_number_changes_nothing_but_says_so() {
        let (mut series, before) = (ten(), ten());
        let all = [Member::Requests, Member::Errors, Member::ConnectionErrors, Member::P95];
        series.merge(&silent(Vec::new(), &all), at(840), SignedDuration::from_hours(3));
        assert_eq!(series.minutes, before.minutes);
        assert!(series.miscounted() && !before.miscounted());
    }

    #[test]
    fn percentiles_that_were_not_asked_for_again_are_kept() {
        let mut series = ten();
        let newer = vec![Minute { p95: Some(70.0), ..minute(540, Some(110.0), None) }];
        series.merge(&silent(newer, &[Member::P50, Member::P99]), at(840), SignedDuration::from_hours(3));
        let last = series.minutes[9];
        assert_eq!((last.requests, last.errors(), last.p50, last.p95), (Some(110.0), Some(0.0), Some(9.0), Some(70.0)));
        assert!(!series.miscounted());
    }

    #[test]
    fn what_was_read_too_early_is_not_settled_by_the_time_that_passes() {
        let mut series = Series::default();
        let half = Series::from(vec![minute(600, Some(40.0), None)]);
        series.merge(&half, at(700), SignedDuration::from_hours(3));
        assert!(!series.settled(at(600), at(5_000)));
        // An answer without requests does not settle the minute either.
        series.merge(&silent(Vec::new(), &[Member::Requests]), at(800), SignedDuration::from_hours(3));
        assert!(!series.settled(at(600), at(5_000)));
        series.merge(&Series::from(vec![minute(600, Some(100.0), None)]), at(780), SignedDuration::from_hours(3));
        assert!(series.settled(at(600), at(780)));
        assert_eq!(series.minutes.len(), 1);
    }

    #[test]
    fn the_newest_minutes_are_not_settled() {
        let now = Timestamp::from_second(1_000).unwrap();
        let series = Series::from((10..16).map(|i| minute(i * 60, Some(1.0), None)).collect::<Vec<_>>());
        assert_eq!(series.latest(now).unwrap().at.as_second(), 780);
    }
}
