//! The one table of keys: what they do, and the words for it in the footer and the help.

/// A key as the core knows it, whatever terminal library reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character, in its case.
    Char(char),
    /// With control.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Any other: bound to nothing, and still somebody at the keyboard.
    Other,
}

impl Key {
    /// As it is written on a key cap.
    pub fn label(self) -> String {
        match self {
            Self::Char(' ') => "space".to_owned(),
            Self::Char(c) => c.to_string(),
            Self::Ctrl(c) => format!("ctrl-{c}"),
            Self::Enter => "enter".to_owned(),
            Self::Esc => "esc".to_owned(),
            Self::Tab => "tab".to_owned(),
            Self::Backspace => "backspace".to_owned(),
            Self::Delete => "delete".to_owned(),
            Self::Up => "↑".to_owned(),
            Self::Down => "↓".to_owned(),
            Self::Left => "←".to_owned(),
            Self::Right => "→".to_owned(),
            Self::Home => "home".to_owned(),
            Self::End => "end".to_owned(),
            Self::PageUp => "pgup".to_owned(),
            Self::PageDown => "pgdn".to_owned(),
            Self::Other => "that key".to_owned(),
        }
    }
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Action {
    /// One step forward.
    Step,
    /// Roll back.
    Rollback,
    /// Any weight.
    Weight,
    /// Start a release.
    Start,
    /// Finish it.
    Finish,
    /// Switch automatic stepping on or off.
    Automatic,
    /// Open what is marked.
    Open,
    /// Back.
    Back,
    /// Mark the one above.
    Up,
    /// Mark the one below.
    Down,
    /// Mark the first.
    First,
    /// Mark the last.
    Last,
    /// The deployments of a release.
    History,
    /// Ask to roll back to the revision of the marked deployment. It asks whatever the settings: no single key gets there.
    RollbackTo,
    /// The next latency percentile.
    Percentile,
    /// The next panel of a small screen.
    Panel,
    /// One plot over the whole screen, or all panels again.
    Zoom,
    /// Plots reach farther back.
    Longer,
    /// Plots reach less far back.
    Shorter,
    /// Filter the fleet.
    Filter,
    /// Ask everything again.
    Refresh,
    /// Copy the release's facts.
    Copy,
    /// The keys.
    Help,
    /// Stop, for the shell.
    Suspend,
    /// Leave.
    Quit,
}

impl Action {
    /// Whether it may lead to a write.
    pub fn acts(self) -> bool {
        matches!(self, Self::Step | Self::Rollback | Self::Weight | Self::Start | Self::Finish | Self::Automatic)
    }
}

/// Where a key means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// On every screen.
    Anywhere,
    /// On the fleet.
    Fleet,
    /// On a release.
    Release,
    /// On its history.
    History,
}

impl Scope {
    /// Whether a key of this scope means something there.
    pub fn reaches(self, place: Self) -> bool {
        self == Self::Anywhere || self == place
    }
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The keys, the one that is shown first.
    pub keys: &'static [Key],
    /// What they do.
    pub action: Action,
    /// Where.
    pub scope: Scope,
    /// A word for the footer.
    pub word: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
}

use Key::{Char, Ctrl, Down, End, Enter, Esc, Home, Left, Right, Tab, Up};

const fn on(scope: Scope, keys: &'static [Key], action: Action, word: &'static str, help: &'static str) -> Binding {
    Binding { keys, action, scope, word, help }
}

