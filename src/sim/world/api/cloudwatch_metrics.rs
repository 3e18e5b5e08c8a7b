//! GetMetricData.

use serde_json::{Value, json};

use super::error::refuse;
use super::input::Input;
use super::json::insert;
use super::page::page;
use crate::sim::api::{Answer, ApiError};
use crate::sim::world::account::Account;
use crate::sim::world::clock::{MINUTE, Ms, epoch, minute_of};
use crate::sim::world::cloudwatch::metric_query::{Metric, MetricView, Statistic};

/// The number of days for which one-minute data points are kept.
const RETENTION_DAYS: i64 = 15;
/// The highest and the default MaxDatapoints.
const MAX_DATAPOINTS: i64 = 100_800;

/// A query of GetMetricData.
struct Query<'a> {
    id: &'a str,
    label: String,
    /// `None` if nothing publishes the metric.
    metric: Option<Metric>,
    statistic: Statistic,
    /// In minutes.
    period: i64,
}

/// The time range and the order of the data points.
struct TimeRange {
    start: Ms,
    end: Ms,
    ascending: bool,
}

/// A data point: the index of its query, its time and its value.
type DataPoint = (usize, Ms, f64);

pub(super) fn get_metric_data(account: &Account, input: Input<'_>) -> Answer {
    let given: Vec<&Value> = input.items("MetricDataQueries").collect();
    if given.is_empty() || given.len() > 500 {
        return Err(invalid("The parameter MetricDataQueries must have between 1 and 500 elements."));
    }
    let range = parse_range(input)?;
    let size = input.int("MaxDatapoints").unwrap_or(MAX_DATAPOINTS).clamp(1, MAX_DATAPOINTS) as usize;
    let view = account.metric_view();
    let queries = given.iter().map(|q| parse_query(&view, q)).collect::<Result<Vec<_>, _>>().map_err(invalid)?;
    for (at, query) in queries.iter().enumerate() {
        if queries.iter().skip(at + 1).any(|q| q.id == query.id) {
            return Err(invalid(format!(
                "The values for parameter Id in MetricDataQueries are not unique: {}.",
                query.id
            )));
        }
    }
    // The points of all queries are one list: a page may end anywhere in it.
    let queried = queries.iter().enumerate();
    let points: Vec<DataPoint> = queried.flat_map(|(at, query)| points_of(&view, &range, at, query)).collect();
    let listing = format!("metrics {} {} {}", range.start, range.end, queries.len());
    let Some((points, next)) = page(&listing, points, input.text("NextToken"), size) else {
        return Err(refuse("InvalidNextToken", "The next token specified is invalid."));
    };
    let mut out = json!({"MetricDataResults": results(&queries, &points, next.is_some()), "Messages": []});
    if let Some(next) = next {
        insert(&mut out, "NextToken", json!(next));
    }
    Ok(out)
}

fn invalid(message: impl Into<String>) -> ApiError {
    refuse("ValidationError", message)
}

fn parse_range(input: Input<'_>) -> Result<TimeRange, ApiError> {
    let time = |name: &str| input.float(name).map(|s| (s * 1000.0) as Ms);
    let (Some(start), Some(end)) = (time("StartTime"), time("EndTime")) else {
        return Err(invalid("The parameters StartTime and EndTime are required."));
    };
    if start >= end {
        return Err(invalid("The parameter StartTime must be less than the parameter EndTime."));
    }
    Ok(TimeRange { start, end, ascending: input.text("ScanBy") == Some("TimestampAscending") })
}

/// Parses a query. The error is the message of a ValidationError.
fn parse_query<'a>(view: &MetricView<'_>, query: &'a Value) -> Result<Query<'a>, String> {
    let input = Input::new(query);
    let id = input.text("Id").unwrap_or_default();
    let valid =
        id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !valid {
        return Err(format!(
            "The value {id} for parameter MetricDataQueries.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        ));
    }
    if let Some(expression) = input.text("Expression") {
        return Err(format!("Error in expression '{id}': {expression} is not supported here"));
    }
    let Some(given) = input.get("MetricStat").map(Input::new) else {
        return Err(format!("The query {id} must have either MetricStat or Expression."));
    };
    let metric = given.get("Metric").map(Input::new);
    let name = metric.and_then(|m| m.text("MetricName")).unwrap_or_default();
    let namespace = metric.and_then(|m| m.text("Namespace")).unwrap_or_default();
    let pair = |d: &'a Value| Some((d.get("Name")?.as_str()?, d.get("Value")?.as_str()?));
    let dimensions: Vec<_> = metric.iter().flat_map(|m| m.items("Dimensions")).filter_map(pair).collect();
    let statistic = given.text("Stat").unwrap_or_default();
    let Some(statistic) = Statistic::parse(statistic) else {
        return Err(format!("The value {statistic} for parameter MetricDataQueries.MetricStat.Stat is not supported."));
    };
    let period = match given.int("Period") {
        Some(seconds) if seconds > 0 && seconds % 60 == 0 => seconds / 60,
        _ => {
            return Err("The parameter MetricDataQueries.MetricStat.Period must be a multiple of 60.".into());
        }
    };
    let label = input.text("Label").unwrap_or(name).to_owned();
    Ok(Query { id, label, metric: view.find(namespace, name, &dimensions), statistic, period })
}

/// The data points of the query with the index `at`.
fn points_of(view: &MetricView<'_>, range: &TimeRange, at: usize, query: &Query<'_>) -> Vec<DataPoint> {
    let Some(metric) = &query.metric else {
        return Vec::new();
    };
    let first = minute_of(range.start).div_euclid(query.period) * query.period;
    let last = minute_of(range.end - 1).min(minute_of(view.now));
    let first = first.max(last - RETENTION_DAYS * 24 * 60);
    let mut minutes: Vec<i64> = (first..=last).step_by(query.period as usize).collect();
    if !range.ascending {
        minutes.reverse();
    }
    let value = |minute: i64| view.value(metric, query.statistic, minute, query.period);
    minutes.into_iter().filter_map(|minute| Some((at, minute * MINUTE, value(minute)?))).collect()
}

/// MetricDataResults of a page of data points.
fn results(queries: &[Query<'_>], points: &[DataPoint], has_next: bool) -> Vec<Value> {
    // If there is a next page, the query of this page's last point and all later queries are incomplete.
    let incomplete_from = points.last().map(|(at, ..)| *at).filter(|_| has_next);
    let result = |(at, query): (usize, &Query<'_>)| {
        let own = points.iter().filter(|(of, ..)| *of == at);
        let (times, values): (Vec<_>, Vec<_>) = own.map(|(_, time, value)| (epoch(*time), json!(value))).unzip();
        let incomplete = incomplete_from.is_some_and(|from| at >= from);
        json!({
            "Id": query.id,
            "Label": query.label,
            "Timestamps": times,
            "Values": values,
            "StatusCode": if incomplete { "PartialData" } else { "Complete" },
            "Messages": [],
        })
    };
    queries.iter().enumerate().map(result).collect()
}
