//! The dialog of automatic stepping: the acts that the console will take by itself, shown before it is switched on.

use ratatui::text::Line;

use super::confirm::yes_or_name;
use super::labelled;
use crate::console::dialogs::Consent;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::format::minutes;

/// The remaining steps, the conditions of each, the reaction to FAIL, the events that switch it off, and the consent.
pub(crate) fn lines(scene: &Canvas<'_>, name: &str, consent: &Consent, columns: usize) -> Vec<Line<'static>> {
    let settings = &scene.observed.settings;
    let automatic = settings.automatic_of(name);
    let countdown = minutes(automatic.countdown);
    let release = scene.observed.release(name);
    let at = release.and_then(|release| release.share.configured);
    let steps: Vec<_> = release
        .into_iter()
        .flat_map(|release| release.ladder.steps())
        .filter(|step| at.is_none_or(|at| step.value() > at.value()))
        .map(ToString::to_string)
        .collect();
    let arrow = scene.theme.arrow();
    let from = at.map_or_else(|| "unknown".to_owned(), |at| at.to_string());
    let climbs = std::iter::once(from).chain(steps).collect::<Vec<_>>().join(&format!(" {arrow} "));
    let fails = match automatic.rollback_after {
        Some(after) => format!(
            "rolls back by itself once it has lasted {} and a countdown of {countdown} is over, whatever \
             rollback_confirm says",
            minutes(after)
        ),
        None => "holds and says so; R rolls back. [automatic] rollback_after would let it go back by itself".to_owned(),
    };
    let bake = minutes(settings.bake_of(name));
    let all = [
        ("climbs", format!("{climbs}; it never finishes by itself")),
        ("a step", format!("after a bake of {bake} with PASS and a countdown of {countdown} that any key stops")),
        ("on FAIL", fails),
        ("waits", "while data is old, a question is open or the screen is too small".to_owned()),
        ("goes off", "when somebody else acts, an operation does not end well, on ctrl-z, and on H".to_owned()),
    ];
    let mut lines = Vec::new();
    for (label, text) in all {
        for (row, text) in format::wrap(&text, columns.saturating_sub(9), 3).into_iter().enumerate() {
            lines.push(labelled(scene, if row == 0 { label } else { "" }, vec![scene.text(text)]));
        }
    }
    let place = format::clip(&scene.observed.place.to_string(), 60);
    lines.push(labelled(scene, "in", vec![scene.span(place, Role::Title)]));
    lines.push(Line::default());
    lines.push(yes_or_name(scene, consent, name, "switch it on", columns));
    lines
}
