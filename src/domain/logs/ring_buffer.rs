//! The lines that are kept: in the order of their times, the oldest go first.

use std::collections::VecDeque;
use std::ops::Range;

use jiff::Timestamp;

/// Whose line: a number in the table of streams.
pub type StreamId = u32;

/// A line that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingBuffer {
    /// Its place: its time, then in which order it came.
    pub key: Key,
    /// Whose it is.
    pub writer: StreamId,
    /// Bytes of the message that were cut off.
    pub cut: u32,
    /// Whether it tells of an error.
    pub error: bool,
    /// Whether it has what is searched for.
    pub found: bool,
    /// The message.
    pub text: Box<str>,
}

/// A line's place.
pub type Key = (Timestamp, u64);

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes over all lines.
    pub bytes: usize,
    /// Lines.
    pub lines: usize,
}

/// What a line takes beside its text: itself, and what an allocation costs.
const OVERHEAD: usize = size_of::<RingBuffer>() + 16;

/// Lines in the order of their times.
#[derive(Debug, Clone)]
pub struct Ring {
    lines: VecDeque<RingBuffer>,
    bytes: usize,
    bounds: Bounds,
    came: u64,
}

impl Ring {
    /// An empty one.
    pub fn new(bounds: Bounds) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, bounds, came: 0 }
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> &VecDeque<RingBuffer> {
        &self.lines
    }

    /// Some of them, to be marked as found or not.
    pub fn range_mut(&mut self, places: Range<usize>) -> impl Iterator<Item = &mut RingBuffer> {
        self.lines.range_mut(places)
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many lines are before a place.
    pub fn before(&self, key: Key) -> usize {
        self.lines.partition_point(|line| line.key < key)
    }

    /// A line by its place.
    pub fn get(&self, key: Key) -> Option<&RingBuffer> {
        self.lines.get(self.before(key)).filter(|line| line.key == key)
    }

    /// Takes lines in, of which each gets its number here; hands those that went to `gone`. Costs what came and what is
    /// newer than the oldest of it, not what is kept.
    pub fn merge(&mut self, mut new: Vec<RingBuffer>, mut gone: impl FnMut(RingBuffer)) {
        for line in &mut new {
            self.came += 1;
            line.key.1 = self.came;
            self.bytes += line.text.len() + OVERHEAD;
        }
        new.sort_by_key(|line| line.key);
        let Some(first) = new.first().map(|line| line.key) else { return };
        let newer = self.lines.split_off(self.before(first));
        let mut newer = newer.into_iter().peekable();
        for line in new {
            while let Some(had) = newer.next_if(|had| had.key < line.key) {
                self.lines.push_back(had);
            }
            self.lines.push_back(line);
        }
        self.lines.extend(newer);
        while self.bytes > self.bounds.bytes || self.lines.len() > self.bounds.lines {
            let Some(line) = self.lines.pop_front() else { break };
            self.bytes -= line.text.len() + OVERHEAD;
            gone(line);
        }
    }
}
