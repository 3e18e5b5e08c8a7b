//! The dialog on top of the screen. A dialog never covers the header, nor the ROLLBACK line.

pub(crate) mod auto_promotion;
mod confirm;
pub(crate) mod copy_menu;
mod help;
mod palette;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use tui_input::Input;

use super::{Consent, Dialog, Purpose, Revisions};
use crate::console::widgets::canvas::{Canvas, put, split_top};
use crate::console::widgets::parts::typed;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{format, parts};
use crate::console::wording::KEYS;
use crate::domain::plan::Refusal;
use crate::domain::settings::Settings;

/// The keys of an open dialog, for the footer.
pub(crate) fn keys(dialog: &Dialog, settings: &Settings) -> &'static [(&'static str, &'static str)] {
    match dialog {
        Dialog::Confirm(confirm) => match confirm.consent {
            Consent::Yes if confirm.plan.intent.is_rollback() => &[("y", "roll back"), ("n esc", "cancel")],
            Consent::Yes => &[("y", "carry it out"), ("n esc", "cancel"), ("R", "roll back instead")],
            Consent::Name(_) if confirm.wants_reason(settings) => {
                &[("enter", "go on to the reason once the name is typed"), ("esc", "cancel")]
            }
            Consent::Name(_) => &[("enter", "carry it out once the name is typed"), ("esc", "cancel")],
            Consent::Reason { .. } => &[("enter", "carry it out once a reason is typed"), ("esc", "back to the name")],
        },
        Dialog::AutoPromotion { consent, .. } => match consent.accepts_text() {
            true => &[("enter", "switch it on once the name is typed"), ("esc", "cancel")],
            false => &[("y", "switch it on"), ("n esc", "cancel"), ("R", "roll back instead")],
        },
        Dialog::Weight { .. } => &[("enter", "show the plan"), ("esc", "cancel")],
        Dialog::Revisions(_) => &[("↑ ↓", "choose"), ("enter", "show the plan"), ("esc", "cancel")],
        Dialog::Refused { .. } => &[("esc", "close"), ("R", "roll back")],
        Dialog::Closed { .. } => &[("esc", "close; until then no other key is heard")],
        Dialog::Palette(_) => &[("↑ ↓", "choose"), ("enter", "go there"), ("esc", "cancel")],
        Dialog::CopyMenu(_) => &[("↑ ↓", "choose"), ("c", "copy"), ("esc", "close"), ("R", "roll back")],
        Dialog::Help { .. } => &[("esc", "close"), ("↑ ↓", "more keys"), ("R", "roll back")],
    }
}

/// Returns true if a dialog takes letters as text, or drops them: `R` then needs `esc` first.
pub(crate) fn accepts_text(dialog: &Dialog) -> bool {
    match dialog {
        Dialog::Confirm(confirm) => confirm.consent.accepts_text(),
        Dialog::AutoPromotion { consent, .. } => consent.accepts_text(),
        Dialog::Weight { .. } | Dialog::Revisions(_) | Dialog::Closed { .. } | Dialog::Palette(_) => true,
        Dialog::Refused { .. } | Dialog::Help { .. } | Dialog::CopyMenu(_) => false,
    }
}

/// Draws a dialog in the middle of the screen's body.
pub(crate) fn draw(scene: &Canvas<'_>, dialog: &Dialog, buffer: &mut Buffer, body: Rect) {
    match dialog {
        Dialog::Confirm(confirm) => {
            let width = inner_width(body, 100);
            let lines = confirm::lines(scene, confirm, width, inner_height(body));
            window(scene, buffer, body, width, &confirm.plan.title, lines);
        }
        Dialog::Weight { release, input, error } => {
            weight(scene, buffer, body, release, input, error.as_deref());
        }
        Dialog::AutoPromotion { release, consent, .. } => {
            let width = inner_width(body, 84);
            let lines = auto_promotion::lines(scene, release, consent, width);
            window(scene, buffer, body, width, &format!("{release}: automatic stepping"), lines);
        }
        Dialog::Revisions(revisions) => choose(scene, buffer, body, revisions),
        Dialog::Refused { title, refusal, .. } => refused(scene, buffer, body, title, refusal),
        Dialog::Closed { why } => {
            let width = inner_width(body, 70);
            let mut lines: Vec<_> =
                format::wrap(why, width, 6).into_iter().map(|text| scene.line(text, Role::Title)).collect();
            lines.push(scene.line("Nothing was sent. What you type is not heard until esc.", Role::Text));
            window(scene, buffer, body, width, "no longer asked", lines);
        }
        Dialog::Palette(palette) => {
            let width = inner_width(body, 84);
            let lines = palette::lines(scene, palette, width, inner_height(body));
            window(scene, buffer, body, width, "go to", lines);
        }
        Dialog::CopyMenu(menu) => {
            let width = inner_width(body, 112);
            window(
                scene,
                buffer,
                body,
                width,
                "outside: the first of these is copied",
                copy_menu::lines(scene, menu, width),
            );
        }
        Dialog::Help { top } => {
            let width = inner_width(body, 124);
            let lines = help::lines(scene, *top, width, inner_height(body));
            window(scene, buffer, body, width, "keys: lower case looks, UPPER CASE acts", lines);
        }
    }
}

