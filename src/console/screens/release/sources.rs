//! The sources of a release's data, and their ages.

use ratatui::text::{Line, Span};

use crate::console::poll_schedule::source::Source;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::release::Release;

/// A line for each source; a failing source has the reason and the remedy.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for source in age::sources(scene, release) {
        let shape = match (&source.fault, source.good()) {
            (Some(_), _) => ("✖ ", Role::Bad),
            (None, true) => ("✓ ", Role::Good),
            (None, false) => ("○ ", Role::Warn),
        };
        lines.push(Line::from(vec![
            scene.span(shape.0, shape.1),
            scene.text(format::pad(age::name(&source.source), 14)),
            scene.span(source.words(), source.role()),
            scene.dim(match source.source {
                Source::Metrics => {
                    let cost = scene.polls.cloudwatch_dollars_an_hour(scene.observed.now);
                    format!("  {} by its list price", format::dollars_an_hour(cost))
                }
                _ => String::new(),
            }),
        ]));
        if let Some((_, fault)) = &source.fault {
            let room = columns.saturating_sub(4);
            for text in format::wrap(&format!("{} {}", fault.headline(), fault.advice), room, 3) {
                lines.push(Line::from(vec![Span::raw("    "), scene.text(text)]));
            }
        }
    }
    lines
}

/// All sources on one line: failing or old ones in words, the others by their age alone.
pub fn line(scene: &Canvas<'_>, release: &Release) -> Line<'static> {
    let mut spans = vec![scene.dim("sources  ")];
    for (index, source) in age::sources(scene, release).into_iter().enumerate() {
        if index > 0 {
            spans.push(scene.dim(" · "));
        }
        spans.push(scene.dim(format!("{} ", age::short(&source.source))));
        let words = if source.good() { source.age.map(format::age).unwrap_or_default() } else { source.words() };
        spans.push(scene.span(words, source.role()));
    }
    Line::from(spans)
}
