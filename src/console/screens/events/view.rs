//! The events of a release from every source, newest first, and the details of the marked one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use strum::IntoEnumIterator;

use super::state::{Row, Shown};
use crate::console::poll_schedule::source::Source;
use crate::console::screen::View;
use crate::console::screens::events;
use crate::console::widgets::age::Freshness;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::table;
use crate::console::widgets::table::Listing;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::release::Release;
use crate::domain::timeline::{Entry, Kind, Origin};

/// Columns of the time of day.
const TIME: usize = 9;
/// Columns of the age.
const AGE: usize = 4;
/// Columns of the kind.
const KIND: usize = 7;
/// Columns of the labels below the list.
const LABEL: usize = 7;

/// Draws the view.
pub fn draw(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let list = scene.screen.list(View::Events);
    let all = events::state::all(scene.observed, &scene.operations.acts, release);
    let others = all.iter().filter(|entry| entry.hand == Some(Origin::Others)).count();
    let mut said = vec![scene.text(counted(all.len()))];
    if others > 0 {
        said.push(scene.span(format!("  ▲ {others} not from here"), Role::Warn));
    }
    let sources = sources(scene, release);
    // A source that was never read has a line above the list.
    let oldest = sources.iter().find(|source| !source.good() && source.age.is_some()).or(sources.first());
    let title = table::title(scene, (release, View::Events), said, oldest, columns);
    let tabs = scene.tabs(Shown::iter(), scene.screen.events.shown, &[" tab: other kinds ", " tab "], columns);
    let shown =
        list.shown(events::state::rows(scene.observed, &scene.operations.acts, &scene.screen.events, list, release));
    let at = list.at(&shown);
    let mut rows = missing(scene, &sources, columns);
    let above = rows.len();
    let names = release.canary.as_ref().is_some_and(|canary| canary.service != release.stable.service);
    let of = about_columns(columns, names);
    rows.extend(shown.iter().enumerate().map(|(index, row)| line(scene, row, index == at, of, columns)));
    if shown.is_empty() {
        rows.push(scene.line(nothing(scene), Role::Dim));
    }
    let marked = shown.get(at).map(|row| format!("{} · {}", row.0.kind.word(), format::clip(&row.0.about, 60)));
    let details = shown.get(at).map(|row| details(scene, &row.0, columns)).unwrap_or_default();
    let (headings, marked) = (Some(tabs), marked.unwrap_or_default());
    table::draw(scene, Listing { title, headings, rows, at: above + at, marked, details }, buffer, area);
}

fn counted(entries: usize) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        entries => format!("{entries} entries"),
    }
}

