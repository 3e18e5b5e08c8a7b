//! DescribeAlarms.

use serde_json::{Value, json};

use super::ecs_show::insert;
use super::input::Input;
use super::page::page;
use super::refuse;
use crate::sim::api::Answer;
use crate::sim::world::World;
use crate::sim::world::alarms::{Alarm, Composite};
use crate::sim::world::clock::epoch;
use crate::sim::world::series::Stat;

pub(super) fn describe(world: &World, input: Input<'_>) -> Answer {
    let names = input.texts("AlarmNames");
    let types = input.texts("AlarmTypes");
    let prefix = input.text("AlarmNamePrefix");
    let invalid = |message: &str| refuse("ValidationError", message);
    if prefix.is_some() && !names.is_empty() {
        return Err(invalid("AlarmNames and AlarmNamePrefix cannot be specified together."));
    }
    if names.len() > 100 {
        return Err(invalid("AlarmNames must have at most 100 elements."));
    }
    let size = match input.int("MaxRecords") {
        None => 50,
        Some(n @ 1..=100) => n as usize,
        Some(_) => return Err(invalid("MaxRecords must be between 1 and 100.")),
    };
    let fits = |name: &str, state: &str| {
        (names.is_empty() || names.contains(&name))
            && prefix.is_none_or(|p| name.starts_with(p))
            && input.text("StateValue").is_none_or(|s| s == state)
    };
    // Whoever names no types gets metric alarms only.
    let wanted = |kind: &str| types.contains(&kind) || (types.is_empty() && kind == METRIC);
    let metric = world.alarms.iter().filter(|a| wanted(METRIC) && fits(&a.name, a.state.as_ref()));
    let composite = world.composites.iter().filter(|a| wanted(COMPOSITE) && fits(&a.name, a.state.as_ref()));
    let mut all: Vec<(&str, Kind, Value)> = metric.map(|a| (a.name.as_str(), Kind::Metric, show(world, a))).collect();
    all.extend(composite.map(|a| (a.name.as_str(), Kind::Composite, show_composite(world, a))));
    all.sort_by_key(|(name, ..)| *name);
    let listing = format!("alarms {names:?} {types:?} {prefix:?} {:?}", input.text("StateValue"));
    let Some((alarms, next)) = page(&listing, all, input.text("NextToken"), size) else {
        return Err(refuse("InvalidNextToken", "The next token specified is invalid."));
    };
    let of = |wanted: Kind| {
        let own = alarms.iter().filter(|(_, kind, _)| *kind == wanted);
        own.map(|(.., shown)| shown.clone()).collect::<Vec<_>>()
    };
    let mut out = json!({"CompositeAlarms": of(Kind::Composite), "MetricAlarms": of(Kind::Metric), "LogAlarms": []});
    if let Some(next) = next {
        insert(&mut out, "NextToken", json!(next));
    }
    Ok(out)
}

const METRIC: &str = "MetricAlarm";
const COMPOSITE: &str = "CompositeAlarm";

/// AlarmType.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Metric,
    Composite,
}

fn show_composite(world: &World, alarm: &Composite) -> Value {
    json!({
        "AlarmName": alarm.name,
        "AlarmArn": world.ids.place.alarm(&alarm.name),
        "AlarmRule": alarm.rule(),
        "AlarmConfigurationUpdatedTimestamp": epoch(alarm.configured),
        "ActionsEnabled": true,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "StateValue": alarm.state.as_ref(),
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": epoch(alarm.updated),
        "StateTransitionedTimestamp": epoch(alarm.updated),
    })
}

fn show(world: &World, alarm: &Alarm) -> Value {
    let dimensions: Vec<_> =
        alarm.dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    let mut out = json!({
        "AlarmName": alarm.name,
        "AlarmArn": world.ids.place.alarm(&alarm.name),
        "AlarmDescription": format!("{} of {}", alarm.metric, alarm.name),
        "AlarmConfigurationUpdatedTimestamp": epoch(alarm.configured),
        "ActionsEnabled": true,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "StateValue": alarm.state.as_ref(),
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": epoch(alarm.updated),
        "StateTransitionedTimestamp": epoch(alarm.updated),
        "MetricName": alarm.metric,
        "Namespace": alarm.namespace,
        "Dimensions": dimensions,
        "Period": 60,
        "EvaluationPeriods": alarm.minutes,
        "DatapointsToAlarm": alarm.minutes,
        "Threshold": alarm.threshold,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    });
    let percentile = matches!(alarm.stat, Some(Stat::Percentile(_)));
    insert(&mut out, if percentile { "ExtendedStatistic" } else { "Statistic" }, json!(alarm.statistic));
    out
}
