//! The tasks of a release by revision, and the details of the marked one: its stop reason, and hints.

use super::details;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state::{Kind, ORDERS, Part, Row, Section};
use crate::console::poll_schedule::source::Source;
use crate::console::screen::View;
use crate::console::screens::tasks;
use crate::console::state::list::Listed;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::parts;
use crate::console::widgets::table;
use crate::console::widgets::table::Listing;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::ecs::service::Task;
use crate::domain::health::stop_reason::Cause;
use crate::domain::release::Release;

/// Draws the view.
pub(crate) fn draw(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let list = scene.screen.list(View::Tasks);
    let fresh = age::tasks(scene, release);
    let mut rows = Vec::new();
    let mut at = 0;
    let mut shown: Vec<Row<'_>> = Vec::new();
    let mut sections = tasks::state::sections(scene.observed, list, release);
    for section in &mut sections {
        section.rows = list.shown(std::mem::take(&mut section.rows));
    }
    let marked = sections.iter().flat_map(|section| &section.rows);
    let marked = marked.map(Listed::id).position(|id| Some(id) == list.marked.as_deref()).unwrap_or(0);
    let mut services = Vec::new();
    for section in sections {
        if !services.contains(&section.service) {
            services.push(section.service);
            rows.extend(unread(scene, &section, columns));
        }
        let read = scene.observed.snapshot.tasks.get(section.service).is_some_and(|reading| reading.get().is_some());
        let heading = heading(scene, &section, release, read, columns);
        let lines = section.rows;
        if !read || list.find.only && list.find.active() && lines.is_empty() {
            continue;
        }
        rows.push(heading);
        if lines.is_empty() {
            rows.push(scene.line("  no tasks", Role::Dim));
        }
        for line in lines {
            let here = shown.len() == marked;
            if here {
                at = rows.len();
            }
            rows.push(row(scene, &line, here, fresh.good(), columns));
            shown.push(line);
        }
    }
    let said = parts::place(scene, &list.order_name(ORDERS), marked, shown.len(), "line");
    let title = table::title(scene, (release, View::Tasks), said, Some(&fresh), columns);
    let (marked, details) = match shown.get(marked) {
        Some(row) => (details::name(row), details::lines(scene, release, row, columns)),
        None => (String::new(), Vec::new()),
    };
    let headings = Some(headings(scene, columns));
    table::draw(scene, Listing { title, headings, rows, at, marked, details }, buffer, area);
}

/// The failure to read a service's tasks.
fn unread(scene: &Canvas<'_>, section: &Section<'_>, columns: usize) -> Vec<Line<'static>> {
    let reading = scene.observed.snapshot.tasks.get(section.service);
    let fresh = age::of(scene, Source::Tasks, reading);
    let service = format::clip(&section.service.service, 50);
    match (reading.and_then(|reading| reading.get()), &fresh.fault) {
        (None, Some((_, fault))) => {
            let mut lines = vec![scene.heading(&service, Vec::new(), columns)];
            lines.extend(parts::fault_lines(scene, fault, columns));
            lines
        }
        (None, None) => vec![scene.line(format!("tasks of {service} are not read yet"), Role::Dim)],
        (Some(_), Some((_, fault))) => {
            let why = format!("{}. {}", fault.headline(), fault.advice);
            let why = format::wrap(&why, columns.saturating_sub(2), 2);
            why.into_iter().map(|text| scene.line(format!("✖ {text}"), Role::Bad)).collect()
        }
        (Some(_), None) => Vec::new(),
    }
}

/// `── canary :42 1.9.0 ── 1 of 2 running · 1 pending · 6 failed in 4 min`.
fn heading(scene: &Canvas<'_>, section: &Section<'_>, release: &Release, read: bool, columns: usize) -> Line<'static> {
    let role = match section.part {
        Part::Canary | Part::New => Role::Canary,
        Part::Stable | Part::Both | Part::Service => Role::Stable,
        Part::Old | Part::Gone => Role::Dim,
    };
    let mut note = vec![scene.span(section.part.to_string(), role)];
    let version =
        scene.observed.snapshot.task_definition(&section.revision).and_then(|definition| definition.version());
    if let Some(version) = version {
        note.push(scene.text(format!(" {}", format::clip(version, 20))));
    }
    if release.canary.is_some() && !release.one_service() && columns >= 110 {
        note.push(scene.dim(format!(" {}", format::clip(&section.service.service, 40))));
    }
    if read {
        let of = section.wanted.map(|wanted| format!(" of {wanted}")).unwrap_or_default();
        note.push(scene.dim(" · "));
        note.push(scene.text(format!("{}{of} running", section.running)));
        if section.pending > 0 {
            note.push(scene.span(format!(" · {} pending", section.pending), Role::Warn));
        }
        if let Some(failed) = section.failed {
            let within = format::lasting(failed.within);
            note.push(scene.span(format!(" · {} failed in {within}", failed.count), Role::Bad));
        }
    }
    scene.heading(&section.revision.tag(), note, columns)
}

