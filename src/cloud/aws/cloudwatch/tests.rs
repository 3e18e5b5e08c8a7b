use super::request::{Meaning, asked};
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::metrics::Member;
use crate::domain::metrics::source::{CloudWatchMetric, Detail, Meter, Own, Recipe, Source};

fn elb(resource: &str) -> Arn {
    Arn::new(format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:{resource}"))
}

fn group(balancer: &str) -> Meter {
    Meter::TargetGroup { group: elb("targetgroup/shop/01"), balancer: elb(balancer) }
}

fn own(names: [Option<&str>; 5], seconds: bool) -> Meter {
    let [requests, errors, p50, p95, p99] = names.map(|name| {
        name.map(|name| CloudWatchMetric {
            namespace: "Shop".to_owned(),
            name: name.to_owned(),
            statistic: "Sum".to_owned(),
            dimensions: vec![("Revision".to_owned(), "42".to_owned())],
        })
    });
    Meter::Own(Own { source: Source::CloudWatch(Box::new(Recipe { requests, errors, p50, p95, p99 })), seconds })
}

#[test]
fn a_meter_asks_for_as_many_metrics_as_it_says() {
    let prometheus = Own { source: Source::Prometheus(Recipe::default()), seconds: true };
    let meters = [
        group("loadbalancer/app/shop/01"),
        group("loadbalancer/net/flow/01"),
        Meter::Balancer(elb("loadbalancer/app/shop/01")),
        Meter::Balancer(elb("loadbalancer/net/flow/01")),
        Meter::Service(ServiceKey::new("prod", "shop")),
        own([Some("Requests"), Some("Errors"), None, Some("Latency"), None], true),
        own([None; 5], true),
        Meter::Own(prometheus),
    ];
    for detail in [Detail::Brief, Detail::Full] {
        let counts: Vec<_> = meters.iter().map(|meter| asked(meter, detail).len()).collect();
        let said: Vec<_> = meters.iter().map(|meter| meter.metrics(detail)).collect();
        assert_eq!(counts, said, "{detail:?}");
    }
}

#[test]
fn response_times_are_milliseconds_whatever_they_are_published_in() {
    let factor = |meter: &Meter| {
        let asked = asked(meter, Detail::Full);
        asked.iter().find(|it| it.meaning == Meaning::Of(Member::P95)).map(|it| it.factor)
    };
    let names = [None, None, None, Some("Latency"), None];
    assert_eq!(factor(&own(names, true)), Some(1e3));
    assert_eq!(factor(&own(names, false)), Some(1.0));
    assert_eq!(factor(&group("loadbalancer/app/shop/01")), Some(1e3));
}
