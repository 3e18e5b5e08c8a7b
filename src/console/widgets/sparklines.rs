//! Low plots over one another, of one time and each with its own scale: for what is not of one unit, or not of one
//! size.

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

/// Values by minute; what is not there has no data.
pub type Values = BTreeMap<Timestamp, f64>;

/// One curve.
#[derive(Debug, Clone)]
pub struct Curve<'a> {
    /// How it is drawn.
    pub part: Part,
    /// What it is called.
    pub name: String,
    /// Its values.
    pub values: Values,
    /// Whose they are: it knows which of them change no more.
    series: &'a Series,
}

/// One plot.
#[derive(Debug, Clone)]
pub struct Strip<'a> {
    /// What it shows.
    pub title: &'static str,
    /// Whose that is, and in what unit.
    pub note: String,
    /// Two at the most: of stable and of the canary.
    pub curves: Vec<Curve<'a>>,
    /// How a value is written.
    pub unit: fn(f64) -> String,
    /// The scale's end where everything is smaller.
    pub least_top: f64,
}

impl<'a> Curve<'a> {
    /// A curve of a series: the values that are given.
    pub fn new(part: Part, name: impl Into<String>, values: Values, series: &'a Series) -> Self {
        Self { part, name: name.into(), values, series }
    }

    /// Its newest value that changes no more.
    pub fn latest(&self, now: Timestamp) -> Option<f64> {
        self.values.iter().rev().find(|(at, _)| self.series.settled(**at, now)).map(|(_, value)| *value)
    }

    /// The worst of each point's minutes.
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

    /// Where it has nothing after its first value: from and to, minutes ago.
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

/// Fewer rows than this make no strip: its heading, two of curves, the axis.
const LEAST: u16 = 4;

/// Draws strips over one another; those that have no room are left out, the last first.
pub fn draw(scene: &Canvas<'_>, release: &Release, strips: &[Strip<'_>], buffer: &mut Buffer, area: Rect) {
    let fitting = area.height.saturating_sub(1) / LEAST;
    let count = u16::try_from(strips.len()).unwrap_or(u16::MAX).min(fitting).max(1);
    let mut rest = area;
    for (index, strip) in (1..=count).zip(strips) {
        let last = index == count;
        // The last one has the times below it.
        let each = (rest.height.saturating_sub(1)) / (count - index + 1);
        let (above, below) = split_top(rest, if last { rest.height } else { each });
        one(scene, release, (strip, last), buffer, above);
        rest = below;
    }
}

/// `times`: whether the times stand below it.
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

/// A number as a scale has it: whole, or with one digit.
pub fn number_of(value: f64) -> String {
    if value < 100.0 && value.fract().abs() > 0.05 { format!("{value:.1}") } else { format::count(value) }
}

/// A part of what is reserved, percent.
pub fn percent_of(value: f64) -> String {
    if value > 0.0 && value < 10.0 { format!("{value:.1}%") } else { format!("{value:.0}%") }
}
