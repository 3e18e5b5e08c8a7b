//! Navigation between screens and between lines.

use tui_input::InputRequest;

use crate::console::keymap::{Action, Key};
use crate::console::screen::Screen;
use crate::console::screen::View;
use crate::console::screens;
use crate::console::screens::diff::state::Diff;
use crate::console::screens::fleet::state::searched;
use crate::console::screens::history::state::History;
use crate::console::screens::logs::state::Logs;
use crate::console::screens::release::state::Panel;
use crate::console::state::Model;
use crate::console::state::list::{Find, PAGE};
use crate::console::state::screen::ScreenState;
use crate::console::text_field::{next, type_into};

impl Model {
    /// Shows a screen; `esc` leads back. A screen that is already on the trail is removed from it. Each screen is on the
    /// trail once at most, so a few presses of `esc` lead to the fleet.
    pub(crate) fn open(&mut self, screen: Screen) {
        if screen == self.screen.current {
            return;
        }
        let left = std::mem::replace(&mut self.screen.current, screen);
        self.leave(&left);
        self.screen.trail.retain(|had| *had != self.screen.current && *had != left);
        match self.screen.current {
            // The fleet has no screen to go back to.
            Screen::Fleet => self.screen.trail.clear(),
            _ => self.screen.trail.push(left),
        }
        self.enter();
    }

    /// Goes back one screen.
    pub(crate) fn back(&mut self) {
        let before = self.screen.trail.pop().unwrap_or(Screen::Fleet);
        let left = std::mem::replace(&mut self.screen.current, before);
        self.leave(&left);
        if self.screen.current == Screen::Fleet
            && let Screen::Release(name) | Screen::View(_, name) = left
        {
            (self.screen.fleet.selected, self.screen.fleet.moved) = (Some(name), true);
        }
    }

    /// Cleans up after a screen: drops revealed values, and drops the log when another release is opened.
    fn leave(&mut self, left: &Screen) {
        if let Screen::View(View::Diff, _) = left {
            (self.screen.diff.reveal, self.screen.diff.revealed) = (false, Vec::new());
        }
        if about(left) != about(&self.screen.current) {
            (self.screen.logs, self.screen.diff) = (Logs::default(), Diff::default());
            self.screen.history = History::default();
            for list in self.screen.lists.values_mut() {
                (list.marked, list.find) = (None, Find::default());
            }
        }
    }

    fn enter(&mut self) {
        match &self.screen.current {
            Screen::Release(_) => self.screen.release.panel = Panel::default(),
            // The sort order stays; search and mark belong to the previous visit.
            Screen::View(view, _) => {
                let list = self.screen.lists.entry(*view).or_default();
                (list.marked, list.find) = (None, Find::default());
                match view {
                    View::Diff => self.screen.diff = Diff { unfolded: self.screen.diff.unfolded, ..Diff::default() },
                    // Opening the view shows the log of all tasks, not of the one task from before.
                    View::Logs
                        if self.screen.logs.task.is_some() || self.screen.logs.out_of_date(self.observed.now.at) =>
                    {
                        self.screen.logs = Logs::default();
                    }
                    _ => {}
                }
            }
            Screen::Fleet => {}
        }
    }

    /// The lines of the present list, each with its id, and with `found` set if it matches the search.
    fn listed(&self) -> Vec<screens::Line> {
        if self.screen.current != Screen::Fleet {
            return screens::lines(&self.observed, &self.operations.acts, &self.screen);
        }
        let find = &self.screen.fleet.find;
        let found = |release| find.active() && find.matches(&searched(release));
        let lines = self.screen.fleet.lines(&self.observed.releases).into_iter();
        lines.map(|release| screens::Line { id: release.name.clone(), found: found(release) }).collect()
    }

    fn marked(&self) -> Option<&str> {
        match &self.screen.current {
            Screen::Fleet => self.screen.fleet.selected.as_deref(),
            Screen::View(view, _) => self.screen.list(*view).marked.as_deref(),
            Screen::Release(_) => None,
        }
    }

