//! The one table of keys: their actions, and their words in the footer and the help.

use serde::{Deserialize, Serialize};

use super::screen::View;

/// A key in the core, independent of the terminal library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// A character, in its case.
    Char(char),
    /// A character with control.
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
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Any other key: bound to no action, and still a sign of an operator at the keyboard.
    Other,
}

impl Key {
    /// Returns the label on the key cap.
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

/// The action of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Action {
    /// One step forward.
    Step,
    /// Roll back.
    Rollback,
    /// Set the canary's share of traffic.
    Weight,
    /// Start a release.
    Start,
    /// Finish the release.
    Finish,
    /// Switch automatic promotion on or off.
    AutoPromotion,
    /// Open the marked release.
    Open,
    /// Go back.
    Back,
    /// Mark the line above.
    Up,
    /// Mark the line below.
    Down,
    /// Mark the first line.
    First,
    /// Mark the last line.
    Last,
    /// Move the mark one page up.
    PageUp,
    /// Move the mark one page down.
    PageDown,
    /// Open a view of the release.
    #[strum(disabled)]
    View(View),
    /// Show a task definition as raw JSON.
    Raw,
    /// Copy an exec command, or a link to AWS's console.
    CopyMenu,
    /// Go to a service, a view or an action by a few letters of its name.
    Palette,
    /// Search.
    Find,
    /// Go to the next line that matches the search.
    FindNext,
    /// Go to the previous line that matches the search.
    FindPrevious,
    /// Change the sort order of the lines.
    Sort,
    /// Reverse the sort order.
    Reverse,
    /// Show the log of the marked task.
    LogOfTask,
    /// Show the next kind of events, or all kinds.
    Kinds,
    /// Show the logs of stable, of the canary, or both side by side.
    Sides,
    /// Follow the newest line, or stop following.
    Follow,
    /// Pause the reading of logs, or resume.
    Hold,
    /// Go to the first line that reports an error.
    FirstError,
    /// Show or hide the values of the environment.
    Reveal,
    /// Show or fold the lines that are the same on both sides.
    Unfold,
    /// Pick the marked deployment as the start of the next diff.
    Pick,
    /// Ask to roll back to the revision of the marked deployment. The question comes whatever the settings: no single
    /// key starts this rollback.
    RollbackTo,
    /// Show the next latency percentile.
    Percentile,
    /// Show the next panel of a small screen.
    Panel,
    /// Show the verdict with all of its reasons, where there is no room for them otherwise.
    Verdict,
    /// Show one plot over the whole screen, or all panels again.
    Zoom,
    /// Show a longer time range in plots.
    Longer,
    /// Show a shorter time range in plots.
    Shorter,
    /// Read everything from AWS again.
    Refresh,
    /// Copy the marked line, or the release's facts.
    Copy,
    /// Show the keys.
    Help,
    /// Suspend the console to the shell.
    Suspend,
    /// Give up a rollback that did not happen.
    Waive,
    /// Quit.
    Quit,
}

impl Action {
    /// Returns true if the action may lead to a write.
    pub fn acts(self) -> bool {
        matches!(self, Self::Step | Self::Rollback | Self::Weight | Self::Start | Self::Finish | Self::AutoPromotion)
    }
}

/// The screens on which a key has a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// On every screen.
    Anywhere,
    /// On the fleet.
    Fleet,
    /// On a release.
    Release,
    /// In a view of a release.
    In(View),
}

impl Scope {
    /// Returns true if a key of this scope has a meaning at `place`.
    pub fn reaches(self, place: Self) -> bool {
        self == Self::Anywhere || self == place
    }
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The keys; the footer shows the first one.
    pub keys: &'static [Key],
    /// The action of the keys.
    pub action: Action,
    /// The scope of the keys.
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
    on(Scope::Release, &[Char('v')], Action::Verdict, "why", "The verdict with all of its reasons and numbers."),
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

/// Returns the action of a key at a place.
pub fn action(key: Key, place: Scope) -> Option<Action> {
    BINDINGS
        .iter()
        .find(|binding| binding.scope.reaches(place) && binding.keys.contains(&key))
        .map(|binding| binding.action)
}

/// Returns true if a key may lead to a write on any screen.
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