/// Every key. Lower case looks, upper case acts.
pub const BINDINGS: &[Binding] = &[
    on(
        Scope::Anywhere,
        &[Char('R')],
        Action::Rollback,
        "roll back",
        "Roll back: at once on an open release in flight, else asks.",
    ),
    on(
        Scope::Anywhere,
        &[Char('P')],
        Action::Step,
        "step",
        "One step up the ladder, or answer the pauses: asks first.",
    ),
    on(Scope::Anywhere, &[Char('W')], Action::Weight, "weight", "Give the canary any share, up or down."),
    on(
        Scope::Anywhere,
        &[Char('S')],
        Action::Start,
        "start",
        "Start a release: choose among the family's active revisions.",
    ),
    on(
        Scope::Anywhere,
        &[Char('F')],
        Action::Finish,
        "finish",
        "Make the canary stable; put back what a release changed.",
    ),
    on(
        Scope::Anywhere,
        &[Char('H')],
        Action::Automatic,
        "auto",
        "Automatic stepping on or off: it goes on by itself on PASS.",
    ),
    on(Scope::Fleet, &[Enter, Right, Char('l')], Action::Open, "open", "Open the release."),
    on(Scope::Fleet, &[Char('/')], Action::Filter, "filter", "Show only the services whose line contains a text."),
    on(Scope::Anywhere, &[Up, Char('k')], Action::Up, "up", "Mark the one above."),
    on(Scope::Anywhere, &[Down, Char('j')], Action::Down, "down", "Mark the one below."),
    on(Scope::Anywhere, &[Home, Char('g')], Action::First, "first", "Mark the first."),
    on(Scope::Anywhere, &[End, Char('G')], Action::Last, "last", "Mark the last."),
    on(Scope::Anywhere, &[Char('h')], Action::History, "history", "The deployments of a release, newest first."),
    on(
        Scope::History,
        &[Enter],
        Action::RollbackTo,
        "back to it",
        "In the history: ask to roll back to the marked revision.",
    ),
    on(Scope::Release, &[Char('p')], Action::Percentile, "pct", "Draw the next latency percentile."),
    on(Scope::Release, &[Char('z')], Action::Zoom, "zoom", "One plot over the whole screen; tab shows the next."),
    on(Scope::Release, &[Char('-')], Action::Longer, "longer", "The plots reach farther back."),
    on(Scope::Release, &[Char('+'), Char('=')], Action::Shorter, "shorter", "The plots reach less far back."),
    on(Scope::Release, &[Tab], Action::Panel, "panel", "Show the next panel where they do not all fit."),
    on(Scope::Anywhere, &[Char('r'), Ctrl('r')], Action::Refresh, "refresh", "Ask AWS for everything again."),
    on(Scope::Release, &[Char('y')], Action::Copy, "copy", "Copy the release's facts, for a ticket."),
    on(Scope::Anywhere, &[Esc, Left], Action::Back, "back", "Back to where you came from; close what is open."),
    on(Scope::Anywhere, &[Char('?')], Action::Help, "help", "This list."),
    on(
        Scope::Anywhere,
        &[Ctrl('z')],
        Action::Suspend,
        "suspend",
        "Stop, and leave the terminal to the shell; fg brings it back.",
    ),
    on(
        Scope::Anywhere,
        &[Char('q'), Ctrl('c')],
        Action::Quit,
        "quit",
        "Leave. What is in flight at AWS goes on there.",
    ),
];

/// What a key does at a place.
pub fn action(key: Key, place: Scope) -> Option<Action> {
    BINDINGS
        .iter()
        .find(|binding| binding.scope.reaches(place) && binding.keys.contains(&key))
        .map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn a_key_means_one_thing_at_a_time() {
        for (index, binding) in BINDINGS.iter().enumerate() {
            for other in BINDINGS.iter().skip(index + 1) {
                let meet =
                    binding.scope == other.scope || binding.scope == Scope::Anywhere || other.scope == Scope::Anywhere;
                assert!(!meet || binding.keys.iter().all(|key| !other.keys.contains(key)), "{binding:?} {other:?}");
            }
        }
    }

    #[test]
    fn lower_case_never_acts_and_every_action_has_a_key() {
        for binding in BINDINGS.iter().filter(|binding| binding.action.acts()) {
            assert!(binding.keys.iter().all(|key| matches!(key, Char(c) if c.is_ascii_uppercase())));
        }
        assert!(Action::iter().all(|action| BINDINGS.iter().any(|binding| binding.action == action)));
    }
}
