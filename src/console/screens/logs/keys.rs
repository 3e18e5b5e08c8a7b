//! Keys in the log. It has lines by the ten thousand: the mark is a place among them, and a step costs what lies between.

use jiff::Timestamp;

use super::sources;
use super::sources::two_sides;
use super::state::Logs;
use crate::console::keymap::Action;
use crate::console::state::list::{Find, PAGE};
use crate::domain::logs::buffer::{LogSide, Shown};
use crate::domain::logs::ring_buffer::{Key, RingBuffer};
use crate::domain::release::Release;

/// What to tell the operator after a key, and whether something is wrong.
pub(crate) type Said = Option<(String, bool)>;

fn said(text: &str) -> Said {
    Some((text.to_owned(), false))
}

impl Logs {
    /// A key that moves in the log, or changes how it is followed.
    pub(crate) fn dispatch(
        &mut self,
        action: Action,
        find: &mut Find,
        release: Option<&Release>,
        now: Timestamp,
    ) -> Said {
        let shown = self.shown(find);
        match action {
            Action::Up => self.mark(self.above(1, shown)),
            Action::PageUp => self.mark(self.above(PAGE, shown)),
            Action::Down => self.mark(self.below(1, shown)),
            Action::PageDown => self.mark(self.below(PAGE, shown)),
            Action::First => self.mark(self.first(shown, |_| true)),
            Action::Last => self.mark = None,
            Action::Follow if self.follows() => self.mark(self.marked(shown).map(|line| line.key)),
            Action::Follow => self.mark = None,
            Action::FirstError => match self.first(shown, |line| line.error) {
                Some(key) => self.mark(Some(key)),
                None => return said("no line that is kept and shown tells of an error"),
            },
            Action::Hold => {
                let held = self.held.is_none();
                self.held = held.then_some(now);
                return said(if held { "held: nothing is asked for; space goes on" } else { "reading on" });
            }
            Action::Sides => return release.and_then(|release| self.next_sides(release)),
            Action::FindNext => return self.find(find, true),
            Action::FindPrevious => return self.find(find, false),
            Action::Sort | Action::Reverse => return said("a log is in the order of its time"),
            _ => {}
        }
        None
    }

    fn mark(&mut self, key: Option<Key>) {
        self.mark = key.or(self.mark);
    }

    /// Both, stable's, the canary's.
    fn next_sides(&mut self, release: &Release) -> Said {
        if !two_sides(release) || self.task.is_some() {
            return said("there is one side here");
        }
        self.sides = match self.sides {
            None => Some(LogSide::Stable),
            Some(LogSide::Stable) => Some(LogSide::Canary),
            Some(_) => None,
        };
        let name = self.sides.map_or("of both", |whose| sources::name(release, whose));
        Some((format!("lines shown: {name}"), false))
    }

    /// The next line that has what was searched for, all round; all lines are shown again, it among its neighbours.
    fn find(&mut self, find: &mut Find, forward: bool) -> Said {
        if !find.active() {
            return said("nothing is looked for: / does");
        }
        find.only = false;
        let found = Shown { found: true, ..self.shown(find) };
        let at = self.marked(self.shown(find)).map(|line| line.key);
        let book = &self.book;
        let next = match forward {
            true => at.and_then(|at| book.behind(at, found).next()).or_else(|| book.shown(found).next()),
            false => {
                let before = at.and_then(|at| book.up_to(Some(at), found).find(|line| line.key != at));
                before.or_else(|| book.up_to(None, found).next())
            }
        };
        match next.map(|line| line.key) {
            Some(key) => self.mark(Some(key)),
            None if book.unsearched() > 0 => return said("none yet: older lines are still being searched"),
            None => return Some(("no line that is kept has that".to_owned(), true)),
        }
        None
    }

    /// The place of the oldest line that is so.
    fn first(&self, shown: Shown, is_so: impl Fn(&RingBuffer) -> bool) -> Option<Key> {
        self.book.shown(shown).find(|line| is_so(line)).map(|line| line.key)
    }

    /// The place so many lines above the mark, or the first.
    fn above(&self, lines: usize, shown: Shown) -> Option<Key> {
        let at = self.marked(shown)?.key;
        self.book.up_to(Some(at), shown).take(lines + 1).last().map(|line| line.key)
    }

    /// The place so many lines below it, or the last. At the newest line that is followed already, it stays so.
    fn below(&self, lines: usize, shown: Shown) -> Option<Key> {
        let at = self.mark?;
        self.book.behind(at, shown).take(lines).last().map(|line| line.key)
    }
}
