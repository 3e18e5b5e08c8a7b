//! FilterLogEvents and GetLogEvents.

use serde_json::{Value, json};

use super::input::Input;
use super::json::insert;
use super::log_filter::Filter;
use super::log_groups::{find_group, invalid, not_found};
use super::page::{checksum, logs_limit};
use crate::sim::api::{Answer, ApiError};
use crate::sim::world::account::Account;
use crate::sim::world::clock::Ms;
use crate::sim::world::hash::mix;
use crate::sim::world::logs::groups;
use crate::sim::world::logs::reader::{Cursor, Event, Reader};
use crate::sim::world::logs::stream::Stream;

/// The highest number of events in an answer.
const MAX_EVENTS: usize = 10_000;

/// Turns a cursor into a token that is valid for one listing only.
fn token(listing: &str, cursor: Cursor) -> String {
    let position = format!("{:x}.{:x}", cursor.second, cursor.skip);
    format!("{:016x}.{position}", checksum(listing, &position))
}

fn parse_token(listing: &str, token: &str) -> Result<Cursor, ApiError> {
    let parse = || {
        let (given, position) = token.split_once('.')?;
        let (second, skip) = position.split_once('.')?;
        let valid = u64::from_str_radix(given, 16).ok()? == checksum(listing, position);
        let (second, skip) = (i64::from_str_radix(second, 16).ok()?, usize::from_str_radix(skip, 16).ok()?);
        valid.then_some(Cursor { second, skip })
    };
    parse().ok_or_else(|| invalid("The specified nextToken is invalid."))
}

pub(super) fn filter(account: &Account, input: Input<'_>) -> Answer {
    let group = find_group(account, input)?;
    let (names, prefix) = (input.texts("logStreamNames"), input.text("logStreamNamePrefix"));
    if !names.is_empty() && prefix.is_some() {
        return Err(invalid("logStreamNames and logStreamNamePrefix cannot be specified together."));
    }
    if names.len() > 100 {
        return Err(invalid("logStreamNames must have at most 100 elements."));
    }
    let limit = logs_limit(input, MAX_EVENTS)?;
    let pattern = input.text("filterPattern").unwrap_or_default();
    let filter = Filter::parse(pattern).map_err(invalid)?;
    let (start, end) = (input.int("startTime").unwrap_or(0), input.int("endTime"));
    if end.is_some_and(|end| end < start) {
        return Err(invalid("endTime must not be before startTime."));
    }
    let source = account.log_source();
    let mut streams = groups::streams(&source, group);
    if let Some(missing) = names.iter().find(|name| !streams.iter().any(|s| s.name == **name)) {
        tracing::debug!(missing, "a log stream does not exist");
        return Err(not_found("log stream"));
    }
    streams.retain(|s| {
        (names.is_empty() || names.contains(&s.name.as_str())) && prefix.is_none_or(|p| s.name.starts_with(p))
    });
    // endTime is inclusive.
    let to = end.map_or(Ms::MAX, |end| end.saturating_add(1));
    let matches = |line: &str| filter.matches(line);
    let reader = Reader { source: &source, streams: &streams, from: start, to, matches: &matches };
    let listing = format!("{group} {names:?} {prefix:?} {pattern:?} {start} {end:?}");
    let given = input.text("nextToken").map(|token| parse_token(&listing, token)).transpose()?;
    let begin = reader.begin();
    // Like CloudWatch, sometimes answer with an empty first page.
    let empty = given.is_none() && streams.len() > 1 && mix(begin.second as u64).is_multiple_of(4);
    let (events, next) = if empty { (Vec::new(), Some(begin)) } else { reader.forward(given.unwrap_or(begin), limit) };
    let events: Vec<_> = events.iter().map(|event| event_json(&streams, event)).collect();
    let mut out = json!({"events": events, "searchedLogStreams": []});
    if let Some(next) = next {
        insert(&mut out, "nextToken", json!(token(&listing, next)));
    }
    Ok(out)
}

fn event_json(streams: &[Stream<'_>], event: &Event) -> Value {
    json!({
        "logStreamName": streams.get(event.stream).map(|s| s.name.as_str()),
        "timestamp": event.at,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": event.id,
    })
}

pub(super) fn get(account: &Account, input: Input<'_>) -> Answer {
    let group = find_group(account, input)?;
    let name = input.text("logStreamName").unwrap_or_default();
    let source = account.log_source();
    let mut streams = groups::streams(&source, group);
    streams.retain(|s| s.name == name);
    if streams.is_empty() {
        return Err(not_found("log stream"));
    }
    let limit = logs_limit(input, MAX_EVENTS)?;
    let (from, to) = (input.int("startTime").unwrap_or(0), input.int("endTime").unwrap_or(Ms::MAX));
    let reader = Reader { source: &source, streams: &streams, from, to, matches: &|_| true };
    let listing = format!("{group} {name}");
    let given = match input.text("nextToken") {
        None => None,
        Some(token) => {
            let (direction, token) = token.split_once('/').unwrap_or_default();
            Some((direction, parse_token(&listing, token)?))
        }
    };
    let (events, position) = match given {
        Some(("b", position)) => (reader.backward(Some(position), limit), position),
        Some((_, position)) => (reader.forward(position, limit).0, position),
        None if input.flag("startFromHead") == Some(true) => {
            let begin = reader.begin();
            (reader.forward(begin, limit).0, begin)
        }
        None => (reader.backward(None, limit), reader.begin()),
    };
    let (first, last) = match (events.first(), events.last()) {
        (Some(first), Some(last)) => (Cursor { skip: first.after.skip.saturating_sub(1), ..first.after }, last.after),
        // At either end of the stream the tokens do not change.
        _ => (position, position),
    };
    let shown = events.iter().map(|e| json!({"timestamp": e.at, "message": e.message, "ingestionTime": e.ingested}));
    Ok(json!({
        "events": shown.collect::<Vec<_>>(),
        "nextForwardToken": format!("f/{}", token(&listing, last)),
        "nextBackwardToken": format!("b/{}", token(&listing, first)),
    }))
}
