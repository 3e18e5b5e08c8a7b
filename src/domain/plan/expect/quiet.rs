//! A target group without traffic. The request count of the target group is the evidence, since load balancers follow a
//! write of weights with a delay.

use jiff::{SignedDuration, Timestamp};

use super::Met;
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::target_group_name;
use crate::domain::metrics::source::{MetricSource, Resolution};
use crate::domain::metrics::{Member, MetricsQuery, Series, minute_of};

const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// Minutes in the query; the newest settled minute is among them.
const MINUTES: i64 = 10;

/// The newest minutes of a target group.
pub(super) fn query(target_group: &Arn, balancer: &Arn, now: Timestamp) -> MetricsQuery {
    let meter = MetricSource::TargetGroup { group: target_group.clone(), balancer: balancer.clone() };
    MetricsQuery::last(vec![(meter, Resolution::Brief)], now, MINUTES)
}

/// Met if the newest settled minute has no requests.
pub(super) fn compare(group: &Arn, since: Timestamp, all: &[(MetricSource, Series)], now: Timestamp) -> Met {
    let name = target_group_name(group);
    let of_group = |source: &MetricSource| matches!(source, MetricSource::TargetGroup { group: of, .. } if of == group);
    let Some((_, series)) = all.iter().find(|(source, _)| of_group(source)) else {
        return Met::NotYet(format!("the requests to {name} are not known"));
    };
    if series.unread.contains(&Member::Requests) {
        return Met::NotYet(format!("the requests to {name} could not be read"));
    }
    let settled = now.checked_sub(series.settles_after + MINUTE).map(minute_of);
    match settled {
        Ok(minute) if minute >= since => {
            let counted = series.minutes.iter().find(|it| it.at == minute).and_then(|it| it.requests);
            match counted.filter(|requests| *requests > 0.0) {
                None => Met::Yes,
                Some(requests) => Met::NotYet(format!("{requests:.0} requests a minute still reach {name}")),
            }
        }
        _ => Met::NotYet(format!("no settled minute of {name} since then")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metrics::Minute;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_040 + second).unwrap()
    }

    #[test]
    fn a_settled_minute_without_requests_says_that_nobody_is_sent_there() {
        let (group, balancer) = (Arn::new("targetgroup/canary/1"), Arn::new("loadbalancer/app/shop/1"));
        let source = MetricSource::TargetGroup { group: group.clone(), balancer };
        let met = |minutes: &[(i64, f64)], unread: bool, now: i64| {
            let minutes = minutes
                .iter()
                .map(|(second, requests)| Minute { requests: Some(*requests), ..Minute::at(at(*second)) });
            let mut series = Series::from(minutes.collect::<Vec<_>>());
            series.unread.extend(unread.then_some(Member::Requests));
            compare(&group, at(10), &[(source.clone(), series)], at(now)) == Met::Yes
        };
        // The first whole minute begins at 60 and is settled at 240.
        assert!(!met(&[(0, 90.0)], false, 239));
        assert!(met(&[(0, 90.0)], false, 240));
        assert!(met(&[(0, 90.0), (60, 0.0)], false, 240));
        assert!(!met(&[(0, 90.0), (60, 3.0)], false, 299));
        assert!(met(&[(0, 90.0), (60, 3.0)], false, 300));
        // Unread requests are not zero requests.
        assert!(!met(&[], true, 900));
        assert_eq!(
            compare(&group, at(10), &[], at(900)),
            Met::NotYet("the requests to canary are not known".to_owned())
        );
    }
}
