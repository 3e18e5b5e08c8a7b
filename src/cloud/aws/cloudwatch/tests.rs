use super::request::{Meaning, asked};
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::metrics::Member;
use crate::domain::metrics::source::{
    CloudWatchMetric, CustomMetrics, MetricQueries, MetricSource, Resolution, Source,
};

fn elb(resource: &str) -> Arn {
    Arn::new(format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:{resource}"))
}

fn group(balancer: &str) -> MetricSource {
    MetricSource::TargetGroup { group: elb("targetgroup/shop/01"), balancer: elb(balancer) }
}

fn own(names: [Option<&str>; 5], seconds: bool) -> MetricSource {
    let [requests, errors, p50, p95, p99] = names.map(|name| {
        name.map(|name| CloudWatchMetric {
            namespace: "Shop".to_owned(),
            name: name.to_owned(),
            statistic: "Sum".to_owned(),
            dimensions: vec![("Revision".to_owned(), "42".to_owned())],
        })
    });
    MetricSource::Custom(CustomMetrics {
        source: Source::CloudWatch(Box::new(MetricQueries { requests, errors, p50, p95, p99 })),
        seconds,
    })
}

#[test]
fn a_meter_asks_for_as_many_metrics_as_it_says() {
    let prometheus = CustomMetrics { source: Source::Prometheus(MetricQueries::default().into()), seconds: true };
    let meters = [
        group("loadbalancer/app/shop/01"),
        group("loadbalancer/net/flow/01"),
        MetricSource::Balancer(elb("loadbalancer/app/shop/01")),
        MetricSource::Balancer(elb("loadbalancer/net/flow/01")),
        MetricSource::Service(ServiceKey::new("prod", "shop")),
        own([Some("Requests"), Some("Errors"), None, Some("Latency"), None], true),
        own([None; 5], true),
        MetricSource::Custom(prometheus),
    ];
    for detail in [Resolution::Brief, Resolution::Full] {
        let counts: Vec<_> = meters.iter().map(|meter| asked(meter, detail).len()).collect();
        let said: Vec<_> = meters.iter().map(|meter| meter.metrics(detail)).collect();
        assert_eq!(counts, said, "{detail:?}");
    }
}

#[test]
fn response_times_are_milliseconds_whatever_they_are_published_in() {
    let factor = |meter: &MetricSource| {
        let asked = asked(meter, Resolution::Full);
        asked.iter().find(|it| it.meaning == Meaning::Of(Member::P95)).map(|it| it.factor)
    };
    let names = [None, None, None, Some("Latency"), None];
    assert_eq!(factor(&own(names, true)), Some(1e3));
    assert_eq!(factor(&own(names, false)), Some(1.0));
    assert_eq!(factor(&group("loadbalancer/app/shop/01")), Some(1e3));
}
