//! CloudWatch: the minutes of target groups.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode};
use jiff::Timestamp;

use crate::cloud::Minutes;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::meter::Meter;
use crate::domain::metrics::{MetricsQuery, Minute, Series};
use crate::domain::names::Arn;
use crate::domain::route::{load_balancer_dimension, target_group_dimension};

use super::Aws;
use super::operation::Operation;
use super::pages::pages;
use super::time::{date_time, timestamp};

/// GetMetricData takes as many queries in one call.
const QUERIES_A_CALL: usize = 500;

/// The longest that CloudWatch goes on about one range of time.
const MOST_DATAPOINTS: i32 = 100_800;

/// One number of a minute: its metric, its statistic, where it goes.
struct Gauge {
    metric: &'static str,
    statistic: &'static str,
    /// Seconds on the wire, milliseconds in the domain.
    factor: f64,
    field: fn(&mut Minute) -> &mut Option<f64>,
    /// Without it a minute would look better than it was: its failure fails the answer.
    counts: bool,
}

const GAUGES: [Gauge; 6] = [
    Gauge { metric: "RequestCount", statistic: "Sum", factor: 1.0, field: |it| &mut it.requests, counts: true },
    Gauge {
        metric: "HTTPCode_Target_5XX_Count",
        statistic: "Sum",
        factor: 1.0,
        field: |it| &mut it.target_5xx,
        counts: true,
    },
    Gauge {
        metric: "TargetConnectionErrorCount",
        statistic: "Sum",
        factor: 1.0,
        field: |it| &mut it.connection_errors,
        counts: true,
    },
    Gauge { metric: "TargetResponseTime", statistic: "p50", factor: 1e3, field: |it| &mut it.p50, counts: false },
    Gauge { metric: "TargetResponseTime", statistic: "p95", factor: 1e3, field: |it| &mut it.p95, counts: false },
    Gauge { metric: "TargetResponseTime", statistic: "p99", factor: 1e3, field: |it| &mut it.p99, counts: false },
];

#[async_trait]
impl Minutes for Aws {
    /// An empty series for a target group that no application load balancer serves.
    async fn minutes(&self, query: &MetricsQuery) -> Result<Vec<(Meter, Series)>, Fault> {
        let mut series: Vec<(Meter, Series)> =
            query.meters.iter().map(|(meter, _)| (meter.clone(), Series::default())).collect();
        let targets: Vec<(usize, &Arn, &Arn)> = query
            .meters
            .iter()
            .enumerate()
            .filter_map(|(index, (meter, _))| match meter {
                Meter::TargetGroup { group, balancer } => Some((index, (group, balancer))),
                _ => None,
            })
            // Network load balancers count flows, not requests.
            .filter(|(_, (_, balancer))| load_balancer_dimension(balancer).starts_with("app/"))
            .map(|(index, (group, balancer))| (index, group, balancer))
            .collect();
        for batch in targets.chunks(QUERIES_A_CALL / GAUGES.len()) {
            let results = self.metric_data(query, batch).await?;
            for (index, _, _) in batch {
                if let Some((_, series)) = series.get_mut(*index) {
                    *series = assemble(*index, &results);
                }
            }
        }
        Ok(series)
    }
}

impl Aws {
    async fn metric_data(
        &self,
        query: &MetricsQuery,
        targets: &[(usize, &Arn, &Arn)],
    ) -> Result<HashMap<String, Readings>, Fault> {
        let operation = Operation::GetMetricData;
        let subject = match targets {
            [(_, group, _)] => target_group_dimension(group).to_owned(),
            several => format!("{} target groups", several.len()),
        };
        let queries: Vec<MetricDataQuery> =
            targets.iter().flat_map(|(index, group, balancer)| queries(*index, group, balancer)).collect();
        let results = pages(operation, usize::MAX, |token| {
            let call = self.clients.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries.clone()));
            let call = call.start_time(date_time(query.from)).end_time(date_time(query.to));
            let call = call.scan_by(ScanBy::TimestampAscending).max_datapoints(MOST_DATAPOINTS);
            let call = call.set_next_token(token).send();
            async {
                let answer = self.ask(operation, &subject, call).await?;
                Ok((answer.metric_data_results.unwrap_or_default(), answer.next_token))
            }
        });
        let mut merged: HashMap<String, Readings> = HashMap::new();
        for result in results.await? {
            merged.entry(result.id().unwrap_or_default().to_owned()).or_default().add(&result);
        }
        for (id, result) in &merged {
            let gauge = id.rsplit_once('_').and_then(|(_, gauge)| GAUGES.get(gauge.parse::<usize>().ok()?));
            if let Some(gauge) = gauge {
                result.check(gauge, &subject)?;
            }
        }
        Ok(merged)
    }
}

