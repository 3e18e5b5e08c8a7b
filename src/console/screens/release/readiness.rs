//! Readiness of a rollback: the checks, and the expected duration.

use ratatui::text::{Line, Span};

use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::release::Release;
use crate::domain::rollback::readiness::{Check, Estimate, Level, Past, Readiness};

/// Returns true if there are checks or an estimate.
pub fn known(preflight: &Readiness) -> bool {
    !preflight.checks.is_empty() || preflight.estimate.is_some()
}

/// The shape and the role of a level.
pub fn shape(level: Level) -> (&'static str, Role) {
    match level {
        Level::Good => ("✓", Role::Good),
        Level::Unknown => ("○", Role::Dim),
        Level::Warn => ("▲", Role::Warn),
        Level::Waits | Level::Blocks => ("✖", Role::Bad),
    }
}

/// The most severe finding above `Good`, and the number of the others.
pub fn gravest(preflight: &Readiness) -> Option<(&Check, usize)> {
    let mut odd = preflight.checks.iter().filter(|check| check.level > Level::Good);
    let mut worst = odd.next()?;
    let mut others = 0;
    for check in odd {
        others += 1;
        // The checks should be sorted by level, most severe first; this does not rely on it.
        if check.level > worst.level {
            worst = check;
        }
    }
    Some((worst, others))
}

/// `usually 6 min (longest 9 min, of 4 rollbacks)`; `None` if nothing was checked.
pub fn estimate(preflight: &Readiness) -> Option<String> {
    match &preflight.estimate {
        Some(estimate) => Some(past(estimate)),
        None if known(preflight) => Some("no past rollback to go by".to_owned()),
        None => None,
    }
}

fn past(Estimate { typical, longest, of, from }: &Estimate) -> String {
    let what = match from {
        Past::Rollbacks => "rollback",
        Past::Deployments => "deployment",
    };
    let typical = format::lasting(*typical);
    match of {
        1 => format!("the last {what} took {typical}"),
        of => format!("usually {typical} (longest {}, of {})", format::lasting(*longest), format::many(*of, what)),
    }
}

/// All findings, the most severe first, then the expected duration.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let preflight = &release.preflight;
    if !known(preflight) {
        return vec![scene.line("nothing is checked beforehand here", Role::Dim)];
    }
    let mut checks: Vec<_> = preflight.checks.iter().collect();
    checks.sort_by_key(|check| std::cmp::Reverse(check.level));
    let mut lines: Vec<_> = checks.into_iter().flat_map(|check| line(scene, check, columns, 4)).collect();
    lines.extend(estimate(preflight).map(|said| scene.line(format!("  {said}"), Role::Text)));
    lines
}

/// One finding in at most `rows` rows; a longer text ends in an ellipsis.
pub fn line(scene: &Canvas<'_>, check: &Check, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let (mark, role) = shape(check.level);
    let text_role = if check.level == Level::Good { Role::Text } else { role };
    let wrapped = format::wrap(&check.said(), columns.saturating_sub(2), rows).into_iter().enumerate();
    wrapped
        .map(|(index, text)| {
            let mark = if index == 0 { format!("{mark} ") } else { "  ".to_owned() };
            Line::from(vec![scene.span(mark, role), scene.span(text, text_role)])
        })
        .collect()
}

/// For a dialog: the findings above `Good`, each in at most two rows, as many as fit, and the expected duration if
/// `timed`. The most severe finding is always there; the last line says how many others are left out.
pub fn brief(scene: &Canvas<'_>, release: &Release, timed: bool, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let preflight = &release.preflight;
    let mut odd: Vec<_> = preflight.checks.iter().filter(|check| check.level > Level::Good).collect();
    odd.sort_by_key(|check| std::cmp::Reverse(check.level));
    let time = estimate(preflight).filter(|_| timed);
    let room = rows.saturating_sub(usize::from(time.is_some())).max(2);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut left_out = odd.len();
    for check in odd {
        let next = line(scene, check, columns, 2);
        // One row is kept for the number of findings left out, unless this is the last.
        let kept = usize::from(left_out > 1);
        if !lines.is_empty() && lines.len() + next.len() + kept > room {
            break;
        }
        lines.extend(next);
        left_out -= 1;
    }
    if left_out > 0 {
        let more = format!("… {left_out} more: see preflight");
        lines.push(Line::from(vec![Span::raw("  "), scene.span(more, Role::Warn)]));
    }
    lines.extend(time.map(|said| scene.line(format!("  {said}"), Role::Text)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_is_the_gravest_wherever_it_stands() {
        let check = |level, what: &str| Check { level, what: what.into() };
        let of = |checks: Vec<Check>| Readiness { checks, estimate: None };
        assert_eq!(gravest(&of(vec![check(Level::Good, "a")])), None);
        let mixed = of(vec![check(Level::Unknown, "a"), check(Level::Blocks, "b"), check(Level::Warn, "c")]);
        assert_eq!(gravest(&mixed).map(|(check, others)| (check.what.as_str(), others)), Some(("b", 2)));
        assert_eq!(estimate(&mixed).as_deref(), Some("no past rollback to go by"));
        assert_eq!(estimate(&Readiness::default()), None);
    }
}
