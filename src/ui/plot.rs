//! A plot of two curves over the last minutes: gaps where there is nothing, the line that must not be crossed,
//! the moments at which weights changed, and the newest minutes, which still change, drawn apart.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::scene::{Scene, put};
use super::theme::Role;
use super::words;

/// A value at a minute, counted back from now to the minute's middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Minutes ago.
    pub ago: f64,
    /// In the plot's unit.
    pub value: f64,
}

/// A line that must not be crossed.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Where.
    pub value: f64,
}

/// A moment worth marking.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// Minutes ago.
    pub ago: f64,
    /// What happened then, in one word.
    pub label: String,
}

/// What is plotted. Points are ordered from the oldest.
#[derive(Debug, Clone)]
pub struct Plot {
    /// The side that was there: drawn as a dot a minute.
    pub stable: Vec<Point>,
    /// The side that is tried: drawn as a line, and over the other.
    pub canary: Vec<Point>,
    /// The line that must not be crossed.
    pub threshold: Option<Threshold>,
    /// When weights changed.
    pub markers: Vec<Marker>,
    /// Minutes ago from which on values still change.
    pub unsettled: f64,
    /// How a value is written.
    pub unit: fn(f64) -> String,
    /// The scale's end where everything is smaller.
    pub least_top: f64,
}

/// The spans that are drawn, minutes.
const SPANS: [u16; 8] = [10, 15, 20, 30, 45, 60, 90, 120];

/// The longest span in which each minute has a column of its own.
pub fn minutes_for(columns: u16) -> u16 {
    SPANS.iter().copied().rfind(|span| *span <= columns).unwrap_or(10)
}

/// Columns of the scale at the left.
pub const SCALE: u16 = 7;

/// The scale's end: the next round number above.
fn round_up(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let magnitude = 10f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.iter().map(|step| step * magnitude).find(|step| *step >= value * 0.999).unwrap_or(10.0 * magnitude)
}

/// Braille dots by column and row of a cell.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// The dots of one curve on a grid of two by four to a cell.
struct Dots {
    columns: usize,
    rows: usize,
    cells: Vec<u8>,
}

impl Dots {
    fn new(area: Rect) -> Self {
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        Self { columns, rows, cells: vec![0; columns * rows] }
    }

    fn set(&mut self, x: f64, y: f64) {
        if x < 0.0 || y < 0.0 {
            return;
        }
        // Not negative and, below, within the grid.
        let (x, y) = (x.round() as usize, y.round() as usize);
        if x >= self.columns * 2 || y >= self.rows * 4 {
            return;
        }
        let bit = DOTS.get(x % 2).and_then(|column| column.get(y % 4)).copied().unwrap_or(0);
        if let Some(cell) = self.cells.get_mut(y / 4 * self.columns + x / 2) {
            *cell |= bit;
        }
    }

    fn at(&self, column: usize, row: usize) -> u8 {
        self.cells.get(row * self.columns + column).copied().unwrap_or(0)
    }

    /// A dot a minute.
    fn points(&mut self, points: &[Point], place: impl Fn(Point) -> (f64, f64)) {
        for point in points {
            let (x, y) = place(*point);
            self.set(x, y);
        }
    }

    /// A line through the minutes; neighbours are joined, missing ones leave a gap.
    fn curve(&mut self, points: &[Point], place: impl Fn(Point) -> (f64, f64)) {
        let mut before: Option<Point> = None;
        for point in points {
            let (x, y) = place(*point);
            match before.filter(|before| before.ago - point.ago < 1.5) {
                Some(before) => {
                    let (from_x, from_y) = place(before);
                    let count = (x - from_x).abs().max((y - from_y).abs()).ceil().clamp(1.0, 1_000.0);
                    for part in 1..=count as usize {
                        let along = part as f64 / count;
                        self.set(from_x + (x - from_x) * along, from_y + (y - from_y) * along);
                    }
                }
                // A minute alone is two dots wide, so that it is seen.
                None => {
                    self.set(x, y);
                    self.set(x + 1.0, y);
                }
            }
            before = Some(*point);
        }
    }
}

