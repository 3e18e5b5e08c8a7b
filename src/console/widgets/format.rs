//! Text as the screen shows it: cut to a width, never with a character that could harm a terminal; spans of
//! time, numbers and shares in their shortest honest form.

use jiff::SignedDuration;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub use crate::domain::format::count as many;
use crate::domain::release::share::Percent;
use crate::domain::text;

/// Columns of the labels at the left of a release.
pub const LABEL: usize = 9;

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// A text made safe and cut to a width, with `…` where something is missing. Long texts cost no more than
/// what is shown of them.
pub fn clip(text: &str, columns: usize) -> String {
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

/// A text of exactly that width: cut or filled up on the right.
pub fn pad(text: &str, columns: usize) -> String {
    let mut text = clip(text, columns);
    text.extend(std::iter::repeat_n(' ', columns.saturating_sub(text.width())));
    text
}

/// A text of exactly that width, filled up on the left.
pub fn pad_left(text: &str, columns: usize) -> String {
    let text = clip(text, columns);
    format!("{}{text}", " ".repeat(columns.saturating_sub(text.width())))
}

/// A line cut to a width, with `…` where something is missing.
pub fn fit(line: Line<'_>, columns: usize) -> Line<'static> {
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

/// A text in lines of at most that width, broken at spaces; at most `lines` of them, the last with `…`.
pub fn wrap(text: &str, columns: usize, lines: usize) -> Vec<String> {
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

/// A span of time in one unit: `0s`, `45s`, `3m`, `2h`, `9d`.
pub fn age(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..=99 => format!("{seconds}s"),
        100..=5_999 => format!("{}m", seconds / 60),
        6_000..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A span of time as a clock shows it: `03:12`, `1:03:12`.
pub fn clock(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

/// A short span, to the hundredth: `0.42 s`.
pub fn seconds(span: SignedDuration) -> String {
    let seconds = span.as_secs_f64().max(0.0);
    if seconds < 10.0 { format!("{seconds:.2} s") } else { format!("{seconds:.0} s") }
}

/// An error rate in percent: `0%`, `0.21%`, `12.5%`; what is not nothing is never shown as nothing.
pub fn rate(percent: f64) -> String {
    match percent {
        p if p <= 0.0 => "0%".to_owned(),
        p if p < 0.01 => "<0.01%".to_owned(),
        p if p < 10.0 => format!("{p:.2}%"),
        p => format!("{p:.1}%"),
    }
}

/// A measured share: what is not nothing is never shown as nothing, what is not all never as all.
pub fn share(share: Percent) -> String {
    match share.value() {
        _ if share.is_zero() || share.is_full() => share.to_string(),
        part if part < 0.05 => "<0.1%".to_owned(),
        part if part >= 99.95 => ">99.9%".to_owned(),
        _ => share.to_string(),
    }
}

/// Minutes as people say them: `5 min`, `45 s`, `24 h`.
pub fn lasting(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=7_199 => format!("{} min", (seconds + 30) / 60),
        7_200..=172_799 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

/// How likely something is by chance: `p=0.43`, `p=0.0021`; what is not nothing is never shown as nothing.
pub fn chance(p: f64) -> String {
    match p {
        p if p >= 0.01 => format!("p={p:.2}"),
        p if p >= 0.000_1 => format!("p={p:.4}"),
        _ => "p<0.0001".to_owned(),
    }
}

/// What something costs, US dollars an hour: `$0.008/h`, `$1.20/h`; what is not nothing is never shown as nothing.
pub fn dollars_an_hour(dollars: f64) -> String {
    match dollars {
        d if d <= 0.0 => "$0/h".to_owned(),
        d if d < 0.001 => "<$0.001/h".to_owned(),
        d if d < 0.1 => format!("${d:.3}/h"),
        d => format!("${d:.2}/h"),
    }
}

/// A round error rate, as scales and lines have it: `1%`, `0.5%`.
pub fn round_rate(percent: f64) -> String {
    format!("{}%", (percent * 100.0).round() / 100.0)
}

/// A round response time, as scales have it.
pub fn round_latency(ms: f64) -> String {
    if ms <= 0.0 { "0ms".to_owned() } else { latency(ms) }
}

/// A response time in milliseconds: `8.2ms`, `212ms`, `12.3s`.
pub fn latency(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1}ms"),
        ms if ms < 9_999.5 => format!("{ms:.0}ms"),
        ms => format!("{:.1}s", ms / 1_000.0),
    }
}

/// A count with its thousands apart: `51,200`.
pub fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0) + 0.0);
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
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
    fn texts_are_broken_at_spaces() {
        assert_eq!(wrap("one two three", 7, 3), ["one two", "three"]);
        assert_eq!(wrap("one two three four", 7, 2), ["one two", "three …"]);
        assert_eq!(wrap("unbreakable", 5, 2), ["unbr…"]);
        assert!(wrap("", 5, 2).is_empty());
    }

    #[test]
    fn numbers_in_their_shortest_honest_form() {
        assert_eq!([rate(0.0), rate(0.004), rate(0.214), rate(12.54)], ["0%", "<0.01%", "0.21%", "12.5%"]);
        assert_eq!([latency(8.21), latency(212.4), latency(12_345.0)], ["8.2ms", "212ms", "12.3s"]);
        assert_eq!([count(7.0), count(5_120.0), count(1_234_567.0)], ["7", "5,120", "1,234,567"]);
        let shares =
            [0.0, 0.01, 0.049, 0.05, 9.1, 99.94, 99.96, 100.0].map(|value| share(Percent::new(value).unwrap()));
        assert_eq!(shares, ["0%", "<0.1%", "<0.1%", "0.1%", "9.1%", "99.9%", ">99.9%", "100%"]);
        assert_eq!([chance(0.428), chance(0.002_1), chance(1e-12)], ["p=0.43", "p=0.0021", "p<0.0001"]);
        assert_eq!([0.0, 0.000_2, 0.008_4, 1.2].map(dollars_an_hour), ["$0/h", "<$0.001/h", "$0.008/h", "$1.20/h"]);
        let spans = [45, 95, 300, 86_400, 259_200].map(|seconds| lasting(SignedDuration::from_secs(seconds)));
        assert_eq!(spans, ["45 s", "2 min", "5 min", "24 h", "3 d"]);
        let of = |seconds| age(SignedDuration::from_secs(seconds));
        assert_eq!([of(0), of(45), of(200), of(7_300), of(800_000)], ["0s", "45s", "3m", "2h", "9d"]);
        assert_eq!(clock(SignedDuration::from_secs(192)), "03:12");
        assert_eq!(clock(SignedDuration::from_secs(3_792)), "1:03:12");
    }
}
