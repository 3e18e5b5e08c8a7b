//! Text formatting for the output of commands.

pub(crate) use crate::domain::format::{many, rate, since, span};

/// The text for a missing measurement.
pub(crate) const NO_DATA: &str = "no data";

/// The value, or [`NO_DATA`].
pub(crate) fn or_no_data<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| NO_DATA.to_owned(), |value| value.to_string())
}

/// An image's tag (`1.9.0`), which people call the version.
pub(crate) fn image_tag(image: &str) -> Option<&str> {
    let image = image.split('@').next().unwrap_or(image);
    image.rsplit('/').next()?.rsplit_once(':').map(|(_, tag)| tag)
}

/// Lines with aligned columns; the last column is not padded.
pub(crate) fn columns(rows: &[Vec<String>]) -> Vec<String> {
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
