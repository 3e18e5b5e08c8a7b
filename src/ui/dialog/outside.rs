//! What leads out of the console, to be copied.

use ratatui::text::Line;

use crate::app::outside::Outside;
use crate::ui::scene::Scene;
use crate::ui::theme::Role;
use crate::ui::words;

/// Each way out: what it leads to, the text in full, and what stands against it.
pub fn lines(scene: &Scene<'_>, outside: &Outside, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (index, way) in outside.ways.iter().enumerate() {
        let marked = index == outside.selected;
        lines.push(Line::from(vec![
            scene.span(if marked { "▸ " } else { "  " }, Role::Accent),
            scene.span(words::clip(&way.title, columns), if marked { Role::Marked } else { Role::Title }),
        ]));
        // To be read, and to be selected by hand where a terminal takes no copies: it is never cut.
        let text = words::wrap(&way.text, columns.saturating_sub(4), 4).into_iter();
        lines.extend(text.map(|text| scene.line(format!("    {text}"), Role::Text)));
        if let Some(remark) = &way.remark {
            let remark = words::wrap(remark, columns.saturating_sub(6), 2).into_iter();
            lines.extend(remark.map(|text| scene.line(format!("    {text}"), Role::Warn)));
        }
    }
    lines
}
