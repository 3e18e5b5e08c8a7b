//! The checks of tasks: those that the rollback needs, and those that it would remove.

use jiff::Timestamp;

use super::{Check, Level, Look, Way, check};
use crate::domain::ecs::deployment::{DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::service::Task;
use crate::domain::health::{rollout, steadiness};
use crate::domain::release::Method;
use crate::domain::release::capacity::needed_for_all;

impl Look<'_> {
    pub(super) fn tasks(&self) -> Vec<Check> {
        let all =
            [self.no_task(), self.never_ran(), self.unproven(), self.keeps_failing(), self.no_room(), self.protected()];
        all.into_iter().flatten().collect()
    }

    /// Returns true if the rollback takes traffic from a canary by weights.
    fn moves_users(&self) -> bool {
        let by_weights = match self.way {
            Way::Weights => true,
            // Stable gets the old revision first, then the users.
            Way::Redeploy => self.release.method == Method::Weighted,
            Way::Undo(_) | Way::None => false,
        };
        by_weights && self.release.canary.is_some() && self.release.may_be_shared()
    }

    fn stable_is_down(&self) -> bool {
        let stable = &self.release.stable;
        stable.healthy.map_or(stable.running == 0, |healthy| healthy == 0)
    }

    /// Returns true if a step of the rollback waits for tasks that do not run yet.
    fn needs_tasks(&self) -> bool {
        let stable = &self.release.stable;
        match self.way {
            Way::None => false,
            // Stable gets the users too, and the tasks for them.
            Way::Redeploy => stable.wants_tasks() || self.moves_users(),
            // Tasks of the old revision that run still are left running.
            Way::Undo(_) if self.release.method == Method::Rolling => {
                let old = stable.revisions.iter().find(|it| Some(&it.task_definition) == self.target);
                stable.wants_tasks() && old.is_none_or(|old| old.running < stable.desired)
            }
            Way::Undo(_) => stable.running < stable.desired,
            Way::Weights => {
                let needed = |canary| needed_for_all(stable, canary, self.release.share.configured) > stable.desired;
                self.moves_users() && (self.stable_is_down() || self.release.canary.as_ref().is_some_and(needed))
            }
        }
    }

    /// Finds a stable without a task, which gets none: the users would stay where they are.
    fn no_task(&self) -> Option<Check> {
        let stable = &self.release.stable;
        let ordered = match self.way {
            Way::Weights => stable.rolling || stable.pending > 0 || stable.desired == 0 && !stable.daemon,
            // A deployment brings as many tasks as are wanted.
            Way::Redeploy => stable.desired > 0 || !stable.daemon,
            Way::Undo(_) | Way::None => return None,
        };
        let name = &stable.service.service;
        let what = match stable.daemon {
            true => format!("{name} has no healthy task, and only ECS starts one of a daemon"),
            false => format!("{name} has no healthy task, and none is starting"),
        };
        let stays = self.moves_users() && self.stable_is_down() && !ordered;
        stays.then(|| check(Level::Waits, what))
    }

    /// Finds a stable without tasks whose revision was deployed without any: nobody knows that the revision works.
    fn never_ran(&self) -> Option<Check> {
        let stable = &self.release.stable;
        let of_stable = |it: &&ServiceDeployment| it.task_definition() == Some(&stable.task_definition);
        let mut deployed = self.history.iter().filter(of_stable).peekable();
        let idle = matches!(self.way, Way::Weights) && stable.running == 0;
        let never = idle && deployed.peek().is_some() && deployed.all(ServiceDeployment::ran_nothing);
        let what = format!("no task of {} ever ran on {}", stable.task_definition.tag(), stable.service.service);
        never.then(|| check(Level::Warn, what))
    }

    /// Finds a stable that is leaving the canary's revision for one that is not known to have worked: the rollback waits
    /// until that rollout is complete, which it may never be.
    fn unproven(&self) -> Option<Check> {
        let (stable, canary) = (&self.release.stable, self.release.canary.as_ref()?);
        let revision = &stable.task_definition;
        let leaves = stable.rolling && *revision != canary.task_definition;
        let leaves = leaves && stable.leaving.contains(&canary.task_definition) && self.moves_users();
        let worked = |deployment: &ServiceDeployment| {
            let succeeded = deployment.status == DeploymentStatus::Successful && !deployment.ran_nothing();
            succeeded && deployment.task_definition() == Some(revision)
        };
        let unproven = leaves && !self.history.is_empty() && !self.history.iter().any(worked);
        let (name, tag) = (&stable.service.service, revision.tag());
        let what = format!("{name} is rolling out {tag}, which is not known to have worked");
        unproven.then(|| check(Level::Waits, what))
    }

    /// Finds tasks of the revision to go back to that keep failing, in whichever service of the release.
    fn keeps_failing(&self) -> Option<Check> {
        let target =
            if matches!(self.way, Way::Weights) { Some(&self.release.stable.task_definition) } else { self.target };
        let target = target.filter(|_| self.needs_tasks())?;
        let ailment = rollout::crash_loop_of(self.release, target, self.snapshot, self.now)?;
        Some(check(Level::Waits, format!("tasks of {} keep failing: {}", target.tag(), ailment.detail())))
    }

    /// Finds a cluster that has no room for more tasks of the service, as ECS said of its last attempt.
    fn no_room(&self) -> Option<Check> {
        let why = steadiness::unplaced(self.service, self.now).filter(|_| self.needs_tasks())?;
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let what = format!("ECS finds no room for tasks of {}{why}", self.service.key.service);
        Some(check(Level::Waits, what))
    }

    /// Finds tasks that the rollback removes and that are protected from scale-in. ECS leaves them until their protection
    /// ends, and a deployment that replaces them is not complete before.
    fn protected(&self) -> Option<Check> {
        let (removed_from, level) = match self.way {
            Way::None => return None,
            // Stable is on its way back already, and is waited for until its other tasks are gone.
            Way::Weights if self.release.stable.rolling => (&self.release.stable, Level::Waits),
            // Nothing waits for the removal.
            Way::Weights => (self.release.canary.as_ref()?, Level::Warn),
            Way::Undo(_) if self.release.method.shifted_by_ecs() => (&self.release.stable, Level::Warn),
            Way::Undo(_) | Way::Redeploy => (&self.release.stable, Level::Waits),
        };
        let stays = match self.way {
            Way::Weights if level == Level::Waits => Some(&self.release.stable.task_definition),
            Way::Weights => None,
            _ => self.target,
        };
        // A deployment of the revision that runs already replaces tasks of that revision.
        let primary = self.service.primary().filter(|primary| Some(&primary.task_definition) == self.target);
        // Tasks of the right revision beyond the desired count are in the way too.
        let right = removed_from.revisions.iter().filter(|it| Some(&it.task_definition) == stays);
        let surplus = level == Level::Waits
            && !removed_from.daemon
            && right.map(|it| it.running).sum::<u32>() > removed_from.desired;
        let removed = |task: &Task| match (self.way, primary) {
            _ if surplus => true,
            (Way::Undo(_), Some(primary)) => task.started_by.as_ref() == Some(&primary.id),
            (Way::Redeploy, Some(_)) => true,
            _ => Some(&task.task_definition) != stays,
        };
        let tasks = self.snapshot.tasks.get(&removed_from.service)?.get()?;
        let until = |task: &Task| {
            let ends = task.protected_until.filter(|until| !task.stopped() && *until > self.now)?;
            removed(task).then_some(ends)
        };
        let ends: Vec<Timestamp> = tasks.iter().filter_map(until).collect();
        let last = *ends.iter().max()?;
        let (count, at) = (ends.len(), self.clock(last));
        let what = match level {
            Level::Waits => format!("{count} tasks are protected from scale-in until {at}"),
            _ => format!("{count} tasks are protected from scale-in: they run on until {at}"),
        };
        Some(check(level, what))
    }
}
