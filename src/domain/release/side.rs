//! One service of a release, as the planner needs to know it.

use serde::Serialize;

use crate::domain::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::route::Route;
use crate::domain::service::{Rollout, RolloutState, Service, ServiceDeployment};
use crate::domain::share::Weight;
use crate::domain::snapshot::Snapshot;

/// One service of a release.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Which service.
    pub service: ServiceKey,
    /// `serviceArn`.
    pub arn: Arn,
    /// `clusterArn`.
    pub cluster_arn: Arn,
    /// The revision that its primary rollout goes for.
    pub task_definition: TaskDefinitionArn,
    /// Its image's tag, where it was read.
    pub version: Option<String>,
    /// Its target group.
    pub target_group: Option<Arn>,
    /// Its weight in the rule.
    pub weight: Option<Weight>,
    /// `desiredCount`.
    pub desired: u32,
    /// `runningCount`.
    pub running: u32,
    /// `pendingCount`.
    pub pending: u32,
    /// Healthy targets; `None`: not known.
    pub healthy: Option<u32>,
    /// Whether a rollout is under way.
    pub rolling: bool,
    /// Whether its revision runs alone, complete, with at least one task.
    pub settled: bool,
    /// The revisions that still run beside it.
    pub leaving: Vec<TaskDefinitionArn>,
    /// Whether ECS says that it is taking a deployment back by itself.
    pub going_back: bool,
    /// Why its rollout failed or fails, where it does.
    pub trouble: Option<String>,
    /// `status == ACTIVE`.
    pub active: bool,
    /// The service deployment under way, where ECS names one.
    pub deployment: Option<Arn>,
}

pub(super) fn side(service: &Service, target_group: Option<&Arn>, route: Option<&Route>, snapshot: &Snapshot) -> Side {
    let task_definition = service.primary().map_or(&service.task_definition, |primary| &primary.task_definition);
    let version = snapshot.task_definition(task_definition).and_then(|definition| definition.version());
    let left = service.rollouts.iter().filter(|rollout| rollout.role != "PRIMARY" && rollout.running > 0);
    Side {
        service: service.key.clone(),
        arn: service.arn.clone(),
        cluster_arn: service.cluster_arn.clone(),
        settled: service.desired > 0 && service.settled_on(task_definition),
        leaving: left.map(|rollout| rollout.task_definition.clone()).collect(),
        going_back: going_back(service, snapshot),
        task_definition: task_definition.clone(),
        version: version.map(str::to_owned),
        target_group: target_group.cloned(),
        weight: target_group.and_then(|group| route?.weight(group)),
        desired: service.desired,
        running: service.running,
        pending: service.pending,
        healthy: target_group.and_then(|group| snapshot.health_of(group)).map(|health| health.healthy),
        rolling: service.rolling(),
        trouble: trouble(service),
        active: service.active(),
        deployment: service.current_deployment.clone(),
    }
}

/// ECS counts failures in a row; from here on it is a loop and not bad luck.
const CRASH_LOOP: u32 = 3;

pub(super) fn trouble(service: &Service) -> Option<String> {
    let primary = service.primary()?;
    match primary.state {
        Some(RolloutState::Failed) => Some(primary.reason.clone().unwrap_or_else(|| "the rollout failed".to_owned())),
        _ if primary.failed >= CRASH_LOOP => Some(format!("{} tasks in a row failed to start", primary.failed)),
        _ => None,
    }
}

/// Whether ECS is taking a deployment back by itself. Its deployments say so; where they are not known, the
/// primary rollout does, or that it brings back what worked in place of what failed.
pub(super) fn going_back(service: &Service, snapshot: &Snapshot) -> bool {
    if let Some(deployment) = deployment_under_way(service, snapshot) {
        return deployment.status.rolling_back();
    }
    let Some(primary) = service.primary().filter(|_| service.rolling()) else { return false };
    let failed = |rollout: &Rollout| rollout.role != "PRIMARY" && rollout.state == Some(RolloutState::Failed);
    let worked = || {
        let witnesses = snapshot.witnessed.get(&service.key);
        witnesses.into_iter().flatten().any(|witness| witness.task_definition == primary.task_definition)
    };
    primary.reason.as_deref().is_some_and(|reason| reason.contains("rolling back"))
        || (service.rollouts.iter().any(failed) && worked())
}

/// The service deployment that has not ended, where ECS keeps them.
pub(super) fn deployment_under_way<'a>(service: &Service, snapshot: &'a Snapshot) -> Option<&'a ServiceDeployment> {
    let deployments = snapshot.deployments.get(&service.key)?.get()?;
    deployments.iter().find(|deployment| !deployment.status.ended())
}
