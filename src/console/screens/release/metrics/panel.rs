//! The layout of a plot of both sides: heading, legend, errors of the source, curves.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::samples;
use super::samples::{Measure, missing, points};
use super::{mark, markers, metric_errors, series, span, unsettled};
use crate::console::widgets::age::{Freshness, Part};
use crate::console::widgets::canvas::{Canvas, put, put_all, split_top};
use crate::console::widgets::parts;
use crate::console::widgets::plot;
use crate::console::widgets::plot::{Plot, SCALE, Severity, Threshold};
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::metrics::{Minute, Series};
use crate::domain::release::{Release, Side};

/// A note in a heading, in long and in short.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) long: String,
    pub(super) short: Option<String>,
    pub(super) role: Role,
}

impl Note {
    pub(super) fn line(severity: Severity, long: String, short: Option<String>) -> Self {
        Self { long, short, role: if severity == Severity::Fail { Role::Bad } else { Role::Warn } }
    }
}

/// A plot of both sides, with its heading and legend.
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) measure: Measure,
    pub(super) thresholds: Vec<Threshold>,
    pub(super) notes: Vec<Note>,
    pub(super) unit: fn(f64) -> String,
    pub(super) round: fn(f64) -> String,
    pub(super) least_top: f64,
}

/// A side with its series.
pub(super) type Known<'a> = (Part, &'a Side, Option<&'a Series>);

impl Panel {
    /// Draws the panel; without any curve it shows the reason.
    pub(super) fn draw(&self, scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
        let now = scene.observed.now.at;
        let columns = area.width.saturating_sub(SCALE);
        let minutes = scene.screen.release.reach_of(columns);
        let every = minutes.div_ceil(columns.max(1)).max(1);
        put(buffer, area, 0, self.heading(scene, minutes, every, area.width.into()));
        let (_, area) = split_top(area, 1);
        let sides: Vec<Known<'_>> = age::parts(release).map(|(part, side)| (part, side, series(scene, side))).collect();
        let source = age::metrics(scene, release);
        let troubles = |rows| metric_errors::of(scene, &sides, self.measure, area.width.into(), rows);
        let curve = |part: &[Part]| {
            let found = sides.iter().find(|(of, ..)| part.contains(of)).and_then(|(.., series)| *series);
            found.map(|series| points(series, self.measure, every, now)).unwrap_or_default()
        };
        let (stable, canary) = (curve(&[Part::Stable, Part::Alone]), curve(&[Part::Canary]));
        if stable.is_empty() && canary.is_empty() {
            let lines = nothing(scene, release, source, troubles(3), area.width.into());
            return put_all(scene, buffer, split_top(area, 1).1, lines);
        }
        // The side under test: the canary if there is one.
        let newest = sides.last().and_then(|(.., series)| *series);
        let missing = newest.and_then(|newest| {
            let begins = newest.minutes.first().map(|first| first.at);
            let since = [begins, release.bake.filter(|_| release.canary.is_some()).map(|bake| bake.since)];
            Some(missing(newest, self.measure, since.into_iter().flatten().min()?, every, now))
        });
        let missing = missing.unwrap_or_default();
        let gaps = missing.iter().any(|(_, to)| *to < f64::from(minutes));
        put(buffer, area, 0, self.legend(scene, (&sides, gaps), source, area.width.into()));
        let (_, area) = split_top(area, 1);
        let troubles = troubles(1);
        let most = area.height.saturating_sub(5).min(2);
        let (above, area) = split_top(area, u16::try_from(troubles.len()).unwrap_or(most).min(most));
        put_all(scene, buffer, above, troubles);
        let judged = newest.filter(|_| self.measure == Measure::Errors);
        let plot = Plot {
            stable,
            canary,
            band: judged.map(|series| samples::band(series, every, now)).unwrap_or_default(),
            thresholds: self.thresholds.clone(),
            markers: markers(scene, release),
            missing,
            unsettled: unsettled(scene, release),
            minutes,
            every,
            unit: self.round,
            least_top: self.least_top,
            times: true,
        };
        plot::draw(scene, &plot, buffer, area);
    }

