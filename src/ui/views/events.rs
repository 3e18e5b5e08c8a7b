//! The events of a release.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::views::View;
use crate::domain::release::Release;
use crate::ui::listing::{self, Listing};
use crate::ui::scene::Scene;

/// Draws them.
pub fn draw(scene: &Scene<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let title = listing::title(scene, release, View::Events, Vec::new(), None, area.width.into());
    listing::draw(scene, Listing { title, ..Listing::default() }, buffer, area);
}
