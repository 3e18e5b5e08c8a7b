//! The alarms of a release: their states and times, CloudWatch's reasons, and the reasons for being in scope.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state::{ORDERS, Row, word};
use crate::console::poll_schedule::source::Source;
use crate::console::screen::View;
use crate::console::screens::alarms;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::parts;
use crate::console::widgets::table;
use crate::console::widgets::table::Listing;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::ecs::alarm::AlarmState;
use crate::domain::fault::FaultKind;
use crate::domain::release::Release;

/// Draws the view.
pub(crate) fn draw(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let list = scene.screen.list(View::Alarms);
    let all = list.shown(alarms::state::rows(scene.observed, list, release));
    let at = list.at(&all);
    let said = parts::place(scene, &list.order_name(ORDERS), at, all.len(), "alarm");
    // Each alarm has its own age: the title shows the oldest.
    let there = |row: &&Row<'_>| {
        let fault = row.reading.and_then(|reading| reading.failing());
        row.reading.is_some() && fault.is_none_or(|fault| fault.kind != FaultKind::NotFound)
    };
    let fresh = all.iter().filter(there).map(|row| age::of(scene, Source::Alarms, row.reading));
    let fresh = fresh.max_by_key(|fresh| (fresh.fault.is_some(), fresh.age.is_none(), fresh.age));
    let title = table::title(scene, (release, View::Alarms), said, fresh.as_ref(), columns);
    if all.is_empty() {
        let rows = none(scene, release, columns);
        return table::draw(scene, Listing { title, rows, ..Listing::default() }, buffer, area);
    }
    let rows = all.iter().enumerate().map(|(index, it)| row(scene, it, index == at, columns)).collect();
    let (marked, details) = match all.get(at) {
        Some(row) => (format!("alarm {}", format::clip(&row.name, 60)), details(scene, row, columns)),
        None => (String::new(), Vec::new()),
    };
    let headings = Some(headings(scene, columns));
    table::draw(scene, Listing { title, headings, rows, at, marked, details }, buffer, area);
}

/// The text for a release without alarms, with the ways to add some.
fn none(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    if scene.screen.find().is_some_and(|find| find.active()) {
        return vec![scene.line("no alarm has that", Role::Text)];
    }
    let name = format::clip(&release.stable.service.service, 40);
    let texts = [
        "No alarm is in scope: neither ECS nor this console heeds any for this release.".to_owned(),
        format!(
            "Name some in the configuration ([services.\"{}\"] alarms = [\"…\"]): in ALARM they fail the canary.",
            format::clip(&release.name, 40)
        ),
        format!("Or let ECS roll back on them: deploymentConfiguration.alarms of the service {name}."),
    ];
    let mut lines = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let role = if index == 0 { Role::Title } else { Role::Text };
        lines.extend(format::wrap(text, columns, 3).into_iter().map(|text| scene.line(text, role)));
    }
    lines
}

/// Widths of the columns before the reason, which takes the rest.
fn widths(columns: usize) -> [usize; 3] {
    match columns {
        ..110 => [24, 19, 6],
        110..170 => [34, 20, 6],
        _ => [48, 20, 8],
    }
}

fn headings(scene: &Canvas<'_>, columns: usize) -> Line<'static> {
    let mut text = "  ".to_owned();
    for (name, width) in ["alarm", "state", "since"].into_iter().zip(widths(columns)) {
        text.push_str(&format::pad(name, width));
        text.push(' ');
    }
    text.push_str("why");
    scene.line(text, Role::Dim)
}

/// The shape and the role of an alarm's state. An unknown or old state is never green.
fn shape(scene: &Canvas<'_>, row: &Row<'_>) -> (&'static str, Role) {
    let fresh = age::of(scene, Source::Alarms, row.reading).good();
    match row.alarm().map(|alarm| &alarm.state) {
        Some(AlarmState::Alarm) => ("✖ ", Role::Bad),
        Some(AlarmState::Ok) if fresh => ("✓ ", Role::Good),
        Some(AlarmState::Ok) => ("  ", Role::Dim),
        Some(AlarmState::InsufficientData) => ("○ ", Role::Dim),
        Some(AlarmState::Other(_)) | None => ("▲ ", Role::Warn),
    }
}

fn row(scene: &Canvas<'_>, row: &Row<'_>, marked: bool, columns: usize) -> Line<'static> {
    let [names, states, sinces] = widths(columns);
    let (shape, role) = shape(scene, row);
    let now = scene.observed.now.at;
    let since = row.alarm().and_then(|alarm| alarm.since).map(|at| format::age(now.duration_since(at)));
    let cells = [
        (format::pad(&row.name, names), if marked { Role::Marked } else { Role::Title }),
        (format::pad(&format!("{shape}{}", word(row)), states), role),
        (format::pad(since.as_deref().unwrap_or("?"), sinces), Role::Text),
    ];
    let mut spans = vec![scene.span(if marked { "▸ " } else { "  " }, Role::Accent)];
    for (text, role) in cells {
        spans.push(scene.span(text, role));
        spans.push(Span::raw(" "));
    }
    let used = format::wide(&spans);
    let (why, role) = match row.alarm() {
        Some(alarm) => (alarm.reason.clone().unwrap_or_else(|| "no reason given".to_owned()), Role::Text),
        None => (unknown(row), Role::Warn),
    };
    spans.push(scene.span(format::clip(&why, columns.saturating_sub(used)), role));
    Line::from(spans)
}

/// The reason why an alarm's state is unknown.
fn unknown(row: &Row<'_>) -> String {
    match row.reading.and_then(|reading| reading.failing()) {
        Some(fault) if fault.kind == FaultKind::NotFound => "it does not exist in this account and region".to_owned(),
        Some(fault) => format!("could not be read: {}", fault.headline()),
        None => "not read yet".to_owned(),
    }
}

/// The details of the marked alarm.
fn details(scene: &Canvas<'_>, row: &Row<'_>, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut say = |label: &str, text: &str, role: Role| {
        lines.extend(parts::labelled(scene, label, (text, role), columns, 8));
    };
    let (_, role) = shape(scene, row);
    match row.alarm() {
        Some(alarm) => {
            let since = alarm.since.map(|at| at.strftime(", since %Y-%m-%d %H:%M:%SZ").to_string());
            say(
                "state",
                &format!("{}{}", word(row), since.unwrap_or_else(|| ", since when is not said".to_owned())),
                role,
            );
            say("reason", alarm.reason.as_deref().unwrap_or("none given"), Role::Text);
        }
        None => say("state", &unknown(row), Role::Warn),
    }
    say("in scope", &row.why.join("; "), Role::Text);
    let fresh = age::of(scene, Source::Alarms, row.reading);
    say("read", &fresh.words(), if fresh.good() { Role::Dim } else { fresh.role() });
    if let Some((_, fault)) = fresh.fault.filter(|(_, fault)| fault.kind != FaultKind::NotFound) {
        say("", &format!("{}. {}", fault.headline(), fault.advice), Role::Bad);
    }
    lines
}
