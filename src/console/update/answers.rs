//! A key while a dialog is open.

use jiff::Timestamp;
use tui_input::Input;

use super::dispatch::dispatch;
use super::{auto_promotion, commands, confirmation};
use crate::console::dialogs::palette::{Destination, Palette};
use crate::console::dialogs::{Consent, Dialog, Purpose, Revisions};
use crate::console::keymap::{Action, Key};
use crate::console::links::CopyMenu;
use crate::console::message::Effect;
use crate::console::screen::Screen;
use crate::console::state::Model;
use crate::console::text_field::type_into;
use crate::domain::confirm::Surface;
use crate::domain::plan::Intent;
use crate::domain::release::share::Percent;

/// A key while a question is open. `typed`: by hand, not pasted.
pub(crate) fn answer(model: &mut Model, key: Key, typed: bool) -> Vec<Effect> {
    let Some(dialog) = model.screen.dialog.take() else { return Vec::new() };
    match dialog {
        Dialog::Confirm(confirm) => return confirmation::answer(model, confirm, key, typed),
        // Neither a share nor a choice has an R in it, and neither stands between an operator and the way back.
        Dialog::Weight { release, .. } | Dialog::Revisions(Revisions { release, .. })
            if key == Key::Char('R') && typed =>
        {
            return commands::rollback_of(model, &release);
        }
        Dialog::Weight { release, input, .. } => answer_weight(model, release, input, key),
        Dialog::Revisions(revisions) => return answer_revisions(model, revisions, key),
        Dialog::AutoPromotion { release, consent, drawn } => {
            return answer_automatic(model, Asked { release, consent, drawn }, key, typed);
        }
        Dialog::Palette(palette) => return answer_palette(model, palette, key, typed),
        Dialog::CopyMenu(menu) => return answer_copy_menu(model, menu, key, typed),
        Dialog::Closed { .. } => match key {
            Key::Esc | Key::Enter => {}
            Key::Ctrl('c') => return vec![Effect::Quit],
            _ => model.screen.dialog = Some(dialog),
        },
        Dialog::Refused { .. } | Dialog::Help { .. } => match key {
            Key::Esc | Key::Enter | Key::Char('q' | 'n' | 'y' | '?') => {}
            // Help and a refusal never stand between an operator and the way back.
            Key::Char('R') if typed => return commands::rollback(model),
            Key::Ctrl('c') => return vec![Effect::Quit],
            key => {
                model.screen.dialog = Some(match dialog {
                    Dialog::Help { top } => {
                        Dialog::Help { top: crate::console::dialogs::view::help::scroll(top, key, &model.screen) }
                    }
                    other => other,
                });
            }
        },
    }
    Vec::new()
}

fn answer_weight(model: &mut Model, release: String, mut input: Input, key: Key) {
    let mut error = None;
    match key {
        Key::Esc | Key::Ctrl('c') => return,
        Key::Enter => match input.value().parse::<Percent>() {
            Ok(to) => {
                commands::propose(model, Intent::Weight { to });
                return;
            }
            Err(why) => error = Some(why),
        },
        key => type_into(&mut input, key),
    }
    model.screen.dialog = Some(Dialog::Weight { release, input, error });
}

fn answer_revisions(model: &mut Model, mut revisions: Revisions, key: Key) -> Vec<Effect> {
    let choices = revisions.choices(&model.observed);
    let last = choices.len().saturating_sub(1);
    let marked = revisions.marked(&choices);
    match key {
        Key::Esc | Key::Ctrl('c') | Key::Char('q' | 'n') => return Vec::new(),
        Key::Up | Key::Char('k') => revisions.selected = Some(marked.saturating_sub(1)),
        Key::Down | Key::Char('j') => revisions.selected = Some((marked + 1).min(last)),
        Key::Home => revisions.selected = Some(0),
        Key::End | Key::Char('G') => revisions.selected = Some(last),
        Key::Enter => {
            if let Some(choice) = choices.get(marked) {
                let task_definition = choice.task_definition.clone();
                return match revisions.purpose {
                    Purpose::Rollback => commands::rollback_to(model, &revisions.release, task_definition),
                    Purpose::Start => {
                        commands::propose(model, Intent::Start { task_definition, pauses: false });
                        Vec::new()
                    }
                };
            }
        }
        _ => {}
    }
    model.screen.dialog = Some(Dialog::Revisions(revisions));
    Vec::new()
}

