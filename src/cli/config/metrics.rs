//! `[prometheus]` and `[services.NAME.metrics]`: where a team's own numbers of a revision are.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::cloud::prometheus::{Address, BadAddress};
use crate::domain::metrics::source::{CloudWatchMetric, CustomMetrics, MetricQueries, Source};

/// `[prometheus]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrometheusTable {
    /// Where it is.
    pub url: PrometheusUrl,
    /// A file with a token that it is asked with.
    pub bearer_token_file: Option<PathBuf>,
}

/// An [`Address`] as it was written.
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

/// `[services.NAME.metrics]`, found to make sense.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "MetricsTable", into = "MetricsTable")]
pub(crate) struct Metrics {
    table: MetricsTable,
    /// What it comes to.
    pub own: CustomMetrics,
}

/// `[services.NAME.metrics]` as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsTable {
    source: SourceName,
    latency: Option<Unit>,
    /// For members that do not name their own.
    namespace: Option<String>,
    /// For members that do not have their own.
    dimensions: Option<IndexMap<String, String>>,
    requests: Option<Member>,
    errors: Option<Member>,
    p50: Option<Member>,
    p95: Option<Member>,
    p99: Option<Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SourceName {
    CloudWatch,
    Prometheus,
}

/// What response times are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Ms,
    S,
}

/// One of a minute's numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Member {
    /// PromQL.
    Expression(String),
    /// A CloudWatch metric.
    Metric(MetricTable),
}

/// A CloudWatch metric; what is left out is said once for all, or is the usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricTable {
    metric: String,
    /// `Sum` for counts, `p95` for the p95, unless it is said.
    stat: Option<String>,
    namespace: Option<String>,
    dimensions: Option<IndexMap<String, String>>,
}

/// Why a table of metrics makes no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadMetrics {
    /// A rate is one over the other.
    #[error("`{0}` is missing: requests and errors are both needed to judge by")]
    Missing(&'static str),
    /// A table for Prometheus, or PromQL for CloudWatch.
    #[error("`{member}` is not for {source_name}, which takes {takes}")]
    Mixed {
        /// Which.
        member: &'static str,
        /// The source's name.
        source_name: &'static str,
        /// What it takes, in words.
        takes: &'static str,
    },
    /// Nothing says where to look.
    #[error("`{0}` has no namespace: give it one, or one for all of [services.NAME.metrics]")]
    NoNamespace(&'static str),
    /// A key that means nothing to this source.
    #[error("`{0}` is for source = \"cloudwatch\"; PromQL says it itself, in braces")]
    NotPromQl(&'static str),
    /// No such placeholder.
    #[error("`{member}` has {{{placeholder}}}; there are {}", known())]
    Placeholder {
        /// Where.
        member: &'static str,
        /// Without its braces.
        placeholder: String,
    },
    /// The same numbers for both.
    #[error(
        "`{0}` is the same for both revisions: it needs {{task_definition}} or {{revision}}, or {{service}} for a pair"
    )]
    Same(&'static str),
}

/// What [`CustomMetrics::of`] fills in, and whether it differs between the sides of a release.
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

/// The placeholders of a text. PromQL has braces of its own, but never around a bare word.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(inside, _)| inside);
    inside.filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
}

/// All texts of a member have placeholders that there are, and some that tell the sides of a release apart.
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

    /// Each member made into what its source is asked for.
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
                Source::CloudWatch(Box::new(table.recipe(|name, usual, it| table.metric(name, usual, it))?))
            }
            SourceName::Prometheus => {
                let others = [("namespace", table.namespace.is_some()), ("dimensions", table.dimensions.is_some())];
                if let Some((key, _)) = others.into_iter().find(|(_, said)| *said) {
                    return Err(BadMetrics::NotPromQl(key));
                }
                Source::Prometheus(table.recipe(|name, _, it| MetricsTable::expression(name, it))?)
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

/// Each key of a service's own metrics, and what is in force.
pub(super) fn shown(own: &CustomMetrics) -> Vec<(&'static str, String)> {
    fn each<T>(recipe: &MetricQueries<T>, show: impl Fn(&T) -> String) -> Vec<(&'static str, String)> {
        let MetricQueries { requests, errors, p50, p95, p99 } = recipe;
        let members = [("requests", requests), ("errors", errors), ("p50", p50), ("p95", p95), ("p99", p99)];
        members.into_iter().filter_map(|(key, member)| Some((key, show(member.as_ref()?)))).collect()
    }
    let (source, members) = match &own.source {
        Source::Prometheus(recipe) => ("prometheus", each(recipe, String::clone)),
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