/// Draws a plot with its scales into an area of at least 20 by 4.
pub fn draw(scene: &Scene<'_>, plot: &Plot, buffer: &mut Buffer, area: Rect) {
    let area = area.intersection(buffer.area);
    if area.width < SCALE + 10 || area.height < 4 {
        return;
    }
    let inner = Rect { x: area.x + SCALE, y: area.y, width: area.width - SCALE, height: area.height - 2 };
    let minutes = f64::from(minutes_for(inner.width));
    let visible = |points: &[Point]| -> Vec<Point> {
        points
            .iter()
            .copied()
            .filter(|point| point.ago <= minutes && point.ago >= 0.0 && point.value.is_finite())
            .collect()
    };
    let (stable, canary) = (visible(&plot.stable), visible(&plot.canary));
    let highest = stable.iter().chain(&canary).map(|point| point.value).fold(0.0, f64::max);
    let line = plot.threshold.as_ref().map_or(0.0, |threshold| threshold.value);
    let top = round_up((highest * 1.05).max(line * 1.15).max(plot.least_top));

    let (dots_x, dots_y) = (f64::from(inner.width) * 2.0, f64::from(inner.height) * 4.0);
    let place = |point: Point| {
        let x = (1.0 - point.ago / minutes) * dots_x - 1.0;
        let y = (1.0 - (point.value / top).clamp(0.0, 1.0)) * (dots_y - 1.0);
        (x.clamp(0.0, dots_x - 1.0), y)
    };
    let column_of = |ago: f64| -> Option<u16> {
        let x = ((1.0 - ago / minutes) * f64::from(inner.width)).floor();
        // Within the plot's columns, which fit in a u16.
        (ago >= 0.0 && ago <= minutes).then_some((x.max(0.0) as u16).min(inner.width - 1))
    };

    background(scene, plot, buffer, inner, &column_of, top);
    let mut below = Dots::new(inner);
    below.points(&stable, place);
    let mut above = Dots::new(inner);
    above.curve(&canary, place);
    let unsettled_from = column_of(plot.unsettled.min(minutes)).unwrap_or(inner.width);
    for row in 0..inner.height {
        for column in 0..inner.width {
            let (stable, canary) = (below.at(column.into(), row.into()), above.at(column.into(), row.into()));
            let Some((symbol, role)) = curve_symbol(scene, stable, canary) else { continue };
            let mut style = scene.theme.style(role);
            if column >= unsettled_from {
                style = style.add_modifier(Modifier::DIM);
            }
            if let Some(cell) = buffer.cell_mut((inner.x + column, inner.y + row)) {
                cell.reset();
                cell.set_char(symbol).set_style(style);
            }
        }
    }
    labels(scene, plot, buffer, inner, &column_of);
    scales(scene, plot, buffer, area, inner, top, minutes);
}

/// A cell of the curves: braille, or letters where only ASCII is drawn.
fn curve_symbol(scene: &Scene<'_>, stable: u8, canary: u8) -> Option<(char, Role)> {
    let role = if canary != 0 { Role::Canary } else { Role::Stable };
    match (stable, canary) {
        (0, 0) => None,
        _ if !scene.theme.ascii() => char::from_u32(0x2800 + u32::from(stable | canary)).map(|symbol| (symbol, role)),
        (_, 0) => Some(('o', role)),
        (0, _) => Some(('x', role)),
        _ => Some(('#', role)),
    }
}

