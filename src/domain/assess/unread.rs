//! Missing or old minutes behind a verdict.

use jiff::Timestamp;

use crate::domain::analysis::Verdict;
use crate::domain::metrics::Member;
use crate::domain::metrics::source::MetricSource;
use crate::domain::observe::snapshot::{KEEPS, Snapshot};
use crate::domain::release::{ReleaseState, Side};

/// The reason why a verdict cannot be a PASS, regardless of its numbers: requests, errors or p95 of a judged side could
/// not be read at the newest attempt, or were last read too long ago.
pub(super) fn unread(release: &ReleaseState, verdict: &Verdict, snapshot: &Snapshot, now: Timestamp) -> Option<String> {
    // A canary without traffic is not judged.
    let canary = release.canary.iter().filter(|_| verdict.baseline.is_some());
    std::iter::once(&release.stable).chain(canary).find_map(|side| of_side(side, snapshot, now))
}

fn of_side(side: &Side, snapshot: &Snapshot, now: Timestamp) -> Option<String> {
    if side.meter.is_none() && side.behind_network_balancer {
        let name = &side.service.service;
        return Some(format!("a network load balancer counts no requests: {name} needs metrics of its own"));
    }
    let reading = snapshot.metrics.get(side.meter.as_ref()?)?;
    let whose = &side.service.service;
    let Some((at, series)) = &reading.value else {
        return reading.failing().map(|fault| format!("the minutes of {whose} are not known: {}", fault.headline()));
    };
    if series.miscounted() {
        let what = match (series.unread.contains(&Member::Requests), series.unread.iter().any(|it| it.counts_errors()))
        {
            (true, true) => "requests and errors",
            (true, false) => "requests",
            _ => "errors",
        };
        let trouble = series.troubles.first().map(|trouble| format!(": {}: {}", trouble.metric, trouble.message));
        return Some(format!("{what} of {whose} could not be read{}", trouble.unwrap_or_default()));
    }
    if side.meter.as_ref().is_some_and(MetricSource::timed) && series.unread.contains(&Member::P95) {
        return Some(format!("the p95 of {whose} could not be read"));
    }
    let good = series.as_of.unwrap_or(*at);
    if now.duration_since(good) <= KEEPS {
        return None;
    }
    let why = reading.failing().map(|fault| format!(": {}", fault.headline())).unwrap_or_default();
    Some(format!("the minutes of {whose} were not read for more than {} min{why}", KEEPS.as_mins()))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::console::state::Model;
    use crate::domain::analysis::VerdictStatus;
    use crate::domain::fault::{Fault, FaultKind};
    use crate::domain::metrics::{MetricsQuery, Series, Trouble, TroubleKind};
    use crate::domain::observe::snapshot::{Answer, Query};
    use crate::testkit::consoles::{Pair, ago, hear, learn, meter, now, open};

    fn baked() -> Model {
        let model = open((120, 40), Pair::at(10, 1_200));
        assert_eq!(model.release("checkout").unwrap().verdict.outcome, VerdictStatus::Pass);
        model
    }

    fn query(meters: Vec<MetricSource>) -> Query {
        let meters =
            meters.into_iter().map(|meter| (meter, crate::domain::metrics::source::Resolution::Brief)).collect();
        Query::Metrics(MetricsQuery { meters, from: ago(600), to: now() })
    }

    #[test]
    fn a_canary_does_not_pass_on_counts_that_could_not_be_read() {
        for (side, member, what) in [
            ("checkout-canary", Member::Errors, "errors of checkout-canary could not be read"),
            ("checkout-stable", Member::Requests, "requests of checkout-stable could not be read"),
        ] {
            let mut model = baked();
            let message = "CloudWatch failed to read it".to_owned();
            let trouble = Trouble { metric: "its metric".to_owned(), kind: TroubleKind::Failed, message };
            let series = Series { troubles: vec![trouble], unread: [member].into(), ..Series::default() };
            learn(&mut model, 1, query(Vec::new()), Answer::Metrics(vec![(meter(side), series)]));
            let verdict = &model.release("checkout").unwrap().verdict;
            assert_eq!(verdict.outcome, VerdictStatus::Inconclusive);
            assert_eq!(verdict.reasons[0], format!("{what}: its metric: CloudWatch failed to read it"));
        }
    }

    #[test]
    fn behind_a_network_load_balancer_nothing_is_counted_and_that_is_said() {
        let mut model = baked();
        let mut route = crate::testkit::consoles::route(90, 10);
        let arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/shop/1";
        route.load_balancer = crate::domain::ecs::names::Arn::new(arn);
        learn(&mut model, 1, Query::Route(route.id.clone()), Answer::Route(route));
        let release = model.release("checkout").unwrap();
        assert_eq!((release.verdict.outcome, release.stable.meter.is_none()), (VerdictStatus::Inconclusive, true));
        let why = "a network load balancer counts no requests: checkout-stable needs metrics of its own";
        assert_eq!(release.verdict.reasons[0], why);
    }

    #[test]
    fn only_the_percentile_that_is_judged_withholds_a_pass() {
        for (member, outcome) in [(Member::P50, VerdictStatus::Pass), (Member::P95, VerdictStatus::Inconclusive)] {
            let mut model = baked();
            let series = Series { unread: [member].into(), ..Series::default() };
            learn(&mut model, 1, query(Vec::new()), Answer::Metrics(vec![(meter("checkout-canary"), series)]));
            assert_eq!(model.release("checkout").unwrap().verdict.outcome, outcome, "{member:?}");
        }
    }

    #[test]
    fn what_was_read_long_ago_says_nothing_of_now() {
        let mut model = baked();
        let fault = Fault::new(FaultKind::Throttled, "GetMetricData", "2 meters", "Rate exceeded");
        hear(&mut model, 0, query(vec![meter("checkout-canary")]), Err(fault));
        assert_eq!(model.release("checkout").unwrap().verdict.outcome, VerdictStatus::Pass);
        model.observed.now.at += SignedDuration::from_mins(6);
        model.derive();
        let verdict = &model.release("checkout").unwrap().verdict;
        assert_eq!(verdict.outcome, VerdictStatus::Inconclusive);
        assert!(verdict.reasons[0].starts_with("the minutes of checkout-stable were not read for more than 5 min"));
    }
}
