//! Samples of a series: one for each minute, or one for several minutes if a plot lacks the room.

use jiff::Timestamp;

use crate::console::widgets::plot::{Band, Point};
use crate::domain::analysis::counts::Count;
use crate::domain::metrics::{Minute, Percentile, Series};

/// The plotted value of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Errors over requests, percent.
    Errors,
    /// A percentile of the response time, milliseconds.
    Latency(Percentile),
}

/// Tail probability on each side of the 95 % interval.
const BEYOND: f64 = 0.025;

impl Measure {
    /// The value over some minutes; `None` if no minute has one. The percentile of several minutes cannot be computed
    /// from theirs: the slowest is taken, so that no slow minute is hidden.
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

/// Minutes that share a point.
#[derive(Debug, Clone)]
pub struct Sample<'a> {
    /// The start of the first minute.
    pub from: Timestamp,
    /// Length in minutes, including minutes without data.
    pub every: u16,
    /// The minutes with data.
    pub minutes: Vec<&'a Minute>,
}

impl Sample<'_> {
    /// Start and end, in minutes ago.
    pub fn span(&self, now: Timestamp) -> (f64, f64) {
        let from = now.duration_since(self.from).as_secs_f64() / 60.0;
        (from, (from - f64::from(self.every)).max(0.0))
    }

    /// The point of the sample; a sample that has just begun is at the right edge.
    fn point(&self, measure: Measure, now: Timestamp) -> Option<Point> {
        let (from, _) = self.span(now);
        let value = measure.of(&self.minutes)?;
        Some(Point { ago: (from - f64::from(self.every) / 2.0).max(0.0), value })
    }
}

/// The number of a sample, counted from 1970: samples begin at whole multiples of their length, so that they stay the
/// same as time passes.
pub fn number(at: Timestamp, every: u16) -> i64 {
    at.as_second().div_euclid(60 * i64::from(every))
}

/// The start of the sample with this number.
pub fn begins(number: i64, every: u16) -> Timestamp {
    Timestamp::from_second(number * 60 * i64::from(every)).unwrap_or(Timestamp::MAX)
}

/// The samples of `every` minutes, oldest first. Samples without data are left out.
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

/// The points of a series. The newest ones are finer than a minute if the source is.
pub fn points(series: &Series, measure: Measure, every: u16, now: Timestamp) -> Vec<Point> {
    let live = series.live.first().filter(|_| every == 1).map(|first| first.at);
    let whole = samples(series, every).into_iter().filter(|sample| live.is_none_or(|live| sample.from < live));
    let fine = series.live.iter().filter(|_| live.is_some());
    let fine = fine.map(|minute| Sample { from: minute.at, every: 1, minutes: vec![minute] });
    whole.chain(fine).filter_map(|sample| sample.point(measure, now)).collect()
}

/// The 95 % confidence interval of the error rate at each settled point, in percent.
pub fn band(series: &Series, every: u16, now: Timestamp) -> Vec<Band> {
    let settled =
        samples(series, every).into_iter().filter(|sample| sample.minutes.iter().all(|it| series.settled(it.at, now)));
    settled
        .filter_map(|sample| {
            let (low, high) = count(&sample.minutes)?.interval(BEYOND)?;
            let (from, to) = sample.span(now);
            Some(Band { from, to, low: low * 100.0, high: high * 100.0 })
        })
        .collect()
}

/// The spans without a value since `since`, once they have settled: start and end, in minutes ago.
pub fn missing(series: &Series, measure: Measure, since: Timestamp, every: u16, now: Timestamp) -> Vec<(f64, f64)> {
    let samples = samples(series, every);
    let has = |at: Timestamp| {
        let found = samples.binary_search_by(|sample| sample.from.cmp(&at)).ok();
        found.and_then(|found| samples.get(found)).is_some_and(|sample| measure.of(&sample.minutes).is_some())
    };
    let (first, newest) = (number(since, every), number(now, every));
    // No plot reaches farther back than a few hundred samples.
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
        // Minutes that began at least three minutes ago have settled; 09:33 is missing, 09:34 had no request, from
        // 09:36 on there is nothing.
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
        assert!(band[0].low == 0.0 && (band[0].high - 3.6994).abs() < 1e-3, "{band:?}");
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
