//! Automatic promotion in the console: the releases for which it is on, the condition that each one waits for, and the
//! countdown before each act, which any key stops. The decisions are made in [`crate::domain::auto_promotion`].

use jiff::Timestamp;

use crate::console::message::{Effect, Order};
use crate::console::state::Model;
use crate::console::state::auto_promotion::{AutoPromotion, Countdown, Off};
use crate::console::state::external_changes::World;
use crate::console::state::freshness;
use crate::console::wording::KEYS;
use crate::domain::analysis;
use crate::domain::auto_promotion;
use crate::domain::auto_promotion::{Decision, Doing, Known};
use crate::domain::operation::{Operation, OperationId, OperationOutcome};
use crate::domain::plan::{Intent, Plan, Refusal};
use crate::domain::release::{Bake, Release};

/// Evaluates every release with automatic promotion. Runs after each message, on the derived state.
pub(crate) fn refresh(model: &mut Model) -> Vec<Effect> {
    let names: Vec<_> = model.operations.automatic.keys().cloned().collect();
    let mut effects = Vec::new();
    for name in names {
        let Some(mut this) = model.operations.automatic.remove(&name) else { continue };
        match evaluate(model, &name, &mut this, &mut effects) {
            None => {
                model.operations.automatic.insert(name, this);
            }
            Some(off) => model.switch_off(&name, off),
        }
    }
    effects
}

/// Evaluates one release; `Some`: automatic promotion is over.
fn evaluate(model: &mut Model, name: &str, this: &mut AutoPromotion, effects: &mut Vec<Effect>) -> Option<Off> {
    let at = model.observed.now.at;
    let off = |why: String, wrong| Some(Off { at, why, wrong });
    let Some(release) = model.release(name).cloned() else {
        return off("it is not here any more".to_owned(), true);
    };
    let world = World::of(&release);
    let doing = match follow(model.operations.latest.get(name), this, &world) {
        Ok(doing) => doing,
        Err((why, wrong)) => return off(why, wrong),
    };
    if doing == Doing::Nothing {
        if let Some(what) = this.left.acted(&world) {
            return off(format!("somebody else acted: {what}"), true);
        }
        this.left = world;
    }
    let known = known(model, &release, &mut this.failing_since, doing);
    if let Some((id, why)) = unfounded(model, &release, this, &known) {
        this.withdrawn = Some(id);
        effects.push(Effect::Cancel(id));
        // Without an automatic rollback on FAIL, the withdrawal ends automatic promotion. With it, automatic promotion
        // stays on: the rollback may be needed now.
        if known.rollback_after.is_none() {
            return off(why, true);
        }
        model.say(format!("AUTOMATIC, {name}: {why}"), true);
    }
    let (intent, why) = match auto_promotion::decide(&release, &known) {
        Decision::Stop(refusal) => return off(refusal.text(KEYS), false),
        Decision::Busy => {
            // The reason for the step in flight stays on the screen.
            if this.own != this.watched || this.own == this.withdrawn {
                "an operation is in flight".clone_into(&mut this.says);
            }
            this.countdown = None;
            return None;
        }
        Decision::Idle(what) => {
            this.hold(what.text(KEYS));
            return None;
        }
        Decision::Step(why) => (Intent::Step { to: None }, why),
        Decision::Rollback(why) => (Intent::Rollback { to: None, at_once: false }, why),
    };
    match (model.observed.plan(&release, &intent), held(model)) {
        (Err(refusal), _) => this.hold(format!("held: {}", refusal.text(KEYS))),
        (Ok(plan), _) if plan.gate.is_some() => this.hold(format!("held: {} is gated", plan.title)),
        (Ok(_), Some(held)) => this.hold(format!("{why}; {held}")),
        (Ok(plan), None) => {
            this.says = why;
            effects.extend(count_down(model, this, plan));
        }
    }
    None
}

