//! What AWS says now: the newest answer of each source, each with its age and its last failure.

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
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::metrics::Series;
use crate::domain::metrics::source::MetricSource;

use super::changes::note;
pub use super::changes::{AlarmChange, HookChange, StageChange, WeightChange};
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

/// All that is known, as of each source's last answer.
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
    /// When a route was last read by itself: a reading of all of them that was asked for earlier does not undo it.
    routes_read: BTreeMap<RouteId, Timestamp>,
    /// The same of services.
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
    /// What was noticed between two looks.
    pub noticed: ProgressTracker,
    /// What was seen running well, by service, newest first.
    pub witnessed: BTreeMap<ServiceKey, Vec<ObservedHealthy>>,
}

/// The beginning of a state that was watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// When.
    pub at: Timestamp,
    /// Whether the change itself was seen; else it has been so at least since then.
    pub seen: bool,
}

/// Minutes and alarms' states are asked for once or twice a minute; what is older than this says nothing of now.
pub const KEEPS: SignedDuration = SignedDuration::from_mins(5);

/// How long minutes are kept: what the widest panel can draw.
pub const METRICS_KEPT: SignedDuration = SignedDuration::from_hours(3);

impl Snapshot {
    /// Takes in an answer, or the failure to get one. `at` is when the question was asked: what is older than
    /// that cannot be newer than the answer.
    pub fn apply(&mut self, at: Timestamp, query: &Query, answer: Result<Answer, Fault>) {
        match answer {
            Ok(facts) => self.learn(at, query, facts),
            Err(fault) => self.miss(at, query, &fault),
        }
    }

    fn learn(&mut self, at: Timestamp, query: &Query, facts: Answer) {
        match facts {
            Answer::Identity(identity) => self.identity.put(at, identity),
            Answer::Services(services) => {
                // An answer that another one overtook teaches nothing.
                if self.services.at().is_some_and(|had| had > at) {
                    return;
                }
                services.iter().for_each(|service| self.witness(at, service));
                services.iter().for_each(|service| self.noticed.service(at, service));
                let known = self.services.value.take().map(|(_, services)| services).unwrap_or_default();
                let newest = |service: Service| match known.get(&service.key) {
                    Some(known) if self.services_read.get(&service.key).is_some_and(|read| *read > at) => known.clone(),
                    _ => service,
                };
                let services = services.into_iter().map(newest).map(|service| (service.key.clone(), service)).collect();
                self.services = Reading::fresh(at, services);
            }
            Answer::Service(service) => {
                if self.services_read.get(&service.key).is_some_and(|had| *had > at) {
                    return;
                }
                self.witness(at, &service);
                self.noticed.service(at, &service);
                self.services_read.insert(service.key.clone(), at);
                if let Some((_, services)) = &mut self.services.value {
                    services.insert(service.key.clone(), *service);
                }
            }
            Answer::Routes(routes) => {
                if self.routes.at().is_some_and(|had| had > at) {
                    return;
                }
                let newest = |route: Route| match self.route(&route.id) {
                    Some(known) if self.routes_read.get(&route.id).is_some_and(|read| *read > at) => known.clone(),
                    _ => route,
                };
                let routes: Vec<_> = routes.into_iter().map(newest).collect();
                routes.iter().for_each(|route| self.notice_weights(at, route));
                self.routes = Reading::fresh(at, routes.into_iter().map(|route| (route.id.clone(), route)).collect());
            }
            Answer::Route(route) => {
                if self.routes_read.get(&route.id).is_some_and(|had| *had > at) {
                    return;
                }
                self.notice_weights(at, &route);
                self.routes_read.insert(route.id.clone(), at);
                if let Some((_, routes)) = &mut self.routes.value {
                    routes.insert(route.id.clone(), route);
                }
            }
            Answer::Health(health) => {
                for (target_group, health) in health {
                    let reading = self.health.entry(target_group.clone()).or_default();
                    if reading.at().is_none_or(|had| had <= at) {
                        self.noticed.health(at, &target_group, reading.get(), &health);
                    }
                    reading.put(at, health);
                }
            }
            Answer::Tasks(tasks) => {
                if let Query::Tasks(service) = query {
                    self.tasks.entry(service.clone()).or_default().put(at, tasks);
                }
            }
            Answer::TaskDefinitions(definitions) => {
                for definition in definitions {
                    self.task_definitions.entry(definition.arn.clone()).or_default().put(at, definition);
                }
            }
            Answer::Family(revisions) => {
                if let Query::Family(family) = query {
                    self.families.entry(family.clone()).or_default().put(at, revisions);
                }
            }
            Answer::Deployments(deployments) => {
                if let Query::Deployments(service) = query {
                    self.notice_deployments(at, service, &deployments);
                    let reading = self.deployments.entry(service.clone()).or_default();
                    if reading.at().is_none_or(|had| had <= at) {
                        self.noticed.deployments(at, service, &deployments);
                    }
                    reading.put(at, deployments);
                }
            }
            Answer::Alarms(alarms) => {
                let asked = if let Query::Alarms(names) = query { names.as_slice() } else { &[] };
                for name in asked.iter().filter(|name| !alarms.iter().any(|alarm| alarm.name == **name)) {
                    let reading = self.alarms.entry(name.clone()).or_default();
                    // What it said before it was deleted says nothing of now.
                    if reading.at().is_none_or(|had| had <= at) {
                        let why = "it does not exist in this account and region";
                        let fault = Fault::new(FaultKind::NotFound, "DescribeAlarms", name.as_str(), why);
                        *reading = Reading { value: None, fault: Some((at, fault)) };
                    }
                }
                for alarm in alarms {
                    self.notice_alarm(at, &alarm);
                    self.alarms.entry(alarm.name.clone()).or_default().put(at, alarm);
                }
            }
            Answer::TargetGroups(groups) => {
                for group in groups {
                    self.target_groups.entry(group.arn.clone()).or_default().put(at, group);
                }
            }
            Answer::Definition(definition) => {
                if let Query::Definition { arn, reveal: false } = query {
                    self.definitions.entry(arn.clone()).or_default().put(at, *definition);
                }
            }
            // Logs are kept by the view that follows them.
            Answer::Logs(_) => {}
            Answer::Metrics(metrics) => {
                for (meter, newer) in metrics {
                    let reading = self.metrics.entry(meter).or_default();
                    if reading.at().is_some_and(|had| had > at) {
                        continue;
                    }
                    let mut series = reading.get().cloned().unwrap_or_default();
                    series.merge(&newer, at, METRICS_KEPT);
                    reading.put(at, series);
                }
            }
        }
    }

