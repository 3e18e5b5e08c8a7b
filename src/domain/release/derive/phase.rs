//! Where a release is.

use jiff::Timestamp;

use crate::domain::ecs::lifecycle_stage::LifecycleStage as Stage;
use crate::domain::plan::intent::Intent;
use crate::domain::release::share::Percent;
use crate::domain::release::{Bake, LocalState, Phase, ReleaseState, Side};

fn doing_phase(local: &LocalState) -> Option<Phase> {
    Some(match local.doing.as_ref()? {
        Intent::Register { .. } => return None,
        Intent::Rollback { .. } => Phase::RollingBack,
        Intent::Finish => Phase::Finishing,
        Intent::Start { .. } => Phase::Starting,
        Intent::Step { .. } | Intent::Weight { .. } => Phase::Shifting,
    })
}

pub(super) fn weighted_phase(
    (stable, canary): (&Side, &Side),
    configured: Option<Percent>,
    bake: Option<Bake>,
    local: &LocalState,
    now: Timestamp,
) -> Phase {
    if let Some(phase) = doing_phase(local) {
        return phase;
    }
    let same = stable.task_definition == canary.task_definition;
    if stable.is_rolling_back || stable.rolling && stable.leaving.contains(&canary.task_definition) && !same {
        return Phase::RollingBack;
    }
    let Some(share) = configured else { return Phase::Failed };
    if stable.failure_reason.is_some() || (canary.failure_reason.is_some() && (canary.desired > 0 || !share.is_zero()))
    {
        return Phase::Failed;
    }
    if share.is_zero() {
        return match (canary.rolling, canary.desired, same) {
            (_, 0, _) if stable.rolling => Phase::Shifting,
            (_, 0, _) => Phase::Steady,
            // A daemon service always has its tasks.
            (_, _, true) if canary.daemon && !canary.rolling && !stable.rolling => Phase::Steady,
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

/// Where a single service is.
pub(super) fn single_phase(release: &ReleaseState, under_way: bool, local: &LocalState, now: Timestamp) -> Phase {
    if local.doing.as_ref().is_some_and(Intent::is_rollback) || release.newest().is_rolling_back {
        return Phase::RollingBack;
    }
    if release.sides().any(|side| side.failure_reason.is_some()) {
        return Phase::Failed;
    }
    if !release.pauses.is_empty() {
        return Phase::Waiting;
    }
    if !release.method.shifted_by_ecs() || !under_way {
        return match release.stable.rolling {
            true => Phase::Shifting,
            false => doing_phase(local).unwrap_or(Phase::Steady),
        };
    }
    match &release.stage {
        Some(Stage::ReconcileService | Stage::PreScaleUp | Stage::ScaleUp | Stage::PostScaleUp) => Phase::Starting,
        Some(Stage::TestTrafficShift | Stage::PostTestTrafficShift) => Phase::Starting,
        Some(Stage::CleanUp) => Phase::Finishing,
        Some(Stage::BakeTime) => Phase::Baking,
        _ if release.bake.is_some_and(|bake| !bake.done(now)) => Phase::Baking,
        None => Phase::Starting,
        _ => Phase::Shifting,
    }
}
