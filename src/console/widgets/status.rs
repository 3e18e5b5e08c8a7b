//! Where a release is, in words and in a shape: the same on every screen.

use super::age;
use super::canvas::Canvas;
use super::format;
use super::theme::Role;
use crate::console::wording::KEYS;
use crate::domain::analysis::VerdictStatus;
use crate::domain::health::rollout::RolloutHealth;
use crate::domain::operation::{Operation, StepState};
use crate::domain::plan::Intent;
use crate::domain::release::condition::{Condition, Severity};
use crate::domain::release::lifecycle;
use crate::domain::release::lifecycle::{Deadline, NextAction, Then};
use crate::domain::release::share::Percent;
use crate::domain::release::{Bake, Method, Phase, Release};

/// A phase as a shape.
pub(crate) fn shape(release: &Release) -> (&'static str, Role) {
    let unsteady = release.unsteady().map(Condition::severity);
    match (release.phase, release.verdict.outcome) {
        (Phase::Failed, _) | (_, VerdictStatus::Fail) => ("✖", Role::Bad),
        _ if unsteady == Some(Severity::Critical) => ("✖", Role::Bad),
        (Phase::RollingBack, _) => ("▲", Role::Warn),
        _ if matches!(release.ailment, Some(RolloutHealth::CrashLoop { .. })) => ("✖", Role::Bad),
        _ if release.ailment.is_some() || unsteady.is_some() => ("▲", Role::Warn),
        (Phase::Waiting, _) => ("▲", Role::Warn),
        (Phase::Steady, _) if !release.conditions.is_empty() => ("▲", Role::Warn),
        (Phase::Steady, _) => (" ", Role::Dim),
        _ => ("●", Role::Accent),
    }
}

/// The bake timer: `03:12/10:00`, with `≥` where its beginning was not seen.
pub(crate) fn bake(scene: &Canvas<'_>, bake: &Bake) -> String {
    let elapsed = format::clock(bake.elapsed(scene.observed.now.at));
    let at_least = if bake.seen { "" } else { scene.theme.at_least() };
    format!("{at_least}{elapsed}/{}", format::clock(bake.of))
}

/// The operator's next move, in a few words.
fn next_move(scene: &Canvas<'_>, release: &Release) -> String {
    match release.share.configured {
        // The ladder is not what a FAIL asks for.
        Some(_) if release.verdict.outcome == VerdictStatus::Fail => "R rolls back".to_owned(),
        Some(share) if share.is_full() && release.method.shifted_by_ecs() => "P lets ECS go on".to_owned(),
        Some(share) if share.is_full() => "F finishes".to_owned(),
        Some(share) => match release.ladder.next_after(share) {
            Some(next) => format!("P {} {next}", scene.theme.arrow()),
            None => "F finishes".to_owned(),
        },
        None => "R gives stable everything".to_owned(),
    }
}

/// How long ECS still waits, and what it does then by itself: at length and in short. The timeout action is never left out.
fn paused(scene: &Canvas<'_>, release: &Release, deadline: &Deadline) -> Vec<String> {
    let (then, soon) = match &deadline.then {
        Then::GoesBack => ("ROLLBACK", "ROLLBACK in"),
        Then::GoesOn => ("continues automatically", "continues in"),
        Then::Other(Some(other)) => (other.as_str(), "its end in"),
        Then::Other(None) => ("what AWS does not say", "its end in"),
    };
    // Whose move it is, where this console writes the rule.
    let you = match release.method {
        Method::NativeWeighted => format!("waiting for you: {}", next_move(scene, release)),
        _ => "waiting for you".to_owned(),
    };
    match deadline.left.map(format::clock) {
        None => vec![format!("{you}, without an end"), "waiting for you".to_owned()],
        Some(_) if deadline.left.is_some_and(|left| left.is_zero()) => {
            vec![format!("its time is over: {then}"), format!("over: {then}")]
        }
        Some(left) if deadline.near => vec![
            format!("waiting for you, only {left} left, then {then}"),
            format!("only {left} left, then {then}"),
            format!("{soon} {left}"),
        ],
        Some(left) => {
            vec![
                format!("{you}, {left} left, then {then}"),
                format!("{left} left, then {then}"),
                format!("{soon} {left}"),
            ]
        }
    }
}

