//! GetMetricData.

use serde_json::{Value, json};

use super::input::Input;
use super::page::page;
use super::refuse;
use crate::sim::api::Answer;
use crate::sim::world::World;
use crate::sim::world::clock::{MINUTE, Ms, epoch, minute_of};
use crate::sim::world::series::{Source, Stat, value};

/// A query of GetMetricData.
struct Query<'a> {
    id: &'a str,
    label: String,
    source: Option<Source>,
    stat: Stat,
    /// Minutes.
    period: i64,
}

fn parse_query<'a>(world: &World, query: &'a Value) -> Result<Query<'a>, String> {
    let input = Input::new(query);
    let id = input.text("Id").unwrap_or_default();
    let fits =
        id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !fits {
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
    let stat = given.text("Stat").unwrap_or_default();
    let Some(stat) = Stat::parse(stat) else {
        return Err(format!("The value {stat} for parameter MetricDataQueries.MetricStat.Stat is not supported."));
    };
    let period = match given.int("Period") {
        Some(seconds) if seconds > 0 && seconds % 60 == 0 => seconds / 60,
        _ => {
            return Err("The parameter MetricDataQueries.MetricStat.Period must be a multiple of 60.".into());
        }
    };
    let label = input.text("Label").unwrap_or(name).to_owned();
    Ok(Query { id, label, source: Source::find(world, namespace, name, &dimensions), stat, period })
}

pub(super) fn get_metric_data(world: &World, input: Input<'_>) -> Answer {
    let invalid = |message: String| refuse("ValidationError", message);
    let given: Vec<&Value> = input.items("MetricDataQueries").collect();
    if given.is_empty() || given.len() > 500 {
        return Err(invalid("The parameter MetricDataQueries must have between 1 and 500 elements.".into()));
    }
    let time = |name: &str| input.float(name).map(|s| (s * 1000.0) as Ms);
    let (Some(start), Some(end)) = (time("StartTime"), time("EndTime")) else {
        return Err(invalid("The parameters StartTime and EndTime are required.".into()));
    };
    if start >= end {
        return Err(invalid("The parameter StartTime must be less than the parameter EndTime.".into()));
    }
    let most = input.int("MaxDatapoints").unwrap_or(100_800).clamp(1, 100_800) as usize;
    let ascending = input.text("ScanBy") == Some("TimestampAscending");
    let queries = given.iter().map(|q| parse_query(world, q)).collect::<Result<Vec<_>, _>>().map_err(invalid)?;
    for (at, query) in queries.iter().enumerate() {
        if queries.iter().skip(at + 1).any(|q| q.id == query.id) {
            return Err(invalid(format!(
                "The values for parameter Id in MetricDataQueries are not unique: {}.",
                query.id
            )));
        }
    }
    // All points of all queries in one list, so that pages cut through it anywhere.
    let mut points = Vec::new();
    for (at, query) in queries.iter().enumerate() {
        let Some(source) = &query.source else {
            continue;
        };
        let first = minute_of(start).div_euclid(query.period) * query.period;
        let last = minute_of(end - 1).min(minute_of(world.tick));
        let mut minutes: Vec<i64> = (first.max(last - 15 * 24 * 60)..=last).step_by(query.period as usize).collect();
        if !ascending {
            minutes.reverse();
        }
        points.extend(
            minutes
                .into_iter()
                .filter_map(|m| Some((at, m * MINUTE, value(world, source, &query.stat, m, query.period)?))),
        );
    }
    let listing = format!("metrics {start} {end} {}", queries.len());
    let Some((points, next)) = page(&listing, points, input.text("NextToken"), most) else {
        return Err(refuse("InvalidNextToken", "The next token specified is invalid."));
    };
    let cut = points.last().map(|(at, ..)| *at).filter(|_| next.is_some());
    let results: Vec<_> = queries.iter().enumerate().map(|(at, query)| {
        let (times, values): (Vec<_>, Vec<_>) = points.iter().filter(|(of, ..)| *of == at).map(|(_, t, v)| (epoch(*t), json!(v))).unzip();
        let status = if cut.is_some_and(|cut| at >= cut) { "PartialData" } else { "Complete" };
        json!({"Id": query.id, "Label": query.label, "Timestamps": times, "Values": values, "StatusCode": status, "Messages": []})
    }).collect();
    let mut out = json!({"MetricDataResults": results, "Messages": []});
    if let Some(next) = next {
        super::ecs_show::insert(&mut out, "NextToken", json!(next));
    }
    Ok(out)
}
