//! The logs of a release's containers, followed live.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::sources;
use super::sources::{OfTask, Sources};
use crate::console::message::Now;
use crate::console::state::list::Find;
use crate::console::state::observed::Observed;
use crate::domain::ecs::service::Task;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::logs::buffer::{LogBuffer, LogSide, Shown};
use crate::domain::logs::ring_buffer::{Bounds, Key, RingBuffer};
use crate::domain::logs::tail::{REST, Tail};
use crate::domain::logs::{LogPage, LogQuery, LogSource, counters};
use crate::domain::observe::snapshot::{Query, Reading};
use crate::domain::release::Release;

/// Bounds of the lines kept, however much is written.
pub const BOUNDS: Bounds = Bounds { bytes: 24 << 20, lines: 200_000 };

/// A log begins this long before it is opened.
const BACK: SignedDuration = SignedDuration::from_mins(3);
/// The log of one task begins with the task; if the task ran longer, this long before its end, or before now.
const BACK_FOR_TASK: SignedDuration = SignedDuration::from_mins(30);
/// A log that was not read for this long begins anew when it is opened again.
const OUT_OF_DATE: SignedDuration = SignedDuration::from_mins(10);
/// Time over which rates are computed, and the least time from which a rate is known.
const RATE_OVER: SignedDuration = SignedDuration::from_secs(60);
const RATE_OVER_LEAST: SignedDuration = SignedDuration::from_secs(20);
/// Lines of the last seconds may still arrive late: they are not in a rate yet.
const SETTLING: SignedDuration = SignedDuration::from_secs(10);

/// The progress of one source.
#[derive(Debug, Clone)]
struct Followed {
    tail: Tail,
    /// The time of the last query.
    asked: Timestamp,
    reading: Reading<()>,
}

/// The state of the view: the lines read, within bounds, and the position of each source.
#[derive(Debug, Clone)]
pub struct Logs {
    /// The task whose log alone is read; `None`: all tasks.
    pub task: Option<OfTask>,
    /// The lines and their counts.
    pub book: LogBuffer,
    /// The side whose lines are shown; `None`: both.
    pub sides: Option<LogSide>,
    /// The time since which reading is held.
    pub held: Option<Timestamp>,
    /// The sources that are read, and the reasons for those that are not.
    pub sources: Sources,
    /// The marked line; `None`: the newest line is followed.
    pub(super) mark: Option<Key>,
    followed: BTreeMap<LogSource, Followed>,
    /// The time from which lines are read.
    since: Option<Timestamp>,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            task: None,
            book: LogBuffer::new(BOUNDS),
            sides: None,
            held: None,
            sources: Sources::default(),
            mark: None,
            followed: BTreeMap::new(),
            since: None,
        }
    }
}

/// The rates of a side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Lines a second.
    pub lines: f64,
    /// Error lines a minute.
    pub errors: f64,
}

impl Logs {
    /// Takes a page, or the failure to read it. `asked`: the time of the query.
    pub fn take(&mut self, asked: Timestamp, query: &LogQuery, answer: Result<LogPage, Fault>) {
        if !self.sources.read.contains(&query.source) {
            return;
        }
        let begin = || Followed { tail: Tail::begin(query.from), asked, reading: Reading::default() };
        let followed = match self.followed.get_mut(&query.source) {
            Some(followed) if followed.tail.waits_for(query) => followed,
            None if query.token.is_none() => self.followed.entry(query.source.clone()).or_insert_with(begin),
            // The page belongs to an earlier opening of the log.
            _ => return,
        };
        followed.asked = asked;
        self.since = Some(self.since.map_or(query.from, |since| since.min(query.from)));
        match answer {
            Ok(page) => {
                followed.reading = Reading::fresh(asked, ());
                let lines = followed.tail.take(asked, page);
                self.book.take(asked, lines);
            }
            // A token expires after a while.
            Err(fault) if fault.kind == FaultKind::Refused && followed.tail.restart() => {}
            Err(fault) => followed.reading.fault = Some((asked, fault)),
        }
    }

    /// Returns true if the log was not read for so long that its present lines are worth more than those in between.
    pub(crate) fn out_of_date(&self, now: Timestamp) -> bool {
        self.held.is_none() && self.reach().is_some_and(|reach| now.duration_since(reach) > OUT_OF_DATE)
    }

    /// Returns true if the newest line is followed.
    pub fn follows(&self) -> bool {
        self.mark.is_none()
    }

    /// The marked line: the newest shown line, or the shown line nearest to the mark.
    pub fn marked(&self, shown: Shown) -> Option<&RingBuffer> {
        let at = self.book.up_to(self.mark, shown).next();
        at.or_else(|| self.book.behind(self.mark?, shown).next())
    }

    /// The time from which lines are read; `None`: nothing was read yet.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The reading of each source, in the order of the sources; `None`: not queried yet.
    pub fn readings(&self) -> impl Iterator<Item = (&LogSource, Option<&Reading<()>>)> {
        let of = |source| (source, self.followed.get(source).map(|followed| &followed.reading));
        self.sources.read.iter().map(of)
    }

