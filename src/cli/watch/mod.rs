//! `watch`: follows a release to its end, prints a line for each change, and reports the end in the exit code.
//!
//! The first observation decides what is watched ([`target`]), and the decision stays: a service that is steady again,
//! on whatever revision, does not end a watch by itself.

mod deadlines;
mod event;
#[cfg(test)]
pub(crate) mod fake_service;
pub(crate) mod output;
pub(crate) mod poll;
pub(crate) mod state;
mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::args::Watch;
use super::deployments::pause;
use super::exit::{Exit, Failure, internal};
use super::format::span;
use super::lookup;
use super::observe::Observation;
use super::out::Out;
use super::session::Session;
use super::until::{Reached, Until};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::console::poll_schedule;
use crate::console::signals::{Ended as Left, Signals};
use crate::domain::ecs::names::ServiceKey;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::requirements::Scope;
use crate::domain::release::Release;
use crate::domain::settings::Settings;

use self::deadlines::{Deadlines, PauseNotice};
use self::event::WatchEvent;
use self::state::{WatchField, WatchState, line};
use self::target::{Decision, End, Ended, Target};

/// Interval between two polls while a release is under way, on AWS's clock.
const EVERY: SignedDuration = SignedDuration::from_secs(5);
/// Time that AWS may take to list a deployment that has begun.
const UNLISTED: SignedDuration = SignedDuration::from_secs(60);
/// Number of answers in a row without the deployment or service after which it counts as gone.
const GONE: u32 = 3;

/// Watches the release that `args` names until the release ends, the time is over, or a signal arrives. Returns the
/// exit code.
pub(super) async fn watch(out: &mut Out, session: &Session, args: &Watch) -> Result<u8, Failure> {
    let mut signals = Signals::listen().map_err(|error| internal("cannot listen for signals", error))?;
    let stop = signals.next();
    tokio::pin!(stop);
    let seen = tokio::select! {
        seen = session.observe(Scope::Release, Some(&args.service)) => seen?,
        left = &mut stop => return Ok(left.exit_code()),
    };
    let with = Context {
        cloud: &*session.reader,
        settings: &session.config.settings,
        clock: &*session.clock,
        timeout: args.timeout,
        until: args.until.as_ref(),
    };
    Watcher::new(out, with, seen, &args.service)?.follow(stop).await
}

/// The inputs of a watch.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// AWS.
    pub cloud: &'a dyn Cloud,
    /// The settings.
    pub settings: &'a Settings,
    /// The clock to read and to wait by.
    pub clock: &'a dyn Clock,
    /// Maximum duration, on AWS's clock.
    pub timeout: Option<SignedDuration>,
    /// The point at which the watch ends; `None`: the release's end.
    pub until: Option<&'a Until>,
}

/// A watch under way.
pub(super) struct Watcher<'a> {
    out: &'a mut Out,
    with: Context<'a>,
    seen: Observation,
    key: ServiceKey,
    target: Option<Target>,
    begun: Timestamp,
    said: WatchState,
    deadlines: Deadlines,
    /// Time at which all essential data was last read.
    read_at: Timestamp,
    metrics_at: Timestamp,
    failures: u32,
    not_there: u32,
    slowest: SignedDuration,
    /// True if a failure was printed and AWS has not answered since.
    silent: bool,
    /// True if the wait for AWS to list the deployment was printed.
    waiting: bool,
    /// True if the history was read once more, to find the superseding deployment.
    asked_again: bool,
    /// Operations whose failure was printed.
    remarked: BTreeSet<String>,
}

impl<'a> Watcher<'a> {
    /// Starts from a first observation.
    pub(super) fn new(out: &'a mut Out, with: Context<'a>, seen: Observation, name: &str) -> Result<Self, Failure> {
        let key = lookup::find(&seen.releases, name)?.stable.service.clone();
        let now = seen.now;
        out.remark_unread(&seen.faults);
        let remarked = seen.faults.iter().map(|fault| fault.operation.clone()).collect();
        Ok(Self {
            out,
            with,
            seen,
            key,
            target: None,
            begun: now,
            said: WatchState::default(),
            deadlines: Deadlines::default(),
            read_at: now,
            metrics_at: now,
            failures: 0,
            not_there: 0,
            slowest: poll_schedule::SLOWEST,
            silent: false,
            waiting: false,
            asked_again: false,
            remarked,
        })
    }

