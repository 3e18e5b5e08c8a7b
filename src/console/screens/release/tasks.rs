//! Tasks by state, stop reasons, and the health of the targets.

use std::collections::BTreeMap;

use ratatui::text::{Line, Span};

use crate::console::widgets::age;
use crate::console::widgets::age::Part;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::ecs::service::Task;
use crate::domain::health::stop_reason;
use crate::domain::health::stop_reason::Failure;
use crate::domain::release::{Release, Side};

/// The most stop reasons listed for one side.
const REASONS: usize = 5;

/// The lines of both sides, stable above the canary.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut leads = None;
    for (part, side) in age::parts(release) {
        let label = match part.word() {
            (_, role) if part == Part::Alone => scene.span("tasks ", role),
            (word, role) => scene.span(format!("{word} "), role),
        };
        let tasks = read(scene, release, side);
        lines.push(counts(scene, side, tasks.as_deref(), label));
        let reasons = reasons(scene, tasks.unwrap_or_default(), columns);
        if !reasons.is_empty() {
            leads = Some(scene.line("  t: each task, and what its cause suggests", Role::Dim));
        }
        lines.extend(reasons);
        lines.extend(targets(scene, side, columns));
    }
    lines.extend(leads);
    lines
}

/// The tasks of a side, if they were read. Two revisions of one service are told apart by task definition. If both
/// sides have the same one, their tasks cannot be told apart: `None`, and ECS's counts are shown instead.
fn read<'a>(scene: &Canvas<'a>, release: &Release, side: &Side) -> Option<Vec<&'a Task>> {
    let tasks = scene.observed.snapshot.tasks.get(&side.service)?.get()?;
    if !release.one_service() {
        return Some(tasks.iter().collect());
    }
    let of_side = |task: &&Task| task.task_definition == side.task_definition;
    (!release.stable_taken()).then(|| tasks.iter().filter(of_side).collect())
}

/// `18 running · 2 pending`; ECS's counts if the tasks were not read.
fn counts(scene: &Canvas<'_>, side: &Side, tasks: Option<&[&Task]>, label: Span<'static>) -> Line<'static> {
    let mut spans = vec![label];
    let reading = scene.observed.snapshot.tasks.get(&side.service);
    let fresh = age::of(scene, crate::console::poll_schedule::source::Source::Tasks, reading);
    match tasks {
        Some(tasks) => {
            let mut states: BTreeMap<(u8, &str), usize> = BTreeMap::new();
            for task in tasks.iter().filter(|task| task.stopped_at.is_none() && task.status != "STOPPED") {
                let order = if task.status == "RUNNING" { 0 } else { 1 };
                *states.entry((order, task.status.as_str())).or_default() += 1;
            }
            if states.is_empty() {
                spans.push(scene.dim("no tasks"));
            }
            for (index, ((order, state), count)) in states.into_iter().take(6).enumerate() {
                if index > 0 {
                    spans.push(scene.dim(" · "));
                }
                let role = if !fresh.good() {
                    Role::Dim
                } else if order == 0 {
                    Role::Text
                } else {
                    Role::Warn
                };
                spans.push(scene.span(format!("{count} {}", format::clip(&state.to_lowercase(), 16)), role));
            }
            let unhealthy = tasks.iter().filter(|task| task.health.as_deref() == Some("UNHEALTHY")).count();
            if unhealthy > 0 {
                spans.push(scene.span(format!(" · {unhealthy} unhealthy ✖"), Role::Bad));
            }
        }
        None => spans.push(scene.text(format!("{} running · {} pending", side.running, side.pending))),
    }
    spans.push(scene.dim(format!(", {} wanted", side.desired)));
    if !fresh.good() && fresh.age.is_some() {
        spans.push(scene.span(format!("  ({})", fresh.words()), fresh.role()));
    }
    Line::from(spans)
}

/// The stop reasons: each cause once, with its count and the newest task's reason.
fn reasons(scene: &Canvas<'_>, tasks: Vec<&Task>, columns: usize) -> Vec<Line<'static>> {
    let failures = stop_reason::failures(tasks);
    let hidden = failures.len().saturating_sub(REASONS);
    let now = scene.observed.now.at;
    let mut lines: Vec<Line<'static>> = failures
        .into_iter()
        .take(REASONS)
        .flat_map(|Failure { cause, count, newest }| {
            let ago = newest.stopped_at.map(|at| format!(", {} ago", format::age(now.duration_since(at))));
            let said = newest.stopped_reason.as_deref().filter(|said| !said.is_empty());
            let said = said.map(|said| format!(": {}", format::clip(said, 300))).unwrap_or_default();
            let (mark, role) = if cause.blames_revision() { ("✖", Role::Bad) } else { ("▲", Role::Warn) };
            let count = format::many(count, "task");
            let text = format!("{mark} {count}: {}{}{said}", cause.word(), ago.unwrap_or_default());
            let wrapped = format::wrap(&text, columns.saturating_sub(4), 3).into_iter().enumerate();
            wrapped.map(move |(index, text)| {
                let indent = if index == 0 { "  " } else { "    " };
                scene.line(format!("{indent}{text}"), role)
            })
        })
        .collect();
    if hidden > 0 {
        lines.push(scene.line(format!("  … {hidden} more reasons"), Role::Dim));
    }
    lines
}

/// The target group's targets by state, and the load balancer's reasons.
fn targets(scene: &Canvas<'_>, side: &Side, columns: usize) -> Vec<Line<'static>> {
    let Some(group) = &side.target_group else { return Vec::new() };
    let reading = scene.observed.snapshot.health.get(group);
    let fresh = age::of(scene, crate::console::poll_schedule::source::Source::Health, reading);
    let Some(health) = reading.and_then(|reading| reading.get()) else {
        let said = fresh.words();
        return vec![Line::from(vec![scene.dim("  targets "), scene.span(format!("unknown: {said}"), Role::Warn)])];
    };
    let counted = [
        (health.healthy, "healthy", if fresh.good() { Role::Good } else { Role::Dim }),
        (health.unhealthy, "unhealthy ✖", Role::Bad),
        (health.initial, "initial", Role::Warn),
        (health.draining, "draining", Role::Dim),
        (health.other, "unused", Role::Dim),
    ];
    let mut spans = vec![scene.dim("  targets ")];
    for (count, word, role) in counted.into_iter().filter(|(count, word, _)| *count > 0 || *word == "healthy") {
        if spans.len() > 1 {
            spans.push(scene.dim(" · "));
        }
        spans.push(scene.span(format!("{count} {word}"), if count == 0 { Role::Dim } else { role }));
    }
    if !fresh.good() {
        spans.push(scene.span(format!("  ({})", fresh.words()), fresh.role()));
    }
    let reasons = health
        .reasons
        .iter()
        .take(2)
        .map(|(reason, count)| scene.line(format::clip(&format!("    {count}: {reason}"), columns), Role::Warn));
    std::iter::once(Line::from(spans)).chain(reasons).collect()
}
