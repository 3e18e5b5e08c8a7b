//! The one table of keys: what they do, and the words for it in the footer and the help.

use serde::{Deserialize, Serialize};

use super::screen::View;

/// A key as the core knows it, whatever terminal library reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Switch automatic promotion on or off.
    AutoPromotion,
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
    /// The page above.
    PageUp,
    /// The page below.
    PageDown,
    /// Open a view of the release.
    #[strum(disabled)]
    View(View),
    /// A task definition as raw JSON.
    Raw,
    /// Copy an exec command, or a link to AWS's console.
    CopyMenu,
    /// Any service, view or act, by a few letters of its name.
    Palette,
    /// Search.
    Find,
    /// The next line that has what is searched for.
    FindNext,
    /// The one before.
    FindPrevious,
    /// Another order of the lines.
    Sort,
    /// The order turned round.
    Reverse,
    /// The log of the marked task.
    LogOfTask,
    /// What is marked or picked, and what else: which kinds of events.
    Kinds,
    /// Which sides' logs.
    Sides,
    /// Follow the newest line, or not.
    Follow,
    /// Ask for nothing more, or go on.
    Hold,
    /// The first line that tells of an error.
    FirstError,
    /// Values of the environment, shown or hidden.
    Reveal,
    /// What is the same on both sides, shown or folded.
    Unfold,
    /// The marked deployment is what the next diff begins from.
    Pick,
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
    /// Ask everything again.
    Refresh,
    /// Copy what is marked, or the release's facts.
    Copy,
    /// The keys.
    Help,
    /// Stop, for the shell.
    Suspend,
    /// Give up a rollback that did not happen.
    Waive,
    /// Leave.
    Quit,
}

