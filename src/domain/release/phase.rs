//! Where a release is, in one word.

use jiff::Timestamp;
use serde::Serialize;

use super::{Bake, Ours, Side};
use crate::domain::plan::Intent;
use crate::domain::service::{DeploymentStatus, Service, ServiceDeployment, Strategy};
use crate::domain::share::Percent;

/// Where a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    /// Nothing is under way.
    Steady,
    /// The new revision's tasks come up; no traffic yet.
    Starting,
    /// Traffic, or tasks, are being moved.
    Shifting,
    /// A share is set and its bake time runs.
    Baking,
    /// The next move is the operator's.
    Waiting,
    /// The canary's revision becomes the stable one.
    Finishing,
    /// On the way back.
    RollingBack,
    /// It did not work, and nothing is being done about it.
    Failed,
}

pub(super) fn doing_phase(ours: &Ours) -> Option<Phase> {
    Some(match ours.doing.as_ref()? {
        Intent::Rollback { .. } => Phase::RollingBack,
        Intent::Finish => Phase::Finishing,
        Intent::Start { .. } => Phase::Starting,
        Intent::Step { .. } | Intent::Weight { .. } => Phase::Shifting,
    })
}

pub(super) fn weighted_phase(
    stable: &Side,
    canary: &Side,
    configured: Option<Percent>,
    bake: Option<Bake>,
    ours: &Ours,
    now: Timestamp,
) -> Phase {
    if let Some(phase) = doing_phase(ours) {
        return phase;
    }
    let same = stable.task_definition == canary.task_definition;
    if stable.going_back || stable.rolling && stable.leaving.contains(&canary.task_definition) && !same {
        return Phase::RollingBack;
    }
    let Some(share) = configured else { return Phase::Failed };
    if stable.trouble.is_some() || (canary.trouble.is_some() && (canary.desired > 0 || !share.is_zero())) {
        return Phase::Failed;
    }
    if share.is_zero() {
        return match (canary.rolling, canary.desired, same) {
            (_, 0, _) if stable.rolling => Phase::Shifting,
            (_, 0, _) => Phase::Steady,
            // The last step of a finish: the canary's tasks are still there.
            (_, _, true) => Phase::Finishing,
            (true, _, false) => Phase::Starting,
            (false, _, false) => Phase::Waiting,
        };
    }
    if same {
        return Phase::Finishing;
    }
    match bake {
        Some(bake) if !bake.done(now) => Phase::Baking,
        _ => Phase::Waiting,
    }
}

pub(super) fn single_phase(
    service: &Service,
    side: &Side,
    deployment: Option<&ServiceDeployment>,
    ours: &Ours,
) -> Phase {
    if let Some(Intent::Rollback { .. }) = ours.doing {
        return Phase::RollingBack;
    }
    if side.going_back {
        return Phase::RollingBack;
    }
    if side.trouble.is_some() {
        return Phase::Failed;
    }
    let under_way = deployment.is_some_and(|deployment| {
        matches!(deployment.status, DeploymentStatus::Pending | DeploymentStatus::InProgress)
            && service.strategy != Strategy::Rolling
    });
    if service.rolling() || under_way {
        return Phase::Shifting;
    }
    doing_phase(ours).unwrap_or(Phase::Steady)
}
