//! The kept lines, in order of time; the oldest are dropped first.

use std::collections::VecDeque;
use std::ops::Range;

use jiff::Timestamp;

/// The writer of a line: an index in the table of streams.
pub type StreamId = u32;

/// A kept line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingBuffer {
    /// The key: the time, then the order of arrival.
    pub key: Key,
    /// The stream.
    pub writer: StreamId,
    /// Number of bytes cut off the message.
    pub cut: u32,
    /// True if the line reports an error.
    pub error: bool,
    /// True if the line matches the search.
    pub found: bool,
    /// The message.
    pub text: Box<str>,
}

/// The key of a line.
pub type Key = (Timestamp, u64);

/// The limits of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of all lines.
    pub bytes: usize,
    /// Number of lines.
    pub lines: usize,
}

/// Bytes of a line beside its text: the struct and the overhead of an allocation.
const OVERHEAD: usize = size_of::<RingBuffer>() + 16;

/// Lines in order of time.
#[derive(Debug, Clone)]
pub struct Ring {
    lines: VecDeque<RingBuffer>,
    bytes: usize,
    bounds: Bounds,
    came: u64,
}

impl Ring {
    /// An empty ring.
    pub fn new(bounds: Bounds) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, bounds, came: 0 }
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> &VecDeque<RingBuffer> {
        &self.lines
    }

    /// A range of the lines, to update their `found` marks.
    pub fn range_mut(&mut self, places: Range<usize>) -> impl Iterator<Item = &mut RingBuffer> {
        self.lines.range_mut(places)
    }

    /// Bytes of all lines.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of lines before a key.
    pub fn before(&self, key: Key) -> usize {
        self.lines.partition_point(|line| line.key < key)
    }

    /// A line by its key.
    pub fn get(&self, key: Key) -> Option<&RingBuffer> {
        self.lines.get(self.before(key)).filter(|line| line.key == key)
    }

    /// Merges lines and numbers them; passes the dropped lines to `gone`. The cost depends on the new lines and on the
    /// lines newer than the oldest of them, not on the number of kept lines.
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
