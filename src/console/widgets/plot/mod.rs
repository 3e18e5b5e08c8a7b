//! A plot of two curves over the last minutes: marked gaps where data is missing, a shaded confidence band, thresholds,
//! the changes of weights, and a shade behind the newest minutes, which still change.

pub(crate) mod axes;
mod dots;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use self::axes::Grid;
use self::dots::Dots;

use super::canvas::Canvas;

/// A value, and the middle of its span of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Minutes ago.
    pub ago: f64,
    /// The value, in the plot's unit.
    pub value: f64,
}

/// The confidence interval of a value over a span of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// The start, in minutes ago.
    pub from: f64,
    /// The end, in minutes ago.
    pub to: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// The severity of a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// A value above calls for a look.
    Warn,
    /// A value above fails, unless it is due to chance.
    Fail,
}

/// A threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Threshold {
    /// The value, in the plot's unit.
    pub value: f64,
    /// The severity.
    pub severity: Severity,
    /// True if the scale always includes the threshold; otherwise it is drawn only if the curves come near it.
    pub always: bool,
}

/// A marked moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// Minutes ago.
    pub ago: f64,
    /// The event, in one word.
    pub label: String,
}

/// The content of a plot. Points are ordered from the oldest.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    /// The stable side: drawn as dots.
    pub stable: Vec<Point>,
    /// The canary: drawn as a line, over stable.
    pub canary: Vec<Point>,
    /// The confidence band of the canary.
    pub band: Vec<Band>,
    /// The thresholds.
    pub thresholds: Vec<Threshold>,
    /// The changes of weights.
    pub markers: Vec<Marker>,
    /// Spans that lack data: start and end, in minutes ago.
    pub missing: Vec<(f64, f64)>,
    /// Minutes ago from which values may still change.
    pub unsettled: f64,
    /// The range in minutes.
    pub minutes: u16,
    /// Minutes for each point.
    pub every: u16,
    /// Formats a value.
    pub unit: fn(f64) -> String,
    /// The end of the scale if all values are smaller.
    pub least_top: f64,
    /// True if the times are written below the axis.
    pub times: bool,
}

/// Columns of the scale at the left.
pub(crate) const SCALE: u16 = 7;

/// The end of the scale: the next round number at or above a value.
fn round_up(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let magnitude = 10f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.iter().map(|step| step * magnitude).find(|step| *step >= value * 0.999).unwrap_or(10.0 * magnitude)
}

/// Draws a plot with its scales into an area of at least 17 by 3, plus a row for the times.
pub(crate) fn draw(scene: &Canvas<'_>, plot: &Plot, buffer: &mut Buffer, area: Rect) {
    let area = area.intersection(buffer.area);
    let below = if plot.times { 2 } else { 1 };
    if area.width < SCALE + 10 || area.height < below + 2 {
        return;
    }
    let inner = Rect { x: area.x + SCALE, y: area.y, width: area.width - SCALE, height: area.height - below };
    let minutes = f64::from(plot.minutes.max(1));
    let visible = |points: &[Point]| -> Vec<Point> {
        points
            .iter()
            .copied()
            .filter(|point| point.ago <= minutes && point.ago >= 0.0 && point.value.is_finite())
            .collect()
    };
    let (stable, canary) = (visible(&plot.stable), visible(&plot.canary));
    let highest = stable.iter().chain(&canary).map(|point| point.value).fold(0.0, f64::max);
    let line = plot.thresholds.iter().filter(|line| line.always).map(|line| line.value).fold(0.0, f64::max);
    let needed = (highest * 1.05).max(line * 1.15).max(plot.least_top);
    // With few requests the band is wide: it must not squeeze the curves to the floor.
    let shaded = plot.band.iter().filter(|band| band.to < minutes).map(|band| band.high).fold(0.0, f64::max);
    let grid = Grid { inner, top: round_up(needed.max(shaded.min(needed * 1.5))), minutes };

    let (dots_x, dots_y) = (f64::from(inner.width) * 2.0, f64::from(inner.height) * 4.0);
    let place = |point: Point| {
        let x = (1.0 - point.ago / minutes) * dots_x - 1.0;
        let y = (1.0 - (point.value / grid.top).clamp(0.0, 1.0)) * (dots_y - 1.0);
        (x.clamp(0.0, dots_x - 1.0), y)
    };
    axes::background(scene, plot, buffer, &grid);
    let mut below = Dots::new(inner);
    below.points(&stable, place);
    let mut above = Dots::new(inner);
    above.curve(&canary, f64::from(plot.every), place);
    let unsettled_from = grid.column(plot.unsettled.min(minutes)).unwrap_or(inner.width);
    for row in 0..inner.height {
        for column in 0..inner.width {
            let drawn = dots::symbol(scene, below.at(column, row), above.at(column, row));
            let Some((symbol, role)) = drawn else { continue };
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
    axes::shade(scene, plot, buffer, &grid);
    axes::pinned(scene, plot, buffer, &grid);
    axes::labels(scene, plot, buffer, &grid);
    axes::scales(scene, plot, buffer, area, &grid);
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
}
