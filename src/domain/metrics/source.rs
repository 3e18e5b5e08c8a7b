//! Metric sources: a target group, custom metrics of a revision, a load balancer, a service.

use serde::{Deserialize, Serialize};

use super::Member;
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::load_balancer_dimension;

/// A metric source, with everything that a query needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricSource {
    /// A target group behind a load balancer: requests answered by the group's targets.
    TargetGroup {
        /// `TargetGroupArn`.
        group: Arn,
        /// `LoadBalancerArn`: CloudWatch publishes the counts only under both dimensions.
        balancer: Arn,
    },
    /// A team's custom metrics of one revision, placeholders filled in.
    #[serde(rename = "own")]
    Custom(CustomMetrics),
    /// A load balancer as a whole: responses that came from no target.
    Balancer(Arn),
    /// An ECS service, all revisions together: CPU and memory.
    Service(ServiceKey),
}

/// The amount of data to query from a metric source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The metrics for the verdict and for a line of the fleet.
    Brief,
    /// Also the metrics for the panels of the open release.
    Full,
}

/// The queries for the five metrics of a minute; an absent query means no data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricQueries<T> {
    /// Requests in the minute.
    pub requests: Option<T>,
    /// Errors among the requests.
    pub errors: Option<T>,
    /// Response time: 50 % are faster.
    pub p50: Option<T>,
    /// Response time: 95 % are faster.
    pub p95: Option<T>,
    /// Response time: 99 % are faster.
    pub p99: Option<T>,
}

impl<T> Default for MetricQueries<T> {
    fn default() -> Self {
        Self { requests: None, errors: None, p50: None, p95: None, p99: None }
    }
}

impl<T> MetricQueries<T> {
    /// The names of the queries that are present in both and equal.
    fn alike(&self, other: &Self) -> Vec<&'static str>
    where
        T: PartialEq,
    {
        let members = [
            ("requests", &self.requests, &other.requests),
            ("errors", &self.errors, &other.errors),
            ("p50", &self.p50, &other.p50),
            ("p95", &self.p95, &other.p95),
            ("p99", &self.p99, &other.p99),
        ];
        let alike = members.into_iter().filter(|(_, one, other)| one.is_some() && one == other);
        alike.map(|(name, ..)| name).collect()
    }

    /// The queries that are present, each with its metric of a minute.
    pub fn each(&self) -> impl Iterator<Item = (Member, &T)> {
        let all = [
            (Member::Requests, &self.requests),
            (Member::Errors, &self.errors),
            (Member::P50, &self.p50),
            (Member::P95, &self.p95),
            (Member::P99, &self.p99),
        ];
        all.into_iter().filter_map(|(member, given)| Some((member, given.as_ref()?)))
    }

    /// The same queries, each converted by `make`.
    pub fn map<U>(&self, make: impl Fn(&T) -> U) -> MetricQueries<U> {
        let make = |member: &Option<T>| member.as_ref().map(&make);
        MetricQueries {
            requests: make(&self.requests),
            errors: make(&self.errors),
            p50: make(&self.p50),
            p95: make(&self.p95),
            p99: make(&self.p99),
        }
    }
}

/// A CloudWatch metric of any namespace, with its statistic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CloudWatchMetric {
    /// `Namespace`.
    pub namespace: String,
    /// `MetricName`.
    pub name: String,
    /// `Stat`.
    pub statistic: String,
    /// `Dimensions`: all of the metric's published dimensions, since CloudWatch identifies a metric only by the full
    /// set.
    pub dimensions: Vec<(String, String)>,
}

/// The source of a team's custom metrics of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// CloudWatch.
    CloudWatch(Box<MetricQueries<CloudWatchMetric>>),
    /// Prometheus: PromQL queries, each for the minute that ends at the query's time.
    Prometheus(PrometheusQueries),
}

/// The PromQL queries of a team's custom metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PrometheusQueries {
    /// Queries with one value each.
    pub numbers: MetricQueries<String>,
    /// The query for the response times of all requests: one value for each label `le`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<String>,
}

impl From<MetricQueries<String>> for PrometheusQueries {
    fn from(numbers: MetricQueries<String>) -> Self {
        Self { numbers, histogram: None }
    }
}

impl PrometheusQueries {
    /// The names of the queries that are present in both and equal.
    fn alike(&self, other: &Self) -> Vec<&'static str> {
        let mut alike = self.numbers.alike(&other.numbers);
        alike.extend((self.histogram.is_some() && self.histogram == other.histogram).then_some("histogram"));
        alike
    }
}

/// A team's custom metrics. A template has `{task_definition}`, `{revision}`, `{family}`, `{service}` and `{cluster}`
/// in its texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CustomMetrics {
    /// The source of the metrics.
    pub source: Source,
    /// True if the source's response times are in seconds; otherwise they are in milliseconds.
    pub seconds: bool,
}

