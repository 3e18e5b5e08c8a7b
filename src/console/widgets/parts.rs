//! What several views draw alike.

use ratatui::text::{Line, Span};

use super::canvas::Canvas;
use super::format;
use super::theme::Role;
use crate::console::screens::View;
use crate::console::state::list::List;

/// Columns of the labels of details.
const LABEL: usize = 11;

/// Which line is marked, of how many, in which order they are: `3 of 14 targets · worst first`.
pub fn place(scene: &Canvas<'_>, view: View, at: usize, all: usize, thing: &str) -> Vec<Span<'static>> {
    if all == 0 {
        return Vec::new();
    }
    let List { order, reversed, .. } = scene.model.list(view);
    let order = view.orders().get(*order).copied().unwrap_or_default();
    let turned = if *reversed { ", turned" } else { "" };
    let of = scene.text(format!("{} of {}", at + 1, format::many(all, thing)));
    vec![of, scene.dim(format!(" · {order}{turned}"))]
}

/// A label, and a text beside it in as many lines as it takes, up to so many.
pub fn labelled(
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
