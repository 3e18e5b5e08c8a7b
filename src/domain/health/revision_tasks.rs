//! Each revision of a service with its own tasks and its own healthy targets.

use serde::Serialize;

use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::ecs::route::{Target, TargetState};
use crate::domain::ecs::service::{Rollout, RolloutRole, Service, Task};
use crate::domain::observe::snapshot::Snapshot;

/// The tasks of one rollout, and how many of its targets are healthy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RevisionTasks {
    /// Its revision.
    pub task_definition: TaskDefinitionArn,
    /// Its role: PRIMARY is the new one.
    pub role: RolloutRole,
    /// `desiredCount` of the rollout.
    pub desired: u32,
    /// `runningCount` of the rollout.
    pub running: u32,
    /// `pendingCount` of the rollout.
    pub pending: u32,
    /// `failedTasks` of the rollout.
    pub failed: u32,
    /// Healthy targets that are its tasks; `None`: not known, or it has no target group.
    pub healthy: Option<u32>,
}

/// One for each rollout of a service, the new one first.
pub(crate) fn by_rollout(service: &Service, group: Option<&Arn>, snapshot: &Snapshot) -> Vec<RevisionTasks> {
    let healthy = |rollout: &Rollout| healthy(service, rollout, group?, snapshot);
    let of = |rollout: &Rollout| RevisionTasks {
        task_definition: rollout.task_definition.clone(),
        role: rollout.role.clone(),
        desired: rollout.desired,
        running: rollout.running,
        pending: rollout.pending,
        failed: rollout.failed,
        healthy: healthy(rollout),
    };
    let mut all: Vec<_> = service.rollouts.iter().map(of).collect();
    all.sort_by_key(|revision| revision.role != RolloutRole::Primary);
    all
}

fn healthy(service: &Service, rollout: &Rollout, group: &Arn, snapshot: &Snapshot) -> Option<u32> {
    let health = snapshot.health_of(group)?;
    if rollout.running == 0 || health.healthy == 0 {
        return Some(0);
    }
    if service.rollouts.iter().all(|other| other.id == rollout.id || other.running == 0) {
        return Some(health.healthy);
    }
    let tasks = snapshot.tasks.get(&service.key)?.get()?;
    let mut own = 0;
    for target in health.targets.iter().filter(|target| target.state == TargetState::Healthy) {
        // Whose a target is that no task, or tasks of several rollouts stand behind, nobody can tell.
        if owner(service, tasks, target)? == rollout.id {
            own += 1;
        }
    }
    let told = health.targets.iter().filter(|target| target.state == TargetState::Healthy).count();
    (told == health.healthy as usize).then_some(own)
}

/// The id of the rollout whose task a target is.
fn owner<'a>(service: &'a Service, tasks: &[Task], target: &Target) -> Option<&'a str> {
    let mut behind = tasks.iter().filter(|task| !task.stopped() && task.is_behind(target));
    let first = rollout_of(service, behind.next()?)?;
    behind.all(|task| rollout_of(service, task) == Some(first)).then_some(first)
}

