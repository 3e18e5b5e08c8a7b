//! The observed changes of weights, with their origin.

use super::act::{AffectedResource, Unexplained};
use super::{Entry, EventText, Kind, Origin};
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::route::{Forward, Route, target_group_name};
use crate::domain::observe::snapshot::{Snapshot, StageChange, WeightChange};
use crate::domain::release::{Method, Release, WEIGHT_PAUSE_STAGE};

/// All observed changes of the release's rules.
pub(super) fn entries(snapshot: &Snapshot, release: &Release, told: &EventText<'_>) -> Vec<Entry> {
    let seen =
        release.rules.iter().filter_map(|rule| Some((&rule.route, snapshot.weight_changes.get(&rule.route.id)?)));
    let mut seen: Vec<_> =
        seen.flat_map(|(route, changes)| changes.iter().map(move |change| (route, change))).collect();
    seen.sort_by_key(|(_, change)| change.at);
    let mut unexplained = Unexplained::new(told.acts);
    let mut entries: Vec<_> = seen
        .into_iter()
        .map(|(route, change)| {
            let wrote = |touched: &AffectedResource| match touched {
                AffectedResource::Weights { route: of, weights } => {
                    *of == route.id && weights.iter().all(|weight| change.forwards.contains(weight))
                }
                _ => false,
            };
            let id = format!("{} {}", route.id.arn(), change.at);
            let weights = weights(release, route, change);
            let entry = |text: String, hand| {
                Entry::new(change.at, Kind::Traffic, id, route.id.to_string(), text).seen().by(hand)
            };
            if unexplained.take(change.at, wrote) {
                entry(format!("weights {weights}, written from here"), Some(Origin::Ours))
            } else if let Some(deployment) = shifting(snapshot, release, change) {
                let of = deployment.task_definition().map(|to| format!(" of {}", to.tag())).unwrap_or_default();
                entry(format!("weights {weights}, while a deployment{of} shifts traffic"), None)
            } else {
                entry(format!("weights {weights}, not from here"), Some(Origin::Others))
            }
        })
        .collect();
    entries.reverse();
    entries
}

/// The deployment for which ECS itself was writing weights at the time, if any.
fn shifting<'a>(snapshot: &'a Snapshot, release: &Release, change: &WeightChange) -> Option<&'a ServiceDeployment> {
    if !release.method.shifted_by_ecs() {
        return None;
    }
    let all = snapshot.deployments.get(&release.stable.service)?.get()?;
    let deployment = all.iter().find(|deployment| {
        let began = deployment.created_at.is_some_and(|at| at <= change.at);
        // The effect of the deployment's end is observed after the end.
        let over = deployment.finished_at.is_some_and(|at| change.at.duration_since(at) > SEEN_LATER);
        deployment.configuration.strategy.shifts_traffic() && began && !over
    })?;
    // ECS writes no weights while the deployment is paused for tidegate's weights.
    let mut stages = snapshot.stage_changes.get(&deployment.arn).into_iter().flatten();
    let stage = stages.rfind(|it: &&StageChange| it.at <= change.at).map(|it| it.after.as_ref());
    let held = stage.unwrap_or(deployment.stage.as_ref()) == Some(&WEIGHT_PAUSE_STAGE);
    (!(release.method == Method::NativeWeighted && held)).then_some(deployment)
}

/// Time after a deployment's end within which its last weights may first be observed.
const SEEN_LATER: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

/// `90/10 → 50/50`, stable first; with names if other target groups have weights too.
fn weights(release: &Release, route: &Route, change: &WeightChange) -> String {
    let rule = release.rules.iter().find(|rule| rule.route.id == route.id);
    let order: Vec<_> = rule.into_iter().flat_map(|rule| [&rule.stable, &rule.canary]).collect();
    let known = |forwards: &[Forward]| {
        forwards.len() == order.len() && forwards.iter().all(|forward| order.contains(&&forward.target_group))
    };
    let plain = known(&change.before) && known(&change.forwards);
    let said = |forwards: &[Forward]| {
        let place = |forward: &&Forward| order.iter().position(|group| **group == forward.target_group);
        let mut sorted: Vec<_> = forwards.iter().collect();
        sorted.sort_by_key(|forward| place(forward).unwrap_or(order.len()));
        let word = |forward: &Forward| match plain {
            true => forward.weight.to_string(),
            false => format!("{} {}", target_group_name(&forward.target_group), forward.weight),
        };
        let words: Vec<_> = sorted.into_iter().map(word).collect();
        words.join(if plain { "/" } else { ", " })
    };
    format!("{} → {}", said(&change.before), said(&change.forwards))
}