/// The operation of a release that is in flight.
pub(crate) fn in_flight<'a>(scene: &Canvas<'a>, release: &Release) -> Option<&'a Operation> {
    scene.operations.latest.get(&release.name).filter(|operation| operation.in_flight())
}

/// Which step an operation is at, counted from 1, of how many.
pub(crate) fn progress(operation: &Operation) -> (usize, usize) {
    let done = operation.steps.iter().take_while(|state| matches!(state, StepState::Verified(_))).count();
    ((done + 1).min(operation.steps.len()), operation.steps.len())
}

/// The state in words, without colour, so that it can be read aloud; as many of them as fit.
pub(crate) fn words(scene: &Canvas<'_>, release: &Release, columns: usize) -> (String, Role) {
    let (said, role) = variants(scene, release);
    let fitting = said.iter().find(|said| format::width(said) <= columns).or(said.last());
    (fitting.cloned().unwrap_or_default(), role)
}

/// The same said at length and in short.
fn variants(scene: &Canvas<'_>, release: &Release) -> (Vec<String>, Role) {
    let step = in_flight(scene, release).map(|operation| {
        let (at, of) = progress(operation);
        let doing = match operation.plan.intent {
            Intent::Step { .. } | Intent::Weight { .. } => "moving traffic",
            Intent::Start { .. } => "starting",
            Intent::Finish => "finishing",
            Intent::Rollback { .. } => "rolling back",
            Intent::Register { .. } => "registering a copy",
        };
        format!("{doing}: step {at} of {of}")
    });
    let deadline = lifecycle::deadline(release, scene.observed.now.at).filter(|_| release.phase == Phase::Waiting);
    if let Some(deadline) = &deadline {
        let role = if deadline.near { Role::BadBadge } else { Role::Warn };
        return marked(scene, release, paused(scene, release, deadline), role);
    }
    if let Some(ailment) = release.ailment.as_ref().filter(|_| step.is_none()) {
        let (said, role) = ails(release, ailment);
        return marked(scene, release, said, role);
    }
    if let Some(condition) = release.unsteady().filter(|_| step.is_none() && release.phase != Phase::Failed) {
        let (said, role) = unsteady(release, condition);
        return marked(scene, release, said, role);
    }
    let (text, role) = by_phase(scene, release, step);
    marked(scene, release, vec![text], role)
}

/// The phase in words; `step` is the operation of this console that is in flight.
fn by_phase(scene: &Canvas<'_>, release: &Release, step: Option<String>) -> (String, Role) {
    let (stable, newest) = (&release.stable, release.newest());
    match release.phase {
        Phase::Failed => (format!("failed: {}", why_failed(release)), Role::Bad),
        Phase::RollingBack => (step.unwrap_or_else(|| "rolling back".to_owned()), Role::Warn),
        Phase::Waiting if scene.operations.automatic.contains_key(&release.name) => {
            ("automatic stepping".to_owned(), Role::Accent)
        }
        Phase::Waiting => (format!("waiting for you: {}", next_move(scene, release)), Role::Warn),
        Phase::Baking => match &release.bake {
            Some(timer) => (format!("baking {}", bake(scene, timer)), Role::Accent),
            None => ("baking".to_owned(), Role::Accent),
        },
        Phase::Starting => (
            step.unwrap_or_else(|| format!("starting {}/{} tasks", newest.own().running, newest.own().desired)),
            Role::Accent,
        ),
        Phase::Shifting if release.canary.is_some() && release.method.shifted_by_ecs() => {
            (step.unwrap_or_else(|| shifting(scene, release)), Role::Accent)
        }
        Phase::Shifting => (
            step.unwrap_or_else(|| {
                let rolled = if newest.rolling { newest } else { stable };
                format!("rolling out {}", rolled.task_definition.tag())
            }),
            Role::Accent,
        ),
        Phase::Finishing if release.method.shifted_by_ecs() => {
            (step.unwrap_or_else(|| "finishing: old tasks go".to_owned()), Role::Accent)
        }
        Phase::Finishing => {
            (step.unwrap_or_else(|| format!("finishing not complete: F {} on", scene.theme.arrow())), Role::Accent)
        }
        Phase::Steady => match (release.conditions.first(), release.steady_since) {
            (Some(condition), _) => (format!("steady, but {}", condition.message(KEYS)), Role::Warn),
            (None, Some(since)) => {
                let span = scene.observed.now.at.duration_since(since);
                (format!("steady {}", format::age(span)), Role::Text)
            }
            (None, None) => ("steady".to_owned(), Role::Text),
        },
    }
}

