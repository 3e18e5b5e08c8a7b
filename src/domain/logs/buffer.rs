//! What was read of the logs of one release: its lines as far as they are kept, and how many there were by task and by
//! side, exactly, whatever is kept.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use regex::{Regex, RegexBuilder};

use super::LogLine;
use super::counters::{Count, LineCounters};
use super::ring_buffer::{Bounds, Key, Ring, RingBuffer, StreamId};

/// Streams that are told apart; those of tasks that are long gone are summed.
const STREAMS: usize = 256;

/// Lines that are searched at a time.
const AT_A_TIME: usize = 25_000;

/// Which side's a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogSide {
    /// Stable's; of what has but one side, all; of a rolling service, those of the revision that leaves.
    Stable,
    /// The canary's; of a rolling service, those of the new revision.
    Canary,
    /// Of a task that is not among those that were read: not yet, or another service's.
    Unknown,
}

/// What is shown of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// Those of one side; `None`: all.
    pub whose: Option<LogSide>,
    /// Only those that have what is searched for.
    pub found: bool,
}

/// A stream, which one container of one task writes.
#[derive(Debug, Clone)]
struct Stream {
    name: Arc<str>,
    whose: LogSide,
    tally: LineCounters,
    /// How many of its lines are kept.
    kept: usize,
    newest: Timestamp,
    /// Whether its name has what is searched for.
    found: bool,
}

/// What is searched for.
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

/// Lines and counts.
#[derive(Debug, Clone)]
pub struct LogBuffer {
    ring: Ring,
    streams: Vec<Stream>,
    /// By name, the place in `streams`.
    places: HashMap<Arc<str>, StreamId>,
    /// Of streams that are forgotten, by side.
    gone: [(LogSide, LineCounters); 3],
    sought: Option<Search>,
    /// The lines before this place were not searched yet.
    unsearched: Option<Key>,
}

impl LogBuffer {
    /// An empty one.
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

    /// Counts lines and keeps them. `asked`: when they were asked for.
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
            // What a clock that is ahead wrote was written now.
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

    /// The place of a stream; a new one takes that of one which has long been silent, where there are too many.
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

    /// Says of each task's id whose it is. What is not known keeps what was known of it.
    pub fn tell(&mut self, whose: impl Fn(&str) -> Option<LogSide>) {
        for stream in &mut self.streams {
            if let Some(whose) = whose(task(&stream.name)) {
                stream.whose = whose;
            }
        }
    }

    /// Marks the lines that have a text, whatever the case: so many of them at a time that a key is answered in the next
    /// frame whatever is kept, the newest first. To be called again with the same text until none is
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

    /// How many of the lines that are kept were not searched yet.
    pub fn unsearched(&self) -> usize {
        self.unsearched.map_or(0, |before| self.ring.before(before))
    }

    fn shows(&self, line: &RingBuffer, shown: Shown) -> bool {
        let searched = || self.sought.is_some() && self.unsearched.is_none_or(|before| line.key >= before);
        (!shown.found || line.found && searched()) && shown.whose.is_none_or(|whose| self.whose(line) == whose)
    }

    /// The lines up to a place and at it that are shown, the newest of them first; `None`: from the newest of all.
    pub fn up_to(&self, key: Option<Key>, shown: Shown) -> impl Iterator<Item = &RingBuffer> {
        let end = key.map_or(self.ring.lines().len(), |(at, number)| self.ring.before((at, number + 1)));
        self.ring.lines().range(..end).rev().filter(move |line| self.shows(line, shown))
    }

    /// The lines behind a place that are shown, the oldest first.
    pub fn behind(&self, key: Key, shown: Shown) -> impl Iterator<Item = &RingBuffer> {
        let begin = self.ring.before((key.0, key.1 + 1));
        self.ring.lines().range(begin..).filter(move |line| self.shows(line, shown))
    }

    /// The oldest line first, as far as they are shown.
    pub fn shown(&self, shown: Shown) -> impl Iterator<Item = &RingBuffer> {
        self.ring.lines().iter().filter(move |line| self.shows(line, shown))
    }

    /// A line by its place.
    pub fn get(&self, key: Key) -> Option<&RingBuffer> {
        self.ring.get(key)
    }

    /// How many lines are kept.
    pub fn kept(&self) -> usize {
        self.ring.lines().len()
    }

    /// Which side's a line is.
    pub fn whose(&self, line: &RingBuffer) -> LogSide {
        self.streams.get(line.writer as usize).map_or(LogSide::Unknown, |stream| stream.whose)
    }

    /// The stream of a line.
    pub fn stream(&self, line: &RingBuffer) -> &str {
        self.streams.get(line.writer as usize).map_or("", |stream| &stream.name)
    }

    /// All lines of a side that were read.
    pub fn all(&self, whose: LogSide) -> Count {
        self.sum(whose, LineCounters::all)
    }

    /// Those of some time, see [`LineCounters::between`].
    pub fn between(&self, whose: LogSide, from: Timestamp, to: Timestamp) -> Count {
        self.sum(whose, |tally| tally.between(from, to))
    }

    /// All lines of a task that were read, by its id, as long as it is told apart.
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

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.ring.bytes() + self.streams.len() * (size_of::<Stream>() + 60 * size_of::<(i64, Count)>())
    }
}

/// The id of the task that writes a stream: the last part of its name.
pub fn task(stream: &str) -> &str {
    stream.rsplit('/').next().unwrap_or(stream)
}
