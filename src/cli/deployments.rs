//! A service deployment in words and in documents, shared by `history`, `watch` and `status`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::format::{image_tag, since, span};
use crate::domain::ecs::deployment::{DeploymentOutcome, DeploymentStatus, Pause, ServiceDeployment, ServiceRevision};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::rollback::target::Evidence;

/// Maximum time between the stop of a deployment and the start of the one that superseded it.
const AT_THE_SAME_TIME: SignedDuration = SignedDuration::from_mins(2);

/// A revision's version, as people call it: the tag of its first image.
pub(super) fn version(revision: &ServiceRevision, snapshot: &Snapshot) -> Option<String> {
    let of_image = || revision.images.first().and_then(|image| image_tag(&image.image)).map(str::to_owned);
    version_of(&revision.task_definition, snapshot).or_else(of_image)
}

/// The version of a task definition, without a service revision.
pub(super) fn version_of(task_definition: &TaskDefinitionArn, snapshot: &Snapshot) -> Option<String> {
    snapshot.task_definition(task_definition)?.version().map(str::to_owned)
}

/// `:41 → :42 1.9.0`.
pub(super) fn revisions(deployment: &ServiceDeployment, snapshot: &Snapshot) -> String {
    let Some(target) = &deployment.target else { return "revision unknown".to_owned() };
    let to = target.task_definition.tag();
    let mut from: Vec<_> = deployment.sources.iter().map(|source| source.task_definition.tag()).collect();
    from.dedup();
    let version = version(target, snapshot).map(|version| format!(" {version}")).unwrap_or_default();
    if from.is_empty() { format!("{to}{version}") } else { format!("{} → {to}{version}", from.join("+")) }
}

/// The outcome of a deployment, or its progress.
pub(super) fn outcome(deployment: &ServiceDeployment, history: &[ServiceDeployment], now: Timestamp) -> String {
    let back = deployment.rolled_back_to().map(|to| format!(" to {}", to.tag())).unwrap_or_default();
    match deployment.outcome() {
        Some(DeploymentOutcome::Succeeded) => "succeeded".to_owned(),
        Some(DeploymentOutcome::RolledBack) => format!("rolled back{back}"),
        Some(DeploymentOutcome::RollbackFailed) => format!("ROLLBACK FAILED{back}"),
        Some(DeploymentOutcome::Stopped) => match superseded_by(deployment, history) {
            Some(newer) => format!("stopped, superseded by {}", target_tag(newer)),
            None => "stopped".to_owned(),
        },
        None => {
            let place: Vec<_> = deployment
                .stage
                .iter()
                .map(ToString::to_string)
                .chain(deployment.requested.map(|requested| requested.to_string()))
                .collect();
            let at = if place.is_empty() { String::new() } else { format!(" at {}", place.join(" ")) };
            match deployment.pauses().first() {
                Some(first) => format!("paused{at}, {}", pause(first, now)),
                None => format!(
                    "{}{}{at}",
                    status(&deployment.status),
                    if deployment.status.rolling_back() { &back } else { "" }
                ),
            }
        }
    }
}

/// The reason in AWS's words: that of the rollback, else that of the deployment's status.
pub(super) fn reason(deployment: &ServiceDeployment) -> Option<&str> {
    let of_rollback = deployment.rollback.as_ref().and_then(|rollback| rollback.reason.as_deref());
    let of_status = deployment.reason.as_deref();
    of_rollback.or(of_status).filter(|reason| !reason.is_empty())
}

/// A status in words; a status unknown to this version appears as AWS spells it.
pub(super) fn status(status: &DeploymentStatus) -> String {
    match status {
        DeploymentStatus::Pending => "pending".to_owned(),
        DeploymentStatus::InProgress => "in progress".to_owned(),
        DeploymentStatus::StopRequested => "being stopped".to_owned(),
        DeploymentStatus::Stopped => "stopped".to_owned(),
        DeploymentStatus::Successful => "succeeded".to_owned(),
        DeploymentStatus::RollbackRequested => "rollback requested".to_owned(),
        DeploymentStatus::RollbackInProgress => "rolling back".to_owned(),
        DeploymentStatus::RollbackSuccessful => "rolled back".to_owned(),
        DeploymentStatus::RollbackFailed => "ROLLBACK FAILED".to_owned(),
        DeploymentStatus::Other(name) => name.clone(),
    }
}