    fn mark(&mut self, id: Option<String>) {
        match &self.screen.current {
            Screen::Fleet => (self.screen.fleet.selected, self.screen.fleet.moved) = (id, true),
            Screen::View(view, _) => self.screen.lists.entry(*view).or_default().marked = id,
            Screen::Release(_) => {}
        }
    }

    /// Marks another line; `to` maps the index of the marked line and the last index to the new index.
    pub(crate) fn move_mark(&mut self, to: impl Fn(usize, usize) -> usize) {
        let lines = self.listed();
        let at = lines.iter().position(|line| Some(line.id.as_str()) == self.marked()).unwrap_or(0);
        let last = lines.len().saturating_sub(1);
        self.mark(lines.get(to(at, last).min(last)).map(|line| line.id.clone()));
    }

    /// Handles a key that moves in a list or changes its display.
    pub(crate) fn moved(&mut self, action: Action) {
        if let Screen::View(View::Logs, _) = self.screen.current {
            return self.dispatch_to_log(action);
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

    /// Handles a key in the log.
    pub(crate) fn dispatch_to_log(&mut self, action: Action) {
        let release = self.screen.focus(&self.observed);
        let ScreenState { lists, logs, .. } = &mut self.screen;
        let find = &mut lists.entry(View::Logs).or_default().find;
        if let Some((text, wrong)) = logs.dispatch(action, find, release, self.observed.now.at) {
            self.say(text, wrong);
        }
    }

    /// Marks the next match, wrapping around; all lines are shown again, so the match has its context.
    fn find_another(&mut self, forward: bool) {
        let Some(find) = self.screen.find_mut().filter(|find| find.active()) else {
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
        let said = match &self.screen.current {
            Screen::Fleet => {
                self.screen.fleet.order = next(self.screen.fleet.order);
                self.screen.fleet.order.to_string()
            }
            Screen::View(view, _) => {
                let (orders, list) = (screens::orders(*view), self.screen.lists.entry(*view).or_default());
                list.order = (list.order + 1) % orders.len().max(1);
                orders.get(list.order).map_or_else(|| "there is no other here".to_owned(), ToString::to_string)
            }
            Screen::Release(_) => return,
        };
        self.say(format!("order: {said}"), false);
    }

    fn turn(&mut self) {
        let reversed = match &self.screen.current {
            Screen::Fleet => &mut self.screen.fleet.reversed,
            Screen::View(view, _) => &mut self.screen.lists.entry(*view).or_default().reversed,
            Screen::Release(_) => return,
        };
        *reversed = !*reversed;
    }

    /// Handles a key while a search is typed.
    pub(crate) fn search(&mut self, key: Key) {
        let Some(find) = self.screen.find_mut() else { return };
        match key {
            Key::Enter => find.typing = false,
            Key::Esc => find.clear(),
            Key::Up => return self.moved(Action::Up),
            Key::Down => return self.moved(Action::Down),
            key => type_into(&mut find.text, key),
        }
        self.keep_in_sight();
    }

    /// Inserts pasted text into a search.
    pub(crate) fn search_for(&mut self, text: &str) {
        let Some(find) = self.screen.find_mut() else { return };
        for c in text.chars() {
            find.text.handle(InputRequest::InsertChar(c));
        }
        self.keep_in_sight();
    }

    /// Keeps the mark on a shown line.
    fn keep_in_sight(&mut self) {
        if !self.listed().iter().any(|line| Some(line.id.as_str()) == self.marked()) {
            self.move_mark(|_, _| 0);
        }
    }
}

/// The release of a screen.
fn about(screen: &Screen) -> Option<&str> {
    match screen {
        Screen::Release(name) | Screen::View(_, name) => Some(name),
        Screen::Fleet => None,
    }
}

#[cfg(test)]
mod tests;
