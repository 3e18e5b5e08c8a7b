//! The events of a release: the newest entries of the timeline.

use ratatui::text::{Line, Span};

use crate::console::screens;
use crate::console::screens::events;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::release::Release;
use crate::domain::timeline::{Entry, Kind};

/// The newest entries, one for each row; a long entry that is wrong takes two rows.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let now = scene.observed.now.at;
    let entries = events::state::all(scene.observed, &scene.operations.acts, release);
    if entries.is_empty() {
        return vec![scene.line("no events", Role::Dim)];
    }
    let mut lines = Vec::new();
    for entry in entries {
        if lines.len() >= rows {
            break;
        }
        let ago = format::age(now.duration_since(entry.at));
        let (mark, role) = screens::events::view::mark(&entry);
        // A mark is kept only for what the words do not say: the origin of an entry, or that something is wrong.
        let mark = if role == Role::Dim { String::new() } else { format!("{mark} ") };
        let text = format!("{mark}{}", said(&entry));
        let role = if role == Role::Dim { Role::Text } else { role };
        let stands_out = entry.wrong || role == Role::Warn;
        let wrapped = format::wrap(&text, columns.saturating_sub(9), if stands_out { 2 } else { 1 });
        for (index, text) in wrapped.into_iter().enumerate() {
            let ago = if index == 0 { format!("{ago} ago") } else { String::new() };
            lines.push(Line::from(vec![
                scene.dim(format::pad_left(&ago, 8.max(ago.len()))),
                Span::raw(" "),
                scene.span(text, role),
            ]));
        }
    }
    lines.truncate(rows);
    lines
}

fn said(entry: &Entry) -> String {
    // The text of a tasks entry has the count.
    let times =
        if entry.count > 1 && entry.kind != Kind::Tasks { format!(" (×{})", entry.count) } else { String::new() };
    match entry.kind {
        // The events view shows the actor and the listener rule.
        Kind::Act | Kind::Traffic => format!("{}{times}", entry.text),
        Kind::Service | Kind::Tasks | Kind::Deployment | Kind::Alarm => {
            format!("{}{times}: {}", entry.about, entry.text)
        }
    }
}
