//! What the metrics say about the new revision: an opinion, and always the numbers and counts it rests on.

use ratatui::text::{Line, Span};

use crate::domain::release::Release;
use crate::domain::verdict::Opinion;
use crate::ui::freshness;
use crate::ui::scene::Scene;
use crate::ui::theme::Role;
use crate::ui::words;

/// The role of an opinion; what is not known, or good with a warning, is never green.
pub fn role(release: &Release) -> Role {
    match release.verdict.opinion {
        Opinion::Good if release.verdict.reasons.is_empty() => Role::Good,
        Opinion::Bad => Role::Bad,
        Opinion::Good | Opinion::Unsure => Role::Warn,
    }
}

/// Whether it is stable that is judged, because nobody is sent to the canary.
pub fn of_stable(release: &Release) -> bool {
    release.canary.is_some() && release.verdict.baseline.is_none()
}

/// The verdict in two lines, and a third for its reasons; one less where the width allows.
pub fn lines(scene: &Scene<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let label = scene.dim(words::pad("verdict", super::head::LABEL));
    let indent = Span::raw(" ".repeat(super::head::LABEL));
    let source = freshness::metrics(scene, release);
    let Some(source) = source else {
        return vec![Line::from(vec![label, scene.dim("no load balancer counts this service's requests")])];
    };
    let verdict = &release.verdict;
    let mut first = vec![label];
    let shape = match verdict.opinion {
        Opinion::Good => "● ",
        Opinion::Bad => "✖ ",
        Opinion::Unsure => "○ ",
    };
    let usable = source.good();
    let shown = if usable { role(release) } else { Role::Dim };
    first.push(scene.span(format!("{shape}{}", verdict.opinion.word()), shown));
    if !usable {
        first.push(scene.span(format!(" ({})", source.words()), source.role()));
    }
    if of_stable(release) {
        first.push(scene.dim(" (stable alone)"));
    }
    first.push(Span::raw("  "));
    let number = if usable { Role::Title } else { Role::Dim };
    first.extend(errors(scene, release, number));
    let mut second = latency(scene, release, number);
    let mut lines = Vec::new();
    let length = |spans: &[Span<'_>]| spans.iter().map(|span| words::width(&span.content)).sum::<usize>();
    if !second.is_empty() {
        if length(&first) + length(&second) + 3 <= columns {
            first.push(scene.dim(" · "));
            first.append(&mut second);
            lines.push(Line::from(first));
        } else {
            second.insert(0, indent.clone());
            lines.push(Line::from(first));
            lines.push(Line::from(second));
        }
    } else {
        lines.push(Line::from(first));
    }
    let reasons = verdict.reasons.join("; ");
    let room = columns.saturating_sub(super::head::LABEL);
    lines.extend(
        words::wrap(&reasons, room, 2)
            .into_iter()
            .map(|reason| Line::from(vec![indent.clone(), scene.span(reason, shown)])),
    );
    lines
}

fn errors(scene: &Scene<'_>, release: &Release, number: Role) -> Vec<Span<'static>> {
    let judged = &release.verdict.judged;
    let Some(rate) = judged.error_percent else {
        return vec![scene.dim("errors no data")];
    };
    let mut spans = vec![
        scene.dim("errors "),
        scene.span(words::rate(rate), number),
        scene.dim(format!(" (n={}", words::count(judged.requests))),
    ];
    if let Some((low, high)) = judged.error_between {
        spans.push(scene.dim(format!(", 95% {low:.2}–{high:.2}%")));
    }
    spans.push(scene.dim(")"));
    if let Some(base) = &release.verdict.baseline {
        let text = base.error_percent.map_or("no data".to_owned(), words::rate);
        spans.push(scene.dim(format!(", stable {text}")));
    }
    spans
}

fn latency(scene: &Scene<'_>, release: &Release, number: Role) -> Vec<Span<'static>> {
    let judged = &release.verdict.judged;
    let Some(p95) = judged.p95 else { return Vec::new() };
    let mut spans = vec![scene.dim("p95 "), scene.span(words::latency(p95), number)];
    if let Some(base) = &release.verdict.baseline {
        match base.p95.filter(|base| *base > 0.0) {
            Some(base) => {
                spans.push(scene.dim(format!(", stable {} ({:.2}×)", words::latency(base), p95 / base)));
            }
            None => spans.push(scene.dim(", stable no data")),
        }
    }
    spans.push(scene.dim(format!(", over {} min", judged.minutes)));
    spans
}