    fn miss(&mut self, at: Timestamp, query: &Query, fault: &Fault) {
        match query {
            Query::Identity => self.identity.fail(at, fault.clone()),
            Query::Services | Query::Service(_) => self.services.fail(at, fault.clone()),
            Query::Routes | Query::Route(_) => self.routes.fail(at, fault.clone()),
            Query::Health(groups) => {
                for group in groups {
                    self.health.entry(group.clone()).or_default().fail(at, fault.clone());
                }
            }
            Query::Tasks(service) => self.tasks.entry(service.clone()).or_default().fail(at, fault.clone()),
            Query::TaskDefinitions(arns) => {
                for arn in arns {
                    self.task_definitions.entry(arn.clone()).or_default().fail(at, fault.clone());
                }
            }
            Query::Family(family) => self.families.entry(family.clone()).or_default().fail(at, fault.clone()),
            Query::Deployments(service) => self.deployments.entry(service.clone()).or_default().fail(at, fault.clone()),
            Query::Alarms(names) => {
                for name in names {
                    self.alarms.entry(name.clone()).or_default().fail(at, fault.clone());
                }
            }
            Query::TargetGroups(groups) => {
                for group in groups {
                    self.target_groups.entry(group.clone()).or_default().fail(at, fault.clone());
                }
            }
            // A reading with its values is the view's own.
            Query::Definition { reveal: true, .. } => {}
            Query::Definition { arn, reveal: false } => {
                self.definitions.entry(arn.clone()).or_default().fail(at, fault.clone());
            }
            Query::Logs(_) => {}
            Query::Metrics(metrics) => {
                for (meter, _) in &metrics.meters {
                    self.metrics.entry(meter.clone()).or_default().fail(at, fault.clone());
                }
            }
        }
    }

    /// Remembers since when a route has had its weights.
    fn notice_weights(&mut self, at: Timestamp, route: &Route) {
        let before = self.routes.get().and_then(|routes| routes.get(&route.id));
        match before {
            Some(before) if before.forwards == route.forwards => {}
            Some(before) => {
                let before = before.forwards.clone();
                self.weights_since.insert(route.id.clone(), Since { at, seen: true });
                let changes = self.weight_changes.entry(route.id.clone()).or_default();
                note(changes, WeightChange { at, before, forwards: route.forwards.clone() });
            }
            None => {
                self.weights_since.entry(route.id.clone()).or_insert(Since { at, seen: false });
            }
        }
    }

    /// Remembers what was seen running well.
    fn witness(&mut self, at: Timestamp, service: &Service) {
        if service.desired > 0 && service.settled_on(&service.task_definition) {
            self.remember(&service.key, ObservedHealthy { task_definition: service.task_definition.clone(), at });
        }
    }

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