/// A key in the palette. Its `R` is a letter: the way back is among its lines, and asks.
fn answer_palette(model: &mut Model, mut palette: Palette, key: Key, typed: bool) -> Vec<Effect> {
    let lines = palette.lines(&model.observed, model.focus().map(|release| release.name.as_str()));
    let last = lines.len().saturating_sub(1);
    match key {
        Key::Esc | Key::Ctrl('c') => return Vec::new(),
        Key::Up | Key::Ctrl('p') => palette.selected = palette.selected.saturating_sub(1),
        Key::Down | Key::Ctrl('n') | Key::Tab => palette.selected = (palette.selected + 1).min(last),
        Key::Enter if typed => {
            if let Some(entry) = lines.into_iter().nth(palette.selected) {
                return navigate_to(model, entry.to);
            }
        }
        Key::Enter => {}
        key => {
            type_into(&mut palette.typed, key);
            palette.selected = 0;
        }
    }
    model.screen.dialog = Some(Dialog::Palette(palette));
    Vec::new()
}

fn navigate_to(model: &mut Model, to: Destination) -> Vec<Effect> {
    match to {
        Destination::Release(name) => model.open(Screen::Release(name)),
        Destination::View(view, name) => model.open(Screen::View(view, name)),
        // A line that was found by a few letters is not the one key of an incident: it asks.
        Destination::Action(Action::Rollback) => {
            return match model.focus().map(|release| release.name.clone()) {
                Some(name) => {
                    commands::go_back(model, &name, Intent::Rollback { to: None, at_once: false }, Surface::Chosen)
                }
                None => commands::rollback(model),
            };
        }
        Destination::Action(action) => return dispatch(model, action),
    }
    Vec::new()
}

fn answer_copy_menu(model: &mut Model, mut menu: CopyMenu, key: Key, typed: bool) -> Vec<Effect> {
    let last = menu.items.len().saturating_sub(1);
    let mut effects = Vec::new();
    match key {
        Key::Esc | Key::Ctrl('c') | Key::Char('q' | 'n' | 'x') => return Vec::new(),
        Key::Char('R') if typed => return commands::rollback(model),
        Key::Up | Key::Char('k') => menu.selected = menu.selected.saturating_sub(1),
        Key::Down | Key::Char('j') => menu.selected = (menu.selected + 1).min(last),
        Key::Enter | Key::Char('c' | 'y') => {
            if let Some(way) = menu.items.get(menu.selected) {
                model.say(format!("copied: {}", way.title), false);
                effects.push(Effect::Copy(way.text.clone()));
            }
        }
        _ => {}
    }
    model.screen.dialog = Some(Dialog::CopyMenu(menu));
    effects
}

/// The question about automatic promotion.
struct Asked {
    release: String,
    consent: Consent,
    drawn: Option<Timestamp>,
}

fn answer_automatic(model: &mut Model, asked: Asked, key: Key, typed: bool) -> Vec<Effect> {
    let Asked { release: name, mut consent, drawn } = asked;
    let accepts_text = consent.accepts_text();
    let yes = match key {
        Key::Enter if accepts_text => consent.names(&name),
        Key::Char('y') if !accepts_text => typed,
        _ => false,
    };
    if yes && !confirmation::seen(model, drawn) {
        confirmation::say_too_early(model);
        model.screen.dialog = Some(Dialog::AutoPromotion { release: name, consent, drawn });
        return Vec::new();
    }
    if yes {
        // It may have changed while the question was open.
        match model.release(&name).and_then(|release| auto_promotion::refused(model, release)) {
            Some(refusal) => model.refuse(&format!("automatic stepping of {name}"), refusal, None),
            None => model.switch_on(&name),
        }
        return Vec::new();
    }
    match key {
        Key::Esc | Key::Ctrl('c') => return Vec::new(),
        Key::Char('n') if !accepts_text => return Vec::new(),
        Key::Char('R') if !accepts_text && typed => return commands::rollback_of(model, &name),
        key => {
            if let Some(input) = consent.input() {
                type_into(input, key);
            }
        }
    }
    model.screen.dialog = Some(Dialog::AutoPromotion { release: name, consent, drawn });
    Vec::new()
}