    /// The time up to which every source was read; `None`: a source was not read at all.
    pub fn reach(&self) -> Option<Timestamp> {
        let reach = |source| self.followed.get(source).and_then(|followed| followed.tail.reach());
        let each: Option<Vec<_>> = self.sources.read.iter().map(reach).collect();
        each?.into_iter().min()
    }

    /// Returns true if a source has more to be read.
    pub fn catching_up(&self) -> bool {
        let more = |source| self.followed.get(source).is_none_or(|followed| followed.tail.more());
        self.sources.read.iter().any(more)
    }

    /// The present rates of a side; `None`: its log is not read, or not for long enough.
    pub fn rate(&self, whose: LogSide) -> Option<Rate> {
        if !self.sources.sides.contains(&whose) {
            return None;
        }
        let to = counters::whole(self.reach()? - SETTLING);
        let from = (to - RATE_OVER).max(counters::whole(self.since?) + SignedDuration::from_secs(counters::SLOT));
        let over = to.duration_since(from);
        let counted = self.book.between(whose, from, to);
        let each = |count: u64| count as f64 / over.as_secs_f64();
        let rate = Rate { lines: each(counted.lines), errors: each(counted.errors) * 60.0 };
        (over >= RATE_OVER_LEAST).then_some(rate)
    }

    /// Approximate size of the state in bytes.
    pub fn bytes(&self) -> usize {
        let ids: usize = self.followed.values().map(|followed| followed.tail.bytes()).sum();
        self.book.bytes() + ids
    }

    /// The next page of a source if it is due, with the time of the last query.
    fn due(&self, source: &LogSource, now: Now) -> Option<(Option<Timestamp>, LogQuery)> {
        let Some(followed) = self.followed.get(source) else {
            let from = self.task.as_ref().map_or(now.at - BACK, |task| task.from);
            return Some((None, LogQuery { source: source.clone(), from, token: None }));
        };
        let due = followed.tail.more() || now.since(followed.asked) >= REST;
        due.then(|| (Some(followed.asked), followed.tail.next(source)))
    }
}

impl Logs {
    /// Creates the log of one task.
    pub(crate) fn of_task(task: &Task, now: Timestamp) -> Self {
        Self { task: Some(of_task(task, now)), ..Self::default() }
    }

    /// The filter of the lines.
    pub fn shown(&self, find: &Find) -> Shown {
        Shown { whose: self.sides, found: find.only && find.active() }
    }

    /// Updates the sources and the side of each log stream from the release, and continues the search.
    pub(crate) fn refresh(&mut self, observed: &Observed, release: &Release, find: &Find) {
        let snapshot = &observed.snapshot;
        self.sources = Sources::of(snapshot, release, &observed.place.region, self.task.as_ref());
        let mut whose = HashMap::new();
        for side in std::iter::once(&release.stable).chain(&release.canary) {
            for task in snapshot.tasks.get(&side.service).and_then(|reading| reading.get()).into_iter().flatten() {
                if let Some(of) = sources::whose(release, &side.service, &task.task_definition) {
                    whose.insert(task.id(), of);
                }
            }
        }
        self.book.tell(|task| whose.get(task).copied());
        self.book.search(find.text.value());
    }

    /// The full text of the marked line.
    pub(crate) fn copied(&self, find: &Find) -> Option<String> {
        let line = self.marked(self.shown(find))?;
        let cut = if line.cut > 0 { format!("… ({} bytes more)", line.cut) } else { String::new() };
        Some(format!("{}{cut}", line.text))
    }
}

/// Queries while the view is open: the pages that are due, those of the sources queried longest ago first.
pub(crate) fn wanted(observed: &Observed, logs: &Logs, release: &Release) -> Vec<Query> {
    if logs.held.is_some() {
        return Vec::new();
    }
    let mut due: Vec<_> = logs.sources.read.iter().filter_map(|source| logs.due(source, observed.now)).collect();
    due.sort_by_key(|(asked, _)| *asked);
    let pages = due.into_iter().map(|(_, query)| Query::Logs(query));
    // The sides' own revisions are queried anyway.
    let sides = || release.sides();
    let unread = sides().flat_map(|side| &side.leaving).chain(logs.task.as_ref().map(|task| &task.task_definition));
    let unread = unread.filter(|arn| observed.snapshot.task_definition(arn).is_none());
    let unread = unread.filter(|arn| sides().all(|side| side.task_definition != **arn));
    let unread: Vec<_> = unread.map(|arn| Query::TaskDefinitions(vec![arn.clone()])).collect();
    pages.chain(unread).collect()
}

/// The log of a task from its creation. For a task that ran longer, it begins [`BACK_FOR_TASK`] before the task's end,
/// or before now.
fn of_task(task: &Task, now: Timestamp) -> OfTask {
    let latest = task.stopped_at.unwrap_or(now) - BACK_FOR_TASK;
    let created = task.created_at.unwrap_or(latest);
    OfTask {
        id: task.id().to_owned(),
        task_definition: task.task_definition.clone(),
        from: created.max(latest),
        whole: task.created_at.is_some() && created >= latest,
    }
}

#[cfg(test)]
mod tests;
