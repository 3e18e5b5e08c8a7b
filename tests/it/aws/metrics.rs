//! CloudWatch's gaps and delays, through the embedded AWS and the SDK: what is missing, what comes late, what is refused.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan};
use tidegate::cloud::Cloud;
use tidegate::cloud::aws::ClientPools;
use tidegate::domain::analysis::{VerdictStatus, of_service};
use tidegate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use tidegate::domain::metrics::source::{
    CloudWatchMetric, CustomMetrics, MetricQueries, MetricSource, Resolution, Source,
};
use tidegate::domain::metrics::{Gauge, LEAST_FOR_P99, MetricsQuery, Minute, Percentile, Series, TroubleKind};
use tidegate::domain::observe::snapshot::{Answer, Query};
use tidegate::domain::settings::Thresholds;
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::{Fault, FaultRule, Server, SimClock};

/// A pair at 1 % of 50 requests a second, a service that nobody calls, and a rule to which nobody answers.
const SHOP: &str = r#"
name = "counting"
summary = "What CloudWatch counts"
container_insights = true

[[custom]]
namespace = "Shop"

[listener.http]
port = 80
default = { fixed_response = 404 }

[rule.shop]
priority = 10
path = ["/shop*"]
action = { forward = { stable = 99, canary = 1 } }
rps = 50

[rule.idle]
priority = 20
path = ["/idle*"]
action = { forward = { idle = 1 } }

[rule.lost]
priority = 30
path = ["/lost*"]
action = { forward = { lost = 1 } }
rps = 5

[target_group.stable]
[target_group.canary]
[target_group.idle]
[target_group.lost]

[family.shop]
revision = [
    { number = 41, tag = "1", age = "9d", traits = { error_percent = 0.0 } },
    { number = 42, tag = "2", age = "1d", traits = { error_percent = 10.0 } },
]

[service.shop]
task_definition = "shop:41"
desired = 3
deployed = "9d"
target_group = "stable"

[service.shop-canary]
task_definition = "shop:42"
desired = 1
deployed = "5h"
target_group = "canary"

[service.idle]
task_definition = "shop:41"
desired = 1
deployed = "9d"
target_group = "idle"
"#;

struct Place {
    server: Server,
    clock: SimClock,
    lanes: ClientPools,
    groups: Vec<Arn>,
    balancer: Arn,
}

impl Place {
    async fn new() -> Self {
        let (server, clock, lanes) = super::embedded(&Scenario::parse(SHOP).unwrap()).await;
        let Answer::Routes(routes) = lanes.poll.read(&Query::Routes).await.unwrap() else { panic!() };
        let groups = routes.iter().flat_map(|route| route.forwards.iter().map(|to| to.target_group.clone())).collect();
        Self { server, clock, lanes, groups, balancer: routes[0].load_balancer.clone() }
    }

    fn group(&self, name: &str) -> MetricSource {
        let group = self.groups.iter().find(|arn| arn.as_str().contains(&format!("/{name}/"))).unwrap().clone();
        MetricSource::TargetGroup { group, balancer: self.balancer.clone() }
    }

    async fn ask(&self, query: MetricsQuery) -> Vec<(MetricSource, Series)> {
        match self.lanes.poll.read(&Query::Metrics(query)).await.unwrap() {
            Answer::Metrics(metrics) => metrics,
            other => panic!("{other:?}"),
        }
    }

    /// The last so many minutes of one meter.
    async fn minutes(&self, meter: MetricSource, minutes: i64) -> Series {
        let query = MetricsQuery::last(vec![(meter, Resolution::Full)], self.clock.now(), minutes);
        self.ask(query).await.remove(0).1
    }

    /// A reading of ten minutes put over what is known.
    async fn read_again(&self, meter: &MetricSource, known: &mut Series) {
        let newer = self.minutes(meter.clone(), 10).await;
        known.merge(&newer, self.clock.now(), SignedDuration::from_hours(3));
    }

    fn status(&self, metric: &str, status: &str) {
        let fault = Fault::MetricStatus { metric: metric.to_owned(), status: status.to_owned() };
        self.server.faults().clear();
        self.server.faults().add(FaultRule::new(fault).operations(&["GetMetricData"]));
    }
}

