//! What is written when: the lines of a container, second by second.

use super::RETENTION;
use super::voice::Saying;
use crate::sim::world::World;
use crate::sim::world::balancer::GroupId;
use crate::sim::world::catalog::DefId;
use crate::sim::world::clock::{Ms, SECOND};
use crate::sim::world::definition::{LogStreams, TaskDef};
use crate::sim::world::ids::mix;
use crate::sim::world::served::Load;
use crate::sim::world::task::Task;

/// How often a line that tells how far the start-up is comes again.
const PROGRESS: Ms = 5 * SECOND;
/// The longest that a line takes until it can be read.
const DELAY: u64 = 3000;

/// What one container of a task has written.
#[derive(Debug)]
pub(in crate::sim::world) struct Stream<'a> {
    pub name: String,
    /// The first line is not before, the last one before that.
    pub from: Ms,
    pub until: Ms,
    pub(super) def: &'a TaskDef,
    id: DefId,
    /// An index into the definition's containers.
    container: usize,
    pub(super) seed: u64,
    /// What is written once, in order of time.
    marks: Vec<(Ms, Kind)>,
    /// Where its requests come from, and between when.
    served: Option<(GroupId, Ms, Ms)>,
    /// Lines a second besides those about requests.
    chatter: f64,
    /// Since when health checks fail, and every how many seconds there is one.
    unwell: Option<(Ms, i64)>,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// A line of the start-up; how far it is, percent.
    Start { saying: usize, percent: u8 },
    /// A line of what comes before a crash.
    Crash { saying: usize, line: usize },
    /// It was told to end.
    Told,
    /// A request.
    Request { failed: bool },
    /// A health check that does not pass.
    Unwell,
    /// Anything else.
    Chatter,
}

/// A line, not yet put into words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub at: Ms,
    /// When it can be read.
    pub ingested: Ms,
    /// An index into the streams.
    pub stream: usize,
    pub kind: Kind,
    /// What is random about it.
    pub hash: u64,
}

impl<'a> Stream<'a> {
    /// What a container of a task has written by now, unless that was longer ago than logs are kept.
    pub fn new(world: &World, task: &'a Task, def: &'a TaskDef, container: usize, logs: &LogStreams) -> Option<Self> {
        let own = def.containers.get(container)?;
        let main = def.main().is_some_and(|main| main.name == own.name);
        let started = task.started?;
        let moments = task.moments();
        let until = moments.end.unwrap_or(Ms::MAX).min(world.tick);
        let oldest = world.tick - RETENTION;
        let seed = mix(u64::from_str_radix(task.id.get(..16)?, 16).ok()? ^ container as u64);
        let mut stream = Self {
            name: logs.stream(&own.name, &task.id),
            from: started.max(oldest),
            until,
            def,
            id: task.def,
            container,
            seed,
            marks: Vec::new(),
            served: None,
            chatter: 1.0 / 30.0,
            unwell: None,
        };
        if stream.from >= until {
            return None;
        }
        if !main {
            return Some(stream);
        }
        stream.chatter = def.voice.per_second.unwrap_or(if task.group.is_some() { 0.0 } else { 0.3 });
        stream.served = task
            .group
            .zip(task.in_service)
            .map(|(group, since)| (group, since, task.out_of_service.unwrap_or(Ms::MAX)));
        stream.start_up(started, moments.ready);
        if let Some(at) = moments.crash {
            stream.crash(at);
        }
        if let Some(at) = moments.told {
            stream.marks.push((at, Kind::Told));
        }
        stream.marks.retain(|(at, _)| (stream.from..until).contains(at));
        stream.marks.sort_by_key(|(at, _)| *at);
        let interval = task.group.and_then(|g| world.balancer.group(g)).map(|g| i64::from(g.interval_seconds.max(1)));
        stream.unwell = interval.filter(|_| def.behaviour.unhealthy).map(|interval| (moments.ready, interval));
        Some(stream)
    }

    fn start_up(&mut self, started: Ms, ready: Ms) {
        let words = &self.def.voice.start;
        let whole = (ready - started).max(1);
        let repeated = |saying: &Saying| saying.text.contains("{percent}");
        let parts = words.iter().filter(|s| !repeated(s)).count().max(2) as Ms - 1;
        let mut part = 0;
        for (index, saying) in words.iter().enumerate() {
            if repeated(saying) {
                let mut at = started + PROGRESS;
                while at < ready {
                    let percent = u8::try_from((at - started) * 100 / whole).unwrap_or(100);
                    self.marks.push((at, Kind::Start { saying: index, percent }));
                    at += PROGRESS;
                }
            } else {
                let at = started + (whole * part / parts).max(40);
                part += 1;
                self.marks.push((at, Kind::Start { saying: index, percent: 100 }));
            }
        }
    }