fn nothing(scene: &Canvas<'_>) -> &'static str {
    let searched = scene.screen.find().is_some_and(|find| find.only && find.active());
    match scene.screen.events.shown {
        _ if searched => "nothing has that",
        Shown::All => "nothing is known to have happened",
        _ => "nothing of this kind: tab shows others",
    }
}

/// The freshness of the sources of the timeline.
fn sources(scene: &Canvas<'_>, release: &Release) -> [Freshness; 4] {
    let snapshot = &scene.observed.snapshot;
    [
        age::of(scene, Source::Services, Some(&snapshot.services)),
        age::tasks(scene, release),
        age::history(scene, release),
        age::of(scene, Source::Routes, Some(&snapshot.routes)),
    ]
}

/// A line for each source that could not be read: its entries are missing.
fn missing(scene: &Canvas<'_>, sources: &[Freshness], columns: usize) -> Vec<Line<'static>> {
    let lacks = sources.iter().filter(|source| source.fault.is_some() || source.age.is_none());
    let line = |source: &Freshness| {
        let why = source.fault.as_ref().map(|(_, fault)| format!(": {}", fault.headline())).unwrap_or_default();
        let mark = if source.fault.is_some() { "✖" } else { " " };
        let text = format!("{mark} {} {}{why}", age::name(&source.source), source.words());
        scene.line(format::clip(&text, columns), source.role())
    };
    lacks.map(line).collect()
}

/// Columns of the entry's subject; zero on a narrow screen if all entries concern one service.
fn about_columns(columns: usize, several: bool) -> usize {
    match columns {
        ..100 if several => 12,
        ..100 => 0,
        100..170 => 18,
        _ => 28,
    }
}

/// An entry on one line.
fn line(scene: &Canvas<'_>, row: &Row, marked: bool, of: usize, columns: usize) -> Line<'static> {
    let entry = &row.0;
    let now = scene.observed.now.at;
    let today = now.strftime("%F").to_string() == entry.at.strftime("%F").to_string();
    // `~`: the event happened before its first observation.
    let before = if entry.seen { "~" } else { " " };
    let time = entry.at.strftime(if today { "%H:%M:%S" } else { "%b %e" });
    let (mark, role) = mark(entry);
    let mut spans = vec![
        scene.span(if marked { "▸" } else { " " }, Role::Accent),
        scene.span(format::pad(&format!("{before}{time}"), TIME), if marked { Role::Marked } else { Role::Text }),
        Span::raw(" "),
        scene.dim(format::pad_left(&format::age(now.duration_since(entry.at)), AGE)),
        Span::raw(" "),
        scene.span(format!("{mark} {}", format::pad(entry.kind.word(), KIND)), role),
        Span::raw(" "),
    ];
    if of > 0 {
        spans.push(scene.dim(format::pad(&entry.about, of)));
        spans.push(Span::raw(" "));
    }
    // The text of a tasks entry has the count.
    if entry.count > 1 && entry.kind != Kind::Tasks {
        spans.push(scene.span(format!("×{} ", entry.count), Role::Title));
    }
    let used = format::wide(&spans);
    let text = format::clip(&entry.text, columns.saturating_sub(used));
    spans.push(scene.span(text, if role == Role::Dim { Role::Text } else { role }));
    Line::from(spans)
}

/// The mark and the role of an entry: acts of others stand out most, then problems, then acts of this console.
pub fn mark(entry: &Entry) -> (&'static str, Role) {
    match entry.hand {
        Some(Origin::Others) => ("▲", Role::Warn),
        _ if entry.wrong => ("✖", Role::Bad),
        Some(Origin::Ours) => ("●", Role::Accent),
        None => ("·", Role::Dim),
    }
}

/// The details of an entry; AWS's texts are never cut.
fn details(scene: &Canvas<'_>, entry: &Entry, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let room = columns.saturating_sub(LABEL);
    let mut say = |label: &str, text: &str, role: Role| {
        for (index, text) in format::wrap(text, room, 12).into_iter().enumerate() {
            let label = format::pad(if index == 0 { label } else { "" }, LABEL);
            lines.push(Line::from(vec![scene.dim(label), scene.span(text, role)]));
        }
    };
    say("what", &entry.text, if entry.wrong { Role::Bad } else { Role::Text });
    let clock = match (entry.kind, entry.seen) {
        (_, true) => "first seen then: it happened since the look before, and AWS keeps no time of it",
        (Kind::Act, false) => "by this console's clock, set to AWS's",
        (_, false) => "AWS's own time",
    };
    let ago = format::age(scene.observed.now.at.duration_since(entry.at));
    say("when", &format!("{} ({ago} ago), {clock}", entry.at.strftime("%F %H:%M:%SZ")), Role::Text);
    if entry.count > 1 {
        let text = format!("{} times since {}; this is the newest", entry.count, entry.first.strftime("%F %H:%M:%SZ"));
        say("often", &text, Role::Text);
    }
    match entry.hand {
        Some(Origin::Others) => {
            let since = scene.operations.acts.since.strftime("%F %H:%M:%SZ");
            let text = format!("▲ somebody else: nothing ordered from here since {since} explains it");
            say("whose", &text, Role::Warn);
        }
        Some(Origin::Ours) => say("whose", "ordered from here", Role::Text),
        None => {}
    }
    say("of", &entry.about, Role::Text);
    lines
}
