//! DescribeAlarms.

use serde_json::{Value, json};

use super::error::refuse;
use super::input::Input;
use super::json::insert;
use super::page::page;
use crate::sim::api::Answer;
use crate::sim::world::account::Account;
use crate::sim::world::arns::Arns;
use crate::sim::world::clock::epoch;
use crate::sim::world::cloudwatch::alarms::{AlarmStatus, CompositeAlarm, MetricAlarm};
use crate::sim::world::cloudwatch::metric_query::Statistic;

/// AlarmType.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
enum AlarmType {
    MetricAlarm,
    CompositeAlarm,
}

pub(super) fn describe(account: &Account, input: Input<'_>) -> Answer {
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
    // Without AlarmTypes only metric alarms are returned.
    let has_type =
        |kind: AlarmType| types.contains(&kind.as_ref()) || (types.is_empty() && kind == AlarmType::MetricAlarm);
    let matches = |status: &AlarmStatus| {
        (names.is_empty() || names.contains(&status.name.as_str()))
            && prefix.is_none_or(|p| status.name.starts_with(p))
            && input.text("StateValue").is_none_or(|s| s == status.state.as_ref())
    };
    let (alarms, arns) = (&account.alarms, &account.arns);
    let mut all: Vec<(&str, AlarmType, Value)> = Vec::new();
    if has_type(AlarmType::MetricAlarm) {
        let matching = alarms.metric.iter().filter(|a| matches(&a.status));
        all.extend(matching.map(|a| (a.status.name.as_str(), AlarmType::MetricAlarm, metric_json(arns, a))));
    }
    if has_type(AlarmType::CompositeAlarm) {
        let matching = alarms.composite.iter().filter(|a| matches(&a.status));
        all.extend(matching.map(|a| (a.status.name.as_str(), AlarmType::CompositeAlarm, composite_json(arns, a))));
    }
    all.sort_by_key(|(name, ..)| *name);
    let listing = format!("alarms {names:?} {types:?} {prefix:?} {:?}", input.text("StateValue"));
    let Some((alarms, next)) = page(&listing, all, input.text("NextToken"), size) else {
        return Err(refuse("InvalidNextToken", "The next token specified is invalid."));
    };
    let of_type = |kind: AlarmType| {
        let own = alarms.iter().filter(|(_, own, _)| *own == kind);
        own.map(|(.., alarm)| alarm.clone()).collect::<Vec<_>>()
    };
    let mut out = json!({
        "CompositeAlarms": of_type(AlarmType::CompositeAlarm),
        "MetricAlarms": of_type(AlarmType::MetricAlarm),
        "LogAlarms": [],
    });
    if let Some(next) = next {
        insert(&mut out, "NextToken", json!(next));
    }
    Ok(out)
}

/// Adds the members that every alarm has, except for its name and ARN.
fn insert_status(out: &mut Value, status: &AlarmStatus) {
    for (name, value) in [
        ("AlarmConfigurationUpdatedTimestamp", epoch(status.configured)),
        ("ActionsEnabled", json!(true)),
        ("OKActions", json!([])),
        ("AlarmActions", json!([])),
        ("InsufficientDataActions", json!([])),
        ("StateValue", json!(status.state.as_ref())),
        ("StateReason", json!(status.reason)),
        ("StateUpdatedTimestamp", epoch(status.updated)),
        ("StateTransitionedTimestamp", epoch(status.updated)),
    ] {
        insert(out, name, value);
    }
}

fn composite_json(arns: &Arns, alarm: &CompositeAlarm) -> Value {
    let name = &alarm.status.name;
    let mut out = json!({"AlarmName": name, "AlarmArn": arns.alarm(name), "AlarmRule": alarm.rule()});
    insert_status(&mut out, &alarm.status);
    out
}

fn metric_json(arns: &Arns, alarm: &MetricAlarm) -> Value {
    let name = &alarm.status.name;
    let description = format!("{} of {name}", alarm.metric_name);
    let mut out = json!({"AlarmName": name, "AlarmArn": arns.alarm(name), "AlarmDescription": description});
    insert_status(&mut out, &alarm.status);
    let dimensions: Vec<_> =
        alarm.dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    let percentile = matches!(alarm.statistic, Some(Statistic::Percentile(_)));
    for (name, value) in [
        ("MetricName", json!(alarm.metric_name)),
        ("Namespace", json!(alarm.namespace)),
        ("Dimensions", json!(dimensions)),
        ("Period", json!(60)),
        ("EvaluationPeriods", json!(alarm.minutes)),
        ("DatapointsToAlarm", json!(alarm.minutes)),
        ("Threshold", json!(alarm.threshold)),
        ("ComparisonOperator", json!("GreaterThanThreshold")),
        ("TreatMissingData", json!("notBreaching")),
        (if percentile { "ExtendedStatistic" } else { "Statistic" }, json!(alarm.statistic_name)),
    ] {
        insert(&mut out, name, value);
    }
    out
}
