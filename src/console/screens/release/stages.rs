//! A native deployment: its stages, the next action, the alarms and the circuit breaker that watch it, the reason of a
//! rollback.

use jiff::SignedDuration;
use ratatui::text::{Line, Span};

use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format::LABEL;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::ecs::deployment::{DeploymentOutcome, ServiceDeployment};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::release::condition::{Condition, FailureReason};
use crate::domain::release::lifecycle;
use crate::domain::release::lifecycle::{
    Back, Ends, Next, NextAction, Precondition, StageMark, StagePosition, StageTimeline,
};
use crate::domain::release::{Method, Release};

/// Least width at which every stage is named.
const NAMED: usize = 110;

/// A warning if tidegate writes the listener rule of a deployment whose traffic ECS shifts.
pub fn off_contract(scene: &Canvas<'_>, release: &Release) -> Option<Line<'static>> {
    (release.method == Method::NativeWeighted && release.canary.is_some()).then(|| {
        Line::from(vec![
            scene.span("▲ off-contract: tidegate writes the rule", Role::Warn),
            scene.text(" while ECS waits at a pause"),
        ])
    })
}

/// The stages and the next action: one line on a narrow screen, else every stage by its name.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let Some(track) = lifecycle::track(release, scene.observed.now.at) else { return Vec::new() };
    let fresh = age::history(scene, release).good();
    let mut lines = match &track.back {
        Some(back) => vec![going_back(scene, &track, back)],
        None if columns < NAMED => return vec![short(scene, &track, fresh, columns)],
        None => named(scene, &track, fresh, columns),
    };
    if track.back.is_none() {
        let said = next(scene, &track);
        let room = columns.saturating_sub(LABEL);
        lines.extend(labelled(
            scene,
            "next",
            format::wrap(said.first().map_or("", String::as_str), room, 2),
            Role::Text,
        ));
    }
    lines
}

/// Returns true if the stage lines, or the reason below them, already show a condition.
pub fn tells(release: &Release, condition: &Condition) -> bool {
    let rollback = release.deployment.as_ref().and_then(|deployment| deployment.rollback.as_ref());
    match condition {
        Condition::Paused { .. } | Condition::RollingBack { .. } => true,
        Condition::RolloutFailure(FailureReason::Failed(why)) => {
            rollback.and_then(|rollback| rollback.reason.as_ref()) == Some(why)
        }
        _ => false,
    }
}

