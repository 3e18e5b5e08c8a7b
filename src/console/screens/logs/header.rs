//! The header of the log view: the rates of each side, the progress of reading, and the logs that cannot be read.

use ratatui::text::{Line, Span};

use super::sources;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::ecs::service::Task;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::health::stop_reason;
use crate::domain::logs::LogSource;
use crate::domain::logs::buffer::LogSide;
use crate::domain::release::Release;

const SIDES: [LogSide; 3] = [LogSide::Stable, LogSide::Canary, LogSide::Unknown];

/// The role of a side.
pub(crate) fn role(whose: LogSide) -> Role {
    match whose {
        LogSide::Stable => Role::Stable,
        LogSide::Canary => Role::Canary,
        LogSide::Unknown => Role::Dim,
    }
}

/// The mode of reading: held, following, or at a marked line.
pub(crate) fn said(scene: &Canvas<'_>) -> Vec<Span<'static>> {
    let logs = &scene.screen.logs;
    if logs.held.is_some() {
        return vec![scene.span("held", Role::Warn)];
    }
    vec![scene.text(if logs.follows() { "following" } else { "f follows again" })]
}

/// The lines of the header; the last one is the heading of the list.
pub(crate) fn lines(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let logs = &scene.screen.logs;
    let mut lines = Vec::new();
    for (source, reading) in logs.readings() {
        if let Some(fault) = reading.and_then(|reading| reading.failing()) {
            let why = format::wrap(&failed(source, fault), columns.saturating_sub(2), 3);
            let first = |index| if index == 0 { "✖ " } else { "  " };
            let why = why.into_iter().enumerate().map(|(index, text)| format!("{}{text}", first(index)));
            lines.extend(why.map(|text| scene.line(text, Role::Bad)));
        }
    }
    for why in &logs.sources.unread {
        lines.extend(format::wrap(why, columns, 2).into_iter().map(|text| scene.line(text, Role::Warn)));
    }
    let shown = |whose: &LogSide| logs.sources.sides.contains(whose) || logs.book.all(*whose).lines > 0;
    for whose in SIDES.into_iter().filter(shown) {
        lines.push(side(scene, release, whose, columns));
        if logs.book.all(whose).lines == 0
            && let Some(why) = never_started(scene, release, whose)
        {
            let why = format::wrap(&why, columns.saturating_sub(2), 2).into_iter();
            lines.extend(why.map(|text| scene.line(format!("  {text}"), Role::Warn)));
        }
    }
    lines.push(reading(scene, columns));
    lines
}

/// A failure with its remedy.
fn failed(source: &LogSource, fault: &Fault) -> String {
    let advice = match fault.kind {
        FaultKind::Denied => format!("Ask for logs:FilterLogEvents on log group {}.", source.group),
        _ => fault.advice.clone(),
    };
    format!("{}. {advice}", fault.headline())
}

/// The rates and counts of a side's lines and errors.
fn side(scene: &Canvas<'_>, release: &Release, whose: LogSide, columns: usize) -> Line<'static> {
    let logs = &scene.screen.logs;
    let all = logs.book.all(whose);
    let mut name = sources::name(release, whose).to_owned();
    if let Some(revision) = sources::revision(release, whose) {
        name = format!("{name} {}", revision.tag());
    }
    let bad = |errors: bool| if errors { Role::Bad } else { Role::Text };
    let mut spans = vec![scene.span(format::pad(&name, 14), role(whose)), Span::raw(" ")];
    if let Some(rate) = logs.rate(whose) {
        spans.push(scene.text(format::pad_left(&format!("{} lines/s", number(rate.lines)), 15)));
        let errors = format!("{} errors/min", number(rate.errors));
        spans.push(scene.span(format::pad_left(&errors, 17), bad(rate.errors > 0.0)));
    } else {
        let why = if whose == LogSide::Unknown { "its tasks are not known" } else { "no rate yet" };
        spans.push(scene.dim(format::pad_left(why, 32)));
    }
    let lines = format::count(all.lines as f64);
    spans.push(scene.dim(format::pad_left(&format!("{lines} lines"), 18)));
    let errors = format::count(all.errors as f64);
    spans.push(scene.span(format::pad_left(&format!("{errors} errors"), 14), bad(all.errors > 0)));
    if columns >= 110 && all.lines > 0 {
        let share = format::rate(all.errors as f64 / all.lines as f64 * 100.0);
        spans.push(scene.dim(format!("  {share} of its lines")));
    }
    Line::from(spans)
}

/// A rate in its shortest form that does not mislead: a rate above zero is never shown as zero.
fn number(rate: f64) -> String {
    match rate {
        r if r <= 0.0 => "0".to_owned(),
        r if r < 0.1 => "<0.1".to_owned(),
        r if r < 10.0 => format!("{r:.1}"),
        r => format::count(r),
    }
}

/// The progress of reading.
fn reading(scene: &Canvas<'_>, columns: usize) -> Line<'static> {
    let logs = &scene.screen.logs;
    let mut note = Vec::new();
    if let Some(task) = &logs.task {
        let from = if task.whole { "" } else { ", the end of it" };
        note.push(scene.text(format!("task {}{from} · ", format::clip(&task.id, 34))));
    } else if let Some(whose) = logs.sides
        && let Some(release) = scene.screen.focus(scene.observed)
    {
        note.push(scene.span(format!("{} only", sources::name(release, whose)), role(whose)));
        note.push(scene.dim(" · "));
    }
    let behind = logs.reach().map(|reach| format::lasting(scene.observed.now.at.duration_since(reach)));
    if logs.held.is_some() {
        let behind = behind.map_or_else(|| "nothing was read".to_owned(), |behind| format!("{behind} behind"));
        note.push(scene.span(format!("held, {behind}: space goes on"), Role::Warn));
    } else if logs.sources.read.is_empty() {
        note.push(scene.span("nothing here can be read", Role::Warn));
    } else if logs.catching_up() {
        match behind {
            Some(behind) => note.push(scene.span(format!("catching up: {behind} behind"), Role::Warn)),
            None => note.push(scene.dim("not read yet")),
        }
    } else {
        note.push(scene.dim("caught up"));
    }
    if let Some(since) = logs.since() {
        note.push(scene.dim(format!(" · since {}", since.strftime("%H:%M:%SZ"))));
    }
    let unsearched = logs.book.unsearched();
    if unsearched > 0 {
        note.push(scene.span(format!(" · searching: {} lines to go", format::count(unsearched as f64)), Role::Warn));
    }
    let kept = logs.book.kept() as f64;
    let all: u64 = SIDES.into_iter().map(|whose| logs.book.all(whose).lines).sum();
    if (kept as u64) < all {
        note.push(scene.dim(format!(" · the last {} kept", format::count(kept))));
    }
    scene.heading("lines", note, columns)
}

/// The reason why no line is shown: none matches, or none was written.
pub(crate) fn nothing(scene: &Canvas<'_>) -> Vec<Line<'static>> {
    let logs = &scene.screen.logs;
    if logs.book.kept() > 0 {
        return vec![scene.line("no line that is kept is shown: esc ends the search, tab shows both sides", Role::Dim)];
    }
    let mut lines = Vec::new();
    if let (Some(since), Some(_)) = (logs.since(), logs.reach()) {
        let since = since.strftime("%H:%M:%SZ");
        lines.push(scene.line(format!("no lines yet since {since}"), Role::Dim));
    } else if !logs.sources.read.is_empty() && logs.readings().all(|(_, reading)| reading.is_none()) {
        lines.push(scene.line("reading…", Role::Dim));
    }
    lines
}

/// The reason why a side has no log: none of its tasks ever started, and some are known to have failed.
fn never_started(scene: &Canvas<'_>, release: &Release, whose: LogSide) -> Option<String> {
    let only = scene.screen.logs.task.as_ref();
    let services: Vec<_> = release.services().map(|side| &side.service).collect();
    let mut tasks: Vec<&Task> = Vec::new();
    for service in services {
        let read = scene.observed.snapshot.tasks.get(service).and_then(|reading| reading.get()).into_iter().flatten();
        let of = |task: &&Task| sources::whose(release, service, &task.task_definition) == Some(whose);
        tasks.extend(read.filter(of).filter(|task| only.is_none_or(|only| only.id == task.id())));
    }
    if tasks.is_empty() || tasks.iter().any(|task| task.started_at.is_some()) {
        return None;
    }
    let failures = stop_reason::failures(tasks.iter().copied());
    let first = failures.first()?;
    let said = first.newest.stopped_reason.as_deref().unwrap_or_default();
    let name = sources::name(release, whose);
    let of =
        if tasks.len() == 1 { "its task has not".to_owned() } else { format!("none of its {} tasks has", tasks.len()) };
    Some(format!("{name} has no log: {of} started: {}. {said}", first.cause.word()))
}
