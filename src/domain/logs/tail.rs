//! The tail of one source: the start of the next page, and the detection of new lines.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{LogLine, LogPage, LogQuery, LogSource};

/// Overlap behind the newest line: the agents of several tasks send lines in batches, so older lines may arrive after
/// newer ones.
const OVERLAP: SignedDuration = SignedDuration::from_secs(10);
/// The overlap for a silent log: older lines have arrived by then.
const QUIET: SignedDuration = SignedDuration::from_secs(60);
/// Pause between reads of a source without further lines, in wall-clock time.
pub const REST: SignedDuration = SignedDuration::from_millis(2_500);

/// The position in a source.
///
/// Reading proceeds in passes. A pass starts at a time and follows the tokens page by page, until there is no further
/// page or a page holds only lines written after the pass began. The next pass starts a little before that beginning.
/// So one pass or the next reads every line that reaches CloudWatch within ten seconds of its time, however long the
/// passes take. The ids of earlier lines identify repeats.
#[derive(Debug, Clone)]
pub struct Tail {
    /// `startTime` of the current pass.
    from: Timestamp,
    /// `nextToken` of the pass's last page.
    token: Option<String>,
    /// Time of the query for the pass's first page.
    begun: Option<Timestamp>,
    /// The newest line of the pass, new or not: the progress of the pass.
    newest: Option<Timestamp>,
    /// The ids of lines that may come again.
    seen: HashMap<u64, Timestamp>,
    /// The beginning of the newest complete pass: all lines up to then are read.
    caught_up: Option<Timestamp>,
    /// True if there are more lines to read now.
    more: bool,
}

/// Rounds down to milliseconds, the resolution of lines and queries: a horizon between two milliseconds would drop the
/// ids of a millisecond that is read again.
fn whole_millis(at: Timestamp) -> Timestamp {
    at - SignedDuration::from_nanos(i64::from(at.subsec_nanosecond().rem_euclid(1_000_000)))
}

impl Tail {
    /// The tail of a source from a time on.
    pub fn begin(from: Timestamp) -> Self {
        let from = whole_millis(from);
        Self { from, token: None, begun: None, newest: None, seen: HashMap::new(), caught_up: None, more: true }
    }

    /// The query for the next page.
    pub fn next(&self, source: &LogSource) -> LogQuery {
        LogQuery { source: source.clone(), from: self.from, token: self.token.clone() }
    }

    /// Returns true if there are more lines to read now; otherwise the tail may pause.
    pub fn more(&self) -> bool {
        self.more
    }

    /// The time up to which all lines are read; `None`: no lines are read.
    pub fn reach(&self) -> Option<Timestamp> {
        let under_way = self.begun.and_then(|begun| self.newest.map(|newest| newest.min(begun)));
        self.caught_up.max(under_way)
    }

    /// Returns true if `query` is the pending one; a query from an earlier opening of the log is not.
    pub fn waits_for(&self, query: &LogQuery) -> bool {
        (self.from, &self.token) == (query.from, &query.token)
    }

    /// Approximate size of the ids in bytes.
    pub fn bytes(&self) -> usize {
        self.seen.capacity() * size_of::<(u64, Timestamp)>()
    }

    /// Processes the page of a query sent at `asked`; returns its new lines.
    pub fn take(&mut self, asked: Timestamp, page: LogPage) -> Vec<LogLine> {
        if self.begun.is_none() {
            self.newest = None;
        }
        let asked = whole_millis(asked);
        let begun = *self.begun.get_or_insert(asked);
        let past = page.lines.iter().map(|line| line.at).min().is_some_and(|oldest| oldest >= begun);
        self.newest = self.newest.max(page.lines.iter().map(|line| line.at).max());
        let mut new = page.lines;
        new.retain(|line| self.seen.insert(line.id, line.at).is_none());
        self.more = page.next.is_some();
        self.token = page.next.filter(|_| !past);
        let horizon = self.goes_on(begun);
        if self.token.is_none() {
            (self.begun, self.caught_up, self.from) = (None, Some(begun), horizon);
        }
        // A pass never repeats a line, and the next pass begins at the horizon.
        self.seen.retain(|_, at| *at >= horizon);
        if self.seen.capacity() > 4 * self.seen.len().max(1_024) {
            self.seen.shrink_to_fit();
        }
        new
    }

    /// Handles a token that AWS no longer accepts: the next pass begins a little before the lines already read. Returns
    /// true if there was a token.
    pub fn restart(&mut self) -> bool {
        if let Some(begun) = self.begun.take() {
            self.from = self.goes_on(begun);
        }
        self.token.take().is_some()
    }

    /// The time from which unread lines may still arrive. Lines from the future, by a fast clock, do not move it past
    /// the other lines.
    fn goes_on(&self, begun: Timestamp) -> Timestamp {
        let quiet = self.token.is_none().then(|| begun - QUIET);
        let behind = self.newest.map(|newest| newest.min(begun) - OVERLAP);
        [quiet, behind].into_iter().flatten().fold(self.from, Timestamp::max)
    }
}