/// The health of a rollout, at length and in short; a rollback under way is never left out.
fn ails(release: &Release, ailment: &RolloutHealth) -> (Vec<String>, Role) {
    let brief = ailment.brief();
    match (release.phase, ailment) {
        (Phase::RollingBack, _) => (vec![format!("rolling back, {brief}"), "rolling back".to_owned()], Role::Warn),
        (Phase::Failed, _) => (vec![format!("failed, {brief}"), brief], Role::Bad),
        (_, RolloutHealth::CrashLoop { .. }) => (vec![brief], Role::Bad),
        (_, RolloutHealth::Stalled { .. }) => (vec![brief], Role::Warn),
    }
}

/// What keeps a release from being steady, at length and in short; a rollback under way is never left out.
fn unsteady(release: &Release, condition: &Condition) -> (Vec<String>, Role) {
    let said = condition.message(KEYS);
    let role = if condition.severity() == Severity::Critical { Role::Bad } else { Role::Warn };
    match release.phase {
        Phase::RollingBack => (vec![format!("rolling back, {said}"), "rolling back".to_owned()], role),
        _ => (vec![said, condition.brief()], role),
    }
}

/// Where ECS is taking the traffic: to what it asked for, or once the rule says that, to what comes next.
fn shifting(scene: &Canvas<'_>, release: &Release) -> String {
    // A share that was requested before the rule was read may be behind it.
    let ahead = |asked: &Percent| release.share.configured.is_none_or(|configured| *asked > configured);
    let asked = release.share.requested.filter(ahead);
    let next = || match lifecycle::track(release, scene.observed.now.at)?.next.what {
        NextAction::Shift(to) => Some(to.percent()),
        _ => None,
    };
    match asked.or_else(next) {
        Some(to) => format!("ECS shifts to {to}"),
        None => "ECS goes on".to_owned(),
    }
}

/// The verdict comes first; old data is marked.
fn marked(scene: &Canvas<'_>, release: &Release, said: Vec<String>, role: Role) -> (Vec<String>, Role) {
    if release.verdict.outcome == VerdictStatus::Fail && release.phase != Phase::Failed {
        let said = said.iter().map(|text| format!("FAIL, {text}")).collect();
        return (said, if role == Role::BadBadge { role } else { Role::Bad });
    }
    let said = match release.known_against_newest() {
        Some(_) => said.iter().map(|text| format!("known bad, {text}")).collect(),
        None => said,
    };
    // Old data may have changed since: it is not coloured as if it were current. A deadline runs out all the same.
    if !age::world(scene).good() {
        let said = said.iter().map(|text| format!("{text} (old)")).collect();
        return (said, if role == Role::BadBadge { Role::Badge } else { Role::Dim });
    }
    (said, role)
}

fn why_failed(release: &Release) -> String {
    let trouble = release.sides().find_map(|side| side.failure_reason.as_ref().map(ToString::to_string));
    match (trouble, release.share.configured) {
        (Some(trouble), _) => trouble,
        (None, None) if release.canary.is_some() && !release.rules.is_empty() => {
            "both weights are 0, nobody is served".to_owned()
        }
        (None, _) => "no reason given".to_owned(),
    }
}
