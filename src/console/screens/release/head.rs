//! The head of a release: its banner, the ladder, both revisions, the numbers behind the verdict, the conditions.

use ratatui::text::Line;

use super::{auto_promotion, ladder, stages, verdict};
use crate::console::screens::banner;
use crate::console::screens::banner::state::State;
use crate::console::widgets::age::Part;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format::LABEL;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::console::wording::KEYS;
use crate::domain::health::revision_tasks::RevisionTasks;
use crate::domain::release::condition::Condition;
use crate::domain::release::{Phase, Release, Side};

/// Columns from which weights and digests are shown.
const IDS: usize = 72;
/// Columns of a version, and of the task count.
const VERSION: usize = 11;
const TASKS: usize = 14;

/// The lines of the head. `keys`: whether the banner says the keys.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize, keys: bool) -> Vec<Line<'static>> {
    let mut lines = banner::lines(scene, release, columns, keys);
    lines.extend(auto_promotion::lines(scene, release, columns));
    if release.canary.is_some() {
        // A rollback has no next step.
        if release.phase != Phase::RollingBack || !release.method.shifted_by_ecs() {
            lines.push(ladder::line(scene, release, columns));
        }
        lines.extend(stages::off_contract(scene, release));
    }
    lines.extend(stages::lines(scene, release, columns));
    for (part, side) in age::parts(release) {
        lines.push(self::side(scene, release, part, side, columns));
        lines.extend(rollouts(scene, release, side));
    }
    lines.extend(stages::trouble(scene, release, columns));
    lines.extend(verdict::lines(scene, release, columns));
    lines.extend(notes(scene, release, columns));
    lines.extend(stages::watched(scene, release, columns));
    lines
}

/// Rows for all notes together: a note alone has room for its whole sentence.
const NOTES: usize = 6;

/// The oddities of a release that are not in its banner.
fn notes(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let told = match State::of(scene, release) {
        State::Unhealthy(_) => release.unsteady(),
        State::SteadyNoted => release.conditions.first(),
        State::Failed => release.conditions.iter().find(|it| matches!(it, Condition::RolloutFailure(_))),
        State::RolledBack => release.conditions.iter().find(|it| matches!(it, Condition::RolledBack { .. })),
        _ => None,
    };
    let others = release.other_conditions().filter(|it| !stages::tells(release, it) && Some(*it) != told);
    let only = release.watch_only.as_ref().map(|why| format!("watch only: {why}"));
    let texts: Vec<_> = only.into_iter().chain(others.take(3).map(|condition| condition.message(KEYS))).collect();
    let rows = (NOTES / texts.len().max(1)).clamp(2, NOTES);
    let room = columns.saturating_sub(LABEL);
    let line = |(row, text): (usize, String)| {
        let label = format::pad(if row == 0 { "▲ note" } else { "" }, LABEL);
        Line::from(vec![scene.span(label, Role::Warn), scene.text(text)])
    };
    let wrapped = texts.iter().map(|text| format::wrap(text, room, rows));
    wrapped.flat_map(|lines| lines.into_iter().enumerate().map(line)).collect()
}

/// One side: its revision, tasks, targets and weight.
fn side(scene: &Canvas<'_>, release: &Release, part: Part, side: &Side, columns: usize) -> Line<'static> {
    let (label, role) = part.word();
    // Beside an older revision of the same service, this is the new one.
    let label = if side.revisions.len() > 1 && part == Part::Alone { "new" } else { label };
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
    if columns < IDS {
        return Line::from(spans);
    }
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
