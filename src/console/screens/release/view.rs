//! The screen of one release: revisions, traffic, metrics, operation and events.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use strum::IntoEnumIterator;

use super::{events, head, infrastructure, metrics, operation, readiness, sources, tasks, verdict};
use crate::console::screens::release::state::Panel;
use crate::console::widgets::canvas::{Canvas, put, put_all, split_left, split_top};
use crate::domain::release::Release;

/// The fewest rows of the plots.
pub(crate) const LEAST_METRICS: u16 = 9;
/// The most rows of the plots; further rows add nothing.
pub(crate) const MOST_METRICS: u16 = 22;

/// Rows of the body, and columns, from which there are plots: on a smaller screen they go first.
const LEAST_PLOTTED: u16 = 18;
const NARROWEST_PLOTTED: u16 = 72;
/// Rows of a panel on a screen without plots.
const LEAST_PANEL: u16 = 6;
/// Columns and rows of the body from which most panels are shown side by side.
const MOST_OF_IT: (u16, u16) = (110, 32);
/// Rows outside the body: header, status, ROLLBACK line and keys.
const AROUND_BODY: u16 = 4;

/// Returns true if a screen of this size shows every panel at once, so that there is none to choose.
pub(crate) fn shows_all(size: (u16, u16)) -> bool {
    size.0 >= MOST_OF_IT.0 && size.1 >= MOST_OF_IT.1 + AROUND_BODY
}

/// Draws a release, laid out for the size: one panel at a time, all but the sources, or everything.
pub(crate) fn draw(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let keys = !scene.operations.pending.contains_key(&release.name);
    let mut lines = head::lines(scene, release, columns, keys);
    if area.height < LEAST_PLOTTED || area.width < NARROWEST_PLOTTED {
        return compact(scene, release, buffer, area, lines);
    }
    // What tells a state or a reason comes before the plots' height.
    let most = area.height.saturating_sub(LEAST_PANEL);
    lines.truncate(most.into());
    let (top, rest) = split_top(area, u16::try_from(lines.len()).unwrap_or(most));
    put_all(scene, buffer, top, lines);
    if area.width >= 160 && area.height >= 44 {
        everything(scene, release, buffer, rest);
    } else if area.width >= MOST_OF_IT.0 && area.height >= MOST_OF_IT.1 {
        most_of_it(scene, release, buffer, rest);
    } else if rest.height >= LEAST_METRICS + 12 {
        // Narrow and tall: the plots, and one panel below them.
        let (plots, below) = split_top(rest, LEAST_METRICS + (rest.height - LEAST_METRICS - 12) / 2);
        metrics::draw(scene, release, buffer, plots);
        tabbed(scene, release, buffer, below, true);
    } else {
        tabbed(scene, release, buffer, rest, false);
    }
}

/// Draws the head without plots. Another panel than the plots, once chosen, takes the lower rows.
fn compact(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect, head: Vec<Line<'static>>) {
    if scene.screen.release.panel == Panel::Metrics {
        return put_all(scene, buffer, area, head);
    }
    let (top, rest) = split_top(area, area.height.saturating_sub(LEAST_PANEL).max(1));
    put_all(scene, buffer, top, head);
    tabbed(scene, release, buffer, rest, false);
}

/// Draws one panel below the names of all.
fn tabbed(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect, metrics_shown: bool) {
    let chosen = match scene.screen.release.panel {
        Panel::Metrics if metrics_shown => Panel::Tasks,
        panel => panel,
    };
    let panels = Panel::iter().filter(|panel| !(metrics_shown && *panel == Panel::Metrics));
    put(buffer, area, 0, scene.tabs(panels, chosen, &["   tab: next ", "  tab ", " tab "], area.width.into()));
    let (_, inner) = split_top(area, 1);
    let columns = usize::from(inner.width);
    let lines = match chosen {
        Panel::Metrics => return metrics::draw(scene, release, buffer, inner),
        Panel::Verdict => verdict::reasoned(scene, release, columns, inner.height.into()),
        Panel::Around => infrastructure::lines(scene, release, columns),
        Panel::Tasks => tasks::lines(scene, release, columns),
        Panel::Events => events::lines(scene, release, columns, inner.height.into()),
        Panel::Operation => operation::lines(scene, release, columns),
        Panel::Sources => sources::lines(scene, release, columns),
        Panel::Preflight => readiness::lines(scene, release, columns),
    };
    put_all(scene, buffer, inner, lines);
}

