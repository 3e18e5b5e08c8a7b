//! Metrics as CloudWatch addresses them: a namespace, a name and dimensions, a statistic over a period.

use super::World;
use super::balancer::GroupId;
use super::catalog::DefId;
use super::metrics::{Gauge, published};
use super::sketch::Sketch;

/// A statistic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stat {
    Sum,
    Average,
    Minimum,
    Maximum,
    SampleCount,
    /// `p99.9`
    Percentile(f64),
}

impl Stat {
    pub fn parse(name: &str) -> Option<Self> {
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

/// A series that exists: what it is read from.
#[derive(Debug, Clone)]
pub(super) struct Source {
    groups: Vec<GroupId>,
    service: Option<usize>,
    /// The revision that publishes it itself.
    own: Option<DefId>,
    metric: String,
    salt: u64,
}

/// The values of some minutes.
#[derive(Debug, Default)]
struct Point {
    gauge: Gauge,
    /// Each unit is a sample of its own: RequestCount and its like.
    counted: bool,
    latency: Sketch,
}

impl Point {
    /// As many samples of 1 as were published.
    fn count(&mut self, n: f64) {
        let n = n.round();
        self.counted = true;
        self.gauge.sum += n;
        self.gauge.n += n;
    }
}

impl Source {
    /// The series of these dimensions, if anything publishes such a one.
    pub fn find(world: &World, namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> Option<Self> {
        let value = |name: &str| dimensions.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        let salt = |text: &str| text.bytes().fold(7_u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)));
        let source = |groups, service, name: &str| {
            Some(Self { groups, service, own: None, metric: metric.into(), salt: salt(name) })
        };
        match namespace {
            "AWS/ApplicationELB" => {
                let balancer = &world.balancer;
                let ours = value("LoadBalancer")
                    .is_none_or(|v| balancer.exists && v == format!("app/{}/{}", balancer.name, balancer.id));
                let group = value("TargetGroup");
                match (group, dimensions.len()) {
                    (Some(group), n)
                        if ours
                            && (n == 2 && value("LoadBalancer").is_some()
                                || n == 1 && metric == "RequestCountPerTarget") =>
                    {
                        let id = balancer
                            .group_ids()
                            .find(|id| balancer.group(*id).is_some_and(|g| g.arn.ends_with(&format!(":{group}"))))?;
                        let of_groups = !metric.starts_with("HTTPCode_ELB") && metric != "HTTP_Fixed_Response_Count";
                        if of_groups { source(vec![id], None, group) } else { None }
                    }
                    (None, 1) if ours && value("LoadBalancer").is_some() => {
                        let per_group =
                            ["HealthyHostCount", "UnHealthyHostCount", "RequestCountPerTarget"].contains(&metric);
                        if per_group { None } else { source(balancer.group_ids().collect(), None, "balancer") }
                    }
                    _ => None,
                }
            }
            "AWS/ECS" | "ECS/ContainerInsights" if dimensions.len() == 2 => {
                let insights = ["CpuUtilized", "MemoryUtilized"].contains(&metric);
                if insights != (namespace == "ECS/ContainerInsights") || insights && !world.container_insights {
                    return None;
                }
                let (cluster, service) = (value("ClusterName")?, value("ServiceName")?);
                let at = world.services.iter().position(|s| s.cluster == cluster && s.name == service)?;
                source(Vec::new(), Some(at), service)
            }
            _ => {
                let custom = world.custom.iter().find(|custom| custom.namespace == namespace)?;
                let (name, revision) = (value(&custom.service)?, value(&custom.revision)?);
                let service = world.services.iter().find(|service| service.name == name)?;
                let own =
                    Some(world.catalog.find(revision).filter(|_| dimensions.len() == 2 && revision.contains(':'))?);
                let groups = service.group.into_iter().chain(service.alternate).collect();
                Some(Self { groups, service: None, own, metric: metric.into(), salt: salt(name) })
            }
        }
    }

    /// Adds a minute's values; `part` of the counts, as far as they are published.
    fn add(&self, world: &World, minute: i64, part: f64, point: &mut Point) {
        if let Some(record) = self.service.and_then(|s| world.metrics.services.get(s)).and_then(|s| s.get(minute)) {
            match self.metric.as_str() {
                "CPUUtilization" => point.gauge.merge(&record.cpu),
                "MemoryUtilization" => point.gauge.merge(&record.memory),
                "CpuUtilized" => point.gauge.merge(&record.cpu_units),
                "MemoryUtilized" => point.gauge.merge(&record.megabytes),
                _ => {}
            }
            return;
        }
        if let Some(def) = self.own {
            for record in self.groups.iter().filter_map(|group| world.metrics.own.get(*group, def, minute)) {
                match self.metric.as_str() {
                    "Requests" => point.count(record.requests as f64 * part),
                    "Errors" => point.count(record.errors as f64 * part),
                    "Latency" => point.latency.merge(&record.latency),
                    _ => {}
                }
            }
            return;
        }
        if let Some(record) = world.metrics.balancer.get(minute).filter(|_| self.metric.starts_with("HTTP")) {
            let ours = match self.metric.as_str() {
                "HTTPCode_ELB_5XX_Count" => record.elb_502 + record.elb_503 + record.elb_504,
                "HTTPCode_ELB_502_Count" => record.elb_502,
                "HTTPCode_ELB_503_Count" => record.elb_503,
                "HTTPCode_ELB_504_Count" => record.elb_504,
                "HTTP_Fixed_Response_Count" => record.fixed,
                _ => 0,
            };
            point.count(ours as f64 * part);
        }
        for group in &self.groups {
            let Some(record) = world.metrics.groups.get(group.index()).and_then(|s| s.get(minute)) else {
                continue;
            };
            match self.metric.as_str() {
                "RequestCount" => point.count(record.requests as f64 * part),
                "HTTPCode_Target_2XX_Count" => point.count(record.code_2xx as f64 * part),
                "HTTPCode_Target_4XX_Count" => point.count(record.code_4xx as f64 * part),
                "HTTPCode_Target_5XX_Count" => point.count(record.code_5xx as f64 * part),
                "TargetConnectionErrorCount" => point.count(record.connection_errors as f64 * part),
                "UnhealthyRoutingRequestCount" => point.count(record.failed_open as f64 * part),
                "TargetResponseTime" => point.latency.merge(&record.latency),
                "HealthyHostCount" => point.gauge.merge(&record.healthy),
                "UnHealthyHostCount" => point.gauge.merge(&record.unhealthy),
                "RequestCountPerTarget" if record.requests > 0 => {
                    let targets =
                        if record.healthy.n > 0.0 { (record.healthy.sum / record.healthy.n).max(1.0) } else { 1.0 };
                    point.gauge.add((record.requests as f64 * part).round() / targets);
                }
                _ => {}
            }
        }
    }
}

/// The value of a period that begins with `minute`; `None` when it has no published data.
pub(super) fn value(world: &World, source: &Source, stat: &Stat, minute: i64, minutes: i64) -> Option<f64> {
    let mut point = Point::default();
    for minute in minute..minute + minutes {
        if let Some(part) = published(minute, source.salt, world.tick) {
            source.add(world, minute, part, &mut point);
        }
    }
    let (gauge, latency) = (&point.gauge, &point.latency);
    if latency.count > 0.0 {
        return match stat {
            Stat::Sum => Some(latency.sum),
            Stat::Average => Some(latency.sum / latency.count),
            Stat::Minimum => Some(latency.min),
            Stat::Maximum => Some(latency.max),
            Stat::SampleCount => Some(latency.count.round()),
            Stat::Percentile(p) => latency.percentile(*p),
        };
    }
    if gauge.n <= 0.0 {
        return None;
    }
    Some(match stat {
        Stat::Sum => gauge.sum,
        Stat::SampleCount => gauge.n,
        Stat::Average => gauge.sum / gauge.n,
        Stat::Minimum | Stat::Maximum | Stat::Percentile(_) if point.counted => 1.0,
        Stat::Minimum => gauge.min,
        Stat::Maximum => gauge.max,
        Stat::Percentile(p) => gauge.min + (gauge.max - gauge.min) * p / 100.0,
    })
}
