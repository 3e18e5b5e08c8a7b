//! What is on the screen, and what the operator is doing there.

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

/// A line that tells the operator something, until the next key.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// When it came up.
    pub at: Timestamp,
    /// What it says.
    pub text: String,
    /// Whether something is wrong.
    pub wrong: bool,
}

/// The smallest screen that is laid out; below it only `R` and `q` are offered.
pub const SMALLEST: (u16, u16) = (80, 24);

/// The screen's state.
#[derive(Debug, Clone)]
pub struct ScreenState {
    /// The screen that is shown.
    pub current: Screen,
    /// The screens that `esc` leads back to, the last one first. No screen is in it twice.
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
    /// Whether the last key was to leave, and was answered with a warning.
    pub leaving: bool,
    /// When the last key was pressed.
    pub last_key: Option<Timestamp>,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Whether the terminal has the focus.
    pub focused: bool,
}

impl ScreenState {
    /// The fleet, on a terminal of that size.
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
            size,
            focused: true,
        }
    }

    /// The list of a view.
    pub fn list(&self, view: View) -> &List {
        static NEW: LazyLock<List> = LazyLock::new(List::default);
        self.lists.get(&view).unwrap_or(&NEW)
    }

    /// The release that a key would act on: the open one, else the marked one.
    pub fn focus<'a>(&self, observed: &'a Observed) -> Option<&'a Release> {
        match &self.current {
            Screen::Release(name) | Screen::View(_, name) => observed.release(name),
            Screen::Fleet => self.fleet.marked(&observed.releases),
        }
    }

    /// The search of the present screen; a release's own has no list.
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

    /// Whether letters go into a search.
    pub fn typing(&self) -> bool {
        self.find().is_some_and(|find| find.typing)
    }

    /// Where keys are pressed.
    pub fn scope(&self) -> Scope {
        match self.current {
            Screen::Fleet => Scope::Fleet,
            Screen::Release(_) => Scope::Release,
            Screen::View(view, _) => Scope::In(view),
        }
    }

    /// Whether the screen is about one release: then what a key acts on cannot be mistaken for another.
    pub fn shows_one(&self) -> bool {
        self.current != Screen::Fleet
    }

    /// Where a key is pressed. A screen too small for its layout shows nothing but one release's rollback.
    pub(crate) fn key_surface(&self) -> Surface {
        if self.shows_one() || self.too_small() { Surface::ReleaseKey } else { Surface::FleetKey }
    }

    /// Whether `c` copies the commands of a pending rollback here: in a view it copies the marked line.
    pub fn offers_commands(&self) -> bool {
        self.too_small() || !matches!(self.current, Screen::View(..))
    }

    /// Whether the screen is too small to be laid out.
    pub fn too_small(&self) -> bool {
        self.size.0 < SMALLEST.0 || self.size.1 < SMALLEST.1
    }
}
