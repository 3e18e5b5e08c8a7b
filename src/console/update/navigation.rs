//! From screen to screen and from line to line.

use tui_input::InputRequest;

use crate::console::keymap::{Action, Key};
use crate::console::screen::Screen;
use crate::console::screen::View;
use crate::console::screens;
use crate::console::screens::diff::state::Diff;
use crate::console::screens::logs::state::Logs;
use crate::console::state::list::{Find, PAGE};
use crate::console::state::{Fleet, FleetOrder, Model, Panel, searched};
use crate::console::text_field::{next, type_into};

impl Model {
    /// Shows a screen; `esc` leads back. One that was left open below is gone back to instead: a screen is on the
    /// trail once, so `esc` ends at the fleet after a few.
    pub(crate) fn open(&mut self, screen: Screen) {
        if screen == self.screen {
            return;
        }
        let left = std::mem::replace(&mut self.screen, screen);
        self.leave(&left);
        self.trail.retain(|had| *had != self.screen && *had != left);
        match self.screen {
            // From the fleet there is nowhere to go back to.
            Screen::Fleet => self.trail.clear(),
            _ => self.trail.push(left),
        }
        self.enter();
    }

    /// One back.
    pub(crate) fn back(&mut self) {
        let before = self.trail.pop().unwrap_or(Screen::Fleet);
        let left = std::mem::replace(&mut self.screen, before);
        self.leave(&left);
        if self.screen == Screen::Fleet
            && let Screen::Release(name) | Screen::View(_, name) = left
        {
            (self.fleet.selected, self.fleet.moved) = (Some(name), true);
        }
    }

    /// What a screen leaves behind: values that were revealed are forgotten with it, and what was read of a log once
    /// another release is looked at.
    fn leave(&mut self, left: &Screen) {
        if let Screen::View(View::Diff, _) = left {
            (self.diff.reveal, self.diff.revealed) = (false, Vec::new());
        }
        if about(left) != about(&self.screen) {
            (self.logs, self.diff, self.picked) = (Logs::default(), Diff::default(), None);
            for list in self.lists.values_mut() {
                (list.marked, list.find) = (None, Find::default());
            }
        }
    }

    fn enter(&mut self) {
        match &self.screen {
            Screen::Release(_) => self.panel = Panel::default(),
            // How it was sorted stays as it was; what was searched for and marked is of another look.
            Screen::View(view, _) => {
                let list = self.lists.entry(*view).or_default();
                (list.marked, list.find) = (None, Find::default());
                match view {
                    View::Diff => self.diff = Diff { unfolded: self.diff.unfolded, ..Diff::default() },
                    // All tasks' log is asked for, not the one task's that was looked at before.
                    View::Logs if self.logs.task.is_some() || self.logs.out_of_date(self.now.at) => {
                        self.logs = Logs::default();
                    }
                    _ => {}
                }
            }
            Screen::Fleet => {}
        }
    }

    /// What is searched for on the present screen; a release's own has no list.
    pub fn find(&self) -> Option<&Find> {
        match &self.screen {
            Screen::Fleet => Some(&self.fleet.find),
            Screen::View(view, _) => Some(&self.list(*view).find),
            Screen::Release(_) => None,
        }
    }

    pub(crate) fn find_mut(&mut self) -> Option<&mut Find> {
        match &self.screen {
            Screen::Fleet => Some(&mut self.fleet.find),
            Screen::View(view, _) => Some(&mut self.lists.entry(*view).or_default().find),
            Screen::Release(_) => None,
        }
    }

    /// Whether letters go into a search.
    pub fn typing(&self) -> bool {
        self.find().is_some_and(|find| find.typing)
    }

    /// The lines of the present list: how each is known, and whether it has what is searched for.
    fn listed(&self) -> Vec<screens::Line> {
        if self.screen != Screen::Fleet {
            return screens::lines(self);
        }
        let find = &self.fleet.find;
        let found = |release| find.active() && find.matches(&searched(release));
        let lines = self.lines().into_iter();
        lines.map(|release| screens::Line { id: release.name.clone(), found: found(release) }).collect()
    }

    fn marked(&self) -> Option<&str> {
        match &self.screen {
            Screen::Fleet => self.fleet.selected.as_deref(),
            Screen::View(view, _) => self.list(*view).marked.as_deref(),
            Screen::Release(_) => None,
        }
    }

    fn mark(&mut self, id: Option<String>) {
        match &self.screen {
            Screen::Fleet => (self.fleet.selected, self.fleet.moved) = (id, true),
            Screen::View(view, _) => self.lists.entry(*view).or_default().marked = id,
            Screen::Release(_) => {}
        }
    }

