//! The log of one release: the kept lines, and exact counts by task and by side, independent of the kept lines.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use regex::{Regex, RegexBuilder};

use super::LogLine;
use super::counters::{Count, LineCounters};
use super::ring_buffer::{Bounds, Key, Ring, RingBuffer, StreamId};

/// Number of streams counted separately; the counts of tasks that are long gone are summed.
const STREAMS: usize = 256;

/// Number of lines in one step of a search.
const AT_A_TIME: usize = 25_000;

/// The side of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogSide {
    /// Stable; of a release with one side, every line; of a rolling service, the outgoing revision.
    Stable,
    /// The canary; of a rolling service, the new revision.
    Canary,
    /// A task that was not read: not yet, or a task of another service.
    Unknown,
}

/// The selection of lines to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// Lines of one side only; `None`: all lines.
    pub whose: Option<LogSide>,
    /// True for lines that match the search only.
    pub found: bool,
}

/// A stream, written by one container of one task.
#[derive(Debug, Clone)]
struct Stream {
    name: Arc<str>,
    whose: LogSide,
    tally: LineCounters,
    /// Number of its lines in the buffer.
    kept: usize,
    newest: Timestamp,
    /// True if the stream's name matches the search.
    found: bool,
}

/// A search.
#[derive(Debug, Clone)]
struct Search {
    text: String,
    pattern: Option<Regex>,
}

impl Search {
    fn new(text: &str) -> Self {
        let pattern = RegexBuilder::new(&regex::escape(text)).case_insensitive(true).build().ok();
        Self { text: text.to_owned(), pattern }
    }

    fn is_in(&self, text: &str) -> bool {
        self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }
}

/// The lines of a log with their counts.
#[derive(Debug, Clone)]
pub struct LogBuffer {
    ring: Ring,
    streams: Vec<Stream>,
    /// The index in `streams`, by name.
    places: HashMap<Arc<str>, StreamId>,
    /// The counts of dropped streams, by side.
    gone: [(LogSide, LineCounters); 3],
    sought: Option<Search>,
    /// The lines before this key were not searched yet.
    unsearched: Option<Key>,
}

impl LogBuffer {
    /// An empty buffer.
    pub fn new(bounds: Bounds) -> Self {
        let gone = [LogSide::Stable, LogSide::Canary, LogSide::Unknown].map(|whose| (whose, LineCounters::default()));
        Self {
            ring: Ring::new(bounds),
            streams: Vec::new(),
            places: HashMap::new(),
            gone,
            sought: None,
            unsearched: None,
        }
    }

    /// Counts lines and keeps them. `asked`: the time of the query.
    pub fn take(&mut self, asked: Timestamp, lines: Vec<LogLine>) {
        let mut kept = Vec::with_capacity(lines.len());
        let mut last: Option<(Arc<str>, StreamId)> = None;
        for line in lines {
            let writer = match &last {
                Some((stream, writer)) if Arc::ptr_eq(stream, &line.stream) => *writer,
                _ => self.writer(&line.stream, line.at),
            };
            last = Some((line.stream, writer));
            let Some(stream) = self.streams.get_mut(writer as usize) else { continue };
            // A line from the future, by a fast clock, counts as written now.
            stream.tally.add(line.at.min(asked), line.error);
            stream.kept += 1;
            stream.newest = stream.newest.max(line.at);
            let found = stream.found || self.sought.as_ref().is_some_and(|sought| sought.is_in(&line.text));
            let cut = u32::try_from(line.cut).unwrap_or(u32::MAX);
            let text = line.text.into_boxed_str();
            kept.push(RingBuffer { key: (line.at, 0), writer, cut, error: line.error, found, text });
        }
        let streams = &mut self.streams;
        self.ring.merge(kept, |line| {
            if let Some(stream) = streams.get_mut(line.writer as usize) {
                stream.kept -= 1;
            }
        });
    }

    /// The index of a stream. If there are too many, a new stream replaces one that has long been silent.
    fn writer(&mut self, name: &Arc<str>, at: Timestamp) -> StreamId {
        if let Some(writer) = self.places.get(name) {
            return *writer;
        }
        let found = self.sought.as_ref().is_some_and(|sought| sought.is_in(name));
        let (whose, tally) = (LogSide::Unknown, LineCounters::default());
        let stream = Stream { name: name.clone(), whose, tally, kept: 0, newest: at, found };
        let silent = self.streams.iter().enumerate().filter(|(_, stream)| stream.kept == 0);
        let silent = silent.min_by_key(|(_, stream)| stream.newest).map(|(place, _)| place);
        let place = silent.filter(|_| self.streams.len() >= STREAMS).unwrap_or(self.streams.len());
        match self.streams.get_mut(place) {
            Some(had) => {
                let had = std::mem::replace(had, stream);
                self.places.remove(&had.name);
                let gone = self.gone.iter_mut().find(|(whose, _)| *whose == had.whose);
                gone.into_iter().for_each(|(_, tally)| tally.merge(&had.tally));
            }
            None => self.streams.push(stream),
        }
        let writer = StreamId::try_from(place).unwrap_or(StreamId::MAX);
        self.places.insert(name.clone(), writer);
        writer
    }

