//! The scales around the curves, and the background behind them: thresholds, shades, markers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::{Plot, SCALE, Severity};
use crate::console::widgets::canvas::{Canvas, put};
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;

/// The mapping of values and minutes to cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// The cells of the curves.
    pub inner: Rect,
    /// The end of the scale.
    pub top: f64,
    /// The range in minutes.
    pub minutes: f64,
}

impl Grid {
    /// The column of a moment, in minutes ago; `None`: out of range.
    pub(super) fn column(&self, ago: f64) -> Option<u16> {
        let x = ((1.0 - ago / self.minutes) * f64::from(self.inner.width)).floor();
        // Within the plot's columns, which fit in a u16.
        (ago >= 0.0 && ago <= self.minutes).then_some((x.max(0.0) as u16).min(self.inner.width.saturating_sub(1)))
    }

    /// The columns of the span between two moments, excluding the newer one.
    fn columns(&self, from: f64, to: f64) -> std::ops::Range<u16> {
        if to >= self.minutes || from <= 0.0 {
            return 0..0;
        }
        let first = self.column(from.min(self.minutes)).unwrap_or(0);
        let end = if to <= 0.0 { self.inner.width } else { self.column(to).unwrap_or(self.inner.width) };
        // Even the shortest span is one column wide.
        first..end.max(first + 1)
    }

    /// The row of a value, counted from the top: the same for scale, thresholds and curves.
    fn row(&self, value: f64) -> u16 {
        let dots = f64::from(self.inner.height) * 4.0 - 1.0;
        // Within the plot's rows, which fit in a u16.
        let row = ((1.0 - (value / self.top).clamp(0.0, 1.0)) * dots / 4.0) as u16;
        row.min(self.inner.height.saturating_sub(1))
    }
}

fn look(severity: Severity) -> (&'static str, Role) {
    match severity {
        Severity::Warn => ("┄", Role::Warn),
        Severity::Fail => ("═", Role::Bad),
    }
}

/// Draws the background: the confidence band, the unsettled minutes, the thresholds, the markers.
pub(super) fn background(scene: &Canvas<'_>, plot: &Plot, buffer: &mut Buffer, grid: &Grid) {
    let inner = grid.inner;
    let mut paint = |column: u16, row: u16, symbol: &str, role: Role| {
        if let Some(cell) = buffer.cell_mut((inner.x + column, inner.y + row)) {
            cell.reset();
            cell.set_symbol(symbol).set_style(scene.theme.style(role));
        }
    };
    for band in &plot.band {
        for column in grid.columns(band.from, band.to) {
            (grid.row(band.high)..=grid.row(band.low)).for_each(|row| paint(column, row, "░", Role::Dim));
        }
    }
    // Where the palette has no shade, sparse dots say the same, quieter than the data.
    if let Some(from) = grid.column(plot.unsettled.min(grid.minutes)).filter(|_| scene.theme.shade().is_none()) {
        for column in from..inner.width {
            (0..inner.height).filter(|row| (row + column) % 2 == 0).for_each(|row| paint(column, row, "·", Role::Dim));
        }
    }
    for threshold in plot.thresholds.iter().filter(|threshold| threshold.value <= grid.top) {
        let (symbol, role) = look(threshold.severity);
        (0..inner.width).for_each(|column| paint(column, grid.row(threshold.value), symbol, role));
    }
    for column in plot.markers.iter().filter_map(|marker| grid.column(marker.ago)) {
        (0..inner.height).for_each(|row| paint(column, row, "┊", Role::Title));
    }
}

/// Shades the minutes that may still change, behind everything.
pub(super) fn shade(scene: &Canvas<'_>, plot: &Plot, buffer: &mut Buffer, grid: &Grid) {
    if let (Some(from), Some(shade)) = (grid.column(plot.unsettled.min(grid.minutes)), scene.theme.shade()) {
        let inner = grid.inner;
        buffer.set_style(Rect { x: inner.x + from, width: inner.width - from, ..inner }, shade);
    }
}

/// Pins the thresholds above the scale to its upper edge: `↑ 5%`.
pub(super) fn pinned(scene: &Canvas<'_>, plot: &Plot, buffer: &mut Buffer, grid: &Grid) {
    let above = plot.thresholds.iter().filter(|threshold| threshold.value > grid.top);
    let mut place = Rect { height: 1, ..grid.inner };
    for threshold in above {
        let (_, role) = look(threshold.severity);
        let text = format!("↑ {} ", (plot.unit)(threshold.value));
        put(buffer, place, 0, scene.line(text.clone(), role));
        let used = u16::try_from(format::width(&text)).unwrap_or(0).min(place.width);
        (place.x, place.width) = (place.x + used, place.width - used);
    }
}

