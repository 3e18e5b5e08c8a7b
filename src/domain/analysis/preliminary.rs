//! Numbers of minutes that may still change. They are shown and decide nothing. Without them, a failing canary would
//! look calm for three minutes after each step.

use jiff::{SignedDuration, Timestamp};

use super::{Numbers, Observed};
use crate::domain::metrics::Series;
use crate::domain::settings::Thresholds;

const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// The counts of the unsettled minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preliminary {
    /// The numbers.
    pub numbers: Numbers,
    /// True if the error rate is above the critical threshold with 95 % confidence.
    pub alarming: bool,
}

/// The counts of the canary's unsettled minutes that ended after `since`; `None` if they have no requests. The minute
/// in which the share changed is included: a canary's error rate is about its own requests, whatever its share is.
pub fn of(series: &Series, since: Timestamp, now: Timestamp, thresholds: &Thresholds) -> Option<Preliminary> {
    let unsettled =
        series.minutes.iter().filter(|minute| minute.at + MINUTE > since && !series.settled(minute.at, now));
    let minutes: Vec<_> = unsettled.map(Observed::from).collect();
    let numbers = Numbers::of(&minutes);
    let low = numbers.error_between.map(|(low, _)| low);
    let enough = numbers.requests >= f64::from(thresholds.min_requests.min(ENOUGH));
    let alarming = enough && low.is_some_and(|low| low > thresholds.error_percent);
    (numbers.minutes > 0).then_some(Preliminary { numbers, alarming })
}

/// Upper limit on the number of requests that an alarm needs. A verdict may need more: the alarm is a warning and no
/// FAIL.
const ENOUGH: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metrics::Minute;
    use crate::testkit::worlds::now;

    fn series(minutes: &[(i64, f64, f64)]) -> Series {
        let minute = |(ago, requests, errors): &(i64, f64, f64)| Minute {
            requests: Some(*requests),
            target_5xx: Some(*errors),
            ..Minute::at(now() - SignedDuration::from_secs(*ago))
        };
        Series::from(minutes.iter().map(minute).collect::<Vec<_>>())
    }

    #[test]
    fn only_unsettled_minutes_since_the_step_count_and_few_requests_raise_no_alarm() {
        let thresholds = Thresholds::default();
        let at = |since: i64, minutes: &[(i64, f64, f64)]| {
            let since = now() - SignedDuration::from_secs(since);
            let found = of(&series(minutes), since, now(), &thresholds);
            found.map(|it| (it.numbers.requests, it.numbers.errors, it.alarming))
        };
        // Settled minutes are left to the verdict.
        assert_eq!(at(600, &[(300, 100.0, 90.0)]), None);
        assert_eq!(at(600, &[(300, 100.0, 90.0), (120, 500.0, 1.0)]), Some((500.0, 1.0, false)));
        assert_eq!(
            at(90, &[(120, 500.0, 400.0), (60, 500.0, 400.0)]),
            Some((1_000.0, 800.0, true)),
            "the mixed minute too"
        );
        assert_eq!(at(30, &[(120, 500.0, 400.0)]), None, "before the step");
        assert_eq!(at(600, &[(60, 10.0, 10.0)]), Some((10.0, 10.0, false)));
        assert_eq!(at(600, &[(60, 0.0, 0.0)]), None);
    }
}
