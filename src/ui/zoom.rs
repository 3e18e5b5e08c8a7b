//! One plot over the whole of a release's screen, below what it is and what the verdict says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use strum::IntoEnumIterator;

use super::panels::{around, head, metrics, strips, verdict};
use super::scene::{Scene, put, put_all, split_top};
use super::theme::Role;
use super::words;
use crate::app::model::Plotted;
use crate::domain::release::Release;

/// Fewer rows than this are no plot: three strips and the times below them.
const LEAST: u16 = 13;

/// Draws it.
pub fn draw(scene: &Scene<'_>, release: &Release, plotted: Plotted, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let mut lines = vec![head::title(scene, release, columns)];
    lines.extend(verdict::lines(scene, release, columns));
    let most = area.height.saturating_sub(LEAST + 1);
    let (top, rest) = split_top(area, u16::try_from(lines.len()).unwrap_or(most).min(most));
    put_all(scene, buffer, top, lines);
    put(buffer, rest, 0, tabs(scene, plotted, columns));
    let (_, inner) = split_top(rest, 1);
    match plotted {
        Plotted::Errors => metrics::errors(scene, release, buffer, inner),
        Plotted::Latency => metrics::latency(scene, release, buffer, inner),
        Plotted::Requests => strips::draw(scene, release, &around::requests(scene, release), buffer, inner),
        Plotted::Balancer => strips::draw(scene, release, &around::balancer(scene, release), buffer, inner),
        Plotted::Resources => strips::draw(scene, release, &around::resources(scene, release), buffer, inner),
    }
}

/// The plots by name, and how to leave.
fn tabs(scene: &Scene<'_>, shown: Plotted, columns: usize) -> Line<'static> {
    let mut tabs = vec![scene.dim("── ")];
    for (index, plotted) in Plotted::iter().enumerate() {
        if index > 0 {
            tabs.push(scene.dim(" │ "));
        }
        tabs.push(if plotted == shown {
            scene.span(format!("[{plotted}]"), Role::Accent)
        } else {
            scene.dim(plotted.to_string())
        });
    }
    tabs.push(scene.dim("   tab: next  z: back "));
    let used: usize = tabs.iter().map(|span| words::width(&span.content)).sum();
    tabs.push(scene.dim("─".repeat(columns.saturating_sub(used))));
    Line::from(tabs)
}