/// Draws the labels of the markers, over everything else in the top row.
pub(super) fn labels(scene: &Canvas<'_>, plot: &Plot, buffer: &mut Buffer, grid: &Grid) {
    let inner = grid.inner;
    let mut label_ends = 0;
    for marker in &plot.markers {
        let Some(column) = grid.column(marker.ago) else { continue };
        // A label that would overlap the previous one is left out; its marker stays.
        let label = format::clip(&marker.label, 6);
        let length = u16::try_from(format::width(&label)).unwrap_or(u16::MAX);
        let fits = column.saturating_add(1).saturating_add(length) <= inner.width;
        let start = if fits { column + 1 } else { column.saturating_sub(length) };
        if start < label_ends {
            continue;
        }
        let place = Rect { x: inner.x + start, width: length.min(inner.width - start), height: 1, ..inner };
        Clear.render(place, buffer);
        put(buffer, place, 0, scene.line(label, Role::Title));
        label_ends = start.saturating_add(length).saturating_add(1);
    }
}

/// Draws the scales: values at the left, minutes ago below.
pub(super) fn scales(scene: &Canvas<'_>, plot: &Plot, buffer: &mut Buffer, area: Rect, grid: &Grid) {
    let (inner, top, minutes) = (grid.inner, grid.top, grid.minutes);
    let rows = inner.height;
    let mut labels: Vec<(u16, f64, Role)> = vec![(0, top, Role::Dim), (rows - 1, 0.0, Role::Dim)];
    if rows >= 7 {
        labels.push((grid.row(top / 2.0), top / 2.0, Role::Dim));
    }
    for threshold in plot.thresholds.iter().filter(|threshold| threshold.value <= top) {
        let row = grid.row(threshold.value);
        labels.retain(|(at, _, _)| at.abs_diff(row) > 1 || *at == rows - 1 && *at != row);
        labels.push((row.min(rows - 1), threshold.value, look(threshold.severity).1));
    }
    for row in 0..rows {
        let label = labels.iter().find(|(at, _, _)| *at == row);
        let text = label.map_or(String::new(), |(_, value, _)| (plot.unit)(*value));
        let role = label.map_or(Role::Dim, |(_, _, role)| *role);
        let edge = if label.is_some() { "┤" } else { "│" };
        let text = format::pad_left(&text, usize::from(SCALE) - 1);
        put(buffer, area, row, Line::from(vec![scene.span(text, role), scene.dim(edge)]));
    }
    let every = [2u16, 5, 10, 15, 30, 60]
        .into_iter()
        .find(|every| f64::from(*every) / minutes * f64::from(inner.width) >= 10.0)
        .unwrap_or(60);
    let mut axis = vec!["─"; usize::from(inner.width)];
    let mut below = vec![' '; usize::from(inner.width)];
    let mut ago = 0;
    while f64::from(ago) < minutes {
        let column = ((1.0 - f64::from(ago) / minutes) * f64::from(inner.width - 1)).round() as usize;
        if let Some(tick) = axis.get_mut(column) {
            *tick = "┴";
        }
        let label = if ago == 0 { "now".to_owned() } else { format!("{ago}m ago") };
        let start = (column + 1).saturating_sub(if ago == 0 { label.len() } else { label.len() / 2 });
        for (slot, c) in below.iter_mut().skip(start).zip(label.chars()) {
            *slot = c;
        }
        ago += every;
    }
    let margin = usize::from(SCALE);
    put(buffer, area, rows, Line::from(scene.dim(format!("{}└{}", " ".repeat(margin - 1), axis.concat()))));
    // Missing data is not zero: a mark below the gap in the curve says so.
    for column in plot.missing.iter().flat_map(|(from, to)| grid.columns(*from, *to)) {
        if let Some(cell) = buffer.cell_mut((inner.x + column, inner.y + rows)) {
            cell.reset();
            cell.set_symbol("?").set_style(scene.theme.style(Role::Warn));
        }
    }
    if plot.times {
        let below: String = below.into_iter().collect();
        put(buffer, area, rows + 1, Line::from(vec![Span::raw(" ".repeat(margin)), scene.dim(below)]));
    }
}
