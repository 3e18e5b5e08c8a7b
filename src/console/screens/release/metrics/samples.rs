//! A side's minutes as a plot has room for them: each for itself, or several as one.

use jiff::Timestamp;

use crate::console::widgets::plot::{Band, Point};
use crate::domain::analysis::error_rate_test;
use crate::domain::analysis::error_rate_test::Count;
use crate::domain::metrics::{Minute, Percentile, Series};

/// What is plotted of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Errors over requests, percent.
    Errors,
    /// A percentile of the response time, milliseconds.
    Latency(Percentile),
}

/// The middle 95 %.
const BEYOND: f64 = 0.025;

impl Measure {
    /// Its value over some minutes; `None`: none of them has one. A percentile of several minutes is not known from
    /// theirs: the slowest stands for them, so that nothing slow is hidden.
    pub fn of(self, minutes: &[&Minute]) -> Option<f64> {
        match self {
            Self::Errors => count(minutes).map(|count| count.rate() * 100.0),
            Self::Latency(percentile) => {
                minutes.iter().filter_map(|minute| minute.latency(percentile)).reduce(f64::max)
            }
        }
    }
}

/// Requests and errors of the minutes that have both.
fn count(minutes: &[&Minute]) -> Option<Count> {
    let known = minutes.iter().filter_map(|minute| Some((minute.requests.filter(|n| *n > 0.0)?, minute.errors()?)));
    let both = known.reduce(|(n, x), (requests, errors)| (n + requests, x + errors));
    both.map(|(requests, errors)| Count::new(requests, errors))
}

/// Some minutes that share a point.
#[derive(Debug, Clone)]
pub struct Sample<'a> {
    /// When the first of them began.
    pub from: Timestamp,
    /// How many minutes it spans, whether they are known or not.
    pub every: u16,
    /// Those that are known.
    pub minutes: Vec<&'a Minute>,
}

impl Sample<'_> {
    /// Its beginning and its end, minutes ago.
    pub fn span(&self, now: Timestamp) -> (f64, f64) {
        let from = now.duration_since(self.from).as_secs_f64() / 60.0;
        (from, (from - f64::from(self.every)).max(0.0))
    }

    /// Where it is drawn; what began just now is at the right edge.
    fn point(&self, measure: Measure, now: Timestamp) -> Option<Point> {
        let (from, _) = self.span(now);
        let value = measure.of(&self.minutes)?;
        Some(Point { ago: (from - f64::from(self.every) / 2.0).max(0.0), value })
    }
}

/// The number of a sample counted from 1970: samples begin at whole multiples, so that they stay what they are.
pub fn number(at: Timestamp, every: u16) -> i64 {
    at.as_second().div_euclid(60 * i64::from(every))
}

/// When that one begins.
pub fn begins(number: i64, every: u16) -> Timestamp {
    Timestamp::from_second(number * 60 * i64::from(every)).unwrap_or(Timestamp::MAX)
}

/// The minutes of a series by `every`, oldest first. Only what has data is among them.
pub fn samples(series: &Series, every: u16) -> Vec<Sample<'_>> {
    let mut samples: Vec<Sample<'_>> = Vec::new();
    for minute in &series.minutes {
        let from = begins(number(minute.at, every), every);
        match samples.last_mut().filter(|last| last.from == from) {
            Some(last) => last.minutes.push(minute),
            None => samples.push(Sample { from, every, minutes: vec![minute] }),
        }
    }
    samples
}

/// The points of a series. Where its source is finer than a minute, its newest ones are as fine as that.
pub fn points(series: &Series, measure: Measure, every: u16, now: Timestamp) -> Vec<Point> {
    let live = series.live.first().filter(|_| every == 1).map(|first| first.at);
    let whole = samples(series, every).into_iter().filter(|sample| live.is_none_or(|live| sample.from < live));
    let fine = series.live.iter().filter(|_| live.is_some());
    let fine = fine.map(|minute| Sample { from: minute.at, every: 1, minutes: vec![minute] });
    whole.chain(fine).filter_map(|sample| sample.point(measure, now)).collect()
}

/// Where the true error rate of each point may be, with 95 % confidence, percent: of what changes no more.
pub fn band(series: &Series, every: u16, now: Timestamp) -> Vec<Band> {
    let settled =
        samples(series, every).into_iter().filter(|sample| sample.minutes.iter().all(|it| series.settled(it.at, now)));
    settled
        .filter_map(|sample| {
            let (low, high) = error_rate_test::bounds(count(&sample.minutes)?, BEYOND)?;
            let (from, to) = sample.span(now);
            Some(Band { from, to, low: low * 100.0, high: high * 100.0 })
        })
        .collect()
}

