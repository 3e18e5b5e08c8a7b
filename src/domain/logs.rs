//! The lines of a log, and the sources of these lines.

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
    /// `awslogs-region`; `None`: the console's region.
    pub region: Option<String>,
    /// The prefix of the streams' names: `PREFIX/CONTAINER/`, possibly followed by a task's id.
    pub prefix: String,
}

/// A page of a log (Logs `FilterLogEvents`), oldest line first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogQuery {
    /// The streams.
    pub source: LogSource,
    /// `startTime`: lines of this time and later.
    pub from: Timestamp,
    /// `nextToken` of the previous page.
    pub token: Option<String>,
}

/// The response to a [`LogQuery`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// `events[]`, in order of time as AWS sent them. May be empty even if there is a next page.
    pub lines: Vec<LogLine>,
    /// `nextToken`; `None`: this is the last page.
    pub next: Option<String>,
}

/// One line (`events[]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `timestamp`: the time at which the container wrote the line.
    pub at: Timestamp,
    /// `logStreamName`.
    #[serde(with = "shared::text")]
    pub stream: Arc<str>,
    /// A digest of `eventId`, to recognise repeats.
    pub id: u64,
    /// `message`, unchanged except for its length.
    pub text: String,
    /// Number of bytes cut off the message.
    pub cut: usize,
    /// True if the line reports an error ([`is_error`]).
    pub error: bool,
}

/// Longer messages are cut: lines of up to 1 MiB, CloudWatch's limit, would quickly fill the memory.
pub const LONGEST: usize = 8 * 1024;

#[cfg(test)]
mod tests;
