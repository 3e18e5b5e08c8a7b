//! Service deployments: their own times, and the observed changes of their stages and pauses.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::act::{AffectedResource, Unexplained};
use super::{Entry, EventText, Kind, Origin};
use crate::domain::ecs::deployment::{DeploymentOutcome, ServiceDeployment};
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::observe::snapshot::{HookChange, Snapshot, StageChange};

/// A start this soon after the creation gets no entry of its own.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(10);

/// The deployments of these services, by service, oldest first.
fn all<'a>(snapshot: &'a Snapshot, services: &[&'a ServiceKey]) -> Vec<(&'a ServiceKey, &'a ServiceDeployment)> {
    let mut all: Vec<(&ServiceKey, &ServiceDeployment)> = Vec::new();
    for service in services {
        let read = snapshot.deployments.get(*service).and_then(|reading| reading.get());
        all.extend(read.into_iter().flatten().map(|deployment| (*service, deployment)));
    }
    all.sort_by_key(|(_, deployment)| deployment.created_at);
    all
}

/// The origins of these services' deployments, as far as known.
pub(super) fn whose(snapshot: &Snapshot, services: &[&ServiceKey], told: &EventText<'_>) -> BTreeMap<Arn, Origin> {
    let mut unexplained = Unexplained::new(told.acts);
    let whose = |(service, deployment): (&ServiceKey, &ServiceDeployment)| {
        let at = deployment.created_at?;
        let started = |touched: &AffectedResource| match touched {
            AffectedResource::Deployment { service: of, task_definition } => {
                of == service && Some(task_definition) == deployment.task_definition()
            }
            _ => false,
        };
        let hand = match unexplained.take(at, started) {
            true => Origin::Ours,
            false if at >= told.since => Origin::Others,
            false => return None,
        };
        Some((deployment.arn.clone(), hand))
    };
    all(snapshot, services).into_iter().filter_map(whose).collect()
}

/// All events of these services' deployments.
pub(super) fn entries(snapshot: &Snapshot, services: &[&ServiceKey], told: &EventText<'_>) -> Vec<Entry> {
    let whose = whose(snapshot, services, told);
    let mut entries = Vec::new();
    for (service, deployment) in all(snapshot, services) {
        let service = service.service.as_str();
        entries.extend(created(service, deployment, whose.get(&deployment.arn).copied()));
        entries.extend(went(service, deployment, told));
        let stages = snapshot.stage_changes.get(&deployment.arn).into_iter().flatten();
        entries.extend(stages.filter_map(|change| staged(service, deployment, change)));
        let hooks = snapshot.hook_changes.get(&deployment.arn).into_iter().flatten();
        entries.extend(hooks.filter_map(|change| paused(service, deployment, change, told)));
    }
    entries.reverse();
    entries
}

/// `:41 → :42`.
fn revisions(deployment: &ServiceDeployment) -> String {
    let to = deployment.task_definition().map_or("an unknown revision".to_owned(), |to| to.tag());
    let from: Vec<_> = deployment.sources.iter().map(|source| source.task_definition.tag()).collect();
    if from.is_empty() { to } else { format!("{} → {to}", from.join(", ")) }
}

fn entry(at: jiff::Timestamp, service: &str, deployment: &ServiceDeployment, what: &str, text: String) -> Entry {
    Entry::new(at, Kind::Deployment, format!("{} {what}", deployment.arn), service, text)
}

fn created(service: &str, deployment: &ServiceDeployment, hand: Option<Origin>) -> Option<Entry> {
    let at = deployment.created_at?;
    let whose = match hand {
        Some(Origin::Ours) => ", from here",
        Some(Origin::Others) => ", not from here",
        None => "",
    };
    let text = format!("deployment {} created{whose}, {}", revisions(deployment), deployment.configuration.strategy);
    Some(entry(at, service, deployment, "created", text).by(hand))
}

