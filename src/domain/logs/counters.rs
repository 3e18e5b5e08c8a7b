//! Counters of lines, each line once, independent of the kept lines.

use std::collections::VecDeque;
use std::ops::AddAssign;

use jiff::{SignedDuration, Timestamp};

/// Seconds in one slot; short, so that a rate reacts at the next look.
pub const SLOT: i64 = 10;
/// Number of slots kept: ten minutes.
const SLOTS: i64 = 60;

/// A count of lines, and of the error lines among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// All lines.
    pub lines: u64,
    /// Lines that report an error.
    pub errors: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.errors += other.errors;
    }
}

/// The counts of a stream: in total, and recently by time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineCounters {
    all: Count,
    /// The counts by slot number, in order.
    slots: VecDeque<(i64, Count)>,
}

fn slot(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SLOT)
}

impl LineCounters {
    /// Counts a line.
    pub fn add(&mut self, at: Timestamp, error: bool) {
        let one = Count { lines: 1, errors: error.into() };
        self.put(slot(at), one);
        self.all += one;
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        other.slots.iter().for_each(|(slot, count)| self.put(*slot, *count));
        self.all += other.all;
    }

    fn put(&mut self, slot: i64, count: Count) {
        let at = self.slots.partition_point(|(had, _)| *had < slot);
        match self.slots.get_mut(at) {
            Some((had, so_far)) if *had == slot => *so_far += count,
            _ => self.slots.insert(at, (slot, count)),
        }
        let newest = self.slots.back().map_or(slot, |(newest, _)| *newest);
        while self.slots.front().is_some_and(|(oldest, _)| newest - oldest >= SLOTS) {
            self.slots.pop_front();
        }
    }

    /// The total.
    pub fn all(&self) -> Count {
        self.all
    }

    /// The count between two times, both multiples of a slot as from [`whole`]; at most ten minutes back.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Count {
        let (from, to) = (slot(from), slot(to));
        let mut sum = Count::default();
        let within = self.slots.iter().filter(|(slot, _)| (from..to).contains(slot));
        within.for_each(|(_, count)| sum += *count);
        sum
    }
}

/// The beginning of the slot that contains `at`.
pub fn whole(at: Timestamp) -> Timestamp {
    at - SignedDuration::from_secs(at.as_second().rem_euclid(SLOT))
        - SignedDuration::from_nanos(at.subsec_nanosecond().into())
}
