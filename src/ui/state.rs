//! Where a release is, in words and in a shape: the same on every screen.

use jiff::SignedDuration;

use super::freshness;
use super::scene::Scene;
use super::theme::Role;
use super::words;
use crate::app::operation::{Operation, StepState};
use crate::domain::deployment::Pause;
use crate::domain::plan::Intent;
use crate::domain::release::{Bake, Phase, Release};
use crate::domain::verdict::Opinion;

/// A phase as a shape.
pub fn shape(release: &Release) -> (&'static str, Role) {
    match (release.phase, release.verdict.opinion) {
        (Phase::Failed, _) | (_, Opinion::Bad) => ("✖", Role::Bad),
        (Phase::Waiting | Phase::RollingBack, _) => ("▲", Role::Warn),
        (Phase::Steady, _) if !release.remarks.is_empty() => ("▲", Role::Warn),
        (Phase::Steady, _) => (" ", Role::Dim),
        _ => ("●", Role::Accent),
    }
}

/// The bake timer: `03:12/10:00`, with `≥` where its beginning was not seen.
pub fn bake(scene: &Scene<'_>, bake: &Bake) -> String {
    let elapsed = words::clock(bake.elapsed(scene.model.now.at));
    let at_least = if bake.seen { "" } else { scene.theme.at_least() };
    format!("{at_least}{elapsed}/{}", words::clock(bake.of))
}

/// What the operator can do next, in a few words.
fn next_move(scene: &Scene<'_>, release: &Release) -> String {
    match release.share.configured {
        // The ladder is not what a bad verdict asks for.
        Some(_) if release.verdict.opinion == Opinion::Bad => "R rolls back".to_owned(),
        Some(share) if share.is_full() => "F finishes".to_owned(),
        Some(share) => match release.ladder.next_after(share) {
            Some(next) => format!("P {} {next}", scene.theme.arrow()),
            None => "F finishes".to_owned(),
        },
        None => "R gives stable everything".to_owned(),
    }
}

/// How long ECS still waits, and what it does then by itself.
fn paused(scene: &Scene<'_>, pause: &Pause) -> String {
    let then = pause.then.as_deref().unwrap_or("what AWS does not say");
    match pause.until {
        Some(until) => {
            let left = until.duration_since(scene.model.now.at).max(SignedDuration::ZERO);
            format!("paused, {} left, then {then}", words::clock(left))
        }
        None => format!("paused until somebody answers, else {then}"),
    }
}

/// The operation of a release that is in flight.
pub fn in_flight<'a>(scene: &Scene<'a>, release: &Release) -> Option<&'a Operation> {
    scene.model.operations.get(&release.name).filter(|operation| operation.in_flight())
}

/// Which step an operation is at, counted from 1, of how many.
pub fn progress(operation: &Operation) -> (usize, usize) {
    let done = operation.steps.iter().take_while(|state| matches!(state, StepState::Verified(_))).count();
    ((done + 1).min(operation.steps.len()), operation.steps.len())
}

/// The state in words, without colour, so that it can be read aloud.
pub fn words(scene: &Scene<'_>, release: &Release) -> (String, Role) {
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
    let stable = &release.stable;
    let newest = release.newest();
    let (mut text, role) = match release.phase {
        Phase::Failed => (format!("failed: {}", why_failed(release)), Role::Bad),
        Phase::RollingBack => (step.unwrap_or_else(|| "rolling back".to_owned()), Role::Warn),
        Phase::Waiting => match release.pauses.first() {
            Some(pause) => (paused(scene, pause), Role::Warn),
            None => (format!("waiting for you: {}", next_move(scene, release)), Role::Warn),
        },
        Phase::Baking => match &release.bake {
            Some(timer) => (format!("baking {}", bake(scene, timer)), Role::Accent),
            None => ("baking".to_owned(), Role::Accent),
        },
        Phase::Starting => {
            (step.unwrap_or_else(|| format!("starting {}/{} tasks", newest.running, newest.desired)), Role::Accent)
        }
        Phase::Shifting => (
            step.unwrap_or_else(|| {
                let rolled = if newest.rolling { newest } else { stable };
                format!("rolling out {}", rolled.task_definition.tag())
            }),
            Role::Accent,
        ),
        Phase::Finishing => {
            (step.unwrap_or_else(|| format!("finishing not complete: F {} on", scene.theme.arrow())), Role::Accent)
        }
        Phase::Steady => match (release.remarks.first(), release.steady_since) {
            (Some(remark), _) => (format!("steady, but {remark}"), Role::Warn),
            (None, Some(since)) => {
                let span = scene.model.now.at.duration_since(since);
                (format!("steady {}", words::age(span)), Role::Text)
            }
            (None, None) => ("steady".to_owned(), Role::Text),
        },
    };
    if release.verdict.opinion == Opinion::Bad && release.phase != Phase::Failed {
        text = format!("BAD, {text}");
        return (text, Role::Bad);
    }
    // What is old may have changed since: it is not coloured as if it were so.
    if !freshness::world(scene).good() {
        return (format!("{text} (old)"), Role::Dim);
    }
    (text, role)
}

fn why_failed(release: &Release) -> String {
    let trouble = freshness::sides(release).find_map(|side| side.trouble.clone());
    match (trouble, release.share.configured) {
        (Some(trouble), _) => trouble,
        (None, None) if release.canary.is_some() => "both weights are 0, nobody is served".to_owned(),
        (None, _) => "no reason given".to_owned(),
    }
}
