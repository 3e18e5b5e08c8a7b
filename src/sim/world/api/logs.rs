//! CloudWatch Logs: groups, streams and their events.

use serde_json::{Value, json};

use super::ecs_show::insert;
use super::input::Input;
use super::log_filter::Filter;
use super::page::{check, page};
use super::refuse;
use crate::sim::api::{Answer, ApiError};
use crate::sim::world::World;
use crate::sim::world::clock::{HOUR, Ms};
use crate::sim::world::ids::mix;
use crate::sim::world::logs::{Cursor, Event, RETENTION, Reader, Stream};

/// The most events that an answer has.
const MOST: usize = 10_000;

fn invalid(message: impl Into<String>) -> ApiError {
    refuse("InvalidParameterException", message)
}

fn not_found(what: &str) -> ApiError {
    refuse("ResourceNotFoundException", format!("The specified {what} does not exist."))
}

/// The log group that a call names, by name or ARN.
fn group<'a>(world: &'a World, input: Input<'_>) -> Result<&'a str, ApiError> {
    let given = match (input.text("logGroupName"), input.text("logGroupIdentifier")) {
        (Some(_), Some(_)) => return Err(invalid("Only one of logGroupName and logGroupIdentifier can be specified.")),
        (None, None) => return Err(invalid("A log group name or identifier is required.")),
        (Some(name), None) | (None, Some(name)) => name,
    };
    let name = given.split_once(":log-group:").map_or(given, |(_, name)| name.trim_end_matches(":*"));
    world.log_groups().into_iter().find(|known| *known == name).ok_or_else(|| not_found("log group"))
}

/// A count within its limits.
fn count(input: Input<'_>, name: &str, most: usize) -> Result<usize, ApiError> {
    match input.int(name) {
        None => Ok(most),
        Some(n) => usize::try_from(n).ok().filter(|n| (1..=most).contains(n)).ok_or_else(|| {
            invalid(format!("1 validation error detected: Value '{n}' at '{name}' failed to satisfy constraint: Member must be between 1 and {most}"))
        }),
    }
}

/// A cursor as a token that only this listing understands.
fn token(listing: &str, cursor: Cursor) -> String {
    let place = format!("{:x}.{:x}", cursor.second, cursor.skip);
    format!("{:016x}.{place}", check(listing, &place))
}

fn cursor(listing: &str, token: &str) -> Result<Cursor, ApiError> {
    let read = || {
        let (given, place) = token.split_once('.')?;
        let (second, skip) = place.split_once('.')?;
        let own = u64::from_str_radix(given, 16).ok()? == check(listing, place);
        let place =
            Cursor { second: i64::from_str_radix(second, 16).ok()?, skip: usize::from_str_radix(skip, 16).ok()? };
        own.then_some(place)
    };
    read().ok_or_else(|| invalid("The specified nextToken is invalid."))
}

