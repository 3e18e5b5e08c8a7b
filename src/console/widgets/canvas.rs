//! What every part of the screen is drawn with: the state, the looks, and a few strokes.

use std::fmt::Display;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::format;
use super::theme::{Role, Theme};
use crate::console::poll_schedule::Polls;
use crate::console::state::observed::Observed;
use crate::console::state::operations::Operations;
use crate::console::state::screen::ScreenState;

/// What is drawn, and how it looks.
#[derive(Clone, Copy)]
pub struct Canvas<'a> {
    /// What is known.
    pub observed: &'a Observed,
    /// What this console did and does.
    pub operations: &'a Operations,
    /// What is on the screen.
    pub screen: &'a ScreenState,
    /// When which source was queried.
    pub polls: &'a Polls,
    /// How it looks.
    pub theme: &'a Theme,
}

impl Canvas<'_> {
    /// A piece of text in a role.
    pub fn span(&self, text: impl Into<String>, role: Role) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(role))
    }

    /// A label: dim.
    pub fn dim(&self, text: impl Into<String>) -> Span<'static> {
        self.span(text, Role::Dim)
    }

    /// Plain text.
    pub fn text(&self, text: impl Into<String>) -> Span<'static> {
        self.span(text, Role::Text)
    }

    /// A line of one piece.
    pub fn line(&self, text: impl Into<String>, role: Role) -> Line<'static> {
        Line::from(self.span(text, role))
    }

    /// A heading with a rule to the end of the line: what tells one panel from the next.
    pub fn heading(&self, title: &str, note: Vec<Span<'static>>, columns: usize) -> Line<'static> {
        let mut spans = vec![self.dim("── "), self.span(title, Role::Title), self.dim(" ")];
        if !note.is_empty() {
            spans.extend(note);
            spans.push(self.dim(" "));
        }
        format::fit(self.ruled(spans, columns), columns)
    }

    /// The names of what shares a place, the chosen one marked, and how to see another: in the first of these words that
    /// fits.
    pub fn tabs<T: Display + PartialEq>(
        &self,
        all: impl Iterator<Item = T>,
        chosen: T,
        how: &[&str],
        columns: usize,
    ) -> Line<'static> {
        let mut spans = vec![self.dim("── ")];
        for (index, one) in all.enumerate() {
            if index > 0 {
                spans.push(self.dim(" │ "));
            }
            spans.push(if one == chosen {
                self.span(format!("[{one}]"), Role::Accent)
            } else {
                self.dim(one.to_string())
            });
        }
        let room = columns.saturating_sub(wide(&spans));
        let how = how.iter().find(|how| format::width(how) <= room).copied().unwrap_or(" ");
        spans.push(self.dim(how));
        self.ruled(spans, columns)
    }

    /// With a rule to the end of the line.
    fn ruled(&self, mut spans: Vec<Span<'static>>, columns: usize) -> Line<'static> {
        spans.push(self.dim("─".repeat(columns.saturating_sub(wide(&spans)))));
        Line::from(spans)
    }
}

fn wide(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| format::width(&span.content)).sum()
}

/// Draws a line on a row of an area, cut to its width. Rows outside are left out.
pub(crate) fn put(buffer: &mut Buffer, area: Rect, row: u16, line: Line<'_>) {
    let area = area.intersection(buffer.area);
    if row < area.height {
        let line = format::fit(line, area.width.into());
        buffer.set_line(area.x, area.y + row, &line, area.width);
    }
}

/// Draws lines from the top of an area; those that do not fit are counted on the last row.
pub(crate) fn put_all(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect, lines: Vec<Line<'static>>) {
    let rows = usize::from(area.height);
    let too_many = lines.len() > rows;
    let shown = if too_many { rows.saturating_sub(1) } else { lines.len() };
    let hidden = lines.len() - shown;
    for (row, line) in (0u16..).zip(lines.into_iter().take(shown)) {
        put(buffer, area, row, line);
    }
    if too_many && let Some(last) = area.height.checked_sub(1) {
        put(buffer, area, last, scene.line(format!("… {hidden} more"), Role::Dim));
    }
}

/// The top `height` rows of an area, and the rest.
pub(crate) fn split_top(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// The left `width` columns of an area, and the rest after a gap of two.
pub(crate) fn split_left(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    let skip = (width + 2).min(area.width);
    (Rect { width, ..area }, Rect { x: area.x + skip, width: area.width - skip, ..area })
}
