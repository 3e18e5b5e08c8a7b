//! What a key does.

use strum::IntoEnumIterator;
use tui_input::InputRequest;

use super::commands;
use crate::console::dialogs::Dialog;
use crate::console::dialogs::palette::Palette;
use crate::console::keymap;
use crate::console::keymap::{Action, Key};
use crate::console::links::CopyMenu;
use crate::console::message::Effect;
use crate::console::screens;
use crate::console::screens::View;
use crate::console::state::{Model, Plotted, RANGES, Screen};
use crate::domain::plan::Intent;
use crate::domain::text;

/// Keys that follow one another faster than this, in the operator's time, were pasted or typed ahead: they never act.
const TYPED_APART: jiff::SignedDuration = jiff::SignedDuration::from_millis(10);

/// A key: an answer to what is asked, a letter of what is searched for, or what the table says.
pub(crate) fn key_pressed(model: &mut Model, key: Key) -> Vec<Effect> {
    let apart = model.last_key.is_none_or(|last| model.now.since(last) >= TYPED_APART);
    model.last_key = Some(model.now.at);
    model.notice = None;
    let leaving = std::mem::take(&mut model.leaving);
    let typing = model.typing();
    // Any key stops what is counted down to, and does nothing else; but for the way back and the way out.
    if model.stop_countdowns() {
        match keymap::action(key, model.scope()).filter(|_| !typing) {
            Some(Action::Rollback) if apart => return commands::rollback(model),
            Some(Action::Quit) => {
                model.leaving = true;
                model.say("AUTOMATIC is off, and nothing was sent. The same key again leaves.", true);
            }
            _ => {}
        }
        return Vec::new();
    }
    if model.dialog.is_some() {
        return commands::answer(model, key, apart);
    }
    if typing {
        model.search(key);
        return Vec::new();
    }
    let Some(action) = keymap::action(key, model.scope()) else {
        return Vec::new();
    };
    if model.too_small() && !matches!(action, Action::Rollback | Action::Quit | Action::Suspend) {
        return Vec::new();
    }
    if action.acts() && !apart {
        model.say(format!("{} came with other keys at once, as a paste does: ignored", key.label()), true);
        return Vec::new();
    }
    if action == Action::Quit {
        return commands::quit(model, leaving);
    }
    perform(model, action)
}

/// Does what a key does.
pub(crate) fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Rollback => return commands::rollback(model),
        Action::Step => commands::propose(model, Intent::Step { to: None }),
        Action::Finish => commands::propose(model, Intent::Finish),
        Action::Automatic => return commands::ask_automatic(model).into_iter().collect(),
        Action::Weight => commands::ask_weight(model),
        Action::Start => commands::ask_revision(model),
        Action::Open => {
            if let Some(name) = model.focus().map(|release| release.name.clone()) {
                model.open(Screen::Release(name));
            }
        }
        Action::Back if model.zoom.is_some() && matches!(model.screen, Screen::Release(_)) => model.zoom = None,
        Action::Back => {
            let raw = model.diff.raw && !model.diff.opened_raw && matches!(model.screen, Screen::View(View::Diff, _));
            match model.find_mut().filter(|find| find.active()) {
                Some(find) => find.clear(),
                None if raw => model.diff.raw = false,
                None => model.back(),
            }
        }
        Action::Tasks
        | Action::Targets
        | Action::Events
        | Action::Logs
        | Action::Diff
        | Action::Alarms
        | Action::History => {
            if let Some(view) = action.view() {
                look_at(model, view);
            }
        }
        Action::Raw => {
            if !matches!(model.screen, Screen::View(View::Diff, _)) {
                look_at(model, View::Diff);
                (model.diff.raw, model.diff.opened_raw) = (true, true);
            } else {
                model.diff.raw = !model.diff.raw;
            }
        }
        Action::Reveal => screens::diff::state::reveal(model),
        Action::Unfold => model.diff.unfolded = !model.diff.unfolded,
        Action::Pick => screens::history::state::pick(model),
        Action::Kinds => screens::events::state::next_kinds(model),
        Action::LogOfTask => screens::logs::state::open_for_marked(model),
        Action::Sides | Action::Follow | Action::Hold | Action::FirstError => {
            screens::logs::state::perform(model, action)
        }
        Action::Outside => return open_outside(model),
        Action::Palette => model.dialog = Some(Dialog::Palette(Palette::default())),
        Action::Find => {
            if let Some(find) = model.find_mut() {
                (find.typing, find.only) = (true, true);
            }
        }
        Action::Up
        | Action::Down
        | Action::First
        | Action::Last
        | Action::PageUp
        | Action::PageDown
        | Action::FindNext
        | Action::FindPrevious
        | Action::Sort
        | Action::Reverse => model.moved(action),
        Action::RollbackTo => {
            let marked = model.focus().and_then(|release| {
                let (_, deployment) = model.marked_deployment(release)?;
                Some((release.name.clone(), deployment.task_definition()?.clone()))
            });
            match marked {
                Some((name, to)) => return commands::rollback_to(model, &name, to),
                None => model.say("no revision is known of what is marked", true),
            }
        }
        Action::Percentile => model.percentile = model.percentile.next(),
        Action::Panel => match &mut model.zoom {
            Some(plotted) => *plotted = next(*plotted),
            None => model.panel = next(model.panel),
        },
        Action::Zoom => model.zoom = if model.zoom.is_some() { None } else { Some(Plotted::default()) },
        Action::Longer => model.reach(|at, range| at > range),
        Action::Shorter => model.reach(|at, range| at < range),
        Action::Refresh => {
            model.polls.all_due();
            model.say("reading everything again", false);
        }
        Action::Copy => {
            if let Some(text) = screens::copied(model) {
                model.say("copied", false);
                return vec![Effect::Copy(text::clean_lines(&text))];
            }
        }
        Action::Help => model.dialog = Some(Dialog::Help { top: 0 }),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return commands::quit(model, false),
    }
    Vec::new()
}

