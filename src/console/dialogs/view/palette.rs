//! The palette: services, views and acts by a few letters.

use ratatui::text::Line;

use crate::console::dialogs::palette::Palette;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::parts::typed;
use crate::console::widgets::theme::Role;

/// Columns of a name.
const NAME: usize = 30;

/// The typed letters and the matching lines.
pub(super) fn lines(scene: &Canvas<'_>, palette: &Palette, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let entries =
        palette.lines(scene.observed, scene.screen.focus(scene.observed).map(|release| release.name.as_str()));
    let mut typed_line = vec![scene.dim(": ")];
    typed_line.extend(typed(scene, &palette.typed, columns.saturating_sub(4), true));
    let mut lines = vec![Line::from(typed_line)];
    if entries.is_empty() {
        lines.push(scene.line("nothing has these letters in this order", Role::Dim));
    }
    let room = rows.saturating_sub(2).max(1);
    let selected = palette.selected.min(entries.len().saturating_sub(1));
    let first = selected.saturating_sub(room / 2).min(entries.len().saturating_sub(room));
    for (index, entry) in entries.iter().enumerate().skip(first).take(room) {
        let marked = index == selected;
        lines.push(Line::from(vec![
            scene.span(if marked { "▸ " } else { "  " }, Role::Accent),
            scene.span(format::pad(&entry.name, NAME), if marked { Role::Marked } else { Role::Text }),
            scene.dim(format!(" {}", format::clip(&entry.what, columns.saturating_sub(NAME + 3)))),
        ]));
    }
    // The window keeps its height while the operator types.
    lines.resize(room + 1, Line::default());
    lines
}