/// Columns inside the frame, at most `most`.
fn inner_width(body: Rect, most: u16) -> usize {
    usize::from(body.width.saturating_sub(4).min(most))
}

/// Rows inside the frame.
fn inner_height(body: Rect) -> usize {
    usize::from(body.height.saturating_sub(2))
}

/// Draws a framed window in the middle, as high as its lines.
fn window(scene: &Canvas<'_>, buffer: &mut Buffer, body: Rect, width: usize, title: &str, lines: Vec<Line<'static>>) {
    let width = u16::try_from(width + 4).unwrap_or(u16::MAX).min(body.width);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(body.height);
    let area = Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 2, width, height };
    if width < 6 || height < 2 {
        return;
    }
    // The screen below is dimmed, and one column on each side stays free.
    buffer.set_style(body, scene.theme.style(Role::Dim));
    let margin = Rect { x: area.x.saturating_sub(1), width: area.width + 2, ..area };
    Clear.render(margin.intersection(body), buffer);
    let columns = usize::from(width);
    let title = format::clip(title, columns.saturating_sub(8));
    let rule = "─".repeat(columns.saturating_sub(format::width(&title) + 5));
    put(
        buffer,
        area,
        0,
        Line::from(vec![
            scene.span("┌─ ", Role::Accent),
            scene.span(title, Role::Title),
            scene.span(format!(" {rule}┐"), Role::Accent),
        ]),
    );
    let rows = height - 2;
    for row in 1..=rows {
        let edge = Line::from(vec![
            scene.span("│", Role::Accent),
            Span::raw(" ".repeat(columns - 2)),
            scene.span("│", Role::Accent),
        ]);
        put(buffer, area, row, edge);
    }
    put(buffer, area, height - 1, scene.line(format!("└{}┘", "─".repeat(columns - 2)), Role::Accent));
    let (_, inner) = split_top(area, 1);
    let inner = Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), height: rows, ..inner };
    for (row, line) in (0u16..).zip(lines) {
        put(buffer, inner, row, line);
    }
}

/// A label before a value, in the layout of every dialog.
fn labelled(scene: &Canvas<'_>, label: &str, value: Vec<Span<'static>>) -> Line<'static> {
    let mut spans = vec![scene.dim(format::pad(label, 9))];
    spans.extend(value);
    Line::from(spans)
}

fn weight(scene: &Canvas<'_>, buffer: &mut Buffer, body: Rect, name: &str, input: &Input, error: Option<&str>) {
    let width = inner_width(body, 64);
    let release = scene.observed.release(name);
    let now = release.and_then(|release| release.share.configured);
    let mut lines = vec![
        labelled(
            scene,
            "now",
            vec![scene.span(
                now.map_or("0 and 0: nobody is served".to_owned(), |share| format!("{share} of traffic to the canary")),
                Role::Canary,
            )],
        ),
        Line::default(),
    ];
    let mut value = typed(scene, input, 12, true);
    value.push(scene.dim(" %   from 0 to 100, in tenths"));
    lines.push(labelled(scene, "to", value));
    lines.push(match error {
        Some(error) => Line::from(scene.span(format::clip(&format!("✖ {error}"), width), Role::Bad)),
        None => Line::default(),
    });
    lines.push(scene.line("Nothing is sent yet: the plan is shown first.", Role::Dim));
    window(scene, buffer, body, width, &format!("{name}: the canary's share"), lines);
}

