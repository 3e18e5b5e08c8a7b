//! Keys in the log. It has lines by the ten thousand: the mark is a place among them, and a step costs what lies between.

use super::sources;
use super::sources::two_sides;
use super::state::Logs;
use crate::console::keymap::Action;
use crate::console::state::Model;
use crate::console::state::list::PAGE;
use crate::domain::logs::buffer::{LogSide, Shown};
use crate::domain::logs::ring_buffer::{Key, RingBuffer};

/// A key that moves in the log, or changes how it is followed.
pub fn perform(model: &mut Model, action: Action) {
    let shown = model.shown_of_log();
    let logs = &model.logs;
    match action {
        Action::Up => mark(model, logs.above(1, shown)),
        Action::PageUp => mark(model, logs.above(PAGE, shown)),
        Action::Down => mark(model, logs.below(1, shown)),
        Action::PageDown => mark(model, logs.below(PAGE, shown)),
        Action::First => mark(model, logs.first(shown, |_| true)),
        Action::Last => model.logs.mark = None,
        Action::Follow if logs.follows() => mark(model, logs.marked(shown).map(|line| line.key)),
        Action::Follow => model.logs.mark = None,
        Action::FirstError => match logs.first(shown, |line| line.error) {
            Some(key) => mark(model, Some(key)),
            None => model.say("no line that is kept and shown tells of an error", false),
        },
        Action::Hold => {
            let held = logs.held.is_none();
            model.logs.held = held.then_some(model.now.at);
            model.say(if held { "held: nothing is asked for; space goes on" } else { "reading on" }, false);
        }
        Action::Sides => next_sides(model),
        Action::FindNext => find(model, true),
        Action::FindPrevious => find(model, false),
        Action::Sort | Action::Reverse => model.say("a log is in the order of its time", false),
        _ => {}
    }
}

fn mark(model: &mut Model, key: Option<Key>) {
    model.logs.mark = key.or(model.logs.mark);
}

/// Both, stable's, the canary's.
fn next_sides(model: &mut Model) {
    let Some(release) = model.focus() else { return };
    if !two_sides(release) || model.logs.task.is_some() {
        return model.say("there is one side here", false);
    }
    let sides = match model.logs.sides {
        None => Some(LogSide::Stable),
        Some(LogSide::Stable) => Some(LogSide::Canary),
        Some(_) => None,
    };
    let name = sides.map_or("of both", |whose| sources::name(release, whose));
    model.say(format!("lines shown: {name}"), false);
    model.logs.sides = sides;
}

/// The next line that has what was searched for, all round; all lines are shown again, it among its neighbours.
fn find(model: &mut Model, forward: bool) {
    let Some(find) = model.find_mut().filter(|find| find.active()) else {
        return model.say("nothing is looked for: / does", false);
    };
    find.only = false;
    let found = Shown { found: true, ..model.shown_of_log() };
    let at = model.logs.marked(model.shown_of_log()).map(|line| line.key);
    let book = &model.logs.book;
    let next = match forward {
        true => at.and_then(|at| book.behind(at, found).next()).or_else(|| book.shown(found).next()),
        false => {
            let before = at.and_then(|at| book.up_to(Some(at), found).find(|line| line.key != at));
            before.or_else(|| book.up_to(None, found).next())
        }
    };
    match next.map(|line| line.key) {
        Some(key) => mark(model, Some(key)),
        None if model.logs.book.unsearched() > 0 => model.say("none yet: older lines are still being searched", false),
        None => model.say("no line that is kept has that", true),
    }
}

impl Logs {
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
