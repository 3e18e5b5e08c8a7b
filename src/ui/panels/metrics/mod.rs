//! Errors and latency of both sides, each in one plot.

pub mod samples;
pub mod troubles;

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use samples::{Measure, missing, points};

use crate::domain::metrics::{Minute, Percentile, Series};
use crate::domain::release::{Release, Side};
use crate::domain::share::Weights;
use crate::ui::freshness::{Freshness, Part};
use crate::ui::plot::{self, Marker, Plot, SCALE, Severity, Threshold};
use crate::ui::scene::{Scene, put, put_all, split_left, split_top};
use crate::ui::theme::Role;
use crate::ui::{fleet, freshness, words};

/// Draws errors and latency side by side.
pub fn draw(scene: &Scene<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let (left, right) = split_left(area, area.width.saturating_sub(2) / 2);
    errors(scene, release, buffer, left);
    latency(scene, release, buffer, right);
}

/// The error rates, and where the canary's may truly be.
pub fn errors(scene: &Scene<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let thresholds = scene.model.settings.thresholds_of(&release.name);
    let (warn, fail) = (thresholds.warn_error_percent, thresholds.error_percent);
    let mut notes = vec![
        Note::line(Severity::Warn, format!("warn {}", words::round_rate(warn)), None),
        Note::line(Severity::Fail, format!("fail {}", words::round_rate(fail)), None),
    ];
    notes.extend(cost(scene, release));
    let panel = Panel {
        title: "errors",
        measure: Measure::Errors,
        thresholds: vec![
            // What is worth a look; a canary is judged against stable long before it fails by a line of its own.
            Threshold { value: warn, severity: Severity::Warn, always: true },
            Threshold { value: fail, severity: Severity::Fail, always: false },
        ],
        notes,
        unit: words::rate,
        round: words::round_rate,
        least_top: 0.1,
    };
    panel.draw(scene, release, buffer, area);
}

/// The percentile of the response time that is chosen.
pub fn latency(scene: &Scene<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let thresholds = scene.model.settings.thresholds_of(&release.name);
    let percentile = scene.model.percentile;
    // Only p95 is judged: the others have no line.
    let relative = release.verdict.baseline.and_then(|base| base.p95).map(|base| base * thresholds.p95_ratio);
    let (value, why) = match (percentile, thresholds.p95_ms, relative) {
        (Percentile::P95, Some(limit), _) => (Some(limit), String::new()),
        (Percentile::P95, None, Some(limit)) => (Some(limit), format!(" = {}× stable", thresholds.p95_ratio)),
        _ => (None, String::new()),
    };
    let note = |value: f64| {
        let short = format!("fail {}", words::latency(value));
        Note::line(Severity::Fail, format!("{short}{why}"), Some(short))
    };
    let panel = Panel {
        title: match percentile {
            Percentile::P50 => "latency p50",
            Percentile::P95 => "latency p95",
            Percentile::P99 => "latency p99",
        },
        measure: Measure::Latency(percentile),
        thresholds: value
            .map(|value| Threshold { value, severity: Severity::Fail, always: true })
            .into_iter()
            .collect(),
        notes: value.map(note).into_iter().collect(),
        unit: words::latency,
        round: words::round_latency,
        least_top: 10.0,
    };
    panel.draw(scene, release, buffer, area);
}

/// What CloudWatch costs, where it is asked.
fn cost(_scene: &Scene<'_>, _release: &Release) -> Option<Note> {
    None
}

/// Something in a heading, at length and in short.
#[derive(Debug, Clone)]
struct Note {
    long: String,
    short: Option<String>,
    role: Role,
}

impl Note {
    fn line(severity: Severity, long: String, short: Option<String>) -> Self {
        Self { long, short, role: if severity == Severity::Fail { Role::Bad } else { Role::Warn } }
    }
}

struct Panel {
    title: &'static str,
    measure: Measure,
    thresholds: Vec<Threshold>,
    notes: Vec<Note>,
    unit: fn(f64) -> String,
    round: fn(f64) -> String,
    least_top: f64,
}

/// A side with its series.
type Known<'a> = (Part, &'a Side, Option<&'a Series>);