/// A label, and lines beside it.
fn labelled(scene: &Canvas<'_>, label: &str, texts: Vec<String>, role: Role) -> Vec<Line<'static>> {
    let line = |(index, text): (usize, String)| {
        let label = format::pad(if index == 0 { label } else { "" }, LABEL);
        Line::from(vec![scene.dim(label), scene.span(text, role)])
    };
    texts.into_iter().enumerate().map(line).collect()
}

fn shape(track: &StageTimeline, at: StagePosition, fresh: bool) -> (&'static str, Role) {
    match (at, &track.deadline) {
        (StagePosition::Behind, _) => ("✓", Role::Text),
        (StagePosition::Here, _) if !fresh => ("●", Role::Dim),
        (StagePosition::Here, Some(_)) => ("▲", Role::Warn),
        (StagePosition::Here, None) => ("●", Role::Accent),
        (StagePosition::Ahead, _) => ("○", Role::Dim),
        (StagePosition::Unknown, _) => ("·", Role::Dim),
    }
}

fn role_of_here(track: &StageTimeline, fresh: bool) -> Role {
    match &track.deadline {
        _ if !fresh => Role::Dim,
        Some(deadline) if deadline.near => Role::BadBadge,
        Some(_) => Role::Warn,
        None => Role::Accent,
    }
}

/// A shape for each stage, the name of the present one, and the next action in as many words as fit.
fn short(scene: &Canvas<'_>, track: &StageTimeline, fresh: bool, columns: usize) -> Line<'static> {
    let mut spans = vec![scene.dim(format::pad("stage", LABEL))];
    let here = |spans: &mut Vec<Span<'static>>, name: &str| {
        let (mark, role) = shape(track, StagePosition::Here, fresh);
        spans.push(scene.span(format!("{mark} "), role));
        spans.push(scene.span(format::clip(name, 32), role_of_here(track, fresh)));
        spans.push(Span::raw(" "));
    };
    for stop in &track.stops {
        if stop.at == StagePosition::Here {
            spans.push(Span::raw(" "));
            here(&mut spans, stop.name.as_str());
            continue;
        }
        let (mark, role) = shape(track, stop.at, fresh);
        spans.push(scene.span(mark, role));
    }
    match &track.stage {
        Some(stage) if track.stops.iter().all(|stop| stop.at != StagePosition::Here) => {
            spans.push(Span::raw(" "));
            here(&mut spans, stage.as_str());
        }
        None => spans.push(scene.dim(" not begun")),
        Some(_) => {}
    }
    spans.push(Span::raw("  "));
    let used = format::wide(&spans);
    let said = next(scene, track);
    let room = columns.saturating_sub(used);
    if let Some(said) = said.iter().find(|said| format::width(said) <= room) {
        spans.push(if fresh { scene.text(said.clone()) } else { scene.dim(said.clone()) });
    }
    Line::from(spans)
}

/// `PRE_PRODUCTION_TRAFFIC_SHIFT` in fewer letters; the present stage is always spelt as in ECS.
fn brief(name: &str) -> String {
    name.replace("_TRAFFIC_SHIFT", "_SHIFT").replace('_', " ").to_lowercase()
}

/// Every stage by its name, in as many lines as needed.
fn named(scene: &Canvas<'_>, track: &StageTimeline, fresh: bool, columns: usize) -> Vec<Line<'static>> {
    let piece = |stop: &StageMark| {
        let (mark, role) = shape(track, stop.at, fresh);
        let here = stop.at == StagePosition::Here;
        let name = if here { stop.name.to_string() } else { brief(stop.name.as_str()) };
        let pause = if stop.waits && !here { " (pause)" } else { "" };
        let (name_role, name) = (if here { role_of_here(track, fresh) } else { role }, format::clip(&name, 40));
        vec![scene.span(format!("{mark} "), role), scene.span(name, name_role), scene.span(pause, Role::Warn)]
    };
    let mut pieces: Vec<_> = track.stops.iter().map(piece).collect();
    match &track.stage {
        Some(stage) if track.stops.iter().all(|stop| stop.at != StagePosition::Here) => {
            let unknown = StageMark { name: stage.clone(), at: StagePosition::Here, waits: false };
            pieces.insert(0, piece(&unknown));
        }
        None => pieces.insert(0, vec![scene.dim("not begun")]),
        Some(_) => {}
    }
    let mut lines = Vec::new();
    let mut line = vec![scene.dim(format::pad("stage", LABEL))];
    let mut used = LABEL;
    for piece in pieces {
        let wide = format::wide(&piece);
        let first = used == LABEL;
        if !first && used + wide + 3 > columns {
            lines.push(Line::from(std::mem::replace(&mut line, vec![Span::raw(" ".repeat(LABEL))])));
            used = LABEL;
        } else if !first {
            line.push(scene.dim(" · "));
            used += 3;
        }
        line.extend(piece);
        used += wide;
    }
    lines.push(Line::from(line));
    lines
}

fn going_back(scene: &Canvas<'_>, track: &StageTimeline, back: &Back) -> Line<'static> {
    let now = scene.observed.now.at;
    let to = back.to.as_ref().map_or("what it replaced".to_owned(), |to| to.tag());
    let since = back.since.map(|since| format!(", for {}", format::age(now.duration_since(since)))).unwrap_or_default();
    let stage = track.stage.as_ref().map_or("its stage is not said", LifecycleStage::as_str);
    Line::from(vec![
        scene.dim(format::pad("stage", LABEL)),
        scene.span(format!("← going back to {to}: "), Role::Warn),
        scene.span(format::clip(stage, 32), Role::Title),
        scene.text(since),
    ])
}

/// The next action, from the longest wording to the shortest.
fn next(scene: &Canvas<'_>, track: &StageTimeline) -> Vec<String> {
    let Next { what, waits } = &track.next;
    let arrow = scene.theme.arrow();
    let answered = waits.contains(&Precondition::Answer);
    let (does, little) = match what {
        NextAction::StartTasks(tasks) => {
            (format!("starts {}", format::many(*tasks as usize, "task")), "starts tasks".to_owned())
        }
        NextAction::Shift(to) => (format!("shifts to {}", to.percent()), format!("{arrow} {}", to.percent())),
        NextAction::WaitForYou(at) => {
            (format!("waits for you at {}", format::clip(at.as_str(), 32)), "waits for you".to_owned())
        }
        NextAction::RemoveOld => ("removes the old tasks".to_owned(), "old tasks go".to_owned()),
        NextAction::End => ("ends the deployment".to_owned(), "ends".to_owned()),
        NextAction::GoBack => ("takes it back".to_owned(), "goes back".to_owned()),
        NextAction::WritesWeight(Some(to)) => {
            let said = format!("P writes {} into the rule", to.percent());
            return vec![said, format!("P {arrow} {}", to.percent())];
        }
        NextAction::WritesWeight(None) => {
            return vec!["P lets ECS go on and keep it".to_owned(), "P lets ECS go on".to_owned()];
        }
        NextAction::Unknown if answered => ("goes on".to_owned(), "goes on".to_owned()),
        NextAction::Unknown => return vec!["what comes next is not known".to_owned(), "next ?".to_owned()],
    };
    let more: Vec<_> = waits.iter().filter_map(|wait| self::wait(scene, *wait)).collect();
    let full: Vec<_> = more.iter().map(|(full, _)| full.as_str()).collect();
    let brief: Vec<_> = more.iter().map(|(_, brief)| brief.as_str()).collect();
    let joined = |first: &str, rest: &[&str]| {
        std::iter::once(first).chain(rest.iter().copied()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let who = if answered { "P: ECS" } else { "ECS" };
    let key = if answered { "P: " } else { "" };
    let others = track.deadline.as_ref().map_or(0, |deadline| deadline.others);
    let all = if others > 0 { format!(", once all {} pauses are answered", others + 1) } else { String::new() };
    vec![
        format!("{}{all}", joined(&format!("{who} {does}"), &full)),
        joined(&format!("{key}{does}"), &full),
        joined(&format!("{key}{does}"), &brief),
        joined(&format!("{key}{little}"), &brief),
        format!("{key}{little}"),
    ]
}

/// A precondition, in long and in short.
fn wait(scene: &Canvas<'_>, wait: Precondition) -> Option<(String, String)> {
    let left = |at: jiff::Timestamp| format::clock(at.duration_since(scene.observed.now.at).max(SignedDuration::ZERO));
    Some(match wait {
        Precondition::Answer => return None,
        Precondition::Hooks(1) => ("after the hook that runs".to_owned(), "after a hook".to_owned()),
        Precondition::Hooks(many) => (format!("after the {many} hooks that run"), format!("after {many} hooks")),
        Precondition::Healthy(have, want) => {
            let have = have.map_or("not known how many are".to_owned(), |have| format!("{have} are"));
            (
                format!("once {} are healthy, {have}", format::many(want as usize, "new task")),
                format!("once {want} healthy"),
            )
        }
        Precondition::Bake(length, ends) => {
            let of = format::lasting(length);
            let (full, brief) = match ends {
                None => (String::new(), format!("after {of}")),
                Some(Ends::About(at)) => (format!(", in about {}", left(at)), format!("in ~{}", left(at))),
                Some(Ends::NotBefore(at)) => {
                    (format!(", in {} at the earliest", left(at)), format!("in {} or later", left(at)))
                }
                Some(Ends::NotAfter(at)) => {
                    (format!(", in {} at the latest", left(at)), format!("in {} at most", left(at)))
                }
            };
            (format!("after a bake of {of}{full}"), brief)
        }
    })
}

/// Signs of trouble: triggered alarms, the circuit breaker's failures, the reason of a rollback, and the outcome of the
/// last deployment unless it succeeded.
pub fn trouble(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let Some(deployment) = release.deployment.as_deref() else { return Vec::new() };
    let room = columns.saturating_sub(LABEL);
    let mut lines = Vec::new();
    let triggered = deployment.alarms.as_ref().map(|alarms| alarms.triggered.as_slice()).unwrap_or_default();
    let recent = !deployment.status.ended() || deployment.outcome() != Some(DeploymentOutcome::Succeeded);
    let why = why(scene, deployment);
    // The reason mostly names the alarm.
    let named = |name: &String| why.as_ref().is_some_and(|(_, text)| text.contains(name.as_str()));
    if !triggered.iter().all(named) && recent {
        let text = format::clip(&format!("✖ in ALARM: {}", triggered.join(", ")), room);
        lines.extend(labelled(scene, "alarms", vec![text], Role::Bad));
    }
    if let Some(breaker) = deployment.breaker.as_ref().filter(|breaker| breaker.failures > 0 && recent) {
        let of = if breaker.threshold > 0 { format!(" of {}", breaker.threshold) } else { String::new() };
        let text = format!("✖ {}{of} failures, {}", breaker.failures, brief(&breaker.status));
        lines.extend(labelled(scene, "breaker", vec![format::clip(&text, room)], Role::Bad));
    }
    if let Some((label, text)) = why {
        lines.extend(labelled(scene, label, format::wrap(&text, room, 2), Role::Bad));
    }
    lines
}

/// The reason of a rollback in progress, or the outcome of the last deployment.
fn why(scene: &Canvas<'_>, deployment: &ServiceDeployment) -> Option<(&'static str, String)> {
    let reason =
        deployment.rollback.as_ref().and_then(|rollback| rollback.reason.as_ref()).or(deployment.reason.as_ref());
    let outcome = match deployment.outcome() {
        Some(DeploymentOutcome::Succeeded) => return None,
        None => return Some(("why", reason.filter(|_| deployment.rollback.is_some())?.clone())),
        Some(DeploymentOutcome::RolledBack) => "rolled back",
        Some(DeploymentOutcome::RollbackFailed) => "ROLLBACK FAILED",
        Some(DeploymentOutcome::Stopped) => "stopped",
    };
    let now = scene.observed.now.at;
    let ago =
        deployment.finished_at.map(|at| format!(" {} ago", format::age(now.duration_since(at)))).unwrap_or_default();
    let of = deployment.task_definition().map(|target| format!("{} ", target.tag())).unwrap_or_default();
    let reason = reason.map_or("no reason given", String::as_str);
    Some(("last", format!("{of}{outcome}{ago}: {reason}")))
}

/// The alarms and the circuit breaker that watch the deployment in progress, while none of them reports a problem.
pub fn watched(scene: &Canvas<'_>, release: &Release, columns: usize) -> Option<Line<'static>> {
    let deployment = release.under_way()?;
    let alarms = deployment.alarms.as_ref().filter(|alarms| alarms.triggered.is_empty() && !alarms.names.is_empty());
    let takes_back = deployment.configuration.alarms.as_ref().is_some_and(|alarms| alarms.enable && alarms.rollback);
    let breaker = deployment.breaker.as_ref().filter(|breaker| breaker.failures == 0 && breaker.threshold > 0);
    let mut parts = Vec::new();
    if let Some(alarms) = alarms {
        let names = alarms.names.join(", ");
        let then = if takes_back { ": one in ALARM takes it back" } else { ": none of them takes it back" };
        parts.push(format!("{} {names}{then}", brief(&alarms.status)));
    }
    if let Some(breaker) = breaker {
        parts.push(format!("breaker 0 of {} failures", breaker.threshold));
    }
    if parts.is_empty() {
        return None;
    }
    let text = format::clip(&parts.join(" · "), columns.saturating_sub(LABEL));
    Some(Line::from(vec![scene.dim(format::pad("alarms", LABEL)), scene.dim(text)]))
}