/// Opens a view of what is open or marked; its own key leads back.
fn look_at(model: &mut Model, view: View) {
    match model.focus().map(|release| release.name.clone()) {
        Some(name) if model.screen == Screen::View(view, name.clone()) => model.back(),
        Some(name) => {
            let picked = model.marked_revision();
            model.open(Screen::View(view, name));
            if view == View::Diff {
                (model.diff.from, model.diff.to) = picked;
            }
        }
        None => model.say("no service is marked", true),
    }
}

/// What leads out of the console, the first of it copied at once.
fn open_outside(model: &mut Model) -> Vec<Effect> {
    let outside = CopyMenu::of(model);
    let first = outside.ways.first().map(|way| Effect::Copy(way.text.clone()));
    match &first {
        Some(_) => model.dialog = Some(Dialog::CopyMenu(outside)),
        None => model.say("nothing is marked that leads anywhere", true),
    }
    first.into_iter().collect()
}

/// The next of a few, round and round.
pub(crate) fn next<T: IntoEnumIterator + PartialEq + Copy>(this: T) -> T
where
    T::Iterator: Clone,
{
    T::iter().cycle().skip_while(|other| *other != this).nth(1).unwrap_or(this)
}

/// A key in a line of text.
pub(crate) fn type_into(input: &mut tui_input::Input, key: Key) {
    let request = match key {
        Key::Char(c) => InputRequest::InsertChar(c),
        Key::Backspace => InputRequest::DeletePrevChar,
        Key::Delete => InputRequest::DeleteNextChar,
        Key::Left => InputRequest::GoToPrevChar,
        Key::Right => InputRequest::GoToNextChar,
        Key::Home => InputRequest::GoToStart,
        Key::End => InputRequest::GoToEnd,
        Key::Ctrl('u') => InputRequest::DeleteLine,
        Key::Ctrl('w') => InputRequest::DeletePrevWord,
        _ => return,
    };
    input.handle(request);
}

impl Model {
    /// The nearest range that is so beside the present one.
    fn reach(&mut self, so: impl Fn(u16, u16) -> bool) {
        // Two plots lie side by side, each with its scale, unless one of them has the screen.
        let columns = if self.zoom.is_some() { self.size.0 } else { self.size.0 / 2 };
        let now = self.reach_of(columns.saturating_sub(8));
        let fits = RANGES.into_iter().filter(|range| so(*range, now));
        self.range = fits.min_by_key(|range| range.abs_diff(now)).or(self.range);
    }
}
