//! Automatic stepping of a release, on one line.

use jiff::SignedDuration;
use ratatui::text::Line;

use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::format::LABEL;
use crate::console::widgets::theme::Role;
use crate::domain::release::Release;

/// Time for which the reason for switching off is shown once no release is in flight.
const TOLD_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The state of automatic stepping, if it is on or was switched off by something other than `H`.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    line(scene, release).into_iter().flat_map(|line| format::fold(line, columns, 2)).collect()
}

fn line(scene: &Canvas<'_>, release: &Release) -> Option<Line<'static>> {
    let (operations, now) = (scene.operations, scene.observed.now);
    let time = |at: jiff::Timestamp| at.strftime("%H:%MZ").to_string();
    let label = |text: &str, role| scene.span(format::pad(text, LABEL), role);
    if let Some(on) = operations.automatic.get(&release.name) {
        let text = format!("AUTOMATIC since {}: {}", time(on.since), on.says);
        return Some(Line::from(vec![label("● H", Role::Accent), scene.text(text)]));
    }
    // An operator who comes later must still see what the console did by itself.
    let told = |at| release.in_flight() || now.since(at) < TOLD_FOR;
    let off = operations.switched_off.get(&release.name).filter(|off| told(off.at))?;
    let role = if off.wrong { Role::Warn } else { Role::Dim };
    let text = format!("automatic is off since {}: {}", time(off.at), off.why);
    Some(Line::from(vec![label("○ H", role), scene.span(text, role)]))
}
