//! A service with its revisions, its deployments in both of ECS's forms, its tasks and its events.

use std::collections::VecDeque;

use super::balancer::GroupId;
use super::catalog::{Catalog, DefId};
use super::clock::Ms;
use super::config::Config;
use super::ids::Ids;
use super::settings::Settings;
use super::stages::Native;
use super::task::{State, Task};

/// A service revision: what a deployment installs.
#[derive(Debug, Clone)]
pub(super) struct Revision {
    pub id: u64,
    pub def: DefId,
    pub created: Ms,
    /// Where its tasks register.
    pub group: Option<GroupId>,
    pub settings: Settings,
    /// The digests that its first task found behind its images, in the order of the containers.
    pub digests: Option<Vec<String>>,
}

impl Revision {
    /// The digests that a task gets which pulls its images at `at`. What the first task of the revision finds
    /// stays the revision's, and all others of a pinned container get the same.
    pub fn pull(&mut self, catalog: &Catalog, at: Ms) -> Vec<String> {
        let found = catalog.digests(self.def, at);
        let first = self.digests.get_or_insert_with(|| found.clone());
        let containers = catalog.get(self.def).containers.iter();
        let own = containers.zip(first.iter().zip(found));
        own.map(|(container, (first, found))| if container.pinned { first.clone() } else { found }).collect()
    }
}

/// rolloutState.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Rollout {
    Completed,
    Failed,
    InProgress,
}

/// An entry of `deployments[]`; the first one is PRIMARY.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    pub id: u64,
    /// An index into the service's revisions.
    pub revision: usize,
    pub created: Ms,
    pub updated: Ms,
    pub rollout: Rollout,
    pub failed: u32,
    pub desired: u32,
    /// No task is started before this, after failures.
    pub retry: Ms,
}

impl Deployment {
    pub fn new(id: u64, revision: usize, desired: u32, now: Ms) -> Self {
        Self { id, revision, created: now, updated: now, rollout: Rollout::InProgress, failed: 0, desired, retry: now }
    }
}

/// serviceDeployments[].status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    Pending,
    Successful,
    Stopped,
    InProgress,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl Status {
    pub fn terminal(self) -> bool {
        matches!(self, Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed)
    }

    pub fn rolling_back(self) -> bool {
        matches!(self, Self::RollbackRequested | Self::RollbackInProgress)
    }
}

/// Of the circuit breaker and the alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Monitor {
    Disabled,
    Monitoring,
    MonitoringComplete,
    Triggered,
}

/// `rollback` of a service deployment.
#[derive(Debug, Clone)]
pub(super) struct Rollback {
    pub reason: String,
    pub started: Ms,
    /// An index into the service's revisions.
    pub revision: usize,
}

/// A service deployment: the record of one change and how it went.
#[derive(Debug, Clone)]
pub(super) struct ServiceDeployment {
    pub id: String,
    pub target: usize,
    pub sources: Vec<usize>,
    pub status: Status,
    pub reason: Option<String>,
    pub created: Ms,
    pub started: Option<Ms>,
    pub finished: Option<Ms>,
    pub stopped: Option<Ms>,
    pub updated: Ms,
    pub config: Config,
    pub rollback: Option<Rollback>,
    pub breaker: Monitor,
    pub failures: u32,
    pub threshold: u32,
    pub alarms: Monitor,
    pub triggered: Vec<String>,
    /// Alarms that were in ALARM at the start: ignored.
    pub ignored: Vec<String>,
    /// desiredCount when it began.
    pub tasks: u32,
    /// The state of a deployment that ECS shifts the traffic of.
    pub native: Option<Native>,
}

impl ServiceDeployment {
    /// Into a terminal state, by itself.
    pub fn end(&mut self, status: Status, now: Ms) {
        (self.status, self.finished, self.updated) = (status, Some(now), now);
        for monitor in [&mut self.breaker, &mut self.alarms] {
            if *monitor == Monitor::Monitoring {
                *monitor = Monitor::MonitoringComplete;
            }
        }
    }

    /// These alarms went off.
    pub fn trip(&mut self, alarms: Vec<String>) {
        (self.alarms, self.triggered) = (Monitor::Triggered, alarms);
    }
}

