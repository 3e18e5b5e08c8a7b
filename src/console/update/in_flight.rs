//! An operation of this console in flight: its description, and the keys that change it.

use crate::console::state::Model;
use crate::console::state::pending_rollback::{PendingRollback, Stage};
use crate::domain::operation::Operation;
use crate::domain::plan::{Intent, Plan, Refusal, Remedy};
use crate::domain::release::Release;
use crate::domain::rollback::goal::Goal;

/// The description of the operation in flight, with the keys that change it. A key that would be refused is not named.
pub(super) fn describe(model: &Model, name: &str) -> String {
    let Some(operation) = model.operations.in_flight(name) else { return format!("nothing is in flight for {name}") };
    let keys = model.release(name).and_then(|release| keys(model, release, operation));
    let keys = keys.unwrap_or("wait until it has ended");
    match operation.plan.intent.is_rollback() {
        true => {
            let of = operation.steps.len();
            let step = (operation.verified() + 1).min(of);
            let to = operation.goal.as_ref().and_then(|goal| goal.to.as_ref());
            let to = to.map(|to| format!(" to {}", to.tag())).unwrap_or_default();
            format!("{name} is being rolled back{to}, step {step} of {of}; {keys}")
        }
        false => format!("{} is in flight; {keys}", operation.plan.title),
    }
}

fn keys(model: &Model, release: &Release, operation: &Operation) -> Option<&'static str> {
    if operation.plan.intent.is_rollback() {
        return redirect(model, release, operation).map(|_| "h goes to another revision");
    }
    let taken_back = match model.plan(release, &model.operations.rollback_intent(&release.name)) {
        Ok(plan) => !plan.is_reached(),
        Err(refusal) => awaits_deployment(model, &release.name, &refusal),
    };
    taken_back.then_some("R takes it back")
}

/// A rollback plan to another revision than the target of the rollback in flight, if there is one.
fn redirect(model: &Model, release: &Release, operation: &Operation) -> Option<Plan> {
    let candidates = release.previous.iter().filter(|good| good.active != Some(false));
    let intents = candidates.map(|good| Intent::Rollback { to: Some(good.task_definition.clone()), at_once: false });
    let others = intents.filter(|intent| !operation.leads_to(intent));
    others.filter_map(|intent| model.plan(release, &intent).ok()).find(|plan| !plan.is_reached())
}

/// Returns true if the rollback of an operation in flight only waits for ECS to name the deployment that this operation
/// started.
pub(super) fn awaits_deployment(model: &Model, name: &str, refusal: &Refusal) -> bool {
    let forward = |operation: &Operation| matches!(operation.plan.intent, Intent::Start { .. });
    refusal.remedy == Remedy::WaitForDeployment && model.operations.in_flight(name).is_some_and(forward)
}

/// Arms a rollback, which is sent as soon as ECS names the deployment.
pub(super) fn arm(model: &mut Model, name: &str, intent: Intent, refusal: Refusal) {
    let Some(operation) = model.operations.in_flight(name) else { return };
    let Intent::Start { task_definition, .. } = &operation.plan.intent else { return };
    let now = model.observed.now.at;
    let goal = Goal { from: Some(task_definition.clone()), to: None };
    let title = format!("{name} is rolled back from {}", task_definition.tag());
    let plan = Plan { intent, title, steps: Vec::new(), ..operation.plan.clone() };
    let stage = Stage::Armed { since: now, next: now };
    let pending = PendingRollback { ordered: now, plan, goal, why: refusal.reason.clone(), failed: 0, stage };
    model.operations.pending.insert(name.to_owned(), pending);
    model.say(format!("{} The rollback is sent as soon as it does.", refusal.reason), true);
}
