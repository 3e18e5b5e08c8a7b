//! The lines that a container writes, second by second.

use super::source::{LogSource, RETENTION};
use crate::sim::world::clock::{Ms, SECOND};
use crate::sim::world::ecs::task::Task;
use crate::sim::world::elb::target_group::GroupId;
use crate::sim::world::hash::{fraction, mix};
use crate::sim::world::task_definitions::catalog::DefinitionId;
use crate::sim::world::task_definitions::definition::{LogConfig, TaskDefinition};
use crate::sim::world::task_definitions::log_templates::LogTemplate;
use crate::sim::world::traffic::request_log::TaskLoad;

/// The interval of progress lines during start-up.
const PROGRESS_INTERVAL: Ms = 5 * SECOND;
/// The longest time until a line can be read.
const MAX_DELAY: u64 = 3000;

/// The log stream of a task's container.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    pub(crate) name: String,
    /// All lines are at or after this.
    pub(crate) from: Ms,
    /// All lines are before this.
    pub(crate) until: Ms,
    pub(super) definition: &'a TaskDefinition,
    definition_id: DefinitionId,
    /// An index into the definition's containers.
    container: usize,
    pub(super) seed: u64,
    /// Lines at fixed times, in order of time.
    fixed: Vec<(Ms, LineKind)>,
    /// The source of the task's requests.
    requests: Option<RequestSource>,
    /// Lines per second besides those of requests.
    chatter: f64,
    /// Time of the first failing health check, and the interval of the checks in seconds.
    failing_health: Option<(Ms, i64)>,
}

/// The target group that sends requests to a task, and the time range in which it does.
#[derive(Debug, Clone, Copy)]
struct RequestSource {
    group: GroupId,
    since: Ms,
    until: Ms,
}

/// The subject of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum LineKind {
    /// A start-up template and its progress.
    Start {
        template: usize,
        percent: u8,
    },
    /// A line of a crash template.
    Crash {
        template: usize,
        line: usize,
    },
    Sigterm,
    Request {
        failed: bool,
    },
    /// A failed health check.
    HealthCheckFailed,
    Chatter,
}

/// A line without its text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) at: Ms,
    /// Time from which the line can be read.
    pub(super) ingested: Ms,
    /// An index into the streams.
    pub(super) stream: usize,
    pub(super) kind: LineKind,
    /// Decides all random parts of the text.
    pub(super) hash: u64,
}

impl<'a> Stream<'a> {
    /// The stream of a container. `None` if it has not written anything within the retention.
    pub(super) fn new(source: &LogSource<'a>, task: &Task, container: usize, logs: &LogConfig) -> Option<Self> {
        let definition = source.catalog.get(task.definition);
        let own = definition.containers.get(container)?;
        let started = task.times.started?;
        let moments = task.log_moments();
        let until = moments.end.unwrap_or(Ms::MAX).min(source.tick);
        let oldest = source.tick - RETENTION;
        let mut stream = Self {
            name: logs.stream(&own.name, &task.id),
            from: started.max(oldest),
            until,
            definition,
            definition_id: task.definition,
            container,
            seed: mix(u64::from_str_radix(task.id.get(..16)?, 16).ok()? ^ container as u64),
            fixed: Vec::new(),
            requests: None,
            chatter: 1.0 / 30.0,
            failing_health: None,
        };
        if stream.from >= until {
            return None;
        }
        if definition.main_container().is_some_and(|main| main.name == own.name) {
            stream.make_main(source, task, started);
        }
        Some(stream)
    }

    /// Adds the lines that only the main container writes: start-up, crashes, requests and health checks.
    fn make_main(&mut self, source: &LogSource<'a>, task: &Task, started: Ms) {
        let moments = task.log_moments();
        let per_second = self.definition.log_templates.per_second;
        self.chatter = per_second.unwrap_or(if task.group.is_some() { 0.0 } else { 0.3 });
        self.requests = task.group.zip(task.in_service).map(|(group, since)| RequestSource {
            group,
            since,
            until: task.out_of_service.unwrap_or(Ms::MAX),
        });
        self.add_start_up(started, moments.ready);
        if let Some(at) = moments.crash {
            self.add_crash(at);
        }
        if let Some(at) = moments.sigterm {
            self.fixed.push((at, LineKind::Sigterm));
        }
        let range = self.from..self.until;
        self.fixed.retain(|(at, _)| range.contains(at));
        self.fixed.sort_by_key(|(at, _)| *at);
        let group = task.group.and_then(|g| source.load_balancer.group(g));
        let interval = group.map(|g| i64::from(g.interval_seconds.max(1)));
        let unhealthy = self.definition.behaviour.unhealthy;
        self.failing_health = interval.filter(|_| unhealthy).map(|interval| (moments.ready, interval));
    }

