//! `[prometheus]` and `[services.NAME.metrics]`: the source of a team's custom metrics per revision.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::cloud::prometheus::{Address, BadAddress};
use crate::domain::metrics::source::{CloudWatchMetric, CustomMetrics, MetricQueries, PrometheusQueries, Source};

/// `[prometheus]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrometheusTable {
    /// Prometheus' URL.
    pub url: PrometheusUrl,
    /// File with the bearer token.
    pub bearer_token_file: Option<PathBuf>,
}

/// An [`Address`] that is read from and written to text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrometheusUrl(pub Address);

impl TryFrom<String> for PrometheusUrl {
    type Error = BadAddress;
    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse().map(Self)
    }
}

impl From<PrometheusUrl> for String {
    fn from(url: PrometheusUrl) -> Self {
        url.0.to_string()
    }
}

/// `[services.NAME.metrics]`, validated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "MetricsTable", into = "MetricsTable")]
pub(crate) struct Metrics {
    table: MetricsTable,
    /// The resulting metrics.
    pub own: CustomMetrics,
}

/// `[services.NAME.metrics]` as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsTable {
    source: SourceName,
    latency: Option<Unit>,
    /// Namespace for members without one.
    namespace: Option<String>,
    /// Dimensions for members without any.
    dimensions: Option<IndexMap<String, String>>,
    requests: Option<Member>,
    errors: Option<Member>,
    p50: Option<Member>,
    p95: Option<Member>,
    p99: Option<Member>,
    /// The buckets of all response times.
    histogram: Option<Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SourceName {
    CloudWatch,
    Prometheus,
}

/// Unit of response times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Ms,
    S,
}

/// The query for one number of a minute.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Member {
    /// A PromQL expression.
    Expression(String),
    /// A CloudWatch metric.
    Metric(MetricTable),
}

/// A CloudWatch metric. Missing values come from the enclosing table or from the defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricTable {
    metric: String,
    /// Statistic; by default `Sum` for counts and `p95` for the p95.
    stat: Option<String>,
    namespace: Option<String>,
    dimensions: Option<IndexMap<String, String>>,
}

