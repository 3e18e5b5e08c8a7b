//! A terminal that is too small to be laid out: what it needs, and the keys that work all the same.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::banner::Banner;
use super::rollback_banner;
use super::rollback_line;
use super::rollback_line::Rollback;
use crate::console::dialogs;
use crate::console::dialogs::Dialog;
use crate::console::state::screen::SMALLEST;
use crate::console::widgets::canvas::{Canvas, put};
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::console::wording::KEYS;
use crate::domain::confirm::Confirmation;

/// Says so, the weightiest first, in whatever room there is.
pub(crate) fn draw(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let focus = scene.screen.focus(scene.observed);
    let back = match focus.map(|release| rollback_line::rollback(scene, release)) {
        Some(Rollback::Ready { target, confirmation: Confirmation::None, .. }) => format!("R rolls back to {target}"),
        Some(Rollback::Ready { target, .. }) => format!("R y rolls back to {target}"),
        Some(Rollback::UnderWay(step)) => format!("rolling back, {step}"),
        Some(Rollback::Reached(reason)) => format!("nothing to roll back: {reason}"),
        Some(Rollback::NotReady(reason)) => format!("R cannot roll back: {reason}"),
        None => "nothing is read yet".to_owned(),
    };
    // A question is answered here too: what it is about, and the keys that it hears instead.
    let (asked, keys) = match &scene.screen.dialog {
        Some(open) => {
            let keys =
                dialogs::view::keys(open, &scene.observed.settings).iter().map(|(key, word)| format!("{key} {word}"));
            let asked = match open {
                Dialog::Confirm(confirm) => format!("{}?", confirm.plan.title),
                Dialog::Refused { refusal, .. } => refusal.text(KEYS),
                Dialog::Closed { why } => why.clone(),
                _ => String::new(),
            };
            (asked, keys.collect::<Vec<_>>().join("  "))
        }
        None => (String::new(), "R roll back  q quit".to_owned()),
    };
    // What a key did, in words: it stands in for the status line.
    let notice = match &scene.screen.notice {
        Some(notice) => (notice.text.clone(), if notice.wrong { Role::Warn } else { Role::Text }),
        None => (String::new(), Role::Text),
    };
    // The state comes first, with what is known of it.
    let banner = focus.map(|release| Banner::of(scene, release));
    let stated = banner
        .map(|banner| (format!("{} {}: {}", banner.state.word(), banner.name, banner.brief(columns)), banner.chip()));
    let stated_role = stated.as_ref().map_or(Role::Title, |(_, role)| *role);
    let said = [
        (rollback_banner::line(scene).map_or_else(String::new, |line| format::clip(&line, columns)), Role::Bad),
        (format!("too small: {}×{}", area.width, area.height), Role::Warn),
        (format!("needs {}×{}", SMALLEST.0, SMALLEST.1), Role::Text),
        (stated.map_or_else(String::new, |(text, _)| text), stated_role),
        (asked, Role::Warn),
        (keys, Role::Key),
        (back, Role::Text),
        notice,
    ];
    let mut row = 0;
    for (text, role) in said.into_iter().filter(|(text, _)| !text.is_empty()) {
        for line in format::wrap(&text, columns, 3) {
            put(buffer, area, row, Line::from(scene.span(line, role)));
            row += 1;
        }
    }
}
