//! Effects of an answer, or of a failure, on the snapshot.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Answer, Query, Reading, Snapshot};
use crate::domain::ecs::alarm::Alarm;
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::ecs::route::{Health, Route};
use crate::domain::ecs::service::Service;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::metrics::Series;
use crate::domain::metrics::source::MetricSource;

/// Retention of minutes: the widest panel draws this much.
const METRICS_KEPT: SignedDuration = SignedDuration::from_hours(3);

impl Snapshot {
    /// Applies an answer or a failure. `at` is the time of the query: older data cannot be newer than the answer.
    pub fn apply(&mut self, at: Timestamp, query: &Query, answer: Result<Answer, Fault>) {
        match answer {
            Ok(answer) => self.learn(at, query, answer),
            Err(fault) => self.miss(at, query, &fault),
        }
    }

    fn learn(&mut self, at: Timestamp, query: &Query, answer: Answer) {
        match (answer, query) {
            (Answer::Identity(identity), _) => self.identity.put(at, identity),
            (Answer::Services(services), _) => self.learn_services(at, services),
            (Answer::SomeServices(services), _) => self.learn_some_services(at, services),
            (Answer::Service(service), _) => self.learn_service(at, *service),
            (Answer::Routes(routes), _) => self.learn_routes(at, routes),
            (Answer::Route(route), _) => self.learn_route(at, route),
            (Answer::Health(health), _) => self.learn_health(at, health),
            (Answer::Tasks(tasks), Query::Tasks(service)) => {
                self.tasks.entry(service.clone()).or_default().put(at, tasks);
            }
            (Answer::TaskDefinitions(definitions), _) => {
                for definition in definitions {
                    self.task_definitions.entry(definition.arn.clone()).or_default().put(at, definition);
                }
            }
            (Answer::Family(revisions), Query::Family(family)) => {
                self.families.entry(family.clone()).or_default().put(at, revisions);
            }
            (Answer::Deployments(deployments), Query::Deployments(service)) => {
                self.learn_deployments(at, service, deployments);
            }
            (Answer::Alarms(alarms), query) => {
                let asked = if let Query::Alarms(names) = query { names.as_slice() } else { &[] };
                self.learn_alarms(at, asked, alarms);
            }
            (Answer::Scaling(services), _) => {
                for (service, scaling) in services {
                    self.scaling.entry(service).or_default().put(at, scaling);
                }
            }
            (Answer::TargetGroups(groups), _) => {
                for group in groups {
                    self.target_groups.entry(group.arn.clone()).or_default().put(at, group);
                }
            }
            (Answer::Definition(definition), Query::Definition { arn, reveal: false }) => {
                self.definitions.entry(arn.clone()).or_default().put(at, *definition);
            }
            (Answer::Metrics(metrics), _) => self.learn_metrics(at, metrics),
            // The screen that sent the query keeps logs, and definitions with their values. An answer to another query
            // changes nothing.
            (
                Answer::Logs(_) | Answer::Tasks(_) | Answer::Family(_) | Answer::Deployments(_) | Answer::Definition(_),
                _,
            ) => {}
        }
    }

    fn learn_services(&mut self, at: Timestamp, services: Vec<Service>) {
        // An answer that arrives after a newer one changes nothing.
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
        self.services_are_coming = false;
    }

    /// Applies a part of an answer that is still coming in. The time and the failure of the last answer stay: the rest
    /// of the services is as old as before.
    fn learn_some_services(&mut self, at: Timestamp, services: Vec<Service>) {
        if self.services.value.is_none() {
            self.services.value = Some((at, BTreeMap::new()));
            self.services_are_coming = true;
        }
        services.into_iter().for_each(|service| self.learn_service(at, service));
    }

    fn learn_service(&mut self, at: Timestamp, service: Service) {
        if self.services_read.get(&service.key).is_some_and(|had| *had > at) {
            return;
        }
        self.witness(at, &service);
        self.noticed.service(at, &service);
        self.services_read.insert(service.key.clone(), at);
        if let Some((_, services)) = &mut self.services.value {
            services.insert(service.key.clone(), service);
        }
    }

    fn learn_routes(&mut self, at: Timestamp, routes: Vec<Route>) {
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

    fn learn_route(&mut self, at: Timestamp, route: Route) {
        if self.routes_read.get(&route.id).is_some_and(|had| *had > at) {
            return;
        }
        self.notice_weights(at, &route);
        self.routes_read.insert(route.id.clone(), at);
        if let Some((_, routes)) = &mut self.routes.value {
            routes.insert(route.id.clone(), route);
        }
    }

    fn learn_health(&mut self, at: Timestamp, health: Vec<(Arn, Health)>) {
        for (target_group, health) in health {
            let reading = self.health.entry(target_group.clone()).or_default();
            if reading.at().is_none_or(|had| had <= at) {
                self.noticed.health(at, &target_group, reading.get(), &health);
            }
            reading.put(at, health);
        }
    }

    fn learn_deployments(&mut self, at: Timestamp, service: &ServiceKey, deployments: Vec<ServiceDeployment>) {
        self.notice_deployments(at, service, &deployments);
        let reading = self.deployments.entry(service.clone()).or_default();
        if reading.at().is_none_or(|had| had <= at) {
            self.noticed.deployments(at, service, &deployments);
        }
        reading.put(at, deployments);
    }

    fn learn_alarms(&mut self, at: Timestamp, asked: &[String], alarms: Vec<Alarm>) {
        for name in asked.iter().filter(|name| !alarms.iter().any(|alarm| alarm.name == **name)) {
            let reading = self.alarms.entry(name.clone()).or_default();
            // The last state of a deleted alarm does not describe the present.
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

    fn learn_metrics(&mut self, at: Timestamp, metrics: Vec<(MetricSource, Series)>) {
        for (source, newer) in metrics {
            let reading = self.metrics.entry(source).or_default();
            if reading.at().is_some_and(|had| had > at) {
                continue;
            }
            let mut series = reading.get().cloned().unwrap_or_default();
            series.merge(&newer, at, METRICS_KEPT);
            reading.put(at, series);
        }
    }

    fn miss(&mut self, at: Timestamp, query: &Query, fault: &Fault) {
        match query {
            Query::Identity => self.identity.fail(at, fault.clone()),
            Query::Services | Query::Named(_) | Query::Service(_) => self.services.fail(at, fault.clone()),
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
            Query::Scaling(services) => {
                for service in services {
                    self.scaling.entry(service.clone()).or_default().fail(at, fault.clone());
                }
            }
            // The view keeps a definition with its values.
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
}
