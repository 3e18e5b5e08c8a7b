//! The keys, out of the one table.

use ratatui::text::{Line, Span};

use crate::app::keys::{Action, BINDINGS, Key};
use crate::ui::scene::Scene;
use crate::ui::theme::Role;
use crate::ui::words;

/// Columns of the keys.
const KEYS: usize = 13;

/// A line a key; the marks up, down, first and last share one. Where not all of them fit, those from `top` on, and how
/// many there are above and below.
pub fn lines(scene: &Scene<'_>, top: usize, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let all = all(scene, columns);
    if all.len() <= rows {
        return all;
    }
    let shown = rows.saturating_sub(2);
    let (above, below) = (top.min(all.len()), all.len().saturating_sub(top + shown));
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

fn all(scene: &Scene<'_>, columns: usize) -> Vec<Line<'static>> {
    let marks = [Action::Up, Action::Down, Action::First, Action::Last];
    let mut lines = Vec::new();
    let mut marked = false;
    for binding in BINDINGS {
        let (keys, help) = if marks.contains(&binding.action) {
            if std::mem::replace(&mut marked, true) {
                continue;
            }
            let all = BINDINGS.iter().filter(|binding| marks.contains(&binding.action));
            let words: Vec<_> = all.clone().map(|binding| binding.word).collect();
            (
                labels(all.filter_map(|binding| binding.keys.first())),
                format!("Mark: {}. Also k, j, g, G.", words.join(", ")),
            )
        } else {
            (labels(binding.keys.iter()), binding.help.to_owned())
        };
        let acts = binding.keys.iter().any(|key| matches!(key, Key::Char(c) if c.is_ascii_uppercase()));
        let role = if acts && !marks.contains(&binding.action) { Role::Accent } else { Role::Key };
        for (index, text) in words::wrap(&help, columns.saturating_sub(KEYS), 2).into_iter().enumerate() {
            let keys = if index == 0 { words::pad(&keys, KEYS) } else { " ".repeat(KEYS) };
            lines.push(Line::from(vec![scene.span(keys, role), scene.text(text)]));
        }
    }
    lines.push(Line::from(vec![Span::raw(" ".repeat(KEYS)), scene.dim("In a question: y yes, n or esc no.")]));
    lines
}

fn labels<'a>(keys: impl Iterator<Item = &'a Key>) -> String {
    keys.map(|key| key.label()).collect::<Vec<_>>().join(" ")
}
