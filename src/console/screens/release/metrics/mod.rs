//! Errors and latency of both sides, a plot each.

pub mod metric_errors;
mod panel;
pub mod samples;

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::panel::{Known, Note, Panel};
use self::samples::Measure;

use crate::console::widgets::age::Part;
use crate::console::widgets::canvas::{Canvas, split_left};
use crate::console::widgets::format;
use crate::console::widgets::plot::{Marker, Severity, Threshold};
use crate::console::widgets::theme::Role;
use crate::domain::metrics::{Percentile, Series};
use crate::domain::release::{Release, Side};

/// Draws errors and latency side by side.
pub fn draw(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let (left, right) = split_left(area, area.width.saturating_sub(2) / 2);
    errors(scene, release, buffer, left);
    latency(scene, release, buffer, right);
}

/// Draws the error rates, with the confidence band of the canary.
pub fn errors(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let thresholds = scene.observed.settings.thresholds_of(&release.name);
    let (warn, fail) = (thresholds.warn_error_percent, thresholds.error_percent);
    let mut notes = vec![
        Note::line(Severity::Warn, format!("warn {}", format::round_rate(warn)), None),
        Note::line(Severity::Fail, format!("fail {}", format::round_rate(fail)), None),
    ];
    notes.extend(cost(scene, release));
    let panel = Panel {
        title: "errors",
        measure: Measure::Errors,
        thresholds: vec![
            // `warn` calls for a look; a canary is judged against stable long before it exceeds `fail`.
            Threshold { value: warn, severity: Severity::Warn, always: true },
            Threshold { value: fail, severity: Severity::Fail, always: false },
        ],
        notes,
        unit: format::rate,
        round: format::round_rate,
        least_top: 0.1,
    };
    panel.draw(scene, release, buffer, area);
}

/// Draws the chosen percentile of the response time.
pub fn latency(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let thresholds = scene.observed.settings.thresholds_of(&release.name);
    let percentile = scene.screen.release.percentile;
    // Only p95 is judged: the other percentiles have no threshold.
    let relative = release.verdict.baseline.and_then(|base| base.p95).map(|base| base * thresholds.p95_ratio);
    let (value, why) = match (percentile, thresholds.p95_ms, relative) {
        (Percentile::P95, Some(limit), _) => (Some(limit), String::new()),
        (Percentile::P95, None, Some(limit)) => (Some(limit), format!(" = {}× stable", thresholds.p95_ratio)),
        _ => (None, String::new()),
    };
    let note = |value: f64| {
        let short = format!("fail {}", format::latency(value));
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
        unit: format::latency,
        round: format::round_latency,
        least_top: 10.0,
    };
    panel.draw(scene, release, buffer, area);
}

/// The cost of CloudWatch's queries, if a side is counted by CloudWatch.
fn cost(scene: &Canvas<'_>, release: &Release) -> Option<Note> {
    let asked = release.sides().filter_map(|side| side.meter.as_ref()).any(|meter| !meter.of_prometheus());
    let text = format::dollars_an_hour(scene.polls.cloudwatch_dollars_an_hour(scene.observed.now));
    asked.then(|| Note { long: format!("CloudWatch {text}"), short: None, role: Role::Dim })
}

/// The range, and the minutes for each point if more than one: `90m`, `3h by 6m`.
pub fn span(minutes: u16, every: u16) -> String {
    let short = |minutes: u16| match minutes {
        60.. if minutes.is_multiple_of(60) => format!("{}h", minutes / 60),
        _ => format!("{minutes}m"),
    };
    if every > 1 { format!("{} by {}", short(minutes), short(every)) } else { short(minutes) }
}

/// The mark of a side in a plot.
pub fn mark(scene: &Canvas<'_>, part: Part) -> &'static str {
    match (part, scene.theme.ascii()) {
        (Part::Canary, true) => "x",
        (Part::Canary, false) => "━",
        (_, true) => "o",
        (_, false) => "⋯",
    }
}

/// The series of a side.
pub fn series<'a>(scene: &Canvas<'a>, side: &Side) -> Option<&'a Series> {
    scene.observed.snapshot.metrics.get(side.meter.as_ref()?)?.get()
}

/// Minutes ago from which the source may still correct values: whole minutes, as drawn.
pub fn unsettled(scene: &Canvas<'_>, release: &Release) -> f64 {
    let now = scene.observed.now.at;
    let slowest = release.sides().filter_map(|side| series(scene, side)).max_by_key(|it| it.settles_after);
    let Some(slowest) = slowest else { return 0.0 };
    let running = now.as_second().rem_euclid(60) as f64 / 60.0;
    // CloudWatch's newest settled minute began at least three minutes ago; the minute after it is the first unsettled
    // one. A minute that could not be read again for a while has not settled since.
    let oldest = (0..200).map(|back| running + f64::from(back)).find(|ago| {
        let began = now.checked_sub(SignedDuration::from_secs_f64(ago * 60.0)).unwrap_or(now);
        slowest.settled(began, now)
    });
    oldest.map_or(f64::INFINITY, |ago| ago - 1.0).max(0.0)
}

/// The changes of weights, labelled with the new share.
pub fn markers(scene: &Canvas<'_>, release: &Release) -> Vec<Marker> {
    let now = scene.observed.now.at;
    let Some(rule) = release.rules.first() else { return Vec::new() };
    let changes = scene.observed.snapshot.weight_changes.get(&rule.route.id).map(Vec::as_slice).unwrap_or_default();
    changes
        .iter()
        .map(|change| {
            let share = rule.share_of(&change.forwards);
            let ago = now.duration_since(change.at).as_secs_f64() / 60.0;
            Marker { ago, label: share.map_or("0 and 0".to_owned(), |share| share.to_string()) }
        })
        .collect()
}
