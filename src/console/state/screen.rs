//! The screen, and the operator's activity on it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;

use super::list::{Find, List};
use super::observed::Observed;
use crate::console::dialogs::Dialog;
use crate::console::keymap::Scope;
use crate::console::screen::{Screen, View};
use crate::console::screens::diff::state::Diff;
use crate::console::screens::events::state::Events;
use crate::console::screens::fleet::state::Fleet;
use crate::console::screens::history::state::History;
use crate::console::screens::logs::state::Logs;
use crate::console::screens::release::state::ReleaseScreen;
use crate::domain::confirm::Surface;
use crate::domain::release::Release;

/// A message to the operator, shown until the next key.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Time at which the notice appeared.
    pub at: Timestamp,
    /// The text of the notice.
    pub text: String,
    /// True if something is wrong.
    pub wrong: bool,
}

/// The smallest screen that is laid out; below it only `R` and `q` are offered.
pub const SMALLEST: (u16, u16) = (60, 15);

/// The screen's state.
#[derive(Debug, Clone)]
pub struct ScreenState {
    /// The screen that is shown.
    pub current: Screen,
    /// The screens that `esc` leads back to, oldest first. No screen appears twice.
    pub trail: Vec<Screen>,
    /// The lists of the views.
    pub lists: BTreeMap<View, List>,
    /// The fleet's own state.
    pub fleet: Fleet,
    /// A release's own state.
    pub release: ReleaseScreen,
    /// The log's own state.
    pub logs: Logs,
    /// The diff's own state.
    pub diff: Diff,
    /// The events' own state.
    pub events: Events,
    /// The history's own state.
    pub history: History,
    /// The dialog on top.
    pub dialog: Option<Dialog>,
    /// The message at the bottom.
    pub notice: Option<Notice>,
    /// True if the last key was quit and was answered with a warning.
    pub leaving: bool,
    /// Time of the last key.
    pub last_key: Option<Timestamp>,
    /// The release of the last step key that was ignored because it came too soon after a step, and the key's time.
    pub ignored_step: Option<(String, Timestamp)>,
    /// Columns and rows.
    pub size: (u16, u16),
    /// True if the terminal has the focus.
    pub focused: bool,
}

impl ScreenState {
    /// Makes the fleet screen for a terminal of this size.
    pub fn new(size: (u16, u16)) -> Self {
        Self {
            current: Screen::Fleet,
            trail: Vec::new(),
            lists: BTreeMap::new(),
            fleet: Fleet::default(),
            release: ReleaseScreen::default(),
            logs: Logs::default(),
            diff: Diff::default(),
            events: Events::default(),
            history: History::default(),
            dialog: None,
            notice: None,
            leaving: false,
            last_key: None,
            ignored_step: None,
            size,
            focused: true,
        }
    }

    /// Returns the list of a view.
    pub fn list(&self, view: View) -> &List {
        static NEW: LazyLock<List> = LazyLock::new(List::default);
        self.lists.get(&view).unwrap_or(&NEW)
    }

    /// Returns the release that a key would act on: the open one, else the marked one.
    pub fn focus<'a>(&self, observed: &'a Observed) -> Option<&'a Release> {
        match &self.current {
            Screen::Release(name) | Screen::View(_, name) => observed.release(name),
            Screen::Fleet => self.fleet.marked(&observed.releases),
        }
    }

    /// Returns the search of the present screen; a release's own screen has none.
    pub fn find(&self) -> Option<&Find> {
        match &self.current {
            Screen::Fleet => Some(&self.fleet.find),
            Screen::View(view, _) => Some(&self.list(*view).find),
            Screen::Release(_) => None,
        }
    }

    pub(crate) fn find_mut(&mut self) -> Option<&mut Find> {
        match &self.current {
            Screen::Fleet => Some(&mut self.fleet.find),
            Screen::View(view, _) => Some(&mut self.lists.entry(*view).or_default().find),
            Screen::Release(_) => None,
        }
    }

    /// Returns true if letters go into a search.
    pub fn typing(&self) -> bool {
        self.find().is_some_and(|find| find.typing)
    }

    /// Returns the scope of keys on the present screen.
    pub fn scope(&self) -> Scope {
        match self.current {
            Screen::Fleet => Scope::Fleet,
            Screen::Release(_) => Scope::Release,
            Screen::View(view, _) => Scope::In(view),
        }
    }

    /// Returns true if the screen shows one release: a key cannot act on another one by mistake.
    pub fn shows_one(&self) -> bool {
        self.current != Screen::Fleet
    }

    /// Returns the surface on which a key is pressed. A screen too small for its layout shows only one release's
    /// rollback.
    pub(crate) fn key_surface(&self) -> Surface {
        if self.shows_one() || self.too_small() { Surface::ReleaseKey } else { Surface::FleetKey }
    }

    /// Returns true if `c` copies the commands of a pending rollback. In a view, `c` copies the marked line.
    pub fn offers_commands(&self) -> bool {
        self.too_small() || !matches!(self.current, Screen::View(..))
    }

    /// Returns true if the screen is too small for its layout.
    pub fn too_small(&self) -> bool {
        self.size.0 < SMALLEST.0 || self.size.1 < SMALLEST.1
    }
}
