//! The services of a scenario in steady state, with their past deployments.

use std::collections::VecDeque;

use super::deploy::{ROLLED_BACK_BY_USER, SUPERSEDED};
use super::deployment_config::DeploymentConfig;
use super::instance::first_port;
use super::lifecycle::Lifecycle;
use super::revision_settings::RevisionSettings;
use super::service::{Deployment, Event, Revision, RolloutState, Service};
use super::service_deployment::{DeploymentStatus, RevisionChange, Rollback, ServiceDeployment};
use super::task::{Task, TaskSpec};
use crate::sim::scenario::{self, PastOutcome, Scenario, ServiceStatus, Strategy};
use crate::sim::world::clock::{DAY, HOUR, MINUTE, Ms, SECOND};
use crate::sim::world::elb::load_balancer::LoadBalancer;
use crate::sim::world::elb::target_group::GroupId;
use crate::sim::world::ids::Ids;
use crate::sim::world::task_definitions::catalog::{Catalog, DefinitionId};

/// Builds the services of a scenario.
pub(crate) struct Builder<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) load_balancer: &'a LoadBalancer,
    /// The scenario's start; its ages count from here.
    pub(crate) start: Ms,
    /// The beginning of the warm-up.
    pub(crate) begin: Ms,
}

/// A deployment that ended before the warm-up.
struct Ended {
    definition: DefinitionId,
    group: Option<GroupId>,
    settings: RevisionSettings,
    at: Ms,
    took: Ms,
    outcome: PastOutcome,
    reason: Option<String>,
    triggered: Vec<String>,
}

