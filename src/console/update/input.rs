//! The handling of keys.

use super::dispatch::dispatch;
use super::{answers, commands};
use crate::console::keymap;
use crate::console::keymap::{Action, Key};
use crate::console::message::Effect;
use crate::console::state::Model;

/// Minimum time between two typed keys, in the operator's time. Faster keys were pasted or typed ahead: they never act.
const TYPED_APART: jiff::SignedDuration = jiff::SignedDuration::from_millis(10);

/// Handles a key: for the open dialog, for the search, or by the key table.
pub(crate) fn key_pressed(model: &mut Model, key: Key) -> Vec<Effect> {
    let typed = model.screen.last_key.is_none_or(|last| model.observed.now.since(last) >= TYPED_APART);
    model.screen.last_key = Some(model.observed.now.at);
    model.screen.notice = None;
    let leaving = std::mem::take(&mut model.screen.leaving);
    let typing = model.screen.typing();
    // Any key stops the countdowns and does nothing else. The exceptions are the keys for rollback and quit.
    if model.stop_countdowns() {
        match keymap::action(key, model.screen.scope()).filter(|_| !typing) {
            Some(Action::Rollback) if typed => return commands::rollback(model),
            Some(Action::Quit) => {
                model.screen.leaving = true;
                model.say("AUTOMATIC is off, and nothing was sent. The same key again leaves.", true);
            }
            _ => {}
        }
        return Vec::new();
    }
    if model.screen.dialog.is_some() {
        return answers::answer(model, key, typed);
    }
    if typing {
        model.search(key);
        return Vec::new();
    }
    let Some(action) = keymap::action(key, model.screen.scope()) else {
        return Vec::new();
    };
    if model.screen.too_small() && !small_screen(model, action) {
        return Vec::new();
    }
    if action.acts() && !typed {
        model.say(format!("{} came with other keys at once, as a paste does: ignored", key.label()), true);
        return Vec::new();
    }
    if action == Action::Quit {
        return commands::quit(model, leaving);
    }
    dispatch(model, action)
}

/// Returns true if an action works on a screen that is too small: the rollback, the keys of the rollback's banner, quit
/// and suspend.
fn small_screen(model: &Model, action: Action) -> bool {
    match action {
        Action::Rollback | Action::Quit | Action::Suspend => true,
        Action::Waive | Action::Copy => !model.operations.pending.is_empty(),
        _ => false,
    }
}
