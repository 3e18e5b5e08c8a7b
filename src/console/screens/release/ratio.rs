//! The canary's error rate over stable's, with its interval after each minute: the picture behind the verdict.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::metrics::{markers, series, span, unsettled};
use crate::console::widgets::canvas::{Canvas, put, split_top};
use crate::console::widgets::format;
use crate::console::widgets::plot;
use crate::console::widgets::plot::{Band, Plot, Point, SCALE, Severity, Threshold};
use crate::console::widgets::theme::Role;
use crate::domain::analysis;
use crate::domain::analysis::RatioAt;
use crate::domain::release::Release;

/// Draws the interval, or the reason why there is none.
pub(super) fn draw(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let limit = scene.observed.settings.thresholds_of(&release.name).error_ratio;
    let columns = area.width.saturating_sub(SCALE);
    let minutes = scene.screen.release.reach_of(columns);
    let title = format!("canary's errors over stable's {}", span(minutes, 1));
    let note = scene.span(format!("fail if {limit}× stays possible"), Role::Bad);
    put(buffer, area, 0, scene.heading(&title, vec![note], area.width.into()));
    let (_, area) = split_top(area, 1);
    let found = ratios(scene, release);
    put(buffer, area, 0, legend(scene, release, found.last()));
    if found.is_empty() {
        return;
    }
    let (_, area) = split_top(area, 1);
    let now = scene.observed.now.at;
    let ago = |at: jiff::Timestamp| now.duration_since(at).as_secs_f64() / 60.0;
    let band = |it: &RatioAt| Band { from: ago(it.from), to: (ago(it.at) - 1.0).max(0.0), low: it.low, high: it.high };
    let point = |it: &RatioAt| Some(Point { ago: (ago(it.at) - 0.5).max(0.0), value: it.ratio? });
    let plot = Plot {
        stable: Vec::new(),
        canary: found.iter().filter_map(point).collect(),
        band: found.iter().map(band).collect(),
        thresholds: vec![
            Threshold { value: 1.0, severity: Severity::Warn, always: true },
            Threshold { value: limit, severity: Severity::Fail, always: true },
        ],
        markers: markers(scene, release),
        missing: Vec::new(),
        unsettled: unsettled(scene, release),
        minutes,
        every: 1,
        unit: format::times,
        least_top: limit * 1.5,
        times: true,
    };
    plot::draw(scene, &plot, buffer, area);
}

/// The ratio after each minute of the release; empty without a canary or without numbers of both sides.
fn ratios(scene: &Canvas<'_>, release: &Release) -> Vec<RatioAt> {
    let found = || {
        let canary = release.canary.as_ref()?;
        let sides = [series(scene, canary)?, series(scene, &release.stable)?];
        let since = release.bake.map(|bake| bake.since);
        let began = canary.began.into_iter().chain(since).min()?;
        let thresholds = scene.observed.settings.thresholds_of(&release.name);
        Some(analysis::ratio_over_time(sides, began, scene.observed.now.at, thresholds))
    };
    found().unwrap_or_default()
}

/// `━ 2.1× (1.3–3.2×)  evidence 1 : 40 of 1 : 200`.
fn legend(scene: &Canvas<'_>, release: &Release, newest: Option<&RatioAt>) -> Line<'static> {
    let Some(newest) = newest else {
        return scene.dim("no minute has settled in which both sides had requests").into();
    };
    let ratio = newest.ratio.map_or("stable has no errors yet".to_owned(), format::times);
    let mut spans = vec![
        scene.span(super::metrics::mark(scene, crate::console::widgets::age::Part::Canary), Role::Canary),
        Span::raw(" "),
        scene.span(ratio, Role::Title),
        scene.dim(format!(" ({})", format::ratio_between(newest.low, newest.high))),
    ];
    if let Some(rate) = &release.verdict.error_rate {
        spans.push(scene.dim(format!("  {}", super::verdict::evidence(rate))));
    }
    spans.into()
}
