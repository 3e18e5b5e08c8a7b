//! A plan's change for users, in one sentence; and the way back once the plan is carried out.

use crate::console::screens::banner::state::{State, healthy_for};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::plan::{Intent, Plan, Price};
use crate::domain::release::share::Percent;
use crate::domain::release::{Method, Phase, Release};

/// The plan's change for users.
pub(super) fn of(scene: &Canvas<'_>, plan: &Plan, release: &Release) -> String {
    let called = |revision: &TaskDefinitionArn| scene.observed.snapshot.called(revision);
    let newest = called(&release.newest().task_definition);
    let share = |share: Percent| format::spaced(share);
    match &plan.intent {
        Intent::Step { .. } | Intent::Weight { .. } => match (release.share.configured, plan.share) {
            (Some(from), Some(to)) if from != to => {
                format!("{} {} {} of users get {newest}", share(from), scene.theme.arrow(), share(to))
            }
            (_, Some(to)) if !release.method.shifted_by_ecs() => format!("{} of users get {newest}", share(to)),
            _ => format!("ECS goes on and moves users to {newest}"),
        },
        Intent::Start { task_definition, .. } => {
            let new = called(task_definition);
            let old = called(&release.stable.task_definition);
            match release.method {
                Method::Weighted => format!("the canary gets {new}; no user moves yet"),
                Method::Native | Method::NativeWeighted => {
                    format!("ECS moves users from {old} to {new} ({})", release.configuration.strategy)
                }
                _ => format!("replace stable {old} by {new} for all users"),
            }
        }
        Intent::Finish => format!("{newest} becomes stable; no user moves"),
        Intent::Register { copy_of } => format!("register a copy of {}; no user moves", copy_of.tag()),
        Intent::Rollback { .. } => {
            let to = plan.ends_on(release).map_or("what it replaced".to_owned(), called);
            match plan.price(release) {
                Price::UsersStay => format!("users are on {to} already: what is left is removed"),
                price => format!("all users back to {to}, {}", format::back_in(price)),
            }
        }
    }
}

/// The first sentence about a rollback with nothing in flight.
pub(super) fn at_rest(scene: &Canvas<'_>, plan: &Plan, release: &Release) -> Option<String> {
    if !plan.intent.is_rollback() || release.phase != Phase::Steady {
        return None;
    }
    let healthy = healthy_for(scene, release, State::of(scene, release));
    let healthy = healthy.map(|healthy| format!("; {} has been healthy for {}", release.name, format::age(healthy)));
    Some(format!("nothing is in flight{}", healthy.unwrap_or_default()))
}

/// The way back while a forward plan is carried out, and its time; `None`: nothing is known of it yet.
pub(super) fn way_back(scene: &Canvas<'_>, plan: &Plan, release: &Release) -> Option<String> {
    if plan.intent.is_rollback() || !release.in_flight() {
        return None;
    }
    if plan.intent == Intent::Finish && release.method == Method::Weighted {
        return Some("after this only a deployment leads back, in minutes".to_owned());
    }
    let back = scene.operations.plan(scene.observed, release, &scene.operations.rollback_intent(&release.name)).ok()?;
    let to = back.ends_on(release).map(|to| scene.observed.snapshot.called(to))?;
    Some(match back.price(release) {
        Price::UsersStay => format!("R; users are on {to} until then"),
        price => format!("R: all users to {to}, {}", format::back_in(price)),
    })
}