/// An entry of `events[]`.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub id: String,
    pub created: Ms,
    pub message: String,
}

/// An ECS service.
#[derive(Debug)]
pub(super) struct Service {
    pub name: String,
    pub cluster: String,
    pub created: Ms,
    pub desired: u32,
    pub config: Config,
    /// targetGroupArn of `loadBalancers[0]`.
    pub group: Option<GroupId>,
    /// alternateTargetGroupArn.
    pub alternate: Option<GroupId>,
    /// productionListenerRule, an index into the balancer's rules.
    pub rule: Option<usize>,
    /// testListenerRule, likewise.
    pub test_rule: Option<usize>,
    /// containerName of `loadBalancers[0]`.
    pub container: String,
    pub grace: Ms,
    pub tags: Vec<(String, String)>,
    pub revisions: Vec<Revision>,
    /// PRIMARY first.
    pub deployments: Vec<Deployment>,
    /// Oldest first; the last one is the current or the last one.
    pub history: Vec<ServiceDeployment>,
    /// Oldest first, at most a hundred.
    pub events: VecDeque<Event>,
    pub tasks: Vec<Task>,
    /// Nothing left to do; an event said so.
    pub steady: bool,
}

impl Service {
    /// An event; the hundred newest are kept.
    pub fn say(&mut self, now: Ms, ids: &mut Ids, message: String) {
        if self.events.len() == 100 {
            self.events.pop_front();
        }
        self.events.push_back(Event { id: ids.uuid(), created: now, message });
    }

    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.first()
    }

    /// The revision that the PRIMARY deployment installs.
    pub fn current_revision(&self) -> Option<&Revision> {
        self.revisions.get(self.primary()?.revision)
    }

    /// The service deployment that is under way, or the last one.
    pub fn last(&self) -> Option<&ServiceDeployment> {
        self.history.last()
    }

    /// The service deployment that is under way.
    pub fn under_way(&mut self) -> Option<&mut ServiceDeployment> {
        self.history.last_mut().filter(|d| !d.status.terminal())
    }

    pub fn tasks_of(&self, deployment: u64) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |t| t.deployment == deployment)
    }

    /// The tasks of a revision, whichever deployment started them.
    pub fn tasks_of_revision(&self, revision: usize) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |t| t.revision == revision)
    }

    /// The revision that runs if the one under way is given up: what was installed when it began.
    pub fn source_of(&self, deployment: &ServiceDeployment) -> Option<usize> {
        deployment.sources.iter().copied().find(|s| *s != deployment.target).or(deployment.sources.first().copied())
    }

    /// The revision that was fully installed last: what a deployment under way would go back to, otherwise
    /// the current one. One that only has to clean up is installed: nothing is left of the one before.
    pub fn installed(&self) -> Option<usize> {
        match self.last().filter(|d| !d.status.terminal()) {
            Some(deployment)
                if deployment.native.as_ref().is_some_and(Native::shifted) && deployment.rollback.is_none() =>
            {
                Some(deployment.target)
            }
            Some(deployment) => self.source_of(deployment),
            None => self.primary().map(|p| p.revision),
        }
    }

    /// Adds a service revision and gives its index.
    pub fn add_revision(
        &mut self,
        def: DefId,
        group: Option<GroupId>,
        settings: Settings,
        now: Ms,
        ids: &mut Ids,
    ) -> usize {
        self.revisions.push(Revision { id: ids.number(), def, created: now, group, settings, digests: None });
        self.revisions.len() - 1
    }

    /// What DescribeServices shows as taskDefinition.
    pub fn task_definition(&self, catalog: &Catalog, ids: &Ids) -> Option<String> {
        self.current_revision().map(|r| catalog.get(r.def).arn(&ids.place))
    }
}

/// runningCount and pendingCount of some tasks.
pub(super) fn counts<'a>(tasks: impl Iterator<Item = &'a Task>) -> (u32, u32) {
    let mut counts = (0, 0);
    for task in tasks {
        match task.state {
            State::Running | State::Deactivating => counts.0 += 1,
            State::Provisioning | State::Pending | State::Activating if task.live() => counts.1 += 1,
            _ => {}
        }
    }
    counts
}