/// One metric under these dimensions, taken for requests.
fn counted(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> MetricSource {
    let dimensions = dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let metric = |statistic: &str| {
        Some(CloudWatchMetric {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            statistic: statistic.to_owned(),
            dimensions,
        })
    };
    let recipe = MetricQueries { requests: metric("Sum"), ..MetricQueries::default() };
    MetricSource::Custom(CustomMetrics { source: Source::CloudWatch(Box::new(recipe)), seconds: true })
}

fn at(series: &Series, minute: Timestamp) -> Option<Minute> {
    series.minutes.iter().find(|it| it.at == minute).copied()
}

#[tokio::test]
async fn a_load_balancer_reports_only_while_requests_flow_and_nothing_is_not_good() {
    let place = Place::new().await;
    let idle = place.minutes(place.group("idle"), 180).await;
    assert_eq!((idle.minutes.len(), idle.troubles.len()), (0, 0));
    let verdict = of_service(Some(&idle), place.clock.now(), &Thresholds::default());
    assert_eq!((verdict.outcome, verdict.judged.error_percent), (VerdictStatus::Inconclusive, None));
    // Its hosts are counted all the same.
    assert!(idle.gauges[&Gauge::UnhealthyHosts].values().all(|hosts| *hosts == 0.0));
}

#[tokio::test]
async fn a_missing_error_count_is_zero_only_in_a_minute_with_requests() {
    let place = Place::new().await;
    let stable = place.minutes(place.group("stable"), 30).await;
    assert!(stable.minutes.len() > 20);
    assert!(stable.minutes.iter().all(|it| it.target_5xx.is_none() && it.errors() == Some(0.0)));
    place.status("RequestCount", "InternalError");
    let unknown = place.minutes(place.group("stable"), 30).await;
    assert!(unknown.minutes.len() > 20);
    assert!(unknown.minutes.iter().all(|it| it.requests.is_none() && it.errors().is_none()));
    let verdict = of_service(Some(&unknown), place.clock.now(), &Thresholds::default());
    assert_eq!(verdict.outcome, VerdictStatus::Inconclusive);
}

#[tokio::test]
async fn one_percent_of_fifty_a_second_is_thirty_a_minute_and_says_so() {
    let place = Place::new().await;
    place.clock.advance(Duration::from_secs(600));
    let (canary, now) = (place.minutes(place.group("canary"), 60).await, place.clock.now());
    let settled: Vec<_> = canary.minutes.iter().filter(|it| canary.settled(it.at, now)).collect();
    assert!(settled.len() > 50);
    for minute in settled {
        let requests = minute.requests.unwrap();
        assert!((8.0..60.0).contains(&requests), "{requests}");
        let errors = minute.errors().unwrap();
        assert_eq!(minute.error_percent(), Some(errors / requests * 100.0));
        // CloudWatch gives a p99 of thirty requests too: it is their slowest.
        assert!(minute.p99.is_some() && minute.latency(Percentile::P99).is_none());
        assert!(minute.latency(Percentile::P95).is_some_and(|ms| (20.0..2_000.0).contains(&ms)));
    }
    let stable = place.minutes(place.group("stable"), 10).await;
    let minute = &stable.minutes[0];
    assert!(minute.requests.unwrap() > LEAST_FOR_P99 && minute.latency(Percentile::P99).is_some());
}

#[tokio::test]
async fn a_half_counted_minute_is_overwritten_when_it_is_read_again_and_not_doubled() {
    let place = Place::new().await;
    let stable = place.group("stable");
    let (mut known, mut half) = (Series::default(), None);
    // Some second of a minute shows one that is not complete.
    for _ in 0..12 {
        place.clock.advance(Duration::from_secs(15));
        let newest = place.minutes(stable.clone(), 10).await.minutes.last().copied().unwrap();
        if newest.requests.unwrap() < 2_300.0 {
            half = Some(newest);
            break;
        }
    }
    let half = half.unwrap();
    place.read_again(&stable, &mut known).await;
    assert!(!known.settled(half.at, place.clock.now()), "half a minute is never judged");
    // Nor does it become final by the time alone.
    assert!(!known.settled(half.at, place.clock.now() + 10.minutes()));
    place.clock.advance(Duration::from_secs(180));
    place.read_again(&stable, &mut known).await;
    let whole = at(&known, half.at).unwrap();
    assert!(whole.requests.unwrap() > half.requests.unwrap() * 1.2, "{half:?} {whole:?}");
    assert!(known.settled(half.at, place.clock.now()));
    let mut times: Vec<_> = known.minutes.iter().map(|it| it.at).collect();
    times.dedup();
    assert_eq!(times.len(), known.minutes.len());
}

#[tokio::test]
async fn whatever_is_settled_when_it_is_read_never_changes_again() {
    let place = Place::new().await;
    let stable = place.group("stable");
    let (mut known, mut settled) = (Series::default(), Vec::new());
    for _ in 0..40 {
        place.clock.advance(Duration::from_secs(13));
        place.read_again(&stable, &mut known).await;
        let now = place.clock.now();
        let newest = known.latest(now).copied().unwrap();
        assert!(now.duration_since(newest.at) >= SignedDuration::from_secs(180), "two minutes after its end");
        settled.push(newest);
    }
    place.clock.advance(Duration::from_secs(300));
    place.read_again(&stable, &mut known).await;
    assert!(settled.iter().all(|minute| at(&known, minute.at) == Some(*minute)));
}

#[tokio::test]
async fn minutes_are_whole_ascend_and_the_end_is_exclusive() {
    let place = Place::new().await;
    place.clock.advance(Duration::from_secs(1_200));
    let (from, to) = ("2026-11-21T04:36:00Z".parse().unwrap(), "2026-11-21T04:46:00Z".parse().unwrap());
    let query = MetricsQuery { meters: vec![(place.group("stable"), Resolution::Brief)], from, to };
    let read = place.ask(query).await.remove(0).1;
    let times: Vec<_> = read.minutes.iter().map(|it| it.at).collect();
    let expected: Vec<_> = (0..10).map(|minute| from + minute.minutes()).collect();
    assert_eq!(times, expected);
    let asked = place.server.log().select(|call| call.operation == "GetMetricData").remove(0).input;
    // Without it CloudWatch begins with the newest.
    assert_eq!(asked["ScanBy"], "TimestampAscending");
    assert!(asked["MetricDataQueries"].as_array().unwrap().iter().all(|it| it["MetricStat"]["Period"] == 60));
}

#[tokio::test]
async fn metrics_exist_under_their_own_dimensions_only() {
    let place = Place::new().await;
    let MetricSource::TargetGroup { group, balancer } = place.group("stable") else { panic!() };
    let resource = |arn: &Arn| arn.as_str().rsplit(':').next().unwrap().to_owned();
    let (group, balancer) = (resource(&group), resource(&balancer).replacen("loadbalancer/", "", 1));
    let (group, balancer) = (("TargetGroup", group.as_str()), ("LoadBalancer", balancer.as_str()));
    for (metric, dimensions, there) in [
        ("RequestCount", vec![group, balancer], true),
        ("RequestCount", vec![balancer], true),
        ("RequestCount", vec![group], false),
        ("HTTPCode_ELB_5XX_Count", vec![balancer], true),
        ("HTTPCode_ELB_5XX_Count", vec![group, balancer], false),
        ("UnHealthyHostCount", vec![balancer], false),
    ] {
        let read = place.minutes(counted("AWS/ApplicationELB", metric, &dimensions), 20).await;
        assert_eq!(!read.minutes.is_empty(), there, "{metric} {dimensions:?}");
    }
}

#[tokio::test]
async fn what_no_target_answered_is_the_load_balancers_and_nobody_elses() {
    let place = Place::new().await;
    place.clock.advance(Duration::from_secs(600));
    let errors = place.minutes(MetricSource::Balancer(place.balancer.clone()), 8).await;
    let minutes = &errors.gauges[&Gauge::BalancerErrors];
    assert!(errors.minutes.is_empty() && minutes.len() >= 5);
    assert!(minutes.values().take(4).all(|count| (150.0..450.0).contains(count)), "{minutes:?}");
    // No target was chosen for them: they are no requests of its target group.
    assert!(place.minutes(place.group("lost"), 8).await.minutes.is_empty());
    assert!(place.minutes(place.group("stable"), 8).await.minutes.iter().all(|it| it.errors() == Some(0.0)));
}

#[tokio::test]
async fn each_result_has_a_status_of_its_own_and_spoils_no_other() {
    let place = Place::new().await;
    let mut known = Series::default();
    place.read_again(&place.group("canary"), &mut known).await;
    let before = known.clone();
    for (metric, status, kind) in [
        ("RequestCount", "InternalError", TroubleKind::Failed),
        ("HTTPCode_Target_5XX_Count", "PartialData", TroubleKind::Partial),
        ("TargetConnectionErrorCount", "Forbidden", TroubleKind::Forbidden),
    ] {
        place.status(metric, status);
        let read = place.minutes(place.group("canary"), 10).await;
        let told: Vec<_> = read.troubles.iter().map(|it| (it.metric.as_str(), it.kind)).collect();
        assert_eq!(told, [(format!("{metric} Sum").as_str(), kind)]);
        assert!(read.troubles[0].message.contains("made to fail"), "{:?}", read.troubles);
        assert!(read.miscounted() && read.minutes.iter().all(|it| it.error_percent().is_none()));
        assert!(read.minutes.iter().any(|it| it.p95.is_some()));
        // What was read before is not lost for it.
        let mut again = before.clone();
        place.read_again(&place.group("canary"), &mut again).await;
        let rates = |series: &Series| series.minutes.iter().map(Minute::error_percent).collect::<Vec<_>>();
        assert_eq!(rates(&again), rates(&before));
    }
    place.status("TargetResponseTime", "InternalError");
    let read = place.minutes(place.group("canary"), 10).await;
    assert_eq!(read.troubles.len(), 3);
    assert!(!read.miscounted() && read.minutes.iter().all(|it| it.p95.is_none() && it.error_percent().is_some()));
    place.server.faults().clear();
    assert!(place.minutes(place.group("canary"), 10).await.troubles.is_empty());
}

#[tokio::test]
async fn more_datapoints_than_a_page_holds_are_read_to_the_last() {
    let place = Place::new().await;
    place.clock.advance(Duration::from_secs(45 * 60));
    let meter = counted("Shop", "Requests", &[("Service", "shop"), ("TaskDefinition", "shop:41")]);
    // Five hundred times the same metric: no two ids are alike for it.
    let query = MetricsQuery::last(vec![(meter, Resolution::Brief); 500], place.clock.now(), 230);
    let read = place.ask(query).await;
    assert_eq!(read.len(), 500);
    assert!(read[0].1.minutes.len() > 205);
    assert!(read.iter().all(|(_, series)| series.minutes == read[0].1.minutes && series.troubles.is_empty()));
    let pages = place.server.log().select(|call| call.operation == "GetMetricData");
    assert_eq!(pages.len(), 2);
    assert!(pages[0].input["NextToken"].is_null() && pages[1].input["NextToken"].is_string());
}

#[tokio::test]
async fn a_revisions_own_numbers_are_those_of_its_target_group() {
    let place = Place::new().await;
    place.clock.advance(Duration::from_secs(600));
    let metric = |name: &str, statistic: &str| {
        Some(CloudWatchMetric {
            namespace: "Shop".to_owned(),
            name: name.to_owned(),
            statistic: statistic.to_owned(),
            dimensions: ["service", "task_definition"]
                .map(|it| (if it == "service" { "Service" } else { "TaskDefinition" }.to_owned(), format!("{{{it}}}")))
                .into(),
        })
    };
    let recipe = MetricQueries {
        requests: metric("Requests", "Sum"),
        errors: metric("Errors", "Sum"),
        p95: metric("Latency", "p95"),
        ..MetricQueries::default()
    };
    let template = CustomMetrics { source: Source::CloudWatch(Box::new(recipe)), seconds: true };
    let of = |revision: u32| {
        let arn = format!("arn:aws:ecs:us-east-1:123456789012:task-definition/shop:{revision}");
        MetricSource::Custom(template.of(&ServiceKey::new("prod", "shop-canary"), &TaskDefinitionArn::new(arn)))
    };
    let numbers = |series: &Series| {
        let settled: Vec<_> = series.minutes.iter().filter(|it| series.settled(it.at, place.clock.now())).collect();
        settled.iter().map(|it| (it.at, it.requests, it.errors(), it.p95)).collect::<Vec<_>>()
    };
    let (own, behind) = (place.minutes(of(42), 60).await, place.minutes(place.group("canary"), 60).await);
    assert_eq!(numbers(&own), numbers(&behind));
    assert!(numbers(&own).len() > 50);
    assert!(place.minutes(of(41), 60).await.minutes.is_empty(), "the other revision does not run there");
}

#[tokio::test]
async fn what_a_service_uses_and_container_insights_where_they_are_on() {
    let place = Place::new().await;
    let used = place.minutes(MetricSource::Service(ServiceKey::new("prod", "shop")), 30).await;
    let mean = |gauge: Gauge| {
        let points = &used.gauges[&gauge];
        points.values().sum::<f64>() / points.len() as f64
    };
    // Three tasks of 512 units and 1,024 MB.
    let near = |is: f64, expected: f64| (is - expected).abs() < expected * 0.2;
    assert!(near(mean(Gauge::CpuUnits), mean(Gauge::Cpu) / 100.0 * 3.0 * 512.0));
    assert!(near(mean(Gauge::Megabytes), mean(Gauge::Memory) / 100.0 * 3.0 * 1_024.0));
    assert!(used.minutes.is_empty() && used.troubles.is_empty());
}
