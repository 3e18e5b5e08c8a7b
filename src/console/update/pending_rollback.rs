//! Follows rollbacks that failed: records failed attempts, and sends the rollback again as soon as AWS responds.

use crate::console::links::aws_commands;
use crate::console::message::{Effect, Order};
use crate::console::state::Model;
use crate::console::state::freshness;
use crate::console::state::pending_rollback::{Ending, Event, Next, PendingRollback, Replanned, Stage, in_words};
use crate::domain::operation::Progress;
use crate::domain::release::{Phase, Release};
use crate::domain::rollback::goal::Goal;
use crate::domain::text;

/// Records a report on the release's newest operation.
pub(super) fn note(model: &mut Model, name: &str, progress: &Progress) {
    let Some(operation) = model.operations.latest.get(name).filter(|it| it.plan.intent.is_rollback()) else { return };
    let new = |why: String| PendingRollback {
        ordered: operation.asked,
        plan: operation.plan.clone(),
        goal: operation.goal.clone().unwrap_or(Goal { from: operation.plan.revision.clone(), to: None }),
        why,
        failed: 0,
        stage: Stage::Sending(operation.id),
    };
    let (at, rate) = (model.observed.now.at, model.observed.now.rate);
    match progress {
        Progress::Unknown { fault, .. } => {
            let why = in_words(&fault.operation, fault.kind);
            let new = new(why.clone());
            model.operations.pending.entry(name.to_owned()).or_insert(new).why = why;
        }
        Progress::Ended(outcome) => {
            let read = model.release(name).and_then(|release| freshness::essential_read(&model.observed, release));
            let ending = Ending::of(outcome, read.is_some_and(|read| read >= operation.asked));
            let new = matches!(ending, Ending::Unanswered(_) | Ending::Refused(_)).then(|| new(String::new()));
            let pending = &mut model.operations.pending;
            if let Some(new) = new {
                pending.entry(name.to_owned()).or_insert(new);
            }
            let next = pending.get_mut(name).map(|it| it.advance(Event::Ended { at, ending, rate }));
            if next == Some(Next::Done) {
                pending.remove(name);
            }
        }
        _ => {}
    }
}

/// Evaluates every pending rollback. Runs after each message, on the derived state.
pub(super) fn refresh(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    for name in model.operations.pending.keys().cloned().collect::<Vec<_>>() {
        let Some((read, replanned)) = observe(model, &name) else { continue };
        let now = model.observed.now.at;
        let Some(pending) = model.operations.pending.get_mut(&name) else { continue };
        let ordered = pending.ordered.strftime("%H:%M:%SZ").to_string();
        match pending.advance(Event::Read { now, read, replanned }) {
            Next::Stay => {}
            Next::Done => {
                model.operations.pending.remove(&name);
                model.say(format!("AWS answers again: the rollback of {name} ordered at {ordered} is done"), false);
            }
            Next::Send(plan) => {
                let why = format!("ordered at {ordered}, when AWS did not answer");
                effects.extend(model.start(*plan, Order { automatic: false, why: Some(why) }));
                model.say(format!("AWS answers again: the rollback of {name} ordered at {ordered} is sent"), false);
            }
        }
    }
    effects
}

/// The query time of the oldest essential reading of a release, and the rollback as it would be planned on these
/// readings.
fn observe(model: &Model, name: &str) -> Option<(jiff::Timestamp, Replanned)> {
    let pending = model.operations.pending.get(name).filter(|pending| !pending.is_sending())?;
    let release = model.release(name)?;
    let read = freshness::essential_read(&model.observed, release)?;
    let replanned = match model.plan(release, &pending.plan.intent) {
        _ if rests_on(release, &pending.goal) => Replanned::Reached,
        Ok(plan) if plan.is_reached() => Replanned::Reached,
        Ok(plan) => {
            let goal = Goal::of(&plan, release);
            Replanned::Plan(Box::new(plan), goal)
        }
        Err(_) => Replanned::Refused,
    };
    Some((read, replanned))
}

/// Returns true if nothing is under way and the goal's revision runs alone.
fn rests_on(release: &Release, goal: &Goal) -> bool {
    let stable = &release.stable;
    release.phase == Phase::Steady && stable.settled && goal.to.as_ref() == Some(&stable.task_definition)
}

/// Gives up the pending rollback that the banner shows. The audit records that.
pub(super) fn waive(model: &mut Model) -> Option<Effect> {
    let focus = model.focus().map(|release| release.name.as_str());
    let (name, pending) = model.operations.shown_pending(focus)?;
    let name = name.to_owned();
    if pending.is_sending() {
        model.say(format!("the rollback of {name} is on its way: wait until its outcome is known"), true);
        return None;
    }
    let PendingRollback { ordered, plan, why, .. } = model.operations.pending.remove(&name)?;
    model.say(format!("waived: {name} is not rolled back, and nothing is sent. R rolls back."), true);
    let note = format!("ordered at {}: {why}", ordered.strftime("%Y-%m-%d %H:%M:%SZ"));
    Some(Effect::Waive { plan: Box::new(plan), note })
}

/// Copies the commands that carry out the shown pending rollback; `None` if the screen shows none.
pub(super) fn copy_commands(model: &mut Model) -> Option<Effect> {
    if !model.screen.offers_commands() {
        return None;
    }
    let focus = model.focus().map(|release| release.name.clone());
    let (name, pending) = model.operations.shown_pending(focus.as_deref())?;
    let release = model.release(name);
    let planned = release.and_then(|release| model.plan(release, &pending.plan.intent).ok());
    let plan = planned.as_ref().filter(|plan| !plan.is_reached()).unwrap_or(&pending.plan);
    let copied = aws_commands::of(plan, &model.observed, &model.shell)?.join(" &&\n");
    let said = format!("copied: the aws commands that roll {name} back. Paste them into a shell.");
    model.say(said, false);
    Some(Effect::Copy(text::clean_lines(&copied)))
}