impl Builder<'_> {
    /// The services as they are when the warm-up begins. Leaves out services that name an unknown task definition.
    pub(crate) fn services(&self, scenario: &Scenario, ids: &mut Ids) -> Vec<Service> {
        let build = |(at, (name, from)): (usize, (&String, &scenario::Service))| {
            let cluster = from.cluster.as_ref().or(scenario.clusters.first());
            let service = self.blank_service(name, cluster.cloned().unwrap_or_default(), from);
            self.fill(Service { first_port: first_port(at), ..service }, from, ids)
        };
        scenario.service.iter().enumerate().filter_map(build).collect()
    }

    fn deployed_at(&self, from: &scenario::Service) -> Ms {
        (self.start - from.deployed.ms).min(self.begin - MINUTE)
    }

    /// A service without revisions, deployments and tasks.
    fn blank_service(&self, name: &str, cluster: String, from: &scenario::Service) -> Service {
        let group = |name: &Option<String>| name.as_ref().and_then(|g| self.load_balancer.groups.named(g));
        let rule = |name: &Option<String>| name.as_ref().and_then(|r| self.load_balancer.rule_named(r));
        let deployed = self.deployed_at(from);
        let oldest = from.past.iter().map(|p| self.start - p.ago.ms).min().unwrap_or(deployed);
        Service {
            name: name.into(),
            cluster,
            created: oldest.min(deployed) - 100 * DAY,
            desired: if from.status == ServiceStatus::Active { from.desired } else { 0 },
            config: DeploymentConfig::new(&from.deployment),
            group: group(&from.target_group),
            alternate: group(&from.alternate_target_group),
            more_groups: from.more_target_groups.iter().filter_map(|g| self.load_balancer.groups.named(g)).collect(),
            rule: rule(&from.production_rule),
            test_rule: rule(&from.test_rule),
            container: from.task_definition.split(':').next().unwrap_or_default().to_owned(),
            first_port: first_port(0),
            grace: Ms::from(from.grace_seconds) * SECOND,
            tags: from.tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            revisions: Vec::new(),
            deployments: Vec::new(),
            history: Vec::new(),
            events: VecDeque::new(),
            tasks: Vec::new(),
            status: from.status,
            daemon: from.daemon,
            room: from.room.unwrap_or(u32::MAX),
            managed: from.managed,
            protected: from.protected.map_or(0, |protected| protected.ms),
            scaled_at: None,
            scaling: from.scaling,
            report_at: self.begin,
            steady: from.room.is_none_or(|room| room >= from.desired),
        }
    }

    /// Adds the past deployments, the running tasks and the events.
    fn fill(&self, mut service: Service, from: &scenario::Service, ids: &mut Ids) -> Option<Service> {
        let deployed = self.deployed_at(from);
        let installed = Ended {
            definition: self.catalog.find(&from.task_definition)?,
            group: if from.on_alternate { service.alternate } else { service.group },
            settings: RevisionSettings::new(&from.setting, None),
            at: deployed,
            took: from.took.ms.min(self.begin - deployed),
            outcome: PastOutcome::Successful,
            reason: None,
            triggered: Vec::new(),
        };
        let completed = deployed + installed.took;
        // Past deployments that are newer than the installed one have failed.
        let (newer, older): (Vec<_>, Vec<_>) =
            self.past(from, &installed, service.group)?.into_iter().partition(|e| e.at > deployed);
        let mut good = None;
        for ended in older {
            self.record(&mut service, ended, &mut good, ids);
        }
        let (definition, group) = (installed.definition, installed.group);
        let revision = self.record(&mut service, installed, &mut good, ids);
        for ended in newer {
            self.record(&mut service, ended, &mut good, ids);
        }
        let id = ids.number();
        let mut primary = Deployment::new(id, revision, service.desired, deployed);
        (primary.rollout, primary.updated) = (RolloutState::Completed, completed);
        service.deployments.push(primary);
        let tasks = from.desired.min(service.room);
        let more_groups = service.more_groups.clone();
        let spec = TaskSpec { definition, deployment: id, revision, group, more_groups: &more_groups, host_port: None };
        let started = (0..tasks).map(|n| self.started(deployed, n));
        self.add_tasks(&mut service, spec, started, ids);
        self.add_events(&mut service, ids);
        Some(service)
    }

    /// The past deployments of a service, oldest first. `None` if one of them names an unknown task definition.
    fn past(&self, from: &scenario::Service, installed: &Ended, group: Option<GroupId>) -> Option<Vec<Ended>> {
        let ended = |past: &scenario::PastDeployment| {
            Some(Ended {
                definition: self.catalog.find(&past.task_definition)?,
                group,
                settings: RevisionSettings::new(&past.setting, Some(&installed.settings)),
                at: self.start - past.ago.ms,
                took: past.took.ms,
                outcome: past.outcome,
                reason: past.reason.clone(),
                triggered: past.triggered.clone(),
            })
        };
        let mut all = from.past.iter().map(ended).collect::<Option<Vec<_>>>()?;
        all.sort_by_key(|e| e.at);
        Some(all)
    }

    /// Adds an ended deployment and its revision to a service and returns the revision's index. `good` is the index of
    /// the revision that was installed last.
    fn record(&self, service: &mut Service, ended: Ended, good: &mut Option<usize>, ids: &mut Ids) -> usize {
        let Ended { definition, group, settings, at, took, outcome, reason, triggered } = ended;
        let mut revision = Revision { id: ids.number(), definition, created: at, group, settings, digests: None };
        // The first task of the revision has pulled its images.
        revision.pull(self.catalog, at);
        let target = service.add_revision(revision);
        let source = good.unwrap_or(target);
        let change = RevisionChange { target, sources: good.iter().copied().collect() };
        let mut deployment = ServiceDeployment::new(ids.alnum(21), change, service.config.clone(), service.desired, at);
        deployment.started = Some(at + 2 * SECOND);
        deployment.finish(DeploymentStatus::Successful, at + took);
        if service.config.strategy != Strategy::Rolling {
            let percent = if outcome == PastOutcome::Successful { 100.0 } else { 0.0 };
            deployment.lifecycle = Some(Lifecycle::ended(percent, service.test_rule.is_some()));
        }
        if !triggered.is_empty() {
            deployment.trigger_alarms(triggered);
        }
        let rollback =
            |reason: &str| Some(Rollback { reason: reason.into(), started: at + took / 2, revision: source });
        match outcome {
            PastOutcome::Successful => *good = Some(target),
            PastOutcome::RolledBack => {
                let reason = reason.unwrap_or_else(|| ROLLED_BACK_BY_USER.into());
                deployment.status = DeploymentStatus::RollbackSuccessful;
                deployment.rollback = rollback(&reason);
                deployment.reason = Some(reason);
            }
            PastOutcome::RollbackFailed => {
                deployment.status = DeploymentStatus::RollbackFailed;
                deployment.stopped = deployment.finished;
                deployment.rollback = rollback(ROLLED_BACK_BY_USER);
                deployment.reason = Some(reason.unwrap_or_else(|| SUPERSEDED.into()));
            }
            PastOutcome::Superseded => {
                deployment.status = DeploymentStatus::Stopped;
                deployment.stopped = deployment.finished;
                deployment.reason = Some(reason.unwrap_or_else(|| SUPERSEDED.into()));
            }
        }
        service.history.push(deployment);
        target
    }

    /// The start of a deployment's task: tasks start a few seconds apart, and every fifth has been replaced since.
    fn started(&self, deployed: Ms, n: u32) -> Ms {
        let age = self.begin - deployed;
        let age = if n % 5 == 4 { age / 3 } else { age };
        self.begin - age + Ms::from(n) * 2 * SECOND
    }

    fn add_tasks(&self, service: &mut Service, spec: TaskSpec<'_>, started: impl Iterator<Item = Ms>, ids: &mut Ids) {
        let definition = self.catalog.get(spec.definition);
        for created in started {
            let host_port = definition.on_instances.then(|| service.free_host_port());
            let mut task = Task::launch(TaskSpec { host_port, ..spec }, &definition.behaviour, created, ids);
            task.make_steady(&self.load_balancer.groups);
            if let (Some(revision), Some(pulled)) = (service.revisions.get_mut(spec.revision), task.times.pull_stopped)
            {
                task.digests = revision.pull(self.catalog, pulled);
            }
            service.tasks.push(task);
        }
    }

    /// Adds the event of the completed deployment, and the steady state events that follow every six hours.
    fn add_events(&self, service: &mut Service, ids: &mut Ids) {
        let Some((id, deployed, completed)) = service.primary().map(|p| (p.id, p.created, p.updated)) else {
            return;
        };
        let name = service.name.clone();
        let message = format!("(service {name}) (deployment ecs-svc/{id}) deployment completed.");
        service.events.push_back(Event { id: ids.uuid(), created: completed, message });
        let hours = (self.begin - deployed) / HOUR;
        for ago in (1..=5).rev().map(|n| n * 6).filter(|ago| *ago < hours) {
            let created = self.begin - ago * HOUR + ids.jitter(20 * MINUTE);
            let message = format!("(service {name}) has reached a steady state.");
            service.events.push_back(Event { id: ids.uuid(), created, message });
        }
    }
}
