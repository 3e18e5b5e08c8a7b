//! Lines of a log, and where they are read.

pub mod buffer;
pub mod counters;
mod level;
pub mod ring_buffer;
pub mod tail;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::level::is_error;
use super::shared;

/// Streams of one log group that are read together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogSource {
    /// `awslogs-group`.
    pub group: String,
    /// `awslogs-region`, where it is not the console's.
    pub region: Option<String>,
    /// What the streams' names begin with: `PREFIX/CONTAINER/`, or with a task's id behind it.
    pub prefix: String,
}

/// A page of a log (Logs `FilterLogEvents`), oldest line first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogQuery {
    /// Which streams.
    pub source: LogSource,
    /// `startTime`: lines of this time and later.
    pub from: Timestamp,
    /// `nextToken` of the page before.
    pub token: Option<String>,
}

/// An answer to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// `events[]`, in the order of their times as AWS sent them. May be empty although there is a next page.
    pub lines: Vec<LogLine>,
    /// `nextToken`: there is more.
    pub next: Option<String>,
}

/// One line (`events[]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `timestamp`: when the container wrote it.
    pub at: Timestamp,
    /// `logStreamName`.
    #[serde(with = "shared::text")]
    pub stream: Arc<str>,
    /// A digest of `eventId`, by which repeats are told.
    pub id: u64,
    /// `message`, as it came but for its length.
    pub text: String,
    /// Bytes of the message that were cut off.
    pub cut: usize,
    /// Whether it tells of an error ([`is_error`]).
    pub error: bool,
}

/// Longer messages are cut: what CloudWatch takes, 1 MiB a line, would fill the screen's memory in no time.
pub const LONGEST: usize = 8 * 1024;

#[cfg(test)]
mod tests;
