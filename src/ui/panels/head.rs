//! The top of a release: both revisions, the traffic between them, the ladder, the verdict, what is odd.

use ratatui::text::{Line, Span};

use super::verdict;
use crate::domain::release::{Method, Release, Side};
use crate::domain::service::Rollout;
use crate::domain::share::Percent;
use crate::ui::scene::Scene;
use crate::ui::theme::Role;
use crate::ui::{fleet, freshness, state, words};

/// Columns of the labels at the left.
pub const LABEL: usize = 9;

/// All of it.
pub fn lines(scene: &Scene<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let mut lines = vec![title(scene, release, columns)];
    lines.push(side(scene, release, &release.stable, columns));
    lines.extend(rollouts(scene, release));
    if let Some(canary) = &release.canary {
        lines.push(side(scene, release, canary, columns));
        lines.push(traffic(scene, release, columns));
        lines.push(ladder(scene, release));
    }
    lines.extend(verdict::lines(scene, release, columns));
    lines.extend(release.remarks.iter().take(3).map(|remark| {
        Line::from(vec![
            scene.span(words::pad("▲ note", LABEL), Role::Warn),
            scene.text(words::clip(remark, columns.saturating_sub(LABEL))),
        ])
    }));
    lines
}

fn title(scene: &Scene<'_>, release: &Release, columns: usize) -> Line<'static> {
    let (shape, shape_role) = state::shape(release);
    let (words, role) = state::words(scene, release);
    let mut spans = vec![
        scene.span(if shape == " " { String::new() } else { format!("{shape} ") }, shape_role),
        scene.span(words::clip(&release.name, columns / 3), Role::Title),
        scene.dim(format!("  {} · cluster {}", release.method, words::clip(&release.stable.service.cluster, 30))),
        Span::raw("   "),
        scene.span(words, role),
    ];
    if let Some(why) = &release.watch_only {
        spans.push(scene.span("  watch only: ", Role::Warn));
        spans.push(scene.text(words::clip(why, columns)));
    }
    Line::from(spans)
}

/// One service: what it runs, its tasks and targets, its weight.
fn side(scene: &Scene<'_>, release: &Release, side: &Side, columns: usize) -> Line<'static> {
    let (label, role) = match &release.canary {
        Some(canary) if canary.service == side.service => ("canary", Role::Canary),
        Some(_) => ("stable", Role::Stable),
        None => ("service", Role::Stable),
    };
    let tag = words::pad(&side.task_definition.tag(), 6);
    let version = words::pad(side.version.as_deref().unwrap_or("version ?"), 11);
    let short = side.running < side.desired;
    let tasks = format!("{}/{} running", side.running, side.desired);
    let mut spans = vec![
        scene.span(words::pad(label, LABEL), role),
        scene.span(tag, Role::Title),
        scene.span(version, if side.version.is_some() { Role::Text } else { Role::Dim }),
        scene.span(words::pad(&tasks, 14), if short { Role::Warn } else { Role::Text }),
    ];
    let (health, health_role) = health(scene, release, side);
    spans.push(scene.span(words::pad(&health, 17), health_role));
    if release.canary.is_some() {
        let weight = side.weight.map_or("weight ?".to_owned(), |weight| format!("weight {weight}"));
        spans.push(scene.text(words::pad(&weight, 11)));
    }
    let digest = digest(scene, side);
    spans.push(scene.dim(if columns >= 110 { words::pad(&digest, 16) } else { digest }));
    if columns >= 110 {
        spans.push(scene.dim(words::clip(&side.service.service, 40)));
    }
    Line::from(spans)
}

/// The rollouts of a service that replaces its tasks in place, while there is more than one.
fn rollouts(scene: &Scene<'_>, release: &Release) -> Vec<Line<'static>> {
    let service = scene.model.snapshot.service(&release.stable.service).filter(|_| release.canary.is_none());
    let rollouts = service.map(|service| service.rollouts.as_slice()).unwrap_or_default();
    if rollouts.len() < 2 {
        return Vec::new();
    }
    let line = |rollout: &Rollout| {
        let new = rollout.role == "PRIMARY";
        let failed = if rollout.failed > 0 { format!(", {} failed", rollout.failed) } else { String::new() };
        Line::from(vec![
            scene.dim(words::pad(if new { "new" } else { "old" }, LABEL)),
            scene.span(words::pad(&rollout.task_definition.tag(), 6), if new { Role::Canary } else { Role::Stable }),
            scene.text(format!("{}/{} running", rollout.running, rollout.desired)),
            scene.text(if rollout.pending > 0 { format!(", {} pending", rollout.pending) } else { String::new() }),
            scene.span(failed, Role::Bad),
        ])
    };
    rollouts.iter().take(3).map(line).collect()
}

fn health(scene: &Scene<'_>, release: &Release, side: &Side) -> (String, Role) {
    let fresh = freshness::health(scene, release);
    match (side.healthy, fresh) {
        (_, None) => ("no targets".to_owned(), Role::Dim),
        (None, _) => ("health unknown".to_owned(), Role::Warn),
        (Some(healthy), Some(fresh)) if !fresh.good() => (format!("{healthy} healthy, old"), Role::Dim),
        (Some(healthy), _) if healthy < side.desired => (format!("{healthy} healthy ▲"), Role::Warn),
        (Some(0), _) => ("0 healthy".to_owned(), Role::Dim),
        (Some(healthy), _) => (format!("{healthy} healthy ✓"), Role::Good),
    }
}

/// The image's digest as the running tasks have it; tags move, digests do not.
fn digest(scene: &Scene<'_>, side: &Side) -> String {
    let tasks = scene.model.snapshot.tasks.get(&side.service).and_then(|reading| reading.get());
    let mut digests: Vec<&str> = tasks
        .into_iter()
        .flatten()
        .filter(|task| task.task_definition == side.task_definition && task.status == "RUNNING")
        .filter_map(|task| task.image_digests.first().map(String::as_str))
        .collect();
    digests.sort_unstable();
    digests.dedup();
    match digests.as_slice() {
        [] => "digest ?".to_owned(),
        // Twelve digits tell images apart as well as all of them.
        [one] => one.strip_prefix("sha256:").unwrap_or(one).chars().take(12).collect(),
        several => format!("{} different digests", several.len()),
    }
}

/// What was asked for, what the rule says, what requests show; and a bar of what the rule says.
fn traffic(scene: &Scene<'_>, release: &Release, columns: usize) -> Line<'static> {
    let share = &release.share;
    let mut spans = vec![scene.dim(words::pad("traffic", LABEL))];
    let bar = if columns >= 170 { 40 } else { columns.saturating_sub(62).min(30) };
    match share.configured {
        Some(configured) => {
            spans.extend(fleet::share_bar(scene, configured, bar));
            spans.push(Span::raw(" "));
        }
        None => spans.push(scene.span("nobody is served  ", Role::Bad)),
    }
    let say = |value: Option<Percent>, none: &str| value.map_or(none.to_owned(), |share| share.to_string());
    let usable = freshness::metrics(scene, release).is_some_and(|source| source.good());
    spans.extend([
        scene.dim("requested "),
        scene.text(say(share.requested, "–")),
        scene.dim(" · configured "),
        scene.span(say(share.configured, "0 and 0"), Role::Canary),
        scene.dim(" · observed "),
        scene.span(say(share.observed, "no data"), if usable { Role::Text } else { Role::Dim }),
    ]);
    if !usable && share.observed.is_some() {
        spans.push(scene.span(" old", Role::Warn));
    }
    Line::from(spans)
}

/// The steps, where the release is among them, and for how long it has been there.
fn ladder(scene: &Scene<'_>, release: &Release) -> Line<'static> {
    let mut spans = vec![scene.dim(words::pad("ladder", LABEL))];
    let at = release.share.configured.unwrap_or(Percent::ZERO).value();
    let mut rungs: Vec<f64> = release.ladder.steps().iter().map(|step| step.value()).collect();
    if !rungs.iter().any(|rung| (rung - at).abs() < 1e-6) {
        rungs.push(at);
        rungs.sort_by(f64::total_cmp);
    }
    for (index, rung) in rungs.iter().enumerate() {
        if index > 0 {
            spans.push(scene.dim(" ── "));
        }
        let text = Percent::new(*rung).map(|share| share.to_string()).unwrap_or_default();
        spans.push(if (rung - at).abs() < 1e-6 {
            scene.span(format!("●{text}"), Role::Accent)
        } else if *rung < at {
            scene.text(format!("✓{text}"))
        } else {
            scene.dim(format!("○{text}"))
        });
    }
    let now = scene.model.now.at;
    if let Some(bake) = &release.bake {
        let timer = state::bake(scene, bake);
        let (text, role) = if bake.done(now) {
            (format!("baked {timer}"), Role::Text)
        } else {
            let left = words::clock(bake.of.saturating_sub(bake.elapsed(now)));
            (format!("baking {timer}, {left} left"), Role::Accent)
        };
        spans.push(Span::raw("   "));
        spans.push(scene.span(text, role));
        if !bake.seen {
            spans.push(scene.dim(" (its start was not seen)"));
        }
    } else if release.method == Method::Weighted && at == 0.0 {
        spans.push(scene.dim("   no canary traffic"));
    }
    Line::from(spans)
}
