//! The past deployments of a service, and their consequences for the present state.

use jiff::Timestamp;

use crate::domain::ecs::deployment::{Configuration, DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::service::Service;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::rollback::known_bad::{BadReason, KnownBad, known_bad};

/// The configuration before a deployment overrode it: to roll back at once without the strategy, or to add pauses to a
/// strategy without pauses.
pub(super) fn overridden_config(service: &Service, history: &[ServiceDeployment]) -> Option<Configuration> {
    let now = &service.configuration;
    history.first().filter(|newest| newest.configuration.same_strategy(now))?;
    let before = history.iter().find(|older| !older.configuration.same_strategy(now))?;
    let before = &before.configuration;
    // Only a change of strategy that came with a rollback to an earlier revision counts.
    let first = history.iter().take_while(|it| it.configuration.same_strategy(now)).last()?;
    let set_aside = now.is_at_once() && before.strategy.shifts_traffic() && returned(first, history);
    let added: Vec<_> = now.hooks.iter().filter(|hook| !before.hooks.contains(hook)).collect();
    let pauses_added = now.strategy == before.strategy
        && now.bake_minutes == before.bake_minutes
        && before.pauses().next().is_none()
        && before.hooks.iter().all(|hook| now.hooks.contains(hook))
        && matches!(added.as_slice(), [only] if only.is_added_pause());
    // Alarms and the like may have been changed on purpose meanwhile; they stay.
    let restored = Configuration {
        strategy: before.strategy.clone(),
        bake_minutes: before.bake_minutes,
        hooks: before.hooks.clone(),
        ..now.clone()
    };
    (set_aside || pauses_added).then_some(restored)
}

/// Revisions of these services that failed recently or were rolled back recently.
pub(super) fn known_bad_of(
    services: &[&Service],
    snapshot: &Snapshot,
    ours: &[KnownBad],
    now: Timestamp,
) -> Vec<KnownBad> {
    let read = || services.iter().filter_map(|service| snapshot.deployments.get(&service.key)?.get());
    let ours: Vec<_> = ours.iter().cloned().chain(read().flat_map(|history| taken_back(history))).collect();
    known_bad(&read().flatten().collect::<Vec<_>>(), &ours, now)
}

/// Revisions whose deployment was stopped by a newer deployment of a revision that had worked before: somebody took
/// them back.
fn taken_back(history: &[ServiceDeployment]) -> Vec<KnownBad> {
    let bad = |pair: &[ServiceDeployment]| {
        let [newer, older] = pair else { return None };
        let stopped = matches!(older.status, DeploymentStatus::Stopped | DeploymentStatus::StopRequested);
        let task_definition = older.task_definition()?;
        let back = stopped && newer.task_definition() != Some(task_definition) && returned(newer, history);
        let at = newer.created_at.filter(|_| back)?;
        Some(KnownBad { task_definition: task_definition.clone(), reason: BadReason::RolledBack, at })
    };
    history.windows(2).filter_map(bad).collect()
}

/// The end of the newest deployment, if it was rolled back or redeployed an earlier revision.
pub(super) fn went_back(service: &Service, history: &[ServiceDeployment]) -> Option<Timestamp> {
    let newest = history.first().filter(|newest| newest.status.ended())?;
    let runs = service.primary().map(|primary| &primary.task_definition);
    let back = match newest.status {
        DeploymentStatus::RollbackSuccessful => newest.rolled_back_to().is_none_or(|to| Some(to) == runs),
        DeploymentStatus::Successful => {
            let back = || returned(newest, history) && replaced_another(newest, history);
            newest.task_definition() == runs && (mends_rollback(newest, history) || back())
        }
        _ => false,
    };
    newest.finished_at.filter(|_| back)
}

/// Returns true if a finished deployment replaced another revision.
fn replaced_another(deployment: &ServiceDeployment, history: &[ServiceDeployment]) -> bool {
    let older = history.iter().skip_while(|it| it.arn != deployment.arn).skip(1);
    let mut installed = older.filter_map(|it| match it.status {
        DeploymentStatus::Successful => it.task_definition(),
        DeploymentStatus::RollbackSuccessful => it.rolled_back_to(),
        _ => None,
    });
    installed.next().is_some_and(|before| Some(before) != deployment.task_definition())
}

/// Returns true if a service's primary rollout began after a time.
pub(super) fn began_after(service: &Service, at: Timestamp) -> bool {
    service.primary().and_then(|primary| primary.created_at).is_some_and(|began| began > at)
}

/// Returns true if a deployment, under way or finished, redeployed a revision of an earlier deployment.
fn returned(deployment: &ServiceDeployment, history: &[ServiceDeployment]) -> bool {
    let target = deployment.task_definition();
    let mut older = history.iter().skip_while(|it| it.arn != deployment.arn).skip(1);
    target.is_some()
        && older.any(|it| match it.status {
            DeploymentStatus::Successful => it.task_definition() == target,
            DeploymentStatus::RollbackSuccessful => it.rolled_back_to() == target,
            _ => false,
        })
}

/// Returns true if a deployment, under way or finished, brings back what the rollback before it failed to bring back.
fn mends_rollback(deployment: &ServiceDeployment, history: &[ServiceDeployment]) -> bool {
    let mut before = history.iter().skip_while(|it| it.arn != deployment.arn).skip(1);
    let failed = before.next().filter(|before| before.status == DeploymentStatus::RollbackFailed);
    let wanted = failed.and_then(ServiceDeployment::rolled_back_to);
    wanted.is_some() && wanted == deployment.task_definition()
}

/// Returns true if a deployment under way is itself a rollback: it redeploys an earlier revision in place of a newer
/// one, or makes a failed rollback good.
pub(super) fn is_rollback_deployment(under_way: &ServiceDeployment, history: &[ServiceDeployment]) -> bool {
    let target = under_way.task_definition();
    let from_another = under_way.sources.iter().all(|source| Some(&source.task_definition) != target);
    let back = mends_rollback(under_way, history) || from_another && returned(under_way, history);
    !under_way.status.rolling_back() && back
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::ecs::names::Arn;
    use crate::domain::observe::snapshot::{Answer, Query};
    use crate::domain::rollback::target;
    use crate::testkit::consoles::{ago, now, revision_of, service, td};
    use DeploymentStatus::{InProgress, StopRequested, Stopped, Successful};

    /// A service's deployments, told oldest first: an hour each, ten minutes of it deploying.
    fn world(current: u32, told: &[(DeploymentStatus, u32)]) -> (Service, Snapshot) {
        let orders = service("orders", "orders", current, 6, 60);
        let one = |(index, (status, target)): (usize, &(DeploymentStatus, u32))| {
            let began = ago(3_600 * (told.len() - index) as i64);
            ServiceDeployment {
                created_at: Some(began),
                finished_at: status.ended().then(|| began + SignedDuration::from_mins(10)),
                target: Some(revision_of("orders", *target)),
                ..ServiceDeployment::new(Arn::new(format!("{}/{index}", orders.arn.as_str())), status.clone())
            }
        };
        let mut history: Vec<_> = told.iter().enumerate().map(one).collect();
        history.reverse();
        let mut snapshot = Snapshot::default();
        snapshot.apply(now(), &Query::Deployments(orders.key.clone()), Ok(Answer::Deployments(history)));
        (orders, snapshot)
    }

    #[test]
    fn a_revision_that_an_earlier_one_replaced_before_it_was_there_was_taken_back() {
        let table: [(&str, &[(DeploymentStatus, u32)], &[&str]); 7] = [
            ("stopped, and back", &[(Successful, 41), (Stopped, 42), (Successful, 41)], &[":42"]),
            ("on the way back", &[(Successful, 41), (Stopped, 42), (InProgress, 41)], &[":42"]),
            ("about to stop", &[(Successful, 41), (StopRequested, 42), (InProgress, 41)], &[":42"]),
            ("something newer came", &[(Successful, 41), (Stopped, 42), (Successful, 43)], &[]),
            ("the same again", &[(Successful, 41), (Stopped, 42), (Successful, 42)], &[]),
            ("nothing worked before", &[(Stopped, 42), (Successful, 41)], &[]),
            ("it worked later", &[(Successful, 41), (Stopped, 42), (Successful, 41), (Successful, 42)], &[]),
        ];
        for (name, told, bad) in table {
            let (orders, snapshot) = world(41, told);
            let found = known_bad_of(&[&orders], &snapshot, &[], now());
            let tags: Vec<_> = found.iter().map(|bad| bad.task_definition.tag()).collect();
            assert_eq!(tags, bad, "{name}");
        }
    }

    #[test]
    fn a_revision_that_worked_once_and_was_taken_back_since_is_no_way_back() {
        let told = [(Successful, 40), (Successful, 42), (Successful, 41), (Stopped, 42), (Successful, 41)];
        let best = |told: &[(DeploymentStatus, u32)]| {
            let (orders, snapshot) = world(41, told);
            let candidates = target::candidates(&orders, &td("orders", 41), &snapshot);
            target::best(&candidates).map(|good| good.task_definition.tag())
        };
        assert_eq!(best(&told[..3]), Some(":42".to_owned()));
        assert_eq!(best(&told), Some(":40".to_owned()));
    }
}