    /// Polls and prints until the watch ends. Returns the exit code; `stop` ends the watch from outside.
    pub(super) async fn follow(mut self, mut stop: impl Future<Output = Left> + Unpin) -> Result<u8, Failure> {
        let mut failed = self.unread();
        loop {
            if let Some(ended) = self.take_in(failed.as_ref())? {
                self.tell("ended", &ended.text.clone(), WatchEvent { ended: Some(&ended), ..WatchEvent::default() })?;
                return Ok(ended.end.exit().code());
            }
            if failed.is_none()
                && let Some(exit) = self.reached()?
            {
                return Ok(exit.code());
            }
            if self.out.gone() {
                return Ok(Exit::Unknown.code());
            }
            let left = self.left();
            if left.is_some_and(|left| left <= SignedDuration::ZERO) {
                return self.time_is_over();
            }
            let pace = left.map_or(self.pace(), |left| self.pace().min(self.with.clock.operator_time(left)));
            failed = tokio::select! {
                failed = async { self.with.clock.sleep(pace).await; self.poll().await } => failed,
                left = &mut stop => {
                    let text = "no longer watched; the release goes on at AWS";
                    self.tell("interrupted", text, WatchEvent { exit: Some(left.exit_code()), ..WatchEvent::default() })?;
                    return Ok(left.exit_code());
                }
            };
        }
    }

    /// Prints that the awaited point is reached, or that further waiting is pointless.
    fn reached(&mut self) -> Result<Option<Exit>, Failure> {
        let Some(until) = self.with.until.filter(|_| self.target.is_some()) else { return Ok(None) };
        let Some(reached) = until.reached(self.release()?) else { return Ok(None) };
        let (exit, text) = match reached {
            Reached::Yes(text) => (Exit::Done, format!("reached: {text}")),
            Reached::Failed(text) => (Exit::Failed, format!("not reached: {text}")),
        };
        self.tell("reached", &text, WatchEvent { exit: Some(exit.code()), ..WatchEvent::default() })?;
        Ok(Some(exit))
    }

    /// Returns a failure that the first observation could do without and a watch cannot.
    fn unread(&self) -> Option<Fault> {
        let reading = self.seen.snapshot.deployments.get(&self.key)?;
        let needed = self.release().is_ok_and(|release| target::pair(release).is_none());
        reading.failing().filter(|fault| needed && !target::kept_nowhere(fault)).cloned()
    }

    fn release(&self) -> Result<&Release, Failure> {
        let ours = |release: &&Release| release.sides().any(|side| side.service == self.key);
        self.seen.releases.iter().find(ours).ok_or_else(|| {
            let what = format!("{} is no longer there", self.key);
            Failure::new(Exit::Aws, what, "`tidegate status` shows what is.")
        })
    }

    /// Prints the changes after a poll. `Some`: the watch is over.
    fn take_in(&mut self, failed: Option<&Fault>) -> Result<Option<Ended>, Failure> {
        self.seen.now = self.with.clock.now();
        if let Some(fault) = failed {
            self.answerless(fault)?;
            self.pauses()?;
            return Ok(None);
        }
        self.read_at = self.seen.now;
        (self.failures, self.slowest) = (0, poll_schedule::SLOWEST);
        if std::mem::take(&mut self.silent) {
            self.tell("answering", "AWS answers again", WatchEvent::default())?;
        }
        if self.target.is_none() {
            let patient = self.seen.now.duration_since(self.begun) < UNLISTED;
            match target::decide(self.release()?, &self.seen.snapshot, patient)? {
                Decision::Over(ended) => return Ok(Some(ended)),
                Decision::Inconclusive => {
                    if !std::mem::replace(&mut self.waiting, true) {
                        self.tell("waiting", "a rollout has begun that AWS does not list yet", WatchEvent::default())?;
                    }
                    return Ok(None);
                }
                Decision::Watch(target) => {
                    self.target = Some(target);
                    let scene = self.scene()?;
                    let text = format!("{} {}: {}", self.release()?.name, self.subject(), line(scene.parts()));
                    self.said = scene;
                    self.tell(
                        "watching",
                        &text,
                        WatchEvent { changes: self.said.parts().to_vec(), ..WatchEvent::default() },
                    )?;
                }
            }
        }
        let scene = self.scene()?;
        let changes = scene.news(&self.said);
        if !changes.is_empty() {
            let text = line(&changes);
            self.said = scene;
            self.tell("changed", &text, WatchEvent { changes, ..WatchEvent::default() })?;
        }
        self.pauses()?;
        let Some(target) = &self.target else { return Ok(None) };
        let ended = target.ended(self.release()?, &self.seen.snapshot);
        if ended.is_none() && target.needs_deployments() && target.deployment(&self.seen.snapshot).is_none() {
            self.not_there = self.not_there.saturating_add(1);
            let text = "AWS no longer lists the deployment that was watched: how it ended is not known".to_owned();
            let lost = Ended { end: End::Unknown, text, reason: None, superseded_by: None };
            return Ok((self.not_there >= GONE).then_some(lost));
        }
        self.not_there = 0;
        // The list may predate the superseding deployment: the history is read once more.
        let alone = ended.as_ref().is_some_and(|ended| ended.end == End::Stopped && ended.superseded_by.is_none());
        if alone && target.needs_deployments() && !std::mem::replace(&mut self.asked_again, true) {
            return Ok(None);
        }
        Ok(ended)
    }

