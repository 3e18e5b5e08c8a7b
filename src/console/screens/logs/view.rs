//! The logs of a release: the rates of each side, then the lines, with both sides beside each other on a wide screen.

use super::header;
use super::rows;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::sources;
use crate::console::screen::View;
use crate::console::widgets::canvas::{Canvas, put, split_top};
use crate::console::widgets::table;
use crate::console::widgets::table::Listing;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::logs::buffer;
use crate::domain::logs::ring_buffer::RingBuffer;
use crate::domain::release::Release;
use crate::domain::text;

/// Rows that the header never takes from the lines.
const LINES: usize = 10;
/// The most rows of the marked line in full.
const DETAILS: usize = 200;

/// Draws the view.
pub(crate) fn draw(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let logs = &scene.screen.logs;
    let fresh = age::logs(scene);
    let fresh = fresh.as_ref().filter(|_| logs.held.is_none());
    put(buffer, area, 0, table::title(scene, (release, View::Logs), header::said(scene), fresh, columns));
    let (_, area) = split_top(area, 1);
    let mut head = header::lines(scene, release, columns);
    let room = usize::from(area.height).saturating_sub(LINES).max(1);
    if head.len() > room {
        let hidden = head.len() - (room - 1);
        head.truncate(room - 1);
        head.push(scene.line(format!("… {hidden} more"), Role::Dim));
    }
    // The last line of the header is the heading of the list.
    let title = head.pop().unwrap_or_default();
    for (row, line) in (0u16..).zip(head.iter()) {
        put(buffer, area, row, line.clone());
    }
    let (_, area) = split_top(area, u16::try_from(head.len()).unwrap_or(area.height));
    let line = logs.marked(scene.screen.logs.shown(&scene.screen.list(View::Logs).find));
    let (mut rows, at) = rows::around(scene, release, line, area.height.into(), columns);
    if rows.is_empty() {
        rows = header::nothing(scene);
    }
    let marked = line.map(|line| name(scene, release, line)).unwrap_or_default();
    let details = line.map(|line| details(scene, line, columns)).unwrap_or_default();
    table::draw(scene, Listing { title, headings: None, rows, at, marked, details }, buffer, area);
}

/// The time of a line, with its side, task and stream.
fn name(scene: &Canvas<'_>, release: &Release, line: &RingBuffer) -> String {
    let book = &scene.screen.logs.book;
    let (whose, stream) = (book.whose(line), book.stream(line));
    let at = line.key.0.strftime("%Y-%m-%d %H:%M:%S%.3fZ");
    let name = sources::name(release, whose);
    format!("{at} · {name} · task {} · {}", format::clip(buffer::task(stream), 40), format::clip(stream, 80))
}

/// The line in full, broken at the screen's width; only bytes that were not kept are missing.
fn details(scene: &Canvas<'_>, line: &RingBuffer, columns: usize) -> Vec<Line<'static>> {
    let role = if line.error { Role::Bad } else { Role::Text };
    let mut lines: Vec<_> =
        folded(&line.text, columns, DETAILS).into_iter().map(|text| scene.line(text, role)).collect();
    if line.cut > 0 {
        let cut = format::count(line.cut.into());
        lines.push(scene.line(format!("… {cut} bytes more, which are in CloudWatch only"), Role::Dim));
    }
    lines
}

/// A text in rows of this width, broken at any character and at its own line breaks.
fn folded(whole: &str, columns: usize, rows: usize) -> Vec<String> {
    use unicode_segmentation::UnicodeSegmentation;
    let mut folded = Vec::new();
    for line in whole.lines() {
        let (mut row, mut used) = (String::new(), 0);
        let safe = text::clean(line);
        for grapheme in safe.graphemes(true) {
            let wide = format::width(grapheme);
            if used + wide > columns && used > 0 {
                folded.push(std::mem::take(&mut row));
                used = 0;
            }
            if folded.len() >= rows {
                return folded;
            }
            row.push_str(grapheme);
            used += wide;
        }
        folded.push(row);
    }
    folded.truncate(rows);
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_broken_and_nothing_of_it_is_lost() {
        assert_eq!(folded("{\"a\":1,\"b\":2}", 5, 9), ["{\"a\":", "1,\"b\"", ":2}"]);
        assert_eq!(folded("one\n\ttwo\x1b[2J", 9, 9), ["one", " two·[2J"]);
        assert_eq!(folded("東京都", 5, 9), ["東京", "都"]);
        assert_eq!(folded(&"x".repeat(100), 10, 3).len(), 3);
        assert!(folded("", 10, 3).is_empty());
    }
}