fn choose(scene: &Canvas<'_>, buffer: &mut Buffer, body: Rect, revisions: &Revisions) {
    let width = inner_width(body, 76);
    let title = match revisions.purpose {
        Purpose::Start => format!("{}: start which revision of {}?", revisions.release, revisions.family),
        Purpose::Rollback => format!("{}: go back to which revision of {}?", revisions.release, revisions.family),
    };
    let reading = scene.observed.snapshot.families.get(&revisions.family);
    let choices = revisions.choices(scene.observed);
    if choices.is_empty() {
        let lines = match (reading.and_then(|reading| reading.failing()), reading.and_then(|reading| reading.get())) {
            (Some(fault), _) => parts::fault_lines(scene, fault, width),
            (None, None) => vec![scene.line("reading revisions…", Role::Title)],
            (None, Some(_)) => vec![
                scene.line("no active revision", Role::Title),
                scene.line("Register one, for example with your pipeline.", Role::Dim),
            ],
        };
        return window(scene, buffer, body, width, &title, lines);
    }
    let rows = inner_height(body).saturating_sub(2).min(choices.len()).max(1);
    let selected = revisions.marked(&choices);
    let first = selected.saturating_sub(rows / 2).min(choices.len() - rows.min(choices.len()));
    let mut lines =
        vec![scene.line(
            format!("  {} {} what is known", format::pad("revision", 12), format::pad("version", 18)),
            Role::Dim,
        )];
    for (index, choice) in choices.iter().enumerate().skip(first).take(rows) {
        let tried = scene.observed.release(&revisions.release).and_then(|release| release.canary.as_ref());
        let tried = tried.is_some_and(|canary| canary.desired > 0 && canary.task_definition == choice.task_definition);
        let known = match (choice.current, choice.previous) {
            (true, _) => scene.span("runs now", Role::Stable),
            (false, _) if choice.known_bad.is_some() => {
                let bad = choice.known_bad.as_deref().unwrap_or_default();
                scene.span(format::clip(&format!("✖ {bad}"), width.saturating_sub(34)), Role::Bad)
            }
            (false, _) if tried => scene.span("on the canary now", Role::Canary),
            (false, true) => scene.span("worked before ✓", Role::Good),
            (false, false) if choice.rolled_back_from => scene.span("ran, and was rolled back", Role::Warn),
            (false, false) => scene.dim("not known to have run here"),
        };
        let style = scene.theme.style(if index == selected { Role::Marked } else { Role::Text });
        let version = choice.version.as_deref().unwrap_or("…");
        lines.push(Line::from(vec![
            scene.span(if index == selected { "▸ " } else { "  " }, Role::Accent),
            Span::styled(format::pad(&choice.task_definition.tag(), 12), style),
            Span::raw(" "),
            scene.text(format::pad(version, 18)),
            Span::raw(" "),
            known,
        ]));
    }
    let more = choices.len() - rows.min(choices.len());
    lines.push(match (more, reading.and_then(|reading| reading.failing())) {
        (_, Some(fault)) => scene.line(format::clip(&format!("✖ {}", fault.headline()), width), Role::Bad),
        (0, None) => scene.line("Newest first. Nothing is sent yet: the plan is shown first.", Role::Dim),
        (more, None) => {
            scene.line(format!("Newest first, {more} more. The plan is shown before anything is sent."), Role::Dim)
        }
    });
    window(scene, buffer, body, width, &title, lines);
}

fn refused(scene: &Canvas<'_>, buffer: &mut Buffer, body: Rect, title: &str, refusal: &Refusal) {
    let width = inner_width(body, 70);
    let mut lines: Vec<Line<'static>> =
        format::wrap(&refusal.reason, width, 6).into_iter().map(|text| scene.line(text, Role::Title)).collect();
    lines.push(Line::default());
    lines.extend(
        format::wrap(&refusal.remedy.text(KEYS), width, 6).into_iter().map(|text| scene.line(text, Role::Text)),
    );
    lines.push(scene.line("Nothing was sent.", Role::Dim));
    window(scene, buffer, body, width, &format!("not possible: {title}"), lines);
}
