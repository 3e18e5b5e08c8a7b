//! A list on a screen: the marked line, the search, the sort order.

use tui_input::Input;

/// Lines that a page key moves by: fewer than the smallest screen shows, so that one line stays visible.
pub(crate) const PAGE: usize = 10;

/// A line of a list.
pub trait Listed {
    /// The key that identifies the line after the list is read again.
    fn id(&self) -> &str;
    /// The text that a search looks at: all the text of the line.
    fn text(&self) -> String;
}

/// The state of a list.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// The id of the marked line. For `None`, or an id that is gone, the first line is marked.
    pub marked: Option<String>,
    /// The search.
    pub find: Find,
    /// Index of the sort order among those of the list.
    pub order: usize,
    /// True if the sort order is reversed.
    pub reversed: bool,
}

/// A search for a text in lines.
#[derive(Debug, Clone, Default)]
pub struct Find {
    /// The text; while it is empty there is no search.
    pub text: Input,
    /// True while the text is being typed.
    pub typing: bool,
    /// True if only the matching lines are shown; otherwise all lines are, and `n` moves to the next match.
    pub only: bool,
}

impl Find {
    /// Returns true if there is a text to search for.
    pub fn active(&self) -> bool {
        !self.text.value().is_empty()
    }

    /// Returns true if a line contains the text, ignoring case. An empty text matches every line.
    pub fn matches(&self, line: &str) -> bool {
        line.to_lowercase().contains(&self.text.value().to_lowercase())
    }

    /// Ends the search.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl List {
    /// Returns the lines to show: all, or only the matching ones.
    pub fn shown<T: Listed>(&self, mut lines: Vec<T>) -> Vec<T> {
        if self.find.only && self.find.active() {
            lines.retain(|line| self.find.matches(&line.text()));
        }
        lines
    }

    /// The name of the sort order.
    pub fn order_name(&self, orders: &[&str]) -> String {
        let order = orders.get(self.order).copied().unwrap_or_default();
        let reversed = if self.reversed { ", turned" } else { "" };
        format!("{order}{reversed}")
    }

    /// The index of the marked line among the lines shown.
    pub fn at<T: Listed>(&self, lines: &[T]) -> usize {
        lines.iter().position(|line| Some(line.id()) == self.marked.as_deref()).unwrap_or(0)
    }
}
