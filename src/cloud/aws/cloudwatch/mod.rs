//! CloudWatch: per-minute metrics of target groups, load balancers and services, and a team's custom metrics.
//!
//! [`request`] lists the CloudWatch metrics of each source; [`response`] converts the results.

pub(crate) mod request;
pub(crate) mod response;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::types::{MetricDataQuery, ScanBy};

use crate::cloud::MetricProvider;
use crate::domain::ecs::route::{load_balancer_dimension, target_group_dimension};
use crate::domain::fault::Fault;
use crate::domain::metrics::source::{METRICS_A_CALL, MetricSource};
use crate::domain::metrics::{MetricsQuery, Series};

use self::request::{Asked, asked};
use self::response::{Result as Answered, series};
use super::Aws;
use super::operation::Operation;
use super::pages::pages;
use super::time::date_time;

/// Maximum data points in one page of GetMetricData.
const MOST_DATAPOINTS: i32 = 100_800;

#[async_trait]
impl MetricProvider for Aws {
    /// Returns an empty series for a group or balancer that is not an application load balancer's, and for a source
    /// that is not CloudWatch's.
    async fn minutes(&self, query: &MetricsQuery) -> Result<Vec<(MetricSource, Series)>, Fault> {
        let meters: Vec<(MetricSource, Vec<Asked>)> =
            query.meters.iter().map(|(meter, detail)| (meter.clone(), asked(meter, *detail))).collect();
        let all = meters.iter().map(|(_, asked)| asked.len()).sum::<usize>();
        let queries: Vec<_> =
            meters.iter().flat_map(|(_, asked)| asked).enumerate().map(|(n, it)| it.query(n)).collect();
        let subject = match query.meters.as_slice() {
            [(meter, _)] => name(meter),
            several => format!("{all} metrics of {} meters", several.len()),
        };
        let mut results = HashMap::new();
        for batch in queries.chunks(METRICS_A_CALL) {
            results.extend(self.metric_data(query, batch, &subject).await?);
        }
        // Results in the order of the query numbers.
        let mut results = (0..all).map(|n| results.remove(&request::id(n)).unwrap_or_default());
        let of = |(meter, asked): (MetricSource, Vec<Asked>)| {
            let answers: Vec<_> = asked.iter().zip(results.by_ref()).collect();
            (meter, series(&answers))
        };
        Ok(meters.into_iter().map(of).collect())
    }
}

impl Aws {
    /// Reads all pages of one batch of queries. Returns the results by query id.
    async fn metric_data(
        &self,
        query: &MetricsQuery,
        queries: &[MetricDataQuery],
        subject: &str,
    ) -> Result<HashMap<String, Answered>, Fault> {
        let operation = Operation::GetMetricData;
        let read = pages(operation, usize::MAX, |token| {
            let call = self.clients.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries.to_vec()));
            let call = call.start_time(date_time(query.from)).end_time(date_time(query.to));
            let call = call.scan_by(ScanBy::TimestampAscending).max_datapoints(MOST_DATAPOINTS);
            let call = call.set_next_token(token).send();
            async move {
                let answer = self.ask(operation, subject, call).await?;
                let next = answer.next_token.clone();
                Ok((vec![answer], next))
            }
        });
        let read = read.await?;
        let mut merged: HashMap<String, Answered> = HashMap::new();
        for result in read.iter().flat_map(GetMetricDataOutput::metric_data_results) {
            merged.entry(result.id().unwrap_or_default().to_owned()).or_default().add(result);
        }
        // These messages concern the whole call, even with HTTP 200, and may explain why a query has no result.
        let said = read.iter().flat_map(GetMetricDataOutput::messages);
        let said: Vec<&str> = said.filter_map(|message| message.value().or(message.code())).collect();
        for message in &said {
            tracing::warn!(%operation, subject, message, "CloudWatch says of the whole answer");
        }
        if let Some(message) = said.first() {
            for query in queries {
                let id = query.id().unwrap_or_default().to_owned();
                merged.entry(id).or_insert_with(|| Answered::silent(message));
            }
        }
        Ok(merged)
    }
}

/// The subject of a fault when one source is queried.
fn name(meter: &MetricSource) -> String {
    match meter {
        MetricSource::TargetGroup { group, .. } => target_group_dimension(group).to_owned(),
        MetricSource::Balancer(balancer) => load_balancer_dimension(balancer).to_owned(),
        MetricSource::Service(service) => service.to_string(),
        MetricSource::Custom(_) => "metrics of its own".to_owned(),
    }
}
