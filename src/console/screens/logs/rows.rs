//! The lines around the mark, as many as the screen has rows: drawing does not depend on the number of lines kept.

use std::collections::VecDeque;

use ratatui::text::{Line, Span};

use super::header::role;
use super::json_line::said;
use super::sources;
use crate::console::screen::View;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::logs::buffer;
use crate::domain::logs::buffer::{LogSide, Shown};
use crate::domain::logs::ring_buffer::{Key, RingBuffer};
use crate::domain::release::Release;

/// Least columns for showing both sides beside each other.
const TWO: usize = 120;

/// The lines that may be visible, and the index of the marked line.
pub(crate) fn around(
    scene: &Canvas<'_>,
    release: &Release,
    marked: Option<&RingBuffer>,
    rows: usize,
    columns: usize,
) -> (Vec<Line<'static>>, usize) {
    let Some(marked) = marked else { return (Vec::new(), 0) };
    let (logs, shown) = (&scene.screen.logs, scene.screen.logs.shown(&scene.screen.list(View::Logs).find));
    let two = columns >= TWO && sources::two_sides(release) && logs.sides.is_none() && logs.task.is_none();
    if !two {
        let looks = Looks::merged(marked, columns, sources::two_sides(release) && logs.task.is_none());
        let (lines, at) = window(scene, |_| true, marked, shown, rows);
        let rows = lines.into_iter().map(|line| Line::from(row(scene, release, line, &looks)));
        return (rows.collect(), at);
    }
    let looks = Looks::beside(marked, columns);
    // Lines whose side is not known yet go left, marked.
    let half = |canary: bool| {
        let is_in = |line: &RingBuffer| (logs.book.whose(line) == LogSide::Canary) == canary;
        window(scene, is_in, marked, shown, rows)
    };
    let ((left, left_at), (right, right_at)) = (half(false), half(true));
    // The marked line shares a row with the line nearest in time on the other side.
    let at = left_at.max(right_at);
    let (mut left, mut right) = (padded(left, at - left_at), padded(right, at - right_at));
    let mut both = Vec::new();
    while !left.is_empty() || !right.is_empty() {
        let mut spans = cell(scene, release, left.pop_front().flatten(), &looks);
        spans.push(scene.dim(" │ "));
        spans.extend(cell(scene, release, right.pop_front().flatten(), &looks));
        both.push(Line::from(spans));
    }
    (both, at)
}

fn padded(lines: Vec<&RingBuffer>, above: usize) -> VecDeque<Option<&RingBuffer>> {
    std::iter::repeat_n(None, above).chain(lines.into_iter().map(Some)).collect()
}

/// Up to `rows` lines before and after the mark, and the index of the marked line, or of the nearest one before.
fn window<'a>(
    scene: &Canvas<'a>,
    is_in: impl Fn(&RingBuffer) -> bool,
    marked: &RingBuffer,
    shown: Shown,
    rows: usize,
) -> (Vec<&'a RingBuffer>, usize) {
    let book = &scene.screen.logs.book;
    let mut lines: Vec<_> = book.up_to(Some(marked.key), shown).filter(|line| is_in(line)).take(rows).collect();
    lines.reverse();
    let at = lines.len().saturating_sub(1);
    lines.extend(book.behind(marked.key, shown).filter(|line| is_in(line)).take(rows));
    (lines, at)
}

/// The layout of a line.
struct Looks {
    /// The position of the marked line.
    marked: Key,
    /// Columns of a line.
    columns: usize,
    millis: bool,
    /// Columns of the side's name.
    side: usize,
    /// Columns of the task's id.
    task: usize,
}

impl Looks {
    fn merged(marked: &RingBuffer, columns: usize, sides: bool) -> Self {
        let side = if columns >= 100 { 7 } else { 1 };
        Self {
            marked: marked.key,
            columns,
            millis: columns >= 100,
            side: if sides { side } else { 0 },
            task: if columns >= 100 { 8 } else { 6 },
        }
    }

    fn beside(marked: &RingBuffer, columns: usize) -> Self {
        let (wide, half) = (columns >= 180, (columns - 3) / 2);
        Self { marked: marked.key, columns: half, millis: wide, side: 0, task: if wide { 8 } else { 5 } }
    }
}

fn cell(scene: &Canvas<'_>, release: &Release, line: Option<&RingBuffer>, looks: &Looks) -> Vec<Span<'static>> {
    let mut spans = line.map(|line| row(scene, release, line, looks)).unwrap_or_default();
    let used = format::wide(&spans);
    spans.push(Span::raw(" ".repeat(looks.columns.saturating_sub(used))));
    spans
}

/// One line, cut to the width.
fn row(scene: &Canvas<'_>, release: &Release, line: &RingBuffer, looks: &Looks) -> Vec<Span<'static>> {
    let book = &scene.screen.logs.book;
    let whose = book.whose(line);
    let here = line.key == looks.marked;
    let at = line.key.0.strftime(if looks.millis { "%H:%M:%S%.3f" } else { "%H:%M:%S" }).to_string();
    let mut spans = vec![
        scene.span(if here { "▸ " } else { "  " }, Role::Accent),
        scene.span(at, if here { Role::Marked } else { Role::Dim }),
        Span::raw(" "),
    ];
    if looks.side > 0 {
        let name = sources::name(release, whose);
        let name =
            if looks.side > 1 { name.to_owned() } else { name.chars().take(1).collect::<String>().to_uppercase() };
        let name = if whose == LogSide::Unknown { "?" } else { &name };
        spans.push(scene.span(format::pad(name, looks.side), role(whose)));
        spans.push(Span::raw(" "));
    } else if whose == LogSide::Unknown {
        spans.push(scene.dim("? "));
    }
    let task = buffer::task(book.stream(line));
    // The first characters of an id tell tasks apart; an ellipsis would take their room.
    let task: String = task.chars().take(looks.task).collect();
    spans.push(scene.span(format::pad(&task, looks.task), role(whose)));
    spans.push(Span::raw(" "));
    let used = format::wide(&spans);
    let text = format::clip(&said(&line.text), looks.columns.saturating_sub(used));
    spans.push(scene.span(text, if line.error { Role::Bad } else { Role::Text }));
    spans
}
