//! From an acting key to a plan, a question, an operation; and from an answer to the question.

use jiff::SignedDuration;
use tui_input::Input;

use super::{auto_promotion, in_flight};
use crate::console::dialogs::{Confirm, Consent, Dialog, Purpose, Revisions};
use crate::console::message::{Effect, Order};
use crate::console::state::Model;
use crate::console::state::pending_rollback;
use crate::domain::confirm;
use crate::domain::confirm::Surface;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::plan;
use crate::domain::plan::{Gate, Intent, Plan, Refusal, Warning};
use crate::domain::release::share::Percent;
use crate::domain::rollback::target;

/// `R`: at once while a release is in flight, else a question; or why not.
pub(crate) fn rollback(model: &mut Model) -> Vec<Effect> {
    match model.focus().map(|release| release.name.clone()) {
        Some(name) => rollback_of(model, &name),
        None => {
            model.say("no service is marked", true);
            Vec::new()
        }
    }
}

/// `R` for the release that a question is about: the fleet's mark may have moved on below it.
pub(super) fn rollback_of(model: &mut Model, name: &str) -> Vec<Effect> {
    let surface = model.screen.key_surface();
    go_back(model, name, model.operations.rollback_intent(name), surface)
}

/// Back to a revision that was chosen from a list.
pub(crate) fn rollback_to(model: &mut Model, name: &str, to: TaskDefinitionArn) -> Vec<Effect> {
    go_back(model, name, Intent::Rollback { to: Some(to), at_once: false }, Surface::Chosen)
}

pub(super) fn go_back(model: &mut Model, name: &str, intent: Intent, surface: Surface) -> Vec<Effect> {
    let Some(release) = model.release(name) else {
        model.say(format!("{name} is no longer there"), true);
        return Vec::new();
    };
    if model.operations.in_flight(name).is_some_and(|operation| operation.leads_to(&intent)) {
        model.say(format!("{}: nothing is sent twice", in_flight::describe(model, name)), false);
        return Vec::new();
    }
    let plan = match model.plan(release, &intent) {
        Ok(plan) => plan,
        Err(refusal) if in_flight::awaits_deployment(model, name, &refusal) => {
            in_flight::arm(model, name, intent, refusal);
            return Vec::new();
        }
        Err(refusal) => {
            offer_a_copy(model, name, refusal, intent);
            return Vec::new();
        }
    };
    if plan.is_reached() {
        model.say(plan.title, false);
        return Vec::new();
    }
    let pending = model.operations.pending.get(name);
    match Consent::of(pending_rollback::confirmation(pending, &model.observed.settings, release, &plan, surface)) {
        Some(consent) => ask(model, plan, consent),
        None => return model.start(plan, Order::default()),
    }
    Vec::new()
}

/// There is no way back. Where the revision that worked was only deregistered, a copy of it can be registered.
fn offer_a_copy(model: &mut Model, name: &str, refusal: Refusal, intent: Intent) {
    let copy = model.release(name).and_then(|release| {
        let deregistered = release.previous.iter().find(|good| !good.rolled_back_from && good.active == Some(false))?;
        let intent = Intent::Register { copy_of: deregistered.task_definition.clone() };
        model.plan(release, &intent).ok()
    });
    match copy {
        Some(mut plan) if previous_is_none(model, name) => {
            plan.warnings.insert(0, Warning::Note(refusal.reason));
            let consent = model.forward_consent(plan.gate.as_ref());
            ask(model, plan, consent);
        }
        _ => model.refuse("Roll back", refusal, Some((name.to_owned(), intent))),
    }
}

fn previous_is_none(model: &Model, name: &str) -> bool {
    model.release(name).is_some_and(|release| target::best(&release.previous).is_none())
}

