//! A service with its revisions, deployments, tasks and events.

use std::collections::VecDeque;

use super::deployment_config::DeploymentConfig;
use super::instance::HostPort;
use super::lifecycle::Lifecycle;
use super::revision_settings::RevisionSettings;
use super::service_deployment::ServiceDeployment;
use super::task::{Task, TaskStatus};
use crate::sim::scenario::{Managed, Scaling, ServiceStatus};
use crate::sim::world::arns::Arns;
use crate::sim::world::clock::Ms;
use crate::sim::world::elb::target_group::GroupId;
use crate::sim::world::ids::Ids;
use crate::sim::world::task_definitions::catalog::{Catalog, DefinitionId};

/// The number of events that a service keeps.
const MAX_EVENTS: usize = 100;

/// A service revision, which a deployment installs.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub(crate) id: u64,
    pub(crate) definition: DefinitionId,
    pub(crate) created: Ms,
    /// The target group that its tasks register with.
    pub(crate) group: Option<GroupId>,
    pub(crate) settings: RevisionSettings,
    /// The digests that its first task pulled, in the order of the containers.
    pub(crate) digests: Option<Vec<String>>,
}

impl Revision {
    /// The digests that a task pulls at `at`. The first task decides the digests of the revision: all later tasks get
    /// the same ones for pinned containers.
    pub(crate) fn pull(&mut self, catalog: &Catalog, at: Ms) -> Vec<String> {
        let current = catalog.digests(self.definition, at);
        let first = self.digests.get_or_insert_with(|| current.clone());
        let containers = catalog.get(self.definition).containers.iter();
        let pairs = containers.zip(first.iter().zip(current));
        pairs.map(|(container, (first, current))| if container.pinned { first.clone() } else { current }).collect()
    }
}

/// rolloutState.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum RolloutState {
    Completed,
    Failed,
    InProgress,
}

/// An entry of `deployments[]`. The first entry is PRIMARY.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    pub(crate) id: u64,
    /// An index into the service's revisions.
    pub(crate) revision: usize,
    pub(crate) created: Ms,
    pub(crate) updated: Ms,
    pub(crate) rollout: RolloutState,
    /// failedTasks.
    pub(crate) failed: u32,
    pub(crate) desired: u32,
    /// After failures, no task starts before this.
    pub(crate) retry_at: Ms,
}

impl Deployment {
    pub(crate) fn new(id: u64, revision: usize, desired: u32, now: Ms) -> Self {
        Self {
            id,
            revision,
            created: now,
            updated: now,
            rollout: RolloutState::InProgress,
            failed: 0,
            desired,
            retry_at: now,
        }
    }
}

/// An entry of `events[]`.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) created: Ms,
    pub(crate) message: String,
}

/// An ECS service.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) created: Ms,
    pub(crate) desired: u32,
    pub(crate) config: DeploymentConfig,
    /// targetGroupArn of `loadBalancers[0]`.
    pub(crate) group: Option<GroupId>,
    /// alternateTargetGroupArn.
    pub(crate) alternate: Option<GroupId>,
    /// targetGroupArn of the further `loadBalancers`. Every task registers with them too.
    pub(crate) more_groups: Vec<GroupId>,
    /// productionListenerRule, an index into the load balancer's rules.
    pub(crate) rule: Option<usize>,
    /// testListenerRule, an index into the load balancer's rules.
    pub(crate) test_rule: Option<usize>,
    /// containerName of `loadBalancers[0]`.
    pub(crate) container: String,
    /// The first host port of its tasks on instances.
    pub(crate) first_port: u16,
    /// The health check grace period.
    pub(crate) grace: Ms,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) revisions: Vec<Revision>,
    /// PRIMARY first.
    pub(crate) deployments: Vec<Deployment>,
    /// Service deployments, oldest first.
    pub(crate) history: Vec<ServiceDeployment>,
    /// Oldest first.
    pub(crate) events: VecDeque<Event>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) status: ServiceStatus,
    /// schedulingStrategy is DAEMON.
    pub(crate) daemon: bool,
    /// The most tasks that the cluster has room for.
    pub(crate) room: u32,
    /// The part of AWS that owns the rule and the target groups.
    pub(crate) managed: Option<Managed>,
    /// Time for which a surplus task is protected from being stopped.
    pub(crate) protected: Ms,
    /// The scalable target of Application Auto Scaling.
    pub(crate) scaling: Option<Scaling>,
    /// The last change of desiredCount.
    pub(crate) scaled_at: Option<Ms>,
    /// The next time at which ECS reports a task that it cannot place or stop.
    pub(crate) report_at: Ms,
    /// The service has reported a steady state, and nothing has changed since.
    pub(crate) steady: bool,
}