    fn add_start_up(&mut self, started: Ms, ready: Ms) {
        let templates = &self.definition.log_templates.start;
        let duration = (ready - started).max(1);
        let is_progress = |template: &LogTemplate| template.text.contains("{percent}");
        let parts = templates.iter().filter(|t| !is_progress(t)).count().max(2) as Ms - 1;
        let mut part = 0;
        for (index, template) in templates.iter().enumerate() {
            if is_progress(template) {
                let mut at = started + PROGRESS_INTERVAL;
                while at < ready {
                    let percent = u8::try_from((at - started) * 100 / duration).unwrap_or(100);
                    self.fixed.push((at, LineKind::Start { template: index, percent }));
                    at += PROGRESS_INTERVAL;
                }
            } else {
                let at = started + (duration * part / parts).max(40);
                part += 1;
                self.fixed.push((at, LineKind::Start { template: index, percent: 100 }));
            }
        }
    }

    /// Adds the crash templates one after the other, so that the last one is right before the crash.
    fn add_crash(&mut self, crash: Ms) {
        let templates = &self.definition.log_templates;
        let mut at = crash - 3;
        for (index, template) in templates.crash.iter().enumerate().rev() {
            for line in 0..template.events(templates.format) {
                self.fixed.push((at, LineKind::Crash { template: index, line }));
            }
            at -= 300 + (mix(self.seed ^ index as u64) % 300) as Ms;
        }
    }

    /// Adds the lines of a second, counted from the epoch. `index` is the stream's own index.
    fn write(&self, source: &LogSource<'_>, index: usize, second: i64, out: &mut Vec<Line>) {
        let (begin, end) = (second * SECOND, (second + 1) * SECOND);
        if end <= self.from || begin >= self.until {
            return;
        }
        let seed = mix(self.seed ^ (second as u64).wrapping_mul(0x9E37_79B9));
        // The log driver sends all lines of a second together.
        let delay = (mix(seed) % (MAX_DELAY + 1)) as Ms;
        let line =
            |at: Ms, kind, hash: u64| Line { at, ingested: at + delay, stream: index, kind, hash: mix(seed ^ hash) };
        let fixed = self.fixed.partition_point(|(at, _)| *at < begin)..self.fixed.partition_point(|(at, _)| *at < end);
        for (n, (at, kind)) in self.fixed.get(fixed).unwrap_or_default().iter().enumerate() {
            out.push(line(*at, *kind, n as u64));
        }
        let mut add_random = |n: u64, salt: u64, kind: &dyn Fn(u64) -> LineKind| {
            for n in 0..n {
                let drawn = line(begin, LineKind::Chatter, salt.wrapping_add(n));
                let at = begin + (drawn.hash >> 20) as Ms % SECOND;
                if (self.from..self.until).contains(&at) {
                    let kind = kind(drawn.hash);
                    out.push(Line { at, ingested: at + delay, kind, ..drawn });
                }
            }
        };
        let whole = |mean: f64, salt: u64| (mean + fraction(mix(seed ^ salt))) as u64;
        if let Some(RequestSource { group, since, until }) = self.requests
            && begin >= since
            && end <= until
        {
            let TaskLoad { requests, errors } = source.requests.load(group, self.definition_id, second);
            let failed = |hash: u64| LineKind::Request { failed: fraction(hash.rotate_left(17)) < errors };
            add_random(whole(requests, 1), 1 << 32, &failed);
        }
        add_random(whole(self.chatter, 2), 2 << 32, &|_| LineKind::Chatter);
        if let Some((since, interval)) = self.failing_health
            && begin >= since
            && (second + (self.seed % 60) as i64) % interval == 0
        {
            add_random(1, 3 << 32, &|_| LineKind::HealthCheckFailed);
        }
    }

    pub(super) fn image(&self) -> &str {
        self.definition.containers.get(self.container).map_or("", |c| c.image.as_str())
    }

    pub(super) fn container(&self) -> &str {
        self.definition.containers.get(self.container).map_or("", |c| c.name.as_str())
    }

    /// The times of the first and the last line that can be read now. The search for each ends after an hour.
    pub(crate) fn span(&self, source: &LogSource<'_>) -> Option<(Ms, Ms)> {
        let hour = 3600;
        let (first, last) = (self.from.div_euclid(SECOND), (self.until - 1).div_euclid(SECOND));
        let at = |second: i64, newest: bool| {
            let mut lines = Vec::new();
            self.write(source, 0, second, &mut lines);
            let times = lines.iter().filter(|l| l.ingested <= source.now).map(|l| l.at);
            if newest { times.max() } else { times.min() }
        };
        let oldest = (first..=last.min(first + hour)).find_map(|second| at(second, false))?;
        let newest = (first.max(last - hour)..=last).rev().find_map(|second| at(second, true))?;
        Some((oldest, newest))
    }
}

/// The lines of all streams in a second, in order of time.
pub(super) fn lines_of_second(source: &LogSource<'_>, streams: &[Stream<'_>], second: i64) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, stream) in streams.iter().enumerate() {
        stream.write(source, index, second, &mut lines);
    }
    // The sort is stable: lines of a stream in the same millisecond keep their order.
    lines.sort_by_key(|line| (line.at, line.stream));
    lines
}
