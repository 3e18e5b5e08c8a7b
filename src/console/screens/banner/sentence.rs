//! The facts of a release, and the sentence that says them: in plain numbers, the weightiest first.

use jiff::SignedDuration;

use super::state::{State, healthy_for, rolled_back_for};
use crate::console::screens::release::verdict::{of_stable, preliminary};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::{age, format, operation};
use crate::console::wording::KEYS;
use crate::domain::analysis::{ReasonCode, Verdict};
use crate::domain::health::rollout_health::RolloutHealth;
use crate::domain::health::stop_reason::Cause;
use crate::domain::release::condition::FailureReason;
use crate::domain::release::lifecycle;
use crate::domain::release::lifecycle::{Deadline, NextAction, Then};
use crate::domain::release::share::Percent;
use crate::domain::release::{Release, Side};

/// One fact about a release.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    /// Error rates, percent: of the judged side, and of stable beside it.
    Errors(f64, Option<f64>),
    /// Response times, milliseconds: of the judged side, and of stable beside it.
    Latency(f64, Option<f64>),
    /// Too few requests or minutes for a verdict.
    TooEarly {
        /// The requests of the settled minutes, and how many of them failed.
        requests: f64,
        errors: f64,
        /// The minutes until there may be a verdict.
        minutes: Option<u32>,
    },
    /// Numbers of minutes that may still change: error rate in percent, requests, and whether the rate is alarming.
    Preliminary(f64, f64, bool),
    /// The time until a PASS is possible, where only time is missing.
    PassIn(SignedDuration),
    /// ECS waits for an answer.
    Pause(Deadline),
    /// The operation of this console: its present step, counted from 1, and the number of steps.
    Step(usize, usize),
    /// ECS shifts traffic to this share.
    Shifts(Percent),
    /// Tasks of the new revision that run, of those that are wanted.
    Tasks { tag: String, running: u32, desired: u32 },
    /// Users that are still on the revision that is rolled back: their share, and the revision.
    StillOn(Percent, String),
    /// Users are back on this version, since so long.
    BackSince(String, SignedDuration),
    /// The version has run for so long.
    Healthy(String, SignedDuration),
    /// A sentence of the domain: a condition, a reason, an ailment; and a short form.
    Said(String, String),
}

/// The facts of a release in a state, the weightiest first.
pub(super) fn facts(scene: &Canvas<'_>, release: &Release, state: State) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(bad) = release.known_against_newest().filter(|_| state != State::Fail) {
        let tag = bad.task_definition.tag();
        facts.push(Fact::Said(format!("known bad: {tag} {bad}"), "known bad".to_owned()));
    }
    let verdict = &release.verdict;
    match state {
        State::Fail => {
            facts.extend(failing(verdict));
            facts.extend(pause(scene, release));
        }
        State::Failed => facts.push(why_failed(release)),
        State::CrashLoop | State::Stalled => facts.extend(release.ailment.as_ref().map(ails)),
        State::Unhealthy(_) => facts.extend(release.unsteady().map(|it| Fact::Said(it.message(KEYS), it.brief()))),
        State::RollingBack => facts.extend(going_back(release)),
        State::Paused { .. } => {
            facts.extend(pause(scene, release));
            facts.extend(judged(scene, release));
        }
        State::Waiting | State::Automatic | State::Pass | State::PassWarned => facts.extend(judged(scene, release)),
        State::Watching | State::Alarming => {
            facts.extend(judged(scene, release));
            // The time until the verdict may be longer than the bake.
            if !facts.iter().any(|fact| matches!(fact, Fact::TooEarly { minutes: Some(_), .. })) {
                facts.extend(bake_left(scene, release));
            }
        }
        State::Starting | State::Moving | State::Finishing => facts.extend(moving(scene, release, state)),
        State::RolledBack => {
            facts.extend(rolled_back_for(scene, release).map(|ago| Fact::BackSince(release.stable.called(), ago)))
        }
        State::SteadyNoted => {
            facts.extend(release.conditions.first().map(|it| Fact::Said(it.message(KEYS), it.brief())));
        }
        State::Steady => {
            let healthy = healthy_for(scene, release, state);
            facts.extend(healthy.map(|since| Fact::Healthy(release.stable.called(), since)));
            facts.extend(numbers(verdict));
        }
    }
    facts
}

