//! Automatic stepping, as the console keeps it: for which releases it is on, what it waits for, and the countdown before
//! each act that any key stops. What is to be done is decided in [`crate::domain::auto_promotion`].

use jiff::{SignedDuration, Timestamp};

use super::commands;
use super::external_changes::World;
use crate::console::message::{Effect, Now, Order};
use crate::console::state::Model;
use crate::console::state::freshness;
use crate::console::state::operation::{Operation, OperationId, OperationOutcome};
use crate::console::wording::KEYS;
use crate::domain::analysis;
use crate::domain::auto_promotion;
use crate::domain::auto_promotion::{Decision, Doing, Known};
use crate::domain::plan::{Intent, Plan, Refusal};
use crate::domain::release::{Bake, Release};

/// Automatic stepping of one release, while it is on.
#[derive(Debug, Clone)]
pub struct Automatic {
    /// When it was switched on.
    pub since: Timestamp,
    /// What it waits for, in words.
    pub says: String,
    /// What is about to be done.
    pub countdown: Option<Countdown>,
    /// Since when the verdict has been FAIL, on fresh numbers all the time.
    failing_since: Option<Timestamp>,
    /// The world as this console left it.
    left: World,
    /// The operation of this console that is in flight.
    watched: Option<OperationId>,
    /// The one that was ordered by itself.
    own: Option<OperationId>,
    /// The one of those that was broken off, because what spoke for it was gone.
    withdrawn: Option<OperationId>,
}

/// The time in which a key can stop what is about to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Countdown {
    /// What will be done: the plan's own title.
    pub title: String,
    /// When it began.
    began: Timestamp,
    /// How long it is, in the operator's time.
    length: SignedDuration,
    /// Whether it is a way back.
    back: bool,
}

/// Why it was switched off, when that was not asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Off {
    /// When.
    pub at: Timestamp,
    /// Why, one sentence.
    pub why: String,
    /// Whether somebody should look; else it is where it should be.
    pub wrong: bool,
}

impl Automatic {
    /// Waits, and counts nothing down.
    fn hold(&mut self, says: String) {
        (self.says, self.countdown) = (says, None);
    }
}

impl Countdown {
    /// What is left of it, as the operator lives it.
    pub fn left(&self, now: &Now) -> SignedDuration {
        self.length.saturating_sub(now.since(self.began)).max(SignedDuration::ZERO)
    }
}

/// Looks at every release that it is on for; after each message, on what has been derived.
pub(crate) fn tend(model: &mut Model) -> Vec<Effect> {
    let names: Vec<_> = model.automatic.keys().cloned().collect();
    let mut effects = Vec::new();
    for name in names {
        let Some(mut this) = model.automatic.remove(&name) else { continue };
        match look(model, &name, &mut this, &mut effects) {
            None => {
                model.automatic.insert(name, this);
            }
            Some(off) => model.switch_off(&name, off),
        }
    }
    effects
}

