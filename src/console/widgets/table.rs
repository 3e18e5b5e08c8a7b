//! The layout of every view of a release: a list, and the details of the marked line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::age::Freshness;
use super::canvas::{Canvas, put, put_all, split_top};
use super::format;
use super::parts::typed;
use super::theme::Role;
use crate::console::screen::View;
use crate::console::state::list::Find;
use crate::domain::release::Release;

/// Rows that the details take from the list at least, with their heading: the list stays still while short lines are
/// marked one after the other.
const DETAILS: usize = 5;
/// Rows of the list that the details never take.
const LIST: usize = 6;

/// The content of a list view.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The title above the list: release, view, age; see [`title`].
    pub title: Line<'static>,
    /// The names of the columns, which stay in place while the list scrolls; `None`: the lines have no columns.
    pub headings: Option<Line<'static>>,
    /// All lines of the list.
    pub rows: Vec<Line<'static>>,
    /// Index of the marked line.
    pub at: usize,
    /// The heading of the details.
    pub marked: String,
    /// The details of the marked line. Empty: the list has the whole screen.
    pub details: Vec<Line<'static>>,
}

/// Draws a list, with the details of the marked line below.
pub(crate) fn draw(scene: &Canvas<'_>, listing: Listing, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    put(buffer, area, 0, listing.title);
    let (_, mut area) = split_top(area, 1);
    if let Some(headings) = listing.headings {
        put(buffer, area, 0, headings);
        area = split_top(area, 1).1;
    }
    let room = usize::from(area.height);
    // The list keeps the rows it needs, as long as the details have room for most of their lines.
    let wanted = match listing.details.len() {
        0 => 0,
        details => (details + 2).clamp(DETAILS, room.saturating_sub(LIST).max(DETAILS)),
    };
    let listed = listing.rows.len().min(room.saturating_sub(wanted)).max(room.min(LIST));
    let (list, below) = split_top(area, u16::try_from(listed).unwrap_or(area.height));
    let rows = usize::from(list.height);
    let first = listing.at.saturating_sub(rows / 2).min(listing.rows.len().saturating_sub(rows));
    let find = scene.screen.find();
    if listing.rows.is_empty() && find.is_some_and(Find::active) {
        put(buffer, list, 0, scene.line("nothing here has this text; esc ends the search", Role::Dim));
    }
    for (row, line) in (0u16..).zip(listing.rows.into_iter().skip(first).take(rows)) {
        put(buffer, list, row, highlighted(line, find));
    }
    if listing.details.is_empty() {
        return;
    }
    let below = if below.height > 3 { split_top(below, 1).1 } else { below };
    put(buffer, below, 0, scene.heading(&listing.marked, Vec::new(), columns));
    put_all(scene, buffer, split_top(below, 1).1, listing.details);
}

/// The title: release, view, the view's own words, the search, and the age of the data.
pub(crate) fn title(
    scene: &Canvas<'_>,
    (release, view): (&Release, View),
    said: Vec<Span<'static>>,
    fresh: Option<&Freshness>,
    columns: usize,
) -> Line<'static> {
    let mut spans = vec![
        scene.span(format::clip(&release.name, columns / 3), Role::Title),
        scene.dim(format!("  {view} · cluster {}   ", format::clip(&release.stable.service.cluster, 30))),
    ];
    spans.extend(said);
    if let Some(find) = scene.screen.find().filter(|find| find.typing || find.active()) {
        spans.push(scene.dim("   / "));
        spans.extend(typed(scene, &find.text, columns / 3, find.typing));
        spans.push(scene.dim(if find.only { "" } else { " (n, N)" }));
    }
    if let Some(fresh) = fresh {
        let said = if fresh.good() { format!("read {}", fresh.words()) } else { fresh.words() };
        let role = if fresh.good() { Role::Dim } else { fresh.role() };
        spans.push(scene.span(format!("   {said}"), role));
    }
    Line::from(spans)
}

/// Highlights the searched text wherever a line contains it.
fn highlighted(line: Line<'static>, find: Option<&Find>) -> Line<'static> {
    let Some(find) = find.filter(|find| find.active()) else { return line };
    let sought = find.text.value().to_lowercase();
    let mut spans = Vec::new();
    for span in line.spans {
        let lower = span.content.to_lowercase();
        // If the text in lower case has another length, its byte positions do not match the original's.
        if lower.len() != span.content.len() {
            spans.push(span);
            continue;
        }
        let mut from = 0;
        for (at, found) in lower.match_indices(&sought) {
            let (Some(before), Some(text)) = (span.content.get(from..at), span.content.get(at..at + found.len()))
            else {
                continue;
            };
            spans.push(Span::styled(before.to_owned(), span.style));
            let style = span.style.add_modifier(Modifier::REVERSED);
            spans.push(Span::styled(text.to_owned(), style));
            from = at + found.len();
        }
        spans.push(Span::styled(span.content.get(from..).unwrap_or_default().to_owned(), span.style));
    }
    Line { spans, ..line }
}
