//! Errors that a source reports instead of numbers, by metric.

use ratatui::text::Line;

use super::{Known, Measure};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::metrics::source::MetricSource;
use crate::domain::metrics::{Series, Trouble, TroubleKind};
use crate::domain::release::Side;

/// CloudWatch's word for an error; Prometheus has only messages.
fn word(kind: TroubleKind, prometheus: bool) -> &'static str {
    match kind {
        TroubleKind::Forbidden if prometheus => "not permitted",
        TroubleKind::Failed if prometheus => "not read",
        TroubleKind::Partial if prometheus => "read in part",
        TroubleKind::Forbidden => "Forbidden",
        TroubleKind::Failed => "InternalError",
        TroubleKind::Partial => "PartialData",
    }
}

fn of_prometheus(side: &Side) -> bool {
    side.meter.as_ref().is_some_and(MetricSource::of_prometheus)
}

/// Returns true if an error concerns a measure. A team's own metrics have other names: their errors concern every
/// measure.
fn concerns(measure: Measure, trouble: &Trouble) -> bool {
    let of = |names: &[&str]| names.iter().any(|name| trouble.metric.starts_with(name));
    let errors = ["HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount"];
    let latency = ["TargetResponseTime"];
    if is_gauge(trouble) {
        return false;
    }
    match measure {
        Measure::Errors => !of(&latency),
        Measure::Latency(_) => !of(&errors),
    }
}

/// The words in place of a missing value.
pub(super) fn instead(series: Option<&Series>, side: &Side, measure: Measure) -> &'static str {
    if side.meter.is_none() {
        return "not counted";
    }
    let troubles = series.map(|series| series.troubles.as_slice()).unwrap_or_default();
    let found = troubles.iter().find(|trouble| concerns(measure, trouble));
    found.map_or("no data", |trouble| word(trouble.kind, of_prometheus(side)))
}

/// Returns true if an error concerns a metric that is shown and never judged.
pub fn is_gauge(trouble: &Trouble) -> bool {
    let names = ["UnHealthyHostCount", "UnhealthyRoutingRequestCount", "HTTPCode_ELB_5XX_Count"];
    names.iter().any(|name| trouble.metric.starts_with(name))
}

/// A line for each metric of a measure that could not be read in full.
pub(super) fn of(
    scene: &Canvas<'_>,
    sides: &[Known<'_>],
    measure: Measure,
    columns: usize,
    rows: usize,
) -> Vec<Line<'static>> {
    let known = sides.iter().filter_map(|(part, side, series)| {
        Some(Told { whose: part.word().0.to_owned(), prometheus: of_prometheus(side), series: (*series)? })
    });
    lines(scene, known, |trouble| concerns(measure, trouble), columns, rows)
}

/// The errors that a source reports for a series.
pub struct Told<'a> {
    /// The owner of the series, in a word.
    pub whose: String,
    /// True if the source is Prometheus.
    pub prometheus: bool,
    /// The series with its errors.
    pub series: &'a Series,
}

/// The errors that `meant` selects, each with its owners, in at most `rows` rows. An error of several owners is shown
/// once.
pub fn lines<'a>(
    scene: &Canvas<'_>,
    sides: impl Iterator<Item = Told<'a>>,
    meant: impl Fn(&Trouble) -> bool,
    columns: usize,
    rows: usize,
) -> Vec<Line<'static>> {
    let mut said: Vec<(Vec<String>, (&Trouble, bool))> = Vec::new();
    for Told { whose, prometheus, series } in sides {
        let told = |trouble| (trouble, prometheus);
        for trouble in series.troubles.iter().filter(|trouble| meant(trouble)).map(told) {
            match said.iter_mut().find(|(_, other)| *other == trouble) {
                Some((all, _)) => all.push(whose.clone()),
                None => said.push((vec![whose.clone()], trouble)),
            }
        }
    }
    let said = said.into_iter().flat_map(|(whose, (trouble, prometheus))| {
        let message = if trouble.message.is_empty() { String::new() } else { format!(" — {}", trouble.message) };
        let (shape, role) = match trouble.kind {
            TroubleKind::Partial => ("▲", Role::Warn),
            TroubleKind::Forbidden | TroubleKind::Failed => ("✖", Role::Bad),
        };
        let whose = whose.join(" and ");
        let text = format!("{shape} {}: {} ({whose}){message}", trouble.metric, word(trouble.kind, prometheus));
        format::wrap(&text, columns, rows).into_iter().map(move |text| (text, role))
    });
    said.map(|(text, role)| scene.line(text, role)).collect()
}