/// What comes of looking at one release; `Some`: it is over.
fn look(model: &mut Model, name: &str, this: &mut Automatic, effects: &mut Vec<Effect>) -> Option<Off> {
    let at = model.now.at;
    let off = |why: String, wrong| Some(Off { at, why, wrong });
    let Some(release) = model.release(name).cloned() else {
        return off("it is not here any more".to_owned(), true);
    };
    let world = World::of(&release);
    let mut doing = Doing::Nothing;
    if let Some(operation) = model.operations.get(name) {
        let (id, back) = (operation.id, operation.plan.intent.is_rollback());
        match &operation.outcome {
            None if back && this.own != Some(id) => return off("R takes it back".to_owned(), false),
            None => {
                this.watched = Some(id);
                doing = if this.own == Some(id) && !back { Doing::OwnStep } else { Doing::Another };
            }
            Some(_) if this.watched != Some(id) => {}
            Some((_, OperationOutcome::Done)) if back => {
                return off(format!("it was rolled back: {}", this.says), true);
            }
            Some((_, outcome)) if *outcome == OperationOutcome::Done || this.withdrawn == Some(id) => {
                this.watched = None;
                let done = *outcome == OperationOutcome::Done;
                if let Some(what) = this.left.acted_beside(&operation.plan, done, &world) {
                    return off(format!("somebody else acted: {what}"), true);
                }
                // What this console has just read back is how it left the world.
                this.left = world.clone();
            }
            Some(_) => return off(format!("“{}” did not come to its end", operation.plan.title), true),
        }
    }
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
        // Whoever wants a FAIL rolled back by itself wants it all the more now.
        if known.rollback_after.is_none() {
            return off(why, true);
        }
        model.say(format!("AUTOMATIC, {name}: {why}"), true);
    }
    let (intent, why) = match auto_promotion::decide(&release, &known) {
        Decision::Stop(refusal) => return off(refusal.text(KEYS), false),
        Decision::Busy => {
            // What spoke for what is being done stays said.
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
    match (model.plan(&release, &intent), held(model)) {
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

/// The step that is being carried out by itself, and that what spoke for it is gone before users were moved.
fn unfounded(model: &Model, release: &Release, this: &Automatic, known: &Known) -> Option<(OperationId, String)> {
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

/// The step that is being carried out by itself, as long as it can be withdrawn without a trace for users.
fn unmoved<'a>(model: &'a Model, name: &str, this: &Automatic) -> Option<&'a Operation> {
    let operation = model.operation_in_flight(name).filter(|operation| this.own == Some(operation.id))?;
    let withdrawn = this.withdrawn == Some(operation.id);
    (!withdrawn && !operation.plan.intent.is_rollback() && !operation.moved_users()).then_some(operation)
}

/// Counts on, or carries out what was counted down to. The plan is the one of this moment.
fn count_down(model: &mut Model, this: &mut Automatic, plan: Plan) -> Vec<Effect> {
    let back = plan.intent.is_rollback();
    let same = this.countdown.take().filter(|counted| counted.back == back && counted.title == plan.title);
    let length = model.settings.automatic.countdown;
    let countdown = same.unwrap_or_else(|| Countdown { title: plan.title.clone(), began: model.now.at, length, back });
    if !countdown.left(&model.now).is_zero() {
        this.countdown = Some(countdown);
        return Vec::new();
    }
    let order = Order { automatic: true, why: Some(format!("automatic: {}", this.says)) };
    this.own = Some(model.next_operation);
    this.watched = this.own;
    commands::execute(model, plan, order)
}

/// What keeps a countdown from beginning: nothing is counted down to that the operator cannot see.
fn held(model: &Model) -> Option<&'static str> {
    if model.dialog.is_some() {
        Some("held while a question is open")
    } else if model.too_small() {
        Some("held while the screen is too small to show it")
    } else {
        None
    }
}

fn known(model: &Model, release: &Release, failing_since: &mut Option<Timestamp>, doing: Doing) -> Known {
    let stale = freshness::stale(model, release);
    // What was not watched did not last: a FAIL begins anew when it is seen again.
    let fails = stale.is_none() && release.verdict.outcome == analysis::VerdictStatus::Fail;
    *failing_since = fails.then(|| failing_since.unwrap_or(model.now.at));
    Known {
        now: model.now.at,
        read_only: model.settings.read_only,
        stale,
        doing,
        bake: watched(model, release),
        failing_since: *failing_since,
        rollback_after: model.settings.automatic_of(&release.name).rollback_after,
    }
}

/// How long the present share has been watched. ECS has a bake of its own only where it goes on by itself; where it
/// waits for an operator, the operator's applies.
fn watched(model: &Model, release: &Release) -> Option<Bake> {
    release.bake.or_else(|| {
        let since = model.snapshot.weights_since.get(&release.routes.first()?.id)?;
        Some(Bake { since: since.at, seen: since.seen, of: model.settings.bake_of(&release.name) })
    })
}

/// Why it cannot be switched on for a release, where that is so.
pub(crate) fn refused(model: &Model, release: &Release) -> Option<Refusal> {
    let doing = model.operation_in_flight(&release.name).map_or(Doing::Nothing, |_| Doing::Another);
    let known = known(model, release, &mut None, doing);
    match auto_promotion::decide(release, &known) {
        Decision::Stop(refusal) => Some(refusal),
        _ => None,
    }
}

impl Model {
    /// Switches it on for a release.
    pub(crate) fn switch_on(&mut self, name: &str) {
        let Some(left) = self.release(name).map(World::of) else { return };
        let this = Automatic {
            since: self.now.at,
            says: "just switched on".to_owned(),
            countdown: None,
            failing_since: None,
            left,
            watched: None,
            own: None,
            withdrawn: None,
        };
        self.switched_off.remove(name);
        self.automatic.insert(name.to_owned(), this);
        self.say(format!("AUTOMATIC is on for {name}; H switches it off"), false);
    }

    /// Switches it off for a release, as its operator asked: a step of it that has moved nobody yet is not sent.
    pub(crate) fn disable(&mut self, name: &str) -> Option<Effect> {
        let this = self.automatic.remove(name)?;
        let step = unmoved(self, name, &this).map(|operation| (operation.id, operation.plan.title.clone()));
        let withdrawn = step.as_ref().map(|(_, title)| format!(", and “{title}” is withdrawn")).unwrap_or_default();
        self.say(format!("AUTOMATIC is off for {name}{withdrawn}"), false);
        step.map(|(id, _)| Effect::Cancel(id))
    }

    /// Switches it off for a release, and says why.
    pub(crate) fn switch_off(&mut self, name: &str, off: Off) {
        self.automatic.remove(name);
        self.say(format!("AUTOMATIC is off for {name}: {}", off.why), off.wrong);
        self.switched_off.insert(name.to_owned(), off);
    }

    /// Switches it off for all, and says why.
    pub(crate) fn switch_all_off(&mut self, why: &str) {
        for name in self.automatic.keys().cloned().collect::<Vec<_>>() {
            self.switch_off(&name, Off { at: self.now.at, why: why.to_owned(), wrong: true });
        }
    }

    /// Somebody is at the keyboard: stops every countdown and switches those off. Whether there was one.
    pub(crate) fn stop_countdowns(&mut self) -> bool {
        let counting = self.automatic.iter().filter(|(_, this)| this.countdown.is_some());
        let names: Vec<_> = counting.map(|(name, _)| name.clone()).collect();
        for name in &names {
            let why = "a key stopped the countdown; nothing was sent".to_owned();
            self.switch_off(name, Off { at: self.now.at, why, wrong: false });
        }
        !names.is_empty()
    }

    /// The countdown that ends first, and whose it is.
    pub fn countdown(&self) -> Option<(&str, &Countdown)> {
        let all = self.automatic.iter().filter_map(|(name, this)| Some((name.as_str(), this.countdown.as_ref()?)));
        all.min_by_key(|(_, countdown)| countdown.left(&self.now))
    }
}

#[cfg(test)]
mod tests;
