//! DescribeLogGroups and DescribeLogStreams.

use serde_json::{Value, json};

use super::error::refuse;
use super::input::Input;
use super::json::insert;
use super::page::logs_page;
use crate::sim::api::{Answer, ApiError};
use crate::sim::world::account::Account;
use crate::sim::world::clock::{DAY, Ms};
use crate::sim::world::logs::groups;
use crate::sim::world::logs::source::RETENTION;

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    refuse("InvalidParameterException", message)
}

pub(super) fn not_found(what: &str) -> ApiError {
    refuse("ResourceNotFoundException", format!("The specified {what} does not exist."))
}

/// The log group that a call names by name or ARN.
pub(super) fn find_group<'a>(account: &'a Account, input: Input<'_>) -> Result<&'a str, ApiError> {
    let given = match (input.text("logGroupName"), input.text("logGroupIdentifier")) {
        (Some(_), Some(_)) => return Err(invalid("Only one of logGroupName and logGroupIdentifier can be specified.")),
        (None, None) => return Err(invalid("A log group name or identifier is required.")),
        (Some(name), None) | (None, Some(name)) => name,
    };
    let name = given.split_once(":log-group:").map_or(given, |(_, name)| name.trim_end_matches(":*"));
    let mut names = groups::names(&account.catalog).into_iter();
    names.find(|known| *known == name).ok_or_else(|| not_found("log group"))
}

pub(super) fn describe_groups(account: &Account, input: Input<'_>) -> Answer {
    let (prefix, part) = (input.text("logGroupNamePrefix"), input.text("logGroupNamePattern"));
    if prefix.is_some() && part.is_some() {
        return Err(invalid("logGroupNamePrefix and logGroupNamePattern are mutually exclusive parameters."));
    }
    let mut names = groups::names(&account.catalog);
    names.retain(|name| {
        prefix.is_none_or(|p| name.starts_with(p))
            && part.is_none_or(|p| name.to_lowercase().contains(&p.to_lowercase()))
    });
    let listing = format!("groups {prefix:?} {part:?}");
    let created = account.started - 400 * DAY;
    let shown = names.into_iter().map(|name| {
        let arn = account.arns.log_group(name);
        json!({
            "logGroupName": name,
            "creationTime": created,
            "retentionInDays": RETENTION / DAY,
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "storedBytes": 0,
            "logGroupClass": "STANDARD",
            "logGroupArn": arn,
        })
    });
    logs_page("logGroups", &listing, shown.collect(), input)
}

pub(super) fn describe_streams(account: &Account, input: Input<'_>) -> Answer {
    let group = find_group(account, input)?;
    let prefix = input.text("logStreamNamePrefix");
    let by_time = match input.text("orderBy").unwrap_or("LogStreamName") {
        "LogStreamName" => false,
        "LastEventTime" if prefix.is_some() => {
            return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        "LastEventTime" => true,
        other => return Err(invalid(format!("{other} is not an order of log streams."))),
    };
    let arn = account.arns.log_group(group);
    let source = account.log_source();
    let streams = groups::streams(&source, group);
    let mut shown: Vec<(Ms, Value)> = Vec::new();
    for stream in streams.iter().filter(|s| prefix.is_none_or(|p| s.name.starts_with(p))) {
        let name = &stream.name;
        let mut out = json!({
            "logStreamName": name,
            "creationTime": stream.from,
            "arn": format!("{arn}:log-stream:{name}"),
            "storedBytes": 0,
        });
        let mut last = Ms::MIN;
        if let Some((first, newest)) = stream.span(&source) {
            last = newest;
            insert(&mut out, "firstEventTimestamp", json!(first));
            insert(&mut out, "lastEventTimestamp", json!(newest));
            insert(&mut out, "lastIngestionTime", json!((newest + 3000).min(source.now)));
        }
        shown.push((last, out));
    }
    if by_time {
        shown.sort_by_key(|(last, _)| *last);
    }
    let descending = input.flag("descending") == Some(true);
    if descending {
        shown.reverse();
    }
    let listing = format!("streams {group} {prefix:?} {by_time} {descending}");
    logs_page("logStreams", &listing, shown.into_iter().map(|(_, out)| out).collect(), input)
}
