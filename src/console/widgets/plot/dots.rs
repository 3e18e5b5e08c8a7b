//! Curves as dots, two by four to a cell.

use ratatui::layout::Rect;

use super::Point;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::theme::Role;

/// Braille dots by column and row of a cell.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// The dots of one curve.
pub(super) struct Dots {
    columns: usize,
    rows: usize,
    cells: Vec<u8>,
}

impl Dots {
    pub(super) fn new(area: Rect) -> Self {
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

    pub(super) fn at(&self, column: u16, row: u16) -> u8 {
        self.cells.get(usize::from(row) * self.columns + usize::from(column)).copied().unwrap_or(0)
    }

    /// A dot a point.
    pub(super) fn points(&mut self, points: &[Point], place: impl Fn(Point) -> (f64, f64)) {
        for point in points {
            let (x, y) = place(*point);
            self.set(x, y);
        }
    }

    /// A line through the points; those no farther apart than `every` minutes are joined, a missing one leaves a gap.
    pub(super) fn curve(&mut self, points: &[Point], every: f64, place: impl Fn(Point) -> (f64, f64)) {
        let mut before: Option<Point> = None;
        for point in points {
            let (x, y) = place(*point);
            match before.filter(|before| before.ago - point.ago < 1.5 * every) {
                Some(before) => {
                    let (from_x, from_y) = place(before);
                    let count = (x - from_x).abs().max((y - from_y).abs()).ceil().clamp(1.0, 1_000.0);
                    for part in 1..=count as usize {
                        let along = part as f64 / count;
                        self.set(from_x + (x - from_x) * along, from_y + (y - from_y) * along);
                    }
                }
                // A point alone is two dots wide, so that it is seen.
                None => {
                    self.set(x, y);
                    self.set(x + 1.0, y);
                }
            }
            before = Some(*point);
        }
    }
}

/// A cell of the curves: braille, or letters where only ASCII is drawn.
pub(super) fn symbol(scene: &Canvas<'_>, stable: u8, canary: u8) -> Option<(char, Role)> {
    let role = if canary != 0 { Role::Canary } else { Role::Stable };
    match (stable, canary) {
        (0, 0) => None,
        _ if !scene.theme.ascii() => char::from_u32(0x2800 + u32::from(stable | canary)).map(|symbol| (symbol, role)),
        (_, 0) => Some(('o', role)),
        (0, _) => Some(('x', role)),
        _ => Some(('#', role)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_minute_is_a_gap_and_not_a_line_across() {
        let mut dots = Dots::new(Rect::new(0, 0, 20, 1));
        let point = |ago| Point { ago, value: 0.0 };
        dots.curve(&[point(9.0), point(8.0), point(3.0)], 1.0, |point| ((10.0 - point.ago) * 4.0, 0.0));
        let drawn: String = (0..20).map(|column| if dots.at(column, 0) == 0 { '.' } else { '#' }).collect();
        assert_eq!(drawn, "..###.........#.....");
    }
}
