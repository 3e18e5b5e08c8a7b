//! One source followed: from where the next page is asked for, and which of its lines are new.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{LogLine, LogPage, LogQuery, LogSource};

/// How far behind the newest line reading goes on: the agents of several tasks send their lines in lots, so older ones
/// come in behind newer ones.
const OVERLAP: SignedDuration = SignedDuration::from_secs(10);
/// The same of a log in which nothing is written: what is so long past has come in.
const QUIET: SignedDuration = SignedDuration::from_secs(60);
/// How long a source that has nothing more rests, as the operator lives it.
pub const REST: SignedDuration = SignedDuration::from_millis(2_500);

/// Where reading a source goes on.
///
/// It goes forward in passes: from a time, page after page by their tokens, until there is no more or a page is all of
/// lines that were written after the pass began; then again from a little before that beginning. So a line that is in
/// CloudWatch within ten seconds of its time is read by one pass or the next, however long they take. What was read
/// before is told by its id.
#[derive(Debug, Clone)]
pub struct Tail {
    /// `startTime` of this pass.
    from: Timestamp,
    /// `nextToken` of its last page.
    token: Option<String>,
    /// When its first page was asked for.
    begun: Option<Timestamp>,
    /// The newest line of this pass, new or not: how far it is.
    newest: Option<Timestamp>,
    /// The ids that may come again.
    seen: HashMap<u64, Timestamp>,
    /// All lines up to then are read: when the newest whole pass began.
    caught_up: Option<Timestamp>,
    /// Whether there is more to read now.
    more: bool,
}

/// Lines have whole milliseconds and are asked for by them: a horizon between two would forget the ids of a millisecond
/// that comes again.
fn whole_millis(at: Timestamp) -> Timestamp {
    at - SignedDuration::from_nanos(i64::from(at.subsec_nanosecond().rem_euclid(1_000_000)))
}

impl Tail {
    /// A source that is read from a time on.
    pub fn begin(from: Timestamp) -> Self {
        let from = whole_millis(from);
        Self { from, token: None, begun: None, newest: None, seen: HashMap::new(), caught_up: None, more: true }
    }

    /// The next page.
    pub fn next(&self, source: &LogSource) -> LogQuery {
        LogQuery { source: source.clone(), from: self.from, token: self.token.clone() }
    }

    /// Whether there is more to read now; else it may rest.
    pub fn more(&self) -> bool {
        self.more
    }

    /// Up to when its lines are read. `None`: nothing is.
    pub fn reach(&self) -> Option<Timestamp> {
        let under_way = self.begun.and_then(|begun| self.newest.map(|newest| newest.min(begun)));
        self.caught_up.max(under_way)
    }

    /// Whether this is the answer that is waited for: one to an earlier opening of the log is not.
    pub fn waits_for(&self, query: &LogQuery) -> bool {
        (self.from, &self.token) == (query.from, &query.token)
    }

    /// Bytes that the ids take, about.
    pub fn bytes(&self) -> usize {
        self.seen.capacity() * size_of::<(u64, Timestamp)>()
    }

    /// Takes in a page that was asked for at a time; returns its new lines.
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
        // Within a pass no line comes twice, and the next one begins there.
        self.seen.retain(|_, at| *at >= horizon);
        if self.seen.capacity() > 4 * self.seen.len().max(1_024) {
            self.seen.shrink_to_fit();
        }
        new
    }

    /// A token that AWS does not take any more: the next pass begins a little before what was read. Whether there was
    /// one.
    pub fn restart(&mut self) -> bool {
        if let Some(begun) = self.begun.take() {
            self.from = self.goes_on(begun);
        }
        self.token.take().is_some()
    }

    /// From where on lines may still come that were not read. A clock that is ahead writes lines of the future: they do
    /// not carry it past the others.
    fn goes_on(&self, begun: Timestamp) -> Timestamp {
        let quiet = self.token.is_none().then(|| begun - QUIET);
        let behind = self.newest.map(|newest| newest.min(begun) - OVERLAP);
        [quiet, behind].into_iter().flatten().fold(self.from, Timestamp::max)
    }
}
