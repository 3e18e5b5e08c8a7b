//! What leads out of the console, to be copied.

use ratatui::text::Line;
use unicode_segmentation::UnicodeSegmentation;

use crate::console::links::CopyMenu;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::text;

/// Each way out by what it leads to; the marked one with its text in full, and what stands against it.
pub(crate) fn lines(scene: &Canvas<'_>, menu: &CopyMenu, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (index, way) in menu.items.iter().enumerate() {
        let marked = index == menu.selected;
        lines.push(Line::from(vec![
            scene.span(if marked { "▸ " } else { "  " }, Role::Accent),
            scene.span(format::clip(&way.title, columns), if marked { Role::Marked } else { Role::Title }),
        ]));
        if !marked {
            continue;
        }
        // To be read, and to be selected by hand where a terminal takes no copies: it is never cut.
        lines.extend(broken(&way.text, columns).into_iter().map(|text| scene.line(text, Role::Text)));
        if let Some(remark) = &way.remark {
            let remark = format::wrap(remark, columns.saturating_sub(4), 4).into_iter();
            lines.extend(remark.map(|text| scene.line(format!("    {text}"), Role::Warn)));
        }
    }
    lines
}

/// A text in lines of that width, broken wherever that is: an address has no spaces, and a space must not be lost.
fn broken(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for grapheme in text::clean(text).graphemes(true) {
        let full = lines.last().is_some_and(|line| format::width(line) + format::width(grapheme) > columns);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(grapheme);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_is_shown_to_its_last_letter() {
        let text = "aws ecs execute-command --cluster prod --task 0123456789abcdef";
        for columns in [1, 7, 20, 100] {
            let lines = broken(text, columns);
            assert_eq!(lines.concat(), text);
            assert!(lines.iter().all(|line| format::width(line) <= columns));
        }
    }
}
