//! The head of a release: both revisions, the traffic between them, the ladder, the verdict, the conditions.

use ratatui::text::{Line, Span};

use super::{auto_promotion, health, ladder, stages, verdict};
use crate::console::widgets::age::Part;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format::LABEL;
use crate::console::widgets::parts;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format, status};
use crate::console::wording::KEYS;
use crate::domain::ecs::route::{Forward, target_group_name};
use crate::domain::health::revision_tasks::RevisionTasks;
use crate::domain::release::share::Percent;
use crate::domain::release::{Method, Phase, Release, Side};

/// Columns of a version, and of the task count.
const VERSION: usize = 11;
const TASKS: usize = 14;

/// The lines of the head.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let mut lines = vec![title(scene, release, columns)];
    lines.extend(auto_promotion::line(scene, release, columns));
    for (part, side) in age::parts(release) {
        lines.push(self::side(scene, release, part, side, columns));
        lines.extend(rollouts(scene, release, side));
    }
    lines.extend(health::line(scene, release, columns));
    if release.canary.is_some() {
        lines.push(traffic(scene, release, columns));
        lines.extend(stages::off_contract(scene, release));
        // A rollback has no next step.
        if release.phase != Phase::RollingBack || !release.method.shifted_by_ecs() {
            lines.push(ladder::line(scene, release, columns));
        }
    }
    lines.extend(stages::lines(scene, release, columns));
    lines.extend(stages::trouble(scene, release, columns));
    lines.extend(verdict::lines(scene, release, columns));
    lines.extend(release.other_conditions().filter(|it| !stages::tells(release, it)).take(3).map(|condition| {
        Line::from(vec![
            scene.span(format::pad("▲ note", LABEL), Role::Warn),
            scene.text(format::clip(&condition.message(KEYS), columns.saturating_sub(LABEL))),
        ])
    }));
    lines.extend(stages::watched(scene, release, columns));
    lines
}