/// `:25`, the revision that a deployment installs.
pub(super) fn target_tag(deployment: &ServiceDeployment) -> String {
    deployment.task_definition().map_or_else(|| "another deployment".to_owned(), TaskDefinitionArn::tag)
}

/// The time left of a pause, and the action at its end: `23h 10m left, then ROLLBACK`.
pub(super) fn pause(pause: &Pause, now: Timestamp) -> String {
    let then = pause.then.as_deref().unwrap_or("it is answered by itself");
    match pause.until {
        Some(until) if until > now => format!("{} left, then {then}", span(until.duration_since(now))),
        Some(until) => format!("its time ran out {} ago: {then}", since(until, now)),
        None => "waits without a deadline".to_owned(),
    }
}

/// The evidence that a revision has worked, in words.
pub(super) fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Deployment => "a deployment of it succeeded",
        Evidence::Replaced => "it is being replaced",
        Evidence::Witnessed => "it was seen complete and healthy from here",
        Evidence::NeverRan => "no task of it ever ran",
    }
}

/// The newer deployment that superseded a stopped one.
pub(super) fn superseded_by<'a>(
    deployment: &ServiceDeployment,
    history: &'a [ServiceDeployment],
) -> Option<&'a ServiceDeployment> {
    if deployment.status != DeploymentStatus::Stopped {
        return None;
    }
    let begun = deployment.created_at?;
    let next = history
        .iter()
        .filter(|other| other.arn != deployment.arn && other.created_at.is_some_and(|at| at >= begun))
        .min_by_key(|other| other.created_at)?;
    let ended = deployment.finished_at.and_then(|ended| ended.checked_add(AT_THE_SAME_TIME).ok());
    ended.is_none_or(|ended| next.created_at.is_some_and(|at| at <= ended)).then_some(next)
}

/// The members of a deployment that every document has.
pub(super) fn brief(deployment: &ServiceDeployment) -> Value {
    json!({
        "arn": deployment.arn,
        "status": deployment.status,
        "outcome": deployment.outcome(),
        "strategy": deployment.configuration.strategy,
        "requested_percent": deployment.requested,
        "stage": deployment.stage,
        "task_definition": deployment.task_definition(),
        "created_at": deployment.created_at,
        "finished_at": deployment.finished_at,
        "reason": deployment.reason,
        "rollback": rollback(deployment),
    })
}

fn rollback(deployment: &ServiceDeployment) -> Option<Value> {
    let rollback = deployment.rollback.as_ref()?;
    Some(json!({
        "to": rollback.to.as_ref().map(|to| &to.task_definition),
        "service_revision": rollback.to.as_ref().map(|to| &to.arn),
        "reason": rollback.reason,
        "started_at": rollback.started_at,
    }))
}

/// A deployment as a complete document.
pub(super) fn document(deployment: &ServiceDeployment, history: &[ServiceDeployment], snapshot: &Snapshot) -> Value {
    let revision = |revision: &ServiceRevision| {
        json!({
            "arn": revision.arn,
            "task_definition": revision.task_definition,
            "revision": revision.task_definition.short(),
            "version": version(revision, snapshot),
            "images": revision.images,
        })
    };
    let alarms = deployment.alarms.as_ref();
    let breaker = deployment.breaker.as_ref();
    json!({
        "arn": deployment.arn,
        "status": deployment.status,
        "outcome": deployment.outcome(),
        "reason": deployment.reason,
        "created_at": deployment.created_at,
        "started_at": deployment.started_at,
        "finished_at": deployment.finished_at,
        "duration_seconds": deployment.took().map(|took| took.as_secs()),
        "target": deployment.target.as_deref().map(revision),
        "sources": deployment.sources.iter().map(|source| revision(source)).collect::<Vec<_>>(),
        "requested_percent": deployment.requested,
        "requested_test_percent": deployment.requested_test,
        "stage": deployment.stage,
        "hooks": deployment.hooks,
        "pauses": deployment.pauses(),
        "alarms": alarms,
        "breaker": breaker,
        "rollback": rollback(deployment),
        "superseded_by": superseded_by(deployment, history).map(|newer| &newer.arn),
        "configuration": deployment.configuration,
    })
}
