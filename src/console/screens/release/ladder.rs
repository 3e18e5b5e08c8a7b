//! The ladder: the steps, the present step, and the bake time.

use ratatui::text::{Line, Span};

use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format::LABEL;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format, status};
use crate::domain::ecs::route::Forward;
use crate::domain::release::share::Percent;
use crate::domain::release::{Method, Release};

/// The ladder on one line.
pub fn line(scene: &Canvas<'_>, release: &Release, columns: usize) -> Line<'static> {
    let fresh = age::world(scene).good();
    let timer = timer(scene, release, fresh);
    let mut spans = vec![scene.dim(format::pad("ladder", LABEL))];
    let taken: usize = timer.iter().map(|span| format::width(&span.content)).sum();
    spans.extend(rungs(scene, release, fresh, columns.saturating_sub(LABEL + taken)));
    spans.extend(timer);
    Line::from(spans)
}

/// Returns true if two shares, in percent, look the same when rounded to tenths.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.05
}

/// The canary's shares, in percent, since it last had no traffic.
fn visited(scene: &Canvas<'_>, release: &Release) -> Vec<f64> {
    let Some(rule) = release.rules.first() else { return Vec::new() };
    let changes = scene.observed.snapshot.weight_changes.get(&rule.route.id).map(Vec::as_slice).unwrap_or_default();
    let share = |forwards: &Vec<Forward>| Some(rule.share_of(forwards)?.value());
    // The share at the first observation counts as well.
    let first = changes.first().map(|change| &change.before);
    let shares = changes.iter().rev().map(|change| &change.forwards).chain(first).filter_map(share);
    shares.take_while(|share| *share > 0.0).collect()
}

fn rungs(scene: &Canvas<'_>, release: &Release, fresh: bool, room: usize) -> Vec<Span<'static>> {
    // Without a rule that was read there is only what ECS asked for.
    let asked = release.share.requested.filter(|_| release.rules.is_empty());
    let at = release.share.configured.or(asked).unwrap_or(Percent::ZERO).value();
    let mut rungs: Vec<f64> = release.ladder.steps().iter().map(|step| step.value()).collect();
    if !rungs.iter().any(|rung| same(*rung, at)) {
        rungs.push(at);
        rungs.sort_by(f64::total_cmp);
    }
    let visited = visited(scene, release);
    // ECS takes every step; when this console or another operator writes the weights, a step may be skipped.
    let was_there = |rung: f64| release.method == Method::Native || visited.iter().any(|share| same(*share, rung));
    let piece = |rung: f64| {
        let text = Percent::new(rung).map(|share| share.to_string()).unwrap_or_default();
        if same(rung, at) {
            scene.span(format!("●{text}"), if fresh { Role::Accent } else { Role::Dim })
        } else if rung < at && was_there(rung) {
            scene.text(format!("✓{text}"))
        } else if rung < at {
            scene.dim(format!("·{text}"))
        } else {
            scene.dim(format!("○{text}"))
        }
    };
    let here = rungs.iter().position(|rung| same(*rung, at)).unwrap_or(0);
    let last = rungs.len() - 1;
    let joined = |shown: &dyn Fn(usize) -> bool| {
        let mut spans: Vec<Span<'static>> = Vec::new();
        let mut before: Option<usize> = None;
        for (index, rung) in rungs.iter().enumerate().filter(|(index, _)| shown(*index)) {
            match before {
                Some(before) if before + 1 == index => spans.push(scene.dim(" ── ")),
                Some(_) => spans.push(scene.dim(" ─ … ─ ")),
                None => {}
            }
            spans.push(piece(*rung));
            before = Some(index);
        }
        spans
    };
    let wide = |spans: &[Span<'_>]| spans.iter().map(|span| format::width(&span.content)).sum::<usize>();
    // A long ladder is shortened to its ends and the steps next to the present one.
    let all = joined(&|_| true);
    if wide(&all) <= room {
        return all;
    }
    let near = |reach: usize| move |index: usize| index == 0 || index == last || index.abs_diff(here) <= reach;
    let some = joined(&near(2));
    if wide(&some) <= room { some } else { joined(&near(1)) }
}

fn timer(scene: &Canvas<'_>, release: &Release, fresh: bool) -> Vec<Span<'static>> {
    let now = scene.observed.now.at;
    let Some(bake) = &release.bake else {
        let idle = release.method == Method::Weighted && release.share.configured.is_some_and(Percent::is_zero);
        return if idle { vec![scene.dim("   no canary traffic")] } else { Vec::new() };
    };
    let timer = status::bake(scene, bake);
    let (text, role) = if bake.done(now) {
        (format!("baked {timer}"), Role::Text)
    } else {
        let left = format::clock(bake.of.saturating_sub(bake.elapsed(now)));
        (format!("baking {timer}, {left} left"), Role::Accent)
    };
    let mut spans = vec![Span::raw("   "), scene.span(text, if fresh { role } else { Role::Dim })];
    if !fresh {
        // An old share may have changed since.
        spans.push(scene.span(" (old)", Role::Warn));
    }
    if !bake.seen {
        spans.push(scene.dim(" (its start was not seen)"));
    }
    spans
}
