//! The health of a rollout: a crash loop or a stall, in a conspicuous line with the keys of the related views.

use ratatui::text::{Line, Span};

use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::health::rollout::RolloutHealth;
use crate::domain::release::Release;

/// The keys of the views that show the cause.
const LEADS: [(&str, &str); 3] = [("t", "tasks"), ("l", "logs"), ("d", "diff")];

/// `✖ CRASH LOOP :18 6 tasks: exit 1 (the application's own error)   t tasks  l logs  d diff`.
pub fn line(scene: &Canvas<'_>, release: &Release, columns: usize) -> Option<Line<'static>> {
    let ailment = release.ailment.as_ref()?;
    let (shape, name, role) = match ailment {
        RolloutHealth::CrashLoop { .. } => ("✖", "CRASH LOOP", Role::Bad),
        RolloutHealth::Stalled { .. } => ("▲", "STALLED", Role::Warn),
    };
    // An old observation may be outdated.
    let role = if age::world(scene).good() { role } else { Role::Dim };
    let leads: usize = LEADS.iter().map(|(key, word)| key.len() + word.len() + 3).sum();
    let said = format!("{} {}", ailment.revision().tag(), ailment.detail());
    let room = columns.saturating_sub(format::width(name) + leads + 5);
    let mut spans = vec![scene.span(format!("{shape} {name} "), role), scene.span(format::clip(&said, room), role)];
    spans.push(Span::raw(" "));
    for (key, word) in LEADS {
        spans.push(scene.span(format!("  {key}"), Role::Key));
        spans.push(scene.dim(format!(" {word}")));
    }
    Some(Line::from(spans))
}
