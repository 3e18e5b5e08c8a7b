//! The screen, drawn from the model and nothing else: no clock, no I/O, no state of its own.

use super::dialogs;
use super::frame;
use super::screens;
use super::screens::banner::state::State;
use super::screens::fleet;
use super::screens::release;
use super::screens::release::zoom;
use super::screens::rollback_banner;
use super::screens::rollback_line;
use super::screens::too_small;
use super::widgets::canvas;
use super::widgets::format;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

pub use super::widgets::theme::{Background, Palette, Role, Terminal, Theme};

use super::screen::Screen;
use super::state::Model;
use super::state::screen::SMALLEST;
use super::widgets::canvas::Canvas;
use crate::domain::text;

/// Draws the whole screen.
pub fn view(model: &Model, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    draw(model, theme, buffer, area);
    scrub(buffer, theme);
}

/// Draws the whole screen of a terminal of so many columns and rows.
pub fn render(model: &Model, theme: &Theme, (columns, rows): (u16, u16)) -> Buffer {
    let area = Rect::new(0, 0, columns, rows);
    let mut buffer = Buffer::empty(area);
    draw(model, theme, &mut buffer, area);
    scrub(&mut buffer, theme);
    buffer
}

/// Columns of the title of the terminal's window.
const TITLE: usize = 60;

/// Returns the title of the terminal's window: the release that needs an operator most, with its state.
pub fn title(model: &Model, theme: &Theme) -> String {
    let Model { observed, operations, screen, polls, .. } = model;
    let scene = Canvas { observed, operations, screen, polls, theme };
    let needing = observed.releases.iter().filter(|release| release.needs_somebody());
    let title = match needing.min_by_key(|release| (release.urgency(), &release.name)) {
        Some(release) => {
            let state = State::of(&scene, release);
            format!("{} {} {}", state.shape(), release.name, state.word())
        }
        None => format!("tidegate {}", observed.place.environment),
    };
    // Names come from AWS: no control character reaches the terminal.
    format::clip(&title, TITLE).chars().map(|c| theme.plain(c)).collect()
}

fn draw(model: &Model, theme: &Theme, buffer: &mut Buffer, area: Rect) {
    let Model { observed, operations, screen, polls, .. } = model;
    let scene = Canvas { observed, operations, screen, polls, theme };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return too_small::draw(&scene, buffer, area);
    }
    let focus = screen.focus(observed);
    let columns = usize::from(area.width);
    let rollback = rollback_line::lines(&scene, focus, columns);
    let (header, rest) = canvas::split_top(area, 1);
    let status = frame::statuses(&scene, focus, columns);
    let rows = u16::try_from(status.len()).unwrap_or(1);
    let below = 1 + rows + u16::try_from(rollback.len()).unwrap_or(1);
    let (body, bottom) = canvas::split_top(rest, rest.height.saturating_sub(below));

    let banner = rollback_banner::lines(&scene, columns);
    let (above, body) = canvas::split_top(body, u16::try_from(banner.len()).unwrap_or(0));
    canvas::put_all(&scene, buffer, above, banner);
    // Whatever is on the screen: any key stops it, so it must be seen.
    let body = match frame::countdown(&scene, columns) {
        Some(line) => {
            let (banner, body) = canvas::split_top(body, 1);
            canvas::put(buffer, banner, 0, line);
            body
        }
        None => body,
    };
    frame::header(&scene, buffer, header);
    match &screen.current {
        Screen::Fleet => fleet::view::draw(&scene, buffer, body),
        Screen::Release(name) => match observed.release(name) {
            Some(release) => match screen.release.zoom {
                Some(plotted) => zoom::draw(&scene, release, plotted, buffer, body),
                None => release::view::draw(&scene, release, buffer, body),
            },
            None => fleet::view::absent(&scene, name, buffer, body),
        },
        Screen::View(view, name) => match observed.release(name) {
            Some(release) => screens::view::draw(&scene, *view, release, buffer, body),
            None => fleet::view::absent(&scene, name, buffer, body),
        },
    }
    for (row, line) in (0u16..).zip(status.into_iter().chain(rollback)) {
        canvas::put(buffer, bottom, row, line);
    }
    let (_, footer) = canvas::split_top(bottom, bottom.height.saturating_sub(1));
    match &screen.dialog {
        Some(open) => {
            frame::dialog_footer(&scene, buffer, footer, dialogs::view::keys(open, &model.observed.settings));
            dialogs::view::draw(&scene, open, buffer, body);
        }
        None => frame::footer(&scene, buffer, footer),
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
pub(super) fn middle(buffer: &mut Buffer, area: Rect, lines: Vec<Line<'static>>) {
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
    let top = (area.height - height) / 2;
    for (row, line) in (top..).zip(lines) {
        let line = format::fit(line, area.width.into());
        let left = usize::from(area.width).saturating_sub(line.width()) / 2;
        let inner = Rect { x: area.x + u16::try_from(left).unwrap_or(0), width: area.width, ..area };
        canvas::put(buffer, inner.intersection(area), row, line);
    }
}
