//! What to go back to: the newest revision that is known to have worked, never just the one before.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::deployment::{DeploymentStatus, ServiceDeployment};
use super::names::TaskDefinitionArn;
use super::service::{Rollout, RolloutState, Service};
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
    /// Whether it was itself rolled back, or replaced by an older one: known to have run, not to have been good.
    pub backed_out: bool,
}

/// The best of them that can be deployed and was not itself rolled back.
pub fn best(candidates: &[Good]) -> Option<&Good> {
    candidates.iter().find(|good| !good.backed_out && good.active != Some(false))
}

/// Every revision other than `current` that is known to have worked on this service, best first.
pub fn candidates(service: &Service, current: &TaskDefinitionArn, snapshot: &Snapshot) -> Vec<Good> {
    let mut found: Vec<Good> = Vec::new();
    let mut add = |task_definition: &TaskDefinitionArn, evidence, at, good_for| {
        if task_definition != current && !found.iter().any(|good| good.task_definition == *task_definition) {
            let active = snapshot.task_definition(task_definition).map(|definition| definition.active);
            found.push(Good {
                task_definition: task_definition.clone(),
                evidence,
                at,
                good_for,
                active,
                backed_out: false,
            });
        }
    };
    let deployments = snapshot.deployments.get(&service.key).and_then(|reading| reading.get());
    let mut deployments: Vec<_> = deployments.into_iter().flatten().collect();
    // What a rollout under way replaces was complete when the rollout began. One that failed, or was itself
    // replaced before it was complete, is not what worked: its rollout says so, and where ECS gives rollouts no
    // state (a native strategy) the history does.
    let given_up = |revision: &TaskDefinitionArn| {
        let of = |deployment: &&&ServiceDeployment| deployment.task_definition() == Some(revision);
        let mut tried = deployments.iter().filter(of).peekable();
        tried.peek().is_some() && tried.all(|deployment| deployment.status != DeploymentStatus::Successful)
    };
    if service.rolling() {
        let worked = |rollout: &&Rollout| {
            rollout.role != "PRIMARY"
                && rollout.running > 0
                && match rollout.state {
                    Some(RolloutState::Completed) => true,
                    Some(_) => false,
                    None => !given_up(&rollout.task_definition),
                }
        };
        for rollout in service.rollouts.iter().filter(worked) {
            add(&rollout.task_definition, Evidence::Replaced, rollout.updated_at, None);
        }
    }
    deployments.sort_by_key(|deployment| Reverse(deployment.finished_at.max(deployment.created_at)));
    let mut until: Option<Timestamp> = None;
    for deployment in deployments {
        let good = match deployment.status {
            DeploymentStatus::Successful => deployment.task_definition(),
            // A rollback that succeeded installed its revision again.
            DeploymentStatus::RollbackSuccessful => deployment.rolled_back_to(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::snapshot::{Facts, Query};
    use crate::ui::fixture::{ago, now, revision_of, service, td};

    fn deployment(target: u32, status: DeploymentStatus) -> ServiceDeployment {
        ServiceDeployment {
            created_at: Some(ago(i64::from(100 - target))),
            target: Some(revision_of("orders", target)),
            ..ServiceDeployment::new(service("orders", "orders", target, 6, 60).arn, status)
        }
    }

    #[test]
    fn a_native_deployment_that_was_superseded_is_no_way_back() {
        let mut orders = service("orders", "orders", 25, 6, 60);
        let older = |revision: u32| Rollout {
            role: "ACTIVE".into(),
            ..service("orders", "orders", revision, 6, 60).rollouts.remove(0)
        };
        orders.rollouts.extend([older(24), older(23)]);
        orders.rollouts.iter_mut().for_each(|rollout| rollout.state = None);
        let mut snapshot = Snapshot::default();
        let history = vec![
            deployment(25, DeploymentStatus::InProgress),
            deployment(24, DeploymentStatus::Stopped),
            deployment(23, DeploymentStatus::Successful),
        ];
        snapshot.apply(now(), &Query::Deployments(orders.key.clone()), Ok(Facts::Deployments(history)));
        let found: Vec<_> =
            candidates(&orders, &td("orders", 25), &snapshot).into_iter().map(|good| good.task_definition).collect();
        assert_eq!(found, [td("orders", 23)]);
    }
}
