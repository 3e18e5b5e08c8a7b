//! The palette (`:`): any service, view or act, by a few letters of its name.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use strum::IntoEnumIterator;
use tui_input::Input;

use crate::console::keymap::{Action, BINDINGS};
use crate::console::screen::View;
use crate::console::state::observed::Observed;

/// The typed letters and the marked line.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    /// The letters typed so far.
    pub typed: Input,
    /// Index of the marked line among [`lines`](Palette::lines).
    pub selected: usize,
}

/// The destination of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The release with this name.
    Release(String),
    /// A view of the release with this name.
    View(View, String),
    /// The action of a key.
    Action(Action),
}

/// A line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, matched and shown.
    pub name: String,
    /// A short description.
    pub what: String,
    /// The destination.
    pub to: Destination,
}

/// Bonus in the score of a service's name, over longer names that match as well.
const SERVICE: u32 = 24;

impl Palette {
    /// The lines that match the letters, best first; all lines before anything is typed.
    pub fn lines(&self, observed: &Observed, focus: Option<&str>) -> Vec<Entry> {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(self.typed.value(), CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let scored = entries(observed, focus).into_iter().filter_map(|entry| {
            let score = pattern.score(Utf32Str::new(&entry.name, &mut buffer), &mut matcher)?;
            // The letters mostly mean a service.
            let score = score + if matches!(entry.to, Destination::Release(_)) { SERVICE } else { 0 };
            Some((score, entry))
        });
        let mut scored: Vec<_> = scored.collect();
        // Of equal scores the shorter name comes first; the sort is stable.
        scored.sort_by_key(|(score, entry)| (std::cmp::Reverse(*score), entry.name.len()));
        if self.typed.value().trim().is_empty() {
            scored.sort_by_key(|(_, entry)| matches!(entry.to, Destination::Release(_)));
        }
        scored.into_iter().map(|(_, entry)| entry).collect()
    }
}

/// All lines: the views and acts of the focused release, then every release, then the views of each.
fn entries(observed: &Observed, focus: Option<&str>) -> Vec<Entry> {
    let word = |action: Action| {
        let binding = BINDINGS.iter().find(|binding| binding.action == action);
        binding.map(|binding| (binding.word, binding.help)).unwrap_or_default()
    };
    let mut entries = Vec::new();
    if let Some(focus) = focus {
        for view in View::iter() {
            let to = Destination::View(view, focus.to_owned());
            entries.push(Entry { name: view.to_string(), what: format!("of {focus}"), to });
        }
        for action in Action::iter().filter(|action| action.acts()) {
            let (word, help) = word(action);
            entries.push(Entry { name: word.to_owned(), what: help.to_owned(), to: Destination::Action(action) });
        }
    }
    for action in [Action::Raw, Action::CopyMenu, Action::Refresh, Action::Help, Action::Quit] {
        let (word, help) = word(action);
        entries.push(Entry { name: word.to_owned(), what: help.to_owned(), to: Destination::Action(action) });
    }
    for release in &observed.releases {
        let what = format!("{} release, {}", release.method, release.phase);
        entries.push(Entry { name: release.name.clone(), what, to: Destination::Release(release.name.clone()) });
    }
    for release in &observed.releases {
        for view in View::iter() {
            let to = Destination::View(view, release.name.clone());
            entries.push(Entry { name: format!("{} {view}", release.name), what: String::new(), to });
        }
    }
    entries
}