/// All that one query came back with, over all pages.
#[derive(Debug, Default)]
struct Readings {
    points: Vec<(Timestamp, f64)>,
    /// The newest page's.
    status: Option<StatusCode>,
    message: Option<String>,
}

impl Readings {
    fn add(&mut self, page: &MetricDataResult) {
        let points = page.timestamps().iter().zip(page.values());
        self.points.extend(points.filter_map(|(at, value)| Some((timestamp(at)?, *value))));
        self.status = page.status_code().cloned().or(self.status.take());
        let mut messages = page.messages().iter().rev().filter_map(|message| message.value());
        self.message = messages.next().map(str::to_owned).or(self.message.take());
    }

    /// HTTP 200 is not success: each result has a status of its own.
    fn check(&self, gauge: &Gauge, subject: &str) -> Result<(), Fault> {
        let (kind, otherwise) = match &self.status {
            Some(StatusCode::Forbidden) => (FaultKind::Denied, "CloudWatch does not let these credentials read it"),
            Some(StatusCode::InternalError) => (FaultKind::Server, "CloudWatch failed to read it"),
            Some(StatusCode::PartialData) => (FaultKind::Server, "CloudWatch gave a part of it only"),
            _ => return Ok(()),
        };
        // A percentile that is missing is drawn as missing; a count that is missing would read as no errors.
        if kind != FaultKind::Denied && !gauge.counts {
            return Ok(());
        }
        let message = format!("{}: {}", gauge.metric, self.message.as_deref().unwrap_or(otherwise));
        let mut fault = Fault::new(kind, Operation::GetMetricData.name(), subject, message);
        fault.code = self.status.as_ref().map(|status| status.as_str().to_owned());
        if kind == FaultKind::Denied {
            fault.advice =
                format!("{} is needed; `assets/iam` has the policies.", Operation::GetMetricData.permission());
        }
        Err(fault)
    }
}

/// `m<target group>_<gauge>`; CloudWatch wants a lower-case letter first.
fn id(target: usize, gauge: usize) -> String {
    format!("m{target}_{gauge}")
}

fn queries(target: usize, group: &Arn, balancer: &Arn) -> Vec<MetricDataQuery> {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let query = |(index, gauge): (usize, &Gauge)| {
        let metric = Metric::builder()
            .namespace("AWS/ApplicationELB")
            .metric_name(gauge.metric)
            .dimensions(dimension("TargetGroup", target_group_dimension(group)))
            .dimensions(dimension("LoadBalancer", load_balancer_dimension(balancer)))
            .build();
        let stat = MetricStat::builder().metric(metric).period(60).stat(gauge.statistic).build();
        MetricDataQuery::builder().id(id(target, index)).metric_stat(stat).build()
    };
    GAUGES.iter().enumerate().map(query).collect()
}

/// One target group's minutes, oldest first.
fn assemble(target: usize, results: &HashMap<String, Readings>) -> Series {
    let mut minutes: BTreeMap<Timestamp, Minute> = BTreeMap::new();
    for (index, gauge) in GAUGES.iter().enumerate() {
        let Some(result) = results.get(&id(target, index)) else { continue };
        for (at, value) in result.points.iter().filter(|(_, value)| value.is_finite()) {
            let minute = minutes.entry(*at).or_insert_with(|| Minute::at(*at));
            *(gauge.field)(minute) = Some(value * gauge.factor);
        }
    }
    Series::from(minutes.into_values().collect::<Vec<_>>())
}
