//! What leads out of the console: a command for the operator's own shell, pages of AWS's console.

use super::model::Model;

/// The question what to copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// The ways out, the most likely first.
    pub ways: Vec<Way>,
    /// Which is marked.
    pub selected: usize,
}

/// One way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What it leads to, in words.
    pub title: String,
    /// What is copied: a shell command, or an address.
    pub text: String,
    /// What stands against it, as far as is known.
    pub remark: Option<String>,
}

impl Outside {
    /// The ways out of what is marked on the present screen.
    pub fn of(_: &Model) -> Self {
        Self::default()
    }
}
