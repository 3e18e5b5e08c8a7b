//! `:`: any service, view or act, by a few letters of its name.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use strum::IntoEnumIterator;
use tui_input::Input;

use crate::console::keymap::{Action, BINDINGS};
use crate::console::screen::View;
use crate::console::state::observed::Observed;

/// What is typed, and which of the lines is marked.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    /// A few letters.
    pub typed: Input,
    /// Which of [`lines`](Palette::lines) is marked.
    pub selected: usize,
}

/// Where a line leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The release of that name.
    Release(String),
    /// A view of the release of that name.
    View(View, String),
    /// What a key does.
    Action(Action),
}

/// A line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is matched and shown.
    pub name: String,
    /// What it is, in a few words.
    pub what: String,
    /// Where it leads.
    pub to: Destination,
}

/// What a service's name is worth beside a longer one that its letters fit as well.
const SERVICE: u32 = 24;

impl Palette {
    /// The lines that the letters fit, the best first; all of them before anything is typed.
    pub fn lines(&self, observed: &Observed, focus: Option<&str>) -> Vec<Entry> {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(self.typed.value(), CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let scored = entries(observed, focus).into_iter().filter_map(|entry| {
            let score = pattern.score(Utf32Str::new(&entry.name, &mut buffer), &mut matcher)?;
            // A service's own name is what is mostly meant.
            let score = score + if matches!(entry.to, Destination::Release(_)) { SERVICE } else { 0 };
            Some((score, entry))
        });
        let mut scored: Vec<_> = scored.collect();
        // Of equals the shorter name is meant; what was before stays before.
        scored.sort_by_key(|(score, entry)| (std::cmp::Reverse(*score), entry.name.len()));
        if self.typed.value().trim().is_empty() {
            scored.sort_by_key(|(_, entry)| matches!(entry.to, Destination::Release(_)));
        }
        scored.into_iter().map(|(_, entry)| entry).collect()
    }
}

/// What there is: the views and acts of what is open or marked, then every release, then the views of each.
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