impl Service {
    /// Adds an event and drops the oldest one if there are too many.
    pub(crate) fn add_event(&mut self, now: Ms, ids: &mut Ids, message: String) {
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(Event { id: ids.uuid(), created: now, message });
    }

    /// The place of its next task on an instance.
    pub(crate) fn free_host_port(&self) -> HostPort {
        let taken: Vec<_> = self.tasks.iter().filter_map(|task| task.host_port).collect();
        HostPort::next(self.first_port, &taken)
    }

    /// schedulingStrategy.
    pub(crate) fn scheduling_strategy(&self) -> &'static str {
        if self.daemon { "DAEMON" } else { "REPLICA" }
    }

    pub(crate) fn primary(&self) -> Option<&Deployment> {
        self.deployments.first()
    }

    /// The revision of the PRIMARY deployment.
    pub(crate) fn current_revision(&self) -> Option<&Revision> {
        self.revisions.get(self.primary()?.revision)
    }

    /// The newest service deployment, in progress or not.
    pub(crate) fn latest_deployment(&self) -> Option<&ServiceDeployment> {
        self.history.last()
    }

    /// The service deployment in progress.
    pub(crate) fn deployment_in_progress(&mut self) -> Option<&mut ServiceDeployment> {
        self.history.last_mut().filter(|d| !d.status.is_terminal())
    }

    pub(crate) fn tasks_of(&self, deployment: u64) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |t| t.deployment == deployment)
    }

    /// The tasks of a revision, whichever deployment started them.
    pub(crate) fn tasks_of_revision(&self, revision: usize) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |t| t.revision == revision)
    }

    /// The end of the scale-in protection of a deployment's tasks; `None`: they are not protected.
    pub(crate) fn protected_until(&self, deployment: u64, now: Ms) -> Option<Ms> {
        let primary = self.primary()?;
        let surplus_since = if primary.id == deployment { self.scaled_at } else { Some(primary.created) };
        let until = surplus_since.unwrap_or(now) + self.protected;
        (self.protected > 0 && until > now).then_some(until)
    }

    /// The revision that a rollback of a deployment returns to.
    pub(crate) fn source_of(&self, deployment: &ServiceDeployment) -> Option<usize> {
        deployment.sources.iter().copied().find(|s| *s != deployment.target).or(deployment.sources.first().copied())
    }

    /// The installed revision: the one that a deployment in progress would roll back to, otherwise the current one.
    /// The target of a deployment that only has to clean up counts as installed.
    pub(crate) fn installed(&self) -> Option<usize> {
        match self.latest_deployment().filter(|d| !d.status.is_terminal()) {
            Some(deployment)
                if deployment.lifecycle.as_ref().is_some_and(Lifecycle::is_shifted)
                    && deployment.rollback.is_none() =>
            {
                Some(deployment.target)
            }
            Some(deployment) => self.source_of(deployment),
            None => self.primary().map(|p| p.revision),
        }
    }

    /// Adds a service revision and returns its index.
    pub(crate) fn add_revision(&mut self, revision: Revision) -> usize {
        self.revisions.push(revision);
        self.revisions.len() - 1
    }

    /// taskDefinition as DescribeServices shows it.
    pub(crate) fn task_definition(&self, catalog: &Catalog, arns: &Arns) -> Option<String> {
        self.current_revision().map(|r| catalog.get(r.definition).arn(arns))
    }
}

/// runningCount and pendingCount of some tasks.
pub(crate) fn task_counts<'a>(tasks: impl Iterator<Item = &'a Task>) -> (u32, u32) {
    let mut counts = (0, 0);
    for task in tasks {
        match task.status {
            TaskStatus::Running | TaskStatus::Deactivating => counts.0 += 1,
            TaskStatus::Provisioning | TaskStatus::Pending | TaskStatus::Activating if task.is_live() => counts.1 += 1,
            _ => {}
        }
    }
    counts
}