    fn scene(&self) -> Result<WatchState, Failure> {
        Ok(WatchState::of(self.release()?, self.target.as_ref(), &self.seen.snapshot, &self.said))
    }

    /// Returns the watched deployment, rollout or release in words.
    fn subject(&self) -> String {
        match &self.target {
            Some(Target::Deployment { arn, .. }) => {
                let deployment = self.target.as_ref().and_then(|target| target.deployment(&self.seen.snapshot));
                let strategy = deployment.map(|deployment| deployment.configuration.describe());
                format!("deployment {} ({})", arn.name(), strategy.unwrap_or_default())
            }
            Some(Target::Rollout { revision, .. }) => {
                format!("the rollout of {}, by what ECS says of it: no history can be read here", revision.tag())
            }
            Some(Target::Pair { revision, .. }) => format!("the release of {}", revision.tag()),
            None => String::new(),
        }
    }

    /// Prints once that AWS does not answer.
    fn answerless(&mut self, fault: &Fault) -> Result<(), Failure> {
        self.failures = self.failures.saturating_add(1);
        self.slowest = poll_schedule::slowest(fault.kind);
        if fault.kind == FaultKind::NotFound {
            self.not_there = self.not_there.saturating_add(1);
            if self.not_there >= GONE {
                return Err(fault.clone().into());
            }
        }
        if !std::mem::replace(&mut self.silent, true) {
            let age = span(self.seen.now.duration_since(self.read_at));
            let text = format!("no answer: {}; what is known is {age} old. {}", fault.headline(), fault.advice);
            self.tell("silent", &text, WatchEvent { fault: Some(fault), ..WatchEvent::default() })?;
        }
        Ok(())
    }

    /// Prints each pause once, and again when its time is nearly over.
    fn pauses(&mut self) -> Result<(), Failure> {
        let pauses = self.release()?.pauses.clone();
        let (name, stage) =
            (self.release()?.name.clone(), self.release()?.stage.as_ref().map(ToString::to_string).unwrap_or_default());
        for (due, waits) in self.deadlines.due(&pauses, self.seen.now) {
            let how = pause(waits, self.seen.now);
            let (event, text) = match due {
                PauseNotice::New => (
                    "pause",
                    format!(
                        "PAUSED at {stage}: {how}; `tidegate step {name}` goes on, `tidegate rollback {name}` goes back"
                    ),
                ),
                PauseNotice::Near => ("deadline", format!("STILL PAUSED at {stage}: {how}")),
            };
            self.tell(event, &text, WatchEvent { pause: Some(waits), ..WatchEvent::default() })?;
        }
        Ok(())
    }

    fn time_is_over(mut self) -> Result<u8, Failure> {
        let timeout = self.with.timeout.map(span).unwrap_or_default();
        let parts: Vec<WatchField> = self.said.parts().to_vec();
        let text = format!("not over after {timeout}, how it ends is not known: {}", line(&parts));
        self.tell("timeout", &text, WatchEvent { exit: Some(Exit::Unknown.code()), ..WatchEvent::default() })?;
        Ok(Exit::Unknown.code())
    }

    /// Returns the time that is left, on AWS's clock.
    fn left(&self) -> Option<SignedDuration> {
        Some(self.with.timeout?.saturating_sub(self.with.clock.now().duration_since(self.begun)))
    }

    /// Returns the operator's time until the next poll.
    fn pace(&self) -> Duration {
        let backed_off = EVERY.saturating_mul(1 << self.failures.min(5)).min(self.slowest.max(EVERY));
        self.with.clock.operator_time(backed_off).max(poll_schedule::FLOOR.unsigned_abs())
    }
}