fn show(streams: &[Stream<'_>], event: &Event) -> Value {
    json!({
        "logStreamName": streams.get(event.stream).map(|s| s.name.as_str()),
        "timestamp": event.at,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": event.id,
    })
}

pub(super) fn filter_events(world: &World, input: Input<'_>) -> Answer {
    let group = group(world, input)?;
    let (names, prefix) = (input.texts("logStreamNames"), input.text("logStreamNamePrefix"));
    if !names.is_empty() && prefix.is_some() {
        return Err(invalid("logStreamNames and logStreamNamePrefix cannot be specified together."));
    }
    if names.len() > 100 {
        return Err(invalid("logStreamNames must have at most 100 elements."));
    }
    let limit = count(input, "limit", MOST)?;
    let pattern = input.text("filterPattern").unwrap_or_default();
    let filter = Filter::parse(pattern).map_err(invalid)?;
    let (start, end) = (input.int("startTime").unwrap_or(0), input.int("endTime"));
    if end.is_some_and(|end| end < start) {
        return Err(invalid("endTime must not be before startTime."));
    }
    let mut streams = world.log_streams(group);
    if let Some(missing) = names.iter().find(|name| !streams.iter().any(|s| s.name == **name)) {
        tracing::debug!(missing, "a log stream that is not there");
        return Err(not_found("log stream"));
    }
    streams.retain(|s| {
        (names.is_empty() || names.contains(&s.name.as_str())) && prefix.is_none_or(|p| s.name.starts_with(p))
    });
    let fits = |line: &str| filter.fits(line);
    // What is written at endTime is still in.
    let to = end.map_or(Ms::MAX, |end| end.saturating_add(1));
    let reader = Reader { world, streams: &streams, from: start, to, fits: &fits };
    let listing = format!("{group} {names:?} {prefix:?} {pattern:?} {start} {end:?}");
    let given = input.text("nextToken").map(|token| cursor(&listing, token)).transpose()?;
    let begin = reader.begin();
    // Now and then nothing has been found yet when the first answer is due.
    let slow = given.is_none() && streams.len() > 1 && mix(begin.second as u64).is_multiple_of(4);
    let (events, next) = if slow { (Vec::new(), Some(begin)) } else { reader.forward(given.unwrap_or(begin), limit) };
    let events: Vec<_> = events.iter().map(|event| show(&streams, event)).collect();
    let mut out = json!({"events": events, "searchedLogStreams": []});
    if let Some(next) = next {
        insert(&mut out, "nextToken", json!(token(&listing, next)));
    }
    Ok(out)
}

pub(super) fn get_events(world: &World, input: Input<'_>) -> Answer {
    let group = group(world, input)?;
    let name = input.text("logStreamName").unwrap_or_default();
    let mut streams = world.log_streams(group);
    streams.retain(|s| s.name == name);
    if streams.is_empty() {
        return Err(not_found("log stream"));
    }
    let limit = count(input, "limit", MOST)?;
    let (from, to) = (input.int("startTime").unwrap_or(0), input.int("endTime").unwrap_or(Ms::MAX));
    let reader = Reader { world, streams: &streams, from, to, fits: &|_| true };
    let listing = format!("{group} {name}");
    let given = match input.text("nextToken") {
        None => None,
        Some(token) => {
            let (way, token) = token.split_once('/').unwrap_or_default();
            Some((way, cursor(&listing, token)?))
        }
    };
    let (events, before) = match given {
        Some(("b", place)) => (reader.backward(Some(place), limit), place),
        Some((_, place)) => (reader.forward(place, limit).0, place),
        None if input.flag("startFromHead") == Some(true) => {
            let begin = reader.begin();
            (reader.forward(begin, limit).0, begin)
        }
        None => (reader.backward(None, limit), reader.begin()),
    };
    let (first, last) = match (events.first(), events.last()) {
        (Some(first), Some(last)) => (Cursor { skip: first.after.skip.saturating_sub(1), ..first.after }, last.after),
        // At an end the token stays what it is.
        _ => (before, before),
    };
    let shown = events.iter().map(|e| json!({"timestamp": e.at, "message": e.message, "ingestionTime": e.ingested}));
    Ok(json!({
        "events": shown.collect::<Vec<_>>(),
        "nextForwardToken": format!("f/{}", token(&listing, last)),
        "nextBackwardToken": format!("b/{}", token(&listing, first)),
    }))
}

pub(super) fn describe_groups(world: &World, input: Input<'_>) -> Answer {
    let (prefix, part) = (input.text("logGroupNamePrefix"), input.text("logGroupNamePattern"));
    if prefix.is_some() && part.is_some() {
        return Err(invalid("logGroupNamePrefix and logGroupNamePattern are mutually exclusive parameters."));
    }
    let mut names = world.log_groups();
    names.retain(|name| {
        prefix.is_none_or(|p| name.starts_with(p))
            && part.is_none_or(|p| name.to_lowercase().contains(&p.to_lowercase()))
    });
    let listing = format!("groups {prefix:?} {part:?}");
    let created = world.started - 400 * 24 * HOUR;
    let shown = names.into_iter().map(|name| {
        let arn = world.ids.place.log_group(name);
        json!({
            "logGroupName": name,
            "creationTime": created,
            "retentionInDays": RETENTION / (24 * HOUR),
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "storedBytes": 0,
            "logGroupClass": "STANDARD",
            "logGroupArn": arn,
        })
    });
    listed("logGroups", &listing, shown.collect(), input)
}

pub(super) fn describe_streams(world: &World, input: Input<'_>) -> Answer {
    let group = group(world, input)?;
    let prefix = input.text("logStreamNamePrefix");
    let by_time = match input.text("orderBy").unwrap_or("LogStreamName") {
        "LogStreamName" => false,
        "LastEventTime" if prefix.is_some() => {
            return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        "LastEventTime" => true,
        other => return Err(invalid(format!("{other} is not an order of log streams."))),
    };
    let arn = world.ids.place.log_group(group);
    let now = world.now.as_millisecond();
    let streams = world.log_streams(group);
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
        if let Some((first, newest)) = stream.span(world, now) {
            last = newest;
            insert(&mut out, "firstEventTimestamp", json!(first));
            insert(&mut out, "lastEventTimestamp", json!(newest));
            insert(&mut out, "lastIngestionTime", json!((newest + 3000).min(now)));
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
    listed("logStreams", &listing, shown.into_iter().map(|(_, out)| out).collect(), input)
}

/// A page of at most fifty.
fn listed(name: &str, listing: &str, all: Vec<Value>, input: Input<'_>) -> Answer {
    let size = count(input, "limit", 50)?;
    let Some((items, next)) = page(listing, all, input.text("nextToken"), size) else {
        return Err(invalid("The specified nextToken is invalid."));
    };
    let mut out = json!({name: items});
    if let Some(next) = next {
        insert(&mut out, "nextToken", json!(next));
    }
    Ok(out)
}
