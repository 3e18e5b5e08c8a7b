//! What the containers of a release write, followed.

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

/// What is kept of the lines, whatever is written.
pub const BOUNDS: Bounds = Bounds { bytes: 24 << 20, lines: 200_000 };

/// How far back a log begins when it is opened.
const BACK: SignedDuration = SignedDuration::from_mins(3);
/// The same of the log of one task, at the most: it begins with the task, unless that has run for longer.
const BACK_FOR_TASK: SignedDuration = SignedDuration::from_mins(30);
/// Whoever comes back to a log after so long begins it anew.
const OUT_OF_DATE: SignedDuration = SignedDuration::from_mins(10);
/// Rates are of a minute, and known once there is a third of one.
const RATE_OVER: SignedDuration = SignedDuration::from_secs(60);
const RATE_OVER_LEAST: SignedDuration = SignedDuration::from_secs(20);
/// Lines of the last seconds may still come in: they are in no rate yet.
const SETTLING: SignedDuration = SignedDuration::from_secs(10);

/// How one source stands.
#[derive(Debug, Clone)]
struct Followed {
    tail: Tail,
    /// When it was last asked for.
    asked: Timestamp,
    reading: Reading<()>,
}

/// The view's own state: what was read, bounded, and where reading goes on.
#[derive(Debug, Clone)]
pub struct Logs {
    /// The one task whose log this is; `None`: of all tasks.
    pub task: Option<OfTask>,
    /// The lines and their counts.
    pub book: LogBuffer,
    /// Which sides' lines are shown; `None`: both.
    pub sides: Option<LogSide>,
    /// Since when nothing is asked for any more.
    pub held: Option<Timestamp>,
    /// What there is to read, and what not.
    pub sources: Sources,
    /// The marked line; `None`: the newest, which is followed.
    pub(super) mark: Option<Key>,
    followed: BTreeMap<LogSource, Followed>,
    /// From when on lines are read.
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

/// How fast a side writes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Lines a second.
    pub lines: f64,
    /// Error lines a minute.
    pub errors: f64,
}

impl Logs {
    /// Takes in a page, or why there is none. `asked`: when it was asked for.
    pub fn take(&mut self, asked: Timestamp, query: &LogQuery, answer: Result<LogPage, Fault>) {
        if !self.sources.read.contains(&query.source) {
            return;
        }
        let begin = || Followed { tail: Tail::begin(query.from), asked, reading: Reading::default() };
        let followed = match self.followed.get_mut(&query.source) {
            Some(followed) if followed.tail.waits_for(query) => followed,
            None if query.token.is_none() => self.followed.entry(query.source.clone()).or_insert_with(begin),
            // Of an earlier opening of the log.
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
            // A token is good for a while only.
            Err(fault) if fault.kind == FaultKind::Refused && followed.tail.restart() => {}
            Err(fault) => followed.reading.fault = Some((asked, fault)),
        }
    }

    /// Whether it was not read for so long that what is now is worth more than what was in between.
    pub(crate) fn out_of_date(&self, now: Timestamp) -> bool {
        self.held.is_none() && self.reach().is_some_and(|reach| now.duration_since(reach) > OUT_OF_DATE)
    }

    /// Whether the newest line is followed.
    pub fn follows(&self) -> bool {
        self.mark.is_none()
    }

    /// The marked line: the newest that is shown, or the nearest to where the mark was set.
    pub fn marked(&self, shown: Shown) -> Option<&RingBuffer> {
        let at = self.book.up_to(self.mark, shown).next();
        at.or_else(|| self.book.behind(self.mark?, shown).next())
    }

    /// From when on lines are read; `None`: none were yet.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// How each source's last reading went, in the order of the sources; `None`: it was not asked for yet.
    pub fn readings(&self) -> impl Iterator<Item = (&LogSource, Option<&Reading<()>>)> {
        let of = |source| (source, self.followed.get(source).map(|followed| &followed.reading));
        self.sources.read.iter().map(of)
    }

    /// Up to when every source is read; `None`: one is not at all.
    pub fn reach(&self) -> Option<Timestamp> {
        let reach = |source| self.followed.get(source).and_then(|followed| followed.tail.reach());
        let each: Option<Vec<_>> = self.sources.read.iter().map(reach).collect();
        each?.into_iter().min()
    }

    /// Whether there is more to be read than was yet.
    pub fn catching_up(&self) -> bool {
        let more = |source| self.followed.get(source).is_none_or(|followed| followed.tail.more());
        self.sources.read.iter().any(more)
    }

    /// How fast a side writes now; `None`: its log is not read, or not for long enough.
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

    /// Bytes that it all takes, about.
    pub fn bytes(&self) -> usize {
        let ids: usize = self.followed.values().map(|followed| followed.tail.bytes()).sum();
        self.book.bytes() + ids
    }

    /// The page of a source that is due, and when the source was last asked for.
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
    /// The log of one task.
    pub(crate) fn of_task(task: &Task, now: Timestamp) -> Self {
        Self { task: Some(of_task(task, now)), ..Self::default() }
    }

    /// Which lines are shown.
    pub fn shown(&self, find: &Find) -> Shown {
        Shown { whose: self.sides, found: find.only && find.active() }
    }

    /// Follows what is known of the release: which logs there are to read, and whose their streams are.
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

    /// The marked line, in full.
    pub(crate) fn copied(&self, find: &Find) -> Option<String> {
        let line = self.marked(self.shown(find))?;
        let cut = if line.cut > 0 { format!("… ({} bytes more)", line.cut) } else { String::new() };
        Some(format!("{}{cut}", line.text))
    }
}

/// What is asked of AWS while it is open: the pages that are due, that of the source first which was not asked for
/// longest.
pub(crate) fn wanted(observed: &Observed, logs: &Logs, release: &Release) -> Vec<Query> {
    if logs.held.is_some() {
        return Vec::new();
    }
    let mut due: Vec<_> = logs.sources.read.iter().filter_map(|source| logs.due(source, observed.now)).collect();
    due.sort_by_key(|(asked, _)| *asked);
    let pages = due.into_iter().map(|(_, query)| Query::Logs(query));
    // What the sides go for is asked for anyway.
    let sides = || release.sides();
    let unread = sides().flat_map(|side| &side.leaving).chain(logs.task.as_ref().map(|task| &task.task_definition));
    let unread = unread.filter(|arn| observed.snapshot.task_definition(arn).is_none());
    let unread = unread.filter(|arn| sides().all(|side| side.task_definition != **arn));
    let unread: Vec<_> = unread.map(|arn| Query::TaskDefinitions(vec![arn.clone()])).collect();
    pages.chain(unread).collect()
}

/// A task's log from its creation; where it ran for long, from some time before its end, or before now.
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