/// The effect of the release's operation on automatic promotion. An error is the reason why automatic promotion is
/// over, and true if the operator should look.
fn follow(operation: Option<&Operation>, this: &mut AutoPromotion, world: &World) -> Result<Doing, (String, bool)> {
    let Some(operation) = operation else { return Ok(Doing::Nothing) };
    let (id, back) = (operation.id, operation.plan.intent.is_rollback());
    match &operation.outcome {
        None if back && this.own != Some(id) => Err(("R takes it back".to_owned(), false)),
        None => {
            this.watched = Some(id);
            Ok(if this.own == Some(id) && !back { Doing::OwnStep } else { Doing::Another })
        }
        Some(_) if this.watched != Some(id) => Ok(Doing::Nothing),
        Some((_, OperationOutcome::Done)) if back => Err((format!("it was rolled back: {}", this.says), true)),
        Some((_, outcome)) if *outcome == OperationOutcome::Done || this.withdrawn == Some(id) => {
            this.watched = None;
            let done = *outcome == OperationOutcome::Done;
            if let Some(what) = this.left.acted_beside(&operation.plan, done, world) {
                return Err((format!("somebody else acted: {what}"), true));
            }
            // The state that this console has just read back is the state in which it left the world.
            this.left = world.clone();
            Ok(Doing::Nothing)
        }
        Some(_) => Err((format!("“{}” did not come to its end", operation.plan.title), true)),
    }
}

/// The automatic step in flight and the reason to withdraw it, if its grounds are gone before users were moved.
fn unfounded(model: &Model, release: &Release, this: &AutoPromotion, known: &Known) -> Option<(OperationId, String)> {
    let operation = unmoved(model, &release.name, this)?;
    let why = match (&known.stale, release.verdict.outcome) {
        (Some(stale), _) => stale.clone(),
        (None, analysis::VerdictStatus::Pass) => return None,
        (None, outcome) => match release.verdict.reasons.first() {
            Some(reason) => format!("{}: {reason}", outcome.word()),
            None => outcome.word().to_owned(),
        },
    };
    Some((operation.id, format!("“{}” was withdrawn: {why}", operation.plan.title)))
}

/// The automatic step in flight, as long as it can be withdrawn without an effect on users.
fn unmoved<'a>(model: &'a Model, name: &str, this: &AutoPromotion) -> Option<&'a Operation> {
    let operation = model.operations.in_flight(name).filter(|operation| this.own == Some(operation.id))?;
    let withdrawn = this.withdrawn == Some(operation.id);
    (!withdrawn && !operation.plan.intent.is_rollback() && !operation.moved_users()).then_some(operation)
}

/// Continues the countdown, or starts the operation at its end. The plan is always the present one.
fn count_down(model: &mut Model, this: &mut AutoPromotion, plan: Plan) -> Vec<Effect> {
    let back = plan.intent.is_rollback();
    let same = this.countdown.take().filter(|counted| counted.back == back && counted.title == plan.title);
    let length = model.observed.settings.automatic.countdown;
    let countdown =
        same.unwrap_or_else(|| Countdown { title: plan.title.clone(), began: model.observed.now.at, length, back });
    if !countdown.left(&model.observed.now).is_zero() {
        this.countdown = Some(countdown);
        return Vec::new();
    }
    let order = Order { automatic: true, why: Some(format!("automatic: {}", this.says)) };
    this.own = Some(model.operations.next_id);
    this.watched = this.own;
    model.start(plan, order)
}

/// The reason that holds a countdown: no countdown runs that the operator cannot see.
fn held(model: &Model) -> Option<&'static str> {
    if model.screen.dialog.is_some() {
        Some("held while a question is open")
    } else if model.screen.too_small() {
        Some("held while the screen is too small to show it")
    } else {
        None
    }
}

