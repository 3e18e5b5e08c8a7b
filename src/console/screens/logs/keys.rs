//! Keys in the log. A log has tens of thousands of lines, so the mark is a position in the buffer, and a step only
//! costs the lines in between.

use jiff::Timestamp;

use super::sources;
use super::sources::two_sides;
use super::state::Logs;
use crate::console::keymap::Action;
use crate::console::state::list::{Find, PAGE};
use crate::domain::logs::buffer::{LogSide, Shown};
use crate::domain::logs::ring_buffer::{Key, RingBuffer};
use crate::domain::release::Release;

/// The message to the operator after a key; true: something is wrong.
pub(crate) type Said = Option<(String, bool)>;

fn said(text: &str) -> Said {
    Some((text.to_owned(), false))
}

impl Logs {
    /// Handles a key that moves in the log, or changes how the log is followed.
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

    /// Selects the next sides: both, stable, canary.
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

    /// Marks the next match of the search, wrapping around; all lines are shown again, so that the match has its
    /// context.
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

    /// The position of the oldest shown line that satisfies `is_so`.
    fn first(&self, shown: Shown, is_so: impl Fn(&RingBuffer) -> bool) -> Option<Key> {
        self.book.shown(shown).find(|line| is_so(line)).map(|line| line.key)
    }

    /// The position `lines` above the mark, or the first.
    fn above(&self, lines: usize, shown: Shown) -> Option<Key> {
        let at = self.marked(shown)?.key;
        self.book.up_to(Some(at), shown).take(lines + 1).last().map(|line| line.key)
    }

    /// The position `lines` below the mark, or the last. While the newest line is followed, the mark does not move.
    fn below(&self, lines: usize, shown: Shown) -> Option<Key> {
        let at = self.mark?;
        self.book.behind(at, shown).take(lines).last().map(|line| line.key)
    }
}
