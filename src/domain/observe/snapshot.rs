//! What AWS says now: the newest answer of each source, each with its age and its last failure.

mod learn;
mod notice;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::progress::ProgressTracker;
use crate::domain::ecs::alarm::Alarm;
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

/// A revision that was seen complete and healthy by a console on this machine: evidence that it was good,
/// where AWS keeps no history of deployments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedHealthy {
    /// The revision that ran.
    pub task_definition: TaskDefinitionArn,
    /// When it was last seen so.
    pub at: Timestamp,
}

/// Everything that is known, as of each source's last answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Whose credentials.
    pub identity: Reading<Identity>,
    /// Every service, by name.
    pub services: Reading<BTreeMap<ServiceKey, Service>>,
    /// Every route, by rule.
    pub routes: Reading<BTreeMap<RouteId, Route>>,
    /// Health, by target group.
    pub health: BTreeMap<Arn, Reading<Health>>,
    /// Tasks, by service.
    pub tasks: BTreeMap<ServiceKey, Reading<Vec<Task>>>,
    /// Task definitions; they never change but in status.
    pub task_definitions: BTreeMap<TaskDefinitionArn, Reading<TaskDefinition>>,
    /// Active revisions, by family, newest first.
    pub families: BTreeMap<String, Reading<Vec<TaskDefinitionArn>>>,
    /// Deployments, by service, newest first.
    pub deployments: BTreeMap<ServiceKey, Reading<Vec<ServiceDeployment>>>,
    /// Alarms, by name.
    pub alarms: BTreeMap<String, Reading<Alarm>>,
    /// Minutes, by meter.
    pub metrics: BTreeMap<MetricSource, Reading<Series>>,
    /// When a route was last read by itself: an older reading of all of them does not undo it.
    routes_read: BTreeMap<RouteId, Timestamp>,
    /// The same for services.
    services_read: BTreeMap<ServiceKey, Timestamp>,
    /// Since when each route has had the weights it has now, as far as was seen.
    pub weights_since: BTreeMap<RouteId, Since>,
    /// The changes of weights that were seen, by route, oldest first; the last of them only.
    pub weight_changes: BTreeMap<RouteId, Vec<WeightChange>>,
    /// The changes of deployments' stages that were seen, by deployment, oldest first.
    pub stage_changes: BTreeMap<Arn, Vec<StageChange>>,
    /// The changes of their pauses that were seen, by deployment, oldest first.
    pub hook_changes: BTreeMap<Arn, Vec<HookChange>>,
    /// The changes of alarms that were seen, by name, oldest first.
    pub alarm_changes: BTreeMap<String, Vec<AlarmChange>>,
    /// Target groups' settings.
    pub target_groups: BTreeMap<Arn, Reading<TargetGroup>>,
    /// Task definitions in full, values hidden.
    pub definitions: BTreeMap<TaskDefinitionArn, Reading<Definition>>,
    /// How rollouts, stages and draining targets progress between two readings.
    pub noticed: ProgressTracker,
    /// Revisions that were observed complete and healthy, by service, newest first.
    pub witnessed: BTreeMap<ServiceKey, Vec<ObservedHealthy>>,
}

/// Metrics and alarm states are read once or twice a minute; one that is older than this says nothing of now.
pub const KEEPS: SignedDuration = SignedDuration::from_mins(5);

impl Snapshot {
    /// Adds a witness, newest first, one for each revision.
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

    /// A route by its rule.
    pub fn route(&self, id: &RouteId) -> Option<&Route> {
        self.routes.get()?.get(id)
    }

    /// A target group's health, where it was read.
    pub fn health_of(&self, target_group: &Arn) -> Option<&Health> {
        self.health.get(target_group)?.get()
    }

    /// The newest active revision of a family, where the family was read.
    pub fn newest_of(&self, family: &str) -> Option<&TaskDefinitionArn> {
        self.families.get(family)?.get()?.first()
    }

    /// A task definition, where it was read.
    pub fn task_definition(&self, arn: &TaskDefinitionArn) -> Option<&TaskDefinition> {
        self.task_definitions.get(arn)?.get()
    }
}
