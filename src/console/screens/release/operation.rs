//! The operation in flight, or the last one, step by step: the order, the response and the read-back.

use ratatui::text::{Line, Span};

use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{format, operation};
use crate::domain::operation::{Operation, StepState};
use crate::domain::release::Release;

/// Renders the whole operation, in as many lines as necessary.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let Some(operation) = scene.operations.latest.get(&release.name) else {
        return vec![scene.line("nothing was ordered from here yet", Role::Dim)];
    };
    let mut lines = vec![Line::from(vec![
        scene.span(format::clip(&operation.plan.title, columns), Role::Title),
        scene.dim(format!(", ordered {} ago", format::age(scene.observed.now.since(operation.asked)))),
    ])];
    for (index, (step, state)) in operation.plan.steps.iter().zip(&operation.steps).enumerate() {
        lines.extend(self::step(scene, index, &step.title, state, columns));
    }
    lines.extend(end(scene, operation, columns));
    lines
}

fn step(scene: &Canvas<'_>, index: usize, title: &str, state: &StepState, columns: usize) -> Vec<Line<'static>> {
    let (words_, role) = operation::step_words(scene, state);
    let (shape, shape_role) = match state {
        StepState::Pending => ("○", Role::Dim),
        StepState::Verified(_) => ("✓", Role::Good),
        StepState::Stopped => ("✖", Role::Bad),
        StepState::Unknown(..) => ("▲", Role::Bad),
        _ => ("●", Role::Accent),
    };
    let (number, title) = (format!("{} ", index + 1), operation::title(index, title));
    let room = columns.saturating_sub(2 + number.len());
    let said = format::width(&words_) + 2;
    let head = |title: String| {
        vec![
            scene.span(format!("{shape} {number}"), shape_role),
            scene.span(title, if *state == StepState::Pending { Role::Dim } else { Role::Text }),
        ]
    };
    if format::width(title) + said <= room {
        let mut spans = head(title.to_owned());
        spans.extend([Span::raw("  "), scene.span(words_, role)]);
        return vec![Line::from(spans)];
    }
    if matches!(state, StepState::Waiting(_) | StepState::Unknown(..)) {
        let below =
            Line::from(vec![Span::raw("    "), scene.span(format::clip(&words_, columns.saturating_sub(4)), role)]);
        return vec![Line::from(head(format::clip(title, room))), below];
    }
    let mut spans = head(format::clip(title, room.saturating_sub(said)));
    spans.extend([Span::raw("  "), scene.span(words_, role)]);
    vec![Line::from(spans)]
}

/// Renders the outcome, and the time from the key to the read-back of the first write.
fn end(scene: &Canvas<'_>, operation: &Operation, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some((at, outcome)) = &operation.outcome {
        let (text, role) = operation::outcome_words(&operation.plan, outcome);
        let ago = format::age(scene.observed.now.since(*at));
        for line in format::wrap(&format!("{text}, {ago} ago"), columns, 3) {
            lines.push(scene.line(line, role));
        }
    }
    if let Some(span) = operation.key_to_read_back() {
        let took = format::seconds(scene.observed.now.rate.operator_time(span));
        let arrow = scene.theme.arrow();
        lines.push(Line::from(vec![scene.dim(format!("key {arrow} read back ")), scene.span(took, Role::Title)]));
    }
    lines
}