/// Reason why a table of metrics is invalid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadMetrics {
    /// Requests or errors are missing; the error rate needs both.
    #[error("`{0}` is missing: requests and errors are both needed to judge by")]
    Missing(&'static str),
    /// A table for Prometheus, or PromQL for CloudWatch.
    #[error("`{member}` is not for {source_name}, which takes {takes}")]
    Mixed {
        /// The member's name.
        member: &'static str,
        /// The source's name.
        source_name: &'static str,
        /// The form that the source takes, in words.
        takes: &'static str,
    },
    /// A CloudWatch metric without a namespace.
    #[error("`{0}` has no namespace: give it one, or one for all of [services.NAME.metrics]")]
    NoNamespace(&'static str),
    /// A CloudWatch key with Prometheus as the source.
    #[error("`{0}` is for source = \"cloudwatch\"; PromQL says it itself, in braces")]
    NotPromQl(&'static str),
    /// Buckets of CloudWatch.
    #[error("`histogram` is for source = \"prometheus\"; CloudWatch has no buckets")]
    NoBuckets,
    /// A histogram without a p95.
    #[error("`histogram` needs `p95` beside it: screens show the p95, and the histogram is what the verdict compares")]
    HistogramAlone,
    /// Unknown placeholder.
    #[error("`{member}` has {{{placeholder}}}; there are {}", known())]
    Placeholder {
        /// The member's name.
        member: &'static str,
        /// The placeholder's name without braces.
        placeholder: String,
    },
    /// A query without a placeholder that differs between the revisions.
    #[error(
        "`{0}` is the same for both revisions: it needs {{task_definition}} or {{revision}}, or {{service}} for a pair"
    )]
    Same(&'static str),
}

/// The placeholders that [`CustomMetrics::of`] fills in; true if the value differs between the sides of a release.
const PLACEHOLDERS: [(&str, bool); 5] =
    [("task_definition", true), ("revision", true), ("service", true), ("family", false), ("cluster", false)];

fn known() -> String {
    PLACEHOLDERS.map(|(name, _)| format!("{{{name}}}")).join(", ")
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Member;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("PromQL in quotes, or a table { metric, stat, namespace, dimensions } of CloudWatch's")
            }
            fn visit_str<E>(self, text: &str) -> Result<Member, E> {
                Ok(Member::Expression(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Member, A::Error> {
                MetricTable::deserialize(MapAccessDeserializer::new(map)).map(Member::Metric)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The placeholders in a text. PromQL also uses braces, but never around a bare word.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(inside, _)| inside);
    inside.filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
}

/// Checks that all placeholders of a member are known and at least one differs between the sides of a release.
fn check<'a>(member: &'static str, texts: impl Iterator<Item = &'a str>) -> Result<(), BadMetrics> {
    let mut differs = false;
    for placeholder in texts.flat_map(placeholders) {
        match PLACEHOLDERS.iter().find(|(name, _)| *name == placeholder) {
            Some((_, side)) => differs |= side,
            None => return Err(BadMetrics::Placeholder { member, placeholder: placeholder.to_owned() }),
        }
    }
    if differs { Ok(()) } else { Err(BadMetrics::Same(member)) }
}

impl MetricsTable {
    fn members(&self) -> [(&'static str, &'static str, &Option<Member>); 5] {
        [
            ("requests", "Sum", &self.requests),
            ("errors", "Sum", &self.errors),
            ("p50", "p50", &self.p50),
            ("p95", "p95", &self.p95),
            ("p99", "p99", &self.p99),
        ]
    }

    fn seconds(&self) -> bool {
        self.latency.unwrap_or(match self.source {
            SourceName::CloudWatch => Unit::Ms,
            SourceName::Prometheus => Unit::S,
        }) == Unit::S
    }

    /// Converts each member to a query of its source.
    fn recipe<T>(
        &self,
        make: impl Fn(&'static str, &'static str, &Member) -> Result<T, BadMetrics>,
    ) -> Result<MetricQueries<T>, BadMetrics> {
        let made =
            self.members().map(|(name, stat, member)| member.as_ref().map(|it| make(name, stat, it)).transpose());
        let [requests, errors, p50, p95, p99] = made;
        let recipe = MetricQueries { requests: requests?, errors: errors?, p50: p50?, p95: p95?, p99: p99? };
        match (&recipe.requests, &recipe.errors) {
            (None, _) => Err(BadMetrics::Missing("requests")),
            (_, None) => Err(BadMetrics::Missing("errors")),
            _ => Ok(recipe),
        }
    }

    fn metric(&self, name: &'static str, usual: &str, member: &Member) -> Result<CloudWatchMetric, BadMetrics> {
        let Member::Metric(table) = member else {
            let takes = "a table { metric = \"…\", stat = \"…\" }";
            return Err(BadMetrics::Mixed { member: name, source_name: "CloudWatch", takes });
        };
        let namespace = table.namespace.as_ref().or(self.namespace.as_ref()).ok_or(BadMetrics::NoNamespace(name))?;
        let dimensions: Vec<_> = table.dimensions.as_ref().or(self.dimensions.as_ref()).into_iter().flatten().collect();
        let pairs = dimensions.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        check(name, pairs.chain([namespace.as_str(), table.metric.as_str()]))?;
        Ok(CloudWatchMetric {
            namespace: namespace.clone(),
            name: table.metric.clone(),
            statistic: table.stat.clone().unwrap_or_else(|| usual.to_owned()),
            dimensions: dimensions.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }

    fn expression(name: &'static str, member: &Member) -> Result<String, BadMetrics> {
        let Member::Expression(text) = member else {
            let takes = "PromQL in quotes";
            return Err(BadMetrics::Mixed { member: name, source_name: "Prometheus", takes });
        };
        check(name, std::iter::once(text.as_str()))?;
        Ok(text.clone())
    }
}

impl TryFrom<MetricsTable> for Metrics {
    type Error = BadMetrics;
    fn try_from(table: MetricsTable) -> Result<Self, BadMetrics> {
        let source = match table.source {
            SourceName::CloudWatch => {
                if table.histogram.is_some() {
                    return Err(BadMetrics::NoBuckets);
                }
                Source::CloudWatch(Box::new(table.recipe(|name, usual, it| table.metric(name, usual, it))?))
            }
            SourceName::Prometheus => {
                let others = [("namespace", table.namespace.is_some()), ("dimensions", table.dimensions.is_some())];
                if let Some((key, _)) = others.into_iter().find(|(_, said)| *said) {
                    return Err(BadMetrics::NotPromQl(key));
                }
                let numbers = table.recipe(|name, _, it| MetricsTable::expression(name, it))?;
                let histogram = table.histogram.as_ref();
                let histogram = histogram.map(|it| MetricsTable::expression("histogram", it)).transpose()?;
                if histogram.is_some() && numbers.p95.is_none() {
                    return Err(BadMetrics::HistogramAlone);
                }
                Source::Prometheus(PrometheusQueries { numbers, histogram })
            }
        };
        let own = CustomMetrics { source, seconds: table.seconds() };
        Ok(Self { table, own })
    }
}

impl From<Metrics> for MetricsTable {
    fn from(metrics: Metrics) -> Self {
        metrics.table
    }
}

/// Each key of a service's custom metrics, with the value in force.
pub(super) fn shown(own: &CustomMetrics) -> Vec<(&'static str, String)> {
    fn each<T>(recipe: &MetricQueries<T>, show: impl Fn(&T) -> String) -> Vec<(&'static str, String)> {
        let MetricQueries { requests, errors, p50, p95, p99 } = recipe;
        let members = [("requests", requests), ("errors", errors), ("p50", p50), ("p95", p95), ("p99", p99)];
        members.into_iter().filter_map(|(key, member)| Some((key, show(member.as_ref()?)))).collect()
    }
    let (source, members) = match &own.source {
        Source::Prometheus(PrometheusQueries { numbers, histogram }) => {
            let histogram = histogram.iter().map(|query| ("histogram", query.clone()));
            ("prometheus", each(numbers, String::clone).into_iter().chain(histogram).collect())
        }
        Source::CloudWatch(recipe) => ("cloudwatch", each(recipe, metric)),
    };
    let unit = if own.seconds { "s" } else { "ms" };
    [("source", source.to_owned()), ("latency", unit.to_owned())].into_iter().chain(members).collect()
}

/// `Shop Requests Sum Service=checkout Revision={revision}`.
fn metric(metric: &CloudWatchMetric) -> String {
    let CloudWatchMetric { namespace, name, statistic, dimensions } = metric;
    let dimensions = dimensions.iter().map(|(name, value)| format!(" {name}={value}"));
    format!("{namespace} {name} {statistic}{}", dimensions.collect::<String>())
}
