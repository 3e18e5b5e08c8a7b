//! Whole screens, as glyphs and as styles.

mod automatic;
mod confirm;
mod diff;
mod early;
mod first_look;
mod fuzz;
mod happened;
mod in_flight;
mod known_bad;
mod logs;
mod native;
mod pending_rollback;
mod plots;
mod safety;
mod screens;
mod typing;
mod why;

use std::collections::BTreeMap;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::state::Model;
use super::view::{Palette, Theme, view};

/// Draws a model at its own size.
fn draw(model: &Model, theme: &Theme) -> Buffer {
    let (columns, rows) = model.screen.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view(model, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn plain() -> Theme {
    Theme::new(Palette::Sixteen, false)
}

/// The glyphs, a line a row.
fn glyphs(buffer: &Buffer) -> String {
    let rows = buffer.content.chunks(usize::from(buffer.area.width.max(1)));
    let text = |row: &[ratatui::buffer::Cell]| {
        let mut line = String::new();
        let mut skip = 0;
        for cell in row {
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = super::widgets::format::width(cell.symbol()).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        line.trim_end().to_owned()
    };
    rows.map(text).collect::<Vec<_>>().join("\n")
}

/// The glyphs, then the same cells as letters of styles, then what each letter stands for.
fn picture(buffer: &Buffer) -> String {
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let mut names = ('a'..='z').chain('A'..='Z');
    let mut map = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width.max(1))) {
        let mut line = String::new();
        for cell in row {
            let style = Style { underline_color: None, ..cell.style() };
            let described = describe(style);
            if described.is_empty() || cell.symbol() == " " && !described.contains("REVERSED") {
                line.push('.');
                continue;
            }
            line.push(*letters.entry(described).or_insert_with(|| names.next().unwrap_or('?')));
        }
        map.push_str(line.trim_end_matches('.'));
        map.push('\n');
    }
    let mut legend: Vec<_> = letters.into_iter().map(|(style, letter)| format!("{letter} {style}")).collect();
    legend.sort();
    format!("{}\n~~~ styles\n{}~~~\n{}\n", glyphs(buffer), map, legend.join("\n"))
}

fn describe(style: Style) -> String {
    let colour = style.fg.filter(|colour| *colour != ratatui::style::Color::Reset);
    let modifiers = style.add_modifier;
    let mut parts: Vec<String> = colour.iter().map(|colour| format!("{colour}")).collect();
    parts.extend(modifiers.iter_names().map(|(name, _)| name.to_owned()));
    parts.join(" ")
}
