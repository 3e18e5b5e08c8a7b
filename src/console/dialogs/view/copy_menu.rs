//! The copy menu: commands and links that lead out of the console.

use ratatui::text::Line;
use unicode_segmentation::UnicodeSegmentation;

use crate::console::links::CopyMenu;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::text;

/// Each item by its title; the marked item with its full text and its remark.
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
        // The text is never cut: some terminals take no copies, so the operator selects it by hand.
        lines.extend(broken(&way.text, columns).into_iter().map(|text| scene.line(text, Role::Text)));
        if let Some(remark) = &way.remark {
            let remark = format::wrap(remark, columns.saturating_sub(4), 4).into_iter();
            lines.extend(remark.map(|text| scene.line(format!("    {text}"), Role::Warn)));
        }
    }
    lines
}

/// A text in lines of this width, broken at any character: a link has no spaces, and no space may be lost.
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
