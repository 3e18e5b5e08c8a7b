//! The keys, out of the one table.

use ratatui::text::{Line, Span};

use crate::console::keymap::{BINDINGS, Key, MARKS};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;

/// Columns of the keys.
const KEYS: usize = 9;

/// From so many columns on there are two lists of keys side by side.
const TWO: usize = 100;

/// Rows of the screen around the help's keys: header, status, ROLLBACK line of two rows, footer, frame, both marks.
const AROUND: u16 = 9;
/// Most columns of the help.
pub(super) const WIDEST: u16 = 124;

/// The last scroll position on a terminal of this size, and the keys that a page key scrolls by.
fn scrolled((columns, rows): (u16, u16)) -> (usize, usize) {
    let columns = usize::from(columns.saturating_sub(4).min(WIDEST));
    let lines = match columns >= TWO {
        true => texts(columns / 2 - 1).len().div_ceil(2),
        false => texts(columns).len(),
    };
    let shown = usize::from(rows.saturating_sub(AROUND));
    (lines.saturating_sub(shown), shown.saturating_sub(2).max(1))
}

/// Returns the help's scroll position after a key, on a terminal of this size; the last keys stay on the screen.
pub(crate) fn scroll(top: usize, key: Key, size: (u16, u16)) -> usize {
    let (last, page) = scrolled(size);
    match key {
        Key::Up | Key::Char('k') => top.saturating_sub(1),
        Key::Down | Key::Char('j') => (top + 1).min(last),
        Key::PageUp => top.saturating_sub(page),
        Key::PageDown | Key::Char(' ') => (top + page).min(last),
        Key::Home => 0,
        Key::End | Key::Char('G') => last,
        _ => top,
    }
}

/// A line a key; those that move the mark share one. Where not all of them fit, those from `top` on, and how many there
/// are above and below.
pub(super) fn lines(scene: &Canvas<'_>, top: usize, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let all = if columns >= TWO { side_by_side(all(scene, columns / 2 - 1), columns / 2) } else { all(scene, columns) };
    if all.len() <= rows {
        return all;
    }
    let shown = rows.saturating_sub(2);
    let top = top.min(all.len().saturating_sub(shown));
    let (above, below) = (top, all.len().saturating_sub(top + shown));
    let mark = |arrow: &str, more: usize| match more {
        0 => Line::default(),
        more => scene.line(format!("{arrow} {more} more"), Role::Dim),
    };
    let mut lines = vec![mark("↑", above)];
    lines.extend(all.into_iter().skip(top).take(shown));
    lines.resize(rows.saturating_sub(1), Line::default());
    lines.push(mark("↓", below));
    lines
}

/// The second half to the right of the first.
fn side_by_side(mut lines: Vec<Line<'static>>, columns: usize) -> Vec<Line<'static>> {
    let right = lines.split_off(lines.len().div_ceil(2));
    let mut right = right.into_iter();
    let join = |mut line: Line<'static>| {
        let gap = columns.saturating_sub(line.width());
        if let Some(right) = right.next() {
            line.spans.push(Span::raw(" ".repeat(gap)));
            line.spans.extend(right.spans);
        }
        line
    };
    lines.into_iter().map(join).collect()
}

fn all(scene: &Canvas<'_>, columns: usize) -> Vec<Line<'static>> {
    let line = |(keys, text, role): (String, String, Role)| {
        let text_role = if role == Role::Dim { Role::Dim } else { Role::Text };
        Line::from(vec![scene.span(keys, role), scene.span(text, text_role)])
    };
    texts(columns).into_iter().map(line).collect()
}

/// Each line: the keys, their help, and the role of the keys.
fn texts(columns: usize) -> Vec<(String, String, Role)> {
    let mut lines = Vec::new();
    let mut marked = false;
    for binding in BINDINGS {
        let (keys, help) = if MARKS.contains(&binding.action) {
            if std::mem::replace(&mut marked, true) {
                continue;
            }
            ("↑ ↓".to_owned(), "Move; also home, end, pgup, pgdn, k, j, G, ctrl-u, ctrl-d.".to_owned())
        } else {
            (labels(binding.keys.iter()), binding.help.to_owned())
        };
        let acts = binding.keys.iter().any(|key| matches!(key, Key::Char(c) if c.is_ascii_uppercase()));
        let role = if acts && !MARKS.contains(&binding.action) { Role::Accent } else { Role::Key };
        for (index, text) in format::wrap(&help, columns.saturating_sub(KEYS), 2).into_iter().enumerate() {
            let keys = if index == 0 { format::pad(&keys, KEYS) } else { " ".repeat(KEYS) };
            lines.push((keys, text, role));
        }
    }
    lines.push((" ".repeat(KEYS), "In a question: y yes, n or esc no.".to_owned(), Role::Dim));
    lines
}

fn labels<'a>(keys: impl Iterator<Item = &'a Key>) -> String {
    keys.map(|key| key.label()).collect::<Vec<_>>().join(" ")
}
