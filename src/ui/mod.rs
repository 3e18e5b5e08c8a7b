//! The screen, drawn from the model and nothing else: no clock, no I/O, no state of its own.

mod chrome;
mod dialog;
mod fleet;
mod freshness;
mod listing;
mod panels;
mod plot;
mod release;
mod rollback;
mod scene;
mod small;
mod state;
pub mod theme;
mod views;
mod words;
mod zoom;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

pub use theme::{Palette, Role, Theme};

use crate::app::model::{Model, SMALLEST, Screen};
use crate::domain::text;
use scene::Scene;

/// Draws the whole screen.
pub fn view(model: &Model, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    draw(model, theme, buffer, area);
    scrub(buffer, theme);
}

fn draw(model: &Model, theme: &Theme, buffer: &mut Buffer, area: Rect) {
    let scene = Scene { model, theme };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return small::draw(&scene, buffer, area);
    }
    let focus = model.focus();
    let columns = usize::from(area.width);
    let rollback = rollback::lines(&scene, focus, columns);
    let (header, rest) = scene::split_top(area, 1);
    let below = 2 + u16::try_from(rollback.len()).unwrap_or(1);
    let (body, bottom) = scene::split_top(rest, rest.height.saturating_sub(below));

    // Whatever is on the screen: any key stops it, so it must be seen.
    let body = match chrome::countdown(&scene, columns) {
        Some(line) => {
            let (banner, body) = scene::split_top(body, 1);
            scene::put(buffer, banner, 0, line);
            body
        }
        None => body,
    };
    chrome::header(&scene, buffer, header);
    match &model.screen {
        Screen::Fleet => fleet::draw(&scene, buffer, body),
        Screen::Release(name) => match model.release(name) {
            Some(release) => match model.zoom {
                Some(plotted) => zoom::draw(&scene, release, plotted, buffer, body),
                None => release::draw(&scene, release, buffer, body),
            },
            None => fleet::absent(&scene, name, buffer, body),
        },
        Screen::View(view, name) => match model.release(name) {
            Some(release) => views::draw(&scene, *view, release, buffer, body),
            None => fleet::absent(&scene, name, buffer, body),
        },
    }
    scene::put(buffer, bottom, 0, chrome::status(&scene, focus, columns));
    for (row, line) in (1u16..).zip(rollback) {
        scene::put(buffer, bottom, row, line);
    }
    let (_, footer) = scene::split_top(bottom, bottom.height.saturating_sub(1));
    match &model.dialog {
        Some(open) => {
            chrome::dialog_footer(&scene, buffer, footer, dialog::keys(open));
            dialog::draw(&scene, open, buffer, body);
        }
        None => chrome::footer(&scene, buffer, footer),
    }
}

/// The longest that a cell's symbol may be: a character with a few marks upon it.
const MARKS: usize = 4;

/// Makes every cell safe, whatever was drawn: no character that could move a cursor or reorder a line, no
/// tower of marks, and nothing but ASCII where that was asked for.
pub fn scrub(buffer: &mut Buffer, theme: &Theme) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        let fine = symbol.chars().all(|c| text::is_safe(c) && (c.is_ascii() || !theme.ascii()))
            && symbol.chars().count() <= MARKS;
        if !fine {
            let safe: String = text::clean(symbol).chars().take(MARKS).map(|c| theme.plain(c)).collect();
            let safe = if theme.ascii() { safe.chars().take(1).collect() } else { safe };
            cell.set_symbol(&safe);
        }
    }
}

/// One line in the middle of an area, for what is not there.
fn middle(buffer: &mut Buffer, area: Rect, lines: Vec<Line<'static>>) {
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
    let top = (area.height - height) / 2;
    for (row, line) in (top..).zip(lines) {
        let line = words::fit(line, area.width.into());
        let left = usize::from(area.width).saturating_sub(line.width()) / 2;
        let inner = Rect { x: area.x + u16::try_from(left).unwrap_or(0), width: area.width, ..area };
        scene::put(buffer, inner.intersection(area), row, line);
    }
}
