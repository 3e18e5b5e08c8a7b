//! What an action does.

use super::commands;
use crate::console::dialogs::Dialog;
use crate::console::dialogs::palette::Palette;
use crate::console::keymap::Action;
use crate::console::links::CopyMenu;
use crate::console::message::Effect;
use crate::console::screen::{Screen, View};
use crate::console::screens;
use crate::console::state::{Model, Plotted, RANGES};
use crate::console::text_field::next;
use crate::domain::plan::Intent;
use crate::domain::text;

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
        Action::View(view) => look_at(model, view),
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