    /// The last words come one after the other, the last of them right before the end.
    fn crash(&mut self, at: Ms) {
        let voice = &self.def.voice;
        let mut at = at - 3;
        for (index, saying) in voice.crash.iter().enumerate().rev() {
            for line in 0..saying.events(voice.format) {
                self.marks.push((at, Kind::Crash { saying: index, line }));
            }
            at -= 300 + (mix(self.seed ^ index as u64) % 300) as Ms;
        }
    }

    /// Its lines of a second, counted from the epoch.
    fn write(&self, world: &World, index: usize, second: i64, out: &mut Vec<Line>) {
        let (begin, end) = (second * SECOND, (second + 1) * SECOND);
        if end <= self.from || begin >= self.until {
            return;
        }
        let seed = mix(self.seed ^ (second as u64).wrapping_mul(0x9E37_79B9));
        // What a driver has collected it sends at once.
        let delay = (mix(seed) % (DELAY + 1)) as Ms;
        let line =
            |at: Ms, kind, hash: u64| Line { at, ingested: at + delay, stream: index, kind, hash: mix(seed ^ hash) };
        let marks = self.marks.partition_point(|(at, _)| *at < begin)..self.marks.partition_point(|(at, _)| *at < end);
        for (n, (at, kind)) in self.marks.get(marks).unwrap_or_default().iter().enumerate() {
            out.push(line(*at, *kind, n as u64));
        }
        let mut anywhere = |n: u64, salt: u64, kind: &dyn Fn(u64) -> Kind| {
            for n in 0..n {
                let drawn = line(begin, Kind::Chatter, salt.wrapping_add(n));
                let at = begin + (drawn.hash >> 20) as Ms % SECOND;
                if (self.from..self.until).contains(&at) {
                    let kind = kind(drawn.hash);
                    out.push(Line { at, ingested: at + delay, kind, ..drawn });
                }
            }
        };
        let whole = |mean: f64, salt: u64| (mean + fraction(mix(seed ^ salt))) as u64;
        if let Some((group, since, until)) = self.served
            && begin >= since
            && end <= until
        {
            let Load { requests, errors } = world.traffic.served.load(group, self.id, second);
            let failed = |hash: u64| Kind::Request { failed: fraction(hash.rotate_left(17)) < errors };
            anywhere(whole(requests, 1), 1 << 32, &failed);
        }
        anywhere(whole(self.chatter, 2), 2 << 32, &|_| Kind::Chatter);
        if let Some((since, interval)) = self.unwell
            && begin >= since
            && (second + (self.seed % 60) as i64) % interval == 0
        {
            anywhere(1, 3 << 32, &|_| Kind::Unwell);
        }
    }

    /// What its task is called and is made of.
    pub(super) fn image(&self) -> &str {
        self.def.containers.get(self.container).map_or("", |c| c.image.as_str())
    }

    /// The container's name.
    pub(super) fn container(&self) -> &str {
        self.def.containers.get(self.container).map_or("", |c| c.name.as_str())
    }

    /// The times of its first and its last line that can be read by `now`, looking at most an hour back for the last.
    pub fn span(&self, world: &World, now: Ms) -> Option<(Ms, Ms)> {
        let hour = 3600;
        let (first, last) = (self.from.div_euclid(SECOND), (self.until - 1).div_euclid(SECOND));
        let at = |second: i64, newest: bool| {
            let mut lines = Vec::new();
            self.write(world, 0, second, &mut lines);
            let times = lines.iter().filter(|l| l.ingested <= now).map(|l| l.at);
            if newest { times.max() } else { times.min() }
        };
        let oldest = (first..=last.min(first + hour)).find_map(|second| at(second, false))?;
        let newest = (first.max(last - hour)..=last).rev().find_map(|second| at(second, true))?;
        Some((oldest, newest))
    }
}

/// The lines of a second in order of time, those of all streams together.
pub(super) fn second(world: &World, streams: &[Stream<'_>], second: i64) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, stream) in streams.iter().enumerate() {
        stream.write(world, index, second, &mut lines);
    }
    // What a stream wrote in the same millisecond stays in its order.
    lines.sort_by_key(|line| (line.at, line.stream));
    lines
}

/// A number out of 0–1.
pub(super) fn fraction(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}
