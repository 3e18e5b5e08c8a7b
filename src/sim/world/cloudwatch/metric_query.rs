//! Metric queries: a namespace, a metric name, dimensions, and a statistic over a period.

use super::latency_histogram::LatencyHistogram;
use super::metric_store::published_part;
use super::metric_store::{BalancerMinute, CustomMinute, GroupMinute, MetricStore, ServiceMinute, StatisticSet};
use crate::sim::scenario::CustomMetrics;
use crate::sim::world::clock::Ms;
use crate::sim::world::ecs::service::Service;
use crate::sim::world::elb::load_balancer::LoadBalancer;
use crate::sim::world::elb::target_group::GroupId;
use crate::sim::world::task_definitions::catalog::{Catalog, DefinitionId};

/// The parts of the account that queries read.
pub(crate) struct MetricView<'a> {
    pub(crate) load_balancer: &'a LoadBalancer,
    pub(crate) services: &'a [Service],
    pub(crate) catalog: &'a Catalog,
    pub(crate) custom: &'a [CustomMetrics],
    pub(crate) container_insights: bool,
    pub(crate) metrics: &'a MetricStore,
    /// The last simulated second.
    pub(crate) now: Ms,
}

/// A statistic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Statistic {
    Sum,
    Average,
    Minimum,
    Maximum,
    SampleCount,
    /// `p99.9`
    Percentile(f64),
}

impl Statistic {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "Sum" => Self::Sum,
            "Average" => Self::Average,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "SampleCount" => Self::SampleCount,
            _ => Self::Percentile(name.strip_prefix('p')?.parse().ok().filter(|p| (0.0..=100.0).contains(p))?),
        })
    }
}

/// A metric that exists.
#[derive(Debug, Clone)]
pub(crate) struct Metric {
    name: String,
    source: Source,
    /// Makes the publication times of metrics differ.
    salt: u64,
}

/// The records that a metric is read from.
#[derive(Debug, Clone)]
enum Source {
    /// Target groups, and the load balancer in front of them.
    Groups(Vec<GroupId>),
    /// An index into the account's services.
    Service(usize),
    /// A revision behind its service's target groups, which publishes the metric itself.
    Custom(Vec<GroupId>, DefinitionId),
}

/// The values of a period.
#[derive(Debug, Default)]
struct Point {
    set: StatisticSet,
    /// Every unit is a sample of 1, as for RequestCount.
    is_count: bool,
    latency: LatencyHistogram,
}

impl Point {
    /// Adds as many samples of 1 as are published.
    fn add_count(&mut self, count: u64, part: f64) {
        let published = (count as f64 * part).round();
        self.is_count = true;
        self.set.sum += published;
        self.set.count += published;
    }

    fn add_group(&mut self, metric: &str, record: &GroupMinute, part: f64) {
        match metric {
            "RequestCount" => self.add_count(record.requests, part),
            "HTTPCode_Target_2XX_Count" => self.add_count(record.code_2xx, part),
            "HTTPCode_Target_4XX_Count" => self.add_count(record.code_4xx, part),
            "HTTPCode_Target_5XX_Count" => self.add_count(record.code_5xx, part),
            "TargetConnectionErrorCount" => self.add_count(record.connection_errors, part),
            "UnhealthyRoutingRequestCount" => self.add_count(record.failed_open, part),
            "TargetResponseTime" => self.latency.merge(&record.latency),
            "HealthyHostCount" => self.set.merge(&record.healthy),
            "UnHealthyHostCount" => self.set.merge(&record.unhealthy),
            "RequestCountPerTarget" if record.requests > 0 => {
                let healthy = &record.healthy;
                let targets = if healthy.count > 0.0 { (healthy.sum / healthy.count).max(1.0) } else { 1.0 };
                self.set.add((record.requests as f64 * part).round() / targets);
            }
            _ => {}
        }
    }

    fn add_balancer(&mut self, metric: &str, record: &BalancerMinute, part: f64) {
        let count = match metric {
            "HTTPCode_ELB_5XX_Count" => record.elb_502 + record.elb_503 + record.elb_504,
            "HTTPCode_ELB_502_Count" => record.elb_502,
            "HTTPCode_ELB_503_Count" => record.elb_503,
            "HTTPCode_ELB_504_Count" => record.elb_504,
            "HTTP_Fixed_Response_Count" => record.fixed_responses,
            _ => 0,
        };
        self.add_count(count, part);
    }

    fn add_service(&mut self, metric: &str, record: &ServiceMinute) {
        match metric {
            "CPUUtilization" => self.set.merge(&record.cpu),
            "MemoryUtilization" => self.set.merge(&record.memory),
            "CpuUtilized" => self.set.merge(&record.cpu_units),
            "MemoryUtilized" => self.set.merge(&record.megabytes),
            _ => {}
        }
    }

    fn add_custom(&mut self, metric: &str, record: &CustomMinute, part: f64) {
        match metric {
            "Requests" => self.add_count(record.requests, part),
            "Errors" => self.add_count(record.errors, part),
            "Latency" => self.latency.merge(&record.latency),
            _ => {}
        }
    }