fn known(model: &Model, release: &Release, failing_since: &mut Option<Timestamp>, doing: Doing) -> Known {
    let stale = freshness::stale(&model.observed, model.screen.focused, release);
    // A FAIL counts only while it is watched: on stale data the time since the FAIL begins anew.
    let fails = stale.is_none() && release.verdict.outcome == analysis::VerdictStatus::Fail;
    *failing_since = fails.then(|| failing_since.unwrap_or(model.observed.now.at));
    Known {
        now: model.observed.now.at,
        read_only: model.observed.settings.read_only,
        stale,
        doing,
        bake: watched(model, release),
        failing_since: *failing_since,
        rollback_after: model.observed.settings.automatic_of(&release.name).rollback_after,
    }
}

/// The bake of the present share. ECS has a bake of its own only where it goes on by itself; where it waits for an
/// operator, the operator's bake applies.
fn watched(model: &Model, release: &Release) -> Option<Bake> {
    release.bake.or_else(|| {
        let since = model.observed.snapshot.weights_since.get(&release.rules.first()?.route.id)?;
        Some(Bake { since: since.at, seen: since.seen, of: model.observed.settings.bake_of(&release.name) })
    })
}

/// The reason why automatic promotion cannot be switched on for a release, if there is one.
pub(crate) fn refused(model: &Model, release: &Release) -> Option<Refusal> {
    let doing = model.operations.in_flight(&release.name).map_or(Doing::Nothing, |_| Doing::Another);
    let known = known(model, release, &mut None, doing);
    match auto_promotion::decide(release, &known) {
        Decision::Stop(refusal) => Some(refusal),
        _ => None,
    }
}

impl Model {
    /// Switches automatic promotion on for a release.
    pub(crate) fn switch_on(&mut self, name: &str) {
        let Some(left) = self.release(name).map(World::of) else { return };
        let this = AutoPromotion {
            since: self.observed.now.at,
            says: "just switched on".to_owned(),
            countdown: None,
            failing_since: None,
            left,
            watched: None,
            own: None,
            withdrawn: None,
        };
        self.operations.switched_off.remove(name);
        self.operations.automatic.insert(name.to_owned(), this);
        self.say(format!("AUTOMATIC is on for {name}; H switches it off"), false);
    }

    /// Switches automatic promotion off for a release at the operator's request. Its step in flight is withdrawn if
    /// that has not moved users yet.
    pub(crate) fn disable(&mut self, name: &str) -> Option<Effect> {
        let this = self.operations.automatic.remove(name)?;
        let step = unmoved(self, name, &this).map(|operation| (operation.id, operation.plan.title.clone()));
        let withdrawn = step.as_ref().map(|(_, title)| format!(", and “{title}” is withdrawn")).unwrap_or_default();
        self.say(format!("AUTOMATIC is off for {name}{withdrawn}"), false);
        step.map(|(id, _)| Effect::Cancel(id))
    }

    /// Switches automatic promotion off for a release, and shows the reason.
    pub(crate) fn switch_off(&mut self, name: &str, off: Off) {
        self.operations.automatic.remove(name);
        self.say(format!("AUTOMATIC is off for {name}: {}", off.why), off.wrong);
        self.operations.switched_off.insert(name.to_owned(), off);
    }

    /// Switches automatic promotion off for all releases, and shows the reason.
    pub(crate) fn switch_all_off(&mut self, why: &str) {
        for name in self.operations.automatic.keys().cloned().collect::<Vec<_>>() {
            self.switch_off(&name, Off { at: self.observed.now.at, why: why.to_owned(), wrong: true });
        }
    }

    /// Stops every countdown, because an operator is at the keyboard, and switches automatic promotion off for these
    /// releases. Returns true if there was a countdown.
    pub(crate) fn stop_countdowns(&mut self) -> bool {
        let counting = self.operations.automatic.iter().filter(|(_, this)| this.countdown.is_some());
        let names: Vec<_> = counting.map(|(name, _)| name.clone()).collect();
        for name in &names {
            let why = "a key stopped the countdown; nothing was sent".to_owned();
            self.switch_off(name, Off { at: self.observed.now.at, why, wrong: false });
        }
        !names.is_empty()
    }
}

#[cfg(test)]
mod tests;