/// Name, method, cluster and status.
pub fn title(scene: &Canvas<'_>, release: &Release, columns: usize) -> Line<'static> {
    let (shape, shape_role) = status::shape(release);
    let mut spans = vec![
        scene.span(if shape == " " { String::new() } else { format!("{shape} ") }, shape_role),
        scene.span(format::clip(&release.name, columns / 3), Role::Title),
        scene.dim(format!("  {} · cluster {}", release.method, format::clip(&release.stable.service.cluster, 30))),
        Span::raw("   "),
    ];
    let used: usize = spans.iter().map(|span| format::width(&span.content)).sum();
    let (words, role) = status::words(scene, release, columns.saturating_sub(used));
    spans.push(scene.span(words, role));
    if let Some(why) = &release.watch_only {
        spans.push(scene.span("  watch only: ", Role::Warn));
        spans.push(scene.text(format::clip(why, columns)));
    }
    Line::from(spans)
}

/// One side: its revision, tasks, targets and weight.
fn side(scene: &Canvas<'_>, release: &Release, part: Part, side: &Side, columns: usize) -> Line<'static> {
    let (label, role) = part.word();
    let tag = format::pad(&side.task_definition.tag(), 6);
    // A long version still leaves a space before the counts.
    let version = format!("{} ", format::pad(side.version.as_deref().unwrap_or("version ?"), VERSION - 1));
    let own = side.own();
    let short = own.running < own.desired;
    let tasks = format!("{}/{} running", own.running, own.desired);
    let mut spans = vec![
        scene.span(format::pad(label, LABEL), role),
        scene.span(tag, Role::Title),
        scene.span(version, if side.version.is_some() { Role::Text } else { Role::Dim }),
        scene.span(format::pad(&tasks, TASKS), if short { Role::Warn } else { Role::Text }),
    ];
    let (health, health_role) = health(scene, release, &own);
    spans.push(scene.span(format::pad(&health, 17), health_role));
    if release.canary.is_some() {
        let weight = side.weight.map_or("weight ?".to_owned(), |weight| format!("weight {weight}"));
        spans.push(scene.text(format::pad(&weight, 11)));
    }
    let digest = digest(scene, side);
    spans.push(scene.dim(if columns >= 110 { format::pad(&digest, 16) } else { digest }));
    if columns >= 110 {
        // Two revisions of one service are behind different target groups.
        let group = side.target_group.as_ref().filter(|_| release.one_service());
        let name = group.and_then(age::group_name).unwrap_or(&side.service.service);
        spans.push(scene.dim(format::clip(name, 40)));
    }
    Line::from(spans)
}

/// The pending and failed tasks of a side's rollout, and the older revisions, while more than one revision runs.
fn rollouts(scene: &Canvas<'_>, release: &Release, side: &Side) -> Vec<Line<'static>> {
    if side.revisions.len() < 2 {
        return Vec::new();
    }
    let own = side.own();
    let of = |count: u32, word: &str| (count > 0).then(|| format!("{count} {word}"));
    let pending = of(own.pending, "pending").unwrap_or_default();
    let failed = of(own.failed, "failed").unwrap_or_default();
    let between = if pending.is_empty() || failed.is_empty() { "" } else { ", " };
    let still = Line::from(vec![
        scene.dim(format::pad("", LABEL)),
        scene.text(format!("{pending}{between}")),
        scene.span(failed.clone(), Role::Bad),
    ]);
    let still = (!pending.is_empty() || !failed.is_empty()).then_some(still);
    let old = |old: &RevisionTasks| {
        let (health, role) = health(scene, release, old);
        Line::from(vec![
            scene.dim(format::pad("old", LABEL)),
            scene.span(format::pad(&old.task_definition.tag(), 6), Role::Stable),
            scene.text(format::pad("", VERSION)),
            scene.text(format::pad(&format!("{}/{} running", old.running, old.desired), TASKS)),
            scene.span(health, role),
        ])
    };
    still.into_iter().chain(side.others().take(2).map(old)).collect()
}

fn health(scene: &Canvas<'_>, release: &Release, of: &RevisionTasks) -> (String, Role) {
    let fresh = age::health(scene, release);
    match (of.healthy, fresh) {
        (_, None) => ("no targets".to_owned(), Role::Dim),
        (None, _) => ("health unknown".to_owned(), Role::Warn),
        (Some(healthy), Some(fresh)) if !fresh.good() => (format!("{healthy} healthy, old"), Role::Dim),
        (Some(healthy), _) if healthy < of.desired => (format!("{healthy} healthy ▲"), Role::Warn),
        (Some(0), _) => ("0 healthy".to_owned(), Role::Dim),
        (Some(healthy), _) => (format!("{healthy} healthy ✓"), Role::Good),
    }
}

/// The image digest of the running tasks; a tag can move, a digest cannot.
fn digest(scene: &Canvas<'_>, side: &Side) -> String {
    let tasks = scene.observed.snapshot.tasks.get(&side.service).and_then(|reading| reading.get());
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
        // Twelve digits suffice to tell images apart.
        [one] => one.strip_prefix("sha256:").unwrap_or(one).chars().take(12).collect(),
        several => format!("{} different digests", several.len()),
    }
}

/// The requested, configured and observed share, and a bar of the configured one.
fn traffic(scene: &Canvas<'_>, release: &Release, columns: usize) -> Line<'static> {
    let share = &release.share;
    let mut spans = vec![scene.dim(format::pad("traffic", LABEL))];
    // With the native method ECS requests the share; otherwise this console does.
    let asked = if release.method == Method::Native { "requested by ECS " } else { "requested " };
    let bar = if columns >= 170 { 40 } else { columns.saturating_sub(52 + format::width(asked)).min(30) };
    match share.configured {
        Some(configured) => {
            spans.extend(parts::share_bar(scene, configured, bar));
            spans.push(Span::raw(" "));
        }
        None if release.rules.is_empty() => spans.push(scene.span("not known  ", Role::Warn)),
        None => spans.push(scene.span("nobody is served  ", Role::Bad)),
    }
    let say = |value: Option<Percent>, none: &str| value.map_or(none.to_owned(), |share| share.to_string());
    let usable = age::metrics(scene, release).is_some_and(|source| source.good());
    // Without a settled minute, a share of zero was not observed either.
    let observed = share.observed.filter(|share| !share.is_zero() || release.verdict.judged.minutes > 0);
    spans.extend([
        scene.dim(asked),
        scene.text(say(share.requested, "–")),
        scene.dim(" · configured "),
        scene.span(say(share.configured, if release.rules.is_empty() { "not read" } else { "0 and 0" }), Role::Canary),
        scene.dim(" · observed "),
        scene.span(observed.map_or("no data".to_owned(), format::share), if usable { Role::Text } else { Role::Dim }),
    ]);
    if !usable && observed.is_some() {
        spans.push(scene.span(" old", Role::Warn));
    }
    let used: usize = spans.iter().map(|span| format::width(&span.content)).sum();
    let beside = beside(release).filter(|text| used + format::width(text) <= columns);
    spans.extend(beside.map(|text| scene.dim(text)));
    Line::from(spans)
}

/// The target groups that are no part of the release and have a share of its rule: ` · others: checkout-legacy 10%`.
fn beside(release: &Release) -> Option<String> {
    let rule = release.rules.first()?;
    let weight = |to: &Forward| f64::from(to.weight.value());
    let all: f64 = rule.route.forwards.iter().map(weight).sum();
    let others = rule.others().filter(|to| weight(to) > 0.0);
    let share = |to: &Forward| Percent::new(weight(to) * 100.0 / all).ok();
    let named: Vec<_> = others
        .filter_map(|to| Some(format!("{} {}", target_group_name(&to.target_group), format::share(share(to)?))))
        .collect();
    (!named.is_empty()).then(|| format!(" · others: {}", named.join(", ")))
}
