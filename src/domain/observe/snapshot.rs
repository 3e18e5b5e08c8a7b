//! The present state in AWS: the newest answer of each source, each with its age and its last failure.

mod learn;
mod notice;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::progress::ProgressTracker;
use super::routes::Routes;
use crate::domain::ecs::alarm::Alarm;
use crate::domain::ecs::auto_scaling::AutoScaling;
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::{Arn, Identity, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Health, Route, RouteId, TargetGroup};
use crate::domain::ecs::service::{Service, Task, TaskDefinition};
use crate::domain::ecs::task_definition::Definition;
use crate::domain::metrics::Series;
use crate::domain::metrics::source::MetricSource;

pub use super::changes::{AlarmChange, HookChange, Since, StageChange, WeightChange};
pub use super::query::{Answer, Query};
pub use super::reading::Reading;

/// A revision that a console on this machine observed complete and healthy: evidence of a good revision where AWS keeps
/// no deployment history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedHealthy {
    /// The revision that ran.
    pub task_definition: TaskDefinitionArn,
    /// Time of the last such observation.
    pub at: Timestamp,
}

/// Everything that tidegate knows, as of each source's last answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The identity of the credentials.
    pub identity: Reading<Identity>,
    /// All services, by name.
    pub services: Reading<BTreeMap<ServiceKey, Service>>,
    /// All routes, by rule.
    pub routes: Reading<Routes>,
    /// Health, by target group.
    pub health: BTreeMap<Arn, Reading<Health>>,
    /// Tasks, by service.
    pub tasks: BTreeMap<ServiceKey, Reading<Vec<Task>>>,
    /// Task definitions; only their status ever changes.
    pub task_definitions: BTreeMap<TaskDefinitionArn, Reading<TaskDefinition>>,
    /// Active revisions, by family, newest first.
    pub families: BTreeMap<String, Reading<Vec<TaskDefinitionArn>>>,
    /// Deployments, by service, newest first.
    pub deployments: BTreeMap<ServiceKey, Reading<Vec<ServiceDeployment>>>,
    /// Alarms, by name.
    pub alarms: BTreeMap<String, Reading<Alarm>>,
    /// Minutes, by metric source.
    pub metrics: BTreeMap<MetricSource, Reading<Series>>,
    /// Time of the last single read of each route: an older reading of all routes does not replace the newer read.
    routes_read: BTreeMap<RouteId, Timestamp>,
    /// True while parts of the first answer about all services are known, and the rest is not.
    services_are_coming: bool,
    /// Time of the last single read of each service.
    services_read: BTreeMap<ServiceKey, Timestamp>,
    /// Start of each route's present weights, as far as observed.
    pub weights_since: BTreeMap<RouteId, Since>,
    /// Observed changes of weights, by route, oldest first; only the most recent are kept.
    pub weight_changes: BTreeMap<RouteId, Vec<WeightChange>>,
    /// Observed changes of deployment stages, by deployment, oldest first.
    pub stage_changes: BTreeMap<Arn, Vec<StageChange>>,
    /// Observed changes of pauses, by deployment, oldest first.
    pub hook_changes: BTreeMap<Arn, Vec<HookChange>>,
    /// Observed changes of alarms, by name, oldest first.
    pub alarm_changes: BTreeMap<String, Vec<AlarmChange>>,
    /// Auto scaling, by service.
    pub scaling: BTreeMap<ServiceKey, Reading<AutoScaling>>,
    /// Target groups' settings.
    pub target_groups: BTreeMap<Arn, Reading<TargetGroup>>,
    /// Task definitions in full, values redacted.
    pub definitions: BTreeMap<TaskDefinitionArn, Reading<Definition>>,
    /// Progress of rollouts, stages and draining targets between two readings.
    pub noticed: ProgressTracker,
    /// Revisions that were observed complete and healthy, by service, newest first.
    pub witnessed: BTreeMap<ServiceKey, Vec<ObservedHealthy>>,
}

/// Maximum age of metrics and alarm states, which are read once or twice a minute; an older reading does not describe
/// the present.
pub const KEEPS: SignedDuration = SignedDuration::from_mins(5);

impl Snapshot {
    /// Adds an observation, newest first, one per revision.
    pub fn remember(&mut self, service: &ServiceKey, witness: ObservedHealthy) {
        let seen = self.witnessed.entry(service.clone()).or_default();
        if let Some(newest) = seen.first_mut()
            && newest.task_definition == witness.task_definition
        {
            newest.at = newest.at.max(witness.at);
            return;
        }
        seen.retain(|had| had.task_definition != witness.task_definition);
        seen.push(witness);
        seen.sort_by_key(|witness| std::cmp::Reverse(witness.at));
    }

    /// A service by its key.
    pub fn service(&self, key: &ServiceKey) -> Option<&Service> {
        self.services.get()?.get(key)
    }

    /// Returns true while some services are known, and others may follow that were never read.
    pub(crate) fn services_are_coming(&self) -> bool {
        self.services_are_coming
    }

    /// Time of the newest read of a service: its own, or that of all services.
    pub(crate) fn service_read_at(&self, key: &ServiceKey) -> Option<Timestamp> {
        self.services.at().max(self.services_read.get(key).copied())
    }

    /// Time of the newest read of a route: its own, or that of all routes.
    pub(crate) fn route_read_at(&self, id: &RouteId) -> Option<Timestamp> {
        self.routes.at().max(self.routes_read.get(id).copied())
    }

    /// A route by its rule.
    pub fn route(&self, id: &RouteId) -> Option<&Route> {
        self.routes.get()?.get(id)
    }

    /// The routes to a target group, whatever the weight; none before the routes were read.
    pub(crate) fn routes_to<'a>(&'a self, group: &Arn) -> impl Iterator<Item = &'a Route> {
        self.routes.get().into_iter().flat_map(|routes| routes.to(group))
    }

    /// A target group's health, if it was read.
    pub fn health_of(&self, target_group: &Arn) -> Option<&Health> {
        self.health.get(target_group)?.get()
    }

    /// The newest active revision of a family, if the family was read.
    pub fn newest_of(&self, family: &str) -> Option<&TaskDefinitionArn> {
        self.families.get(family)?.get()?.first()
    }

    /// A task definition, if it was read.
    pub fn task_definition(&self, arn: &TaskDefinitionArn) -> Option<&TaskDefinition> {
        self.task_definitions.get(arn)?.get()
    }

    /// The version of a revision, or the revision where no version was read.
    pub fn called(&self, arn: &TaskDefinitionArn) -> String {
        let version = self.task_definition(arn).and_then(TaskDefinition::version);
        version.map_or_else(|| arn.tag(), str::to_owned)
    }
}
