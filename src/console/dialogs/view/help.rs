//! The keys, out of the one table: those of the screen below first.

use ratatui::text::{Line, Span};

use crate::console::keymap::{BINDINGS, Binding, Key, MARKS, Scope};
use crate::console::state::screen::ScreenState;
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

/// The last scroll position, and the keys that a page key scrolls by.
fn scrolled(screen: &ScreenState) -> (usize, usize) {
    let (columns, rows) = screen.size;
    let columns = usize::from(columns.saturating_sub(4).min(WIDEST));
    let lines = match columns >= TWO {
        true => texts(screen.scope(), columns / 2 - 1).len().div_ceil(2),
        false => texts(screen.scope(), columns).len(),
    };
    let shown = usize::from(rows.saturating_sub(AROUND));
    (lines.saturating_sub(shown), shown.saturating_sub(2).max(1))
}

/// Returns the help's scroll position after a key; the last keys stay on the screen.
pub(crate) fn scroll(top: usize, key: Key, screen: &ScreenState) -> usize {
    let (last, page) = scrolled(screen);
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
    texts(scene.screen.scope(), columns).into_iter().map(line).collect()
}

/// The groups of the help on a screen, in their order: each with its heading.
fn groups(place: Scope) -> [(&'static str, Vec<&'static Binding>); 3] {
    let of = |wanted: &dyn Fn(Scope) -> bool| BINDINGS.iter().filter(|binding| wanted(binding.scope)).collect();
    [
        ("On this screen", of(&|scope| scope == place)),
        ("Everywhere", of(&|scope| scope == Scope::Anywhere)),
        ("On other screens", of(&|scope| scope != place && scope != Scope::Anywhere)),
    ]
}

/// Each line: the keys, their help, and the role of the keys. Without keys, it is a heading.
fn texts(place: Scope, columns: usize) -> Vec<(String, String, Role)> {
    let mut lines = Vec::new();
    let mut marked = false;
    for (heading, bindings) in groups(place).into_iter().filter(|(_, bindings)| !bindings.is_empty()) {
        lines.push((String::new(), heading.to_owned(), Role::Dim));
        for binding in bindings {
            let marks = MARKS.contains(&binding.action);
            if marks && std::mem::replace(&mut marked, true) {
                continue;
            }
            lines.extend(of_binding(binding, marks, columns));
        }
    }
    lines.push((String::new(), "In a question: y yes, n or esc no.".to_owned(), Role::Dim));
    lines
}

fn of_binding(binding: &Binding, marks: bool, columns: usize) -> Vec<(String, String, Role)> {
    let (keys, help) = match marks {
        true => ("↑ ↓".to_owned(), "Move; also home, end, pgup, pgdn, k, j, G, ctrl-u, ctrl-d."),
        false => (labels(binding.keys.iter()), binding.help),
    };
    let acts = binding.keys.iter().any(|key| matches!(key, Key::Char(c) if c.is_ascii_uppercase()));
    let role = if acts && !marks { Role::Accent } else { Role::Key };
    let texts = format::wrap(help, columns.saturating_sub(KEYS), 2);
    let keys = std::iter::once(format::pad(&keys, KEYS)).chain(std::iter::repeat(" ".repeat(KEYS)));
    keys.zip(texts).map(|(keys, text)| (keys, text, role)).collect()
}

fn labels<'a>(keys: impl Iterator<Item = &'a Key>) -> String {
    keys.map(|key| key.label()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::screen::View;

    #[test]
    fn the_keys_of_the_screen_come_first_and_none_is_lost() {
        for (place, first) in [
            (Scope::Fleet, "Open the release."),
            (Scope::Release, "Next latency percentile."),
            (Scope::In(View::Logs), "In the logs: stable, canary, both side by side."),
        ] {
            let lines = texts(place, 100);
            let said: Vec<_> = lines.iter().map(|(_, text, _)| text.as_str()).collect();
            assert_eq!(said[..2], ["On this screen", first]);
            let moves = BINDINGS.iter().filter(|binding| MARKS.contains(&binding.action)).count() - 1;
            assert_eq!(said.len(), BINDINGS.len() - moves + 4, "{said:#?}");
        }
        assert_eq!(texts(Scope::In(View::Alarms), 100)[0].1, "Everywhere");
    }
}
