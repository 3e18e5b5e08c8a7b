//! The targets of a release by target group, and the details of the marked one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state::{Left, ORDERS, Row, Section, word};
use crate::console::poll_schedule::source::Source;
use crate::console::screen::View;
use crate::console::screens::targets;
use crate::console::widgets::age;
use crate::console::widgets::age::Freshness;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::parts;
use crate::console::widgets::table;
use crate::console::widgets::table::Listing;
use crate::console::widgets::theme::Role;
use crate::domain::ecs::route::{Health, TargetGroup, TargetState, target_group_name};
use crate::domain::release::Release;

/// Draws the view.
pub(crate) fn draw(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let list = scene.screen.list(View::Targets);
    let sections = targets::state::sections(scene.observed, list, release);
    let marked = list.at(&list.shown(targets::state::rows(scene.observed, list, release)));
    let widths = widths(columns, &sections);
    let (mut rows, mut at, mut shown) = (Vec::new(), 0, Vec::new());
    for section in &sections {
        let fresh = age::of(scene, Source::Health, section.reading);
        let lines = list.shown(section.rows.clone());
        if list.find.only && list.find.active() && lines.is_empty() {
            continue;
        }
        rows.push(heading(scene, section, &fresh, columns));
        rows.push(check(scene, section, columns));
        rows.extend(unread(scene, section, &fresh, columns));
        for line in lines {
            let here = shown.len() == marked;
            if here {
                at = rows.len();
            }
            rows.push(row(scene, (section, &line), (here, fresh.good()), widths, columns));
            shown.push((line, section));
        }
    }
    if sections.is_empty() {
        rows.push(scene.line("no target group: no load balancer sends anything to it", Role::Text));
    }
    let said = parts::place(scene, &list.order_name(ORDERS), marked, shown.len(), "target");
    let fresh = age::health(scene, release);
    let title = table::title(scene, (release, View::Targets), said, fresh.as_ref(), columns);
    let (marked, details) = match shown.get(marked) {
        Some((row, section)) => {
            (format!("target {}", format::clip(&row.target.address(), 60)), details(scene, section, row, columns))
        }
        None => (String::new(), Vec::new()),
    };
    let headings = (!sections.is_empty()).then(|| headings(scene, widths));
    table::draw(scene, Listing { title, headings, rows, at, marked, details }, buffer, area);
}

/// `── checkout-canary ── canary · weight 10, 10% · 2 healthy · 1 unhealthy ✖`.
fn heading(scene: &Canvas<'_>, section: &Section<'_>, fresh: &Freshness, columns: usize) -> Line<'static> {
    let mut note = Vec::new();
    match section.side {
        Some((side, canary)) => {
            let (word, role) = if canary { ("canary", Role::Canary) } else { ("stable", Role::Stable) };
            note.push(scene.span(word, role));
            note.push(scene.dim(" · "));
            let weight = side.weight.map_or("weight ?".to_owned(), |weight| format!("weight {weight}"));
            note.push(scene.text(weight));
        }
        None => note.push(scene.dim("in no use")),
    }
    if let Some(health) = section.reading.and_then(|reading| reading.get()) {
        for (count, word, role) in counted(health, fresh.good()) {
            note.push(scene.dim(" · "));
            note.push(scene.span(format!("{count} {word}"), role));
        }
    }
    scene.heading(&format::clip(target_group_name(section.group), 40), note, columns)
}

fn counted(health: &Health, fresh: bool) -> Vec<(u32, &'static str, Role)> {
    let good = if fresh && health.healthy > 0 { Role::Good } else { Role::Dim };
    let all = [
        (health.healthy, "healthy", good),
        (health.unhealthy, "unhealthy ✖", Role::Bad),
        (health.initial, "initial", Role::Warn),
        (health.draining, "draining", Role::Dim),
        (health.other, "unused or unknown", Role::Warn),
    ];
    all.into_iter().filter(|(count, word, _)| *count > 0 || *word == "healthy").collect()
}

/// The settings of a group's health check.
fn check(scene: &Canvas<'_>, section: &Section<'_>, columns: usize) -> Line<'static> {
    let reading = scene.observed.snapshot.target_groups.get(section.group);
    let text = match (section.settings, reading.and_then(|reading| reading.failing())) {
        (Some(settings), _) => checked(settings),
        (None, Some(fault)) => format!("how it is checked could not be read: {}", fault.headline()),
        (None, None) => "how it is checked is not read yet".to_owned(),
    };
    scene.line(format!("  {}", format::clip(&text, columns.saturating_sub(2))), Role::Dim)
}

fn checked(settings: &TargetGroup) -> String {
    let mut said = vec![settings.check.clone()];
    said.extend(settings.interval.map(|seconds| format!("every {seconds} s")));
    said.extend(settings.timeout.map(|seconds| format!("{seconds} s to answer")));
    said.extend(settings.healthy_after.map(|checks| format!("healthy after {checks}")));
    said.extend(settings.unhealthy_after.map(|checks| format!("unhealthy after {checks}")));
    said.push(match settings.deregistration_delay {
        Some(seconds) => format!("drains {seconds} s"),
        None => "how long it drains is not known".to_owned(),
    });
    said.join(", ")
}

