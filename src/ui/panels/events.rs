//! What ECS says about the services, newest first.

use ratatui::text::{Line, Span};

use crate::domain::release::Release;
use crate::ui::scene::Scene;
use crate::ui::theme::Role;
use crate::ui::{freshness, words};

/// The newest events of both sides, as many as there are rows; a long one takes two.
pub fn lines(scene: &Scene<'_>, release: &Release, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let now = scene.model.now.at;
    let mut events: Vec<_> = freshness::services(release)
        .filter_map(|side| scene.model.snapshot.service(&side.service))
        .flat_map(|service| service.events.iter().take(rows.max(1)))
        .collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    if events.is_empty() {
        return vec![scene.line("no events", Role::Dim)];
    }
    let mut lines = Vec::new();
    for event in events {
        if lines.len() >= rows {
            break;
        }
        let ago = words::age(now.duration_since(event.at));
        let message = said(&event.message);
        let alarming = ["unable", "failed", "unhealthy", "stopped", "error"].iter().any(|word| message.contains(word));
        let wrapped = words::wrap(&message, columns.saturating_sub(7), if alarming { 2 } else { 1 });
        for (index, text) in wrapped.into_iter().enumerate() {
            let ago = if index == 0 { format!("{ago} ago") } else { String::new() };
            lines.push(Line::from(vec![
                scene.dim(words::pad_left(&ago, 6.max(ago.len()))),
                Span::raw(" "),
                scene.span(text, if alarming { Role::Warn } else { Role::Text }),
            ]));
        }
    }
    lines.truncate(rows);
    lines
}

/// The message without the `(service NAME)` that each begins with where it is long: the name is on the screen.
fn said(message: &str) -> String {
    let message: String = message.chars().take(600).collect();
    match message.strip_prefix("(service ").and_then(|rest| rest.split_once(") ")) {
        Some((service, rest)) => {
            let service = service.split(',').next().unwrap_or(service).trim_matches('"');
            format!("{service}: {rest}")
        }
        None => message,
    }
}