/// The events after the creation that have a time from ECS.
fn went(service: &str, deployment: &ServiceDeployment, told: &EventText<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let name = revisions(deployment);
    let late = |at: &jiff::Timestamp| deployment.created_at.is_none_or(|it| at.duration_since(it) > AT_ONCE);
    if let Some(at) = deployment.started_at.filter(late) {
        entries.push(entry(at, service, deployment, "started", format!("deployment {name} started")));
    }
    let because = |reason: &Option<String>| reason.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    if let Some((rollback, at)) = deployment.rollback.as_ref().and_then(|it| Some((it, it.started_at?))) {
        let to = deployment.rolled_back_to().map(|to| format!(" to {}", to.tag())).unwrap_or_default();
        let text = format!("deployment {name} goes back{to}{}", because(&rollback.reason));
        let hand = taken_back(deployment, told).then_some(Origin::Ours);
        entries.push(entry(at, service, deployment, "rollback", text).by(hand).wrong(true));
    }
    if let Some((outcome, at)) = deployment.outcome().zip(deployment.finished_at) {
        let (how, wrong) = match outcome {
            DeploymentOutcome::Succeeded => ("succeeded", false),
            DeploymentOutcome::RolledBack => ("was rolled back", true),
            DeploymentOutcome::RollbackFailed => ("FAILED TO ROLL BACK", true),
            DeploymentOutcome::Stopped => ("was stopped", false),
        };
        let told_already = deployment.rollback.as_ref().is_some_and(|rollback| rollback.reason == deployment.reason);
        let why =
            if outcome == DeploymentOutcome::Succeeded || told_already { None } else { deployment.reason.clone() };
        let text = format!("deployment {name} {how}{}", because(&why));
        entries.push(entry(at, service, deployment, "finished", text).wrong(wrong));
    }
    entries
}

/// Returns true if a call from here requested the deployment's rollback.
fn taken_back(deployment: &ServiceDeployment, told: &EventText<'_>) -> bool {
    let touches = told.acts.iter().flat_map(|act| &act.touches);
    let mut back = touches.filter_map(|touch| match &touch.what {
        AffectedResource::Stop { deployment } | AffectedResource::Answer { deployment, .. } => Some(deployment),
        _ => None,
    });
    back.any(|touched| *touched == deployment.arn)
}

/// Returns true if ECS reports an alarm or the circuit breaker as the reason of its rollback.
fn by_itself(deployment: &ServiceDeployment) -> bool {
    let reason = deployment.rollback.as_ref().and_then(|rollback| rollback.reason.as_deref()).unwrap_or_default();
    let reason = reason.to_lowercase();
    reason.contains("alarm") || reason.contains("circuit breaker")
}

fn staged(service: &str, deployment: &ServiceDeployment, change: &StageChange) -> Option<Entry> {
    let to = change.after.as_ref()?;
    // For a deployment that ended before its first observation, the stage is only the last one.
    if deployment.finished_at.is_some_and(|at| at <= change.at) {
        return None;
    }
    let from = change.before.as_ref().map(|from| format!(", after {from}")).unwrap_or_default();
    let text = format!("deployment {} at {to}{from}", revisions(deployment));
    Some(entry(change.at, service, deployment, &format!("stage {}", change.at), text).seen())
}

/// The beginning or the end of a pause; the calls sent from here tell the origin of the answer.
fn paused(service: &str, deployment: &ServiceDeployment, change: &HookChange, told: &EventText<'_>) -> Option<Entry> {
    const WAITS: Option<&str> = Some("AWAITING_ACTION");
    let name = revisions(deployment);
    let (text, hand) = match (change.before.as_deref(), change.after.as_deref()) {
        (before, WAITS) if before != WAITS => (format!("deployment {name} waits for an answer"), None),
        (WAITS, Some("TIMED_OUT")) => (format!("nobody answered: the pause of deployment {name} ran out"), None),
        (WAITS, after) if after != WAITS => {
            let answered = |touched: &AffectedResource| matches!(touched, AffectedResource::Answer { hook, .. } if *hook == change.hook);
            let mut touches = told.acts.iter().flat_map(|act| &act.touches);
            let ran_out = change.until.is_some_and(|until| until <= change.at);
            if touches.any(|touch| answered(&touch.what)) {
                (format!("the pause of deployment {name} was answered, from here"), Some(Origin::Ours))
            } else if ran_out {
                (format!("the pause of deployment {name} is over: its time was up"), None)
            } else if taken_back(deployment, told) {
                (format!("the pause of deployment {name} is over: it was taken back from here"), Some(Origin::Ours))
            } else if by_itself(deployment) {
                (format!("the pause of deployment {name} is over: ECS takes it back by itself"), None)
            } else {
                (format!("the pause of deployment {name} was answered, not from here"), Some(Origin::Others))
            }
        }
        _ => return None,
    };
    let id = format!("hook {} {}", change.hook, change.at);
    Some(entry(change.at, service, deployment, &id, text).seen().by(hand))
}
