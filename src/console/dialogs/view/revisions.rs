//! The dialog that chooses a revision: to start, or to go back to.

use ratatui::text::{Line, Span};

use crate::console::dialogs::{Choice, Revisions};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{format, parts};
use crate::domain::fault::Fault;

pub(super) fn lines(scene: &Canvas<'_>, revisions: &Revisions, width: usize, rows: usize) -> Vec<Line<'static>> {
    let reading = scene.observed.snapshot.families.get(&revisions.family);
    let fault = reading.and_then(|reading| reading.failing());
    let choices = revisions.choices(scene.observed);
    if choices.is_empty() {
        return match (fault, reading.and_then(|reading| reading.get())) {
            (Some(fault), _) => parts::fault_lines(scene, fault, width),
            (None, None) => vec![scene.line("reading revisions…", Role::Title)],
            (None, Some(_)) => vec![
                scene.line("no active revision", Role::Title),
                scene.line("Register one, for example with your pipeline.", Role::Dim),
            ],
        };
    }
    let rows = rows.saturating_sub(2).min(choices.len()).max(1);
    let selected = revisions.marked(&choices);
    let first = selected.saturating_sub(rows / 2).min(choices.len() - rows.min(choices.len()));
    let heads = format!("  {} {} what is known", format::pad("revision", 12), format::pad("version", 18));
    let mut lines = vec![scene.line(heads, Role::Dim)];
    for (index, choice) in choices.iter().enumerate().skip(first).take(rows) {
        let style = scene.theme.style(if index == selected { Role::Marked } else { Role::Text });
        let version = choice.version.as_deref().unwrap_or("…");
        lines.push(Line::from(vec![
            scene.span(if index == selected { "▸ " } else { "  " }, Role::Accent),
            Span::styled(format::pad(&choice.task_definition.tag(), 12), style),
            Span::raw(" "),
            scene.text(format::pad(version, 18)),
            Span::raw(" "),
            known(scene, revisions, choice, width),
        ]));
    }
    lines.push(last_line(scene, choices.len() - rows.min(choices.len()), fault, width));
    lines
}

/// The facts about a revision, in a few words.
fn known(scene: &Canvas<'_>, revisions: &Revisions, choice: &Choice, width: usize) -> Span<'static> {
    let canary = scene.observed.release(&revisions.release).and_then(|release| release.canary.as_ref());
    let on_canary = canary.is_some_and(|it| it.desired > 0 && it.task_definition == choice.task_definition);
    match (choice.current, choice.previous, &choice.known_bad) {
        (true, ..) => scene.span("runs now", Role::Stable),
        (false, _, Some(bad)) => scene.span(format::clip(&format!("✖ {bad}"), width.saturating_sub(34)), Role::Bad),
        _ if on_canary => scene.span("on the canary now", Role::Canary),
        (false, true, None) => scene.span("worked before ✓", Role::Good),
        _ if choice.rolled_back_from => scene.span("ran, and was rolled back", Role::Warn),
        _ => scene.dim("not known to have run here"),
    }
}

fn last_line(scene: &Canvas<'_>, more: usize, fault: Option<&Fault>, width: usize) -> Line<'static> {
    match (more, fault) {
        (_, Some(fault)) => scene.line(format::clip(&format!("✖ {}", fault.headline()), width), Role::Bad),
        (0, None) => scene.line("Newest first. Nothing is sent yet: the plan is shown first.", Role::Dim),
        (more, None) => {
            scene.line(format!("Newest first, {more} more. The plan is shown before anything is sent."), Role::Dim)
        }
    }
}