/// The numbers that make a FAIL; the reason itself where it is none of the numbers.
fn failing(verdict: &Verdict) -> Vec<Fact> {
    use ReasonCode::{ErrorsOverThreshold, ErrorsWorse, LatencyOverCeiling, LatencyWorse};
    let has = |codes: [ReasonCode; 2]| verdict.reasons.iter().any(|reason| codes.contains(&reason.code));
    let (errors, latency) = (has([ErrorsOverThreshold, ErrorsWorse]), has([LatencyOverCeiling, LatencyWorse]));
    let other = verdict.reasons.first().filter(|_| !errors && !latency);
    let mut facts: Vec<_> = other.map(|reason| said(reason.as_str())).into_iter().collect();
    facts.extend(numbers(verdict));
    // A slow canary says so before it says that its errors are few.
    if latency && !errors {
        facts.sort_by_key(|fact| !matches!(fact, Fact::Latency(..)));
    }
    facts
}

/// A sentence that has no short form: a list shows the state alone.
fn said(text: &str) -> Fact {
    Fact::Said(text.to_owned(), String::new())
}

/// The ailment of a rollout; its name is the state.
fn ails(ailment: &RolloutHealth) -> Fact {
    match ailment {
        RolloutHealth::CrashLoop { revision, failed, cause } => {
            let why = cause.map_or("the cause is not read yet".to_owned(), Cause::word);
            let brief = cause.map_or(format!("{failed} tasks failed"), |cause| format!("{} ×{failed}", cause.brief()));
            Fact::Said(format!("{failed} tasks of {} failed: {why}", revision.tag()), brief)
        }
        RolloutHealth::Stalled { revision, lasted, .. } => {
            let said = format!("{}: {}", revision.tag(), ailment.detail());
            Fact::Said(said, format!("{} min", lasted.as_mins()))
        }
    }
}

/// Error rate and response time, beside stable's.
fn numbers(verdict: &Verdict) -> Vec<Fact> {
    let base = verdict.baseline.as_ref();
    let errors = verdict.judged.error_percent.map(|rate| Fact::Errors(rate, base.and_then(|base| base.error_percent)));
    let latency = verdict.judged.p95.map(|p95| Fact::Latency(p95, base.and_then(|base| base.p95)));
    errors.into_iter().chain(latency).collect()
}

/// The facts behind a verdict that is no FAIL.
fn judged(scene: &Canvas<'_>, release: &Release) -> Vec<Fact> {
    let verdict = &release.verdict;
    if age::metrics(scene, release).is_none() {
        return vec![said(
            &age::uncounted(release).unwrap_or_else(|| "no load balancer counts its requests".to_owned()),
        )];
    }
    if of_stable(release) {
        return vec![said("no canary traffic yet: nothing to analyse")];
    }
    let early =
        preliminary(scene, release).filter(|early| early.alarming || verdict.judged.minutes == 0).and_then(|early| {
            Some(Fact::Preliminary(early.numbers.error_percent?, early.numbers.requests, early.alarming))
        });
    let mut facts: Vec<_> = early.into_iter().collect();
    match (&verdict.needs, verdict.reasons.first()) {
        (Some(needs), _) if verdict.judged.requests > 0.0 => facts.push(Fact::TooEarly {
            requests: verdict.judged.requests,
            errors: verdict.judged.errors,
            minutes: needs.minutes,
        }),
        // The numbers of unsettled minutes say that there are no others.
        (_, Some(reason)) if facts.is_empty() || reason.code != ReasonCode::NoData => facts.push(said(reason.as_str())),
        _ => {}
    }
    if facts.is_empty() {
        facts.extend(numbers(verdict));
    }
    facts
}

