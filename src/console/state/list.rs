//! A list on a screen: which line is marked, what is searched for, in which order the lines are.

use tui_input::Input;

/// Lines that a page key moves by: somewhat fewer than the smallest screen shows, so that one stays in sight.
pub(crate) const PAGE: usize = 10;

/// A line of a list.
pub trait Listed {
    /// By which it is known again when the list is read anew.
    fn id(&self) -> &str;
    /// What is searched: all that the line says.
    fn text(&self) -> String;
}

/// A list's own state.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// The marked line; `None`, or one that is gone: the first.
    pub marked: Option<String>,
    /// What is searched for.
    pub find: Find,
    /// Which of the orders that the list knows.
    pub order: usize,
    /// Whether it is turned round.
    pub reversed: bool,
}

/// A text that lines must contain.
#[derive(Debug, Clone, Default)]
pub struct Find {
    /// The text; nothing is searched for while it is empty.
    pub text: Input,
    /// Whether it is being typed.
    pub typing: bool,
    /// Whether only the lines that contain it are shown; else all are, and `n` goes from one such to the next.
    pub only: bool,
}

impl Find {
    /// Whether something is searched for.
    pub fn active(&self) -> bool {
        !self.text.value().is_empty()
    }

    /// Whether a line has it, whatever the case. Every line has nothing.
    pub fn matches(&self, line: &str) -> bool {
        line.to_lowercase().contains(&self.text.value().to_lowercase())
    }

    /// Searches for nothing.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl List {
    /// The lines that are shown: all, or those that have what is searched for.
    pub fn shown<T: Listed>(&self, mut lines: Vec<T>) -> Vec<T> {
        if self.find.only && self.find.active() {
            lines.retain(|line| self.find.matches(&line.text()));
        }
        lines
    }

    /// The chosen one of the orders, in words.
    pub fn order_name(&self, orders: &[&str]) -> String {
        let order = orders.get(self.order).copied().unwrap_or_default();
        let reversed = if self.reversed { ", turned" } else { "" };
        format!("{order}{reversed}")
    }

    /// The place of the marked line among those that are shown.
    pub fn at<T: Listed>(&self, lines: &[T]) -> usize {
        lines.iter().position(|line| Some(line.id()) == self.marked.as_deref()).unwrap_or(0)
    }
}
