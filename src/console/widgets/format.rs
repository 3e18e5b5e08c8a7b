//! Text as the screen shows it: cut to a width, never with a character that could harm a terminal.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub(crate) use crate::domain::format::{
    age, chance, clock, count, dollars_an_hour, failing, lasting, latency, many, odds, rate, ratio_between,
    response_time, round_latency, round_rate, seconds, share, spaced, times,
};
use crate::domain::plan::Price;
use crate::domain::text;

/// Columns of the labels at the left of a release.
pub(crate) const LABEL: usize = 9;

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// A text made safe and cut to a width, with `…` where something is missing. Long texts cost no more than
/// what is shown of them.
pub(crate) fn clip(text: &str, columns: usize) -> String {
    // A grapheme of many characters is still one column: the bound is on what is looked at.
    let looked_at: String = text.chars().take(columns.saturating_mul(4).saturating_add(8)).collect();
    let all = looked_at.len() == text.len();
    let safe = text::clean(&looked_at);
    if all && safe.width() <= columns {
        return safe;
    }
    let mut cut = String::new();
    let mut used = 0;
    for grapheme in safe.graphemes(true) {
        let wide = grapheme.width();
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        cut.push_str(grapheme);
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// The same with the end kept: of addresses in one network the ends differ.
pub(crate) fn clip_start(text: &str, columns: usize) -> String {
    let safe = clip(text, 4 * columns + 64);
    let mut kept = Vec::new();
    let mut used = 0;
    for grapheme in safe.graphemes(true).rev() {
        used += grapheme.width();
        kept.push(grapheme);
        if used > columns {
            // The mark takes the place of as much as is needed.
            while used + 1 > columns
                && let Some(cut) = kept.pop()
            {
                used -= cut.width();
            }
            kept.push("…");
            break;
        }
    }
    kept.into_iter().rev().collect()
}

/// The columns of some spans together.
pub(crate) fn wide<'a>(spans: impl IntoIterator<Item = &'a Span<'a>>) -> usize {
    spans.into_iter().map(|span| width(&span.content)).sum()
}

/// A line of exactly that width: blank cells of a style are added on the right.
pub(crate) fn filled(mut spans: Vec<Span<'static>>, columns: usize, blank: Style) -> Line<'static> {
    spans.push(Span::styled(" ".repeat(columns.saturating_sub(wide(&spans))), blank));
    Line::from(spans)
}

/// The price of a rollback as the end of a sentence: `in seconds`.
pub(crate) fn back_in(price: Price) -> String {
    match price {
        Price::UsersStay => "no user moves".to_owned(),
        Price::Seconds => "in seconds".to_owned(),
        Price::Minutes(Some(typical)) => format!("in about {}", lasting(typical)),
        Price::Minutes(None) => "in minutes".to_owned(),
    }
}

/// A name cut in the middle: names of one system often share their beginning, and differ at the end.
pub(crate) fn clip_middle(text: &str, columns: usize) -> String {
    let safe = clip(text, 4 * columns + 64);
    if safe.width() <= columns || columns < 3 {
        return clip(&safe, columns);
    }
    let end = (columns - 1) / 2;
    let start = clip(&safe, columns - end);
    let tail = clip_start(&safe, end + 1);
    format!("{}…{}", start.trim_end_matches('…'), tail.trim_start_matches('…'))
}

/// A text of exactly that width: cut or filled up on the right.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let mut text = clip(text, columns);
    text.extend(std::iter::repeat_n(' ', columns.saturating_sub(text.width())));
    text
}

/// A text of exactly that width, filled up on the left.
pub(crate) fn pad_left(text: &str, columns: usize) -> String {
    let text = clip(text, columns);
    format!("{}{text}", " ".repeat(columns.saturating_sub(text.width())))
}

/// A line cut to a width, with `…` where something is missing.
pub(crate) fn fit(line: Line<'_>, columns: usize) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::with_capacity(line.spans.len());
    let mut left = columns;
    let mut rest = line.spans.into_iter().filter(|span| !span.content.is_empty()).peekable();
    while let Some(span) = rest.next() {
        // Where more follows, a text that would fill the line makes room for the mark that says so.
        let shown = clip(&span.content, left);
        let wide = shown.width();
        if wide == left && rest.peek().is_some_and(|next| !next.content.trim().is_empty()) {
            spans.push(Span::styled(clip(&format!("{}  ", span.content), left), span.style));
            break;
        }
        left -= wide;
        spans.push(Span::styled(shown, span.style));
        if left == 0 {
            break;
        }
    }
    let mut fitted = Line::from(spans);
    fitted.style = line.style;
    fitted
}

/// A line folded at spaces into at most `rows` lines of that width; the last is cut with `…`.
pub(crate) fn fold(line: Line<'static>, columns: usize, rows: usize) -> Vec<Line<'static>> {
    if line.width() <= columns || rows < 2 {
        return vec![line];
    }
    let mut folded: Vec<Line<'static>> = vec![Line::default()];
    let mut used = 0;
    for span in line.spans {
        for word in span.content.split_inclusive(' ') {
            let wide = width(word.trim_end());
            if used + wide > columns && used > 0 && folded.len() < rows {
                folded.push(Line::default());
                used = 0;
            }
            used += width(word);
            if let Some(last) = folded.last_mut() {
                last.spans.push(Span::styled(word.to_owned(), span.style));
            }
        }
    }
    folded
}

/// A text in lines of at most that width, broken at spaces; at most `lines` of them, the last with `…`.
pub(crate) fn wrap(text: &str, columns: usize, lines: usize) -> Vec<String> {
    if columns == 0 || lines == 0 {
        return Vec::new();
    }
    let bound = columns.saturating_mul(lines).saturating_mul(4).saturating_add(8);
    let looked_at: String = text.chars().take(bound).collect();
    let safe = text::clean(&looked_at);
    let mut wrapped: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut words = safe.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let needed = if line.is_empty() { word.width() } else { line.width() + 1 + word.width() };
        if needed > columns && !line.is_empty() {
            if wrapped.len() + 1 == lines {
                let rest = std::iter::once(word).chain(words).collect::<Vec<_>>().join(" ");
                wrapped.push(clip(&format!("{line} {rest}"), columns));
                return wrapped;
            }
            wrapped.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&clip(word, columns));
    }
    if !line.is_empty() {
        wrapped.push(line);
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_columns() {
        for (text, columns, cut) in [
            ("checkout", 8, "checkout"),
            ("checkout", 7, "checko…"),
            ("checkout", 1, "…"),
            ("checkout", 0, ""),
            ("東京都", 4, "東…"),
            ("a\x1b[31mb", 9, "a·[31mb"),
        ] {
            assert_eq!(clip(text, columns), cut);
        }
        assert!(clip(&"x".repeat(10_000), 20).width() == 20);
        for (columns, cut) in [(8, "checkout"), (7, "…eckout"), (1, "…"), (0, "…")] {
            assert_eq!(clip_start("checkout", columns), cut);
        }
        assert_eq!(clip_start("東京都", 4), "…都");
        for (columns, cut) in [(8, "checkout"), (7, "che…out"), (4, "ch…t"), (2, "c…"), (0, "")] {
            assert_eq!(clip_middle("checkout", columns), cut);
        }
        assert!(width(&clip_middle("東京都東京都", 6)) <= 6);
        assert_eq!(pad("ab", 4), "ab  ");
        assert_eq!(pad_left("ab", 4), "  ab");
    }

    #[test]
    fn a_cut_line_says_so_even_at_the_end_of_a_piece() {
        let fitted = |parts: &[&str], columns| {
            let line = Line::from(parts.iter().map(|part| Span::raw((*part).to_owned())).collect::<Vec<_>>());
            fit(line, columns).spans.iter().map(|span| span.content.to_string()).collect::<String>()
        };
        assert_eq!(fitted(&["abcd", "efgh"], 8), "abcdefgh");
        assert_eq!(fitted(&["abcd", "efgh", ""], 8), "abcdefgh");
        assert_eq!(fitted(&["abcd", "efgh", "i"], 8), "abcdefg…");
        assert_eq!(fitted(&["abcd", "efgh"], 4), "abc…");
        assert_eq!(fitted(&["abcd", "efgh"], 0), "");
    }

    #[test]
    fn a_line_is_folded_at_spaces_and_keeps_its_styles() {
        let bold = ratatui::style::Style::new().add_modifier(ratatui::style::Modifier::BOLD);
        let line = Line::from(vec![Span::styled("one two ", bold), Span::raw("three four five")]);
        let folded = fold(line, 12, 2);
        let texts: Vec<_> = folded.iter().map(|line| line.to_string()).collect();
        assert_eq!(texts, ["one two ", "three four five"]);
        assert_eq!(folded[0].spans[0].style, bold);
        assert_eq!(fold(Line::from("short"), 12, 2).len(), 1);
    }

    #[test]
    fn texts_are_broken_at_spaces() {
        assert_eq!(wrap("one two three", 7, 3), ["one two", "three"]);
        assert_eq!(wrap("one two three four", 7, 2), ["one two", "three …"]);
        assert_eq!(wrap("unbreakable", 5, 2), ["unbr…"]);
        assert!(wrap("", 5, 2).is_empty());
    }
}
