//! Reads log streams page by page.

use super::log_writer::LogWriter;
use super::source::LogSource;
use super::stream::{Line, Stream, lines_of_second};
use crate::sim::world::clock::{Ms, SECOND};

/// The size of a page in bytes. Each message counts for [`EVENT_OVERHEAD`] more bytes.
const MAX_BYTES: usize = 1 << 20;
const EVENT_OVERHEAD: usize = 26;
/// Maximum lines scanned for a page, matching or not.
const MAX_SCANNED_LINES: usize = 20_000;
/// Maximum seconds scanned for a page, summed over all streams.
const MAX_SCANNED_SECONDS: usize = 200_000;

/// A position between two lines: after `skip` lines of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) second: i64,
    pub(crate) skip: usize,
}

/// A log event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// An index into the streams.
    pub(crate) stream: usize,
    pub(crate) at: Ms,
    pub(crate) ingested: Ms,
    pub(crate) message: String,
    pub(crate) id: String,
    /// The position after the event.
    pub(crate) after: Cursor,
}

/// A reader of some streams in a time range.
pub(crate) struct Reader<'a> {
    pub(crate) source: &'a LogSource<'a>,
    pub(crate) streams: &'a [Stream<'a>],
    pub(crate) from: Ms,
    /// The end of the range, exclusive.
    pub(crate) to: Ms,
    /// The filter for messages.
    pub(crate) matches: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    /// The range of seconds that can have lines; the end is exclusive.
    fn seconds(&self) -> (i64, i64) {
        let first = self.streams.iter().map(|s| s.from).min().unwrap_or(Ms::MAX).max(self.from);
        let last = self.streams.iter().map(|s| s.until).max().unwrap_or(Ms::MIN).min(self.to);
        (first.div_euclid(SECOND), (last - 1).div_euclid(SECOND) + 1)
    }

    /// The position of the first page.
    pub(crate) fn begin(&self) -> Cursor {
        Cursor { second: self.seconds().0, skip: 0 }
    }

    /// Returns true if a line is in the time range and can be read now.
    fn is_visible(&self, line: &Line) -> bool {
        (self.from..self.to).contains(&line.at) && line.ingested <= self.source.now
    }

    /// A page of at most `limit` events, oldest first, and the position of the next page if there may be more events. A
    /// page may be empty although more events follow, because the scan is limited.
    pub(crate) fn forward(&self, from: Cursor, limit: usize) -> (Vec<Event>, Option<Cursor>) {
        let mut writer = LogWriter::default();
        let (mut events, mut bytes, mut scanned_lines, mut scanned_seconds) = (Vec::new(), 0, 0, 0);
        let (_, end) = self.seconds();
        let mut skip = from.skip;
        for second in from.second..end {
            let lines = lines_of_second(self.source, self.streams, second);
            for (at, line) in lines.iter().enumerate().skip(skip) {
                if !self.is_visible(line) {
                    continue;
                }
                let here = Cursor { second, skip: at };
                if events.len() == limit || scanned_lines == MAX_SCANNED_LINES {
                    return (events, Some(here));
                }
                scanned_lines += 1;
                let Some(event) = self.event(line, Cursor { second, skip: at + 1 }, &mut writer) else {
                    continue;
                };
                bytes += event.message.len() + EVENT_OVERHEAD;
                if bytes > MAX_BYTES && !events.is_empty() {
                    return (events, Some(here));
                }
                events.push(event);
            }
            skip = 0;
            scanned_seconds += self.streams.len();
            if scanned_seconds > MAX_SCANNED_SECONDS {
                return (events, Some(Cursor { second: second + 1, skip: 0 }));
            }
        }
        (events, None)
    }

    /// The `limit` events before a position, oldest first.
    pub(crate) fn backward(&self, before: Option<Cursor>, limit: usize) -> Vec<Event> {
        let mut writer = LogWriter::default();
        let (begin, end) = self.seconds();
        let (mut events, mut bytes, mut scanned_seconds) = (Vec::new(), 0, 0);
        let last = before.map_or(end, |cursor| cursor.second + 1).min(end);
        for second in (begin..last).rev() {
            let lines = lines_of_second(self.source, self.streams, second);
            let end = before.filter(|b| b.second == second).map_or(lines.len(), |b| b.skip);
            for (at, line) in lines.iter().enumerate().take(end).rev().filter(|(_, line)| self.is_visible(line)) {
                let Some(event) = self.event(line, Cursor { second, skip: at + 1 }, &mut writer) else {
                    continue;
                };
                bytes += event.message.len() + EVENT_OVERHEAD;
                if events.len() == limit || bytes > MAX_BYTES {
                    events.reverse();
                    return events;
                }
                events.push(event);
            }
            scanned_seconds += self.streams.len();
            if scanned_seconds > MAX_SCANNED_SECONDS {
                break;
            }
        }
        events.reverse();
        events
    }

    /// The event of a line; `None` if the filter does not match.
    fn event(&self, line: &Line, after: Cursor, writer: &mut LogWriter) -> Option<Event> {
        let stream = self.streams.get(line.stream)?;
        let message = writer.write(stream, line);
        if !(self.matches)(&message) {
            return None;
        }
        let (at, hash) = (line.at, line.hash);
        let id = format!("3{at:015}{:020}{hash:020}", stream.seed);
        Some(Event { stream: line.stream, at, ingested: line.ingested, message, id, after })
    }
}
