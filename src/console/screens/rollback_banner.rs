//! The banner of a rollback that did not happen. The banner is on every screen until the rollback is done or waived.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use crate::console::state::pending_rollback::{PendingRollback, Stage};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;

const BADGE: &str = " ROLLBACK NOT DONE ";

/// Renders the banner: the rollback and the reason why it did not happen; then the console's next action, and the keys.
pub(crate) fn lines(scene: &Canvas<'_>, columns: usize) -> Vec<Line<'static>> {
    let Some((name, pending)) = shown(scene) else { return Vec::new() };
    let others = scene.operations.pending.len() - 1;
    let more = if others > 0 { format!("  +{others} more") } else { String::new() };
    let room = columns.saturating_sub(format::width(BADGE) + format::width(&more) + 2);
    let ordered = pending.ordered.strftime("%H:%M:%SZ");
    // The reason of the last attempt does not apply to what is left.
    let why = if pending.only_scales() { String::new() } else { format!(": {}", pending.why) };
    let long = format!("{}, ordered {ordered}{why}", goal(name, pending));
    let short = || format!("{}{why}", goal(name, pending));
    let what = if format::width(&long) <= room { long } else { short() };
    let title = scene.theme.style(Role::BadBadge);
    let text = title.remove_modifier(Modifier::BOLD);
    let cap = scene.theme.cap(Role::BadBadge);
    let first = vec![
        Span::styled(BADGE, title),
        Span::styled("  ", text),
        Span::styled(format::clip(&what, room + columns), title),
        Span::styled(more, title),
    ];
    let mut keyed = Vec::new();
    for (key, word) in keys(pending, scene.screen.offers_commands()) {
        keyed.extend([Span::styled("  ", text), Span::styled(key, cap), Span::styled(format!(" {word}"), text)]);
    }
    let taken = format::wide(&keyed);
    let next = format!(" {}", next(pending));
    // A narrow screen has the keys in a row of their own.
    let below = match format::width(&next) + taken <= columns {
        true => vec![std::iter::once(Span::styled(next, text)).chain(keyed).collect()],
        false => vec![vec![Span::styled(format::clip(&next, columns), text)], keyed],
    };
    let filled = |spans| format::filled(spans, columns, text);
    format::fold(Line::from(first), columns, 2).into_iter().map(|line| line.spans).chain(below).map(filled).collect()
}

/// Renders the banner in one line, for a screen that is too small.
pub(crate) fn line(scene: &Canvas<'_>) -> Option<String> {
    let (name, pending) = shown(scene)?;
    let keys = if pending.is_sending() { "" } else { "; w waive, c copy" };
    Some(format!("NOT DONE {}: {}{keys}", format::clip(name, 10), short(pending)))
}

fn shown<'a>(scene: &Canvas<'a>) -> Option<(&'a str, &'a PendingRollback)> {
    let focus = scene.screen.focus(scene.observed).map(|release| release.name.as_str());
    scene.operations.shown_pending(focus)
}

/// Renders `checkout :42 back to :41`.
fn goal(name: &str, pending: &PendingRollback) -> String {
    let from = pending.goal.from.as_ref().map(|from| format!(" {}", from.tag())).unwrap_or_default();
    let to = pending.goal.to.as_ref().map(|to| format!(" back to {}", to.tag())).unwrap_or_default();
    format!("{}{from}{to}", format::clip(name, 24))
}

/// Renders the console's next action on the rollback.
fn next(pending: &PendingRollback) -> String {
    match &pending.stage {
        Stage::Sending(_) if pending.failed == 0 => "No answer yet: what AWS did is being read back.".to_owned(),
        Stage::Sending(_) if pending.only_scales() => "The users are back. What is left are tasks.".to_owned(),
        Stage::Sending(_) => "It is sent again now.".to_owned(),
        Stage::Armed { .. } => "Sent again as soon as AWS answers.".to_owned(),
        Stage::Stopped { .. } => "Nothing more is sent by itself.".to_owned(),
        Stage::Changed { title, .. } => format!("The release changed: it would now be “{title}”."),
    }
}

fn short(pending: &PendingRollback) -> &'static str {
    match &pending.stage {
        Stage::Sending(_) if pending.only_scales() => "users are back",
        Stage::Sending(_) => "on its way",
        Stage::Armed { .. } => "waits for AWS",
        Stage::Stopped { .. } => "stopped",
        Stage::Changed { .. } => "the release changed",
    }
}

/// Returns the keys that act on the rollback now.
fn keys(pending: &PendingRollback, commands: bool) -> Vec<(&'static str, &'static str)> {
    let again = match &pending.stage {
        Stage::Sending(_) => None,
        Stage::Armed { .. } | Stage::Stopped { .. } => Some(("R", "try now")),
        Stage::Changed { .. } => Some(("R", "ask")),
    };
    let copy = commands.then_some(("c", "copy aws commands"));
    let waive = (!pending.is_sending()).then_some(("w", "waive"));
    [again, copy, waive].into_iter().flatten().collect()
}