/// Draws a panel with its heading.
fn panel(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect, title: &str, lines: Vec<Line<'static>>) {
    put(buffer, area, 0, scene.heading(title, Vec::new(), area.width.into()));
    put_all(scene, buffer, split_top(area, 1).1, lines);
}

/// Draws the plots side by side; below them the tasks beside the operation and events; sources on one line.
fn most_of_it(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let (area, last) = split_top(area, area.height.saturating_sub(2));
    put(buffer, last, 0, infrastructure::line(scene, release));
    put(buffer, last, 1, sources::line(scene, release));
    let (plots, below) = split_top(area, (area.height * 11 / 20).clamp(LEAST_METRICS, MOST_METRICS));
    metrics::draw(scene, release, buffer, plots);
    let (left, right) = split_left(below, below.width.saturating_sub(2) * 2 / 5);
    let tasks = tasks::lines(scene, release, left.width.into());
    if readiness::known(&release.preflight) {
        let height = u16::try_from(tasks.len() + 1).unwrap_or(u16::MAX).min(left.height / 2 + 1);
        let (upper, lower) = split_top(left, height);
        panel(scene, buffer, upper, "tasks", tasks);
        panel(scene, buffer, lower, "preflight of R", readiness::lines(scene, release, lower.width.into()));
    } else {
        panel(scene, buffer, left, "tasks", tasks);
    }
    stacked(scene, release, buffer, right);
}

/// Draws the operation above the events, each as high as needed.
pub(crate) fn stacked(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let mut area = area;
    if scene.operations.latest.contains_key(&release.name) {
        let steps = operation::lines(scene, release, area.width.into());
        let height = u16::try_from(steps.len() + 1).unwrap_or(u16::MAX).min(area.height.saturating_sub(3).max(2));
        let (top, rest) = split_top(area, height);
        panel(scene, buffer, top, "operation", steps);
        area = rest;
    }
    let rows = usize::from(area.height.saturating_sub(1));
    panel(scene, buffer, area, "events", events::lines(scene, release, area.width.into(), rows));
}

/// Draws all panels at once.
fn everything(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let (_, area) = split_top(area, 1);
    let (plots, below) = split_top(area, (area.height / 2).clamp(LEAST_METRICS, MOST_METRICS));
    metrics::draw(scene, release, buffer, plots);
    let (_, below) = split_top(below, 1);
    let third = below.width.saturating_sub(4) / 3;
    let (left, rest) = split_left(below, third);
    let (middle, right) = split_left(rest, third + 6);
    let tasks = tasks::lines(scene, release, left.width.into());
    let height = u16::try_from(tasks.len() + 2).unwrap_or(u16::MAX).min(left.height / 2);
    let (upper, lower) = split_top(left, height);
    panel(scene, buffer, upper, "tasks", tasks);
    panel(scene, buffer, lower, "sources", sources::lines(scene, release, lower.width.into()));
    let around = infrastructure::lines(scene, release, middle.width.into());
    let height = u16::try_from(around.len() + 2).unwrap_or(u16::MAX).min(middle.height / 2);
    let (upper, middle) = split_top(middle, height);
    panel(scene, buffer, upper, "around", around);
    let steps = operation::lines(scene, release, middle.width.into());
    if readiness::known(&release.preflight) {
        let height = u16::try_from(steps.len() + 2).unwrap_or(u16::MAX).min(middle.height / 2);
        let (upper, lower) = split_top(middle, height);
        panel(scene, buffer, upper, "operation", steps);
        panel(scene, buffer, lower, "preflight of R", readiness::lines(scene, release, lower.width.into()));
    } else {
        panel(scene, buffer, middle, "operation", steps);
    }
    let rows = usize::from(right.height.saturating_sub(1));
    panel(scene, buffer, right, "events", events::lines(scene, release, right.width.into(), rows));
}