impl Action {
    /// Whether it may lead to a write.
    pub fn acts(self) -> bool {
        matches!(self, Self::Step | Self::Rollback | Self::Weight | Self::Start | Self::Finish | Self::AutoPromotion)
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
    /// In a view of it.
    In(View),
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

use Key::{Char, Ctrl, Down, End, Enter, Esc, Home, Left, PageDown, PageUp, Right, Tab, Up};

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
        "Next step of the ladder, or continue a pause; asks first.",
    ),
    on(Scope::Anywhere, &[Char('W')], Action::Weight, "weight", "Set the canary's share of traffic."),
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
        "Make the canary stable; restore what the release changed.",
    ),
    on(
        Scope::Anywhere,
        &[Char('H')],
        Action::AutoPromotion,
        "auto",
        "Automatic promotion on or off: steps by itself on PASS.",
    ),
    on(Scope::Fleet, &[Enter, Right], Action::Open, "open", "Open the release."),
    on(Scope::Anywhere, &[Char('t')], Action::View(View::Tasks), "tasks", "Tasks by revision, and why some stopped."),
    on(Scope::Anywhere, &[Char('l')], Action::View(View::Logs), "logs", "Container logs, canary against stable."),
    on(Scope::Anywhere, &[Char('e')], Action::View(View::Events), "events", "Events from every source, newest first."),
    on(Scope::Anywhere, &[Char('d')], Action::View(View::Diff), "diff", "Changes between two revisions."),
    on(
        Scope::Anywhere,
        &[Char('g')],
        Action::View(View::Targets),
        "targets",
        "Targets of its target groups, and their health.",
    ),
    on(Scope::Anywhere, &[Char('a')], Action::View(View::Alarms), "alarms", "The alarms in scope."),
    on(Scope::Anywhere, &[Char('h')], Action::View(View::History), "history", "Deployments, newest first."),
    on(Scope::Anywhere, &[Char('x')], Action::CopyMenu, "shell", "Copy an exec command or an AWS console link."),
    on(Scope::Anywhere, &[Char(':')], Action::Palette, "go to", "Go to a service, a view or an action by name."),
    on(Scope::Anywhere, &[Char('/')], Action::Find, "find", "Filter; n finds the next match."),
    on(Scope::Anywhere, &[Char('n')], Action::FindNext, "next", "Next match."),
    on(Scope::Anywhere, &[Char('N')], Action::FindPrevious, "prev", "Previous match."),
    on(Scope::Anywhere, &[Char('s')], Action::Sort, "sort", "Change the sort column."),
    on(Scope::Anywhere, &[Char('o')], Action::Reverse, "reverse", "Reverse the sort order."),
    on(Scope::Anywhere, &[Up, Char('k')], Action::Up, "up", "Move up."),
    on(Scope::Anywhere, &[Down, Char('j')], Action::Down, "down", "Move down."),
    on(Scope::Anywhere, &[Home], Action::First, "first", "Go to the first line."),
    on(Scope::Anywhere, &[End, Char('G')], Action::Last, "last", "Go to the last line."),
    on(Scope::Anywhere, &[PageUp, Ctrl('u')], Action::PageUp, "page up", "Page up."),
    on(Scope::Anywhere, &[PageDown, Ctrl('d')], Action::PageDown, "page down", "Page down."),
    on(Scope::In(View::Tasks), &[Enter], Action::LogOfTask, "its log", "In the tasks: the log of the marked one."),
    on(Scope::In(View::Events), &[Tab], Action::Kinds, "kinds", "In the events: show the next kind, or all."),
    on(Scope::In(View::Logs), &[Tab], Action::Sides, "sides", "In the logs: stable, canary, both side by side."),
    on(Scope::In(View::Logs), &[Char('f')], Action::Follow, "follow", "In the logs: follow the newest line."),
    on(Scope::In(View::Logs), &[Char(' ')], Action::Hold, "hold", "In the logs: pause reading, or resume."),
    on(
        Scope::In(View::Logs),
        &[Char('!')],
        Action::FirstError,
        "1st error",
        "In the logs: go to the first error in memory.",
    ),
    on(Scope::In(View::Diff), &[Char('v')], Action::Reveal, "values", "In the diff: show values of the environment."),
    on(Scope::In(View::Diff), &[Char('u')], Action::Unfold, "unfold", "In the diff: show unchanged lines too."),
    on(
        Scope::In(View::History),
        &[Char(' ')],
        Action::Pick,
        "pick",
        "In the history: the next d compares with this one.",
    ),
    on(
        Scope::In(View::History),
        &[Enter],
        Action::RollbackTo,
        "back to it",
        "In the history: ask to roll back to the marked revision.",
    ),
    on(Scope::Release, &[Char('p')], Action::Percentile, "pct", "Next latency percentile."),
    on(Scope::Release, &[Char('z')], Action::Zoom, "zoom", "One plot over the whole screen; tab shows the next."),
    on(Scope::Release, &[Char('-')], Action::Longer, "longer", "Show a longer time range."),
    on(Scope::Release, &[Char('+'), Char('=')], Action::Shorter, "shorter", "Show a shorter time range."),
    on(Scope::Release, &[Tab], Action::Panel, "panel", "Show the next panel where they do not all fit."),
    on(Scope::Anywhere, &[Char('r'), Ctrl('r')], Action::Refresh, "refresh", "Read everything from AWS again."),
    on(Scope::Anywhere, &[Char('y')], Action::Raw, "json", "The task definition as raw JSON, values hidden."),
    on(Scope::Anywhere, &[Char('c')], Action::Copy, "copy", "Copy the marked line, or the release's facts."),
    on(Scope::Anywhere, &[Char('w')], Action::Waive, "waive", "Give up a rollback that did not happen."),
    on(Scope::Anywhere, &[Esc, Left], Action::Back, "back", "Back; close what is open."),
    on(Scope::Anywhere, &[Char('?')], Action::Help, "help", "This list."),
    on(Scope::Anywhere, &[Ctrl('z')], Action::Suspend, "suspend", "Suspend to the shell; fg resumes."),
    on(
        Scope::Anywhere,
        &[Char('q'), Ctrl('c')],
        Action::Quit,
        "quit",
        "Quit. What is in flight at AWS continues there.",
    ),
];

/// The actions that move the mark: their keys share a line of the help.
pub const MARKS: [Action; 6] =
    [Action::Up, Action::Down, Action::First, Action::Last, Action::PageUp, Action::PageDown];

/// What a key does at a place.
pub fn action(key: Key, place: Scope) -> Option<Action> {
    BINDINGS
        .iter()
        .find(|binding| binding.scope.reaches(place) && binding.keys.contains(&key))
        .map(|binding| binding.action)
}

/// Whether a key may lead to a write, anywhere.
pub(crate) fn acts(key: Key) -> bool {
    BINDINGS.iter().any(|binding| binding.action.acts() && binding.keys.contains(&key))
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
        let views = View::iter().map(Action::View);
        assert!(Action::iter().chain(views).all(|action| BINDINGS.iter().any(|binding| binding.action == action)));
    }
}
