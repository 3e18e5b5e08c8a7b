//! One plot over the whole of a release's screen, below what it is and what the verdict says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use strum::IntoEnumIterator;

use super::{infrastructure, metrics, ratio, verdict};
use crate::console::screens::banner;
use crate::console::screens::release::state::Plotted;
use crate::console::widgets::canvas::{Canvas, put, put_all, split_top};
use crate::console::widgets::sparklines;
use crate::domain::release::Release;

/// Fewer rows than this are no plot: three strips and the times below them.
const LEAST: u16 = 13;

/// Draws it.
pub(crate) fn draw(scene: &Canvas<'_>, release: &Release, plotted: Plotted, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let mut lines = banner::lines(scene, release, columns, false);
    lines.extend(verdict::lines(scene, release, columns));
    let most = area.height.saturating_sub(LEAST + 1);
    let (top, rest) = split_top(area, u16::try_from(lines.len()).unwrap_or(most).min(most));
    put_all(scene, buffer, top, lines);
    // The plots by name, and how to leave.
    put(buffer, rest, 0, scene.tabs(Plotted::iter(), plotted, &["   tab: next  z: back "], columns));
    let (_, inner) = split_top(rest, 1);
    match plotted {
        Plotted::Errors => metrics::errors(scene, release, buffer, inner),
        Plotted::Ratio => ratio::draw(scene, release, buffer, inner),
        Plotted::Latency => metrics::latency(scene, release, buffer, inner),
        Plotted::Requests => sparklines::draw(scene, release, &infrastructure::requests(scene, release), buffer, inner),
        Plotted::Balancer => sparklines::draw(scene, release, &infrastructure::balancer(scene, release), buffer, inner),
        Plotted::Resources => {
            sparklines::draw(scene, release, &infrastructure::resources(scene, release), buffer, inner)
        }
    }
}