    /// The value of a statistic; `None` without samples.
    fn value(&self, statistic: Statistic) -> Option<f64> {
        let (set, latency) = (&self.set, &self.latency);
        if latency.count > 0.0 {
            return match statistic {
                Statistic::Sum => Some(latency.sum),
                Statistic::Average => Some(latency.sum / latency.count),
                Statistic::Minimum => Some(latency.min),
                Statistic::Maximum => Some(latency.max),
                Statistic::SampleCount => Some(latency.count.round()),
                Statistic::Percentile(p) => latency.percentile(p),
            };
        }
        if set.count <= 0.0 {
            return None;
        }
        Some(match statistic {
            Statistic::Sum => set.sum,
            Statistic::SampleCount => set.count,
            Statistic::Average => set.sum / set.count,
            Statistic::Minimum | Statistic::Maximum | Statistic::Percentile(_) if self.is_count => 1.0,
            Statistic::Minimum => set.min,
            Statistic::Maximum => set.max,
            Statistic::Percentile(p) => set.min + (set.max - set.min) * p / 100.0,
        })
    }
}

/// The dimensions of a query.
struct Dimensions<'a>(&'a [(&'a str, &'a str)]);

impl<'a> Dimensions<'a> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }
}

impl MetricView<'_> {
    /// Finds the metric with these dimensions, if anything publishes it.
    pub(crate) fn find(&self, namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Option<Metric> {
        let dimensions = Dimensions(dimensions);
        let (source, salt) = match namespace {
            "AWS/ApplicationELB" => self.find_balancer(name, &dimensions)?,
            "AWS/ECS" | "ECS/ContainerInsights" if dimensions.len() == 2 => {
                self.find_service(namespace, name, &dimensions)?
            }
            _ => self.find_custom(namespace, &dimensions)?,
        };
        Some(Metric { name: name.into(), source, salt })
    }

    fn find_balancer(&self, name: &str, dimensions: &Dimensions<'_>) -> Option<(Source, u64)> {
        let balancer = self.load_balancer;
        let own = dimensions
            .get("LoadBalancer")
            .is_none_or(|v| balancer.exists && v == format!("app/{}/{}", balancer.name, balancer.id));
        let has_balancer = dimensions.get("LoadBalancer").is_some();
        match (dimensions.get("TargetGroup"), dimensions.len()) {
            (Some(group), n) if own && (n == 2 && has_balancer || n == 1 && name == "RequestCountPerTarget") => {
                let suffix = format!(":{group}");
                let (id, _) = balancer.groups.iter().find(|(_, g)| g.arn.ends_with(&suffix))?;
                let of_groups = !name.starts_with("HTTPCode_ELB") && name != "HTTP_Fixed_Response_Count";
                of_groups.then(|| (Source::Groups(vec![id]), salt(group)))
            }
            (None, 1) if own && has_balancer => {
                let per_group = ["HealthyHostCount", "UnHealthyHostCount", "RequestCountPerTarget"].contains(&name);
                (!per_group).then(|| (Source::Groups(balancer.groups.ids().collect()), salt("balancer")))
            }
            _ => None,
        }
    }

    fn find_service(&self, namespace: &str, name: &str, dimensions: &Dimensions<'_>) -> Option<(Source, u64)> {
        let insights = ["CpuUtilized", "MemoryUtilized"].contains(&name);
        if insights != (namespace == "ECS/ContainerInsights") || insights && !self.container_insights {
            return None;
        }
        let (cluster, service) = (dimensions.get("ClusterName")?, dimensions.get("ServiceName")?);
        let at = self.services.iter().position(|s| s.cluster == cluster && s.name == service)?;
        Some((Source::Service(at), salt(service)))
    }

    fn find_custom(&self, namespace: &str, dimensions: &Dimensions<'_>) -> Option<(Source, u64)> {
        let custom = self.custom.iter().find(|custom| custom.namespace == namespace)?;
        let (name, revision) = (dimensions.get(&custom.service)?, dimensions.get(&custom.revision)?);
        let service = self.services.iter().find(|service| service.name == name)?;
        let definition = self.catalog.find(revision).filter(|_| dimensions.len() == 2 && revision.contains(':'))?;
        let groups = service.group.iter().chain(&service.alternate).chain(&service.more_groups).copied().collect();
        Some((Source::Custom(groups, definition), salt(name)))
    }

    /// The value of a period of `minutes` that begins with `first`; `None` without published data.
    pub(crate) fn value(&self, metric: &Metric, statistic: Statistic, first: i64, minutes: i64) -> Option<f64> {
        let mut point = Point::default();
        for minute in first..first + minutes {
            if let Some(part) = published_part(minute, metric.salt, self.now) {
                self.add_minute(metric, minute, part, &mut point);
            }
        }
        point.value(statistic)
    }

    /// Adds a minute to a point. Only `part` of its counts are published yet.
    fn add_minute(&self, metric: &Metric, minute: i64, part: f64, point: &mut Point) {
        let (name, records) = (metric.name.as_str(), self.metrics);
        match &metric.source {
            Source::Service(at) => {
                if let Some(record) = records.services.get(*at).and_then(|s| s.get(minute)) {
                    point.add_service(name, record);
                }
            }
            Source::Custom(groups, definition) => {
                for record in groups.iter().filter_map(|group| records.custom.get(*group, *definition, minute)) {
                    point.add_custom(name, record, part);
                }
            }
            Source::Groups(groups) => {
                if let Some(record) = records.balancer.get(minute).filter(|_| name.starts_with("HTTP")) {
                    point.add_balancer(name, record, part);
                }
                let series = groups.iter().filter_map(|group| records.groups.get(group.index()));
                for record in series.filter_map(|s| s.get(minute)) {
                    point.add_group(name, record, part);
                }
            }
        }
    }
}

fn salt(text: &str) -> u64 {
    text.bytes().fold(7, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)))
}
