//! The CloudWatch metrics that make up a metric source.

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};

use crate::domain::ecs::route::{load_balancer_dimension, target_group_dimension};
use crate::domain::metrics::source::{CloudWatchMetric, CustomMetrics, MetricSource, Resolution, Source};
use crate::domain::metrics::{Gauge, Member};

const ELB: &str = "AWS/ApplicationELB";

/// The use of a metric's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A per-minute number of a side, which the verdict uses.
    Of(Member),
    /// A gauge: displayed, never judged.
    Shown(Gauge),
}

/// One metric with one statistic, for one query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub metric: CloudWatchMetric,
    pub meaning: Meaning,
    /// Factor from the metric's unit to the domain's unit.
    pub factor: f64,
}

impl Asked {
    fn new(namespace: &str, name: &str, statistic: &str, dimensions: &[(&str, &str)], meaning: Meaning) -> Self {
        let dimensions = dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let metric = CloudWatchMetric {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            statistic: statistic.to_owned(),
            dimensions,
        };
        Self { metric, meaning, factor: 1.0 }
    }

    /// Converts from seconds in CloudWatch to milliseconds in the domain.
    fn in_seconds(self) -> Self {
        Self { factor: 1e3, ..self }
    }

    /// Builds the query with this number.
    pub(super) fn query(&self, number: usize) -> MetricDataQuery {
        let dimensions = self.metric.dimensions.iter();
        let dimensions = dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build());
        let metric = Metric::builder()
            .namespace(&self.metric.namespace)
            .metric_name(&self.metric.name)
            .set_dimensions(Some(dimensions.collect()))
            .build();
        let stat = MetricStat::builder().metric(metric).period(60).stat(&self.metric.statistic).build();
        MetricDataQuery::builder().id(id(number)).metric_stat(stat).build()
    }
}

/// A query's id. CloudWatch requires a leading lower-case letter and unique ids, although two sources may share a
/// metric.
pub(super) fn id(number: usize) -> String {
    format!("m{number}")
}

/// The metrics of a source; their number is [`MetricSource::metrics`].
pub(super) fn asked(meter: &MetricSource, detail: Resolution) -> Vec<Asked> {
    let full = detail == Resolution::Full;
    match meter {
        // Network load balancers count flows, not requests.
        MetricSource::TargetGroup { balancer, .. } | MetricSource::Balancer(balancer)
            if !load_balancer_dimension(balancer).starts_with("app/") =>
        {
            Vec::new()
        }
        MetricSource::TargetGroup { group, balancer } => {
            target_group(target_group_dimension(group), load_balancer_dimension(balancer), full)
        }
        MetricSource::Balancer(balancer) => {
            let dimensions = [("LoadBalancer", load_balancer_dimension(balancer))];
            let meaning = Meaning::Shown(Gauge::BalancerErrors);
            vec![Asked::new(ELB, "HTTPCode_ELB_5XX_Count", "Sum", &dimensions, meaning)]
        }
        MetricSource::Service(service) => {
            let dimensions = [("ClusterName", service.cluster.as_str()), ("ServiceName", service.service.as_str())];
            let metric = |namespace, name, statistic, gauge| {
                Asked::new(namespace, name, statistic, &dimensions, Meaning::Shown(gauge))
            };
            let mut asked = vec![
                metric("AWS/ECS", "CPUUtilization", "Average", Gauge::Cpu),
                metric("AWS/ECS", "MemoryUtilization", "Average", Gauge::Memory),
            ];
            if full {
                asked.push(metric("ECS/ContainerInsights", "CpuUtilized", "Sum", Gauge::CpuUnits));
                asked.push(metric("ECS/ContainerInsights", "MemoryUtilized", "Sum", Gauge::Megabytes));
            }
            asked
        }
        MetricSource::Custom(own) => of_its_own(own),
    }
}

/// Metrics of a target group, with both dimensions: `RequestCount` has no values for the target group's dimension
/// alone.
fn target_group(group: &str, balancer: &str, full: bool) -> Vec<Asked> {
    let dimensions = [("TargetGroup", group), ("LoadBalancer", balancer)];
    let metric = |name, statistic, meaning| Asked::new(ELB, name, statistic, &dimensions, meaning);
    let latency = |statistic, member| metric("TargetResponseTime", statistic, Meaning::Of(member)).in_seconds();
    let mut asked = vec![
        metric("RequestCount", "Sum", Meaning::Of(Member::Requests)),
        metric("HTTPCode_Target_5XX_Count", "Sum", Meaning::Of(Member::Errors)),
        metric("TargetConnectionErrorCount", "Sum", Meaning::Of(Member::ConnectionErrors)),
        latency("p95", Member::P95),
    ];
    if full {
        asked.push(latency("p50", Member::P50));
        asked.push(latency("p99", Member::P99));
        asked.push(metric("UnHealthyHostCount", "Maximum", Meaning::Shown(Gauge::UnhealthyHosts)));
        asked.push(metric("UnhealthyRoutingRequestCount", "Sum", Meaning::Shown(Gauge::FailedOpen)));
    }
    asked
}

fn of_its_own(own: &CustomMetrics) -> Vec<Asked> {
    let Source::CloudWatch(recipe) = &own.source else { return Vec::new() };
    let asked = recipe.each().map(|(member, metric)| {
        let asked = Asked { metric: metric.clone(), meaning: Meaning::Of(member), factor: 1.0 };
        if own.seconds && !member.counts() { asked.in_seconds() } else { asked }
    });
    asked.collect()
}
