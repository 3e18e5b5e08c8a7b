//! A plot of two curves over the last minutes: gaps where there is nothing, and a mark that says so; shades where the
//! true rate may be; the lines that must not be crossed, the moments at which weights changed, and the newest minutes,
//! which still change, hatched.

pub(crate) mod axes;
mod dots;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use self::axes::Grid;
use self::dots::Dots;

use super::canvas::Canvas;

/// A value at a time, counted back from now to the middle of what it is of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Minutes ago.
    pub ago: f64,
    /// In the plot's unit.
    pub value: f64,
}

/// Between which values the truth lies, for a span of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Its beginning, minutes ago.
    pub from: f64,
    /// Its end, minutes ago.
    pub to: f64,
    /// Not below this.
    pub low: f64,
    /// Not above this.
    pub high: f64,
}

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Above it is worth a look.
    Warn,
    /// Above it, and not by chance, fails.
    Fail,
}

/// A line that must not be crossed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Threshold {
    /// Where.
    pub value: f64,
    /// What for.
    pub severity: Severity,
    /// Whether the scale always reaches to it; else it is drawn where the curves come near it.
    pub always: bool,
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
pub(crate) struct Plot {
    /// The side that was there: drawn as dots.
    pub stable: Vec<Point>,
    /// The side that is tried: drawn as a line, and over the other.
    pub canary: Vec<Point>,
    /// Where the canary's true values may be.
    pub band: Vec<Band>,
    /// The lines that must not be crossed.
    pub thresholds: Vec<Threshold>,
    /// When weights changed.
    pub markers: Vec<Marker>,
    /// Spans without data where there could be some: from and to, minutes ago.
    pub missing: Vec<(f64, f64)>,
    /// Minutes ago from which on values still change.
    pub unsettled: f64,
    /// How far back it reaches, minutes.
    pub minutes: u16,
    /// How many minutes a point is of.
    pub every: u16,
    /// How a value is written.
    pub unit: fn(f64) -> String,
    /// The scale's end where everything is smaller.
    pub least_top: f64,
    /// Whether the minutes are written below the axis.
    pub times: bool,
}

/// Columns of the scale at the left.
pub(crate) const SCALE: u16 = 7;

/// The scale's end: the next round number above.
fn round_up(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let magnitude = 10f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.iter().map(|step| step * magnitude).find(|step| *step >= value * 0.999).unwrap_or(10.0 * magnitude)
}

/// Draws a plot with its scales into an area of at least 17 by 3, and a row more for the times.
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
    // Few requests leave the truth almost anywhere: that may not press the curves to the floor.
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