/// What lies behind the curves: the line, the markers, the minutes that still change.
fn background(
    scene: &Scene<'_>,
    plot: &Plot,
    buffer: &mut Buffer,
    inner: Rect,
    column_of: &impl Fn(f64) -> Option<u16>,
    top: f64,
) {
    let mut paint = |column: u16, row: u16, symbol: &str, role: Role| {
        if let Some(cell) = buffer.cell_mut((inner.x + column, inner.y + row)) {
            cell.reset();
            cell.set_symbol(symbol).set_style(scene.theme.style(role));
        }
    };
    if let Some(from) = column_of(plot.unsettled) {
        for column in from..inner.width {
            (0..inner.height).for_each(|row| paint(column, row, "░", Role::Dim));
        }
    }
    if let Some(threshold) = &plot.threshold {
        let row = row_of(inner.height, threshold.value, top);
        (0..inner.width).for_each(|column| paint(column, row, "┄", Role::Warn));
    }
    for column in plot.markers.iter().filter_map(|marker| column_of(marker.ago)) {
        (0..inner.height).for_each(|row| paint(column, row, "┊", Role::Title));
    }
}

/// What happened at the markers, over everything else in the top row.
fn labels(scene: &Scene<'_>, plot: &Plot, buffer: &mut Buffer, inner: Rect, column_of: &impl Fn(f64) -> Option<u16>) {
    let mut label_ends = 0;
    for marker in &plot.markers {
        let Some(column) = column_of(marker.ago) else { continue };
        // A label that would run into the one before it is left out: the line remains.
        let label = words::clip(&marker.label, 6);
        let length = u16::try_from(words::width(&label)).unwrap_or(u16::MAX);
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

/// The row of a value, counted from the top; scale, line and curves agree on it.
fn row_of(rows: u16, value: f64, top: f64) -> u16 {
    let dots = f64::from(rows) * 4.0 - 1.0;
    // Within the plot's rows, which fit in a u16.
    (((1.0 - (value / top).clamp(0.0, 1.0)) * dots / 4.0) as u16).min(rows.saturating_sub(1))
}

/// The scales: the unit at the left, minutes ago below.
fn scales(scene: &Scene<'_>, plot: &Plot, buffer: &mut Buffer, area: Rect, inner: Rect, top: f64, minutes: f64) {
    let rows = inner.height;
    let mut labels: Vec<(u16, f64, Role)> = vec![(0, top, Role::Dim), (rows - 1, 0.0, Role::Dim)];
    if rows >= 7 {
        let middle = row_of(rows, top / 2.0, top);
        labels.push((middle, top / 2.0, Role::Dim));
    }
    if let Some(threshold) = &plot.threshold {
        let row = row_of(rows, threshold.value, top);
        labels.retain(|(at, _, _)| at.abs_diff(row) > 1 || *at == rows - 1 && *at != row);
        labels.push((row.min(rows - 1), threshold.value, Role::Warn));
    }
    for row in 0..rows {
        let label = labels.iter().find(|(at, _, _)| *at == row);
        let text = label.map_or(String::new(), |(_, value, _)| (plot.unit)(*value));
        let role = label.map_or(Role::Dim, |(_, _, role)| *role);
        let edge = if label.is_some() { "┤" } else { "│" };
        let text = words::pad_left(&text, usize::from(SCALE) - 1);
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
    let below: String = below.into_iter().collect();
    put(buffer, area, rows + 1, Line::from(vec![Span::raw(" ".repeat(margin)), scene.dim(below)]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, end) in [(0.0, 1.0), (0.9, 1.0), (1.15, 1.5), (212.0, 250.0), (2.9, 3.0), (f64::NAN, 1.0)] {
            assert!((round_up(value) - end).abs() < 1e-9, "{value}: {}", round_up(value));
        }
    }

    #[test]
    fn a_missing_minute_is_a_gap_and_not_a_line_across() {
        let mut dots = Dots::new(Rect::new(0, 0, 20, 1));
        let point = |ago| Point { ago, value: 0.0 };
        dots.curve(&[point(9.0), point(8.0), point(3.0)], |point| ((10.0 - point.ago) * 4.0, 0.0));
        let drawn: String = (0..20).map(|column| if dots.at(column, 0) == 0 { '.' } else { '#' }).collect();
        assert_eq!(drawn, "..###.........#.....");
    }
}