impl Panel {
    fn draw(&self, scene: &Scene<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
        let now = scene.model.now.at;
        let columns = area.width.saturating_sub(SCALE);
        let minutes = scene.model.reach_of(columns);
        let every = minutes.div_ceil(columns.max(1)).max(1);
        put(buffer, area, 0, self.heading(scene, minutes, every, area.width.into()));
        let (_, area) = split_top(area, 1);
        let sides: Vec<Known<'_>> =
            freshness::parts(release).map(|(part, side)| (part, side, series(scene, side))).collect();
        let source = freshness::metrics(scene, release);
        let troubles = |rows| troubles::of(scene, &sides, self.measure, area.width.into(), rows);
        let curve = |part: &[Part]| {
            let found = sides.iter().find(|(of, ..)| part.contains(of)).and_then(|(.., series)| *series);
            found.map(|series| points(series, self.measure, every, now)).unwrap_or_default()
        };
        let (stable, canary) = (curve(&[Part::Stable, Part::Alone]), curve(&[Part::Canary]));
        if stable.is_empty() && canary.is_empty() {
            return nothing(scene, release, source, troubles(3), buffer, area);
        }
        // The side in question: what is tried, else what is there.
        let newest = sides.last().and_then(|(.., series)| *series);
        let missing = newest.and_then(|newest| {
            let begins = newest.minutes.first().map(|first| first.at);
            let since = [begins, release.bake.filter(|_| release.canary.is_some()).map(|bake| bake.since)];
            Some(missing(newest, self.measure, since.into_iter().flatten().min()?, every, now))
        });
        let missing = missing.unwrap_or_default();
        let gaps = missing.iter().any(|(_, to)| *to < f64::from(minutes));
        put(buffer, area, 0, self.legend(scene, &sides, source, gaps, area.width.into()));
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

    /// What it is, how far back it reaches, and what its lines are: as much of that as there is room for.
    fn heading(&self, scene: &Scene<'_>, minutes: u16, every: u16, columns: usize) -> Line<'static> {
        let title = format!("{} {}", self.title, span(minutes, every));
        let mut notes = self.notes.clone();
        if every > 1 && matches!(self.measure, Measure::Latency(_)) {
            notes.push(Note { long: format!("the slowest of each {every} min"), short: None, role: Role::Dim });
        }
        let long = |note: &Note| note.long.clone();
        let short = |note: &Note| note.short.clone().unwrap_or_else(|| note.long.clone());
        let room = columns.saturating_sub(words::width(&title) + 6);
        let wide = |texts: &[String]| texts.iter().map(|text| words::width(text) + 3).sum::<usize>();
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

    /// Which curve is which, with its newest settled value and of how many requests a minute that is.
    fn legend(
        &self,
        scene: &Scene<'_>,
        sides: &[Known<'_>],
        source: Option<Freshness>,
        gaps: bool,
        columns: usize,
    ) -> Line<'static> {
        let usable = source.as_ref().is_some_and(Freshness::good);
        let now = scene.model.now.at;
        let newest: Vec<_> = sides.iter().map(|(.., series)| latest(*series, self.measure, now)).collect();
        let at = newest.iter().flatten().map(|minute| minute.at).max();
        let variant = |stables: bool, age: bool, gap: bool, unit: &str| {
            let mut spans = Vec::new();
            for ((part, side, series), minute) in sides.iter().zip(&newest) {
                let (word, role) = part.word();
                let value = match minute.and_then(|minute| self.measure.of(&[minute])) {
                    Some(value) => (self.unit)(value),
                    None => troubles::instead(*series, side, self.measure).to_owned(),
                };
                spans.push(scene.span(format!("{} {word} ", mark(scene, *part)), role));
                spans.push(scene.span(value, if usable { Role::Title } else { Role::Dim }));
                let requests = minute.and_then(|minute| minute.requests);
                if let Some(requests) = requests.filter(|_| stables || *part != Part::Stable) {
                    spans.push(scene.dim(format!(" n={}{unit}", words::count(requests))));
                }
                spans.push(Span::raw("  "));
            }
            match (source.as_ref().filter(|source| !source.good()), at) {
                (Some(source), _) => spans.push(scene.span(source.words(), source.role())),
                (None, Some(at)) if age => {
                    spans.push(scene.dim(format!("{} ago", words::age(now.duration_since(at)))));
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

/// How far back, and by how many minutes where that is not one: `90m`, `3h by 6m`.
pub fn span(minutes: u16, every: u16) -> String {
    let short = |minutes: u16| match minutes {
        60.. if minutes.is_multiple_of(60) => format!("{}h", minutes / 60),
        _ => format!("{minutes}m"),
    };
    if every > 1 { format!("{} by {}", short(minutes), short(every)) } else { short(minutes) }
}

/// What a side is drawn with.
pub fn mark(scene: &Scene<'_>, part: Part) -> &'static str {
    match (part, scene.theme.ascii()) {
        (Part::Canary, true) => "x",
        (Part::Canary, false) => "━",
        (_, true) => "o",
        (_, false) => "⋯",
    }
}

/// The newest settled minute that has a value.
fn latest(series: Option<&Series>, measure: Measure, now: Timestamp) -> Option<&Minute> {
    let series = series?;
    let has = |minute: &&Minute| series.settled(minute.at, now) && measure.of(&[*minute]).is_some();
    series.minutes.iter().rev().find(has)
}

/// No curve at all: why, in words.
fn nothing(
    scene: &Scene<'_>,
    release: &Release,
    source: Option<Freshness>,
    troubles: Vec<Line<'static>>,
    buffer: &mut Buffer,
    area: Rect,
) {
    let columns = usize::from(area.width);
    let lines = match source {
        None => {
            let why = freshness::uncounted(release).unwrap_or_else(|| "no load balancer in front".to_owned());
            let lines = words::wrap(&format!("no data: {why}"), columns, 3);
            lines.into_iter().map(|text| scene.dim(text).into()).collect()
        }
        Some(source) => {
            let name = freshness::name(&source.source);
            match &source.fault {
                Some((_, fault)) => fleet::fault_lines(scene, fault, columns),
                None if source.age.is_none() => vec![scene.dim(format!("reading {name}…")).into()],
                None if !troubles.is_empty() => troubles,
                None => vec![scene.dim(format!("no data: {name} counted no requests")).into()],
            }
        }
    };
    let (_, area) = split_top(area, 1);
    put_all(scene, buffer, area, lines);
}

/// What was counted of a side.
pub fn series<'a>(scene: &Scene<'a>, side: &Side) -> Option<&'a Series> {
    scene.model.snapshot.metrics.get(side.meter.as_ref()?)?.get()
}

/// Minutes ago from which on the source still corrects: whole minutes, as they are drawn.
pub fn unsettled(scene: &Scene<'_>, release: &Release) -> f64 {
    let now = scene.model.now.at;
    let slowest = freshness::sides(release).filter_map(|side| series(scene, side)).max_by_key(|it| it.settles_after);
    let Some(slowest) = slowest else { return 0.0 };
    let running = now.as_second().rem_euclid(60) as f64 / 60.0;
    // Of CloudWatch the newest settled minute began at least three minutes ago; the one after it is the first that is not.
    let oldest = (0..5).map(|back| running + f64::from(back)).find(|ago| {
        let began = now.checked_sub(SignedDuration::from_secs_f64(ago * 60.0)).unwrap_or(now);
        slowest.settled(began, now)
    });
    oldest.map_or(3.0, |ago| ago - 1.0).max(0.0)
}

/// When the weights changed, and to what share.
pub fn markers(scene: &Scene<'_>, release: &Release) -> Vec<Marker> {
    let now = scene.model.now.at;
    let Some(route) = release.routes.first() else { return Vec::new() };
    let groups = release
        .stable
        .target_group
        .as_ref()
        .zip(release.canary.as_ref().and_then(|canary| canary.target_group.as_ref()));
    let Some((stable, canary)) = groups else { return Vec::new() };
    let changes = scene.model.snapshot.weight_changes.get(&route.id).map(Vec::as_slice).unwrap_or_default();
    changes
        .iter()
        .map(|change| {
            let weight = |group: &crate::domain::names::Arn| {
                change.forwards.iter().find(|to| to.target_group == *group).map(|to| to.weight)
            };
            let share = weight(stable)
                .zip(weight(canary))
                .and_then(|(stable, canary)| Weights { stable, canary }.canary_share());
            let ago = now.duration_since(change.at).as_secs_f64() / 60.0;
            Marker { ago, label: share.map_or("0 and 0".to_owned(), |share| share.to_string()) }
        })
        .collect()
}