    /// Marks another line: from the marked one's place and the last place to a place.
    pub(crate) fn move_mark(&mut self, to: impl Fn(usize, usize) -> usize) {
        let lines = self.listed();
        let at = lines.iter().position(|line| Some(line.id.as_str()) == self.marked()).unwrap_or(0);
        let last = lines.len().saturating_sub(1);
        self.mark(lines.get(to(at, last).min(last)).map(|line| line.id.clone()));
    }

    /// A key that moves in a list, or changes how it is shown.
    pub(crate) fn moved(&mut self, action: Action) {
        if let Screen::View(View::Logs, _) = self.screen {
            return screens::logs::state::perform(self, action);
        }
        match action {
            Action::Up => self.move_mark(|at, _| at.saturating_sub(1)),
            Action::Down => self.move_mark(|at, _| at + 1),
            Action::First => self.move_mark(|_, _| 0),
            Action::Last => self.move_mark(|_, last| last),
            Action::PageUp => self.move_mark(|at, _| at.saturating_sub(PAGE)),
            Action::PageDown => self.move_mark(|at, _| at + PAGE),
            Action::FindNext => self.find_another(true),
            Action::FindPrevious => self.find_another(false),
            Action::Sort => self.sort(),
            Action::Reverse => self.turn(),
            _ => {}
        }
    }

    /// The next line that has what was searched for, all round; all lines are shown again, it among its neighbours.
    fn find_another(&mut self, forward: bool) {
        let Some(find) = self.find_mut().filter(|find| find.active()) else {
            return self.say("nothing is looked for: / does", false);
        };
        find.only = false;
        let lines = self.listed();
        let at = lines.iter().position(|line| Some(line.id.as_str()) == self.marked()).unwrap_or(0);
        let order: Vec<_> = match forward {
            true => (at + 1..lines.len()).chain(0..=at).collect(),
            false => (0..at).rev().chain((at..lines.len()).rev()).collect(),
        };
        let found = order.into_iter().filter_map(|at| lines.get(at)).find(|line| line.found);
        match found.map(|line| line.id.clone()) {
            Some(id) => self.mark(Some(id)),
            None => self.say("no line has that", true),
        }
    }

    fn sort(&mut self) {
        let said = match &self.screen {
            Screen::Fleet => {
                self.fleet.order = next(self.fleet.order);
                self.fleet.order.to_string()
            }
            Screen::View(view, _) => {
                let (orders, list) = (screens::orders(*view), self.lists.entry(*view).or_default());
                list.order = (list.order + 1) % orders.len().max(1);
                orders.get(list.order).map_or_else(|| "there is no other here".to_owned(), ToString::to_string)
            }
            Screen::Release(_) => return,
        };
        self.say(format!("order: {said}"), false);
    }

    fn turn(&mut self) {
        let reversed = match &self.screen {
            Screen::Fleet => &mut self.fleet.reversed,
            Screen::View(view, _) => &mut self.lists.entry(*view).or_default().reversed,
            Screen::Release(_) => return,
        };
        *reversed = !*reversed;
    }

    /// A key while a search is typed.
    pub(crate) fn search(&mut self, key: Key) {
        let Some(find) = self.find_mut() else { return };
        match key {
            Key::Enter => find.typing = false,
            Key::Esc => find.clear(),
            Key::Up => return self.moved(Action::Up),
            Key::Down => return self.moved(Action::Down),
            key => type_into(&mut find.text, key),
        }
        self.keep_in_sight();
    }

    /// Text that was pasted into a search.
    pub(crate) fn search_for(&mut self, text: &str) {
        let Some(find) = self.find_mut() else { return };
        for c in text.chars() {
            find.text.handle(InputRequest::InsertChar(c));
        }
        self.keep_in_sight();
    }

    /// The mark must be on a line that is shown.
    fn keep_in_sight(&mut self) {
        if !self.listed().iter().any(|line| Some(line.id.as_str()) == self.marked()) {
            self.move_mark(|_, _| 0);
        }
    }
}

/// The release that a screen is about.
fn about(screen: &Screen) -> Option<&str> {
    match screen {
        Screen::Release(name) | Screen::View(_, name) => Some(name),
        Screen::Fleet => None,
    }
}

impl Fleet {
    /// Whether its lines are in the order of urgency, so that the first of them is the most urgent.
    pub fn urgent_first(&self) -> bool {
        self.order == FleetOrder::Urgency && !self.reversed
    }
}

#[cfg(test)]
mod tests;
