//! Small things in words: spans, shares, counts.

use jiff::{SignedDuration, Timestamp};

pub use crate::domain::format::count;

/// What stands where nothing was measured.
pub const NO_DATA: &str = "no data";

/// `45s`, `3m 12s`, `5h 20m`, `9d`: two units at the most, and only as fine as it matters.
pub fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let two = |big: i64, unit: &str, small: i64, lesser: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit} {small}{lesser}") }
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest}s"),
        (0, 0, _) => two(minutes, "m", rest, "s"),
        (0, _, _) => two(hours, "h", minutes, "m"),
        (1..=2, _, _) => two(days, "d", hours, "h"),
        _ => format!("{days}d"),
    }
}

/// How long ago something was.
pub fn since(then: Timestamp, now: Timestamp) -> String {
    span(now.duration_since(then))
}

/// The value, or that there is none.
pub fn or_no_data<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| NO_DATA.to_owned(), |value| value.to_string())
}

/// Percent with as many decimals as say something: `0.21%`, `12.5%`.
pub fn rate(percent: f64) -> String {
    if percent >= 10.0 { format!("{percent:.1}%") } else { format!("{percent:.2}%") }
}

/// An image's tag (`1.9.0`): what people call the version.
pub fn image_tag(image: &str) -> Option<&str> {
    let image = image.split('@').next().unwrap_or(image);
    image.rsplit('/').next()?.rsplit_once(':').map(|(_, tag)| tag)
}

/// Lines with their columns under one another; the last column is as long as it is.
pub fn columns(rows: &[Vec<String>]) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| crate::domain::text::clean(cell)).collect()).collect();
    let wide = cells.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<_> = (0..wide)
        .map(|column| cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let gap = width.saturating_sub(cell.width());
            format!("{cell}{:gap$}", "")
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_fine_as_it_matters() {
        let table = [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (192, "3m 12s"),
            (3_600, "1h"),
            (19_200, "5h 20m"),
            (90_000, "1d 1h"),
            (9 * 86_400 + 7_000, "9d"),
            (-5, "0s"),
        ];
        for (seconds, words) in table {
            assert_eq!(span(SignedDuration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn a_registry_with_a_port_has_no_tag() {
        for (image, tag) in [
            ("registry.example:5000/shop/checkout:1.9.0@sha256:0f", Some("1.9.0")),
            ("checkout:1.9.0", Some("1.9.0")),
            ("registry.example:5000/checkout", None),
            ("checkout@sha256:0f", None),
        ] {
            assert_eq!(image_tag(image), tag, "{image}");
        }
    }

    #[test]
    fn columns_line_up_by_what_is_seen() {
        let rows = [vec!["東京".to_owned(), "x".to_owned()], vec!["ab\x1b".to_owned(), "y".to_owned()]];
        assert_eq!(columns(&rows), ["東京  x", "ab·   y"]);
    }
}