fn bake_left(scene: &Canvas<'_>, release: &Release) -> Option<Fact> {
    let bake = release.bake.as_ref()?;
    let left = bake.of.saturating_sub(bake.elapsed(scene.observed.now.at));
    (left > SignedDuration::ZERO).then_some(Fact::PassIn(left))
}

fn pause(scene: &Canvas<'_>, release: &Release) -> Option<Fact> {
    lifecycle::deadline(release, scene.observed.now.at).map(Fact::Pause)
}

fn why_failed(release: &Release) -> Fact {
    let trouble = release.sides().find_map(|side| side.failure_reason.as_ref());
    let brief = |reason: &FailureReason| match reason {
        FailureReason::Failed(_) => String::new(),
        FailureReason::TasksFailing(failed) => format!("{failed} tasks failed"),
        FailureReason::RollbackFailed(_) => "ECS could not roll it back".to_owned(),
    };
    match (trouble, release.share.configured) {
        (Some(trouble), _) => Fact::Said(trouble.to_string(), brief(trouble)),
        (None, None) if release.canary.is_some() && !release.rules.is_empty() => {
            said("both weights are 0, nobody is served")
        }
        (None, _) => said("no reason given"),
    }
}

fn going_back(release: &Release) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some((share, canary)) = release.share.configured.zip(release.canary.as_ref()) {
        facts.push(Fact::StillOn(share, canary.called()));
    }
    if release.canary.is_none() {
        facts.push(tasks(release.newest()));
    }
    facts
}

/// The running tasks of a side's own revision.
fn tasks(side: &Side) -> Fact {
    let own = side.own();
    Fact::Tasks { tag: own.task_definition.tag(), running: own.running, desired: own.desired }
}

fn moving(scene: &Canvas<'_>, release: &Release, state: State) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(own) = operation::in_flight(scene, release) {
        let (at, of) = operation::progress(own);
        facts.push(Fact::Step(at, of));
    }
    if release.method.shifted_by_ecs() && release.canary.is_some() {
        facts.extend(shifts_to(scene, release).map(Fact::Shifts));
    }
    // A release that ends is taken over by stable.
    facts.push(tasks(if state == State::Finishing { &release.stable } else { release.newest() }));
    facts
}

/// The share to which ECS takes the traffic: what it asked for, or once the rule says that, what comes next.
fn shifts_to(scene: &Canvas<'_>, release: &Release) -> Option<Percent> {
    // A share that was requested before the rule was read may be behind it.
    let ahead = |asked: &Percent| release.share.configured.is_none_or(|configured| *asked > configured);
    let next = || match lifecycle::track(release, scene.observed.now.at)?.next.what {
        NextAction::Shift(to) => Some(to.percent()),
        _ => None,
    };
    release.share.requested.filter(ahead).or_else(next)
}

impl Fact {
    /// The fact in words.
    pub(crate) fn words(&self) -> String {
        let stable = |text: String| format!("; stable {text}");
        match self {
            Self::Errors(rate, base) => {
                let base = base.map(|base| stable(format::spaced(format::rate(base)))).unwrap_or_default();
                format!("{}{base}", format::failing(*rate))
            }
            Self::Latency(p95, base) => {
                let base = base.map(|base| stable(format::response_time(base))).unwrap_or_default();
                format!("p95 {}{base}", format::response_time(*p95))
            }
            Self::TooEarly { requests, errors, minutes } => {
                let failed =
                    if *errors > 0.0 { format!("{} failed", format::count(*errors)) } else { "no errors".to_owned() };
                let more = minutes.map(|minutes| format!("; about {minutes} min more")).unwrap_or_default();
                format!("too early to say: {} requests, {failed}{more}", format::count(*requests))
            }
            Self::Preliminary(rate, requests, alarming) => {
                let of =
                    format!("{} of {} requests fail", format::spaced(format::rate(*rate)), format::count(*requests));
                if *alarming {
                    format!("preliminary: {of}: far too many; no FAIL yet")
                } else {
                    format!("preliminary: {of}")
                }
            }
            Self::PassIn(left) => format!("PASS possible in about {}", about(*left)),
            Self::Pause(deadline) => deadline_words(deadline, true),
            Self::Step(at, of) => format!("step {at} of {of}"),
            Self::Shifts(to) => format!("ECS shifts to {}", format::spaced(to)),
            Self::Tasks { tag, running, desired } => format!("{running} of {desired} tasks of {tag} run"),
            Self::StillOn(share, version) if share.is_zero() => {
                format!("the rule sends no users to {version} any more")
            }
            Self::StillOn(share, version) => {
                format!("{} of users still on {version}", format::spaced(share))
            }
            Self::BackSince(version, ago) => format!("users are back on {version}, {} ago", format::age(*ago)),
            Self::Healthy(version, since) => format!("{version} has been healthy for {}", format::age(*since)),
            Self::Said(text, _) => text.clone(),
        }
    }

