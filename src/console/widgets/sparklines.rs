//! Sparklines: low plots one above the other, with one axis of time and a scale each, for values of different units or
//! magnitudes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::age::Part;
use super::canvas::{Canvas, put, split_top};
use super::format;
use super::plot;
use super::plot::{Plot, Point, SCALE};
use super::theme::Role;
use crate::console::screens::release::metrics::samples::{begins, number};
use crate::console::screens::release::metrics::{mark, markers, span, unsettled};
use crate::domain::metrics::Series;
use crate::domain::release::Release;

/// Values by minute; a missing minute has no data.
pub type Values = BTreeMap<Timestamp, f64>;

/// A curve.
#[derive(Debug, Clone)]
pub struct Curve<'a> {
    /// The part whose mark and colour the curve has.
    pub part: Part,
    /// The label.
    pub name: String,
    /// The values.
    pub values: Values,
    /// The series of the values, which knows the settled minutes.
    series: &'a Series,
}

/// A low plot.
#[derive(Debug, Clone)]
pub struct Strip<'a> {
    /// The title.
    pub title: &'static str,
    /// The unit, and the owner of the values.
    pub note: String,
    /// The curves, at most two: stable's and the canary's.
    pub curves: Vec<Curve<'a>>,
    /// Formats a value.
    pub unit: fn(f64) -> String,
    /// The end of the scale if all values are smaller.
    pub least_top: f64,
}

impl<'a> Curve<'a> {
    /// Creates a curve of the given values of a series.
    pub fn new(part: Part, name: impl Into<String>, values: Values, series: &'a Series) -> Self {
        Self { part, name: name.into(), values, series }
    }

    /// The newest settled value.
    pub fn latest(&self, now: Timestamp) -> Option<f64> {
        self.values.iter().rev().find(|(at, _)| self.series.settled(**at, now)).map(|(_, value)| *value)
    }

    /// The highest value of each point's minutes.
    fn worst(&self, every: u16) -> BTreeMap<i64, f64> {
        let mut worst = BTreeMap::new();
        for (at, value) in &self.values {
            let had: &mut f64 = worst.entry(number(*at, every)).or_insert(*value);
            *had = had.max(*value);
        }
        worst
    }

    fn points(&self, every: u16, now: Timestamp) -> Vec<Point> {
        let middle = |number| {
            let from = now.duration_since(begins(number, every)).as_secs_f64() / 60.0;
            (from - f64::from(every) / 2.0).max(0.0)
        };
        self.worst(every).into_iter().map(|(number, value)| Point { ago: middle(number), value }).collect()
    }

    /// The spans without a value after the first one, once settled: start and end, in minutes ago.
    fn missing(&self, every: u16, now: Timestamp) -> Vec<(f64, f64)> {
        let has = self.worst(every);
        let Some(first) = has.keys().next() else { return Vec::new() };
        let over =
            |number: &i64| self.series.settled(begins(number + 1, every) - jiff::SignedDuration::from_mins(1), now);
        let all = (*first..=number(now, every)).filter(over).filter(|number| !has.contains_key(number));
        let ago = |number| now.duration_since(begins(number, every)).as_secs_f64() / 60.0;
        all.map(|number| (ago(number), ago(number + 1).max(0.0))).collect()
    }
}

/// The fewest rows of a strip: its heading, two of curves, the axis.
const LEAST: u16 = 4;

/// Draws strips one above the other; the last ones are left out where there is no room.
pub fn draw(scene: &Canvas<'_>, release: &Release, strips: &[Strip<'_>], buffer: &mut Buffer, area: Rect) {
    let fitting = area.height.saturating_sub(1) / LEAST;
    let count = u16::try_from(strips.len()).unwrap_or(u16::MAX).min(fitting).max(1);
    let mut rest = area;
    for (index, strip) in (1..=count).zip(strips) {
        let last = index == count;
        // The last strip has the times below.
        let each = (rest.height.saturating_sub(1)) / (count - index + 1);
        let (above, below) = split_top(rest, if last { rest.height } else { each });
        one(scene, release, (strip, last), buffer, above);
        rest = below;
    }
}

/// Draws one strip. `times`: with the times below.
fn one(scene: &Canvas<'_>, release: &Release, (strip, times): (&Strip<'_>, bool), buffer: &mut Buffer, area: Rect) {
    let now = scene.observed.now.at;
    let columns = area.width.saturating_sub(SCALE);
    let minutes = scene.screen.release.reach_of(columns);
    let every = minutes.div_ceil(columns.max(1)).max(1);
    let mut notes = Vec::new();
    for curve in &strip.curves {
        let value = curve.latest(now).map_or("no data".to_owned(), strip.unit);
        let role = if curve.part == Part::Canary { Role::Canary } else { Role::Stable };
        notes.push(scene.span(format!("{} {} ", mark(scene, curve.part), curve.name), role));
        notes.push(scene.span(format!("{value}  "), Role::Title));
    }
    if strip.curves.iter().all(|curve| curve.values.is_empty()) {
        notes = vec![scene.span("no data  ", Role::Dim)];
    }
    let stands = if every > 1 { format!(", the highest of each {every} min") } else { String::new() };
    notes.push(scene.dim(format!("{}{stands}", strip.note)));
    put(buffer, area, 0, scene.heading(&format!("{} {}", strip.title, span(minutes, every)), notes, area.width.into()));
    let (_, area) = split_top(area, 1);
    let of = |canary: bool| {
        let found = strip.curves.iter().find(|curve| (curve.part == Part::Canary) == canary);
        found.map(|curve| curve.points(every, now)).unwrap_or_default()
    };
    let missing = strip.curves.last().map(|curve| curve.missing(every, now)).unwrap_or_default();
    let plot = Plot {
        stable: of(false),
        canary: of(true),
        band: Vec::new(),
        thresholds: Vec::new(),
        markers: markers(scene, release),
        missing,
        unsettled: unsettled(scene, release),
        minutes,
        every,
        unit: strip.unit,
        least_top: strip.least_top,
        times,
    };
    plot::draw(scene, &plot, buffer, area);
}

/// A number in the format of a scale: whole, or with one decimal.
pub fn number_of(value: f64) -> String {
    if value < 100.0 && value.fract().abs() > 0.05 { format!("{value:.1}") } else { format::count(value) }
}

/// A percentage of the reserved CPU or memory.
pub fn percent_of(value: f64) -> String {
    if value > 0.0 && value < 10.0 { format!("{value:.1}%") } else { format!("{value:.0}%") }
}