    /// The title, the range and the notes, as many as fit.
    fn heading(&self, scene: &Canvas<'_>, minutes: u16, every: u16, columns: usize) -> Line<'static> {
        let title = format!("{} {}", self.title, span(minutes, every));
        let mut notes = self.notes.clone();
        if every > 1 && matches!(self.measure, Measure::Latency(_)) {
            notes.push(Note { long: format!("the slowest of each {every} min"), short: None, role: Role::Dim });
        }
        let long = |note: &Note| note.long.clone();
        let short = |note: &Note| note.short.clone().unwrap_or_else(|| note.long.clone());
        let room = columns.saturating_sub(format::width(&title) + 6);
        let wide = |texts: &[String]| texts.iter().map(|text| format::width(text) + 3).sum::<usize>();
        let mut texts: Vec<_> = notes.iter().map(long).collect();
        if wide(&texts) > room + 3 {
            texts = notes.iter().map(short).collect();
        }
        while wide(&texts) > room + 3 && texts.pop().is_some() {}
        let mut spans = Vec::new();
        for (text, note) in texts.into_iter().zip(&notes) {
            if !spans.is_empty() {
                spans.push(scene.dim(" · "));
            }
            spans.push(scene.span(text, note.role));
        }
        scene.heading(&title, spans, columns)
    }

    /// The legend: each curve with its newest settled value and the requests a minute behind it.
    fn legend(
        &self,
        scene: &Canvas<'_>,
        (sides, gaps): (&[Known<'_>], bool),
        source: Option<Freshness>,
        columns: usize,
    ) -> Line<'static> {
        let usable = source.as_ref().is_some_and(Freshness::good);
        let now = scene.observed.now.at;
        let newest: Vec<_> = sides.iter().map(|(.., series)| latest(*series, self.measure, now)).collect();
        let at = newest.iter().flatten().map(|minute| minute.at).max();
        let variant = |stables: bool, age: bool, gap: bool, unit: &str| {
            let mut spans = Vec::new();
            for ((part, side, series), minute) in sides.iter().zip(&newest) {
                let (word, role) = part.word();
                let value = match minute.and_then(|minute| self.measure.of(&[minute])) {
                    Some(value) => (self.unit)(value),
                    None => metric_errors::instead(*series, side, self.measure).to_owned(),
                };
                spans.push(scene.span(format!("{} {word} ", mark(scene, *part)), role));
                spans.push(scene.span(value, if usable { Role::Title } else { Role::Dim }));
                let requests = minute.and_then(|minute| minute.requests);
                if let Some(requests) = requests.filter(|_| stables || *part != Part::Stable) {
                    spans.push(scene.dim(format!(" n={}{unit}", format::count(requests))));
                }
                spans.push(Span::raw("  "));
            }
            match (source.as_ref().filter(|source| !source.good()), at) {
                (Some(source), _) => spans.push(scene.span(source.words(), source.role())),
                (None, Some(at)) if age => {
                    spans.push(scene.dim(format!("{} ago", format::age(now.duration_since(at)))));
                }
                _ => {}
            }
            if gap && gaps {
                spans.push(scene.span("  ? no data", Role::Warn));
            }
            Line::from(spans)
        };
        let mut variants = [
            variant(true, true, true, "/min"),
            variant(false, true, true, "/min"),
            variant(false, true, false, "/min"),
            variant(false, false, false, "/min"),
            variant(false, false, false, ""),
        ]
        .into_iter();
        let least = variants.next_back().unwrap_or_default();
        variants.find(|line| line.width() <= columns).unwrap_or(least)
    }
}

/// The newest settled minute that has a value.
fn latest(series: Option<&Series>, measure: Measure, now: Timestamp) -> Option<&Minute> {
    let series = series?;
    let has = |minute: &&Minute| series.settled(minute.at, now) && measure.of(&[*minute]).is_some();
    series.minutes.iter().rev().find(has)
}

/// The reason why there is no curve.
fn nothing(
    scene: &Canvas<'_>,
    release: &Release,
    source: Option<Freshness>,
    troubles: Vec<Line<'static>>,
    columns: usize,
) -> Vec<Line<'static>> {
    match source {
        None => {
            let why = age::uncounted(release).unwrap_or_else(|| "no load balancer in front".to_owned());
            let lines = format::wrap(&format!("no data: {why}"), columns, 3);
            lines.into_iter().map(|text| scene.dim(text).into()).collect()
        }
        Some(source) => {
            let name = age::name(&source.source);
            match &source.fault {
                Some((_, fault)) => parts::fault_lines(scene, fault, columns),
                None if source.age.is_none() => vec![scene.dim(format!("reading {name}…")).into()],
                None if !troubles.is_empty() => troubles,
                None => vec![scene.dim(format!("no data: {name} counted no requests")).into()],
            }
        }
    }
}
