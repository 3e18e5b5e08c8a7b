//! The verdict on the new revision: an outcome, always with the numbers and counts behind it.

use ratatui::text::{Line, Span};

use crate::console::widgets::age;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::analysis::preliminary;
use crate::domain::analysis::preliminary::Preliminary;
use crate::domain::analysis::{ErrorRate, Latency, Reason, VerdictStatus};
use crate::domain::release::Release;

/// Rows of a screen from which the reasons of a verdict are always shown.
pub(crate) const TALL: u16 = 32;

/// Returns the role of an outcome. An unknown outcome, or a pass with a warning, is never green.
pub fn role(release: &Release) -> Role {
    match release.verdict.outcome {
        VerdictStatus::Pass if release.verdict.reasons.is_empty() => Role::Good,
        VerdictStatus::Fail => Role::Bad,
        VerdictStatus::Pass | VerdictStatus::Inconclusive => Role::Warn,
    }
}

/// Returns true if stable is judged, because no users are sent to the canary.
pub fn of_stable(release: &Release) -> bool {
    release.canary.is_some() && release.verdict.baseline.is_none()
}

/// One number in several lengths, the longest first.
type Said = Vec<Vec<Span<'static>>>;

/// The numbers behind the banner's sentence. A small screen has the numbers alone; `v` shows the reasons.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let tall = scene.screen.size.1 >= TALL;
    reasoned(scene, release, columns, if tall { 3 } else { 0 })
}

/// The outcome with its numbers, short enough for two lines if possible, then the reasons against or for it, each in at
/// most `rows` rows.
pub(crate) fn reasoned(scene: &Canvas<'_>, release: &Release, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let label = scene.dim(format::pad("verdict", format::LABEL));
    let indent = Span::raw(" ".repeat(format::LABEL));
    let room = columns.saturating_sub(format::LABEL);
    let source = age::metrics(scene, release);
    let Some(source) = source else {
        let why = age::uncounted(release).unwrap_or_else(|| "no load balancer counts its requests".to_owned());
        let leads = std::iter::once(label).chain(std::iter::repeat(indent));
        let texts = format::wrap(&why, room, 2).into_iter();
        return leads.zip(texts).map(|(lead, text)| Line::from(vec![lead, scene.dim(text)])).collect();
    };
    let verdict = &release.verdict;
    let shape = match verdict.outcome {
        VerdictStatus::Pass => "● ",
        VerdictStatus::Fail => "✖ ",
        VerdictStatus::Inconclusive => "○ ",
    };
    let usable = source.good();
    let shown = if usable { role(release) } else { Role::Dim };
    let mut first = vec![scene.span(format!("{shape}{}", verdict.outcome.word()), shown)];
    if !usable {
        first.push(scene.span(format!(" ({})", source.words()), source.role()));
    }
    if of_stable(release) {
        first.push(scene.dim(" (stable alone)"));
    }
    first.push(Span::raw("  "));
    let number = if usable { Role::Text } else { Role::Dim };
    first.extend(errors(scene, release, number));
    let said: Vec<Said> = [compared(scene, release), latency(scene, release, number)].into_iter().flatten().collect();
    let levels = said.iter().map(Vec::len).max().unwrap_or(1);
    let tried: Vec<_> = (0..levels).map(|level| laid(scene, &first, &said, level, room)).collect();
    let chosen = tried.iter().find(|lines| lines.len() <= 2).or(tried.last()).cloned().unwrap_or_default();
    let lead = std::iter::once(label).chain(std::iter::repeat(indent.clone()));
    let mut lines: Vec<_> = lead
        .zip(chosen)
        .map(|(lead, mut spans)| {
            spans.insert(0, lead);
            Line::from(spans)
        })
        .collect();
    let mut more = |reasons: &[Reason], rows: usize| {
        let texts: Vec<_> = reasons.iter().map(Reason::as_str).collect();
        let wrapped = format::wrap(&texts.join("; "), room, rows);
        lines.extend(wrapped.into_iter().map(|text| Line::from(vec![indent.clone(), scene.dim(text)])));
    };
    more(&verdict.reasons, rows);
    more(&verdict.grounds, rows);
    lines
}

/// Returns the numbers of the canary's unsettled minutes, if the canary's share is watched.
pub(crate) fn preliminary(scene: &Canvas<'_>, release: &Release) -> Option<Preliminary> {
    let (bake, meter) = (release.bake.as_ref()?, release.canary.as_ref()?.meter.as_ref()?);
    let series = scene.observed.snapshot.metrics.get(meter)?.get()?;
    let thresholds = scene.observed.settings.thresholds_of(&release.name);
    preliminary::of(series, bake.since, scene.observed.now.at, thresholds)
}

