//! Reading streams page by page.

use super::stream;
use super::stream::{Line, Stream};
use super::text::Writer;
use crate::sim::world::World;
use crate::sim::world::clock::{Ms, SECOND};

/// The messages of a page have this many bytes at most, and each counts for some more than it has.
const BYTES: usize = 1 << 20;
const OVERHEAD: usize = 26;
/// Lines that are looked at for a page, whether they fit the filter or not.
const LOOKED_AT: usize = 20_000;
/// Seconds of streams that are gone through for a page.
const SECONDS: usize = 200_000;

/// A place between two lines: in this second, after so many of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim::world) struct Cursor {
    pub second: i64,
    pub skip: usize,
}

/// A line as CloudWatch has it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sim::world) struct Event {
    /// An index into the streams.
    pub stream: usize,
    pub at: Ms,
    pub ingested: Ms,
    pub message: String,
    pub id: String,
    /// Right after it.
    pub after: Cursor,
}

/// Some streams between two times.
pub(in crate::sim::world) struct Reader<'a> {
    pub world: &'a World,
    pub streams: &'a [Stream<'a>],
    /// Not before this, and before that.
    pub from: Ms,
    pub to: Ms,
    /// A line is on the page if this says so of its text.
    pub fits: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    /// The first second that can have a line, and the one after the last.
    fn seconds(&self) -> (i64, i64) {
        let first = self.streams.iter().map(|s| s.from).min().unwrap_or(Ms::MAX).max(self.from);
        let last = self.streams.iter().map(|s| s.until).max().unwrap_or(Ms::MIN).min(self.to);
        (first.div_euclid(SECOND), (last - 1).div_euclid(SECOND) + 1)
    }

    /// Where the first page begins.
    pub fn begin(&self) -> Cursor {
        Cursor { second: self.seconds().0, skip: 0 }
    }

    /// Can be read now, and lies between the times.
    fn shows(&self, line: &Line) -> bool {
        (self.from..self.to).contains(&line.at) && line.ingested <= self.world.now.as_millisecond()
    }

    /// A page of at most `limit` lines, oldest first, and where the next begins if there may be more. A page can be
    /// empty though there is more: it only looks at so much.
    pub fn forward(&self, from: Cursor, limit: usize) -> (Vec<Event>, Option<Cursor>) {
        let mut writer = Writer::default();
        let (mut events, mut bytes, mut looked_at, mut gone) = (Vec::new(), 0, 0, 0);
        let (_, end) = self.seconds();
        let mut skip = from.skip;
        for second in from.second..end {
            let lines = stream::second(self.world, self.streams, second);
            for (at, line) in lines.iter().enumerate().skip(skip) {
                if !self.shows(line) {
                    continue;
                }
                let here = Cursor { second, skip: at };
                if events.len() == limit || looked_at == LOOKED_AT {
                    return (events, Some(here));
                }
                looked_at += 1;
                let Some(event) = self.event(line, Cursor { second, skip: at + 1 }, &mut writer) else {
                    continue;
                };
                bytes += event.message.len() + OVERHEAD;
                if bytes > BYTES && !events.is_empty() {
                    return (events, Some(here));
                }
                events.push(event);
            }
            skip = 0;
            gone += self.streams.len();
            if gone > SECONDS {
                return (events, Some(Cursor { second: second + 1, skip: 0 }));
            }
        }
        (events, None)
    }

    /// The `limit` lines before a place, oldest first.
    pub fn backward(&self, before: Option<Cursor>, limit: usize) -> Vec<Event> {
        let mut writer = Writer::default();
        let (begin, end) = self.seconds();
        let (mut events, mut bytes, mut gone) = (Vec::new(), 0, 0);
        let last = before.map_or(end, |cursor| cursor.second + 1).min(end);
        for second in (begin..last).rev() {
            let lines = stream::second(self.world, self.streams, second);
            let upto = before.filter(|b| b.second == second).map_or(lines.len(), |b| b.skip);
            for (at, line) in lines.iter().enumerate().take(upto).rev().filter(|(_, line)| self.shows(line)) {
                let Some(event) = self.event(line, Cursor { second, skip: at + 1 }, &mut writer) else {
                    continue;
                };
                bytes += event.message.len() + OVERHEAD;
                if events.len() == limit || bytes > BYTES {
                    events.reverse();
                    return events;
                }
                events.push(event);
            }
            gone += self.streams.len();
            if gone > SECONDS {
                break;
            }
        }
        events.reverse();
        events
    }

    fn event(&self, line: &Line, after: Cursor, writer: &mut Writer) -> Option<Event> {
        let stream = self.streams.get(line.stream)?;
        let message = writer.write(stream, line);
        if !(self.fits)(&message) {
            return None;
        }
        let (at, hash) = (line.at, line.hash);
        let id = format!("3{at:015}{:020}{hash:020}", stream.seed);
        Some(Event { stream: line.stream, at, ingested: line.ingested, message, id, after })
    }
}