/// The rollout that a task belongs to: the one that started it, else the only one of its revision.
fn rollout_of<'a>(service: &'a Service, task: &Task) -> Option<&'a str> {
    let started = |rollout: &&Rollout| task.started_by.as_deref() == Some(rollout.id.as_str());
    if let Some(rollout) = service.rollouts.iter().find(started) {
        return Some(&rollout.id);
    }
    let mut same = service.rollouts.iter().filter(|rollout| rollout.task_definition == task.task_definition);
    same.next().filter(|_| same.next().is_none()).map(|rollout| rollout.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ecs::route::Health;
    use crate::domain::ecs::service::RolloutState;
    use crate::domain::observe::snapshot::{Answer, Query};
    use crate::testkit::consoles::{ago, group, service, tasks, td};

    fn target(id: &str, port: u16) -> Target {
        let state = TargetState::Healthy;
        Target { id: id.to_owned(), port: Some(port), zone: None, state, reason: None, description: None }
    }

    /// `payments` from :17, six tasks, to :18, which has as many as are told.
    fn rolling(new: u32) -> Service {
        let mut rolled = service("payments", "payments", 18, 6, 90);
        let mut old = rolled.rollouts[0].clone();
        (old.id, old.role, old.task_definition) = ("ecs-svc/17".into(), "ACTIVE".into(), td("payments", 17));
        (rolled.rollouts[0].running, rolled.rollouts[0].state) = (new, Some(RolloutState::InProgress));
        rolled.running = 6 + new;
        rolled.rollouts.push(old);
        rolled
    }

    /// The healthy targets of :18 and of :17; the tasks of each are behind so many targets of `told`.
    fn counted(new: u32, told: Option<(Vec<Task>, Vec<Task>)>, targets: Vec<Target>) -> [Option<u32>; 2] {
        let service = rolling(new);
        let mut snapshot = Snapshot::default();
        let healthy = u32::try_from(targets.len()).unwrap();
        let health = Health { healthy, targets, ..Health::default() };
        snapshot.apply(ago(2), &Query::Health(Vec::new()), Ok(Answer::Health(vec![(group("payments"), health)])));
        if let Some((new, old)) = told {
            let all = new.into_iter().chain(old).collect();
            snapshot.apply(ago(2), &Query::Tasks(service.key.clone()), Ok(Answer::Tasks(all)));
        }
        let found = by_rollout(&service, Some(&group("payments")), &snapshot);
        assert_eq!([found[0].task_definition.tag(), found[1].task_definition.tag()], [":18", ":17"]);
        [found[0].healthy, found[1].healthy]
    }

    fn task(revision: u32, change: impl FnOnce(&mut Task)) -> Task {
        let mut task = tasks(&service("payments", "payments", revision, 1, 90)).remove(0);
        task.address = None;
        change(&mut task);
        task
    }

    #[test]
    fn a_revision_whose_tasks_do_not_run_has_none_of_the_old_ones_targets() {
        let six = (0..6).map(|index| target(&format!("10.0.0.{index}"), 8080)).collect();
        assert_eq!(counted(0, None, six), [Some(0), Some(6)]);
    }

    #[test]
    fn targets_are_told_apart_by_address_and_by_host_port() {
        let at = |revision, address: &str| task(revision, |task| task.address = Some(address.to_owned()));
        let told = (vec![at(18, "10.0.0.1")], vec![at(17, "10.0.0.2"), at(17, "10.0.0.3")]);
        let targets = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|id| target(id, 8080)).into();
        assert_eq!(counted(1, Some(told), targets), [Some(1), Some(2)]);
        let six = |revision, address: &str| task(revision, |task| task.ipv6 = Some(address.to_owned()));
        let told = (vec![six(18, "2001:db8:0:0::1")], vec![six(17, "2001:db8::2")]);
        let targets = vec![target("2001:db8::1", 8080), target("2001:db8::2", 8080)];
        assert_eq!(counted(1, Some(told), targets), [Some(1), Some(1)]);
        let port = |revision, port| task(revision, |task| task.host_ports = vec![port]);
        let instances = || vec![target("i-0a", 32_768), target("i-0b", 32_769)];
        assert_eq!(counted(1, Some((vec![port(18, 32_768)], vec![port(17, 32_769)])), instances()), [Some(1), Some(1)]);
        // Two instances may give out the same port.
        let same = (vec![port(18, 32_768)], vec![port(17, 32_768), port(17, 32_769)]);
        assert_eq!(counted(1, Some(same), instances()), [None, None]);
    }

    #[test]
    fn what_no_task_is_known_behind_is_nobodys() {
        let one = || vec![target("10.0.0.9", 8080)];
        assert_eq!(counted(1, None, one()), [None, None], "tasks were not read");
        assert_eq!(counted(1, Some((Vec::new(), Vec::new())), one()), [None, None]);
    }
}