impl CustomMetrics {
    /// The metrics of one revision of one service, placeholders filled in.
    pub fn of(&self, service: &ServiceKey, task_definition: &TaskDefinitionArn) -> Self {
        let revision = task_definition.revision().map(|number| number.to_string()).unwrap_or_default();
        let fill = |text: &String| {
            text.replace("{task_definition}", task_definition.short())
                .replace("{revision}", &revision)
                .replace("{family}", task_definition.family())
                .replace("{service}", &service.service)
                .replace("{cluster}", &service.cluster)
        };
        let metric = |metric: &CloudWatchMetric| CloudWatchMetric {
            namespace: fill(&metric.namespace),
            name: fill(&metric.name),
            statistic: metric.statistic.clone(),
            dimensions: metric.dimensions.iter().map(|(name, value)| (fill(name), fill(value))).collect(),
        };
        let source = match &self.source {
            Source::CloudWatch(recipe) => Source::CloudWatch(Box::new(recipe.map(metric))),
            Source::Prometheus(queries) => Source::Prometheus(PrometheusQueries {
                numbers: queries.numbers.map(fill),
                histogram: queries.histogram.as_ref().map(fill),
            }),
        };
        Self { source, seconds: self.seconds }
    }

    /// The setting names of the queries that are identical in both.
    pub fn same_as(&self, other: &Self) -> Vec<&'static str> {
        match (&self.source, &other.source) {
            (Source::CloudWatch(one), Source::CloudWatch(other)) => one.alike(other),
            (Source::Prometheus(one), Source::Prometheus(other)) => one.alike(other),
            _ => Vec::new(),
        }
    }
}

/// Maximum number of metrics in one GetMetricData call.
pub const METRICS_A_CALL: usize = 500;

impl MetricSource {
    /// Returns true if the provider is Prometheus, not CloudWatch.
    pub fn of_prometheus(&self) -> bool {
        matches!(self, Self::Custom(CustomMetrics { source: Source::Prometheus(_), .. }))
    }

    /// Returns true if the source has response times.
    pub fn timed(&self) -> bool {
        match self {
            Self::TargetGroup { .. } => true,
            Self::Custom(CustomMetrics { source: Source::CloudWatch(recipe), .. }) => recipe.p95.is_some(),
            Self::Custom(CustomMetrics { source: Source::Prometheus(queries), .. }) => queries.numbers.p95.is_some(),
            Self::Balancer(_) | Self::Service(_) => false,
        }
    }

    /// Number of metrics in the query to CloudWatch, for the limit per call and for the price.
    pub fn metrics(&self, detail: Resolution) -> usize {
        match (self, detail) {
            // Network load balancers count flows, not requests.
            (Self::TargetGroup { balancer, .. } | Self::Balancer(balancer), _)
                if !load_balancer_dimension(balancer).starts_with("app/") =>
            {
                0
            }
            (Self::TargetGroup { .. }, Resolution::Brief) => 4,
            (Self::TargetGroup { .. }, Resolution::Full) => 8,
            (Self::Balancer(_), _) => 1,
            (Self::Service(_), Resolution::Brief) => 2,
            (Self::Service(_), Resolution::Full) => 4,
            (Self::Custom(CustomMetrics { source: Source::CloudWatch(recipe), .. }), _) => recipe.each().count(),
            (Self::Custom(_), _) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_that_is_the_same_for_both_revisions_of_a_service_is_named() {
        let recipe = |requests: &str| MetricQueries {
            requests: Some(requests.to_owned()),
            errors: Some("errors{rev=\"{revision}\"}".to_owned()),
            ..MetricQueries::default()
        };
        let service = ServiceKey::new("prod", "shop");
        let td = |revision| {
            TaskDefinitionArn::new(format!("arn:aws:ecs:us-east-1:123456789012:task-definition/shop:{revision}"))
        };
        for (requests, same) in [("r{app=\"{service}\"}", vec!["requests"]), ("r{td=\"{task_definition}\"}", vec![])] {
            let own = CustomMetrics { source: Source::Prometheus(recipe(requests).into()), seconds: true };
            assert_eq!(own.of(&service, &td(42)).same_as(&own.of(&service, &td(41))), same);
        }
    }

    #[test]
    fn placeholders_are_filled_in_for_one_revision() {
        let query = "sum(increase(requests{app=\"{service}\", td=\"{task_definition}\", rev=\"{revision}\"}[1m]))";
        let template = CustomMetrics {
            source: Source::Prometheus(PrometheusQueries {
                numbers: MetricQueries { requests: Some(query.to_owned()), ..MetricQueries::default() },
                histogram: Some(query.to_owned()),
            }),
            seconds: true,
        };
        let td = TaskDefinitionArn::new("arn:aws:ecs:us-east-1:123456789012:task-definition/shop:42");
        let own = template.of(&ServiceKey::new("prod", "shop-canary"), &td);
        let Source::Prometheus(PrometheusQueries { numbers, histogram }) = own.source else { unreachable!() };
        let filled = Some("sum(increase(requests{app=\"shop-canary\", td=\"shop:42\", rev=\"42\"}[1m]))".to_owned());
        assert_eq!((numbers.requests, histogram), (filled.clone(), filled));
    }
}
