//! Pieces that several views share.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use tui_input::Input;

use super::canvas::Canvas;
use super::format;
use super::theme::Role;
use crate::domain::fault::Fault;
use crate::domain::release::share::Percent;

/// Columns of the labels of details.
const LABEL: usize = 11;

/// The position of the marked line, the number of lines and the sort order: `3 of 14 targets · worst first`.
pub(crate) fn place(scene: &Canvas<'_>, order: &str, at: usize, all: usize, thing: &str) -> Vec<Span<'static>> {
    if all == 0 {
        return Vec::new();
    }
    let of = scene.text(format!("{} of {}", at + 1, format::many(all, thing)));
    vec![of, scene.dim(format!(" · {order}"))]
}

/// A label with a text beside it, in at most `lines` lines.
pub(crate) fn labelled(
    scene: &Canvas<'_>,
    label: &str,
    (text, role): (&str, Role),
    columns: usize,
    lines: usize,
) -> Vec<Line<'static>> {
    let texts = format::wrap(text, columns.saturating_sub(LABEL), lines).into_iter().enumerate();
    let line = |(index, text): (usize, String)| {
        let label = format::pad(if index == 0 { label } else { "" }, LABEL);
        Line::from(vec![scene.dim(label), scene.span(text, role)])
    };
    texts.map(line).collect()
}

/// The typed text, with the cursor as a reversed cell; a long text shows its end.
pub(crate) fn typed(scene: &Canvas<'_>, input: &Input, columns: usize, cursor: bool) -> Vec<Span<'static>> {
    let value: Vec<char> = input.value().chars().collect();
    let room = columns.saturating_sub(1).max(1);
    let at = input.cursor().min(value.len());
    let first = at.saturating_sub(room);
    let part = |from: usize, to: usize| -> String { value.iter().take(to).skip(from).collect() };
    let reversed = scene.theme.style(Role::Text).add_modifier(Modifier::REVERSED);
    if !cursor {
        return vec![scene.text(format::clip(input.value(), columns))];
    }
    let under = value.get(at).map_or(" ".to_owned(), |c| format::clip(&c.to_string(), 2));
    vec![
        scene.text(format::clip(&part(first, at), room)),
        Span::styled(under, reversed),
        scene.text(format::clip(&part(at + 1, first + room), room)),
    ]
}

/// The canary's share as a bar, which never looks empty for a share above zero.
pub(crate) fn share_bar(scene: &Canvas<'_>, share: Percent, cells: usize) -> [Span<'static>; 2] {
    // Within 0–cells: a share is within 0–100.
    let exact = (share.value() / 100.0 * cells as f64).round() as usize;
    let least = usize::from(!share.is_zero());
    let most = if share.is_full() { cells } else { cells.saturating_sub(1) };
    let filled = exact.max(least).min(most);
    [scene.span("█".repeat(filled), Role::Canary), scene.span("─".repeat(cells - filled), Role::Stable)]
}

/// A failure in full: its kind, AWS's message, the remedy, and the request id for a support case.
pub(crate) fn fault_lines(scene: &Canvas<'_>, fault: &Fault, columns: usize) -> Vec<Line<'static>> {
    let mut lines = vec![scene.line(format!("✖ {}", fault.kind.word()), Role::Bad)];
    lines.extend(format::wrap(&fault.headline(), columns, 4).into_iter().map(|text| scene.line(text, Role::Text)));
    lines.extend(format::wrap(&fault.advice, columns, 3).into_iter().map(|text| scene.line(text, Role::Title)));
    if let Some(id) = &fault.request_id {
        lines.push(scene.line(format!("request {}", format::clip(id, 60)), Role::Dim));
    }
    lines
}
