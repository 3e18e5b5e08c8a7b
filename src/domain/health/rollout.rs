//! Detects crash loops and stalls.

use jiff::{SignedDuration, Timestamp};

use super::rollout_health::LOOP;
use super::stop_reason;
use super::stop_reason::Cause;
use crate::domain::ecs::deployment::{DeploymentOutcome, ServiceDeployment};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::names::{ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::service::{Rollout, RolloutRole, Task};
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::{Phase, Release, ReleaseState, Side};

pub use super::rollout_health::RolloutHealth;

/// Older failures say nothing about the present.
const RECENT: SignedDuration = SignedDuration::from_mins(10);
/// A loop is over when all tasks have run this long since the last failure.
const RECOVERED: SignedDuration = SignedDuration::from_mins(2);
/// The shortest time without progress that counts as a stall.
const LEAST: SignedDuration = SignedDuration::from_mins(5);
/// The same where no past deployment gives a duration.
const UNKNOWN: SignedDuration = SignedDuration::from_mins(15);

/// The health of a release's rollout; a crash loop goes before the stall that it often causes.
pub fn ailment(release: &ReleaseState, snapshot: &Snapshot, now: Timestamp) -> Option<RolloutHealth> {
    let looping = services(release).find_map(|side| {
        let mut revisions = revisions(side, snapshot);
        revisions.find_map(|revision| crash_loop(side, revision, snapshot, now))
    });
    looping.or_else(|| stalled(release, snapshot))
}

/// The crash loop of a revision in any service of a release, also in one that wants no tasks any more: the revision is the
/// same wherever it runs.
pub fn crash_loop_of(
    release: &ReleaseState,
    revision: &TaskDefinitionArn,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Option<RolloutHealth> {
    services(release).find_map(|side| failing_tasks(side, revision, snapshot, now))
}

/// The services whose tasks say why a release fails, or does not go on: those of which ECS says that tasks fail, and
/// those that suffer from something. Of what is in their tasks alone.
pub fn failing<'a>(release: &'a Release, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a ServiceKey> {
    let fails = |side: &&Side| {
        let named = release.ailment.as_ref().is_some_and(|ailment| *ailment.revision() == side.task_definition);
        let rollouts = snapshot.service(&side.service).map(|service| service.rollouts.as_slice()).unwrap_or_default();
        named || rollouts.iter().any(|rollout| rollout.failed > 0)
    };
    services(release).filter(fails).map(|side| &side.service)
}

/// The side with the new revision, then the other one where that is another service.
fn services(release: &ReleaseState) -> impl Iterator<Item = &Side> {
    let newest = release.newest();
    std::iter::once(newest).chain(Some(&release.stable).filter(|stable| stable.service != newest.service))
}

/// The revisions of a side whose failures bear on its release: its own; while ECS takes it back, what that is for.
fn revisions<'a>(side: &'a Side, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a TaskDefinitionArn> {
    let rollouts = snapshot.service(&side.service).map(|service| service.rollouts.as_slice()).unwrap_or_default();
    let left = rollouts.iter().filter(|rollout| side.is_rolling_back && rollout.role != RolloutRole::Primary);
    std::iter::once(&side.task_definition).chain(left.map(|rollout| &rollout.task_definition))
}

fn crash_loop(side: &Side, revision: &TaskDefinitionArn, snapshot: &Snapshot, now: Timestamp) -> Option<RolloutHealth> {
    // Of a service that is wanted nowhere any more, failures are of an earlier attempt.
    if side.desired == 0 { None } else { failing_tasks(side, revision, snapshot, now) }
}

fn failing_tasks(
    side: &Side,
    revision: &TaskDefinitionArn,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Option<RolloutHealth> {
    let service = snapshot.service(&side.service)?;
    let of_revision = |rollout: &&Rollout| rollout.task_definition == *revision;
    let counted = service.rollouts.iter().filter(of_revision).map(|rollout| rollout.failed).max();
    let counted = counted.unwrap_or(0);
    let tasks = snapshot.tasks.get(&side.service).and_then(|reading| reading.get()).map(Vec::as_slice);
    let tasks: Vec<_> = tasks.unwrap_or_default().iter().filter(|task| task.task_definition == *revision).collect();
    let since = |task: &Task| task.stopped_at.map(|at| now.duration_since(at));
    let recent: Vec<&Task> = tasks
        .iter()
        .filter(|task| since(task).is_some_and(|ago| ago <= RECENT))
        .filter(|task| Cause::of(task).is_some_and(Cause::blames_revision))
        .copied()
        .collect();
    // All desired tasks run and none failed recently: the crash loop has cleared.
    let last = recent.iter().filter_map(|task| since(task)).min();
    let over = side.running >= side.desired && !side.rolling && last.is_none_or(|ago| ago > RECOVERED);
    let recent = if over { Vec::new() } else { recent };
    let failed = counted.max(u32::try_from(recent.len()).unwrap_or(u32::MAX));
    let cause = || {
        let of = if recent.is_empty() { &tasks } else { &recent };
        let failures = stop_reason::failures(of.iter().copied());
        failures.first().map(|failure| failure.cause).filter(|cause| cause.blames_revision())
    };
    let revision = revision.clone();
    (failed >= LOOP).then(|| RolloutHealth::CrashLoop { revision, failed, cause: cause() })
}

fn stalled(release: &ReleaseState, snapshot: &Snapshot) -> Option<RolloutHealth> {
    // Who waits for somebody, or watches a share, is not expected to move.
    let expected = matches!(release.phase, Phase::Starting | Phase::Shifting | Phase::Finishing | Phase::RollingBack);
    if !expected || !release.pauses.is_empty() {
        return None;
    }
    let shifted = release.method.shifted_by_ecs() && release.under_way().is_some();
    // Whether a share bakes is not known where its rule was not read.
    if shifted && release.rules.is_empty() && release.stage == Some(LifecycleStage::ProductionTrafficShift) {
        return None;
    }
    let side = services(release).find(|side| side.rolling || shifted)?;
    // Held against the time of the newest look: while nothing is heard, nothing can be seen to move.
    let looked = snapshot.services.at()?;
    let stage_since = snapshot.noticed.stage_since(&side.service).filter(|since| since.seen && shifted);
    let weighed = release.rules.iter().filter_map(|rule| snapshot.weights_since.get(&rule.route.id));
    let moved = weighed.copied().chain(stage_since).filter(|since| since.seen).map(|since| since.at);
    // A deployment cannot have stood still before it began, whatever its rollout says of itself.
    let began = release.under_way().filter(|_| shifted).and_then(|deployment| deployment.created_at);
    let since = moved.chain(began).chain([snapshot.noticed.stalled_since(&side.service)?.at]).max()?;
    let lasted = looked.duration_since(since);
    let usual = usual(snapshot.deployments.get(&side.service).and_then(|reading| reading.get()).map(Vec::as_slice));
    let long = usual.map_or(UNKNOWN, |usual| usual.max(LEAST));
    let revision = side.task_definition.clone();
    (lasted > long).then_some(RolloutHealth::Stalled { revision, since, lasted, usual })
}

/// The median duration of successful deployments.
fn usual(history: Option<&[ServiceDeployment]>) -> Option<SignedDuration> {
    let well = history?.iter().filter(|deployment| deployment.outcome() == Some(DeploymentOutcome::Succeeded));
    let mut took: Vec<_> = well.filter_map(ServiceDeployment::took).collect();
    took.sort_unstable();
    took.get(took.len() / 2).copied()
}

#[cfg(test)]
mod tests;