fn unread(scene: &Canvas<'_>, section: &Section<'_>, fresh: &Freshness, columns: usize) -> Vec<Line<'static>> {
    match (section.reading.and_then(|reading| reading.get()), &fresh.fault) {
        (None, Some((_, fault))) => parts::fault_lines(scene, fault, columns),
        (None, None) => vec![scene.line("  health unknown: not read yet", Role::Warn)],
        (Some(_), Some((_, fault))) => {
            let text = format!("✖ old: {}", fault.headline());
            vec![scene.line(format::clip(&text, columns), Role::Bad)]
        }
        (Some(health), None) if health.targets.is_empty() => {
            vec![scene.line("  no targets: nothing is registered here", Role::Warn)]
        }
        (Some(_), None) => Vec::new(),
    }
}

/// Widths of the columns before the reason, which takes the rest. Long addresses get more room, as far as there is some.
fn widths(columns: usize, sections: &[Section<'_>]) -> [usize; 5] {
    let (most, [least, others @ ..]) = match columns {
        ..110 => (25, [18, 10, 11, 9, 5]),
        110..170 => (36, [21, 12, 12, 12, 6]),
        _ => (47, [24, 16, 14, 32, 8]),
    };
    let addresses = sections.iter().flat_map(|section| &section.rows).map(|row| row.target.address());
    let longest = addresses.map(|address| format::width(&address)).max().unwrap_or(0);
    let [zones, states, tasks, revisions] = others;
    [longest.clamp(least, most), zones, states, tasks, revisions]
}

fn headings(scene: &Canvas<'_>, widths: [usize; 5]) -> Line<'static> {
    let mut text = "  ".to_owned();
    for (name, width) in ["target", "zone", "state", "task", "of"].into_iter().zip(widths) {
        text.push_str(&format::pad(name, width));
        text.push(' ');
    }
    text.push_str("why");
    scene.line(text, Role::Dim)
}

/// The shape and the role of a state. An unknown or old state is never green.
fn shape(state: &TargetState, fresh: bool) -> (&'static str, Role) {
    match state {
        TargetState::Healthy if fresh => ("✓ ", Role::Good),
        TargetState::Healthy => ("  ", Role::Dim),
        TargetState::Unhealthy => ("✖ ", Role::Bad),
        TargetState::Initial => ("● ", Role::Warn),
        TargetState::Draining => ("○ ", Role::Dim),
        TargetState::Unused | TargetState::Other(_) => ("▲ ", Role::Warn),
    }
}

fn row(
    scene: &Canvas<'_>,
    (section, row): (&Section<'_>, &Row<'_>),
    (marked, fresh): (bool, bool),
    [ids, zones, states, tasks, revisions]: [usize; 5],
    columns: usize,
) -> Line<'static> {
    let (shape, role) = shape(&row.target.state, fresh);
    let (task, revision) = match row.task {
        Some(task) => (task.id().to_owned(), task.task_definition.tag()),
        None => ("?".to_owned(), "?".to_owned()),
    };
    let cells = [
        (
            format::pad(&format::clip_start(&row.target.address(), ids), ids),
            if marked { Role::Marked } else { Role::Title },
        ),
        (format::pad(row.target.zone.as_deref().unwrap_or("?"), zones), Role::Text),
        (format::pad(&format!("{shape}{}", word(&row.target.state)), states), role),
        (format::pad(&task, tasks), Role::Dim),
        (format::pad(&revision, revisions), Role::Text),
    ];
    let mut spans = vec![scene.span(if marked { "▸ " } else { "  " }, Role::Accent)];
    for (text, role) in cells {
        spans.push(scene.span(text, role));
        spans.push(Span::raw(" "));
    }
    let used = format::wide(&spans);
    let why = left(scene, section, row).or_else(|| row.target.reason.clone()).unwrap_or_default();
    spans.push(scene.span(format::clip(&why, columns.saturating_sub(used)), Role::Text));
    Line::from(spans)
}

/// The remaining time of a draining target.
fn left(scene: &Canvas<'_>, section: &Section<'_>, row: &Row<'_>) -> Option<String> {
    let delay = section.settings.and_then(|settings| settings.deregistration_delay);
    row.draining.map(|since| Left::of(since, delay, scene.observed.now.at).words())
}

/// The details of the marked target.
fn details(scene: &Canvas<'_>, section: &Section<'_>, row: &Row<'_>, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut say = |label: &str, text: &str, role: Role| {
        lines.extend(parts::labelled(scene, label, (text, role), columns, 4));
    };
    let bad = row.target.state == TargetState::Unhealthy;
    let role = if bad { Role::Bad } else { Role::Text };
    let reason = row.target.reason.as_deref().map(|reason| format!(", {reason}")).unwrap_or_default();
    say("state", &format!("{}{reason}", word(&row.target.state)), role);
    if let Some(description) = &row.target.description {
        say("it says", description, role);
    }
    if let Some(since) = row.draining {
        let at = since.at.strftime("%H:%M:%SZ");
        let seen = if since.seen { format!("since about {at}") } else { format!("since before {at}") };
        let left = left(scene, section, row).unwrap_or_default();
        say("draining", &format!("{seen}: {left}; what it still answers, it may finish"), Role::Text);
    }
    if let Some(settings) = section.settings {
        say("check", &checked(settings), Role::Text);
    }
    match row.task {
        Some(task) => {
            let health = task.health.as_deref().unwrap_or("no check of its own").to_lowercase();
            let status = task.status.to_lowercase();
            say("task", &format!("{} of {}: {status}, {health}", task.id(), task.task_definition), Role::Text);
        }
        None => say("task", "none that was read has this address", Role::Warn),
    }
    if let Some(zone) = &row.target.zone {
        say("zone", zone, Role::Text);
    }
    lines
}
