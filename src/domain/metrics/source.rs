//! Whose numbers are asked for: a target group's, a revision's own, a load balancer's, a service's.

use serde::{Deserialize, Serialize};

use super::Member;
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::load_balancer_dimension;

/// Something that is counted. It says all that a source needs to be asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricSource {
    /// A target group behind a load balancer: requests that its targets answered.
    TargetGroup {
        /// `TargetGroupArn`.
        group: Arn,
        /// `LoadBalancerArn`: CloudWatch has the counts under both only.
        balancer: Arn,
    },
    /// What a team counts itself of one revision, placeholders filled in.
    #[serde(rename = "own")]
    Custom(CustomMetrics),
    /// A load balancer as a whole: what no target answered.
    Balancer(Arn),
    /// An ECS service, all of its revisions together: CPU and memory.
    Service(ServiceKey),
}

/// How much of a meter is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// What the verdict needs, and a line of the fleet.
    Brief,
    /// What the open release's panels show too.
    Full,
}

/// The five numbers of a minute, each by what it is asked for with; what is left out has no data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricQueries<T> {
    /// Requests in the minute.
    pub requests: Option<T>,
    /// Errors among them.
    pub errors: Option<T>,
    /// The response time: half are faster.
    pub p50: Option<T>,
    /// 95 of 100 are faster.
    pub p95: Option<T>,
    /// 99 of 100 are faster.
    pub p99: Option<T>,
}

impl<T> Default for MetricQueries<T> {
    fn default() -> Self {
        Self { requests: None, errors: None, p50: None, p95: None, p99: None }
    }
}

impl<T> MetricQueries<T> {
    /// The names of its members that are in both and alike.
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

    /// Its members that are there, and which number of a minute each is.
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

    /// The same, each member made into another.
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

/// A CloudWatch metric of any namespace, and the statistic that is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CloudWatchMetric {
    /// `Namespace`.
    pub namespace: String,
    /// `MetricName`.
    pub name: String,
    /// `Stat`.
    pub statistic: String,
    /// `Dimensions`: all that the metric was published with, for CloudWatch knows it by no fewer.
    pub dimensions: Vec<(String, String)>,
}

/// Where a team's own numbers of a revision are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// In CloudWatch.
    CloudWatch(Box<MetricQueries<CloudWatchMetric>>),
    /// In Prometheus: PromQL, of which each gives one number for the minute that ends at the time it is asked for.
    Prometheus(MetricQueries<String>),
}

/// A team's own numbers, with `{task_definition}`, `{revision}`, `{family}`, `{service}` and `{cluster}` in its texts as
/// long as they are a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CustomMetrics {
    /// Where they are.
    pub source: Source,
    /// Whether response times are in seconds there; else in milliseconds.
    pub seconds: bool,
}

impl CustomMetrics {
    /// The same for one revision of one service.
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
            Source::Prometheus(recipe) => Source::Prometheus(recipe.map(fill)),
        };
        Self { source, seconds: self.seconds }
    }

    /// Which of the numbers are the very same as another's, by their names in the settings.
    pub fn same_as(&self, other: &Self) -> Vec<&'static str> {
        match (&self.source, &other.source) {
            (Source::CloudWatch(one), Source::CloudWatch(other)) => one.alike(other),
            (Source::Prometheus(one), Source::Prometheus(other)) => one.alike(other),
            _ => Vec::new(),
        }
    }
}

/// GetMetricData takes as many metrics in one call.
pub const METRICS_A_CALL: usize = 500;

impl MetricSource {
    /// Whether Prometheus is asked for it; else CloudWatch is.
    pub fn of_prometheus(&self) -> bool {
        matches!(self, Self::Custom(CustomMetrics { source: Source::Prometheus(_), .. }))
    }

    /// Whether response times are counted too.
    pub fn timed(&self) -> bool {
        match self {
            Self::TargetGroup { .. } => true,
            Self::Custom(CustomMetrics { source: Source::CloudWatch(recipe), .. }) => recipe.p95.is_some(),
            Self::Custom(CustomMetrics { source: Source::Prometheus(recipe), .. }) => recipe.p95.is_some(),
            Self::Balancer(_) | Self::Service(_) => false,
        }
    }

    /// How many metrics CloudWatch is asked for: what its limit of a call and its price count.
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
            let own = CustomMetrics { source: Source::Prometheus(recipe(requests)), seconds: true };
            assert_eq!(own.of(&service, &td(42)).same_as(&own.of(&service, &td(41))), same);
        }
    }

    #[test]
    fn placeholders_are_filled_in_for_one_revision() {
        let query = "sum(increase(requests{app=\"{service}\", td=\"{task_definition}\", rev=\"{revision}\"}[1m]))";
        let template = CustomMetrics {
            source: Source::Prometheus(MetricQueries { requests: Some(query.to_owned()), ..MetricQueries::default() }),
            seconds: true,
        };
        let td = TaskDefinitionArn::new("arn:aws:ecs:us-east-1:123456789012:task-definition/shop:42");
        let own = template.of(&ServiceKey::new("prod", "shop-canary"), &td);
        let Source::Prometheus(MetricQueries { requests: Some(query), .. }) = own.source else { unreachable!() };
        assert_eq!(query, "sum(increase(requests{app=\"shop-canary\", td=\"shop:42\", rev=\"42\"}[1m]))");
    }
}
