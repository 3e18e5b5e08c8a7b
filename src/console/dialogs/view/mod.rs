//! The dialog on top of the screen. A dialog never covers the header, nor the ROLLBACK line.

pub(crate) mod auto_promotion;
mod confirm;
pub(crate) mod copy_menu;
mod effect;
pub(crate) mod help;
mod palette;
mod revisions;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use tui_input::Input;

use super::{Consent, Dialog, Purpose, Revisions};
use crate::console::widgets::canvas::{Canvas, put, split_top};
use crate::console::widgets::format;
use crate::console::widgets::parts::typed;
use crate::console::widgets::theme::Role;
use crate::console::wording::KEYS;
use crate::domain::analysis::VerdictStatus;
use crate::domain::plan::Refusal;
use crate::domain::settings::Settings;

/// The keys of an open dialog, for the footer.
pub(crate) fn keys(dialog: &Dialog, settings: &Settings) -> &'static [(&'static str, &'static str)] {
    match dialog {
        Dialog::Confirm(confirm) => match confirm.consent {
            Consent::Yes if confirm.plan.intent.is_rollback() => {
                &[("y", "roll back"), ("n esc", "cancel"), ("d", "calls")]
            }
            Consent::Yes => &[("y", "carry it out"), ("n esc", "cancel"), ("d", "calls"), ("R", "roll back instead")],
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

/// A dialog's text.
struct Content {
    title: String,
    /// The role of the frame.
    frame: Role,
    /// Columns inside the frame.
    width: usize,
    lines: Vec<Line<'static>>,
}

/// Draws a dialog in the middle of the screen's body.
pub(crate) fn draw(scene: &Canvas<'_>, dialog: &Dialog, buffer: &mut Buffer, body: Rect) {
    window(scene, buffer, body, content(scene, dialog, body));
}

fn content(scene: &Canvas<'_>, dialog: &Dialog, body: Rect) -> Content {
    let rows = inner_height(body);
    let of = |most: u16, title: &str, lines: &dyn Fn(usize) -> Vec<Line<'static>>| {
        let width = inner_width(body, most);
        Content { title: title.to_owned(), frame: frame(dialog), width, lines: lines(width) }
    };
    match dialog {
        Dialog::Confirm(confirm) => of(100, &confirm.plan.title, &|width| confirm::lines(scene, confirm, width, rows)),
        Dialog::Weight { release, input, error } => {
            let title = format!("{release}: the canary's share");
            of(64, &title, &|width| weight(scene, release, input, error.as_deref(), width))
        }
        Dialog::AutoPromotion { release, consent, .. } => {
            let title = format!("{release}: automatic stepping");
            of(84, &title, &|width| auto_promotion::lines(scene, release, consent, width))
        }
        Dialog::Revisions(revisions) => {
            let Revisions { release, family, .. } = revisions;
            let title = match revisions.purpose {
                Purpose::Start => format!("{release}: start which revision of {family}?"),
                Purpose::Rollback => format!("{release}: go back to which revision of {family}?"),
            };
            of(76, &title, &|width| revisions::lines(scene, revisions, width, rows))
        }
        Dialog::Refused { title, refusal, .. } => {
            of(70, &format!("not possible: {title}"), &|width| refused(scene, refusal, width))
        }
        Dialog::Closed { why } => of(70, "no longer asked", &|width| closed(scene, why, width)),
        Dialog::Palette(palette) => of(84, "go to", &|width| palette::lines(scene, palette, width, rows)),
        Dialog::CopyMenu(menu) => {
            of(112, "outside: the first of these is copied", &|width| copy_menu::lines(scene, menu, width))
        }
        Dialog::Help { top } => {
            of(help::WIDEST, "keys: lower case looks, UPPER CASE acts", &|width| help::lines(scene, *top, width, rows))
        }
    }
}

/// The role of a dialog's frame: red around a plan that goes against a verdict.
fn frame(dialog: &Dialog) -> Role {
    let gate = match dialog {
        Dialog::Confirm(confirm) => confirm.plan.gate.as_ref(),
        _ => None,
    };
    match gate.map(|gate| gate.outcome) {
        Some(VerdictStatus::Fail) => Role::Bad,
        _ => Role::Accent,
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
fn window(scene: &Canvas<'_>, buffer: &mut Buffer, body: Rect, content: Content) {
    let Content { title, frame, width, lines } = content;
    let title_role = if frame == Role::Bad { frame } else { Role::Title };
    let width = u16::try_from(width + 4).unwrap_or(u16::MAX).min(body.width);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(body.height);
    let area = Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 2, width, height };
    if width < 6 || height < 2 {
        return;
    }
    // The screen below loses its colours, so that only the question has any; one column on each side stays free.
    buffer.set_style(body, Style::reset().patch(scene.theme.style(Role::Dim)));
    let margin = Rect { x: area.x.saturating_sub(1), width: area.width + 2, ..area };
    Clear.render(margin.intersection(body), buffer);
    let columns = usize::from(width);
    let title = format::clip(&title, columns.saturating_sub(8));
    let rule = "─".repeat(columns.saturating_sub(format::width(&title) + 5));
    put(
        buffer,
        area,
        0,
        Line::from(vec![
            scene.span("┌─ ", frame),
            scene.span(title, title_role),
            scene.span(format!(" {rule}┐"), frame),
        ]),
    );
    let rows = height - 2;
    for row in 1..=rows {
        let edge = Line::from(vec![scene.span("│", frame), Span::raw(" ".repeat(columns - 2)), scene.span("│", frame)]);
        put(buffer, area, row, edge);
    }
    put(buffer, area, height - 1, scene.line(format!("└{}┘", "─".repeat(columns - 2)), frame));
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

fn weight(scene: &Canvas<'_>, name: &str, input: &Input, error: Option<&str>, width: usize) -> Vec<Line<'static>> {
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
    lines
}

fn closed(scene: &Canvas<'_>, why: &str, width: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<_> = format::wrap(why, width, 6).into_iter().map(|text| scene.line(text, Role::Title)).collect();
    lines.push(scene.line("Nothing was sent. What you type is not heard until esc.", Role::Text));
    lines
}

fn refused(scene: &Canvas<'_>, refusal: &Refusal, width: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> =
        format::wrap(&refusal.reason, width, 6).into_iter().map(|text| scene.line(text, Role::Title)).collect();
    lines.push(Line::default());
    lines.extend(
        format::wrap(&refusal.remedy.text(KEYS), width, 6).into_iter().map(|text| scene.line(text, Role::Text)),
    );
    lines.push(scene.line("Nothing was sent.", Role::Dim));
    lines
}