/// The spans without a value from `since` on, as far as nothing more is to be expected of them: from and to, minutes
/// ago.
pub fn missing(series: &Series, measure: Measure, since: Timestamp, every: u16, now: Timestamp) -> Vec<(f64, f64)> {
    let samples = samples(series, every);
    let has = |at: Timestamp| {
        let found = samples.binary_search_by(|sample| sample.from.cmp(&at)).ok();
        found.and_then(|found| samples.get(found)).is_some_and(|sample| measure.of(&sample.minutes).is_some())
    };
    let (first, newest) = (number(since, every), number(now, every));
    // No plot reaches farther back than a few hundred of them.
    let all = (first.max(newest.saturating_sub(400))..=newest).map(|number| Sample {
        from: begins(number, every),
        every,
        minutes: Vec::new(),
    });
    let over = |sample: &Sample<'_>| {
        let newest = begins(number(sample.from, every) + 1, every) - jiff::SignedDuration::from_mins(1);
        series.settled(newest, now)
    };
    all.filter(over).filter(|sample| !has(sample.from)).map(|sample| sample.span(now)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T09:41:07Z".parse().unwrap()
    }

    fn minute(ago: i64, requests: f64, errors: f64) -> Minute {
        let at = Timestamp::from_second((now().as_second() / 60 - ago) * 60).unwrap();
        Minute { requests: Some(requests), target_5xx: Some(errors), p95: Some(errors), ..Minute::at(at) }
    }

    #[test]
    fn several_minutes_make_one_rate_of_all_their_requests() {
        // 09:33 to 09:36 share a point; 09:36 begins the next.
        let series = Series::from(vec![
            minute(8, 100.0, 10.0),
            minute(7, 300.0, 0.0),
            minute(6, 0.0, 0.0),
            minute(5, 50.0, 1.0),
        ]);
        let points = points(&series, Measure::Errors, 3, now());
        let values: Vec<_> = points.iter().map(|point| point.value).collect();
        assert_eq!(values, [2.5, 2.0]);
        let slowest = Measure::Latency(Percentile::P95).of(&series.minutes.iter().collect::<Vec<_>>());
        assert_eq!(slowest, Some(10.0));
    }

    #[test]
    fn a_minute_without_requests_is_missing_and_one_without_errors_is_not() {
        let series = Series::from(vec![minute(9, 100.0, 0.0), minute(7, 0.0, 0.0), minute(6, 100.0, 0.0)]);
        let since = series.minutes[0].at;
        let spans = missing(&series, Measure::Errors, since, 1, now());
        // Ten to three minutes ago have settled; 09:33 is not there, 09:34 had no request, 09:36 on has nothing.
        let from: Vec<_> = spans.iter().map(|(from, _)| from.round()).collect();
        assert_eq!(from, [8.0, 7.0, 5.0, 4.0, 3.0]);
        let points = points(&series, Measure::Errors, 1, now());
        assert!(points.iter().all(|point| point.value == 0.0) && points.len() == 2, "{points:?}");
    }

    #[test]
    fn what_still_changes_has_no_bounds() {
        let series = Series::from(vec![minute(5, 100.0, 0.0), minute(1, 100.0, 0.0)]);
        let band = band(&series, 1, now());
        assert_eq!(band.len(), 1);
        assert!(band[0].low == 0.0 && (band[0].high - 3.6217).abs() < 1e-3, "{band:?}");
    }

    #[test]
    fn finer_windows_take_the_place_of_the_newest_minutes() {
        let mut series = Series::from(vec![minute(4, 100.0, 0.0), minute(3, 100.0, 1.0), minute(2, 100.0, 2.0)]);
        let live =
            |seconds: i64| Minute { at: now() - jiff::SignedDuration::from_secs(seconds), ..minute(0, 100.0, 5.0) };
        series.live = vec![live(135), live(130), live(60)];
        let values: Vec<_> = points(&series, Measure::Errors, 1, now()).iter().map(|point| point.value).collect();
        assert_eq!(values, [0.0, 1.0, 5.0, 5.0, 5.0]);
        assert_eq!(points(&series, Measure::Errors, 2, now()).len(), 2, "a longer range has no room for them");
    }
}