/// Lays out the pieces at one length; a piece without room begins a new line.
fn laid(
    scene: &Canvas<'_>,
    first: &[Span<'static>],
    said: &[Said],
    level: usize,
    room: usize,
) -> Vec<Vec<Span<'static>>> {
    let mut lines = Vec::new();
    let mut line = first.to_vec();
    for variants in said {
        let Some(piece) = variants.get(level).or(variants.last()) else { continue };
        if format::wide(&line) + 3 + format::wide(piece) > room {
            lines.push(std::mem::take(&mut line));
        } else {
            line.push(scene.dim(" · "));
        }
        line.extend(piece.iter().cloned());
    }
    lines.push(line);
    lines
}

fn errors(scene: &Canvas<'_>, release: &Release, number: Role) -> Vec<Span<'static>> {
    let judged = &release.verdict.judged;
    let Some(rate) = judged.error_percent else {
        return vec![scene.dim("errors no data")];
    };
    let mut spans = vec![
        scene.dim("errors "),
        scene.span(format::rate(rate), number),
        scene.dim(format!(" (n={}", format::count(judged.requests))),
    ];
    if let Some((low, high)) = judged.error_between {
        spans.push(scene.dim(format!(", 95% {low:.2}–{high:.2}%")));
    }
    spans.push(scene.dim(")"));
    if let Some(base) = &release.verdict.baseline {
        let text = base.error_percent.map_or("no data".to_owned(), format::rate);
        spans.push(scene.dim(format!(", stable {text}")));
    }
    spans
}

/// Renders the interval of the ratio of both error rates, and the evidence that the canary's is higher.
fn compared(scene: &Canvas<'_>, release: &Release) -> Option<Said> {
    let rate = release.verdict.error_rate.as_ref()?;
    let between = format::ratio_between(rate.ratio_low, rate.ratio_high.unwrap_or(f64::INFINITY));
    let odds = format::odds(rate.evidence);
    Some(vec![
        vec![scene.dim(format!("{between} stable's (95%), {}", evidence(rate)))],
        vec![scene.dim(format!("{between} stable's, {}", evidence(rate)))],
        vec![scene.dim(format!("{between}, evidence {odds}"))],
    ])
}

/// `evidence 1 : 40 of 1 : 200`.
pub(super) fn evidence(rate: &ErrorRate) -> String {
    odds_of(rate.evidence, rate.evidence_needed)
}

fn odds_of(evidence: f64, needed: f64) -> String {
    format!("evidence {} of {}", format::odds(evidence), format::odds(needed))
}

fn latency(scene: &Canvas<'_>, release: &Release, number: Role) -> Option<Said> {
    let judged = &release.verdict.judged;
    let p95 = judged.p95?;
    let value = [scene.dim("p95 "), scene.span(format::latency(p95), number)];
    let with = |more: String| value.iter().cloned().chain([scene.dim(more)]).collect::<Vec<_>>();
    let over = format!(", over {} min", judged.minutes);
    let Some(base) = &release.verdict.baseline else { return Some(vec![with(over)]) };
    let Some(base) = base.p95.filter(|base| *base > 0.0) else {
        return Some(vec![with(format!(", stable no data{over}")), with(", stable no data".to_owned())]);
    };
    let compared = release.verdict.latency.as_ref();
    // A canary that is not slower raises no question of chance.
    let (long, short) = compared.filter(|_| p95 > base).map(how_sure).unwrap_or_default();
    let ratio = p95 / base;
    let beside = |sure: &str| format!(", stable {} ({ratio:.2}×{sure})", format::latency(base));
    Some(vec![
        with(format!("{}{over}", beside(&long))),
        with(beside(&short)),
        with(format!(" = {ratio:.2}× stable{short}")),
        with(format!(" = {ratio:.2}×{short}")),
    ])
}

/// How sure a difference in latency is, long and short: the evidence of all requests, or the chance of the ranks.
fn how_sure(latency: &Latency) -> (String, String) {
    match &latency.slow_requests {
        Some(slow) => (
            format!(", {}", odds_of(slow.evidence, slow.evidence_needed)),
            format!(", evidence {}", format::odds(slow.evidence)),
        ),
        None => {
            let chance = format!(", chance {}", format::chance(latency.p_value));
            (chance.clone(), chance)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::how_sure;
    use crate::domain::analysis::{Latency, SlowShare};
    use crate::domain::metrics::Percentile;

    #[test]
    fn all_requests_are_weighed_by_evidence_and_the_order_of_minutes_by_chance() {
        let slow = SlowShare { edge_ms: 250.0, stable: 2.0, canary: 8.0, evidence: 412.0, evidence_needed: 400.0 };
        let of = |slow_requests| Latency {
            percentile: Percentile::P95,
            stable_median_ms: 200.0,
            canary_median_ms: 300.0,
            p_value: 0.001_1,
            effect: 0.9,
            slow_requests,
        };
        let table = [
            (Some(slow), [", evidence 1 : 412 of 1 : 400", ", evidence 1 : 412"]),
            (None, [", chance 1 in 909", ", chance 1 in 909"]),
        ];
        for (slow, expected) in table {
            let (long, short) = how_sure(&of(slow));
            assert_eq!([long.as_str(), short.as_str()], expected);
        }
    }
}
