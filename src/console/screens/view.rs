//! The views of a release, a file each: a list of what bears on it, and what is marked in full.

use super::alarms;
use super::diff;
use super::events;
use super::history;
use super::logs;
use super::targets;
use super::tasks;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::screen::View;
use crate::console::widgets::canvas::Canvas;
use crate::domain::release::Release;

/// Draws a view of a release.
pub(crate) fn draw(scene: &Canvas<'_>, view: View, release: &Release, buffer: &mut Buffer, area: Rect) {
    match view {
        View::Tasks => tasks::view::draw(scene, release, buffer, area),
        View::Targets => targets::view::draw(scene, release, buffer, area),
        View::Events => events::view::draw(scene, release, buffer, area),
        View::Logs => logs::view::draw(scene, release, buffer, area),
        View::Diff => diff::view::draw(scene, release, buffer, area),
        View::Alarms => alarms::view::draw(scene, release, buffer, area),
        View::History => history::view::draw(scene, release, buffer, area),
    }
}