    /// The fact in the fewest words that say it.
    pub(crate) fn brief(&self) -> String {
        match self {
            Self::Errors(rate, _) => format!("{} errors", format::spaced(format::rate(*rate))),
            Self::Latency(p95, _) => format!("p95 {}", format::response_time(*p95)),
            Self::TooEarly { minutes: Some(minutes), .. } => format!("about {minutes} min more"),
            Self::TooEarly { .. } => "too early to say".to_owned(),
            Self::Preliminary(rate, _, _) => format!("~{} errors", format::spaced(format::rate(*rate))),
            Self::PassIn(left) => format!("{} to go", about(*left)),
            Self::Pause(deadline) => deadline_words(deadline, false),
            Self::Shifts(to) => format!("ECS to {}", format::spaced(to)),
            Self::Tasks { running, desired, .. } => format!("{running} of {desired} tasks"),
            Self::StillOn(share, _) if share.is_zero() => "no users on it".to_owned(),
            Self::StillOn(share, _) => format!("{} still on it", format::spaced(share)),
            Self::BackSince(_, ago) => format!("{} ago", format::age(*ago)),
            Self::Healthy(_, since) => format::age(*since),
            Self::Said(_, brief) => brief.clone(),
            Self::Step(..) => self.words(),
        }
    }
}

/// A span in whole minutes, rounded up; the last minute in seconds.
fn about(span: SignedDuration) -> String {
    match span.as_secs() {
        seconds @ 0..=59 => format!("{seconds} s"),
        seconds => format!("{} min", (seconds + 59) / 60),
    }
}

/// The time for which ECS still waits, and its action then. The action is never left out.
fn deadline_words(deadline: &Deadline, full: bool) -> String {
    let left = deadline.left.map(|left| if deadline.near { format::clock(left) } else { format::lasting(left) });
    let others = match deadline.others {
        0 => String::new(),
        others if full => format!(" ({} pauses wait)", others + 1),
        _ => String::new(),
    };
    let over = deadline.left.is_some_and(|left| left.is_zero());
    let then = match &deadline.then {
        Then::GoesBack => "ECS rolls back",
        Then::GoesOn => "ECS goes on by itself",
        Then::Other(Some(other)) => other.as_str(),
        Then::Other(None) => "AWS does not say what follows",
    };
    match (left, &deadline.then, full) {
        (None, _, true) => format!("ECS waits for an answer, without an end{others}"),
        (None, _, false) => "no deadline".to_owned(),
        (Some(_), _, _) if over => format!("its time is over: {then}"),
        (Some(left), Then::GoesOn, true) => format!("in {left} {then}!{others}"),
        (Some(left), Then::GoesOn, false) => format!("goes on in {left}!"),
        (Some(left), Then::GoesBack, false) => format!("{left}, then rollback"),
        (Some(left), _, true) => format!("answer in {left}, else {then}{others}"),
        (Some(left), _, false) => format!("{left}, then {then}"),
    }
}