/// Widths of the columns, in characters.
fn widths(columns: usize) -> [usize; 7] {
    match columns {
        ..110 => [8, 17, 9, 10, 4, 15, 8],
        110..170 => [12, 20, 10, 14, 5, 16, 8],
        _ => [32, 22, 12, 16, 6, 18, 8],
    }
}

fn headings(scene: &Canvas<'_>, columns: usize) -> Line<'static> {
    let names = ["task", "state", "health", "zone", "age", "address", "restarts"];
    let mut text = "  ".to_owned();
    for (name, width) in names.into_iter().zip(widths(columns)) {
        text.push_str(&format::pad(name, width));
        text.push(' ');
    }
    scene.line(text.trim_end().to_owned(), Role::Dim)
}

fn row(scene: &Canvas<'_>, row: &Row<'_>, marked: bool, fresh: bool, columns: usize) -> Line<'static> {
    let mut spans = vec![scene.span(if marked { "▸ " } else { "  " }, Role::Accent)];
    match &row.kind {
        Kind::Failure { failure, .. } => {
            let (mark, role) = if failure.cause.blames_revision() { ("✖", Role::Bad) } else { ("▲", Role::Warn) };
            let role = if marked { Role::Marked } else { role };
            let tasks = format::many(failure.count, "task");
            spans.push(scene.span(format!("{mark} {tasks}: {}", failure.cause.word()), role));
            spans.push(scene.dim(format!("  newest {} ago: ", ago(scene, failure.newest))));
            let said = failure.newest.stopped_reason.as_deref().unwrap_or("no reason given");
            let used = format::wide(&spans);
            spans.push(scene.text(format::clip(said, columns.saturating_sub(used))));
        }
        Kind::Task { task, .. } if task.stopped() => spans.extend(stopped(scene, task, marked, columns)),
        Kind::Task { task, restarts } => spans.extend(up(scene, (task, *restarts), marked, fresh, columns)),
    }
    Line::from(spans)
}

fn ago(scene: &Canvas<'_>, task: &Task) -> String {
    task.stopped_at.map_or("?".to_owned(), |at| format::age(scene.observed.now.at.duration_since(at)))
}

/// A stopped task: its time and reason. A task that ECS stopped in the normal course is dimmed.
fn stopped(scene: &Canvas<'_>, task: &Task, marked: bool, columns: usize) -> Vec<Span<'static>> {
    let [ids, states, ..] = widths(columns);
    let id = format::pad(task.id(), ids);
    let state = format::pad(&format!("stopped {} ago", ago(scene, task)), states);
    let (why, role) = match Cause::of(task) {
        Some(cause) if cause.blames_revision() => (cause.word(), Role::Bad),
        Some(cause) => (cause.word(), Role::Warn),
        None => (task.stopped_reason.clone().unwrap_or_else(|| "by ECS, in the normal course".to_owned()), Role::Dim),
    };
    let why = format::clip(&why, columns.saturating_sub(ids + states + 4));
    vec![
        scene.span(id, if marked { Role::Marked } else { Role::Dim }),
        scene.dim(format!(" {state} ")),
        scene.span(why, role),
    ]
}

/// A task that is not stopped: its state, health and location.
fn up(
    scene: &Canvas<'_>,
    (task, restarts): (&Task, usize),
    marked: bool,
    fresh: bool,
    columns: usize,
) -> Vec<Span<'static>> {
    let [ids, states, healths, zones, ages, addresses, counts] = widths(columns);
    let status = task.status.to_lowercase();
    let state = match task.desired_status.to_lowercase() {
        wanted if wanted == status || wanted.is_empty() => status.clone(),
        wanted => format!("{status} {} {wanted}", scene.theme.arrow()),
    };
    let settled = task.status == "RUNNING" && task.desired_status == "RUNNING";
    let (health, health_role) = match task.health.as_deref() {
        Some("HEALTHY") if fresh => ("healthy".to_owned(), Role::Good),
        Some("HEALTHY") => ("healthy".to_owned(), Role::Dim),
        Some("UNHEALTHY") => ("✖ unhealthy".to_owned(), Role::Bad),
        // A container without a health check is UNKNOWN: nothing is known, and nothing is wrong.
        Some("UNKNOWN") | None => ("no check".to_owned(), Role::Dim),
        Some(other) => (other.to_lowercase(), Role::Warn),
    };
    let now = scene.observed.now.at;
    let age = task.created_at.map_or("?".to_owned(), |at| format::age(now.duration_since(at)));
    let quiet = if fresh { Role::Text } else { Role::Dim };
    let cells = [
        (format::pad(task.id(), ids), if marked { Role::Marked } else { Role::Title }),
        (format::pad(&state, states), if settled { quiet } else { Role::Warn }),
        (format::pad(&health, healths), health_role),
        (format::pad(task.zone.as_deref().unwrap_or("?"), zones), Role::Text),
        (format::pad(&age, ages), Role::Text),
        (format::pad(task.address.as_deref().unwrap_or("none"), addresses), Role::Dim),
        (format::pad_left(&restarts.to_string(), counts), if restarts > 0 { Role::Warn } else { Role::Dim }),
    ];
    let mut spans = Vec::new();
    for (text, role) in cells {
        spans.push(scene.span(text, role));
        spans.push(Span::raw(" "));
    }
    spans
}