    /// Assigns each stream the side of its task, by the task's id. A task without a side keeps its previous one.
    pub fn tell(&mut self, whose: impl Fn(&str) -> Option<LogSide>) {
        for stream in &mut self.streams {
            if let Some(whose) = whose(task(&stream.name)) {
                stream.whose = whose;
            }
        }
    }

    /// Marks the lines that contain a text, ignoring case, newest first. One call searches a limited number of lines,
    /// so that a key is answered in the next frame. Call again with the same text until no line is
    /// [left](Self::unsearched).
    pub fn search(&mut self, text: &str) {
        if self.sought.as_ref().map_or("", |sought| &sought.text) != text {
            self.sought = (!text.is_empty()).then(|| Search::new(text));
            self.unsearched = self.sought.is_some().then_some((Timestamp::MAX, u64::MAX));
            for stream in &mut self.streams {
                stream.found = self.sought.as_ref().is_some_and(|sought| sought.is_in(&stream.name));
            }
        }
        let (Some(sought), Some(before)) = (&self.sought, self.unsearched) else { return };
        let end = self.ring.before(before);
        let begin = end.saturating_sub(AT_A_TIME);
        for line in self.ring.range_mut(begin..end) {
            let named = self.streams.get(line.writer as usize).is_some_and(|stream| stream.found);
            line.found = named || sought.is_in(&line.text);
        }
        self.unsearched = self.ring.lines().get(begin).map(|line| line.key).filter(|_| begin > 0);
    }

    /// Number of kept lines that were not searched yet.
    pub fn unsearched(&self) -> usize {
        self.unsearched.map_or(0, |before| self.ring.before(before))
    }

    fn shows(&self, line: &RingBuffer, shown: Shown) -> bool {
        let searched = || self.sought.is_some() && self.unsearched.is_none_or(|before| line.key >= before);
        (!shown.found || line.found && searched()) && shown.whose.is_none_or(|whose| self.whose(line) == whose)
    }

    /// The shown lines up to and including a key, newest first; `None`: from the newest line on.
    pub fn up_to(&self, key: Option<Key>, shown: Shown) -> impl Iterator<Item = &RingBuffer> {
        let end = key.map_or(self.ring.lines().len(), |(at, number)| self.ring.before((at, number + 1)));
        self.ring.lines().range(..end).rev().filter(move |line| self.shows(line, shown))
    }

    /// The shown lines after a key, oldest first.
    pub fn behind(&self, key: Key, shown: Shown) -> impl Iterator<Item = &RingBuffer> {
        let begin = self.ring.before((key.0, key.1 + 1));
        self.ring.lines().range(begin..).filter(move |line| self.shows(line, shown))
    }

    /// The shown lines, oldest first.
    pub fn shown(&self, shown: Shown) -> impl Iterator<Item = &RingBuffer> {
        self.ring.lines().iter().filter(move |line| self.shows(line, shown))
    }

    /// A line by its key.
    pub fn get(&self, key: Key) -> Option<&RingBuffer> {
        self.ring.get(key)
    }

    /// Number of kept lines.
    pub fn kept(&self) -> usize {
        self.ring.lines().len()
    }

    /// The side of a line.
    pub fn whose(&self, line: &RingBuffer) -> LogSide {
        self.streams.get(line.writer as usize).map_or(LogSide::Unknown, |stream| stream.whose)
    }

    /// The stream of a line.
    pub fn stream(&self, line: &RingBuffer) -> &str {
        self.streams.get(line.writer as usize).map_or("", |stream| &stream.name)
    }

    /// The count of all lines read from a side.
    pub fn all(&self, whose: LogSide) -> Count {
        self.sum(whose, LineCounters::all)
    }

    /// The count of a side's lines between two times, see [`LineCounters::between`].
    pub fn between(&self, whose: LogSide, from: Timestamp, to: Timestamp) -> Count {
        self.sum(whose, |tally| tally.between(from, to))
    }

    /// The count of all lines read from a task, by its id, while its stream is counted separately.
    pub fn of_task(&self, id: &str) -> Count {
        let mut sum = Count::default();
        self.streams.iter().filter(|stream| task(&stream.name) == id).for_each(|stream| sum += stream.tally.all());
        sum
    }

    fn sum(&self, whose: LogSide, count: impl Fn(&LineCounters) -> Count) -> Count {
        let gone = self.gone.iter().filter(|(of, _)| *of == whose).map(|(_, tally)| tally);
        let known = self.streams.iter().filter(|stream| stream.whose == whose).map(|stream| &stream.tally);
        let mut sum = Count::default();
        gone.chain(known).for_each(|tally| sum += count(tally));
        sum
    }

    /// Approximate size in bytes.
    pub fn bytes(&self) -> usize {
        self.ring.bytes() + self.streams.len() * (size_of::<Stream>() + 60 * size_of::<(i64, Count)>())
    }
}

/// The id of the task that writes a stream: the last part of the stream's name.
pub fn task(stream: &str) -> &str {
    stream.rsplit('/').next().unwrap_or(stream)
}