/// Puts a plan up as a question, with the other ways to the same end.
fn ask(model: &mut Model, plan: Plan, consent: Consent) {
    let ways = match model.release(&plan.release) {
        Some(release) => {
            let ways = plan::ways(release, &plan.intent);
            ways.into_iter().filter(|way| *way == plan.intent || model.plan(release, way).is_ok()).collect()
        }
        None => Vec::new(),
    };
    model.screen.dialog = Some(Dialog::Confirm(Box::new(Confirm { plan, consent, ways, drawn: None, details: false })));
}

/// Time without `P` that separates a further step from the one before, in the operator's time: hands that repeat `P y`
/// up to every five seconds take one step.
const STEPS_APART: SignedDuration = SignedDuration::from_secs(12);

/// `P`: a question, unless the key belongs to the burst that took the last step.
pub(super) fn step(model: &mut Model) {
    let name = model.focus().map(|release| release.name.clone());
    let burst = name.and_then(|name| Some((since_step(model, &name).filter(|since| *since < STEPS_APART)?, name)));
    let Some((since, name)) = burst else { return propose(model, Intent::Step { to: None }) };
    model.screen.ignored_step = Some((name, model.observed.now.at));
    let (since, apart) = (since.as_secs(), STEPS_APART.as_secs());
    let text = format!("P ignored: the last step, or P, was {since} s ago. {apart} s without P, then P steps again.");
    model.say(text, true);
}

/// Time since the last step of a release ended, or since the key that was ignored after it.
fn since_step(model: &Model, name: &str) -> Option<SignedDuration> {
    let operation = model.operations.latest.get(name);
    let operation = operation.filter(|operation| matches!(operation.plan.intent, Intent::Step { .. }))?;
    let (ended, _) = operation.outcome.as_ref()?;
    let ignored = model.screen.ignored_step.as_ref().filter(|(of, _)| of == name).map(|(_, at)| *at);
    Some(model.observed.now.since(ignored.map_or(*ended, |at| at.max(*ended))))
}

/// A forward key: the plan as a question, or why there is none.
pub(crate) fn propose(model: &mut Model, intent: Intent) {
    let Some(release) = idle_release(model) else { return };
    let plan = model.release(&release).map(|release| model.plan(release, &intent));
    match plan {
        Some(Ok(plan)) if plan.is_reached() => model.say(plan.title, false),
        Some(Ok(plan)) => {
            let consent = model.forward_consent(plan.gate.as_ref());
            ask(model, plan, consent);
        }
        Some(Err(refusal)) => {
            let title = format!("{} {release}", intent.verb());
            model.refuse(&title, refusal, Some((release, intent)));
        }
        None => {}
    }
}

/// `W`: which share?
pub(crate) fn ask_weight(model: &mut Model) {
    let Some(name) = idle_release(model) else { return };
    let probe = model.release(&name).map(|release| (release.canary.is_some(), release.share.configured));
    match probe {
        Some((true, Some(_))) => {
            model.screen.dialog = Some(Dialog::Weight { release: name, input: Input::default(), error: None });
        }
        // The planner has the words for why not.
        _ => propose(model, Intent::Weight { to: Percent::ZERO }),
    }
}

/// `S`: which revision?
pub(crate) fn ask_revision(model: &mut Model) {
    let Some(name) = idle_release(model) else { return };
    // What no revision could be started over is said before one is chosen.
    let under_way = model.release(&name).filter(|release| release.method.shifted_by_ecs() && release.in_flight());
    if let Some(task_definition) = under_way.map(|release| release.newest().task_definition.clone()) {
        return propose(model, Intent::Start { task_definition, pauses: false });
    }
    if let Some(family) = model.release(&name).map(|release| release.newest().task_definition.family().to_owned()) {
        let purpose = Purpose::Start;
        model.screen.dialog = Some(Dialog::Revisions(Revisions { release: name, family, selected: None, purpose }));
    }
}

/// `c` in the question about going back: to which revision?
pub(super) fn ask_where_to(model: &mut Model, name: String) {
    let family = model.release(&name).map(|release| release.stable.task_definition.family().to_owned());
    if let Some(family) = family {
        let purpose = Purpose::Rollback;
        model.screen.dialog = Some(Dialog::Revisions(Revisions { release: name, family, selected: None, purpose }));
    }
}

