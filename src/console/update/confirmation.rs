//! The confirmation of a plan: the keys that confirm the plan, and the conditions that close the dialog.

use jiff::{SignedDuration, Timestamp};

use super::commands::{ask_where_to, rollback_of};
use crate::console::dialogs::{Confirm, Consent, Dialog};
use crate::console::keymap::Key;
use crate::console::message::{Effect, Order};
use crate::console::state::Model;
use crate::console::text_field::type_into;
use crate::console::wording::KEYS;
use crate::domain::analysis::VerdictStatus;
use crate::domain::plan::Gate;

/// Minimum time of a dialog on the screen before a key confirms the plan, in the operator's time: an earlier key was
/// pressed before the dialog appeared.
const SEEN_FOR: SignedDuration = SignedDuration::from_millis(150);

/// Returns true if a dialog that was first drawn at `drawn` may be confirmed.
pub(super) fn seen(model: &Model, drawn: Option<Timestamp>) -> bool {
    drawn.is_some_and(|drawn| model.observed.now.since(drawn) >= SEEN_FOR)
}

/// Shows the reason why an early confirmation was ignored.
pub(super) fn say_too_early(model: &mut Model) {
    model.say("the question had only just come up: nothing is sent. Read it, then press the key again.", true);
}

/// Handles a key while the dialog is open. `typed`: by hand, not pasted.
pub(crate) fn answer(model: &mut Model, mut confirm: Box<Confirm>, key: Key, typed: bool) -> Vec<Effect> {
    let accepts_text = confirm.consent.accepts_text();
    let yes = match (&confirm.consent, key) {
        (Consent::Name(_), Key::Enter) => confirm.name_matches(),
        // A gated verdict may be a PASS by now.
        (Consent::Reason { .. }, Key::Enter) => {
            confirm.name_matches() && (!confirm.needs_reason(&model.observed.settings) || confirm.reason().is_some())
        }
        (Consent::Yes, Key::Char('y')) => typed,
        _ => false,
    };
    if yes && !seen(model, confirm.drawn) {
        say_too_early(model);
        model.screen.dialog = Some(Dialog::Confirm(confirm));
        return Vec::new();
    }
    if yes && !confirm.wants_reason(&model.observed.settings) {
        let order = Order { automatic: false, why: confirm.reason() };
        return model.start(confirm.plan, order);
    }
    let chooses = key == Key::Char('c') && !accepts_text && confirm.can_choose(&model.observed);
    match (key, &mut confirm.consent) {
        (Key::Enter, Consent::Name(name)) if yes => {
            let name = std::mem::take(name);
            confirm.consent = Consent::Reason { name, why: Default::default() };
        }
        (Key::Esc, Consent::Reason { name, .. }) => confirm.consent = Consent::Name(std::mem::take(name)),
        (Key::Esc | Key::Ctrl('c'), _) => return Vec::new(),
        (Key::Char('n'), _) if !accepts_text => return Vec::new(),
        (Key::Tab, _) => other_way(model, &mut confirm),
        (Key::Char('d'), _) if !accepts_text => confirm.details = !confirm.details,
        _ if chooses => {
            ask_where_to(model, confirm.plan.release);
            return Vec::new();
        }
        // A dialog for a forward plan must not delay a rollback.
        (Key::Char('R'), _) if !accepts_text && !confirm.plan.intent.is_rollback() && typed => {
            return rollback_of(model, &confirm.plan.release);
        }
        (Key::Char('R'), Consent::Yes) => model.say("R opened this question; y rolls back, n closes it.", false),
        (key, consent) => {
            if let Some(input) = consent.input() {
                type_into(input, key);
            }
        }
    }
    model.screen.dialog = Some(Dialog::Confirm(confirm));
    Vec::new()
}

/// Switches to the next alternative plan, which needs a confirmation of its own.
fn other_way(model: &Model, confirm: &mut Confirm) {
    let next = confirm.next_way().cloned();
    let release = model.release(&confirm.plan.release);
    if let Some(Ok(plan)) = release.zip(next).map(|(release, next)| model.plan(release, &next)) {
        (confirm.plan, confirm.drawn) = (plan, None);
    }
}

/// The severity of a gate: higher is worse.
fn weight(gate: Option<&Gate>) -> u8 {
    match gate.map(|gate| gate.outcome) {
        None | Some(VerdictStatus::Pass) => 0,
        Some(VerdictStatus::Inconclusive) => 1,
        Some(VerdictStatus::Fail) => 2,
    }
}

/// Closes a dialog whose plan is out of date: the plan that the operator confirms must be the plan on the screen.
pub(crate) fn revalidate(model: &mut Model) {
    if let Some(Dialog::Refused { refusal, of: Some((name, intent)), .. }) = &model.screen.dialog {
        let now = model.release(name).map(|release| model.plan(release, intent));
        if !matches!(now, Some(Err(now)) if now == *refusal) {
            model.screen.dialog = None;
        }
        return;
    }
    let Some(Dialog::Confirm(confirm)) = &model.screen.dialog else { return };
    let worse = |gate: Option<&Gate>| weight(gate) > weight(confirm.plan.gate.as_ref());
    let again = model.release(&confirm.plan.release).map(|release| model.plan(release, &confirm.plan.intent));
    let why = match again {
        Some(Ok(plan)) if plan.steps == confirm.plan.steps && worse(plan.gate.as_ref()) => {
            let word = plan.gate.as_ref().map_or("", |gate| gate.outcome.word());
            format!("the verdict on {} changed while you looked: it is {word}. Press the key again.", plan.release)
        }
        // The gate is no worse: the verdict's numbers change every minute.
        Some(Ok(plan)) if plan.steps == confirm.plan.steps => {
            if let Some(Dialog::Confirm(confirm)) = &mut model.screen.dialog {
                confirm.plan.gate = plan.gate;
            }
            return;
        }
        Some(Ok(plan)) => {
            format!("{} changed while you looked: it would now be “{}”. Press the key again.", plan.release, plan.title)
        }
        Some(Err(refusal)) => refusal.text(KEYS),
        None => format!("{} is no longer there", confirm.plan.release),
    };
    model.close(why);
}

/// Closes a dialog that no longer fits the screen: nobody may confirm a plan that is not shown. A rollback's dialog is
/// shown on any screen.
pub(crate) fn close_unseen(model: &mut Model) {
    let shown = matches!(&model.screen.dialog, Some(Dialog::Confirm(confirm)) if confirm.plan.intent.is_rollback());
    if model.screen.too_small() && !shown {
        model.close("the screen became too small for the question: it is closed".to_owned());
    }
    // A search that is not shown takes no letters: `R` and `q` must do what the screen says.
    if model.screen.too_small()
        && let Some(find) = model.screen.find_mut()
    {
        find.typing = false;
    }
}
