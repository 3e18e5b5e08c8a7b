//! The views of a release, a file each: a list of what bears on it, and what is marked in full.

mod alarms;
mod diff;
pub mod events;
mod history;
mod logs;
mod parts;
mod targets;
mod tasks;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::scene::Scene;
use crate::app::views::View;
use crate::domain::release::Release;

/// Draws a view of a release.
pub fn draw(scene: &Scene<'_>, view: View, release: &Release, buffer: &mut Buffer, area: Rect) {
    match view {
        View::Tasks => tasks::draw(scene, release, buffer, area),
        View::Targets => targets::draw(scene, release, buffer, area),
        View::Events => events::draw(scene, release, buffer, area),
        View::Logs => logs::draw(scene, release, buffer, area),
        View::Diff => diff::draw(scene, release, buffer, area),
        View::Alarms => alarms::draw(scene, release, buffer, area),
        View::History => history::draw(scene, release, buffer, area),
    }
}
