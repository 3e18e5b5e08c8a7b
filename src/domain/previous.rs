//! What to go back to: the newest revision that is known to have worked, never just the one before.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::names::TaskDefinitionArn;
use super::service::{DeploymentStatus, Rollout, RolloutState, Service};
use super::snapshot::Snapshot;

/// How a revision is known to have worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A service deployment of it ended SUCCESSFUL, or a rollback to it did.
    Deployment,
    /// It is what the deployment under way replaces.
    Replaced,
    /// A console on this machine saw it complete and healthy.
    Witnessed,
}

/// A revision to go back to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Good {
    /// The full ARN.
    pub task_definition: TaskDefinitionArn,
    /// How it is known to have worked.
    pub evidence: Evidence,
    /// When that was last seen or finished.
    pub at: Option<Timestamp>,
    /// How long it was what ran, where the history tells.
    pub good_for: Option<SignedDuration>,
    /// Whether it can still be deployed (`status` ACTIVE); `None`: not read.
    pub active: Option<bool>,
}

/// Every revision other than `current` that is known to have worked on this service, best first.
pub fn candidates(service: &Service, current: &TaskDefinitionArn, snapshot: &Snapshot) -> Vec<Good> {
    let mut found: Vec<Good> = Vec::new();
    let mut add = |task_definition: &TaskDefinitionArn, evidence, at, good_for| {
        if task_definition != current && !found.iter().any(|good| good.task_definition == *task_definition) {
            let active = snapshot.task_definition(task_definition).map(|definition| definition.active);
            found.push(Good { task_definition: task_definition.clone(), evidence, at, good_for, active });
        }
    };
    // What a rollout under way replaces was complete when the rollout began. One that failed, or was itself
    // replaced before it was complete, is not what worked.
    if service.rolling() {
        let worked = |rollout: &&Rollout| {
            rollout.role != "PRIMARY"
                && rollout.running > 0
                && matches!(rollout.state, Some(RolloutState::Completed) | None)
        };
        for rollout in service.rollouts.iter().filter(worked) {
            add(&rollout.task_definition, Evidence::Replaced, rollout.updated_at, None);
        }
    }
    let deployments = snapshot.deployments.get(&service.key).and_then(|reading| reading.get());
    let mut deployments: Vec<_> = deployments.into_iter().flatten().collect();
    deployments.sort_by_key(|deployment| Reverse(deployment.finished_at.max(deployment.created_at)));
    let mut until: Option<Timestamp> = None;
    for deployment in deployments {
        let good = match deployment.status {
            DeploymentStatus::Successful => deployment.target.as_ref(),
            // A rollback that succeeded installed its revision again.
            DeploymentStatus::RollbackSuccessful => deployment.rolled_back_to.as_ref(),
            _ => None,
        };
        if let Some(good) = good {
            let good_for = until.zip(deployment.finished_at).map(|(until, from)| until.duration_since(from));
            add(good, Evidence::Deployment, deployment.finished_at, good_for);
        }
        if matches!(deployment.status, DeploymentStatus::Successful | DeploymentStatus::InProgress) {
            until = deployment.created_at.or(until);
        }
    }
    for witness in snapshot.witnessed.get(&service.key).into_iter().flatten() {
        add(&witness.task_definition, Evidence::Witnessed, Some(witness.at), None);
    }
    found
}