/// `H`: off at once where it is on; else a question, or why not.
pub(crate) fn ask_automatic(model: &mut Model) -> Option<Effect> {
    let on =
        model.focus().map(|release| release.name.clone()).filter(|name| model.operations.automatic.contains_key(name));
    if let Some(name) = on {
        return model.disable(&name);
    }
    let name = idle_release(model)?;
    match model.release(&name).and_then(|release| auto_promotion::refused(model, release)) {
        Some(refusal) => model.refuse(&format!("automatic stepping of {name}"), refusal, None),
        None => {
            let consent = model.forward_consent(None);
            model.screen.dialog = Some(Dialog::AutoPromotion { release: name, consent, drawn: None });
        }
    }
    None
}

/// The release that a forward key is for, unless something is in flight there.
fn idle_release(model: &mut Model) -> Option<String> {
    let Some(name) = model.focus().map(|release| release.name.clone()) else {
        model.say("no service is marked", true);
        return None;
    };
    if model.operations.in_flight(&name).is_some() {
        let text = in_flight::describe(model, &name);
        model.say(text, true);
        return None;
    }
    if model.operations.pending.contains_key(&name) {
        model.say(format!("the rollback of {name} did not happen yet: R tries it again, w waives it"), true);
        return None;
    }
    Some(name)
}

/// `q`: at once, unless an operation still has calls to send or something goes on by itself; then a second one is asked
/// for.
pub(crate) fn quit(model: &mut Model, asked_before: bool) -> Vec<Effect> {
    let automatic: Vec<_> = model.operations.automatic.keys().cloned().collect();
    let idle = model.operations.latest.values().all(|operation| !operation.in_flight());
    if !automatic.is_empty() && idle && !asked_before {
        let names = automatic.join(", ");
        let text = format!("AUTOMATIC is on for {names}, and ends with this console. The same key again leaves.");
        model.screen.leaving = true;
        model.say(text, true);
        return Vec::new();
    }
    if let Some(name) = model.operations.pending.keys().next().filter(|_| idle && !asked_before) {
        let text =
            format!("The rollback of {name} did not happen, and ends with this console. The same key again leaves.");
        model.screen.leaving = true;
        model.say(text, true);
        return Vec::new();
    }
    let unfinished = model.operations.latest.values().find(|operation| operation.in_flight());
    let Some(operation) = unfinished.filter(|_| !asked_before) else {
        return vec![Effect::Quit];
    };
    let (at, of) = (operation.verified() + 1, operation.plan.steps.len());
    let unsent = match operation.plan.intent {
        Intent::Step { .. } | Intent::Weight { .. } => "Traffic will NOT be moved",
        Intent::Rollback { .. } => "The rollback will NOT be completed",
        _ => "What is left will NOT be sent",
    };
    let text =
        format!("Leave now? {unsent} (step {at} of {of} of {}). The same key again leaves.", operation.plan.release);
    model.screen.leaving = true;
    model.say(text, true);
    Vec::new()
}

impl Model {
    /// A forward act is never carried out unasked.
    fn forward_consent(&self, gate: Option<&Gate>) -> Consent {
        Consent::of(confirm::forward(&self.observed.settings, gate)).unwrap_or(Consent::Yes)
    }

    /// Takes a question away that is no longer asked, and says why.
    pub(crate) fn close(&mut self, why: String) {
        let Some(mut dialog) = self.screen.dialog.take() else { return };
        if matches!(dialog, Dialog::Closed { .. }) {
            self.screen.dialog = Some(dialog);
        } else if dialog.input().is_some() {
            self.screen.dialog = Some(Dialog::Closed { why });
        } else {
            self.say(why, true);
        }
    }

    pub(super) fn refuse(&mut self, title: &str, refusal: Refusal, of: Option<(String, Intent)>) {
        self.screen.dialog = Some(Dialog::Refused { title: title.to_owned(), refusal, of });
    }
}

#[cfg(test)]
mod tests;
