//! CloudWatch Logs: pages of a log.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::config::{Builder, Region};
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use jiff::Timestamp;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::logs::{LONGEST, LogLine, LogPage, LogQuery, is_error};

use super::Aws;
use super::operation::Operation;

/// The most events that AWS gives in one answer; 1 MiB of text ends it earlier.
const PAGE: i32 = 10_000;

impl Aws {
    /// One page of lines. An empty one is not the end where it has a token. A token that AWS no longer takes is
    /// [`FaultKind::Refused`]: ask again without one, from the last line's time on.
    pub(super) async fn log(&self, page: &LogQuery) -> Result<LogPage, Fault> {
        let operation = Operation::FilterLogEvents;
        let source = &page.source;
        let subject = format!("log group {}", source.group);
        let call = self
            .clients
            .logs
            .filter_log_events()
            .log_group_name(&source.group)
            .log_stream_name_prefix(&source.prefix)
            .start_time(page.from.as_millisecond())
            .set_next_token(page.token.clone())
            .limit(PAGE)
            .customize();
        let call = match &source.region {
            Some(region) => call.config_override(Builder::new().region(Region::new(region.clone()))),
            None => call,
        };
        let answer = self.ask(operation, &subject, call.send()).await.map_err(|mut fault| {
            let region = source.region.as_ref().unwrap_or(&self.place.region);
            match fault.kind {
                FaultKind::NotFound => {
                    fault.advice = format!(
                        "There is no such log group in {region}: nothing has written to it yet, or it was deleted."
                    );
                }
                FaultKind::Refused if page.token.is_some() => {
                    fault.advice = "The page's token was too old: it is read again from its last line on.".to_owned();
                }
                _ => {}
            }
            fault
        })?;
        // Some endpoints end a list with an empty token instead of none.
        let next = answer.next_token.filter(|token| !token.is_empty());
        Ok(LogPage { lines: lines(answer.events.unwrap_or_default(), page.from), next })
    }
}

/// `from` stands in for the time of an event that has none, which AWS does not send.
fn lines(events: Vec<FilteredLogEvent>, from: Timestamp) -> Vec<LogLine> {
    let mut streams: HashMap<String, Arc<str>> = HashMap::new();
    let line = |event: FilteredLogEvent| {
        let time = event.timestamp.or(event.ingestion_time);
        let at = time.and_then(|time| Timestamp::from_millisecond(time).ok()).unwrap_or(from);
        let mut text = event.message.unwrap_or_default();
        let name = event.log_stream_name.unwrap_or_default();
        // An endpoint that gives no ids repeats a line only where all of it is the same.
        let id = match &event.event_id {
            Some(id) => digest(id),
            None => digest(&(&name, at, &text)),
        };
        let error = is_error(&text);
        let cut = cut(&mut text);
        let stream = streams.entry(name).or_insert_with_key(|name| Arc::from(&**name)).clone();
        LogLine { at, stream, id, text, cut, error }
    };
    events.into_iter().map(line).collect()
}

fn digest(it: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

/// Cuts a text to [`LONGEST`] bytes, or a few less where a character would be cut; returns how many went.
fn cut(text: &mut String) -> usize {
    let whole = text.len();
    text.truncate(text.floor_char_boundary(LONGEST));
    text.shrink_to_fit();
    whole - text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: Option<&str>, stream: &str, text: &str) -> FilteredLogEvent {
        let event = FilteredLogEvent::builder().set_event_id(id.map(str::to_owned)).log_stream_name(stream);
        event.timestamp(1_700_000_000_123).message(text).build()
    }

    #[test]
    fn lines_of_one_stream_share_its_name() {
        let from = Timestamp::UNIX_EPOCH;
        let events =
            vec![event(Some("1"), "app/web/a", "up"), event(Some("2"), "app/web/a", "up"), event(None, "b", "up")];
        let lines = lines(events, from);
        let [one, two, other] = lines.as_slice() else { panic!("{lines:?}") };
        assert!(Arc::ptr_eq(&one.stream, &two.stream));
        assert_eq!((&*one.stream, &*other.stream), ("app/web/a", "b"));
        assert_ne!(one.id, two.id);
        assert_eq!(one.at.as_millisecond(), 1_700_000_000_123);
        assert_eq!(super::lines(vec![event(None, "b", "up")], from).first().map(|line| line.id), Some(other.id));
    }

    #[test]
    fn long_lines_are_cut_between_characters_and_say_by_how_much() {
        for text in ["a".repeat(LONGEST), "a".repeat(LONGEST + 5), format!("a{}", "é".repeat(LONGEST))] {
            let lines = lines(vec![event(Some("1"), "a", &text)], Timestamp::UNIX_EPOCH);
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert_eq!(line.text.len() + line.cut, text.len());
            assert!(line.text.len() <= LONGEST && line.text.len() + 2 > LONGEST.min(text.len()));
            assert!(text.starts_with(&line.text));
        }
    }

    #[test]
    fn an_error_that_stands_behind_the_cut_still_counts() {
        let text = format!("{{\"padding\": \"{}\", \"level\": \"error\"}}", " ".repeat(LONGEST));
        let lines =
            lines(vec![event(Some("1"), "a", &text), event(Some("2"), "a", "level=info up")], Timestamp::UNIX_EPOCH);
        assert_eq!(lines.iter().map(|line| line.error).collect::<Vec<_>>(), [true, false]);
    }
}
