//! The drawing context of every part of the screen: the state, the theme, and basic strokes.

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

/// The state to draw, with the theme.
#[derive(Clone, Copy)]
pub struct Canvas<'a> {
    /// The observed state.
    pub observed: &'a Observed,
    /// The operations of this console.
    pub operations: &'a Operations,
    /// The state of the screen.
    pub screen: &'a ScreenState,
    /// The poll schedule, with the time of each query.
    pub polls: &'a Polls,
    /// The theme.
    pub theme: &'a Theme,
}

impl Canvas<'_> {
    /// A span of text in a role.
    pub fn span(&self, text: impl Into<String>, role: Role) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(role))
    }

    /// A label, dimmed.
    pub fn dim(&self, text: impl Into<String>) -> Span<'static> {
        self.span(text, Role::Dim)
    }

    /// Plain text.
    pub fn text(&self, text: impl Into<String>) -> Span<'static> {
        self.span(text, Role::Text)
    }

    /// A line of one span.
    pub fn line(&self, text: impl Into<String>, role: Role) -> Line<'static> {
        Line::from(self.span(text, role))
    }

    /// A heading with a rule to the end of the line, which separates one panel from the next.
    pub fn heading(&self, title: &str, note: Vec<Span<'static>>, columns: usize) -> Line<'static> {
        let mut spans = vec![self.dim("── "), self.span(title, Role::Title), self.dim(" ")];
        if !note.is_empty() {
            spans.extend(note);
            spans.push(self.dim(" "));
        }
        format::fit(self.ruled(spans, columns), columns)
    }

    /// The names of panels that share a place, with the chosen one marked, then a hint at the key: the first of `how`
    /// that fits.
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
                spans.push(self.dim("  "));
            }
            spans.push(if one == chosen {
                self.span(format!("[{one}]"), Role::Accent)
            } else {
                self.dim(one.to_string())
            });
        }
        let room = columns.saturating_sub(format::wide(&spans));
        let how = how.iter().find(|how| format::width(how) <= room).copied().unwrap_or(" ");
        spans.push(self.dim(how));
        self.ruled(spans, columns)
    }

    /// Completes a line with a rule.
    fn ruled(&self, mut spans: Vec<Span<'static>>, columns: usize) -> Line<'static> {
        spans.push(self.dim("─".repeat(columns.saturating_sub(format::wide(&spans)))));
        Line::from(spans)
    }
}

/// Draws a line on a row of an area, cut to its width. A row outside the area is not drawn.
pub(crate) fn put(buffer: &mut Buffer, area: Rect, row: u16, line: Line<'_>) {
    let area = area.intersection(buffer.area);
    if row < area.height {
        let line = format::fit(line, area.width.into());
        buffer.set_line(area.x, area.y + row, &line, area.width);
    }
}

/// Draws lines from the top of an area; the last row counts the lines that do not fit.
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
